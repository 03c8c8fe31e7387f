# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan the scene that is open in Blender: every path in it ends in exactly one list of the report.

Readers yield usages (read_*.py, output_paths.py); this module asks them in pieces, turns what they say into plain values, and
asks Blender's own path walk for what no reader knows. Whether the files are there is judged elsewhere (`conductor_core.discovery.judge`):
in a thread of the panel, or right here by `scan`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from conductor_core.discovery import finding as shared
from conductor_core.discovery import judge
from conductor_core.discovery.blender_frames import SceneTime, scene_times
from conductor_core.discovery.blender_reach import Itself, TheseNames, shown
from conductor_core.discovery.reach import Reach
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import DirectoryListing

from . import output_paths, read_caches, read_images, read_libraries, read_media, read_nodes
from .errors import SceneNotSaved
from .own_walk import only_blender_knows
from .readers import groups
from .spoken import Spoken
from .survey import Survey, shipped_folders
from .usage import Finding, Usage, Written
from .walking import watched

#: imported for the readers they register
READERS = (output_paths, read_caches, read_images, read_libraries, read_media, read_nodes)
#: seconds of Blender's main thread that one piece may cost, as far as one datablock allows
PIECE = 0.004


def scan(frames: Iterable[int] = ()) -> ScanReport:
    """Return the report on the open scene for some frames; for the scenes' own ranges where none are given.

    Raises:
        SceneNotSaved: there is no file that paths could be relative to.
    """
    import bpy

    if not bpy.data.filepath:
        raise SceneNotSaved
    listing = DirectoryListing()
    found = (finding for piece in pieces(frames) for finding in piece)
    entries = list(dict.fromkeys(entry for finding in found for entry in judge.judged(finding, listing)))
    return ScanReport(
        scene=os.path.normpath(bpy.data.filepath),
        format="blend",
        dependencies=tuple(e for e in entries if isinstance(e, Dependency)),
        missing=tuple(e for e in entries if isinstance(e, Missing)),
        unresolved=tuple(e for e in entries if isinstance(e, Unresolved)),
        outputs=tuple(e for e in entries if isinstance(e, ScanOutput)),
        ignored=tuple(e for e in entries if isinstance(e, Ignored)),
    )


def pieces(frames: Iterable[int] = (), clock: Callable[[], float] = time.perf_counter) -> Iterator[list[shared.Finding]]:
    """Yield what the open scene reads and writes, as values that hold nothing of Blender's, a few milliseconds at a time.

    The disk is not looked at. Nothing is yielded for a scene without a file, whose relative paths mean nothing.
    """
    import bpy

    if not bpy.data.filepath:
        return
    with watched():
        piece: list[shared.Finding] = []
        until = clock() + PIECE
        for group in _groups(frames):
            piece += map(plain, group)
            if clock() >= until:
                yield piece
                piece = []
                until = clock() + PIECE
        yield piece


def plain(finding: Finding) -> shared.Finding:
    """Return a finding without the place in Blender where it stands, so that any thread and process may have it."""
    if isinstance(finding, Written):
        return finding.output
    if not isinstance(finding, Usage):
        return finding
    place, reach = _place(finding)
    return shared.Usage(
        finding.as_written, finding.referrer, finding.kind, places=(place,), reach=reach, absent_is=finding.absent_is
    )


def make_survey(frames: Iterable[int] = (), folder_of: Callable[[Any], str] | None = None) -> Survey:
    """Return what readers need for the open scene."""
    survey, uses = _survey(frames, folder_of)
    for _ in uses:
        pass
    return survey


def _survey(frames: Iterable[int], folder_of: Callable[[Any], str] | None = None) -> tuple[Survey, Iterator[None]]:
    """Return what readers need, and what has to be run through before they ask for an image's users."""
    import bpy

    users: dict[str, list[Any]] = {}
    survey = Survey(
        frames=scene_times(frames, map(_time, bpy.data.scenes)),
        blurred=any(s.render.use_motion_blur for s in bpy.data.scenes),
        folder_of=folder_of or home_folder,
        image_users=users,
        shipped=shipped_folders(),
    )
    return survey, read_images.gather_uses(users)


def _groups(frames: Iterable[int]) -> Iterator[list[Finding]]:
    survey, uses = _survey(frames)
    yield from ([] for _ in uses)
    spoken = Spoken()
    for group in groups(survey):
        for finding in group:
            spoken.add(finding)
        yield group
    yield from only_blender_knows(survey, spoken)


def _place(usage: Usage) -> tuple[str, Reach]:
    """Return the path as the report shows it, and how it comes to files: the only still of a strip is simply a file."""
    if isinstance(usage.reach, TheseNames) and len(usage.reach.names) == 1:
        return os.path.join(usage.path, usage.reach.names[0]), Itself()
    return shown(usage.path, usage.reach), usage.reach


def home_folder(datablock: Any) -> str:
    """Return the folder that `//` means in a datablock: that of the .blend it is kept in."""
    import bpy

    library = datablock.library
    path: str = bpy.path.abspath(library.filepath) if library is not None else bpy.data.filepath
    return os.path.dirname(os.path.normpath(path))


def _time(scene: Any) -> SceneTime:
    own = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    others = tuple(range(s.scene.frame_start, s.scene.frame_end + 1) for s in _scene_strips(scene))
    return SceneTime(own, scene.render.frame_map_old, scene.render.frame_map_new, others)


def _scene_strips(scene: Any) -> Iterator[Any]:
    editor = scene.sequence_editor
    if editor is not None:
        strips = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
        yield from (s for s in strips if s.type == "SCENE" and s.scene is not None and s.scene != scene)
