"""Mark what is needed: one look at all references, in a table that is this connection's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Engine, Executable, MetaData, Select, String, Table, exists, func, insert, select

from conductor_service.models import (
    ManifestObject,
    OutputFile,
    Pack,
    PackedObject,
    PresenceLease,
    ProjectFile,
    ProjectObject,
    StoredManifest,
    StoredObject,
)

_PAGE = 5000


class Marks:
    """What was needed at one moment; what has become needed since, whoever uses it finds out.

    Marks may be millions: they lie in a temporary table of the database, which nobody else waits for.
    """

    def __init__(self, engine: Engine, now: datetime, *, without: frozenset[str] = frozenset()) -> None:
        """Prepare to mark; `without` are manifests that are taken to be gone already."""
        self._now = now
        self._without = without
        self._connection = engine.connect()
        self.table = Table("marked", MetaData(), Column("digest", String(80), primary_key=True), prefixes=["TEMPORARY"])
        #: the manifests that were there, with the times since when
        self.manifests: frozenset[tuple[str, datetime]] = frozenset()

    def __enter__(self) -> Marks:
        """Mark."""
        connection = self._connection
        self.table.create(connection)
        rows = connection.execute(select(StoredManifest.digest, StoredManifest.created).where(StoredManifest.removed.is_(None)))
        self.manifests = frozenset((digest, created) for digest, created in rows if digest not in self._without)
        for digest, _ in self.manifests:  # the manifest's own bytes, and all that it names
            self._mark(select(StoredObject.digest).where(StoredObject.digest == digest))
            named = select(StoredObject.digest).join(ManifestObject, ManifestObject.object_id == StoredObject.id)
            named = named.join(StoredManifest, StoredManifest.id == ManifestObject.manifest_id)
            self._mark(named.where(StoredManifest.digest == digest))
        for query in (
            select(OutputFile.digest),
            select(OutputFile.preview).where(OutputFile.preview.is_not(None)),
            select(ProjectFile.digest),
            select(PresenceLease.digest).where(PresenceLease.expires >= self._now),
            select(StoredObject.digest)
            .join(ProjectObject, ProjectObject.object_id == StoredObject.id)
            .where(ProjectObject.leased >= self._now),
        ):
            self._mark(query)
        connection.commit()
        return self

    def __exit__(self, *exc: object) -> None:
        """Forget the marks."""
        self._connection.rollback()
        self.table.drop(self._connection)
        self._connection.commit()
        self._connection.close()

    def unmarked(self) -> Iterator[list[tuple[str, int]]]:
        """Yield pages of objects that are not marked, with their sizes; no state of the database is held between two."""
        marked = exists().where(self.table.c.digest == StoredObject.digest)
        query = select(StoredObject.digest, StoredObject.size).where(StoredObject.removed.is_(None), ~marked)
        last = ""
        while page := self.rows(query.where(StoredObject.digest > last).order_by(StoredObject.digest).limit(_PAGE)):
            last = page[-1][0]
            yield [(digest, size) for digest, size in page]

    def to_discard(self) -> int:
        """Return how many objects by themselves, and how many packs, have nothing that is marked."""
        marked = exists().where(self.table.c.digest == StoredObject.digest)
        packed = exists().where(PackedObject.object_id == StoredObject.id)
        alone = select(func.count()).select_from(StoredObject).where(StoredObject.removed.is_(None), ~marked, ~packed)
        used = exists().where(PackedObject.pack_id == Pack.id, PackedObject.object_id == StoredObject.id, marked)
        packs = select(func.count()).select_from(Pack).where(~used)
        return sum(self.rows(query)[0][0] for query in (alone, packs))

    def rows(self, query: Executable) -> list[Any]:
        """Return the rows of a query that may ask for the marks."""
        found = list(self._connection.execute(query).all())
        self._connection.commit()
        return found

    def _mark(self, query: Select[Any]) -> None:
        needed = query.distinct().subquery()
        there = exists().where(self.table.c.digest == needed.c[0])
        self._connection.execute(insert(self.table).from_select(["digest"], select(needed.c[0]).where(~there)))
