"""Which scenes were opened or submitted lately, and with what files; kept over a restart of the agent.

Only what tells files apart is kept: folder → names. Of a sequence also those names count that were not there yet: a cache that
is simulated again tends to become longer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conductor_core.user_folders import write_private

#: scenes that are remembered, and files of all of them; the oldest scenes make room
MOST_SCENES, MOST_FILES = 12, 300_000
#: bytes of the file when unpacked; more is not ours
_LARGEST = 256 << 20

_DIGITS = re.compile(r"[0-9]+")
_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class RecentScene:
    """The files of one scene, and where they would be sent."""

    #: the scene's path, or what else tells it from others
    key: str
    #: address of the service and name of the project that it was last used with
    service: str
    project: str
    #: seconds since the epoch when it was last opened or submitted
    at: float
    folders: Mapping[str, frozenset[str]]
    #: of the numbered names in each folder, with a # for each number
    shapes: Mapping[str, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Look at the names once."""
        shapes = {
            folder: frozenset(shape for name in names if (shape := shape_of(name)) != name)
            for folder, names in self.folders.items()
        }
        object.__setattr__(self, "shapes", shapes)

    def has(self, path: str) -> bool:
        """Tell whether a file is one of the scene's, or belongs to one of its sequences."""
        folder, name = os.path.split(path)
        return name in self.folders.get(folder, ()) or shape_of(name) in self.shapes.get(folder, ())

    def size(self) -> int:
        """Count its files."""
        return sum(map(len, self.folders.values()))

    def holds(self, other: RecentScene) -> bool:
        """Tell whether all files of another are among its own."""
        return all(names <= self.folders.get(folder, frozenset()) for folder, names in other.folders.items())


def shape_of(name: str) -> str:
    """Return a file's name with a # for each number."""
    return _DIGITS.sub("#", name)


def by_folder(files: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the names of files by their folder."""
    folders: dict[str, set[str]] = {}
    for file in files:
        folder, name = os.path.split(file)
        folders.setdefault(folder, set()).add(name)
    return {folder: frozenset(names) for folder, names in folders.items()}


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """What counts in one folder."""

    names: frozenset[str]
    #: of numbered names, with a # for each number: new files of these sequences count as well …
    shapes: frozenset[str]
    #: … when they were written after this, in seconds since the epoch: a folder may have frames of other shots
    since: float

    def has(self, name: str, mtime_ns: int | None = None) -> bool:
        """Tell whether a file counts, written at some time or just now."""
        if name in self.names:
            return True
        return shape_of(name) in self.shapes and (mtime_ns is None or mtime_ns >= self.since * 1e9)


def folders_of(scenes: Iterable[RecentScene]) -> dict[str, FolderFiles]:
    """Return what counts in each folder of some scenes."""
    names: dict[str, set[str]] = {}
    shapes: dict[str, set[str]] = {}
    since: dict[str, float] = {}
    for scene in scenes:
        for folder, some in scene.folders.items():
            names.setdefault(folder, set()).update(some)
            shapes.setdefault(folder, set()).update(scene.shapes[folder])
            since[folder] = min(scene.at, since.get(folder, scene.at))
    return {folder: FolderFiles(frozenset(names[folder]), frozenset(shapes[folder]), since[folder]) for folder in names}


class RecentScenes:
    """Remember scenes; used under a lock."""

    def __init__(self, path: Path) -> None:
        """Read what `path` remembers; a damaged file is as none."""
        self._path = path
        self._scenes: dict[str, RecentScene] = {scene.key: scene for scene in _read(path)}

    def all(self) -> tuple[RecentScene, ...]:
        """Return the scenes, the oldest first."""
        return tuple(self._scenes.values())

    def add(self, scene: RecentScene) -> None:
        """Remember a scene in place of what was known of it, and of those whose files it has as well."""
        for key in [key for key, known in self._scenes.items() if key == scene.key or scene.holds(known)]:
            del self._scenes[key]
        self._scenes[scene.key] = scene
        while len(self._scenes) > MOST_SCENES or (
            len(self._scenes) > 1 and sum(known.size() for known in self._scenes.values()) > MOST_FILES
        ):
            del self._scenes[next(iter(self._scenes))]

    def forget(self, which: Callable[[RecentScene], bool]) -> bool:
        """Forget scenes, and tell whether there were any."""
        going = [key for key, scene in self._scenes.items() if which(scene)]
        for key in going:
            del self._scenes[key]
        return bool(going)

    def save(self) -> None:
        """Put all onto the disk; what does not get there is not known after a restart, which costs time only."""
        scenes = [
            [s.key, s.service, s.project, s.at, {folder: sorted(names) for folder, names in s.folders.items()}]
            for s in self.all()
        ]
        try:
            write_private(self._path, zlib.compress(json.dumps(scenes).encode(), 1))
        except OSError as exc:
            _LOG.info("recent scenes are not remembered: %s", exc)


def _read(path: Path) -> list[RecentScene]:
    try:
        unpack = zlib.decompressobj()
        data: Any = json.loads(unpack.decompress(path.read_bytes(), _LARGEST))
        return [
            RecentScene(str(key), str(service), str(project), float(at), {f: frozenset(map(str, n)) for f, n in folders.items()})
            for key, service, project, at, folders in data
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError, zlib.error) as exc:
        _LOG.info("recent scenes are forgotten: %s", exc)
        return []
