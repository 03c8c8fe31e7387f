# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan the scene that is open in Blender: every path in it ends in exactly one list of the report.

Readers yield usages (read_*.py, output_paths.py); this module looks at the disk, sorts them into the report's lists, and
asks Blender's own path walk for what no reader knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from conductor_core.discovery import finding as shared
from conductor_core.discovery import judge
from conductor_core.discovery.blender_frames import SceneTime, scene_times
from conductor_core.discovery.blender_places import absolute
from conductor_core.discovery.blender_reach import Itself
from conductor_core.discovery.reach import Folder
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import DirectoryListing

from . import output_paths, read_caches, read_images, read_libraries, read_media, read_nodes
from .errors import SceneNotSaved
from .reach import shown
from .readers import findings
from .survey import Survey, is_within, shipped_folders, unused
from .usage import Finding, Usage, Written, named

_DRIVE = re.compile(r"^([A-Za-z]):[\\/]")
#: imported for the readers they register
READERS = (output_paths, read_caches, read_images, read_libraries, read_media, read_nodes)


def scan(frames: Iterable[int] = ()) -> ScanReport:
    """Return the report on the open scene for some frames; for the scenes' own ranges where none are given.

    Raises:
        SceneNotSaved: there is no file that paths could be relative to.
    """
    import bpy

    if not bpy.data.filepath:
        raise SceneNotSaved
    survey = make_survey(frames)
    listing = DirectoryListing()
    found = list(findings(survey))
    found += _only_blender_knows(survey, found, listing)
    entries = list(dict.fromkeys(entry for finding in found for entry in judged(finding, listing)))
    return ScanReport(
        scene=os.path.normpath(bpy.data.filepath),
        format="blend",
        dependencies=tuple(e for e in entries if isinstance(e, Dependency)),
        missing=tuple(e for e in entries if isinstance(e, Missing)),
        unresolved=tuple(e for e in entries if isinstance(e, Unresolved)),
        outputs=tuple(e for e in entries if isinstance(e, ScanOutput)),
        ignored=tuple(e for e in entries if isinstance(e, Ignored)),
    )


def make_survey(frames: Iterable[int] = (), folder_of: Callable[[Any], str] | None = None) -> Survey:
    """Return what readers need for the open scene."""
    import bpy

    return Survey(
        frames=scene_times(frames, map(_time, bpy.data.scenes)),
        blurred=any(s.render.use_motion_blur for s in bpy.data.scenes),
        folder_of=folder_of or home_folder,
        image_users=read_images.image_uses(),
        shipped=shipped_folders(),
    )


def home_folder(datablock: Any) -> str:
    """Return the folder that `//` means in a datablock: that of the .blend it is kept in."""
    import bpy

    library = datablock.library
    path: str = bpy.path.abspath(library.filepath) if library is not None else bpy.data.filepath
    return os.path.dirname(os.path.normpath(path))


def judged(finding: Finding, listing: DirectoryListing) -> Iterator[judge.Entry]:
    """Yield the report's entries for one finding; a sequence with gaps is a dependency and, for each gap, missing."""
    if isinstance(finding, Written):
        yield finding.output
    elif isinstance(finding, Usage):
        plain = shared.Usage(
            finding.as_written,
            finding.referrer,
            finding.kind,
            places=(finding.path,),
            reach=finding.reach,
            absent_is=finding.absent_is,
        )
        path = shown(finding.path, finding.reach)
        yield from (replace(e, path=path) if isinstance(e, Dependency) else e for e in judge.judged(plain, listing))
    else:
        yield finding


def _time(scene: Any) -> SceneTime:
    own = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    others = tuple(range(s.scene.frame_start, s.scene.frame_end + 1) for s in _scene_strips(scene))
    return SceneTime(own, scene.render.frame_map_old, scene.render.frame_map_new, others)


def _scene_strips(scene: Any) -> Iterator[Any]:
    editor = scene.sequence_editor
    if editor is not None:
        strips = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
        yield from (s for s in strips if s.type == "SCENE" and s.scene is not None and s.scene != scene)


def _only_blender_knows(survey: Survey, found: list[Finding], listing: DirectoryListing) -> Iterator[Finding]:
    """Yield what Blender's own path walk lists and no reader has spoken of, so that nothing is lost.

    https://docs.blender.org/api/current/bpy.utils.html#bpy.utils.blend_paths; who holds a path is told since 4.5.
    """
    import bpy

    spoken = _spoken_of(found, listing)
    for path in sorted({os.path.normpath(p) for p in bpy.utils.blend_paths(absolute=True, packed=False, local=False) if p}):
        if path in spoken or not os.path.isabs(path):
            continue
        if is_within(path, survey.shipped):
            yield Ignored(path, "bpy.utils.blend_paths", "it ships with Blender")
        else:
            reach = Folder() if os.path.isdir(path) else Itself()
            written, referrer = _holder(survey, path)
            yield Usage(referrer, written, path, kind="other", reach=reach)


def _spoken_of(found: list[Finding], listing: DirectoryListing) -> set[str]:
    """Return the paths that findings are about, those of ignored ones included."""
    spoken: set[str] = set()
    for finding in found:
        if isinstance(finding, Usage):
            looked = finding.reach.find(finding.path, listing)
            spoken.update((finding.path, shown(finding.path, finding.reach), *looked.files, *looked.lacking, *looked.spared))
            # `D:\tex` is `/d/tex` to a Blender that does not run on Windows.
            spoken.add(_DRIVE.sub(lambda m: f"/{m[1].lower()}/", finding.path).replace("\\", "/"))
        elif isinstance(finding, Ignored):
            spoken.update(_anywhere(finding.as_written))
    return spoken


def _anywhere(text: str) -> Iterator[str]:
    """Yield what a text may mean from the folder of the scene and of each library."""
    import bpy

    folders = [os.path.dirname(bpy.data.filepath)]
    folders += [os.path.dirname(bpy.path.abspath(lib.filepath)) for lib in bpy.data.libraries]
    yield from (p for p in (absolute(text, os.path.normpath(f)) for f in folders) if p is not None)


def _holder(survey: Survey, path: str) -> tuple[str, str]:
    """Return what is written and who wrote it, for a path that Blender lists; the path itself before 4.5."""
    import bpy

    if hasattr(bpy.data, "file_path_map"):
        for datablock, texts in bpy.data.file_path_map(include_libraries=True).items():
            for text in texts:
                if not unused(datablock) and absolute(text, survey.folder_of(datablock)) == path:
                    return text, named(datablock)
    return path, "bpy.utils.blend_paths"
