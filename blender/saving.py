# SPDX-License-Identifier: GPL-3.0-or-later
"""Save the scene, or a copy of it as it is now.

The copy is Blender's own *Save Copy*: https://docs.blender.org/api/current/bpy.ops.wm.html#bpy.ops.wm.save_as_mainfile.
Neither the scene's name, nor its modified flag, nor the list of recent files changes. `relative_remap=False` leaves `//tex.png` as
it stands: the copy is submitted under the scene's own path, so its relative paths are those of that place.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from . import modified


def save() -> None:
    """Save the scene under its own name.

    Raises:
        HostRefused: it has none, or the file cannot be written.
    """
    import bpy
    from conductor_plugins.host import HostRefused

    path = _path()
    with _in_a_window():
        try:
            result = bpy.ops.wm.save_mainfile()
        except RuntimeError as exc:
            raise HostRefused(f"Blender cannot save {path} ({_reason(exc)}). Save it under another name.") from exc
    if "FINISHED" not in result:
        raise HostRefused(f"Blender did not save {path}. Save it by File > Save, then submit again.")
    modified.was_saved()


def snapshot(file: str) -> str:
    """Write the scene as it is now, unsaved changes included, to `file`, and return the scene's own path.

    Raises:
        HostRefused: the scene was never saved, or `file` cannot be written.
    """
    import bpy
    from conductor_plugins.host import HostRefused

    path = _path()
    if os.path.normcase(os.path.abspath(file)) == os.path.normcase(path):
        raise HostRefused(f"A copy of {path} cannot be written over the scene itself. Choose another place.")
    _make_way(file)
    compress = bool(bpy.context.preferences.filepaths.use_file_compression)
    with _in_a_window():
        try:
            result = bpy.ops.wm.save_as_mainfile(
                filepath=file, copy=True, compress=compress, relative_remap=False, check_existing=False
            )
        except RuntimeError as exc:
            raise HostRefused(
                f"Blender cannot write a copy to {file} ({_reason(exc)}). Make room there, or look at your rights to it."
            ) from exc
    if "FINISHED" not in result or not os.path.isfile(file):
        raise HostRefused(f"Blender did not write a copy to {file}. Save the scene, then submit again.")
    return path


def _make_way(file: str) -> None:
    """Remove an older copy: Blender would keep it beside the new one, as `.blend1`."""
    from conductor_plugins.host import HostRefused

    try:
        with contextlib.suppress(FileNotFoundError):
            os.remove(file)
    except OSError as exc:
        raise HostRefused(f"{file} cannot be replaced ({exc.strerror}). Choose another place.") from exc


def _path() -> str:
    import bpy
    from conductor_plugins.host import HostRefused

    if not bpy.data.filepath:
        raise HostRefused("The scene has no name yet. Save it under one first: File > Save As.")
    return os.path.normpath(str(bpy.data.filepath))


@contextlib.contextmanager
def _in_a_window() -> Iterator[None]:
    """Give operators a window: a timer, which calls all of this, is in none."""
    import bpy

    windows = bpy.context.window_manager.windows
    if bpy.context.window is not None or not len(windows):
        yield
        return
    with bpy.context.temp_override(window=windows[0]):
        yield


def _reason(exc: RuntimeError) -> str:
    return " ".join(str(exc).replace("Error:", "").split()).rstrip(".")
