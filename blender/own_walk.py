# SPDX-License-Identifier: GPL-3.0-or-later
"""What only Blender's own path walk lists: kinds without a reader of ours must not be lost.

https://docs.blender.org/api/current/bpy.utils.html#bpy.utils.blend_paths; who holds a path is told since 4.5.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from conductor_core.discovery.blender_places import absolute
from conductor_core.discovery.blender_reach import FileOrFolder
from conductor_core.report import Ignored

from .spoken import Spoken
from .survey import Survey, is_within, unused
from .usage import Finding, Usage, named
from .walking import safely

#: paths that are looked at in one go
_MOST = 200


def only_blender_knows(survey: Survey, spoken: Spoken) -> Iterator[list[Finding]]:
    """Yield, a few at a time, what Blender lists and no reader has spoken of."""
    import bpy

    listed = list(dict.fromkeys(bpy.utils.blend_paths(absolute=True, packed=False, local=False)))
    yield []
    unheard: dict[str, None] = {}
    for at in range(0, len(listed), _MOST):
        paths = (os.path.normpath(p) for p in listed[at : at + _MOST] if p)
        unheard |= dict.fromkeys(p for p in paths if os.path.isabs(p) and not spoken.about(p))
        yield []
    if not unheard:
        return
    holders: dict[str, tuple[str, str]] = {}
    for more in _holders(survey, unheard):
        for path, holder in more.items():
            holders.setdefault(path, holder)
        yield []
    yield [_finding(survey, path, *holders.get(path, (path, "bpy.utils.blend_paths"))) for path in sorted(unheard)]


def _finding(survey: Survey, path: str, written: str, referrer: str) -> Finding:
    if is_within(path, survey.shipped):
        return Ignored(path, "bpy.utils.blend_paths", "it ships with Blender")
    return Usage(referrer, written, path, kind="other", reach=FileOrFolder())


def _holders(survey: Survey, paths: dict[str, None]) -> Iterator[dict[str, tuple[str, str]]]:
    """Yield, for some datablocks at a time, which of the paths they hold: path → (what is written, who wrote it)."""
    import bpy

    if not hasattr(bpy.data, "file_path_map"):
        return
    held = list(bpy.data.file_path_map(include_libraries=True).items())
    for at in range(0, len(held), _MOST):
        found: dict[str, tuple[str, str]] = {}
        for datablock, texts in held[at : at + _MOST]:
            for text in texts:
                path, referrer = safely(_held, survey, datablock, text, none=("", ""))
                if path in paths:
                    found[path] = text, referrer
        yield found


def _held(survey: Survey, datablock: Any, text: str) -> tuple[str, str]:
    if unused(datablock):
        return "", ""
    return absolute(text, survey.folder_of(datablock)) or "", named(datablock)
