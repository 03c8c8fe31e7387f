"""Make importable what the adapter stands on: core and plugins beside this folder, and the pure-Python packages of the panel.

Houdini knows this package by `conductor.json`, which puts the folder above on PYTHONPATH; the rest is found relative to it, in a
clone and in an installation alike. The folder above those must never come to stand on `sys.path`: its `maya/` and `nuke/` would
shadow those hosts' own modules.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

#: the folder that is installed: in it lie `houdini`, `core`, `plugins`, `site`
_TOP = Path(__file__).resolve().parents[2]
#: package → folder in the one above
_WHERE = {"conductor_core": "core", "conductor_plugins": "plugins", "qtpy": "site", "packaging": "site"}


#: what a frame server stands on
_ON_THE_FARM = ("conductor_core", "conductor_plugins")


def add_packages() -> None:
    """Put on `sys.path` what is not importable yet; CONDUCTOR_CORE names another place of the core.

    Raises:
        ImportError: a package is nowhere.
    """
    _add(_WHERE)


def add_plugins() -> None:
    """Put core and plugins on `sys.path`: what a frame server stands on.

    Raises:
        ImportError: one of them is nowhere.
    """
    _add({name: _WHERE[name] for name in _ON_THE_FARM})


def _add(packages: Mapping[str, str]) -> None:
    for name, folder in packages.items():
        if importlib.util.find_spec(name) is not None:
            continue
        asked = os.environ.get("CONDUCTOR_CORE", "") if name == "conductor_core" else ""
        places = [*([Path(asked)] if asked else []), _TOP / folder]
        place = next((p for p in places if (p / name / "__init__.py").exists()), None)
        if place is None:
            raise ImportError(f"{name} is in none of {', '.join(map(str, places))}. Install Conductor again.")
        sys.path.append(str(place))
        importlib.invalidate_caches()
