"""Conductor's menu in Maya's main menu bar, its shelf, and what both call."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import maya.utils as utils
from conductor_plugins.host import HostRefused

from conductor_maya import docking, mel_calls, session
from conductor_maya.host import MayaHost
from maya import cmds

#: plug-ins in Python are known by the name of their file
PLUG_IN = "conductor_submitter.py"
MENU = "ConductorMenu"
SHELF = "Conductor"
_SUBMIT = ("Submit to Conductor", "Set frames and machines, and send this scene to the render farm")
_CHECK = ("Check Files for Conductor", "List the files this scene needs, and those that are missing")
#: a text, since Maya keeps shelves in its preferences; the stubs take the flag for functions alone
_SUBMITTED: Any = "import conductor_entry; conductor_entry.submit()"
#: after which the panel reads the scene anew (scriptJob, events)
_EVENTS = ("SceneOpened", "NewSceneOpened", "SceneSaved")

_jobs: list[int] = []


def start() -> None:
    """Load the plug-in as soon as Maya has made its window."""
    utils.executeDeferred(_load)


def _load() -> None:
    if not cmds.pluginInfo(PLUG_IN, query=True, loaded=True):
        cmds.loadPlugin(PLUG_IN, quiet=True)


def add() -> None:
    """Add the menu to the main menu bar, the button to a shelf of our own, and follow the scene."""
    if cmds.menu(MENU, exists=True):
        cmds.deleteUI(MENU, menu=True)
    menu = cmds.menu(MENU, label="Conductor", parent=mel_calls.main_window(), tearOff=True)
    for (label, hint), call in ((_SUBMIT, submit), (_CHECK, check_files)):
        cmds.menuItem(label=label, annotation=hint, parent=str(menu), command=_without_arguments(call))
    _add_shelf()
    for event in _EVENTS:
        # not from within Maya's own handling of the event: other scripts that follow it have not run yet
        _jobs.append(int(str(cmds.scriptJob(event=(event, lambda: utils.executeDeferred(docking.scene_changed))))))


def _add_shelf() -> None:
    """Add a shelf with the button, unless there is one: Maya keeps it, and the artist may change it."""
    tabs = mel_calls.shelf_tabs()
    if not tabs or cmds.shelfLayout(SHELF, exists=True):
        return
    chosen = cmds.shelfTabLayout(tabs, query=True, selectTab=True)
    shelf = cmds.shelfLayout(SHELF, parent=tabs)
    label, hint = _SUBMIT
    cmds.shelfButton(
        parent=str(shelf),
        label=label,
        annotation=hint,
        imageOverlayLabel="Submit",
        image1="render.png",
        sourceType="python",
        command=_SUBMITTED,
    )
    if chosen:
        # Maya brings a new shelf to the front
        cmds.shelfTabLayout(tabs, edit=True, selectTab=str(chosen))


def remove() -> None:
    """Take menu and panel away; the shelf stays, since it is the artist's."""
    for job in _jobs:
        if cmds.scriptJob(exists=job):
            cmds.scriptJob(kill=job, force=True)
    _jobs.clear()
    docking.close()
    if cmds.menu(MENU, exists=True):
        cmds.deleteUI(MENU, menu=True)


def submit() -> None:
    """Show the panel."""
    _guarded(lambda: docking.show(MayaHost()))


def fill() -> None:
    """Fill Conductor's part of Maya's window, which Maya has made anew."""
    _guarded(lambda: docking.fill(MayaHost()))


def leave() -> None:
    """Close the panel."""
    _guarded(docking.leave)


def check_files() -> None:
    """Show the files that the scene needs, and those that are missing: the panel looks for them without making Maya wait."""
    _guarded(lambda: docking.show(MayaHost(), "Files"))


def _guarded(call: Callable[[], None]) -> None:
    try:
        call()
    except HostRefused as exc:
        _say(str(exc))
    except Exception as exc:  # noqa: BLE001 - the host's callback: Maya would say it in the Script Editor alone
        traceback.print_exc()
        _say(f"Conductor made a mistake ({type(exc).__name__}: {exc}). The Script Editor says more.")


def _without_arguments(call: Callable[[], None]) -> Callable[..., None]:
    """Return a call for a menu: Maya hands over whether the entry is checked."""
    return lambda *_: call()


def _say(sentence: str) -> None:
    """Show a sentence to the artist; without a window, in the output."""
    print(f"Conductor: {sentence}")
    if session.has_window():
        cmds.confirmDialog(title="Conductor", message=sentence, button="OK")
