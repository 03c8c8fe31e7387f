# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the panel's settings in the scene: a custom property of the file's first scene, so that they are saved with it.

Setting one by Python is no undo step. An undo would put the scene back to what it was without it, so the property is put back
after each undo and redo. (Properties of the window manager, which undo leaves alone, do not survive a save.)
"""

from __future__ import annotations

import contextlib
from typing import Any

PROPERTY = "conductor_settings"
_UNDONE = ("undo_post", "redo_post")

#: file → what was remembered for it since it was opened
_remembered: dict[str, str] = {}


def remember(text: str) -> None:
    """Keep a text in the file."""
    import bpy

    keeper = _keeper()
    if keeper is None:
        return
    _remembered.clear()
    _remembered[bpy.data.filepath] = text
    _write(keeper, text)


def recall() -> str:
    """Return what is kept in the file, or ""."""
    import bpy

    texts = (scene.get(PROPERTY) for scene in bpy.data.scenes if scene.library is None)
    return next((text for text in texts if isinstance(text, str)), "")


def register() -> None:
    """Begin to guard the settings against undo."""
    import bpy

    for name in _UNDONE:
        handlers = getattr(bpy.app.handlers, name)
        if _put_back not in handlers:
            handlers.append(bpy.app.handlers.persistent(_put_back))


def unregister() -> None:
    """Stop that."""
    import bpy

    for name in _UNDONE:
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(_put_back)
    _remembered.clear()


def _put_back(*_: Any) -> None:
    """Put back what was remembered, unless another file is open."""
    import bpy

    text = _remembered.get(bpy.data.filepath)
    if text is not None and recall() != text and (keeper := _keeper()) is not None:
        _write(keeper, text)


def _keeper() -> Any:
    """Return the scene that keeps the settings: the first of the file's own that has some, or the first."""
    import bpy

    own = [scene for scene in bpy.data.scenes if scene.library is None]
    return next((s for s in own if PROPERTY in s), own[0] if own else None)


def _write(keeper: Any, text: str) -> None:
    if text:
        keeper[PROPERTY] = text
    elif PROPERTY in keeper:
        del keeper[PROPERTY]
