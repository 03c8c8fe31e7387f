"""Bring one rendered file home: resumed, verified, in one step, and never over newer work.

The bytes go to `.name.<digest>.conductor-part` in the folder of the file. What a crash or a broken line leaves there is
gone on from; only when the whole hashes to its digest does it become the file: fsync, mode and time, rename, fsync the
folder. Several agents may bring files into one folder (two artists, one share): each version has a part of its own, and
who has its part locked is the only one to write it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, FileVanished, PlaceUnwritable, TransferError
from conductor_core.transfer.hash_cache import RACY_NS, FileState, Moment
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.odd_names import PART_ENDING
from conductor_core.transfer.part_file import check_ours, open_part, write_all
from conductor_core.transfer.progress import Progress
from conductor_core.user_folders import sync_folder

#: bytes that a name may have on the file systems we meet (ext4, APFS, NTFS count 255)
NAME_LIMIT = 255
#: digits of the digest in a part file's name: no two versions of one file share them
DIGEST_PART = 16


class KnownDigests(Protocol):
    """What files are known to hash to, without reading them."""

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        """Return the digest of each path whose state is the one it was hashed in."""


class Cache(KnownDigests, Protocol):
    """What files are known to hash to, and what is learnt of more of them."""

    def now(self) -> Moment:
        """Return this instant, as files are to be judged by it."""

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]], *, began: Moment, placed: bool = False) -> None:
        """Keep what files hash to, except those written so recently before `began` that they could change unseen.

        `placed`: they were given their names by us, after `began`.
        """


class ObjectSource(Protocol):
    """Where objects come from."""

    def read(self, digest: str, offset: int) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """Open an object's bytes from `offset` on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rendered file and where it belongs."""

    #: absolute, on this machine
    path: str
    digest: Digest
    size: int
    #: permission bits; 0: as the user's files are made
    mode: int
    #: when it was rendered
    mtime_ns: int
    #: the job it comes from, named in the file placed beside newer work
    job_number: int


@dataclass(frozen=True, slots=True)
class Existing:
    """What lies where a file belongs."""

    digest: Digest
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the file ended up."""

    path: str
    #: `there`: it lay there already; `placed`: written; `beside`: newer work was there, and was left alone
    how: Literal["there", "placed", "beside"]


def plan_download(wanted: Wanted, existing: Existing | None) -> Placed:
    """Decide where `wanted` goes: the same content stays, older is replaced, newer is never touched."""
    if existing is None:
        return Placed(wanted.path, "placed")
    if existing.digest == wanted.digest:
        return Placed(wanted.path, "there")
    if existing.mtime_ns > wanted.mtime_ns:
        return Placed(beside_path(wanted.path, wanted.job_number), "beside")
    return Placed(wanted.path, "placed")


def beside_path(path: str, job_number: int, number: int = 1) -> str:
    """Return `name.conductor-<job number>.ext` in the folder of `path`; later numbers for when that name is taken."""
    stem, extension = os.path.splitext(path)
    return f"{stem}.conductor-{job_number}{f'-{number}' if number > 1 else ''}{extension}"


def part_path(path: str, digest: Digest) -> Path:
    """Return where the bytes of this version of `path` are gathered."""
    return Path(part_of(path, digest))


def part_of(path: str, digest: Digest) -> str:
    """Return the same as text."""
    name = os.path.basename(path)
    end = f".{digest[-DIGEST_PART:]}{PART_ENDING}"
    part = f".{name}{end}"
    if len(part) * 4 > NAME_LIMIT and len(os.fsencode(part)) > NAME_LIMIT:  # no character has more than four bytes
        part = f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}{end}"
    return path[: len(path) - len(name)] + part


def execute_download(wanted: Wanted, source: ObjectSource, cache: Cache, progress: Progress) -> Placed:
    """Make `wanted` lie where it belongs, and tell where that is.

    Raises:
        BroughtByAnother: another process brings the same bytes to the same place at this moment.
        ContentMismatch: the bytes do not hash to the digest, fetched twice.
        PlaceUnwritable: the folder can't be written, or the disk is full.
        ServiceError: the object is not there, or the service can't be reached; what came so far is kept.
        TransferCancelled: `progress` was cancelled; what came so far is kept.
    """
    part = part_path(wanted.path, wanted.digest)
    placed, lies_there = decide(wanted, cache)
    try:
        if lies_there:
            with contextlib.suppress(OSError):
                part.unlink()
            sync_folder_of(placed.path)  # killed between the name and this, we find it again, and now it is told
            return placed
        os.makedirs(os.path.dirname(wanted.path), exist_ok=True)
        with open_part(part, wanted.path) as file:
            actual = _gather(wanted, file, source, progress)
            if actual != wanted.digest:
                # damaged on the way, or on the disk: once more, from nothing
                file.truncate(0)
                actual = _gather(wanted, file, source, progress)
            check_ours(part, file.fileno(), wanted.path)
            if os.name == "nt":
                file.close()  # Windows neither renames nor removes an open file
            if actual != wanted.digest:
                part.unlink()
                raise ContentMismatch(wanted.path, wanted.digest, actual)
            set_as_made(wanted, part)
            began, made = cache.now(), FileState.of(os.stat(part))
            placed = place_part(wanted, part, cache, lambda: _check_open(part, file, wanted.path))
            state = named_state(placed, made)
        learn_placed({placed.path: wanted}, cache, {placed.path: state} if state else {}, began=began)
    except OSError as exc:
        raise unwritable(wanted.path, exc) from exc
    return placed


def _check_open(part: Path, file: io.FileIO, path: str) -> None:
    """Refuse a part that is another's now; a closed one (Windows) cannot be told from it."""
    if not file.closed:
        check_ours(part, file.fileno(), path)


