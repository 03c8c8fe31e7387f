"""Objects that are sent in parts: begun, taken up again, seen to be what they are called, and only then published.

An upload belongs to a project: nobody else sees that it is under way, or gets at what has come of it. The same digest again is
the same upload, so a client that died goes on inside the file. The hash of the whole runs along behind the parts, so at the
end little is left to be read; after a restart it begins anew, from the disk.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conductor_core.digest import Digest
from conductor_core.errors import ContentMismatch, TransferError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from conductor_service import objects
from conductor_service.database import Database
from conductor_service.errors import Absent, Busy, PartsMissing
from conductor_service.models import Upload, new_id
from conductor_service.store import PartStore, Staged, Store, UploadLost, part_bytes

log = logging.getLogger(__name__)

#: an upload of which nothing has come for this long is given up
KEPT = objects.LEASE
#: what is staged without a row for this long belongs to nobody
_ORPHANED = objects.PRESENCE
_TOUCH = timedelta(hours=1)
#: of one project
MOST_UPLOADS = 10_000
#: seconds of hashing behind a part, and in one request that ends an upload
_ALONG_SECONDS = 0.25
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How far the end of an upload is."""

    #: whether the object is new to the project; None: it is still being read
    new: bool | None
    #: bytes that have been read so far
    verified: int


