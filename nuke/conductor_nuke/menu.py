"""Conductor's entries in Nuke's menu bar, and what they call.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/custom_menus.html and, for the callbacks,
https://learn.foundry.com/nuke/developers/latest/pythondevguide/callbacks.html
"""

from __future__ import annotations

import traceback

from conductor_core.errors import ConductorError

import nuke
from conductor_nuke import docking

_MENU = "Conductor"
_SUBMIT = "Submit to Conductor"
_CHECK = "Check Files for Conductor"


def register() -> None:
    """Add the menu of our own and the entry in the Render menu, offer the panel in the panes, and follow the script."""
    bar = nuke.menu("Nuke")
    menu = bar.addMenu(_MENU)
    menu.addCommand(_SUBMIT, submit)
    menu.addCommand(_CHECK, check_files)
    render = bar.findItem("Render")
    if render is not None:
        render.addCommand(_SUBMIT, submit)
    docking.register()
    for follow in (nuke.addOnScriptLoad, nuke.addOnScriptSave, nuke.addOnScriptClose):
        follow(docking.script_changed)


def submit() -> None:
    """Show the panel."""
    _show("")


def check_files() -> None:
    """Show the files that the script needs, and those that are missing: the panel looks for them without making Nuke wait."""
    _show("Files")


def _show(section: str) -> None:
    from conductor_plugins.host import HostRefused

    try:
        docking.show(section)
    except (ConductorError, HostRefused, ImportError) as exc:
        nuke.message(str(exc))
    except Exception as exc:  # noqa: BLE001 - the host's callback: Nuke would tell of it in a window full of code
        traceback.print_exc()
        nuke.message(f"Conductor's panel could not be opened: {exc}")
