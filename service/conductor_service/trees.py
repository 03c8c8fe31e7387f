"""Walk and remove folder trees that somebody else made, however deep, wide or hostile they are.

No function here recurses, and none builds a path of the tree: a program can nest folders deeper than Python's stack, than a
path may be long, and than there are descriptors. Names are opened from descriptors, never through a symlink.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from conductor_core.errors import ConductorError

#: no artist's path has more components (4,096 bytes are the longest path on Linux, 260 characters the usual one on Windows)
DEEPEST = 200
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class TooDeep(ConductorError):
    """Folders are nested deeper than any file of a job may lie."""

    def __init__(self, relative: str) -> None:
        super().__init__(f"{relative[:80]}… is nested deeper than {DEEPEST} folders.")


@contextlib.contextmanager
def opened(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """Give a descriptor of a folder below `root`; a symlink on the way is an error (ELOOP or ENOTDIR)."""
    descriptor = os.open(root, _FOLDER_FLAGS)
    try:
        for part in parts:
            deeper = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
        yield descriptor
    finally:
        os.close(descriptor)


def entries_below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all that lies below a folder, as it is found: files, folders, links (which are not followed) and what else there is.

    Nothing is gathered first: there may be more than memory holds, and whoever asks may stop. Folders that go, or become
    something else meanwhile, are passed over.

    Raises:
        TooDeep: there are folders below `DEEPEST` others.
    """
    waiting: list[tuple[tuple[str, ...], str]] = []
    parts: tuple[str, ...] = ()
    while True:
        if len(parts) > DEEPEST:
            raise TooDeep("/".join(parts))
        with contextlib.suppress(OSError), opened(root, parts) as descriptor, os.scandir(descriptor) as listed:
            for entry in listed:
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        waiting.append((parts, entry.name))
                    yield "/".join((*parts, entry.name)), facts
        if not waiting:
            return
        above, name = waiting.pop()
        parts = (*above, name)


def remove_tree(folder: Path) -> None:
    """Remove `folder` and all in it, read-only folders too; what cannot be removed stays, and nothing is raised.

    Nested folders are moved up to the top before they are emptied, so that one descriptor beside the top's does for any depth.
    """
    if os.rename not in os.supports_dir_fd:  # Windows, where a path's length bounds the depth
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        _make_writable(os.fspath(folder), None)
        top = os.open(folder, _FOLDER_FLAGS)
    except OSError:
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _empty(top: int) -> None:
    prefix = f".removed-{uuid.uuid4().hex}-"
    moved = 0
    waiting = _unlinked(top)
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            descriptor = _opened_to_empty(name, top)
            try:
                for nested in _unlinked(descriptor):
                    with contextlib.suppress(OSError):
                        _make_writable(nested, descriptor)
                        os.rename(nested, f"{prefix}{moved}", src_dir_fd=descriptor, dst_dir_fd=top)
                        waiting.append(f"{prefix}{moved}")
                        moved += 1
            finally:
                os.close(descriptor)
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=top)


def _unlinked(descriptor: int) -> list[str]:
    """Remove all that is no folder from a folder; return the names of the folders in it."""
    folders = []
    with os.scandir(descriptor) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in listed:
        if is_folder:
            folders.append(name)
        else:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=descriptor)
    return folders


def _opened_to_empty(name: str, parent: int) -> int:
    _make_writable(name, parent)
    return os.open(name, _FOLDER_FLAGS, dir_fd=parent)


def _make_writable(name: str, parent: int | None) -> None:
    """Let the owner read, write and enter a folder, as moving and emptying it needs."""
    facts = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if stat.S_ISDIR(facts.st_mode) and facts.st_mode & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=parent)
