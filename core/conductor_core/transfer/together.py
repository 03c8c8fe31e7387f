"""Bring many small files home as one: one answer of the service, the disk waited for once, one note in each database.

The rules are those of a single file (`download.py`): verified before anything of it can be seen, on disk before it has
its name, never over newer work. All parts are written first and put on disk after, all at once where the file system can do
that (`flushing.py`), so that five thousand files cost some waits for the disk and not five thousand. Then all get their
names, and each folder is put on disk once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conductor_core.digest import Digest
from conductor_core.errors import BroughtByAnother, ConductorError, ContentMismatch, NotFound
from conductor_core.transfer.bundle import Content, read_bundle
from conductor_core.transfer.download import (
    Cache,
    Placed,
    Wanted,
    decide,
    learn_placed,
    named_state,
    part_path,
    place_part,
    set_as_made,
    sync_folder_of,
    unwritable,
)
from conductor_core.transfer.flushing import MANY, WholeFlush, flush_each, name_if_free
from conductor_core.transfer.hash_cache import FileState
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.small_parts import SmallPart, check_held, still_ours, write_part
from conductor_core.transfer.targets import Folders, Remembered

#: seconds after which what came gets its names, however much is still to come: on a slow line a load takes minutes
SHOWN_AFTER = 1.0
#: bytes that are gathered before they are written: whoever writes has the disk's turn, and the others receive and hash meanwhile
WRITTEN_AT_ONCE = 512 << 10


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


@dataclass(slots=True)
class _Together:
    """One go: what is on its way, and what became of what."""

    cache: Cache
    known: Remembered
    progress: Progress
    folders: Folders
    outcomes: list[Outcome] = field(default_factory=list)
    #: written, and not yet under their names
    parts: list[SmallPart] = field(default_factory=list)
    placed_at: float = field(default_factory=time.monotonic)

    def what_is_lacking(self, wanted: Sequence[Wanted]) -> dict[Digest, list[Wanted]]:
        """Return the files whose bytes are needed, by content: black frames of many passes are one object."""
        lacking: dict[Digest, list[Wanted]] = {}
        found: dict[str, list[Outcome]] = {}
        for one in wanted:
            try:
                placed = None if one.path in self.known.free else self._lies_there(one)
                if placed is None:
                    self.folders.make_for(one.path, self.known.folder_of[one.path])
            except (OSError, ConductorError) as exc:
                self._note(one, exc)
                continue
            if placed is None:
                lacking.setdefault(one.digest, []).append(one)
            else:
                found.setdefault(os.path.dirname(one.path), []).append(Outcome(one, placed))
        self._tell_found(found)
        return lacking

    def _tell_found(self, found: Mapping[str, list[Outcome]]) -> None:
        """Tell of files that were found, by folder, once their names are on disk: a go that was killed may not have come so far."""
        for outcomes in found.values():
            try:
                sync_folder_of(outcomes[0].wanted.path)
            except OSError as exc:
                outcomes = [Outcome(one.wanted, error=unwritable(one.wanted.path, exc)) for one in outcomes]
            self.outcomes += outcomes

    def fetch(self, lacking: Mapping[Digest, list[Wanted]], source: BundleSource) -> None:
        """Write what comes to parts; what breaks off leaves those that came."""
        left = {digest: list(ones) for digest, ones in lacking.items()}
        sizes = {digest: ones[0].size for digest, ones in lacking.items()}
        try:
            with source.bundle(list(sizes)) as blocks:
                for came in _gathered(read_bundle(sizes, blocks), self._due):
                    first = left[came[0][0]][0]
                    with self._turn(first):
                        for digest, content in came:
                            for one in left.pop(digest):
                                self._take(one, content)
                    self.progress.received(sum(len(content or b"") for _, content in came))
                    self.progress.check(first.path)  # behind what is here already: that comes home
                    if self._due():
                        self.place()
        except NotFound:
            raise
        except ConductorError as exc:
            damaged = next(iter(left), None) if isinstance(exc, ContentMismatch) else None
            for digest, ones in left.items():  # of a damaged one's bundle the others are innocent, and come by themselves
                self.outcomes += [Outcome(one, error=exc if damaged in (None, digest) else None) for one in ones]

    def place(self) -> None:
        """Have the parts on disk, then give them their names."""
        began = self.cache.now()
        placed: dict[str, Wanted] = {}
        states: dict[str, FileState] = {}
        found: list[Outcome] = []
        for part, where, state in self._with_names(self._on_disk(self.parts)):
            placed[where.path] = part.wanted
            if state is not None:
                states[where.path] = state
            found.append(Outcome(part.wanted, where))
        self.let_go()
        try:
            learn_placed(placed, self.cache, states, began=began)
        except OSError as exc:
            found = [Outcome(one.wanted, error=unwritable(one.wanted.path, exc)) for one in found]
        self.outcomes += found
        self.placed_at = time.monotonic()

    def let_go(self) -> None:
        """Close the parts: they have their names, or get none."""
        parts, self.parts = self.parts, []
        for part in parts:
            with contextlib.suppress(OSError):  # what it has in it is on disk, and the others are to be closed as well
                part.close()

    def _due(self) -> bool:
        return time.monotonic() - self.placed_at > SHOWN_AFTER

    def _turn(self, one: Wanted) -> contextlib.AbstractContextManager[object]:
        """Return the turn on the disk of a file; on a server's share several threads wait for the line side by side."""
        flush = self.folders.flush_of[one.path]
        return contextlib.nullcontext() if flush is None else flush.turn

    def _with_names(self, parts: Sequence[SmallPart]) -> Iterator[tuple[SmallPart, Placed, FileState | None]]:
        """Give parts their names, and yield those that got one: first, in turns, where nothing lay and nothing does now."""
        others: list[SmallPart] = []
        for free, some in itertools.groupby(parts, lambda part: part.wanted.path in self.known.free):
            ones = list(some)
            if not free:
                others += ones
                continue
            with self._turn(ones[0].wanted):
                named = list(self._name_all(ones, self._if_free, others))
            yield from named
        yield from self._name_all(others, self._beside_what_is_there, [])  # what lies there may take long to read

    def _name_all(
        self, parts: Sequence[SmallPart], put: Callable[[SmallPart, Callable[[], None]], Placed | None], left: list[SmallPart]
    ) -> Iterator[tuple[SmallPart, Placed, FileState | None]]:
        """Name parts by `put`, and yield each with its place and its state there; `left` gets those that are not to be named so."""
        for part in parts:
            try:
                with self._kept(part) as (made, check):
                    placed = put(part, check)
                    state = None if placed is None else named_state(placed, made)
            except (OSError, ConductorError) as exc:
                self._note(part.wanted, exc, written=True)
                continue
            if placed is None:
                left.append(part)
            else:
                yield part, placed, state

    def _if_free(self, part: SmallPart, check: Callable[[], None]) -> Placed | None:  # noqa: ARG002 - one that is free needs no look
        return Placed(part.wanted.path, "placed") if name_if_free(part.path, part.wanted.path) else None

    def _beside_what_is_there(self, part: SmallPart, check: Callable[[], None]) -> Placed:
        return place_part(part.wanted, part.path, self.known, check)

    def _lies_there(self, one: Wanted) -> Placed | None:
        placed, lies_there = decide(one, self.known)
        if not lies_there:
            return None
        with contextlib.suppress(OSError):
            part_path(one.path, one.digest).unlink()
        return placed

    @contextlib.contextmanager
    def _kept(self, part: SmallPart) -> Iterator[tuple[FileState, Callable[[], None]]]:
        """Keep a part ours while it gets its name; give its state before that, and what looks once more.

        Raises:
            BroughtByAnother: it is another's now.
            OSError: it is not there, or cannot be looked at.
        """
        if part.held is not None and part.state is not None:
            check_held(part)
            yield part.state, lambda: check_held(part)
            return
        with still_ours(part) as check:
            if part.state is None:
                set_as_made(part.wanted, part.path)  # not before: one that may only be read could not be flushed
            yield part.state or FileState.of(os.lstat(part.path)), check

    def _take(self, one: Wanted, content: Content | None) -> None:
        if content is None:
            self.outcomes.append(Outcome(one))
            return
        try:
            self.parts.append(write_part(one, content, as_made=self.folders.flush_of[one.path] is not None))
        except (OSError, ConductorError) as exc:
            self._note(one, exc)

    def _on_disk(self, parts: Sequence[SmallPart]) -> list[SmallPart]:
        """Put parts on disk, and return those that are."""
        by_flush: dict[WholeFlush | None, list[SmallPart]] = {}
        for part in parts:
            by_flush.setdefault(self.folders.flush_of[part.wanted.path], []).append(part)
        failed: dict[str, OSError] = {}
        for flush, some in by_flush.items():
            if flush is None or len(some) < MANY or not flush():
                failed.update(flush_each([part.path for part in some]))
        for part in parts if failed else ():
            if part.path in failed:
                self._note(part.wanted, failed[part.path], written=True)
        return [part for part in parts if part.path not in failed]

    def _note(self, one: Wanted, exc: OSError | ConductorError, *, written: bool = False) -> None:
        """Note what goes wrong with one file, so that the others come all the same."""
        if written and isinstance(exc, FileNotFoundError):
            exc = BroughtByAnother(one.path)
        self.outcomes.append(Outcome(one, error=unwritable(one.path, exc) if isinstance(exc, OSError) else exc))


