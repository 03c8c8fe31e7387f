"""What an instance starts: render.py, which renders two frames in a Nuke of its own (it takes a render licence)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nuke
from conductor_nuke.smoke.calls import Try

_RENDER = Path(__file__).resolve().parents[2] / "render.py"
_SECONDS = 600


def instance_calls(folder: Path) -> Iterator[Try]:
    """Yield the one try; the script of `rendering` is in the folder. With a window Nuke has no render licence to give."""
    if not nuke.GUI:
        yield Try("render.py renders two frames", lambda: _frames((folder / "render.nk").as_posix(), folder), (list,))


def _frames(script: str, folder: Path) -> list[str]:
    """Return the pictures that render.py says it has written."""
    outputs = [{"path": f"{folder.as_posix()}/rendered/smoke.####.exr"}]
    step = {"name": "SmokeRender", "frames": "1-2", "outputs": outputs, "parameters": {"write": "SmokeRender"}}
    asked: list[dict[str, Any]] = [{"do": "load", "scene": script, "step": step, "path_map": [], "startup": []}]
    asked += [{"do": "render", "frame": 1}, {"do": "render", "frame": 2}, {"do": "quit"}]
    words = "".join(json.dumps(request) + "\n" for request in asked)
    command = [str(nuke.EXE_PATH), "-t", str(_RENDER)]
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    written = [str(path) for event in said if event["event"] == "done" for path in event["outputs"]]
    if len(written) < 2:
        raise ValueError(f"{[e for e in said if e['event'] != 'progress']} {done.stderr[-1500:]}")
    return written
