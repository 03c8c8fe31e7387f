"""The calls of what renders on the farm, and one small picture by Maya's own renderer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from conductor_maya.smoke.calls import Try
from conductor_maya.smoke.instances import instance_calls
from maya import cmds

_ANY = (object,)
_TEXT = (str,)


def render_calls(folder: Path) -> Iterator[Try]:
    """Yield them in the order in which they must come."""
    place = folder.as_posix()
    scene = str(folder / "render.ma").replace("\\", "/")
    yield "about -minorVersion", lambda: cmds.about(minorVersion=True), (str, int)
    yield "a scene to render", lambda: cmds.file(newFile=True, force=True), _ANY
    yield "its name", lambda: cmds.file(rename=scene), _ANY
    yield "its file", lambda: cmds.file(save=True, type="mayaAscii"), _ANY
    yield "file -open -prompt 0", lambda: cmds.file(scene, open=True, force=True, prompt=False), _ANY
    yield "workspace -openWorkspace", lambda: cmds.workspace(place, openWorkspace=True), _ANY
    yield "workspace -fileRule", lambda: cmds.workspace(fileRule=("images", f"{place}/images")), _ANY
    yield from _mapping(place)
    yield from _layers_and_cameras()
    yield from _attributes()
    yield "currentTime FRAME", lambda: cmds.currentTime(3), _ANY
    yield "render -batch", lambda: cmds.render("persp", batch=True, layer="defaultRenderLayer"), _ANY
    yield "the picture is there", lambda: _pictures(folder / "images"), _TEXT
    yield (
        "ogsRender",
        lambda: cmds.ogsRender(camera="persp", layer="defaultRenderLayer", width=64, height=64, frame=3.0, noRenderView=True),
        _ANY,
    )
    yield from instance_calls(scene, folder)


def _mapping(place: str) -> Iterator[Try]:
    yield "dirmap -enable", lambda: cmds.dirmap(enable=True), _ANY
    yield "dirmap -mapDirectory", lambda: cmds.dirmap(mapDirectory=("/conductor-smoke/", f"{place}/")), _ANY
    yield "dirmap -q -getAllMappings", lambda: cmds.dirmap(query=True, getAllMappings=True), (list,)
    yield "dirmap -unmapDirectory", lambda: cmds.dirmap(unmapDirectory="/conductor-smoke/"), _ANY


def _layers_and_cameras() -> Iterator[Try]:
    yield (
        "editRenderLayerGlobals -q -currentRenderLayer",
        lambda: cmds.editRenderLayerGlobals(query=True, currentRenderLayer=True),
        _TEXT,
    )
    yield (
        "editRenderLayerGlobals -currentRenderLayer",
        lambda: cmds.editRenderLayerGlobals(currentRenderLayer="defaultRenderLayer"),
        _ANY,
    )
    yield "ls -cameras", lambda: cmds.ls(cameras=True), (list,)
    yield "listRelatives -parent -path", lambda: cmds.listRelatives("perspShape", parent=True, path=True), (list,)


def _attributes() -> Iterator[Try]:
    width = "defaultResolution.width"
    yield "getAttr -lock", lambda: cmds.getAttr(width, lock=True), (bool, int)
    yield "setAttr -lock", lambda: cmds.setAttr(width, lock=False), _ANY
    yield "setAttr NUMBER", lambda: cmds.setAttr(width, cast("str", 64)), _ANY
    yield "setAttr, the other", lambda: cmds.setAttr("defaultResolution.height", cast("str", 64)), _ANY
    yield "setAttr TEXT", lambda: cmds.setAttr("defaultRenderGlobals.imageFilePrefix", "smoke", type="string"), _ANY


def _pictures(folder: Path) -> str:
    found = [f.name for f in folder.rglob("smoke*")]
    if not found:
        raise FileNotFoundError(f"no smoke.* below {folder}")
    return ", ".join(found)
