"""What an audit finds, and how a kind of fault is registered: one function that yields what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVarTuple, Unpack

from conductor_core.digest import Digest
from conductor_core.errors import InvalidDocument
from sqlalchemy import Engine, Row, Select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import InstrumentedAttribute, Session

from conductor_service.database import is_locked, is_unusable

Columns = TypeVarTuple("Columns")
#: what reading a value raises that is none of its type: SQLite keeps anything in any column
_MALFORMED = (ValueError, LookupError, TypeError, InvalidDocument)
_BY_HAND = "Set the value right by hand, or restore the database from a backup; please report it. Then run the audit again."
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
    """What one check looks at: the database, the store, and the folder that both lie in.

    All that is asked of the session is one state of the database, until `pages` or `let_go` ends it.
    """

    session: Session
    store: Shelf
    data: Path
    now: datetime
    #: a service is at work on it right now
    served: bool

    def rows(self, query: Select[Unpack[Columns]]) -> Iterator[Row[Unpack[Columns]]]:
        """Yield the rows of a query, a batch at a time, all of one state."""
        yield from self.session.execute(query.execution_options(yield_per=BATCH))

    def pages(self, query: Select[Unpack[Columns]], key: InstrumentedAttribute[str]) -> Iterator[Row[Unpack[Columns]]]:
        """Yield the rows of a query by a column of it, each page of them of a state of its own.

        For checks that ask the store about every row: no state is held meanwhile, or the log of the database could not
        begin anew for as long as somebody reads terabytes.
        """
        last = ""
        while rows := self.session.execute(query.where(key > last).order_by(key).limit(BATCH)).all():
            last = rows[-1]._mapping[key]
            self.let_go()
            yield from rows

    def let_go(self) -> None:
        """End the state that the session sees; the next question sees a newer one."""
        self.session.rollback()


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
    """Yield every fault there is. Each check sees one state of the database or pages of it (`Ground`).

    Raises:
        DBAPIError: the database cannot be opened, or is locked.
        OSError: the store cannot be looked at.
    """
    for one in sorted(KINDS.values(), key=lambda one: not one.fatal):
        if one.deep and not deep:
            continue
        found = False
        for finding in _look(one, place, now):
            found = True
            yield finding
        if found and one.fatal:
            return


def _look(one: Kind, place: Place, now: datetime) -> Iterator[Finding]:
    """Yield the faults of one kind; a value that cannot be read ends this kind, and is one itself."""
    with Session(place.engine, autoflush=False, expire_on_commit=False) as session:
        try:
            for seen in one.look(Ground(session, place.store, place.data, now, place.served)):
                yield Finding(one.name, seen.subject, seen.sentence, one.next_step, seen.in_flight)
        except _MALFORMED as exc:
            yield _unchecked(one, f"a value of the database cannot be read: {exc or type(exc).__name__}")
        except DatabaseError as exc:
            if is_locked(exc) or is_unusable(exc):
                raise
            yield _unchecked(one, f"the database cannot answer: {exc.orig}")


def _unchecked(one: Kind, reason: str) -> Finding:
    sentence = f"This kind cannot be checked to its end: {reason.rstrip('.')}."
    return Finding(one.name, "database", sentence, _BY_HAND, in_flight=False)
