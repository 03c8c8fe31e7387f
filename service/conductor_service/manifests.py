"""Manifests that a project sent before: known by their digest alone, and the ground on which the next is told.

A scene is submitted again and again with the same hundred thousand files, of which one or two were edited. So a client asks
with one digest whether all is there, and commits by saying which entries of the former manifest stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conductor_core.digest import Digest, digest_of
from conductor_core.manifest import Entry, Manifest, check_manifest, read_manifest
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from conductor_service import objects
from conductor_service.database import Unit
from conductor_service.errors import Absent, Invalid
from conductor_service.models import Job, ManifestObject, StoredManifest
from conductor_service.store import Store
from conductor_service.upserts import upsert_pairs


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a manifest's entries: those of the base from `first` to before `end`, then `entries`."""

    first: int = 0
    end: int = 0
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedManifest:
    """A manifest with what takes long to find out of a hundred thousand entries: nobody else may write meanwhile in a transaction."""

    manifest: Manifest
    digest: Digest
    #: bytes of its canonical form
    size: int
    #: of each object that it names, the bytes
    objects: Mapping[Digest, int]

    @classmethod
    def of(cls, manifest: Manifest, canonical: bytes) -> NamedManifest:
        """Name a manifest by its canonical bytes."""
        return cls(manifest, digest_of(canonical), len(canonical), manifest.objects())


def known(session: Session, project_id: str, digests: Sequence[str]) -> dict[str, int]:
    """Return those manifests that a job of the project has, with the number of objects that each names.

    Whoever knows another project's manifest by its digest is told of none.
    """
    query = (
        select(StoredManifest.digest, func.count())
        .join(ManifestObject, ManifestObject.manifest_id == StoredManifest.id)
        .where(StoredManifest.digest.in_(_of_project(project_id, digests)))
        .group_by(StoredManifest.digest)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def stored(session: Session, digest: str) -> StoredManifest | None:
    """Return what is kept of a manifest, also where its files are not kept any more."""
    return session.scalars(select(StoredManifest).where(StoredManifest.digest == digest)).one_or_none()


def _of_project(project_id: str, digests: Sequence[str]) -> Select[str]:
    """Return the query for those manifests that a job of the project has, and that are kept."""
    query = select(StoredManifest.digest).join(Job, Job.manifest == StoredManifest.digest)
    return query.where(Job.project_id == project_id, Job.manifest.in_(digests), StoredManifest.removed.is_(None))


def put_together(store: Store, base: Digest, entries: int, parts: Sequence[Part]) -> Manifest:
    """Return the manifest that is made of parts of `base`, which has so many entries (`entries_of`).

    No session is open meanwhile: the store asks the database itself, and requests that hold one connection and wait for a
    second would wait for each other.

    Raises:
        Absent: the store lost the base.
        Invalid: a part is not one of the base, or not behind the one before.
        InvalidDocument: it cannot be laid out.
    """
    _check_parts(parts, entries)
    size = store.size(base)
    if size is None:
        raise Absent("manifest", base)
    former = read_manifest(b"".join(store.read(base)))
    if [(p.first, p.end, p.entries) for p in parts] == [(0, len(former.entries), ())]:
        return former  # which was checked when it was committed
    made: list[Entry] = []
    for part in parts:
        made += former.entries[part.first : part.end]
        made += part.entries
    manifest = Manifest(former.flavour, tuple(made))
    check_manifest(manifest)
    return manifest


def entries_of(session: Session, project_id: str, manifest: Digest) -> int:
    """Return how many entries a manifest has that a job of the project has.

    Raises:
        Absent: no job of the project has it.
    """
    query = select(StoredManifest.entries).where(StoredManifest.digest.in_(_of_project(project_id, [manifest])))
    found = session.scalars(query).first()
    if found is None:
        raise Absent("manifest", manifest)
    return found


def _check_parts(parts: Sequence[Part], entries: int) -> None:
    """Refuse what is not in the base; each of its entries goes along once at most, so that no body makes a giant."""
    last = 0
    for number, part in enumerate(parts):
        if not (part.first == part.end == 0 or last <= part.first <= part.end <= entries):
            raise Invalid(f"parts[{number}]", f"has {part.first} to {part.end}, not a run of {last} to {entries}")
        last = max(last, part.end)


def keep(unit: Unit, named: NamedManifest) -> None:
    """Keep which objects a manifest names; its own bytes are in the store already.

    Raises:
        Busy: a clean-up is about to remove those.
    """
    digest, size = named.digest, named.size
    objects.register(unit, digest, size)
    known = stored(unit.session, digest)
    if known is not None and known.removed is None:
        return
    if known is None:
        known = StoredManifest(digest=digest, size=size, entries=len(named.manifest.entries), created=unit.now)
        unit.session.add(known)
    else:
        known.removed, known.created = None, unit.now
    unit.session.flush()
    pairs: dict[str, int] = dict.fromkeys(named.objects, 0)
    upsert_pairs(unit.session, ManifestObject, pairs, columns=("object_id",), fixed={"manifest_id": known.id}, change={})
