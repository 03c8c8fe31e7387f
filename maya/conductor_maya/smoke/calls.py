"""Each question of the adapter to Maya, asked by itself of a scene made for it; a test holds this list against the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maya import cmds

#: what is tried, the call, and of which types its answer may be
Try = tuple[str, Callable[[], Any], tuple[type, ...]]
_NOTHING: type = type(None)
_LIST = (list, _NOTHING)
_TEXT = (str,)
_YES = (bool, int)
_ANY = (object,)


def calls(folder: Path) -> Iterator[Try]:
    """Yield all calls that need no window, in the order in which they must come."""
    scene = str(folder / "smoke.ma").replace("\\", "/")
    yield from _making(scene, str(folder / "wood.png").replace("\\", "/"))
    yield from _of_the_scene()
    yield from _of_nodes()
    yield from _of_attributes()
    yield from _of_plug_ins()
    yield from _of_references(str(folder / "part.ma").replace("\\", "/"))
    yield from _writing(scene, str(folder / "copy.ma").replace("\\", "/"))


def _making(scene: str, picture: str) -> Iterator[Try]:
    yield "a new scene", lambda: cmds.file(newFile=True, force=True), _ANY
    yield "a name for it", lambda: cmds.file(rename=scene), _ANY
    yield "a file texture", lambda: cmds.createNode("file", name="smokeFile"), _TEXT
    yield "its path", lambda: cmds.setAttr("smokeFile.fileTextureName", picture, type="string"), _ANY
    yield "an attribute of somebody", lambda: cmds.addAttr("smokeFile", longName="smokeNote", dataType="string"), _ANY


def _of_the_scene() -> Iterator[Try]:
    yield "file -q -sceneName", lambda: cmds.file(query=True, sceneName=True), _TEXT
    yield "file -q -modified", lambda: cmds.file(query=True, modified=True), _YES
    yield "about -batch", lambda: cmds.about(batch=True), _YES
    yield "about -majorVersion", lambda: cmds.about(majorVersion=True), (str, int)
    yield "currentTime", lambda: cmds.currentTime(query=True), (int, float)
    yield "workspace -q -rootDirectory", lambda: cmds.workspace(query=True, rootDirectory=True), _TEXT
    yield "workspace -q -fileRuleList", lambda: cmds.workspace(query=True, fileRuleList=True), _LIST
    yield "workspace -q -fileRuleEntry", lambda: cmds.workspace(query=True, fileRuleEntry="images"), _TEXT
    yield "fileInfo, set", lambda: cmds.fileInfo("conductorSmoke", "abc_-="), _ANY
    yield "fileInfo -q", lambda: cmds.fileInfo(query=True), _LIST
    yield "fileInfo KEY -q", lambda: cmds.fileInfo("conductorSmoke", query=True), _LIST
    yield "fileInfo -remove", lambda: cmds.fileInfo(remove="conductorSmoke"), _ANY
    yield "undoInfo -q -state", lambda: cmds.undoInfo(query=True, state=True), _YES
    yield "undoInfo, off", lambda: cmds.undoInfo(stateWithoutFlush=False), _ANY
    yield "undoInfo, on", lambda: cmds.undoInfo(stateWithoutFlush=True), _ANY
    yield "filePathEditor -refresh", lambda: cmds.filePathEditor(refresh=True), _ANY
    yield "filePathEditor -q -listDirectories", lambda: cmds.filePathEditor(query=True, listDirectories=""), _LIST
    yield "filePathEditor -q -listFiles", lambda: cmds.filePathEditor(query=True, listFiles="", withAttribute=True), _LIST


def _of_nodes() -> Iterator[Try]:
    yield "allNodeTypes", lambda: cmds.allNodeTypes(), (list,)
    yield "ls -type", lambda: cmds.ls(type=["file", "camera"]), (list,)
    yield "ls NAME", lambda: cmds.ls("smokeFile"), (list,)
    yield "ls PATTERN -recursive -showType", lambda: cmds.ls("s*", recursive=True, showType=True), (list,)
    yield "objExists", lambda: cmds.objExists("smokeFile"), _YES
    yield "nodeType", lambda: cmds.nodeType("smokeFile"), _TEXT
    yield "select", lambda: cmds.select("smokeFile", replace=True, noExpand=True), _ANY
    yield (
        "listConnections",
        lambda: cmds.listConnections("smokeFile.frameExtension", source=True, destination=False, plugs=True),
        _LIST,
    )


def _of_attributes() -> Iterator[Try]:
    yield "listAttr", lambda: cmds.listAttr("smokeFile"), (list,)
    yield "listAttr -userDefined", lambda: cmds.listAttr("smokeFile", userDefined=True), _LIST
    yield "listAttr -usedAsFilename", lambda: cmds.listAttr("smokeFile", usedAsFilename=True), _LIST
    name = "fileTextureName"
    yield "attributeQuery -exists", lambda: cmds.attributeQuery(name, node="smokeFile", exists=True), _YES
    yield "attributeQuery -attributeType", lambda: cmds.attributeQuery(name, node="smokeFile", attributeType=True), _TEXT
    yield "attributeQuery -shortName", lambda: cmds.attributeQuery(name, node="smokeFile", shortName=True), _TEXT
    yield "attributeQuery -storable", lambda: cmds.attributeQuery(name, node="smokeFile", storable=True), _YES
    yield "attributeQuery -multi", lambda: cmds.attributeQuery("explicitUvTiles", node="smokeFile", multi=True), _YES
    yield "attributeQuery -multi, of a text", lambda: cmds.attributeQuery(name, node="smokeFile", multi=True), _YES
    yield (
        "attributeQuery -listParent",
        lambda: cmds.attributeQuery("explicitUvTileName", node="smokeFile", listParent=True),
        _LIST,
    )
    yield "attributeQuery -listDefault", lambda: cmds.attributeQuery("frameOffset", node="smokeFile", listDefault=True), _LIST
    yield "getAttr", lambda: cmds.getAttr("smokeFile.fileTextureName"), _TEXT
    yield "getAttr -type", lambda: cmds.getAttr("smokeFile.fileTextureName", type=True), _TEXT
    yield "getAttr -multiIndices", lambda: cmds.getAttr("defaultRenderGlobals.message", multiIndices=True), _LIST


def _of_plug_ins() -> Iterator[Try]:
    yield "loadPlugin", lambda: cmds.loadPlugin("AbcImport", quiet=True), _ANY
    yield "pluginInfo -q -loaded", lambda: cmds.pluginInfo("AbcImport", query=True, loaded=True), _YES
    yield "pluginInfo -q -pluginsInUse", lambda: cmds.pluginInfo(query=True, pluginsInUse=True), _LIST
    yield "pluginInfo -q -listPlugins", lambda: cmds.pluginInfo(query=True, listPlugins=True), (list,)
    yield "pluginInfo -q -dependNode", lambda: cmds.pluginInfo("AbcImport", query=True, dependNode=True), _LIST
    yield "pluginInfo -q -version", lambda: cmds.pluginInfo("AbcImport", query=True, version=True), _TEXT
    yield "pluginInfo -q -path", lambda: cmds.pluginInfo("AbcImport", query=True, path=True), _TEXT


def _of_references(part: str) -> Iterator[Try]:
    yield "a scene to refer to", lambda: cmds.file(part, exportAll=True, type="mayaAscii", force=True), _ANY
    yield "a reference", lambda: cmds.file(part, reference=True, namespace="part"), _ANY
    yield "ls -references", lambda: cmds.ls(references=True), (list,)
    first = "partRN"
    yield (
        "referenceQuery -filename -unresolvedName",
        lambda: cmds.referenceQuery(first, filename=True, unresolvedName=True),
        _TEXT,
    )
    yield "referenceQuery -isLoaded", lambda: cmds.referenceQuery(first, isLoaded=True), _YES


def _writing(scene: str, copy: str) -> Iterator[Try]:
    yield (
        "a copy, by exportAll",
        lambda: cmds.file(
            copy, exportAll=True, preserveReferences=True, exportUnloadedReferences=True, type="mayaAscii", force=True
        ),
        _ANY,
    )
    yield "the copy is there", lambda: str(Path(copy).stat().st_size), _TEXT
    yield "the name stays", lambda: _same(cmds.file(query=True, sceneName=True), scene), _TEXT
    yield "save", lambda: cmds.file(save=True, type="mayaAscii"), _ANY
    yield "file -modified", lambda: cmds.file(modified=False), _ANY


def _same(told: object, wanted: str) -> str:
    if told != wanted:
        raise ValueError(f"{told!r}, not {wanted!r}")
    return wanted
