"""Make importable what the adapter stands on: core, plugins and the pure-Python packages beside this folder.

In a clone they are the folders `core` and `plugins`; in an installation there is `site` too (qtpy, packaging). Standard library
only, and no host: the programs that render import it as well.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

#: the folder that holds `maya`, `core`, `plugins` …
ABOVE = Path(__file__).resolve().parents[2]


def add_core() -> None:
    """Put the folder that holds `conductor_core` on `sys.path`, unless it is importable already.

    Raises:
        ImportError: it is neither where CONDUCTOR_CORE says nor beside this folder.
    """
    asked = os.environ.get("CONDUCTOR_CORE", "")
    _add("conductor_core", [*([Path(asked)] if asked else []), ABOVE / "core"])


def add_plugins() -> None:
    """Put the folder that holds `conductor_plugins` on `sys.path`, with the core: what a frame server stands on.

    Raises:
        ImportError: one of them is nowhere.
    """
    add_core()
    _add("conductor_plugins", [ABOVE / "plugins"])


def add_packages() -> None:
    """Put on `sys.path` whatever else the panel stands on, and have qtpy use the Qt that Maya has.

    Raises:
        ImportError: one of them is nowhere.
    """
    add_plugins()
    for name in ("qtpy", "packaging"):
        _add(name, [ABOVE / "site"])
    # Maya 2025 and later have PySide6, those before PySide2
    if "QT_API" not in os.environ:
        os.environ["QT_API"] = "pyside6" if importlib.util.find_spec("PySide6") else "pyside2"


def _add(name: str, places: list[Path]) -> None:
    if importlib.util.find_spec(name) is not None:
        return
    for place in places:
        if (place / name / "__init__.py").exists():
            # last: what the studio has put on the path comes first
            sys.path.append(str(place))
            return
    raise ImportError(f"{name} is in none of {', '.join(map(str, places))}. Install Conductor again.")
