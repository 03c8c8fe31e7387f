"""Bring many small files home as one: one answer of the service, the disk waited for once, one note in each database.

The rules are those of a single file (`download.py`): verified before anything of it can be seen, on disk before it has
its name, never over newer work. All parts are written first and synced after: the first of these syncs puts most of the
others on disk too, so that five thousand files cost some waits for the disk and not five thousand.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from conductor_core.digest import Digest
from conductor_core.errors import BroughtByAnother, ConductorError, ContentMismatch, NotFound
from conductor_core.transfer.bundle import read_bundle
from conductor_core.transfer.download import (
    Placed,
    Wanted,
    decide,
    learn_placed,
    open_part,
    part_path,
    place_part,
    set_as_made,
    unwritable,
    write_all,
)
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.progress import Progress

#: seconds after which what came gets its names, however much is still to come: on a slow line a load takes minutes
SHOWN_AFTER = 1.0


class BundleSource(Protocol):
    """Where many objects come from at once."""

    def bundle(self, digests: Sequence[Digest]) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        """Open a bundle of these objects (`conductor_core.transfer.bundle`), as blocks."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    wanted: Wanted
    #: None: it is not home
    placed: Placed | None = None
    #: why not; None with `placed` None: it has to come by itself, since it is not to be had in a bundle
    error: ConductorError | None = None


class _Remembered:
    """What files that lie there hash to, asked of the cache once for all of them."""

    def __init__(self, paths: Sequence[str], cache: HashCache) -> None:
        self._states: dict[str, FileState] = {}
        for path in paths:
            with contextlib.suppress(OSError):
                self._states[path] = FileState.of(os.stat(path))
        self._known = cache.digests(self._states)

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        return {p: self._known[p] for p, state in states.items() if p in self._known and self._states[p] == state}


@dataclass(slots=True)
class _Together:
    """One go: what is on its way, and what became of what."""

    cache: HashCache
    known: _Remembered
    progress: Progress
    outcomes: list[Outcome] = field(default_factory=list)
    #: written, and not yet under their names
    parts: list[tuple[Wanted, Path]] = field(default_factory=list)
    placed_at: float = field(default_factory=time.monotonic)

    def what_is_lacking(self, wanted: Sequence[Wanted]) -> dict[Digest, list[Wanted]]:
        """Return the files whose bytes are needed, by content: black frames of many passes are one object."""
        lacking: dict[Digest, list[Wanted]] = {}
        for one in wanted:
            with self._failing(one):
                placed, lies_there = decide(one, self.known)
                if lies_there:
                    with contextlib.suppress(OSError):
                        part_path(one.path, one.digest).unlink()
                    self.outcomes.append(Outcome(one, placed))
                else:
                    os.makedirs(os.path.dirname(one.path), exist_ok=True)
                    lacking.setdefault(one.digest, []).append(one)
        return lacking

    def fetch(self, lacking: Mapping[Digest, list[Wanted]], source: BundleSource) -> None:
        """Write what comes to parts; what breaks off leaves those that came."""
        left = {digest: list(ones) for digest, ones in lacking.items()}
        sizes = {digest: ones[0].size for digest, ones in lacking.items()}
        try:
            with source.bundle(list(sizes)) as blocks:
                for digest, content in read_bundle(sizes, blocks):
                    self.progress.check(left[digest][0].path)
                    for one in left.pop(digest):
                        self._take(one, content)
                    self.progress.received(sizes[digest] if content is not None else 0)
                    if time.monotonic() - self.placed_at > SHOWN_AFTER:
                        self.place()
        except NotFound:
            raise
        except ConductorError as exc:
            damaged = next(iter(left), None) if isinstance(exc, ContentMismatch) else None
            for digest, ones in left.items():  # of a damaged one's bundle the others are innocent, and come by themselves
                self.outcomes += [Outcome(one, error=exc if damaged in (None, digest) else None) for one in ones]

    def place(self) -> None:
        """Have the parts on disk, then give them their names."""
        synced: list[tuple[Wanted, Path]] = []
        parts, self.parts, self.placed_at = self.parts, [], time.monotonic()
        for one, part in parts:
            with self._failing(one, written=True):
                _sync(part)
                synced.append((one, part))
        placed: dict[str, Wanted] = {}
        found: list[Outcome] = []
        for one, part in synced:
            with self._failing(one, written=True):
                set_as_made(one, part)  # not before: one that may only be read could not be synced
                where = place_part(one, part, self.known)
                placed[where.path] = one
                found.append(Outcome(one, where))
        try:
            learn_placed(placed, self.cache)
        except OSError as exc:
            found = [Outcome(one.wanted, error=unwritable(one.wanted.path, exc)) for one in found]
        self.outcomes += found

    def _take(self, one: Wanted, content: bytes | None) -> None:
        if content is None:
            self.outcomes.append(Outcome(one))
            return
        with self._failing(one):
            part = part_path(one.path, one.digest)
            with open_part(part, one.path) as file:
                write_all(file, content)
                file.truncate(len(content))
                _begin_to_sync(file.fileno())
            self.parts.append((one, part))

    @contextlib.contextmanager
    def _failing(self, one: Wanted, *, written: bool = False) -> Iterator[None]:
        """Note what goes wrong with one file, so that the others come all the same."""
        try:
            yield
        except OSError as exc:
            taken = written and isinstance(exc, FileNotFoundError)
            self.outcomes.append(Outcome(one, error=BroughtByAnother(one.path) if taken else unwritable(one.path, exc)))
        except ConductorError as exc:
            self.outcomes.append(Outcome(one, error=exc))


def execute_together(wanted: Sequence[Wanted], source: BundleSource, cache: HashCache, progress: Progress) -> list[Outcome]:
    """Make all of `wanted` lie where they belong, each at a path of its own, and tell what became of each.

    Whatever ends it early, a break of the line or a cancelled `progress`: those that came are home.

    Raises:
        NotFound: the service does not bundle, or does not know the project; nothing was done that must be told.
    """
    go = _Together(cache, _Remembered([one.path for one in wanted], cache), progress)
    lacking = go.what_is_lacking(wanted)
    if lacking:
        go.fetch(lacking, source)
        go.place()
    return go.outcomes


def _begin_to_sync(handle: int) -> None:
    """Have the system begin to put a file on disk, where it can be asked to: the wait for it at the end is a third then."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):  # a file system without it
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync(part: Path) -> None:
    """Put a part on disk; it was closed before, so that hundreds of them do not hold as many handles."""
    handle = os.open(part, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
