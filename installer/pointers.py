"""How each application is led to Conductor: by a pointer to the installed folder, never by a copy inside of the application."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from installer.changes import Block, Change, OwnFile
from installer.core import Application, Machine, pointer_file
from installer.errors import InstallError

_BLENDER = '''# Made by Conductor's installer; taken away again by: install.py remove
"""Lead Blender to Conductor, which is installed elsewhere: Blender runs this file when it starts."""

import importlib.util
import os
import sys

FOLDER = {folder}
NAME = "conductor_blender"


def _package():
    file = os.path.join(FOLDER, "__init__.py")
    if NAME not in sys.modules:
        if not os.path.exists(file):
            print("Conductor is not at " + FOLDER + " (any more): install it again, or remove " + __file__)
            return None
        spec = importlib.util.spec_from_file_location(NAME, file, submodule_search_locations=[FOLDER])
        module = importlib.util.module_from_spec(spec)
        sys.modules[NAME] = module
        spec.loader.exec_module(module)
    return sys.modules[NAME]


def _is_an_extension_too():
    import bpy

    return any(name.rpartition(".")[2] == "conductor" for name in bpy.context.preferences.addons.keys())


def register():
    package = None if _is_an_extension_too() else _package()
    if package is not None:
        package.register()


def unregister():
    package = sys.modules.pop(NAME, None)
    if package is not None:
        package.unregister()
'''


def pointer(application: Application, payload: Path, machine: Machine, *, shipped: Path) -> Change:
    """Return the change that leads one application to the folder `payload`, which has, or will have, what `shipped` has.

    Raises:
        InstallError: what is shipped for it is not as it must be.
    """
    path = machine.local(pointer_file(application, machine))
    return _POINTERS[application.host](path, payload / application.host, shipped / application.host)


def studio_variables(host: str, payload: Path) -> dict[str, str]:
    """Return the variables by which a studio's launcher leads an application to a shared folder; lists are to be appended to."""
    adapter = str(payload / host)
    return {
        "maya": {"MAYA_MODULE_PATH": adapter},
        "nuke": {"NUKE_PATH": adapter},
        "houdini": {"HOUDINI_PACKAGE_DIR": adapter},
        "blender": {"BLENDER_SYSTEM_SCRIPTS": str(payload / "blender-scripts")},
    }[host]


def blender_startup(adapter: Path) -> str:
    """Return the file that Blender runs at its start, for a folder that holds the add-on."""
    return _BLENDER.format(folder=ascii(str(adapter)))


def _maya(path: Path, adapter: Path, shipped: Path) -> Change:
    """A module file as it is shipped, its place made absolute (https://help.autodesk.com: "Distributing Maya modules")."""
    module = shipped / "conductor.mod"
    text, found = re.subn(r"(?m)^(\+ .*) \.$", lambda m: f"{m[1]} {adapter}", module.read_text(encoding="utf-8"))
    if not found:
        raise InstallError(f"{module} has no line that ends in ' .', for the place of the module.")
    return OwnFile(path, text)


def _nuke(path: Path, adapter: Path, _shipped: Path) -> Change:
    return Block(path, f"import nuke\nnuke.pluginAddPath({adapter.as_posix()!a})")


def _houdini(path: Path, adapter: Path, _shipped: Path) -> Change:
    """A package that names another folder of packages (sidefx.com/docs/houdini/ref/plugins.html, `package_path`)."""
    return OwnFile(path, json.dumps({"package_path": [adapter.as_posix()]}, indent=4) + "\n")


def _blender(path: Path, adapter: Path, _shipped: Path) -> Change:
    return OwnFile(path, blender_startup(adapter))


_POINTERS: dict[str, Callable[[Path, Path, Path], Change]] = {
    "maya": _maya,
    "nuke": _nuke,
    "houdini": _houdini,
    "blender": _blender,
}
