"""Put on `sys.path` what this folder stands on: core and plugins beside it, and the pure-Python packages of an installation.

In a clone and in an installation they lie in the same places, relative to this file.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

#: the folder that Nuke has on its plug-in path
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NEEDED = (("conductor_core", "core"), ("conductor_plugins", "plugins"))
#: only the panel needs them; a Nuke without a window does without
_FOR_THE_PANEL = (("qtpy", "site"), ("packaging", "site"))
_BINDINGS = ("PySide6", "PySide2")


def add_packages() -> None:
    """Make core and plugins importable; the folder that CONDUCTOR_CORE names comes first.

    Raises:
        ImportError: they are not there.
    """
    for name, folder in _NEEDED:
        asked = os.environ.get("CONDUCTOR_CORE", "") if folder == "core" else ""
        if not _add(name, (asked, _beside(folder))):
            raise ImportError(f"{name} is not in {_beside(folder)}. Install Conductor again.")


def add_panel_packages() -> None:
    """Make importable what the panel needs beside them, and have it use the Qt that Nuke has.

    Raises:
        ImportError: it is not there.
    """
    add_packages()
    # qtpy takes the binding that is loaded. Nuke 16 has PySide6, those before PySide2
    binding = next((name for name in _BINDINGS if importlib.util.find_spec(name) is not None), None)
    if binding is None:
        raise ImportError("This Nuke has neither PySide6 nor PySide2, which Conductor's panel is made with.")
    if not any(name in sys.modules for name in _BINDINGS):
        importlib.import_module(f"{binding}.QtCore")
    for name, folder in _FOR_THE_PANEL:
        if not _add(name, (_beside(folder),)):
            raise ImportError(f"{name} is not in {_beside(folder)}. Install Conductor: python install.py")


def _beside(folder: str) -> str:
    return os.path.join(os.path.dirname(_HERE), folder)


def _add(name: str, places: tuple[str, ...]) -> bool:
    if importlib.util.find_spec(name) is not None:
        return True
    for place in filter(None, places):
        if os.path.isfile(os.path.join(place, name, "__init__.py")):
            sys.path.append(place)
            return True
    return False
