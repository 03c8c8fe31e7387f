"""What is asked of Maya in MEL: procedures and variables of its own interface, which no Python command tells."""

from __future__ import annotations

import json

from maya import mel


def main_window() -> str:
    """Return the name of Maya's main window (https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/menu.html)."""
    return _variable("gMainWindow")


def shelf_tabs() -> str:
    """Return the name of what holds the shelves (scripts/others/shelf.mel of Maya, `gShelfTopLevel`)."""
    return _variable("gShelfTopLevel")


def show_in_attribute_editor(node: str) -> None:
    """Show a node in the Attribute Editor (scripts/others/showEditor.mel of Maya, `showEditorExact`)."""
    mel.eval(f"showEditorExact({_text(node)})")


def _variable(name: str) -> str:
    """Return a global variable of MEL; what an assignment is given is what it answers."""
    return str(mel.eval(f"$conductor = ${name}") or "")


def _text(value: str) -> str:
    r"""Return a text as MEL writes it: quotes, backslashes and line ends escaped, as in JSON."""
    return json.dumps(value, ensure_ascii=False)
