"""What an instance starts: the renderers that are here, and render.py itself, which renders two frames in a Maya of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from conductor_maya.bootstrap import ABOVE
from conductor_maya.smoke.calls import Try
from maya import cmds, mel

_SECONDS = 600
#: renderer → its plug-in, and the command that render.py gives it
_RENDERERS = {
    "arnold": ("mtoa", "arnoldRender"),
    "vray": ("vrayformaya", "vrend"),
    "redshift": ("redshift4maya", "rsRender"),
    "renderman": ("RenderMan_for_Maya.py", ""),
}


def instance_calls(scene: str, folder: Path) -> Iterator[Try]:
    """Yield them; the scene is saved."""
    for renderer, (plug_in, command) in _RENDERERS.items():
        yield f"{renderer}, if it is here", partial(_renderer, plug_in, command), (str,)
    # with a window `sys.executable` is Maya, not a Python
    if cmds.about(batch=True):
        yield "render.py renders two frames", lambda: _frames(scene, folder), (list,)


def _renderer(plug_in: str, command: str) -> str:
    """Return what is known of a renderer here; render.py's command for it must be one that Maya knows."""
    try:
        cmds.loadPlugin(plug_in, quiet=True)
    except RuntimeError:
        return "not here"
    if command and not str(mel.eval(f"whatIs {command}")).startswith(("Command", "Mel procedure", "Script")):
        raise ValueError(f"{plug_in} is loaded, and Maya knows no {command}")
    return f"{plug_in} {cmds.pluginInfo(plug_in, query=True, version=True)}"


def _frames(scene: str, folder: Path) -> list[str]:
    """Return the pictures that render.py says it has written."""
    outputs = [{"path": f"{folder.as_posix()}/rendered/smoke.####.iff"}]
    step = {"name": "masterLayer", "frames": "1-2", "outputs": outputs, "parameters": {"camera": "perspShape"}}
    asked: list[dict[str, Any]] = [{"do": "load", "scene": scene, "step": step, "path_map": [], "startup": []}]
    asked += [{"do": "render", "frame": 1}, {"do": "render", "frame": 2}, {"do": "quit"}]
    words = "".join(json.dumps(request) + "\n" for request in asked)
    program = str(ABOVE / "maya" / "render.py")
    done = subprocess.run([sys.executable, program], input=words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    written = [str(path) for event in said if event["event"] == "done" for path in event["outputs"]]
    if len(written) < 2:
        raise ValueError(f"{[e for e in said if e['event'] != 'progress']} {done.stderr[-1500:]}")
    return written
