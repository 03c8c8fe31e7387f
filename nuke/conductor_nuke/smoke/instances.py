"""What an instance asks of Nuke, and render.py itself, which renders two frames in a Nuke of its own (it takes a render licence)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nuke
from conductor_nuke.smoke.calls import Try

_NOTHING = (type(None), bool, int, str)
_RENDER = Path(__file__).resolve().parents[2] / "render.py"
_SECONDS = 600


def instance_calls(folder: Path) -> Iterator[Try]:
    """Yield them in the order in which they must come."""
    script = (folder / "render.nk").as_posix()
    pictures = (folder / "rendered" / "smoke.%04d.png").as_posix()
    yield Try("a script to render", lambda: _script(pictures), (nuke.Node,))
    yield Try("addFilenameFilter", lambda: nuke.addFilenameFilter(lambda name: name), _NOTHING)
    yield Try("Knob.hasExpression", lambda: _writer()["disable"].hasExpression(), (bool,))
    yield Try("Knob.clearAnimated", lambda: _writer()["disable"].clearAnimated(), _NOTHING)
    yield Try("execute", lambda: nuke.execute(_writer(), 3, 3, 1, ["main"]), _NOTHING)
    yield Try("the picture", lambda: (folder / "rendered" / "smoke.0003.png").stat().st_size, (int,))
    yield Try("its script", lambda: nuke.scriptSaveAs(script, 1), _NOTHING)
    if not nuke.GUI:  # with a window it opens another one
        yield Try("scriptOpen", lambda: nuke.scriptOpen(script), _NOTHING)
        yield Try("render.py renders two frames", lambda: _frames(script, folder), (list,))


def _script(pictures: str) -> nuke.Node:
    nuke.scriptClear()
    nuke.createNode("Constant", "name SmokeConstant", False)
    write = nuke.createNode("Write", "name SmokeRender file_type png create_directories true", False)
    write["file"].setValue(pictures)
    return write


def _writer() -> nuke.Node:
    found = nuke.toNode("SmokeRender")
    if found is None:
        raise LookupError("SmokeRender is gone")
    return found


def _frames(script: str, folder: Path) -> list[str]:
    """Return the pictures that render.py says it has written."""
    outputs = [{"path": f"{folder.as_posix()}/rendered/smoke.####.png"}]
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
