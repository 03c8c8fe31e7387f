# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this folder importable as `conductor_blender`, with the core beside it, and run one of its commands.

The folder above must never come to stand on `sys.path`: its `maya/` and `nuke/` would shadow the hosts' own modules.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
import traceback
import zipfile
from pathlib import Path

PACKAGE = "conductor_blender"
_HERE = Path(__file__).resolve().parent


def add_core() -> None:
    """Put the folder that holds `conductor_core` on `sys.path`, unless it is importable already.

    Looked for in the folder that CONDUCTOR_CORE names, in `core` beside this folder (a clone, an installation), and among the
    wheels that this folder brings along (a packed add-on; for an extension Blender itself has installed them).

    Raises:
        ImportError: it is in none of them.
    """
    asked = os.environ.get("CONDUCTOR_CORE", "")
    _add("conductor_core", [*([Path(asked)] if asked else []), _HERE.parent / "core"])


def add_plugins() -> None:
    """Put the folder that holds `conductor_plugins` on `sys.path`, with the core: what a frame server stands on.

    Raises:
        ImportError: one of them is nowhere.
    """
    add_core()
    _add("conductor_plugins", [_HERE.parent / "plugins"])


def add_packages() -> None:
    """Put on `sys.path` whatever else the panel stands on: its own package, and the pure-Python ones it needs.

    Raises:
        ImportError: one of them is nowhere.
    """
    add_plugins()
    for name in ("qtpy", "packaging"):
        _add(name, [_HERE.parent / "site"])


def _add(name: str, places: list[Path]) -> None:
    if importlib.util.find_spec(name) is not None:
        return
    for place in places:
        if (place / name / "__init__.py").exists():
            sys.path.append(str(place))
            return
    sys.path.extend(p for p in _bundled() if p not in sys.path)
    importlib.invalidate_caches()
    if importlib.util.find_spec(name) is None:
        tried = ", ".join(map(str, (*places, _HERE / "wheels")))
        raise ImportError(f"{name} is in none of {tried}. Install Conductor again.")


def _bundled() -> list[str]:
    """Return where the wheels that lie in this folder can be imported from: unpacked beside them, once, where one may write.

    A classic add-on's wheels are installed by nobody else. Unpacked they import ten times as fast, and are gone with the folder.
    """
    wheels = sorted((_HERE / "wheels").glob("*.whl"))
    if not wheels:
        return []
    unpacked = _HERE / "packages"
    if unpacked.is_dir():
        return [str(unpacked)]
    try:
        aside = Path(tempfile.mkdtemp(prefix=".packages-", dir=_HERE))
    except OSError:  # a folder that everybody shares: Python reads wheels as they are
        return [str(wheel) for wheel in wheels]
    try:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(aside)
        aside.chmod(0o755)
        os.replace(aside, unpacked)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        return [str(unpacked)] if unpacked.is_dir() else [str(wheel) for wheel in wheels]
    return [str(unpacked)]


def add_package() -> None:
    """Register this folder as the package `conductor_blender`, whatever the folder is called."""
    if PACKAGE in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(PACKAGE, _HERE / "__init__.py", submodule_search_locations=[str(_HERE)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{_HERE} cannot be read as a Python package.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def arguments() -> list[str]:
    """Return the arguments meant for us: behind `--` under `blender -b --python`, otherwise all."""
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]


def run(command: str) -> None:
    """Run `main(arguments)` of one of the package's modules, then leave at once.

    `os._exit`, because Blender as a module can hang while the interpreter cleans up (seen with bpy 4.2 to 5.0).
    """
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != _HERE]
    add_package()
    add_plugins()
    try:
        code: int = importlib.import_module(f"{PACKAGE}.{command}").main(arguments())
    except SystemExit as exc:  # argparse: --help, or arguments that are wrong
        code = exc.code if isinstance(exc.code, int) else 2
    except Exception:  # noqa: BLE001  the outermost border: os._exit would swallow the traceback
        traceback.print_exc()
        code = 1
    remove_temporary_folder()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def remove_temporary_folder() -> None:
    """Remove Blender's temporary folder of this session, as its own end would."""
    blender = sys.modules.get("bpy")
    folder = Path(blender.app.tempdir) if blender is not None and blender.app.tempdir else None
    # the name that Blender gives it: what a user set as the place for all temporary files is never touched
    if folder is not None and folder.name.startswith("blender_"):
        shutil.rmtree(folder, ignore_errors=True)