@dataclass(slots=True)
class _Running:
    """The hash of an upload's first bytes."""

    sha: Any = field(default_factory=hashlib.sha256)
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uploads:
    """The uploads of one service."""

    def __init__(self, database: Database, store: Store, parts: PartStore, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._store = store
        self.parts = parts
        self._elapsed = elapsed
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def begin(self, project_id: str, digest: Digest, size: int) -> Staged:
        """Return the project's upload of an object: the one that is under way, or a new one.

        Raises:
            Busy: too many are under way.
        """
        with self._database.read() as session:
            there = _find(session, project_id, digest)
            count = session.scalar(select(func.count()).select_from(Upload).where(Upload.project_id == project_id)) or 0
        if there is not None and there.size == size and self.parts.take_up(there):
            return there
        if there is None and count >= MOST_UPLOADS:
            raise Busy(
                f"{count} uploads are under way in this project.", "Those that nobody goes on with are given up in a week."
            )
        if there is not None:  # the store lost it, or another size under the same name: one of them cannot be true
            self.drop(there)
        return self._new(project_id, digest, size)

    def _new(self, project_id: str, digest: Digest, size: int) -> Staged:
        identity = new_id()
        mine = Staged(identity, digest, size, part_bytes(size), self.parts.begin(identity))
        with self._database.write() as unit:
            there = _find(unit.session, project_id, digest)
            if there is None:
                row = Upload(
                    id=mine.id,
                    project_id=project_id,
                    digest=digest,
                    size=size,
                    part_bytes=mine.part_bytes,
                    token=mine.token,
                    touched=unit.now,
                )
                unit.session.add(row)
        if there is not None:
            self.parts.discard(mine)
        return there or mine

    def find(self, project_id: str, upload: str) -> Staged:
        """Return an upload of a project.

        Raises:
            Absent: the project has none of this id.
        """
        with self._database.read() as session:
            row = session.get(Upload, upload)
            if row is None or row.project_id != project_id:
                raise Absent("upload", upload)
            touched = row.touched
        if self._database.clock() - touched > _TOUCH:
            self._touch(upload)
        return _staged(row)

    def write_part(self, staged: Staged, number: int, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Keep a part, and let the hash of the whole follow.

        Raises:
            ContentMismatch: it is not what it is called.
            PartTaken, UploadLost, StoreFull, StoreUnwritable: it is not kept.
        """
        self.parts.write_part(staged, number, digest, chunks)
        running = self._of(staged)
        if running.lock.acquire(blocking=False):
            try:
                self._follow(staged, running, _ALONG_SECONDS)
            except TransferError as exc:
                log.warning("%s", exc)  # the part is there all the same; the end of the upload tells what is wrong
            finally:
                running.lock.release()

    def end(self, project_id: str, staged: Staged) -> Ended:
        """Publish an upload once all of it has been seen to be what it is called; asked again until it is.

        Raises:
            PartsMissing: naming those that have not come.
            ContentMismatch: the whole is not what it is called; nothing of it is kept.
            UploadLost: the store does not have it any more.
            Busy: a clean-up took what was published; it is published again when this is asked again.
        """
        missing = sorted(set(range(1, staged.parts + 1)) - self.parts.have(staged))
        if missing:
            raise PartsMissing(missing)
        running = self._of(staged)
        if not running.lock.acquire(timeout=_END_SECONDS):
            return Ended(None, running.done)
        try:
            self.parts.seal(staged)
            self._follow(staged, running, _END_SECONDS)
            if running.done < staged.size:
                return Ended(None, running.done)
            actual = f"sha256:{running.sha.hexdigest()}"
            if actual != staged.digest:
                self.drop(staged)
                raise ContentMismatch(staged.digest, staged.digest, actual)
            self.parts.publish(staged)
            return Ended(self._give(project_id, staged), staged.size)
        finally:
            running.lock.release()

    def drop(self, staged: Staged) -> None:
        """Give an upload up: its row first, so that nobody is told to go on with what is gone."""
        with self._database.write() as unit:
            unit.session.execute(delete(Upload).where(Upload.id == staged.id))
        self._forget(staged)

    def sweep(self) -> int:
        """Give up what nobody goes on with, and what a crash left; return how many those were."""
        now = self._database.clock()
        with self._database.read() as session:
            old = [_staged(row) for row in session.scalars(select(Upload).where(Upload.touched < now - KEPT))]
        for staged in old:
            self.drop(staged)
        left = [k for k in self.parts.kept() if k.begun < now - _ORPHANED]
        with self._database.read() as session:
            known = set(session.scalars(select(Upload.id)))
        orphans = [Staged(k.id, Digest(f"sha256:{'0' * 64}"), 1, 1, k.token) for k in left if k.id not in known]
        for orphan in orphans:
            self.parts.discard(orphan)
        return len(old) + len(orphans)

    def _give(self, project_id: str, staged: Staged) -> bool:
        """Give the project its right to the object, which lies in the store; then forget the upload."""
        with self._database.write() as unit:
            new = objects.grant(unit, project_id, staged.digest, staged.size)
        objects.confirm(self._database, self._store, staged.digest, staged.size)
        with self._database.write() as unit:
            unit.session.execute(delete(Upload).where(Upload.id == staged.id))
        try:
            self._forget(staged)
        except TransferError as exc:
            log.warning("%s", exc)  # the object is there; what is left of its upload is for the sweep
        return new

    def _forget(self, staged: Staged) -> None:
        with self._lock:
            self._running.pop(staged.id, None)
        self.parts.discard(staged)

    def _of(self, staged: Staged) -> _Running:
        with self._lock:
            return self._running.setdefault(staged.id, _Running())

    def _follow(self, staged: Staged, running: _Running, seconds: float) -> None:
        """Hash on as far as can be read, for about as long as that."""
        until = self._elapsed() + seconds
        end = self.parts.readable(staged)
        if running.done > end:  # the store lost what was read: what comes in its place has not been
            running.sha, running.done = hashlib.sha256(), 0
        if running.done == end:
            return
        for piece in self.parts.read(staged, running.done):
            running.sha.update(piece)
            running.done += len(piece)
            if self._elapsed() > until:
                return
        if running.done < end:
            raise UploadLost(staged.digest)

    def _touch(self, upload: str) -> None:
        with self._database.write() as unit:
            row = unit.session.get(Upload, upload)
            if row is not None:
                row.touched = unit.now


def _find(session: Session, project_id: str, digest: Digest) -> Staged | None:
    row = session.scalar(select(Upload).where(Upload.project_id == project_id, Upload.digest == digest))
    return None if row is None else _staged(row)


def _staged(row: Upload) -> Staged:
    return Staged(row.id, Digest(row.digest), row.size, row.part_bytes, row.token)
