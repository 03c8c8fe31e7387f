"""Tell the panel when another scene is open, or the scene was saved.

https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html#addEventCallback
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import hou

_listener: list[Callable[[], None]] = []
#: something in it: what happens now is our own doing
_ours: list[None] = []


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Tell nobody of what is saved meanwhile: a copy is not the scene."""
    _ours.append(None)
    try:
        yield
    finally:
        _ours.pop()


def watch_scene(changed: Callable[[], None]) -> None:
    """Call `changed` after a scene was loaded, cleared or saved; one such listener is enough."""
    _listener[:] = [changed]
    if _on_event not in hou.hipFile.eventCallbacks():
        hou.hipFile.addEventCallback(_on_event)


def stop_watching() -> None:
    """Listen no more."""
    _listener.clear()
    if _on_event in hou.hipFile.eventCallbacks():
        hou.hipFile.removeEventCallback(_on_event)


def _on_event(event: hou.EnumValue) -> None:
    if not _ours and event in (hou.hipFileEventType.AfterLoad, hou.hipFileEventType.AfterClear, hou.hipFileEventType.AfterSave):
        for changed in tuple(_listener):
            changed()
