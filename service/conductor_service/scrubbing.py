"""Read all that the store has, and set aside what is not what it is called: the next submission that needs it sends it again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, InvalidDocument, TransferError
from conductor_core.manifest import parse_manifest
from sqlalchemy import Executable, Row, exists, select
from sqlalchemy.orm import Session

from conductor_service.database import Database
from conductor_service.models import Job, ManifestObject, OutputFile, Pack, PackedObject, StoredObject
from conductor_service.pack_index import DatabaseIndex
from conductor_service.store import ObjectMissing, ObjectUnreadable, PackedStore, PrunableStore, Spot
from conductor_service.store.checking import checked

_PAGE = 200
#: users of a damaged object that are named
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Damage:
    """An object that the store does not have as it should."""

    digest: str
    sentence: str
    #: files and jobs, in words
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a scrub is: packs first, then what lies by itself, each by rising digest."""

    in_packs: bool = True
    after: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a scrub that is done, with what was found in it."""

    place: Place
    objects: int
    found: tuple[Damage, ...]


class Scrub:
    """One reading of a whole store; a service may be at work on it."""

    def __init__(self, database: Database, shelf: PrunableStore, pace: Callable[[int], None]) -> None:
        """Prepare; `pace` is called with the bytes that were read, and returns when more may be."""
        self._database = database
        self._shelf = shelf
        self._index = DatabaseIndex(database)
        self._pace = pace

    def steps(self, place: Place) -> Iterator[Step]:
        """Go on at a place, to the end.

        Raises:
            TransferError: the store does not answer, or gives no right. What was not read is not judged.
        """
        if place.in_packs:
            query = select(Pack.digest, Pack.id, Pack.size).order_by(Pack.digest).limit(1)
            while rows := self._rows(query.where(Pack.digest > place.after)):
                place = Place(True, rows[0][0])
                yield self._pack(place, *rows[0])
            place = Place(False)
        packed = exists().where(PackedObject.digest == StoredObject.digest)
        alone = select(StoredObject.digest, StoredObject.size).where(StoredObject.removed.is_(None), StoredObject.lost.is_(None))
        alone = alone.where(~packed).order_by(StoredObject.digest).limit(_PAGE)
        while rows := self._rows(alone.where(StoredObject.digest > place.after)):
            for digest, size in rows:
                place = Place(False, digest)
                damage = self._alone(digest, size)
                yield Step(place, 1, () if damage is None else (damage,))

    def _rows(self, query: Executable) -> Sequence[Row[Unpack[tuple[Any, ...]]]]:
        with self._database.read() as session:
            return session.execute(query).all()

    def _pack(self, place: Place, name: str, pack_id: int, size: int) -> Step:
        query = select(PackedObject.digest, PackedObject.offset, StoredObject.size)
        query = query.join(StoredObject, StoredObject.digest == PackedObject.digest).where(StoredObject.lost.is_(None))
        with self._database.read() as session:
            members = session.execute(query.where(PackedObject.pack_id == pack_id).order_by(PackedObject.offset)).all()
        data, reason = None, "has other content than its name says"
        try:
            data = b"".join(self._shelf.read(Digest(name)))
        except (ObjectMissing, ObjectUnreadable) as exc:
            reason = exc.what.removeprefix(f"{name}: ").rstrip(".")
        self._pace(len(data or b""))
        found = []
        for digest, offset, length in members:
            if data is None or f"sha256:{hashlib.sha256(data[offset : offset + length]).hexdigest()}" != digest:
                self._index.lose(Digest(digest), Spot(Digest(name), size, offset, length), read=data is not None)
                found.append(self._damage(digest, f"{digest} in pack {name} {reason}"))
        return Step(place, len(members), tuple(found))

    def _alone(self, name: str, size: int) -> Damage | None:
        digest = Digest(name)
        try:
            for piece in checked(digest, self._shelf.read(digest), size):
                self._pace(len(piece))
        except ContentMismatch:
            self._shelf.set_aside(digest)
            reason = "has other content than its name says, and is set aside"
        except ObjectMissing:
            reason = "is not in the store"
        except ObjectUnreadable as exc:
            reason = exc.what.removeprefix(f"{name}: ").rstrip(".")
        else:
            return None
        with self._database.read() as session:
            row = session.get(StoredObject, name)
        if row is None or row.removed is not None or self._index.spot(digest) is not None:
            return None  # it was removed, or came anew in a pack, while it was read
        self._index.lose(digest, None)
        return self._damage(name, f"{name} {reason}")

    def _damage(self, digest: str, what: str) -> Damage:
        store = PackedStore(self._shelf, self._index)
        with self._database.read() as session:
            return Damage(digest, f"Object {what}.", tuple(_users(session, store, digest)))


def _users(session: Session, store: PackedStore, digest: str) -> Iterator[str]:
    """Yield who needs an object: some files, with their jobs."""
    outputs = select(OutputFile.path, Job.number).join(Job, Job.id == OutputFile.job_id).where(OutputFile.digest == digest)
    for path, number in session.execute(outputs.order_by(Job.number).limit(_NAMED)):
        yield f"{path}, rendered by job {number}"
    inputs = select(Job.number, Job.manifest).join(ManifestObject, ManifestObject.manifest == Job.manifest)
    for number, manifest in session.execute(inputs.where(ManifestObject.digest == digest).order_by(Job.number).limit(_NAMED)):
        yield f"{_path(store, manifest, digest)} of job {number}"
    for number in session.scalars(select(Job.number).where(Job.manifest == digest).order_by(Job.number).limit(_NAMED)):
        yield f"the list of files of job {number}"
    previews = select(OutputFile.path).where(OutputFile.preview == digest)
    for path in session.scalars(previews.limit(_NAMED)):
        yield f"the preview of {path}"


def _path(store: PackedStore, manifest: str | None, digest: str) -> str:
    """Return the first file of a manifest that has this content."""
    try:
        entries = parse_manifest(b"".join(store.read(Digest(manifest or "")))).entries
    except (TransferError, InvalidDocument):
        return "a file"
    return next((entry.path for entry in entries if entry.digest == digest), "a file")
