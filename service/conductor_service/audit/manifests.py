"""Manifests: their bytes, and the rows that say what runners may fetch by them."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.digest import Digest
from conductor_core.documents import from_bytes
from conductor_core.errors import InvalidDocument
from conductor_core.manifest import Manifest
from sqlalchemy import exists, select

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.models import ManifestObject, ProjectObject, StoredManifest, StoredObject

_AGAIN = "Submit its jobs again: what a manifest does not list properly cannot be laid out on an instance."


@kind("manifest-missing", _AGAIN)
def manifest_missing(ground: Ground) -> Iterator[Seen]:
    """A manifest is an object that neither the database nor the store knows."""
    known = exists().where(StoredObject.digest == StoredManifest.digest)
    for row in ground.rows(select(StoredManifest.digest).where(~known)):
        if ground.store.size(Digest(row.digest)) is None:
            yield Seen(f"manifest {row.digest}", f"The bytes of manifest {row.digest} are not in the store.")


@kind("manifest-names", _AGAIN)
def manifest_names(ground: Ground) -> Iterator[Seen]:
    """A manifest names an object that the database does not know."""
    known = exists().where(StoredObject.id == ManifestObject.object_id)
    query = select(StoredManifest.digest, ManifestObject.object_id)
    query = query.join(ManifestObject, ManifestObject.manifest_id == StoredManifest.id)
    for row in ground.rows(query.where(~known)):
        yield Seen(f"manifest {row.digest}", f"Manifest {row.digest} names object number {row.object_id}, which is not known.")


@kind("right-names", "Please report it, with the row: nothing that Conductor does leaves such a row.")
def right_names(ground: Ground) -> Iterator[Seen]:
    """A project has a right to an object that the database does not know."""
    known = exists().where(StoredObject.id == ProjectObject.object_id)
    for row in ground.rows(select(ProjectObject.project_id, ProjectObject.object_id).where(~known)):
        what = f"Project {row.project_id} has a right to object number {row.object_id}, which is not known."
        yield Seen(f"project {row.project_id} object {row.object_id}", what)


@kind("manifest-rows", _AGAIN)
def manifest_rows(ground: Ground) -> Iterator[Seen]:
    """The rows of a manifest are not what its bytes say."""
    for (name,) in ground.pages(select(StoredManifest.digest).where(StoredManifest.removed.is_(None)), StoredManifest.digest):
        digest = Digest(name)
        if ground.store.size(digest) is None:
            continue  # another kind
        try:
            data = b"".join(ground.store.read(digest))
            manifest = from_bytes(Manifest, data)
        except (OSError, InvalidDocument) as exc:
            yield Seen(f"manifest {digest}", f"The bytes of manifest {digest} cannot be read: {exc}")
            continue
        wrong = _differs(ground, digest, data, manifest)
        if wrong:
            yield Seen(f"manifest {digest}", f"Manifest {digest}{wrong}.")


def _differs(ground: Ground, digest: Digest, data: bytes, manifest: Manifest) -> str:
    """Return what is kept of a manifest otherwise than its bytes say; the rows of both tables are of one state."""
    row = ground.session.execute(
        select(StoredManifest.size, StoredManifest.entries).where(StoredManifest.digest == digest)
    ).one_or_none()
    rows = select(StoredObject.digest).select_from(ManifestObject)
    rows = rows.join(StoredManifest, StoredManifest.id == ManifestObject.manifest_id)
    rows = rows.outerjoin(StoredObject, StoredObject.id == ManifestObject.object_id)
    kept = set(ground.session.scalars(rows.where(StoredManifest.digest == digest)))
    ground.let_go()
    if row is None or None in kept:
        return ""  # forgotten meanwhile, or another kind
    differing = sorted(kept ^ set(manifest.objects()))
    if differing:
        which = "only in its rows" if differing[0] in kept else "only in its bytes"
        return f": {len(differing)} objects differ between rows and bytes; {differing[0]} is {which}"
    if (row.size, row.entries) != (len(data), len(manifest.entries)):
        says = f"{row.size} bytes and {row.entries} entries"
        return f" is kept with {says}; it has {len(data)} bytes and {len(manifest.entries)} entries"
    return ""
