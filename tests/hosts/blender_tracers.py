"""What other tracers list in a .blend: each in a process of its own, none of them a dependency of ours.

BAT is GPL, and an oracle of the tests only. The newer tracers want Python 3.13: an environment with `bpy==5.2.3` and
`blender-asset-tracer==2.2.1`, whose folder CONDUCTOR_TRACERS names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BAT = "blender-asset-tracer==1.23"
PATIENCE = 240
#: opens each scene, and prints what Blender's own walk lists
_WALK = """
import json, os, sys
import bpy
found = {}
for scene in sys.argv[1:]:
    bpy.ops.wm.open_mainfile(filepath=scene, load_ui=False)
    found[scene] = list(bpy.utils.blend_paths(absolute=True, packed=False, local=False))
print("\\n" + json.dumps(found))
sys.stdout.flush()
os._exit(0)
"""
#: asks BAT's own module, of whichever version
_BAT = """
import json, pathlib, sys, logging
logging.disable(logging.CRITICAL)
from blender_asset_tracer import trace
found = {}
for scene in sys.argv[1:]:
    try:
        usages = list(trace.deps(pathlib.Path(scene)))
    except Exception as exc:
        print(scene, exc, file=sys.stderr)
        continue
    found[scene] = [str(f) for u in usages for f in u.files()]
print("\\n" + json.dumps(found))
"""
#: BAT 2 runs in a Blender of its own, whose chatter is among the lines of its answer
_BAT_2 = """
import json, os, pathlib, subprocess, sys
found = {}
for scene in sys.argv[1:]:
    bat = os.path.join(os.path.dirname(sys.executable), "bat")
    done = subprocess.run([bat, "--", "-q", "list", "--flat", "--project", "/", scene], capture_output=True, text=True)
    top = str(pathlib.Path(scene).parents[2])
    lines = ["/" + line.strip().lstrip("/") for line in done.stdout.splitlines()]
    if done.returncode == 0:
        found[scene] = [line for line in lines if line.startswith(top)]
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True)
class Tracer:
    """Somebody else who finds dependencies."""

    python: Path
    code: str

    def listed(self, scenes: Sequence[Path]) -> dict[str, list[str]]:
        """Return the paths that it lists, by scene; a scene that it cannot read is not among them."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = [str(self.python), "-c", self.code, *map(str, scenes)]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, env=environment, check=False
        )
        lines = done.stdout.strip().splitlines()
        assert "".join(lines[-1:]).startswith("{"), done.stderr[-2000:]
        found: dict[str, list[str]] = json.loads(lines[-1])
        return found


def tracer(name: str, bpy_python: Callable[[str], Path], version: str) -> Tracer | str:
    """Return a tracer by its name, or why it is not to be had here."""
    newer = os.environ.get("CONDUCTOR_TRACERS", "")
    if name == "walk":
        return Tracer(bpy_python(version), _WALK)
    if name == "bat-1":
        python = bat_1()
        return Tracer(python, _BAT) if python else f"{BAT} is not installed (CI=true python3 install.py test makes it)"
    if not newer:
        return "CONDUCTOR_TRACERS names no environment with bpy 5.2 and BAT 2"
    return Tracer(Path(newer) / "bin" / "python", _WALK if name == "walk-5.2" else _BAT_2)


def bat_1() -> Path | None:
    """Return the Python of the environment with BAT 1.23, None where there is none: the full run makes it (install.py)."""
    folder = REPO / ".conductor" / "peers" / "bat-1.23"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    works = [str(python), "-c", "import blender_asset_tracer, zstandard"]
    return python if python.exists() and subprocess.run(works, capture_output=True, check=False).returncode == 0 else None
