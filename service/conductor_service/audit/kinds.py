"""What an audit finds, and how a kind of fault is registered: one function that yields what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVarTuple, Unpack

from conductor_core.digest import Digest
from sqlalchemy import Engine, Row, Select
from sqlalchemy.orm import Session

Columns = TypeVarTuple("Columns")
#: rows fetched at once: an audit of millions of tasks takes no more memory than one of thousands
BATCH = 1000


class Shelf(Protocol):
    """What an audit asks of a store; nothing of it writes."""

    def size(self, digest: Digest) -> int | None:
        """Return the bytes that the object has, or None."""
        ...

    def read(self, digest: Digest) -> Iterable[bytes]:
        """Return the object's bytes as they lie there."""
        ...

    def written(self, digest: Digest) -> datetime | None:
        """Return when the object was last written, or None."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Return each object's digest."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What one check looks at: one state of the database, the store, and the folder that both lie in."""

    session: Session
    store: Shelf
    data: Path
    now: datetime
    #: a service is at work on it right now
    served: bool

    def rows(self, query: Select[Unpack[Columns]]) -> Iterator[Row[Unpack[Columns]]]:
        """Yield the rows of a query, a batch at a time."""
        yield from self.session.execute(query.execution_options(yield_per=BATCH))


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that is wrong."""

    #: what kind of thing, and its id
    subject: str
    sentence: str
    #: the service may just be in the middle of it
    in_flight: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with its kind and what to do about it."""

    kind: str
    subject: str
    sentence: str
    next_step: str
    in_flight: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and the function that looks for it."""

    name: str
    about: str
    next_step: str
    look: Callable[[Ground], Iterator[Seen]]
    #: looked for with `--deep` only
    deep: bool = False
    #: where it is found nothing else can be read
    fatal: bool = False


#: every kind; those come first after which nothing else can be read
KINDS: dict[str, Kind] = {}


def kind(
    name: str, next_step: str, *, deep: bool = False, fatal: bool = False
) -> Callable[[Callable[[Ground], Iterator[Seen]]], Callable[[Ground], Iterator[Seen]]]:
    """Register a function as the check for a kind of fault; the first line of its docstring says what the fault is."""

    def register(look: Callable[[Ground], Iterator[Seen]]) -> Callable[[Ground], Iterator[Seen]]:
        about = (look.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        assert name not in KINDS, name
        KINDS[name] = Kind(name, about, next_step, look, deep, fatal)
        return look

    return register


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look."""

    engine: Engine
    store: Shelf
    data: Path
    served: bool


def audit(place: Place, now: datetime, *, deep: bool = False) -> Iterator[Finding]:
    """Yield every fault there is. Each check sees one state of the database, however long the others take."""
    for one in sorted(KINDS.values(), key=lambda one: not one.fatal):
        if one.deep and not deep:
            continue
        found = False
        with Session(place.engine, autoflush=False, expire_on_commit=False) as session:
            for seen in one.look(Ground(session, place.store, place.data, now, place.served)):
                found = True
                yield Finding(one.name, seen.subject, seen.sentence, one.next_step, seen.in_flight)
        if found and one.fatal:
            return
