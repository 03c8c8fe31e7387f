"""Manifests that a project sent before: known by their digest alone, and the ground on which the next is told.

A scene is submitted again and again with the same hundred thousand files, of which one or two were edited. So a client asks
with one digest whether all is there, and commits by saying which entries of the former manifest stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conductor_core.digest import Digest
from conductor_core.manifest import Entry, Manifest, check_manifest, read_manifest
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from conductor_service.errors import Absent, Invalid
from conductor_service.models import Job, ManifestObject, StoredManifest
from conductor_service.store import Store


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a manifest's entries: those of the base from `first` to before `end`, then `entries`."""

    first: int = 0
    end: int = 0
    entries: tuple[Entry, ...] = ()


def known(session: Session, project_id: str, digests: Sequence[str]) -> dict[str, int]:
    """Return those manifests that a job of the project has, with the number of objects that each names.

    Whoever knows another project's manifest by its digest is told of none.
    """
    query = (
        select(ManifestObject.manifest, func.count())
        .where(ManifestObject.manifest.in_(_of_project(project_id, digests)))
        .group_by(ManifestObject.manifest)
    )
    return {row[0]: row[1] for row in session.execute(query)}


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
