"""How fast a large Nuke script is scanned, and in how much memory.

    python benchmarks/nuke_speed.py [MEGABYTES]

Makes a comp of reads, merges, grades, groups, roto curves and text with expressions, in about the mix of a production script,
scans it and prints the time of the processor, peak memory of this process and what was found.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file

CURVE = " ".join(f"x{i} {i * 0.137:.6f}" for i in range(1, 60))


def part(number: int) -> str:
    """Return one element of the comp."""
    place = f" xpos {number * 110}\n ypos {number % 50}\n"
    return (
        f'Read {{\n inputs 0\n file "\\[file dirname \\[value root.name]]/plates/el{number:05d}.%04d.exr"\n first 1001\n last 1100\n'
        f' origset true\n colorspace "ACES - ACEScg"\n name Read{number}\n{place}}}\nset N{number:x} [stack 0]\n'
        f"Grade {{\n white {{1.2 1.1 1 {{{{curve {CURVE}}}}}}}\n name Grade{number}\n{place}}}\n"
        f"Group {{\n name Group{number}\n addUserKnob {{20 User}}\n addUserKnob {{7 mix l Mix}}\n mix 0.5\n{place}}}\n"
        f" Input {{\n  inputs 0\n  name Input1\n }}\n Roto {{\n  curves {{{{{{v x3f99999a}}\n  {{f 0}}\n  {{n\n   {{curvegroup Shape1 {CURVE} }}}}}}}}\n"
        f'  toolbox "selectAll {{\n  {{ selectAll str 1 ssx 1 ssy 1 sf 1 }}\n }}"\n  name Roto1\n }}\n Output {{\n  name Output1\n }}\nend_group\n'
        f'push $N{number:x}\nMerge2 {{\n inputs 2\n bbox B\n Achannels rgb\n label "\\[value operation]"\n name Merge{number}\n{place}}}\n'
    )


def script(megabytes: float) -> str:
    """Return a script of about that size."""
    parts = ["version 15.1 v3\nRoot {\n inputs 0\n first_frame 1001\n last_frame 1100\n}\n"]
    size = number = 0
    while size < megabytes * 1e6:
        parts.append(part(number))
        size += len(parts[-1])
        number += 1
    return "".join(parts) + "Write {\n file out.####.exr\n name Write1\n}\n"


def main() -> None:
    """Make, scan, print."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "comp.nk"
        path.write_text(script(megabytes), encoding="utf-8")
        # nothing lies on disk, so each frame of each Read is missing; one frame keeps the report small
        survey = Survey(str(path), frames=(1001,))
        start = time.process_time()
        report = scan_file(survey).report
        seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{megabytes:.1f} MB in {seconds:.2f} s of the processor, {peak:.0f} MB at most; {len(report.missing)} reads found")


if __name__ == "__main__":
    main()
