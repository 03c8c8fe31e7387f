"""The entries in Houdini's main menu bar and on the shelf: submit the scene, check what it needs."""

from __future__ import annotations

import traceback

import hou

_TITLE = "Conductor"


def submit() -> None:
    """Show the panel; whatever keeps it from coming up is said to the artist."""
    _show("")


def check_files() -> None:
    """Show the files that the scene needs, and those that are missing: the panel looks for them without making Houdini wait."""
    _show("Files")


def _show(section: str) -> None:
    try:
        from conductor_houdini.bootstrap import add_packages

        add_packages()
        from conductor_houdini.docking import show

        show(section)
    except Exception as exc:  # noqa: BLE001 - the border: Houdini would only print it, to a console that artists do not see
        traceback.print_exc()
        say(f"The panel cannot be opened: {exc}", wrong=True)


def say(sentence: str, *, wrong: bool = False) -> None:
    """Show a sentence to the artist; without a window, in the console."""
    if not hou.isUIAvailable():
        print(f"{_TITLE}: {sentence}")
        return
    severity = hou.severityType.Warning if wrong else hou.severityType.Message
    hou.ui.displayMessage(sentence, severity=severity, title=_TITLE)
