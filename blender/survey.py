# SPDX-License-Identifier: GPL-3.0-or-later
"""What every reader is given: the frames of the job, the folders that `//` means, and how a place becomes a usage."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conductor_core.discovery.blender_frames import neighbours
from conductor_core.discovery.blender_numbers import NumberedPath, numbered
from conductor_core.discovery.blender_places import NOWHERE, absolute
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.reach import Reach
from conductor_core.report import Ignored, Unresolved

from .usage import Finding, Slot, Usage

NOT_USED = "nothing in the scene uses it"


@dataclass(frozen=True, slots=True)
class Survey:
    """One scan of the scene that is open in Blender."""

    #: frames at which scene time may stand, sorted
    frames: tuple[int, ...]
    #: motion blur looks at the neighbours of a frame
    blurred: bool
    #: the folder that `//` means for a datablock's own .blend
    folder_of: Callable[[Any], str]
    #: full name of an image → who reads it, with which frame settings
    image_users: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    #: folders of Blender's own installation
    shipped: tuple[str, ...] = ()

    def read(self, slot: Slot, kind: Kind, reach: Reach, *, absent_is: str = "") -> Iterator[Finding]:
        """Yield the one finding for a path that the scene reads; nothing where there is no text."""
        text = slot.text()
        if not text:
            return
        if unused(slot.owner):
            yield Ignored(text, slot.referrer(), NOT_USED)
            return
        yield self.judge(text, slot, kind, reach, absent_is=absent_is)

    def judge(self, text: str, slot: Slot, kind: Kind, reach: Reach, *, absent_is: str = "") -> Finding:
        """Return what a text in a slot is: a usage, shipped with Blender, or relative to nowhere."""
        path = absolute(text, self.folder_of(slot.owner))
        if path is None:
            return Unresolved(text, slot.referrer(), NOWHERE)
        if is_within(path, self.shipped):
            return Ignored(text, slot.referrer(), "it ships with Blender")
        return Usage(slot.referrer(), text, path, kind=kind, reach=reach, absent_is=absent_is, slot=slot)

    def numbered(self, slot: Slot, *, at_end: bool = False) -> NumberedPath | None:
        """Return the path of a slot cut at the number of its sequence; None where it has none."""
        path = absolute(slot.text(), self.folder_of(slot.owner))
        return numbered(path, at_end=at_end) if path else None

    def neighbours(self) -> tuple[int, ...]:
        """Return the frames beside the job's that motion blur may look at."""
        return neighbours(self.frames) if self.blurred else ()


def ignored(slot: Slot, reason: str) -> Iterator[Finding]:
    """Yield that a path is not sent, and why; nothing where there is no text."""
    if slot.text():
        yield Ignored(slot.text(), slot.referrer(), reason)


def unused(datablock: Any) -> bool:
    """Tell whether Blender would drop the datablock at the next save (scenes, texts and libraries it never drops)."""
    return datablock.users == 0 and datablock.bl_rna.identifier not in ("Scene", "Text", "Library", "WindowManager")


def is_within(path: str, folders: tuple[str, ...]) -> bool:
    """Tell whether a path lies in one of some folders, by components."""
    return any(os.path.commonpath((path, f)) == f for f in folders if os.path.isabs(path) and _same_drive(path, f))


@functools.lru_cache(maxsize=1)
def shipped_folders() -> tuple[str, ...]:
    """Return the folders of this Blender's own files (brushes, studio lights, fonts)."""
    import bpy

    asked = (bpy.utils.resource_path("LOCAL"), bpy.utils.resource_path("SYSTEM"), bpy.utils.system_resource("DATAFILES"))
    return tuple(os.path.normpath(p) for p in asked if p)


def _same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0].lower() == os.path.splitdrive(other)[0].lower()
