"""Take what a task wrote out of its output folders, into a place it cannot reach.

The folders belong to a task that may be hostile: every name in them is opened from a directory descriptor, never through a
symlink, and what is taken is moved away before it is looked at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath

from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.placing import reflink
from conductor_service.trees import TooDeep, opened, plain_files

Identity = tuple[int, int, int]

#: files that one task may write beside its declared outputs: a folder full of caches has hundreds
MOST_FILES = 20_000
#: a file of more than this that fills less than a sixteenth of it is a hole: it would be hashed and sent for hours
_HOLE_BYTES = 1 << 30
#: of a name in an error
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """A folder that a task may write."""

    client: ClientPath
    #: as the software sees it
    seen: str
    #: on this machine
    backing: Path


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that a task wrote, now out of its reach."""

    client: ClientPath
    file: Path
    size: int
    mode: int
    mtime_ns: int


class Collector:
    """Find what a session's tasks write; files that were in the folders before (`known`) are inputs until they change."""

    def __init__(self, folders: tuple[OutputFolder, ...]) -> None:
        self._folders = folders
        self._known: dict[tuple[int, str], Identity] = {}
        for index, folder in enumerate(folders):
            for relative, facts in _listed(folder):
                self._known[index, relative] = _identity(facts)
        self._taken = 0

    def client_path(self, seen: str) -> ClientPath:
        """Return the artist's own path of what the software has at `seen`.

        Raises:
            TaskFailed: (bad-output) it is not in an output folder, or the artist's system has no such name.
        """
        index, relative = self._locate(seen)
        return _client_path(self._folders[index], PurePosixPath(relative).parts)

    def take(self, seen: str, into: Path) -> Taken:
        """Take the file that the software says it wrote at `seen`.

        Raises:
            TaskFailed: (bad-output) it is not in an output folder, is not there, or is no plain file.
        """
        index, relative = self._locate(seen)
        taken = self._move(index, relative, into) if relative else None
        if taken is None:
            raise TaskFailed("bad-output", f"{shown(seen)} was not written, or is not a plain file.")
        return taken

    def take_rest(self, into: Path) -> tuple[Taken, ...]:
        """Take every other file that was written.

        Raises:
            TaskFailed: (bad-output) folders are nested beyond any reason, there are more files than that, or the artist's
                system has no such name.
        """
        written: list[tuple[int, str]] = []
        for index, folder in enumerate(self._folders):
            for relative, facts in _listed(folder):
                if self._known.get((index, relative)) != _identity(facts):
                    written.append((index, relative))
            if len(written) > MOST_FILES:
                raise TaskFailed("bad-output", f"The task wrote more than {MOST_FILES:,} files into {folder.client}.")
        moved = (self._move(index, relative, into) for index, relative in written)
        return tuple(taken for taken in moved if taken is not None)

    def clear(self) -> bool:
        """Remove what a failed task wrote and nobody will take; return whether the folders are fit for another task."""
        for index, folder in enumerate(self._folders):
            try:
                for relative, facts in list(plain_files(folder.backing)):
                    if self._known.get((index, relative)) != _identity(facts):
                        parts = PurePosixPath(relative).parts
                        with contextlib.suppress(OSError), opened(folder.backing, parts[:-1]) as parent:
                            os.unlink(parts[-1], dir_fd=parent)
            except TooDeep:
                return False
        return True

    def _locate(self, seen: str) -> tuple[int, str]:
        path = os.path.normpath(seen)
        for index, folder in enumerate(self._folders):
            if path.startswith(folder.seen.rstrip("/") + "/"):
                return index, path[len(folder.seen.rstrip("/")) + 1 :]
        raise TaskFailed("bad-output", f"{shown(seen)} lies outside the step's output folders.")

    def _move(self, index: int, relative: str, into: Path) -> Taken | None:
        """Move a file away; return None when it is not a plain file that a task of this session wrote."""
        folder = self._folders[index]
        parts = PurePosixPath(relative).parts
        self._taken += 1
        target = into / f"{self._taken:06d}{PurePosixPath(relative).suffix}"
        try:
            with opened(folder.backing, parts[:-1]) as parent:
                facts = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISREG(facts.st_mode) or self._known.get((index, relative)) == _identity(facts):
                    return None
                os.rename(parts[-1], target, src_dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            reason = f"{shown(relative)} cannot be taken from its output folder ({exc.strerror})."
            raise TaskFailed("bad-output", reason) from exc
        facts = os.lstat(target)
        if not stat.S_ISREG(facts.st_mode):
            target.unlink()
            return None
        self._known.pop((index, relative), None)
        if facts.st_size > _HOLE_BYTES and facts.st_blocks * 512 < facts.st_size // 16:
            target.unlink()
            raise TaskFailed(
                "bad-output", f"{shown(relative)} has {facts.st_size:,} bytes, and takes hardly any room: it is a hole."
            )
        if facts.st_nlink > 1:
            # Another name of it may be left in a folder that the task can still write: only a copy is out of its reach.
            try:
                facts = _copied(target)
            except OSError as exc:
                raise TaskFailed(
                    "bad-output", f"{shown(relative)} has a second name and cannot be copied ({exc.strerror})."
                ) from exc
        return Taken(_client_path(folder, parts), target, facts.st_size, stat.S_IMODE(facts.st_mode) & 0o777, facts.st_mtime_ns)


def shown(name: str) -> str:
    """Return a name as an error may show it: text that can be written anywhere, and not a page of it."""
    text = name.encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _listed(folder: OutputFolder) -> list[tuple[str, os.stat_result]]:
    try:
        return list(plain_files(folder.backing))
    except TooDeep as exc:
        raise TaskFailed("bad-output", f"{folder.client}: {exc}") from exc


def _client_path(folder: OutputFolder, parts: tuple[str, ...]) -> ClientPath:
    try:
        "/".join(parts).encode()
    except UnicodeEncodeError:
        name = _bytes_shown("/".join(parts))
        raise TaskFailed("bad-output", f"{name} is no name in UTF-8. The artist's machine cannot have such a file.") from None
    try:
        return ClientPath(folder.client.flavour, folder.client.anchor, folder.client.components + parts)
    except PathError as exc:
        raise TaskFailed("bad-output", f"{shown(str(exc))} The artist's machine cannot have such a file.") from exc


def _bytes_shown(name: str) -> str:
    """Return a name with the bytes that are no text; what a program only said may be no name of a file at all."""
    try:
        return shown(os.fsencode(name).decode(errors="backslashreplace"))
    except UnicodeEncodeError:
        return shown(name)


def copy_tree(source: Path, target: Path) -> None:
    """Copy the inputs that lie in an output folder into it, so that the task may overwrite its copy of them."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copy_file)


def _copy_file(source: str, target: str) -> None:
    """Copy one file with its mode and time, by reflink where the file system has them."""
    if reflink(Path(source), Path(target)):
        shutil.copystat(source, target)
    else:
        shutil.copy2(source, target)


def _copied(file: Path) -> os.stat_result:
    """Put a copy in the place of a file of several names; return its facts."""
    facts = os.lstat(file)
    aside = file.with_name(file.name + ".copy")
    shutil.copyfile(file, aside, follow_symlinks=False)
    os.chmod(aside, stat.S_IMODE(facts.st_mode) & 0o777 | 0o600)
    os.utime(aside, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.replace(aside, file)
    return os.lstat(file)


def _identity(facts: os.stat_result) -> Identity:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
