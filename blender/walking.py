# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk over datablocks in pieces, while the artist goes on working between them.

A datablock that is deleted meanwhile answers with ReferenceError; after an undo or another file, none of those that were listed
before may be touched at all (https://docs.blender.org/api/current/info_gotchas_crashes.html), so the walk lists them anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

#: after which of Blender's events every datablock is another one
_UPHEAVALS = ("undo_post", "redo_post", "load_post")

_seen = 0


def upheavals() -> int:
    """Return how often, while `watched`, all datablocks became others."""
    return _seen


def _count(*_: Any) -> None:
    global _seen
    _seen += 1


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Notice upheavals until the end of the block; one block within another counts each twice, which does no harm."""
    import bpy

    def noticed(*_: Any) -> None:
        _count()

    # handlers that are not persistent are taken out when another file is loaded
    handler = bpy.app.handlers.persistent(noticed)
    for name in _UPHEAVALS:
        getattr(bpy.app.handlers, name).append(handler)
    try:
        yield
    finally:
        for name in _UPHEAVALS:
            with contextlib.suppress(ValueError):
                getattr(bpy.app.handlers, name).remove(handler)


def walk(collection: str) -> Iterator[Any]:
    """Yield the datablocks of a collection of `bpy.data`, each once by its full name; those that are gone by then are left out."""
    import bpy

    done: set[str] = set()
    while True:
        state = upheavals()
        for thing in list(getattr(bpy.data, collection, ())):
            if upheavals() != state:
                break
            name = safely(getattr, thing, "name_full", none="")
            if name and name not in done:
                done.add(name)
                yield thing
        else:
            return


def safely(ask: Callable[..., Any], *arguments: Any, none: Any = ()) -> Any:
    """Return what `ask` says of a datablock among the arguments; `none` (an empty list) where it is gone."""
    try:
        return ask(*arguments)
    except ReferenceError:
        return [] if none == () else none