def _gathered(
    objects: Iterable[tuple[Digest, Content | None]], due: Callable[[], bool]
) -> Iterator[list[tuple[Digest, Content | None]]]:
    """Yield objects as many at once as are written at once, or as came when it was `due`; also those before a break."""
    came: list[tuple[Digest, Content | None]] = []
    size = 0
    try:
        for one in objects:
            came.append(one)
            size += len(one[1] or b"")
            if size >= WRITTEN_AT_ONCE or due():
                yield came
                came, size = [], 0
    except ConductorError:
        if came:
            yield came
        raise
    if came:
        yield came


def execute_together(wanted: Sequence[Wanted], source: BundleSource, cache: Cache, progress: Progress) -> list[Outcome]:
    """Make all of `wanted` lie where they belong, each at a path of its own, and tell what became of each.

    Whatever ends it early, a break of the line or a cancelled `progress`: those that came are home.

    Raises:
        NotFound: the service does not bundle, or does not know the project; nothing was done that must be told.
    """
    with contextlib.closing(Folders()) as folders:
        go = _Together(cache, Remembered(wanted, cache, folders), progress, folders)
        lacking = go.what_is_lacking(wanted)
        if lacking:
            try:
                go.fetch(lacking, source)
                go.place()
            finally:
                go.let_go()
    return go.outcomes
