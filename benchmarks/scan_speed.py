"""How fast a large Maya scene in text is scanned, and in how much memory.

    python benchmarks/scan_speed.py [MEGABYTES]

Makes a scene of meshes (vertices, faces, UVs), animation curves, strings on every node, textures and references, in about the
mix of a production scene, scans it in a process of its own and prints MB/s, peak memory and what was found.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NUMBERS = " ".join(f"{i * 0.137:.7f}" for i in range(12))
LINE = "\t\t " + NUMBERS + "\n"


def mesh(number: int) -> str:
    """Return a mesh as Maya writes it: some strings, a great many numbers."""
    vertices = "".join(f'\tsetAttr ".vt[{i * 166}:{i * 166 + 165}]"\n{LINE * 42}\t\t;\n' for i in range(6))
    faces = "".join(
        f'\tsetAttr ".fc[{i * 500}:{i * 500 + 499}]" -type "polyFaces" \n'
        + "\t\tf 4 1 2 3 4\n\t\tmu 0 4 1 2 3 4\n" * 250
        + "\t\t;\n"
        for i in range(2)
    )
    return (
        f'createNode transform -n "prop_{number}";\n\trename -uid "0A0EE5B9-4678-CEAD-A90E-{number:012X}";\n'
        '\tsetAttr ".t" -type "double3" 1.25 0 -3.5 ;\n'
        f'createNode mesh -n "prop_{number}Shape" -p "prop_{number}";\n\trename -uid "1A0EE5B9-4678-CEAD-A90E-{number:012X}";\n'
        '\tsetAttr -k off ".v";\n\tsetAttr ".vir" yes;\n\tsetAttr ".vif" yes;\n\tsetAttr ".uvst[0].uvsn" -type "string" "map1";\n'
        '\tsetAttr ".cuvs" -type "string" "map1";\n\tsetAttr ".dcc" -type "string" "Ambient+Diffuse";\n'
        f'\tsetAttr -s 996 ".vt";\n{vertices}{faces}'
        '\tsetAttr ".ai_translator" -type "string" "polymesh";\n'
    )


def curves(number: int) -> str:
    """Return animation curves: small nodes, many of them."""
    return "".join(
        f'createNode animCurveTL -n "prop_{number}_t{axis}";\n\trename -uid "2A0EE5B9-4678-CEAD-A90E-{number:012X}";\n'
        f'\tsetAttr ".tan" 18;\n\tsetAttr -s 24 ".ktv[0:23]"  {NUMBERS}\n\t\t {NUMBERS};\n'
        for axis in "xyz"
    )


def texture(number: int) -> str:
    """Return a texture with its placement and connections."""
    return (
        f'createNode file -n "file{number}";\n\trename -uid "3A0EE5B9-4678-CEAD-A90E-{number:012X}";\n'
        f'\tsetAttr ".ftn" -type "string" "sourceimages/prop_{number}.exr";\n\tsetAttr ".cs" -type "string" "ACEScg";\n'
        f'createNode place2dTexture -n "place{number}";\n'
        f'connectAttr "place{number}.o" "file{number}.uv";\nconnectAttr "file{number}.oc" "blinn{number}.c";\n'
    )


def make_scene(path: Path, size: int) -> int:
    """Write a scene of about `size` bytes; return how many textures it has."""
    number = 0
    with path.open("w") as file:
        written = file.write('//Maya ASCII 2024 scene\n//Codeset: UTF-8\nrequires maya "2024";\ncurrentUnit -l centimeter;\n')
        while written < size:
            written += file.write(mesh(number) + curves(number))
            if number % 4 == 0:
                written += file.write(texture(number))
            number += 1
        file.write('select -ne :defaultRenderGlobals;\n\tsetAttr ".an" yes;\n\tsetAttr ".ef" 48;\n// End\n')
    return (number + 3) // 4


def scan(path: str) -> None:
    """Scan one file and print what it cost."""
    from conductor_core.discovery.survey import Survey
    from conductor_core.formats import scan_file

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, busy = time.perf_counter(), time.process_time()
    report = scan_file(Survey(path)).report
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    size = os.path.getsize(path) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = len(report.dependencies) + len(report.missing)
    print(f"{size:.0f} MB in {seconds:.2f} s: {size / seconds:.0f} MB/s, and {size / busy:.0f} MB/s of processor time")
    print(f"peak memory {peak / 1024:.0f} MB, {before / 1024:.0f} MB of it before the scan")
    print(f"{found} files named")


def main() -> None:
    """Make the scene, scan it in a process of its own, remove it."""
    if len(sys.argv) > 2:
        scan(sys.argv[2])
        return
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 500_000_000
    with tempfile.TemporaryDirectory(prefix="conductor-scan-speed-") as folder:
        path = Path(folder, "large.ma")
        print(f"{make_scene(path, size)} textures in {path.stat().st_size / 1e6:.0f} MB")
        subprocess.run([sys.executable, __file__, "scan", str(path)], check=True)


if __name__ == "__main__":
    main()
