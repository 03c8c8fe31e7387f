# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether the scene has changes that are not in its file.

Blender's own flag (`bpy.data.is_dirty`) is taken back by a notifier, when its event loop comes round after a save: right after
one it still says *modified*, and in a Blender without an event loop for ever. So a save that we made ourselves is remembered until
the flag is down, or something in the scene changes.
"""

from __future__ import annotations

import contextlib
from typing import Any

_CHANGES = ("depsgraph_update_post", "undo_post", "redo_post", "load_post")

_saved_here = False


def is_modified() -> bool:
    """Tell whether there are changes that are not saved."""
    import bpy

    dirty = bool(bpy.data.is_dirty)
    if not dirty:
        forget()
    return dirty and not _saved_here


def was_saved() -> None:
    """Take note that the scene was saved just now."""
    import bpy

    global _saved_here
    forget()
    _saved_here = True
    for name in _CHANGES:
        getattr(bpy.app.handlers, name).append(bpy.app.handlers.persistent(_changed))


def forget() -> None:
    """Have Blender's flag count again."""
    import bpy

    global _saved_here
    _saved_here = False
    for name in _CHANGES:
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(_changed)


def _changed(*_: Any) -> None:
    forget()
