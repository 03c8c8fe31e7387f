"""What is asked of Maya in MEL: procedures and variables of its own interface, and flags that want a script as a text.

Maya keeps shelves and the layout of its windows in its preferences; a script that is to be kept there must be a text, and the
published stubs take the flags for such scripts (`uiScript`, `command`) for Python functions alone.
"""

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


def add_shelf_button(shelf: str, label: str, hint: str, python: str) -> None:
    """Add a button to a shelf, which Maya keeps with it.

    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Commands/shelfButton.html (command, sourceType)
    """
    flags = {"parent": shelf, "label": label, "annotation": hint, "imageOverlayLabel": label[:4], "image1": "render.png"}
    flags |= {"sourceType": "python", "command": python}
    mel.eval("shelfButton " + " ".join(f"-{flag} {_text(value)}" for flag, value in flags.items()))


def add_dock(name: str, label: str, *, width: int, height: int, fill: str, leave: str) -> None:
    """Make a part of Maya's window, which Maya makes anew at its start where it was left, and fills by the Python in `fill`.

    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/Commands/workspaceControl.html (uiScript, closeCommand, retain)
    """
    scripts = f"-uiScript {_text(_python(fill))} -closeCommand {_text(_python(leave))}"
    size = f"-initialWidth {width} -initialHeight {height}"
    mel.eval(f"workspaceControl -label {_text(label)} -retain false -floating true {size} {scripts} {_text(name)}")


def _variable(name: str) -> str:
    """Return a global variable of MEL; what an assignment is given is what it answers."""
    return str(mel.eval(f"$conductor = ${name}") or "")


def _python(code: str) -> str:
    return f"python({_text(code)})"


def _text(value: str) -> str:
    r"""Return a text as MEL writes it: quotes, backslashes and line ends escaped, as in JSON."""
    return json.dumps(value, ensure_ascii=False)
