# SPDX-License-Identifier: GPL-3.0-or-later
"""Path mapping inside an open scene: for instances where the artist's own paths cannot be shown to Blender.

Every path that a reader knows is written anew: libraries first, each reloaded, since what they link comes with them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from conductor_core.discovery.blender_places import absolute
from conductor_core.discovery.place import is_foreign
from conductor_core.paths import PathRule
from conductor_plugins.frame_server.path_mapping import artist_path, mapped

from .discover import home_folder, make_survey
from .readers import findings
from .survey import Survey
from .usage import Slot, Usage, Written

#: libraries may link libraries; Blender's own limit on the depth is far lower
_MOST_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Change:
    """One path that was written anew."""

    referrer: str
    old: str
    new: str


def rewrite_scene(rules: Sequence[PathRule], log: Callable[[str], None]) -> tuple[Change, ...]:
    """Map every path of the open scene that the rules speak of; return what was changed.

    A path relative to its .blend means a place beside the artist's .blend: where rules pull two folders apart it becomes
    absolute, otherwise it is right already and stays.
    """
    changes = _libraries(rules)
    survey = make_survey((1,), lambda datablock: artist_path(home_folder(datablock), rules))
    for finding in list(findings(survey)):
        if isinstance(finding, (Usage, Written)) and finding.slot is not None:
            changes.extend(_rewritten(finding.slot, survey, rules))
    for change in changes:
        log(f"path mapping: {change.referrer}: {change.old} -> {change.new}")
    return tuple(changes)


def _libraries(rules: Sequence[PathRule]) -> list[Change]:
    """Write the libraries' paths anew one by one: each reload may bring further libraries, and new Python objects."""
    import bpy

    changes: list[Change] = []
    tried: set[str] = set()
    for _round in range(_MOST_ROUNDS):
        for library in bpy.data.libraries:
            here = os.path.normpath(bpy.path.abspath(library.filepath))
            there = mapped(artist_path(here, rules), rules)
            if there != here and library.name not in tried and os.path.exists(there):
                tried.add(library.name)
                changes.append(Change(f'Library "{library.name}" .filepath', library.filepath, there))
                library.filepath = there
                library.reload()
                break
        else:
            return changes
    return changes


def _rewritten(slot: Slot, survey: Survey, rules: Sequence[PathRule]) -> Iterator[Change]:
    """Write a slot's path anew, and yield that, where it would lead elsewhere than the rules say."""
    old = slot.text()
    meant = old if is_foreign(old) else absolute(old, survey.folder_of(slot.owner))
    if meant is None or slot.owner.bl_rna.identifier == "Library":
        return
    there = mapped(meant, rules)
    if there not in (meant, absolute(old, home_folder(slot.owner))):
        slot.write(there)
        yield Change(slot.referrer(), old, there)
