# SPDX-License-Identifier: GPL-3.0-or-later
"""Have this Blender use the plug-in folders of a job: its add-ons are enabled, its modules can be imported.

A folder may be a script directory of Blender's (`addons`, `startup`, `modules` in it), a folder of add-ons, or the folder of
one add-on. Blender's own ways differ from 3.4 to 5.0 (one script directory, several, BLENDER_SYSTEM_SCRIPTS with three
meanings); sys.path and `addon_utils.enable` mean the same in all of them, and in Blender as a module.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from conductor_plugins.frame_server.errors import ScriptFailed
from conductor_plugins.frame_server.startup import place_of, reason_of

#: folders, as the runner sets it (service/conductor_service/search_paths.py)
VARIABLE = "CONDUCTOR_BLENDER_PLUG_INS"
_MANIFEST = "blender_manifest.toml"
#: what Blender itself looks for in a script directory (manual, "Blender's Directory Layout", path layout)
_PARTS = ("addons", "startup", "modules")
_ENOUGH = 1 << 20

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A Python module in a plug-in folder."""

    name: str
    #: its file, or its folder
    path: str


def plug_in_folders(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the folders that the job's scripts and plug-in packages name, the most important first."""
    return tuple(dict.fromkeys(folder for folder in environment.get(VARIABLE, "").split(os.pathsep) if folder))


def load_plug_ins(folders: Sequence[str], log: Log) -> None:
    """Enable the add-ons in these folders and register their startup modules; once enabled they stay, whatever is loaded.

    Of two of one name that in the earlier folder counts, and both come before what Blender itself has.

    Raises:
        ScriptFailed: one cannot be enabled here: a scene without it would be rendered wrongly, and nobody told.
    """
    for folder in reversed(folders):
        if not os.path.isdir(folder):
            raise ScriptFailed("Plug-in folder", folder, 0, "there is no such folder")
        _put_on_path(folder)
    # Only now: an add-on may import what lies in another of the folders.
    used: dict[str, Found] = {}
    for folder in folders:
        for act, modules in ((_register, startup_modules(folder)), (_enable, addons(folder))):
            for found in modules:
                if (other := used.setdefault(found.name, found)) == found:
                    act(found, log)
                else:
                    log(f"{found.path} is not used: {other.path} comes first")


def _put_on_path(folder: str) -> None:
    """Have Python look into a plug-in folder first; beside a single add-on may lie anything, so there it looks last."""
    if is_addon(folder):
        sys.path.extend(place for place in (os.path.dirname(folder),) if place not in sys.path)
    sys.path[:0] = [place for place in places(folder) if place not in sys.path]


def places(folder: str) -> tuple[str, ...]:
    """Return the folders from which modules of a plug-in folder are imported."""
    parts = [path for part in _PARTS if os.path.isdir(path := os.path.join(folder, part))]
    return tuple(parts) if is_addon(folder) else (folder, *parts)


def addons(folder: str) -> tuple[Found, ...]:
    """Return the add-ons of a plug-in folder, by name."""
    if is_addon(folder):
        return (Found(os.path.basename(folder), folder),)
    inner = os.path.join(folder, "addons")
    return tuple(m for place in (folder, inner) if os.path.isdir(place) for m in _modules(place) if is_addon(m.path))


def startup_modules(folder: str) -> tuple[Found, ...]:
    """Return the modules that Blender would register at its start, had it this script directory."""
    place = os.path.join(folder, "startup")
    return tuple(_modules(place)) if os.path.isdir(place) else ()


def is_addon(path: str) -> bool:
    """Tell whether a module is an add-on: it says so in `bl_info`, or in an extension's manifest."""
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, _MANIFEST)):
            return True
        path = os.path.join(path, "__init__.py")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return any(line.startswith("bl_info") for line in file.read(_ENOUGH).splitlines())
    except OSError:
        return False


def _modules(place: str) -> Iterator[Found]:
    for name in sorted(os.listdir(place)):
        path = os.path.join(place, name)
        stem, ending = os.path.splitext(name)
        if ending == ".py" and stem.isidentifier() and os.path.isfile(path):
            yield Found(stem, path)
        elif name.isidentifier() and os.path.isfile(os.path.join(path, "__init__.py")):
            yield Found(name, path)


def _enable(addon: Found, log: Log) -> None:
    import bpy  # noqa: F401  as a module it is what makes `addon_utils` importable
    import addon_utils  # isort: skip

    loaded = sys.modules.get(addon.name)
    if loaded is not None and _is_of(addon, loaded) and getattr(loaded, "__addon_enabled__", False):
        return
    if loaded is not None and not _is_of(addon, loaded) and hasattr(loaded, "bl_info"):
        log(f"add-on {addon.name} of {addon.path} takes the place of {loaded.__file__}")
        addon_utils.disable(addon.name, default_set=True)
        for name in [n for n in sys.modules if n == addon.name or n.startswith(f"{addon.name}.")]:
            del sys.modules[name]
    elif loaded is not None:
        _check_place(addon, loaded)
    errors: list[BaseException] = []
    # In the preferences too, for as long as this process lives: an add-on may keep its own there.
    module = addon_utils.enable(addon.name, default_set=True, persistent=True, handle_error=errors.append)
    if module is None:
        error = errors[-1] if errors else RuntimeError("Blender refuses it")
        raise _failed("Add-on", addon, error)
    _check_place(addon, module)
    log(f"add-on {addon.name} of {addon.path} is enabled")


def _register(found: Found, log: Log) -> None:
    again = found.name in sys.modules
    try:
        module = importlib.import_module(found.name)
        _check_place(found, module)
        if again:
            return
        if hasattr(module, "register"):
            module.register()
    except ScriptFailed:
        raise
    except Exception as exc:
        raise _failed("Startup module", found, exc) from exc
    log(f"startup module {found.path} is registered")


def _check_place(found: Found, module: ModuleType) -> None:
    """Refuse a module of the same name from elsewhere: it is not what the artist has sent along."""
    if not _is_of(found, module):
        other = getattr(module, "__file__", None) or "a part of Python"
        raise ScriptFailed("Plug-in", found.path, 0, f"the name {found.name!r} is taken by {other}")


def _is_of(found: Found, module: ModuleType) -> bool:
    file = getattr(module, "__file__", None) or ""
    return file == found.path or file.startswith(found.path + os.sep)


def _failed(what: str, found: Found, exc: BaseException) -> ScriptFailed:
    traceback.print_exception(type(exc), exc, exc.__traceback__)
    return ScriptFailed(what, *place_of(exc, found.path), reason_of(exc))