def existing_file(path: str, cache: KnownDigests) -> Existing | None:
    """Return what lies at `path`, hashed unless the cache knows it."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise unwritable(path, exc) from exc
    if not stat.S_ISREG(found.st_mode):
        raise PlaceUnwritable(path, "cannot be written: what lies there is no file", "Move it away; the file comes by itself.")
    state = FileState.of(found)
    digest = cache.digests({path: state}).get(path)
    if digest is not None:
        return Existing(digest, state.mtime_ns)
    try:
        hashed = hash_file(path)
    except FileVanished:
        return None
    except TransferError as exc:
        # nobody knows whether it is newer work
        next_step = "Close the program that has it open, or move it away; the file comes by itself."
        raise PlaceUnwritable(path, "cannot be replaced: what lies there changes, or may not be read", next_step) from exc
    return Existing(hashed.digest, hashed.state.mtime_ns)


def decide(wanted: Wanted, cache: KnownDigests) -> tuple[Placed, bool]:
    """Return where `wanted` goes by what is on disk now, and whether it lies there already."""
    placed = plan_download(wanted, existing_file(wanted.path, cache))
    if placed.how != "beside":
        return placed, placed.how == "there"
    number = 1
    while True:  # a frame placed beside newer work may have been painted over too
        path = beside_path(wanted.path, wanted.job_number, number)
        existing = existing_file(path, cache)
        if existing is None or existing.digest == wanted.digest:
            return Placed(path, "beside"), existing is not None
        number += 1


def _gather(wanted: Wanted, file: io.FileIO, source: ObjectSource, progress: Progress) -> Digest:
    """Bring the part file to its full size and return what it hashes to; its bytes are on disk then."""
    sha = hashlib.sha256()
    if os.fstat(file.fileno()).st_size > wanted.size:
        file.truncate(0)
    file.seek(0)
    while block := file.read(1 << 20):
        sha.update(block)
    offset = file.tell()
    if offset < wanted.size:
        with source.read(wanted.digest, offset) as blocks:
            for block in blocks:
                progress.check(wanted.path)
                write_all(file, block)
                sha.update(block)
                progress.received(len(block))
    os.fsync(file.fileno())
    return Digest("sha256:" + sha.hexdigest())


def set_as_made(wanted: Wanted, part: Path | str | int) -> None:
    """Give a part, by its path or open as a handle, the mode and the time of the file that it becomes."""
    if wanted.mode and os.name == "posix":
        os.chmod(part, wanted.mode & 0o777)  # no service gives a file another's rights
    os.utime(part, ns=(wanted.mtime_ns, wanted.mtime_ns))


def place_part(wanted: Wanted, part: Path | str, cache: KnownDigests, check: Callable[[], None]) -> Placed:
    """Give a part that is whole, and on disk, its name; the name itself is on disk after `learn_placed`.

    `check` raises where the part is no more what was written: asked last of all, since what lies in the place may take long to read.
    """
    # decided once more, as late as can be: the artist may have saved there while the bytes came
    placed, lies_there = decide(wanted, cache)
    check()
    if lies_there:
        os.unlink(part)
    else:
        os.replace(part, placed.path)
    return placed


def named_state(placed: Placed, part: FileState) -> FileState | None:
    """Return the state of a file that got its name just now, and was in the state `part` before; None: it is not to be learnt.

    Its name gives it another ctime. Whatever else is another is somebody's who was there in this instant, and his bytes are not ours.
    """
    if placed.how == "there":
        return None  # not ours: it was read, and may be another since
    with contextlib.suppress(OSError):
        state = FileState.of(os.stat(placed.path))
        if state.agrees_but_for_ctime(part):
            return state
    return None


def learn_placed(placed: Mapping[str, Wanted], cache: Cache, states: Mapping[str, FileState], *, began: Moment) -> None:
    """Put the names of files on disk, and have the cache know what they hash to: who reads them uploads nothing.

    `states` are of those that were seen as they got their names (`named_state`), which none had before `began`; the others are read by
    whoever needs them.
    """
    for path in {os.path.dirname(path): path for path in placed}.values():
        sync_folder_of(path)
    learnt: dict[str, tuple[FileState, Digest]] = {}
    for path, state in states.items():
        wanted = placed[path]
        # some file systems keep times in steps of 2 s, and some none that a program sets
        if state.size == wanted.size and abs(state.mtime_ns - wanted.mtime_ns) <= RACY_NS:
            learnt[path] = (state, wanted.digest)
    cache.learn(learnt, began=began, placed=True)


def sync_folder_of(path: str) -> None:
    """Put the name of a file on disk, and with it all others of its folder."""
    with contextlib.suppress(FileNotFoundError):  # removed since: nobody's loss but of a file that he removed
        sync_folder(os.path.dirname(path))


def unwritable(path: str, exc: OSError) -> PlaceUnwritable:
    if exc.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return PlaceUnwritable(path, "cannot be written: the disk is full", "Make room; the download goes on from where it was.")
    if isinstance(exc, PermissionError):
        return PlaceUnwritable(
            path, "may not be written by you", "Make its folder writable, or close the program that holds it open."
        )
    return PlaceUnwritable(path, f"cannot be written ({exc.strerror or exc})", "Check its folder and disk.")
