"""What a frame wrote: the files that are new since it began, and why one is lacking."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from conductor_core.sequences import frame_path

_MEMORY_WORDS = re.compile(
    r"out of (\w+ )?memory|malloc returns null|failed to allocate|memory allocation|bad_alloc|cannot allocate", re.IGNORECASE
)
_HASHES = re.compile(r"#+")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
#: the pass that is the picture itself (http://admvfx.com/vfx-course/renderpasses/arnoldaovs/, "Default Folder and File Names")
_BEAUTY = "beauty"
#: below this a folder counts as full: no frame of any size would fit
_LEAST_FREE = 1 << 16


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is written anew; all zero for a file that is not there."""

    size: int = 0
    mtime_ns: int = 0
    inode: int = 0


class Before:
    """The state of the files of a frame before it is rendered."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Look at the files, there or not."""
        self._states = {path: file_state(path) for path in paths}

    def written(self) -> tuple[str, ...]:
        """Return those that are there now, and are new or were written anew."""
        return tuple(path for path in self._states if self.is_new(path))

    def is_new(self, path: str) -> bool:
        """Tell whether a file is there and was written since."""
        return file_state(path) not in (self._states.get(path, FileState()), FileState())


class FoldersBefore:
    """The files below some folders before a frame is rendered: renderers write more than anybody is told of, such as AOVs."""

    def __init__(self, folders: Iterable[str]) -> None:
        """Look at all files below the folders, there or not."""
        self._folders = tuple(folders)
        self._states = dict(self._all())

    def written(self) -> tuple[str, ...]:
        """Return the files that are new or were written anew since, sorted."""
        return tuple(sorted(path for path, state in self._all() if state != self._states.get(path)))

    def _all(self) -> Iterator[tuple[str, FileState]]:
        for top in self._folders:
            for folder, _, names in os.walk(top):
                paths = (os.path.join(folder, name) for name in names)
                yield from ((path, file_state(path)) for path in paths)


def put_in_place(pattern: str, frame: int, new: Sequence[str], log: Callable[[str], None]) -> None:
    """Move the one picture that has the right name and frame to where it is expected.

    Without a token in its name Maya puts a picture below folders of its layer and camera where there are several, and software
    writes the numbers of frames below zero in several ways (`-0003`, `-003`). Arnold puts each pass into a folder of its own, all
    of one name: the picture is that of the beauty.
    """
    found = [path for path in new if _is_picture_of(os.path.basename(pattern), frame, os.path.basename(path))]
    if len(found) > 1:
        found = [path for path in found if os.path.basename(os.path.dirname(path)).lower() == _BEAUTY]
    if len(found) == 1:
        place = frame_path(pattern, frame)
        os.replace(found[0], place)
        log(f"{found[0]} is moved to {place}")


def _is_picture_of(pattern: str, frame: int, name: str) -> bool:
    *_, last = (None, *_HASHES.finditer(pattern))
    if last is None:
        return name == pattern
    head, tail = pattern[: last.start()], pattern[last.end() :]
    number = name[len(head) : len(name) - len(tail)]
    return name == f"{head}{number}{tail}" and _NUMBER.fullmatch(number) is not None and int(number) == frame


def file_state(path: str) -> FileState:
    """Return the state of a file now, to be compared with its state later."""
    try:
        status = os.stat(path)
    except OSError:
        return FileState()
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino)


def cause_of(text: str, otherwise: str) -> str:
    """Return the cause that any software's own words tell of: memory, disk; `otherwise` where they tell of neither."""
    if _MEMORY_WORDS.search(text):
        return "out-of-memory"
    return "disk-full" if os.strerror(errno.ENOSPC).lower() in text.lower() else otherwise


def full_or(cause: str, path: str) -> str:
    """Return `disk-full` where the disk that a file should have gone to is full, else the cause."""
    folder = os.path.dirname(path)
    try:
        return "disk-full" if shutil.disk_usage(folder).free < _LEAST_FREE else cause
    except OSError as exc:
        print(f"{folder}: {exc}", file=sys.stderr)
        return cause
