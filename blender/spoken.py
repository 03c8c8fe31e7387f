# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell which paths readers have spoken of, by rules alone: the disk is slow, and this is asked on Blender's main thread."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.discovery.blender_numbers import NumberedPath, tile_path
from conductor_core.discovery.blender_places import absolute
from conductor_core.discovery.blender_reach import Itself, Numbers, TheseNames, Tiles, shown
from conductor_core.discovery.reach import Folder, NamesIn
from conductor_core.report import Ignored

from .survey import is_within
from .usage import Finding, Usage

_DRIVE = re.compile(r"^([A-Za-z]):[\\/]")


class Spoken:
    """The paths that findings are about, those of ignored ones included."""

    def __init__(self) -> None:
        """Take the scene's own folder and those of its libraries, from which a text may be meant."""
        import bpy

        homes = [bpy.data.filepath, *(bpy.path.abspath(lib.filepath) for lib in bpy.data.libraries)]
        self._homes = tuple(dict.fromkeys(os.path.dirname(os.path.normpath(home)) for home in homes))
        self._paths: set[str] = set()
        self._folders: dict[str, None] = {}
        self._caches: dict[tuple[str, NamesIn], None] = {}
        self._sequences: dict[NumberedPath, None] = {}

    def add(self, finding: Finding) -> None:
        """Take what a reader said."""
        if isinstance(finding, Ignored):
            self._paths.update(p for p in (absolute(finding.as_written, home) for home in self._homes) if p is not None)
        if not isinstance(finding, Usage):
            return
        self._paths.update(_named(finding))
        reach = finding.reach
        if isinstance(reach, Folder):
            self._folders[finding.path] = None
        elif isinstance(reach, NamesIn):
            self._caches[finding.path, reach] = None
        elif isinstance(reach, Numbers) and reach.wanted is None:
            self._sequences[reach.path] = None

    def about(self, path: str) -> bool:
        """Tell whether a reader has spoken of an absolute path."""
        return (
            path in self._paths
            or is_within(path, tuple(self._folders))
            or any(_is_of_cache(path, folder, reach) for folder, reach in self._caches)
            or any(_is_of_sequence(path, sequence) for sequence in self._sequences)
        )


def _named(usage: Usage) -> Iterator[str]:
    path, reach = usage.path, usage.reach
    yield path
    yield shown(path, reach)
    # `D:\\tex` is `/d/tex` to a Blender that does not run on Windows
    yield _DRIVE.sub(lambda m: f"/{m[1].lower()}/", path).replace("\\", "/")
    if isinstance(reach, Itself):
        yield from (os.path.splitext(path)[0] + extension for extension in reach.beside)
    elif isinstance(reach, Numbers):
        yield from (reach.path.at(n) for n in (*(reach.wanted or ()), *reach.welcome))
    elif isinstance(reach, Tiles):
        yield from (tile_path(path, n) for n in reach.numbers)
    elif isinstance(reach, TheseNames):
        yield from (os.path.join(path, name) for name in (*reach.names, *reach.spared))


def _is_of_cache(path: str, folder: str, reach: NamesIn) -> bool:
    name = os.path.basename(path).lower()
    fits = name.endswith(reach.extensions) if reach.extensions else True
    return os.path.dirname(path) == folder and fits and (reach.or_all or name.startswith(reach.prefixes))


def _is_of_sequence(path: str, sequence: NumberedPath) -> bool:
    head, tail = sequence.head, sequence.tail
    digits = path[len(head) : len(path) - len(tail)]
    return path == f"{head}{digits}{tail}" and digits.isdecimal() and len(digits) >= sequence.digits
