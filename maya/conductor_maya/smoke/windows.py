"""The calls that need Maya's window: menu, shelf, dialog, docking. The panel is shown until the dialog is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import maya.utils as utils

from conductor_maya import bootstrap, mel_calls
from conductor_maya.smoke.calls import Try
from maya import OpenMayaUI, cmds, mel

_MENU, _DOCK, _SHELF = "ConductorSmokeMenu", "ConductorSmokeDock", "ConductorSmoke"
_ANY = (object,)
_YES = (bool, int)
#: a text is right for Maya, and not for the stubs
_SCRIPT: Any = "pass"


def window_calls() -> Iterator[Try]:
    """Yield them in the order in which they must come."""
    yield from _menu()
    yield from _shelf()
    yield from _dock()
    yield "scriptJob -event", lambda: cmds.scriptJob(event=("SceneOpened", _nothing)), (int,)
    yield "scriptJob -exists", lambda: cmds.scriptJob(exists=1), _YES
    yield "scriptJob -kill", _killed, _ANY
    yield "executeDeferred", lambda: utils.executeDeferred(_nothing), _ANY
    yield "the Attribute Editor", lambda: mel.eval('showEditorExact("smokeFile")'), _ANY
    yield "the panel, docked", _panel, (str,)
    yield "confirmDialog (please look, and press a button)", _asked, (str,)
    yield "the panel, closed", _closed, (str,)


def _menu() -> Iterator[Try]:
    yield "$gMainWindow", mel_calls.main_window, (str,)
    main = mel_calls.main_window()
    yield "a menu", lambda: cmds.menu(_MENU, label="Conductor smoke", parent=main, tearOff=True), (str,)
    yield "its entry", lambda: cmds.menuItem(label="Smoke", annotation="a hint", parent=_MENU, command=_nothing), (str,)
    yield "menu -exists", lambda: cmds.menu(_MENU, exists=True), _YES
    yield "deleteUI -menu", lambda: cmds.deleteUI(_MENU, menu=True), _ANY


def _shelf() -> Iterator[Try]:
    yield "$gShelfTopLevel", mel_calls.shelf_tabs, (str,)
    tabs = mel_calls.shelf_tabs()
    yield "shelfLayout -exists", lambda: cmds.shelfLayout(_SHELF, exists=True), _YES
    yield "shelfTabLayout -q -selectTab", lambda: cmds.shelfTabLayout(tabs, query=True, selectTab=True), (str,)
    yield "a shelf", lambda: cmds.shelfLayout(_SHELF, parent=tabs), (str,)
    yield "its button", _button, (str,)
    yield "shelfTabLayout -e -selectTab", lambda: cmds.shelfTabLayout(tabs, edit=True, selectTab=_SHELF), _ANY
    yield "deleteUI, the shelf", lambda: cmds.deleteUI(_SHELF, layout=True), _ANY


def _dock() -> Iterator[Try]:
    yield (
        "workspaceControl",
        lambda: cmds.workspaceControl(
            _DOCK,
            label="Conductor smoke",
            retain=False,
            floating=True,
            initialWidth=300,
            initialHeight=200,
            uiScript=_SCRIPT,
            closeCommand=_SCRIPT,
        ),
        _ANY,
    )
    yield "workspaceControl -q -exists", lambda: cmds.workspaceControl(_DOCK, query=True, exists=True), _YES
    yield "workspaceControl -e -restore", lambda: cmds.workspaceControl(_DOCK, edit=True, restore=True), _ANY
    yield "findControl", lambda: OpenMayaUI.MQtUtil.findControl(_DOCK), _ANY
    yield "deleteUI -control", lambda: cmds.deleteUI(_DOCK, control=True), _ANY


def _button() -> object:
    return cmds.shelfButton(
        parent=_SHELF,
        label="Smoke",
        annotation="a hint",
        imageOverlayLabel="Smok",
        image1="render.png",
        sourceType="python",
        command=_SCRIPT,
    )


def _panel() -> str:
    """Show the panel as the menu does; return what it lies in."""
    bootstrap.add_packages()
    from qtpy.QtWidgets import QApplication

    from conductor_maya import docking
    from conductor_maya.host import MayaHost

    docking.show(MayaHost())
    QApplication.processEvents()
    panel = docking.shown()
    if panel is None or panel.isWindow() or not panel.isVisible():
        raise LookupError("the panel is not in its part of the window")
    return f"{panel.width()} x {panel.height()}, {panel.palette().window().color().name()}"


def _asked() -> object:
    message = "Is Conductor's panel open, as a part of Maya that can be docked, in Maya's colours?"
    return cmds.confirmDialog(title="Conductor", message=message, button="Yes")


def _closed() -> str:
    from conductor_maya import docking

    docking.close()
    if docking.shown() is not None:
        raise LookupError("the panel stays")
    return "gone"


def _killed() -> object:
    job = cmds.scriptJob(event=("SceneSaved", _nothing))
    return cmds.scriptJob(kill=int(str(job)), force=True)


def _nothing(*_: object) -> None:
    """Stand in for what Conductor does."""
