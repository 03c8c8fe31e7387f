"""Each call that render.py makes, by itself; then render.py as an instance starts it, which renders two frames."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from conductor_maya.bootstrap import ABOVE
from maya import cmds, mel

#: what is tried, the call, and of which types its answer may be
Try = tuple[str, Callable[[], Any], tuple[type, ...]]
_LIST: tuple[type, ...] = (list, type(None))
_ANY = (object,)
_SECONDS = 600
#: renderer → its plug-in, and the command that render.py gives it
_RENDERERS = {
    "arnold": ("mtoa", "arnoldRender"),
    "vray": ("vrayformaya", "vrend"),
    "redshift": ("redshift4maya", "rsRender"),
    "renderman": ("RenderManForMaya.py", ""),
}


def render_calls(folder: Path) -> Iterator[Try]:
    """Yield what an instance asks of Maya."""
    scene = (folder / "render.ma").as_posix()
    (folder / "project").mkdir(exist_ok=True)
    project = (folder / "project").as_posix()
    yield "a new scene to render", lambda: cmds.file(newFile=True, force=True), _ANY
    yield from _paths(project)
    yield "ls -cameras", lambda: cmds.ls(cameras=True), (list,)
    yield "listRelatives -parent -path", lambda: cmds.listRelatives("perspShape", parent=True, path=True), (list,)
    yield "current layer", lambda: cmds.editRenderLayerGlobals(query=True, currentRenderLayer=True), (str,)
    yield "make a layer current", lambda: cmds.editRenderLayerGlobals(currentRenderLayer="defaultRenderLayer"), _ANY
    yield "getAttr -lock", lambda: cmds.getAttr("defaultRenderGlobals.startFrame", lock=True), (bool, int)
    yield "setAttr -lock", lambda: cmds.setAttr("defaultRenderGlobals.startFrame", lock=False), _ANY
    yield "setAttr, a number", lambda: cmds.setAttr("defaultRenderGlobals.animation", cast("str", 1)), _ANY
    yield "setAttr, a text", lambda: cmds.setAttr("defaultRenderGlobals.imageFilePrefix", "smoke", type="string"), _ANY
    for attribute in ("endFrame", "byFrameStep", "modifyExtension", "extensionPadding", "putFrameBeforeExt", "preMel"):
        yield f"defaultRenderGlobals.{attribute}", partial(_setting, attribute), _ANY
    yield "currentTime, set", lambda: cmds.currentTime(3), _ANY
    yield "render -batch", lambda: cmds.render("persp", batch=True, layer="defaultRenderLayer"), _ANY
    yield "ogsRender", _ogs, _ANY
    yield "a name for it", lambda: cmds.file(rename=scene), _ANY
    yield "saved", lambda: cmds.file(save=True, type="mayaAscii"), _ANY
    yield "file -open", lambda: cmds.file(scene, open=True, force=True, prompt=False), _ANY
    for renderer, (plug_in, command) in _RENDERERS.items():
        yield f"{renderer}, if it is here", partial(_renderer, plug_in, command), (str,)
    if cmds.about(batch=True):
        yield "render.py renders two frames", lambda: _frames(scene, folder), (list,)


def _paths(project: str) -> Iterator[Try]:
    yield "dirmap -q -getAllMappings", lambda: cmds.dirmap(query=True, getAllMappings=True), _LIST
    yield "dirmap -enable", lambda: cmds.dirmap(enable=True), _ANY
    yield "dirmap -mapDirectory", lambda: cmds.dirmap(mapDirectory=("/smoke/theirs/", f"{project}/")), _ANY
    yield "dirmap -unmapDirectory", lambda: cmds.dirmap(unmapDirectory="/smoke/theirs/"), _ANY
    yield "workspace -openWorkspace", lambda: cmds.workspace(project, openWorkspace=True), _ANY
    yield "workspace -fileRule", lambda: cmds.workspace(fileRule=("images", f"{project}/images")), _ANY


def _setting(attribute: str) -> object:
    return cmds.getAttr(f"defaultRenderGlobals.{attribute}")


def _ogs() -> object:
    return cmds.ogsRender(camera="persp", layer="defaultRenderLayer", width=64, height=36, frame=3.0, noRenderView=True)


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
