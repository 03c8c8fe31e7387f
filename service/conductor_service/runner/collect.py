"""Take what a task wrote out of its output folders, into a place it cannot reach.

The folders belong to a task that may be hostile: every name in them is opened from a directory descriptor, never through a
symlink, and what is taken is moved away before it is looked at.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath

from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.exact_bytes import Changed
from conductor_service.runner.placing import reflink
from conductor_service.runner.sparse_files import copy_data, is_hole
from conductor_service.trees import TooDeep, entries_below, opened

#: inode, size, time of the last write, and of the last change of anything: the last is the only one that nobody can set
Identity = tuple[int, int, int, int]
#: number of the output folder, and path in it
Key = tuple[int, str]

#: files that one task may write beside its declared outputs: a folder full of caches has hundreds
MOST_FILES = 20_000
#: folders, links and files that are looked at for that, beyond those that were there before
MOST_ENTRIES = 5 * MOST_FILES
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

    def __init__(self, folders: tuple[OutputFolder, ...], spare: Callable[[], int]) -> None:
        """Take what is in the folders as inputs; `spare` says how many bytes copies may take now."""
        self._folders = folders
        self._spare = spare
        self._known: dict[Key, Identity] = {}
        #: no input changed or went: the next task finds them as they were submitted
        self.intact = True
        entries = 0
        for index, folder in enumerate(folders):
            for relative, facts in _entries(folder):
                entries += 1
                if stat.S_ISREG(facts.st_mode):
                    self._known[index, relative] = _identity(facts)
        self._most_entries = entries + MOST_ENTRIES
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
        taken = self._move((index, relative), into, {}) if relative else None
        if taken is None:
            raise _not_written(seen)
        return taken

    def require(self, seen: str) -> None:
        """Refuse to go on without a file that the software says it wrote at `seen`; `take` will judge it more closely.

        Raises:
            TaskFailed: (bad-output) it is not in an output folder, or was not written.
        """
        index, relative = self._locate(seen)
        try:
            facts = os.lstat(self._folders[index].backing / relative)
        except OSError:
            raise _not_written(seen) from None
        before = self._known.get((index, relative))
        if before is not None and not _written(before, _identity(facts)):
            raise _not_written(seen)

    def take_rest(self, into: Path) -> tuple[Taken, ...]:
        """Take every other file that was written.

        Raises:
            TaskFailed: (bad-output) folders are nested beyond any reason, there are more files than that, or the artist's
                system has no such name; (disk-full) there is no room for a copy.
        """
        copies: dict[tuple[int, int], Path] = {}
        moved = (self._move(key, into, copies) for key in self._changes())
        return tuple(taken for taken in moved if taken is not None)

    def clear(self) -> bool:
        """Remove what a failed task wrote and nobody will take; return whether the folders are fit for another task."""
        try:
            changed = self._changes()
            for index, relative in changed if self.intact else ():
                parts = PurePosixPath(relative).parts
                with contextlib.suppress(FileNotFoundError), opened(self._folders[index].backing, parts[:-1]) as parent:
                    os.unlink(parts[-1], dir_fd=parent)
        except (TaskFailed, OSError):
            return False
        return self.intact

    def _changes(self) -> list[Key]:
        """Return the files that were written, in order, and note whether an input changed or is gone.

        Raises:
            TaskFailed: (bad-output) there are too many, or folders are nested beyond any reason.
        """
        changed: list[Key] = []
        looked, missing = 0, set(self._known)
        for index, folder in enumerate(self._folders):
            for relative, facts in _entries(folder):
                looked += 1
                if stat.S_ISREG(facts.st_mode):
                    key, now = (index, relative), _identity(facts)
                    missing.discard(key)
                    before = self._known.get(key)
                    self.intact = self.intact and before in (None, now)
                    if before is None or _written(before, now):
                        changed.append(key)
                if len(changed) > MOST_FILES:
                    raise TaskFailed("bad-output", f"The task wrote more than {MOST_FILES:,} files into {folder.client}.")
                if looked > self._most_entries:
                    raise TaskFailed(
                        "bad-output", f"The task made more than {MOST_ENTRIES:,} folders and links in {folder.client}."
                    )
        self._most_entries = looked + MOST_ENTRIES
        self.intact = self.intact and not missing
        return sorted(changed)

    def _locate(self, seen: str) -> tuple[int, str]:
        path = os.path.normpath(seen)
        for index, folder in enumerate(self._folders):
            if path.startswith(folder.seen.rstrip("/") + "/"):
                return index, path[len(folder.seen.rstrip("/")) + 1 :]
        raise TaskFailed("bad-output", f"{shown(seen)} lies outside the step's output folders.")

    def _move(self, key: Key, into: Path, copies: dict[tuple[int, int], Path]) -> Taken | None:
        """Move a file away; return None when it is not a plain file that a task of this session wrote."""
        index, relative = key
        folder, parts = self._folders[index], PurePosixPath(relative).parts
        self._taken += 1
        target = into / f"{self._taken:06d}{PurePosixPath(relative).suffix}"
        before = self._known.get(key)
        try:
            with opened(folder.backing, parts[:-1]) as parent:
                facts = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISREG(facts.st_mode) or (before is not None and not _written(before, _identity(facts))):
                    return None
                os.rename(parts[-1], target, src_dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise _failed(relative, "cannot be taken from its output folder", exc) from exc
        facts = os.lstat(target)
        if not stat.S_ISREG(facts.st_mode):
            target.unlink()
            return None
        self.intact = self._known.pop(key, None) is None and self.intact
        try:
            facts = self._out_of_reach(relative, target, facts, copies)
        except OSError as exc:
            raise _failed(relative, "cannot be read, or not be copied", exc) from exc
        return Taken(_client_path(folder, parts), target, facts.st_size, stat.S_IMODE(facts.st_mode) & 0o777, facts.st_mtime_ns)

    def _out_of_reach(
        self, relative: str, file: Path, facts: os.stat_result, copies: dict[tuple[int, int], Path]
    ) -> os.stat_result:
        """Put a copy in the place of a file that has several names: another one may be left where the task can write.

        `copies` has what was copied before: a thousand names of one file are copied once.

        Raises:
            TaskFailed: (bad-output) it is nothing but a hole, or shrinks meanwhile; (disk-full) there is no room for a copy.
        """
        if is_hole(file, facts.st_size):
            file.unlink()
            reason = f"{shown(relative)} has {facts.st_size:,} bytes, and takes hardly any room: it is a hole."
            raise TaskFailed("bad-output", reason)
        if facts.st_nlink == 1:
            return facts
        inode = (facts.st_dev, facts.st_ino)
        if inode in copies:
            file.unlink()
            os.link(copies[inode], file)
            return os.lstat(file)
        if facts.st_size > self._spare():
            reason = f"{shown(relative)} has a second name, and the instance's disk has no room for a copy of its {facts.st_size:,} bytes."
            raise TaskFailed("disk-full", reason)
        try:
            copies[inode] = _replaced_by_copy(file, facts)
        except Changed as exc:
            raise TaskFailed("bad-output", f"{shown(relative)} was still written to after its task was done.") from exc
        return os.lstat(file)


def shown(name: str) -> str:
    """Return a name as an error may show it: text that can be written anywhere, and not a page of it."""
    text = name.encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _not_written(seen: str) -> TaskFailed:
    return TaskFailed("bad-output", f"{shown(seen)} was not written, or is not a plain file.")


def _entries(folder: OutputFolder) -> Iterator[tuple[str, os.stat_result]]:
    try:
        yield from entries_below(folder.backing)
    except TooDeep as exc:
        raise TaskFailed("bad-output", f"{folder.client}: {exc}") from exc


def _failed(relative: str, what: str, exc: OSError) -> TaskFailed:
    cause = "disk-full" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "bad-output"
    return TaskFailed(cause, f"{shown(relative)} {what} ({exc.strerror}).")


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


def _replaced_by_copy(file: Path, facts: os.stat_result) -> Path:
    """Put a copy, with mode and time, in the place of a file; return the file."""
    aside = file.with_name(file.name + ".copy")
    try:
        copy_data(file, aside, facts.st_size)
        os.chmod(aside, stat.S_IMODE(facts.st_mode) & 0o777 | 0o600)
        os.utime(aside, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.replace(aside, file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return file


def _identity(facts: os.stat_result) -> Identity:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _written(before: Identity, now: Identity) -> bool:
    """Tell whether a file was written; one of which only the change time is another got a new mode, name or time."""
    return before[:3] != now[:3]
