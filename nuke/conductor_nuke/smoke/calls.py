"""Each call of Nuke's that the adapter makes, alone, with what it has to answer.

A test holds the names here against those in the adapter's code, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nuke

#: bool is an int to Python
_NUMBER = (int, float)
NOTHING = (type(None), bool, int, str)


class Try(NamedTuple):
    """One thing to try."""

    #: as Foundry's pages name it
    name: str
    call: Callable[[], Any]
    #: what the answer has to be
    kinds: tuple[type, ...]


def calls(folder: Path) -> Iterator[Try]:
    """Yield the calls; each relies on those before it."""
    yield from _program()
    yield from _script(folder)
    yield from _nodes()
    yield from _knobs()
    yield from _changes(folder)


def _program() -> Iterator[Try]:
    yield Try("NUKE_VERSION_STRING", lambda: nuke.NUKE_VERSION_STRING, (str,))
    yield Try("GUI", lambda: nuke.GUI, (bool,))
    yield Try(
        "flags",
        lambda: [nuke.WRITE_NON_DEFAULT_ONLY, nuke.WRITE_ALL, nuke.INVISIBLE, nuke.NO_UNDO],
        (list,),
    )
    for add in (nuke.addOnScriptLoad, nuke.addOnScriptSave, nuke.addOnScriptClose):
        yield Try(add.__name__, lambda add=add: add(_nothing), NOTHING)  # type: ignore[misc]


def _script(folder: Path) -> Iterator[Try]:
    yield Try("scriptClear", nuke.scriptClear, NOTHING)
    yield Try("root", nuke.root, (nuke.Root,))
    yield Try("Root.firstFrame", lambda: nuke.root().firstFrame(), _NUMBER)
    yield Try("Root.lastFrame", lambda: nuke.root().lastFrame(), _NUMBER)
    yield Try("Root.modified", lambda: nuke.root().modified(), (bool,))
    yield Try("frame", nuke.frame, _NUMBER)
    yield Try("views", nuke.views, (list,))
    yield Try("Root.nodes", lambda: nuke.root().nodes(), (list,))
    yield Try("scriptSaveAs", lambda: nuke.scriptSaveAs(str(folder / "calls.nk"), 1), NOTHING)
    yield Try("the script's name", lambda: nuke.root()["name"].value(), (str,))


def _nodes() -> Iterator[Try]:
    yield Try("a Read", _read, (nuke.Node,))
    yield Try("a group", lambda: nuke.createNode("Group", "name Smoke", False), (nuke.Group,))
    yield Try("toNode", lambda: nuke.toNode("SmokeRead"), (nuke.Node,))
    yield Try("Node.Class", lambda: _node().Class(), (str,))
    yield Try("Node.name", lambda: _node().name(), (str,))
    yield Try("Node.fullName", lambda: _node().fullName(), (str,))
    yield Try("Node.inputs", lambda: _write().inputs(), _NUMBER)
    yield Try("Node.input", lambda: _write().input(0), (nuke.Node,))
    yield Try("Node.knobs", lambda: _node().knobs(), (dict,))
    yield Try("Node.knob", lambda: _node().knob("file"), (nuke.File_Knob,))
    yield Try("Node.knob that is not there", lambda: _node().knob("nobody"), (type(None),))
    yield Try("Node.writeKnobs", lambda: _node().writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY | nuke.WRITE_ALL), (str,))
    yield Try("Node.parent", lambda: _node().parent(), (nuke.Group,))
    yield Try("Group.node", lambda: nuke.root().node("SmokeRead"), (nuke.Node,))
    yield Try("Group.node that is not there", lambda: nuke.root().node("nobody"), (type(None),))
    yield Try("Gizmo.filename", lambda: nuke.Gizmo.filename, (object,))


def _knobs() -> Iterator[Try]:
    yield Try("Knob.Class", lambda: _node()["file"].Class(), (str,))
    yield Try("Knob.label", lambda: _node()["file"].label(), (str, type(None)))
    yield Try(
        "classes of knobs",
        lambda: [nuke.String_Knob, nuke.Array_Knob, nuke.FreeType_Knob, nuke.Font_Knob, nuke.MultiView_Knob],
        (list,),
    )
    yield Try("Knob.isAnimated", lambda: _node()["last"].isAnimated(), (bool,))
    yield Try("Knob.hasExpression", lambda: _node()["last"].hasExpression(), (bool,))
    yield Try("Knob.toScript of a text", lambda: _node()["file"].toScript(), (str,))
    yield Try("Knob.toScript of a number", lambda: _node()["last"].toScript(), (str,))
    yield Try("Knob.toScript of a switch", lambda: _node()["disable"].toScript(), (str,))
    yield Try("String_Knob.getText", lambda: _file().getText(), (str,))
    yield Try("Knob.getValueAt", lambda: _node()["last"].getValueAt(3), _NUMBER)
    yield Try("File_Knob.getEvaluatedValue", _evaluated, (str,))
    yield Try("EvalString_Knob.evaluate", lambda: _file().evaluate(), (str,))
    yield Try("File_Knob is an EvalString_Knob", lambda: isinstance(_file(), nuke.EvalString_Knob) or None, (bool,))
    yield Try("Link_Knob.getLink", lambda: nuke.Link_Knob("smoke_link").getLink(), (str, type(None)))


def _changes(folder: Path) -> Iterator[Try]:
    yield Try("Undo.disable", nuke.Undo.disable, NOTHING)
    yield Try("Root.addKnob", lambda: nuke.root().addKnob(_hidden()), NOTHING)
    yield Try("Knob.setValue", lambda: nuke.root()["conductor_smoke"].setValue("text"), NOTHING)
    yield Try("Undo.enable", nuke.Undo.enable, NOTHING)
    yield Try("String_Knob.unsplitView", lambda: _file().unsplitView(nuke.views()[0]), NOTHING)
    yield Try("Root.setModified", lambda: nuke.root().setModified(True), NOTHING)
    yield Try("Node.setSelected", lambda: _node().setSelected(True), NOTHING)
    yield Try("selectedNodes", nuke.selectedNodes, (list,))
    yield Try("scriptSaveToTemp", lambda: nuke.scriptSaveToTemp(str(folder / "copy.nk")), NOTHING)
    yield Try("the copy", lambda: (folder / "copy.nk").read_text(encoding="utf-8"), (str,))
    yield Try("scriptSave", lambda: nuke.scriptSave(), NOTHING)
    if nuke.GUI:
        yield from _window()


def _window() -> Iterator[Try]:
    yield Try("menu", lambda: nuke.menu("Nuke"), (object,))
    yield Try("Menu.addMenu", lambda: nuke.menu("Nuke").addMenu("Conductor's smoke test"), (object,))
    yield Try("Menu.addCommand", lambda: nuke.menu("Nuke").addCommand("Conductor's smoke test/Nothing", _nothing), (object,))
    yield Try("Menu.findItem", lambda: nuke.menu("Nuke").findItem("Render"), (nuke.Menu,))
    yield Try("getPaneFor", lambda: nuke.getPaneFor("Properties.1"), (object,))
    yield Try("xpos, ypos", lambda: [_node().xpos(), _node().ypos()], (list,))
    yield Try("screenWidth, screenHeight", lambda: [_node().screenWidth(), _node().screenHeight()], (list,))
    yield Try("showDag", lambda: nuke.showDag(_group()), NOTHING)
    yield Try("zoom", lambda: nuke.zoom(1.0, [0, 0]), (*_NUMBER, type(None)))
    yield Try("show", lambda: nuke.show(_node()), NOTHING)
    yield Try("message: close the window that comes", lambda: nuke.message("Conductor's smoke test"), NOTHING)


def _read() -> nuke.Node:
    read = nuke.createNode("Read", "name SmokeRead", False)
    read["file"].setValue("[file dirname [value root.name]]/plate.####.exr")
    write = nuke.createNode("Write", "name SmokeWrite", False)
    write.setInput(0, read)
    return read


def _node() -> nuke.Node:
    return nuke.root()["name"].node() if (found := nuke.toNode("SmokeRead")) is None else found


def _write() -> nuke.Node:
    return _node() if (found := nuke.toNode("SmokeWrite")) is None else found


def _group() -> nuke.Node:
    return _node() if (found := nuke.toNode("Smoke")) is None else found


def _file() -> nuke.File_Knob:
    knob = _node().knob("file")
    if not isinstance(knob, nuke.File_Knob):
        raise TypeError(f"Read.file is a {type(knob).__name__}")
    return knob


def _evaluated() -> Any:
    context = nuke.OutputContext()
    context.setFrame(7)
    context.setView(context.viewFromName(nuke.views()[0]))
    return _file().getEvaluatedValue(context)


def _hidden() -> nuke.Knob:
    knob = nuke.String_Knob("conductor_smoke", "")
    knob.setFlag(nuke.INVISIBLE)
    knob.setFlag(nuke.NO_UNDO)
    return knob


def _nothing() -> None:
    return None
