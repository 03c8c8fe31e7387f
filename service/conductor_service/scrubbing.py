"""Read all that the store has, and set aside what is not what it is called: the next submission that needs it sends it again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, InvalidDocument, TransferError
from conductor_core.manifest import parse_manifest
from sqlalchemy import Executable, Row, exists, select
from sqlalchemy.orm import Session

from conductor_service import losses, objects, removals
from conductor_service.database import Database
from conductor_service.many_values import among
from conductor_service.models import Job, ManifestObject, OutputFile, Pack, PackedObject, StoredManifest, StoredObject
from conductor_service.pack_index import DatabaseIndex
from conductor_service.store import ObjectMissing, ObjectUnreadable, PackedStore, PrunableStore
from conductor_service.store.checking import checked

_PAGE = 200
_GONE = "is not in the store"
_DAMAGED = "has other content than its name says, and is set aside"
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
    #: of these objects: those that were lost, as on a disk that was away, and are there again
    again: int = 0


class Scrub:
    """One reading of a whole store; a service may be at work on it."""

    def __init__(self, database: Database, shelf: PrunableStore, pace: Callable[[int], None]) -> None:
        """Prepare; `pace` is called with the bytes that were read, and returns when more may be."""
        self._database = database
        self._shelf = shelf
        self._index = DatabaseIndex(database)
        self._pace = pace
        #: of the manifests that were last read to name files
        self._paths: dict[str, dict[str, str]] = {}

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
        packed = exists().where(PackedObject.object_id == StoredObject.id)
        alone = select(StoredObject.digest, StoredObject.size, StoredObject.lost).where(StoredObject.removed.is_(None), ~packed)
        alone = alone.order_by(StoredObject.digest).limit(_PAGE)
        while rows := self._rows(alone.where(StoredObject.digest > place.after)):
            for digest, size, lost in rows:
                place = Place(False, digest)
                yield self._alone(place, Digest(digest), size, lost)

    def _rows(self, query: Executable) -> Sequence[Row[Unpack[tuple[Any, ...]]]]:
        with self._database.read() as session:
            return session.execute(query).all()

    def _pack(self, place: Place, name: str, pack_id: int, size: int) -> Step:
        query = select(StoredObject.digest, PackedObject.offset, StoredObject.size, StoredObject.lost)
        query = query.join(PackedObject, PackedObject.object_id == StoredObject.id)
        members = self._rows(query.where(PackedObject.pack_id == pack_id).order_by(PackedObject.offset))
        data, reason = None, "has other content than its name says"
        try:
            data = b"".join(self._shelf.read(Digest(name)))
        except (ObjectMissing, ObjectUnreadable) as exc:
            reason = exc.what.removeprefix(f"{name}: ").rstrip(".")
            self._note_pack(name, size, gone=isinstance(exc, ObjectMissing))
        self._pace(len(data or b""))
        wrong, back = [], []
        for digest, offset, length, lost in members:
            right = data is not None and f"sha256:{hashlib.sha256(data[offset : offset + length]).hexdigest()}" == digest
            if lost is not None and right:
                back.append((digest, lost))
            elif lost is None and not right:
                wrong.append(digest)
        if data is not None:
            self._lose(wrong, pack_id)
        lost_now = self._lost_of(wrong)
        found = tuple(self._damage(digest, f"{digest} in pack {name} {reason}") for digest in wrong if digest in lost_now)
        again = self._lift(back, pack_id)
        return Step(place, sum(row.lost is None for row in members) + again, found, again)

    def _lost_of(self, digests: Sequence[str]) -> set[str]:
        with self._database.read() as session:
            query = select(StoredObject.digest).where(among(session, StoredObject.digest, digests))
            return set(session.scalars(query.where(StoredObject.lost.is_not(None))))

    def _note_pack(self, name: str, size: int, *, gone: bool) -> None:
        """Note the members of a pack as lost that cannot be read; where they lie stays known."""
        if gone:
            objects.note_missing(self._database, self._shelf, {}, {name: size})
            return
        with self._database.write() as unit:
            losses.lose_packs(unit, [name])

    def _lose(self, digests: Sequence[str], pack_id: int) -> None:
        """Note as lost what was read in a pack and is not what it is called, unless it has come to lie elsewhere meanwhile."""
        if not digests:
            return
        with self._database.write() as unit:
            here = exists().where(PackedObject.object_id == StoredObject.id, PackedObject.pack_id == pack_id)
            still = select(StoredObject.digest).where(among(unit.session, StoredObject.digest, digests), here)
            losses.lose(unit, list(unit.session.scalars(still)))

    def _alone(self, place: Place, digest: Digest, size: int, lost: datetime | None) -> Step:
        fault = self._fault(digest, size)
        if lost is not None:  # nothing new is to be said of it, unless it is there again
            again = 0 if fault else self._lift([(digest, lost)], None)
            return Step(place, again, (), again)
        if fault == _DAMAGED:
            fault = self._set_aside(digest, size)
        elif fault == _GONE:
            objects.note_missing(self._database, self._shelf, {digest: size}, {})
        elif fault:
            self._index.lose(digest, None)
        with self._database.read() as session:
            row = _row(session, digest)
        if not fault or row is None or row.lost is None:  # it was removed, or came anew, while it was read
            return Step(place, 1, ())
        return Step(place, 1, (self._damage(digest, f"{digest} {fault}"),))

    def _fault(self, digest: Digest, size: int) -> str:
        """Read an object that lies by itself, and return what is wrong with it, or nothing."""
        try:
            for piece in checked(digest, self._shelf.read(digest), size):
                self._pace(len(piece))
        except ContentMismatch:
            return _DAMAGED
        except ObjectMissing:
            return _GONE
        except ObjectUnreadable as exc:
            return exc.what.removeprefix(f"{digest}: ").rstrip(".")
        return ""

    def _set_aside(self, digest: Digest, size: int) -> str:
        """Set aside what is damaged a second time too, unless somebody brings it anew meanwhile."""
        written = self._shelf.written(digest)
        fault = self._fault(digest, size)
        if fault != _DAMAGED:
            return ""  # it came anew, or went: what is there is looked at by the next scrub
        with self._database.write() as unit:
            row = _row(unit.session, digest)
            packed = row is not None and unit.session.get(PackedObject, row.id) is not None
            claim = None if row is None or row.removed is not None or packed else removals.claim_for_good(unit, digest)
            if claim is None:
                return ""
            losses.lose(unit, [digest])
            noted = unit.now
        anew = self._shelf.written(digest) != written
        if not anew:
            self._shelf.set_aside(digest)
        with self._database.write() as unit:
            removals.release(unit, claim)
            if anew:
                losses.lift(unit, [digest], [], noted)
            row = _row(unit.session, digest)
            outlived = not anew and row is not None and row.lost is None
        if outlived:  # a large object is copied for longer than a claim lasts: what came meanwhile may have gone with it
            objects.note_missing(self._database, self._shelf, {digest: size}, {})
        return "" if anew else _DAMAGED

    def _lift(self, seen: Sequence[tuple[str, datetime]], pack_id: int | None) -> int:
        """Note that objects are there again which were lost since then, and lie where they were just read; return how many."""
        if not seen:
            return 0
        digests = [digest for digest, _ in seen]
        with self._database.write() as unit:
            taken = removals.claimed(unit, digests)
            query = select(StoredObject.digest, PackedObject.pack_id).join(
                PackedObject, PackedObject.object_id == StoredObject.id
            )
            rows = unit.session.execute(query.where(among(unit.session, StoredObject.digest, digests)))
            lie_in = {row.digest: row.pack_id for row in rows}
            back: defaultdict[datetime, list[str]] = defaultdict(list)
            for digest, lost in seen:
                if digest not in taken and lie_in.get(digest) == pack_id:
                    back[lost].append(digest)
            return sum(losses.lift(unit, some, [], lost) for lost, some in back.items())

    def _damage(self, digest: str, what: str) -> Damage:
        with self._database.read() as session:
            users = list(_users(session, digest))
        return Damage(digest, f"Object {what}.", tuple(self._in_words(digest, user) for user in users))

    def _in_words(self, digest: str, user: _User) -> str:
        if not user.manifest:
            return user.words
        if user.manifest not in self._paths:  # a damaged pack has thousands of members of the same few jobs
            if len(self._paths) >= _NAMED:
                self._paths.pop(next(iter(self._paths)))
            self._paths[user.manifest] = _first_paths(PackedStore(self._shelf, self._index), user.manifest)
        return f"{self._paths[user.manifest].get(digest, 'a file')} {user.words}"


def _row(session: Session, digest: str) -> StoredObject | None:
    return session.scalars(select(StoredObject).where(StoredObject.digest == digest)).one_or_none()


@dataclass(frozen=True, slots=True)
class _User:
    """Who needs an object, in words; with a manifest, the words go on behind the name of the file that it has there."""

    words: str
    manifest: str = ""


def _users(session: Session, digest: str) -> Iterator[_User]:
    """Yield who needs an object: some files, with their jobs."""
    outputs = select(OutputFile.path, Job.number).join(Job, Job.id == OutputFile.job_id).where(OutputFile.digest == digest)
    for path, number in session.execute(outputs.order_by(Job.number).limit(_NAMED)):
        yield _User(f"{path}, rendered by job {number}")
    inputs = select(Job.number, StoredManifest.digest).join(StoredManifest, StoredManifest.digest == Job.manifest)
    inputs = inputs.join(ManifestObject, ManifestObject.manifest_id == StoredManifest.id)
    inputs = inputs.join(StoredObject, StoredObject.id == ManifestObject.object_id)
    for number, manifest in session.execute(inputs.where(StoredObject.digest == digest).order_by(Job.number).limit(_NAMED)):
        yield _User(f"of job {number}", manifest)
    for number in session.scalars(select(Job.number).where(Job.manifest == digest).order_by(Job.number).limit(_NAMED)):
        yield _User(f"the list of files of job {number}")
    previews = select(OutputFile.path).where(OutputFile.preview == digest)
    for path in session.scalars(previews.limit(_NAMED)):
        yield _User(f"the preview of {path}")


def _first_paths(store: PackedStore, manifest: str) -> dict[str, str]:
    """Return for each content that a manifest names the first file that has it; nothing where it cannot be read."""
    try:
        entries = parse_manifest(b"".join(store.read(Digest(manifest)))).entries
    except (TransferError, InvalidDocument):
        return {}
    return {entry.digest: entry.path for entry in reversed(entries) if entry.digest is not None}
