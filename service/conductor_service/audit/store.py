"""The store: every object that is known has its bytes, and no bytes are there that nobody knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from conductor_core.digest import Digest
from sqlalchemy import select
from sqlalchemy.orm import Session

from conductor_service.audit.kinds import BATCH, Ground, Seen, kind
from conductor_service.audit.shelf import BucketShelf
from conductor_service.models import Job, ManifestObject, OutputFile, Pack, PackedObject, StoredManifest, StoredObject
from conductor_service.objects import PRESENCE, registered

_SENT_AGAIN = "An input is sent again by the next submission that needs it; of an output, retry the task."
_SWEPT = (
    "The service removes it within minutes of its next start, or of now; in a bucket, `conductor gc` does. It only takes room."
)
_OBJECTS = (
    select(
        StoredObject.digest,
        StoredObject.size,
        PackedObject.offset,
        Pack.digest.label("pack"),
        Pack.size.label("pack_size"),
    )
    .outerjoin(PackedObject, PackedObject.object_id == StoredObject.id)
    .outerjoin(Pack, Pack.id == PackedObject.pack_id)
    .where(StoredObject.removed.is_(None))
)


@kind("object-missing", _SENT_AGAIN)
def object_missing(ground: Ground) -> Iterator[Seen]:
    """An object is known, and its bytes are not in the store."""
    for row in ground.pages(_OBJECTS, StoredObject.digest):
        if ground.store.size(Digest(row.pack or row.digest)) is None:
            where = f" (it was in pack {row.pack})" if row.pack else ""
            what = f"Object {row.digest} of {row.size} bytes is not in the store{where}; {_user(ground, row.digest)}."
            yield Seen(f"object {row.digest}", what)


@kind("object-size", _SENT_AGAIN)
def object_size(ground: Ground) -> Iterator[Seen]:
    """An object, or the pack that it is in, has another size in the store than it is known with."""
    for row in ground.pages(_OBJECTS, StoredObject.digest):
        name, size = (row.pack, row.pack_size) if row.pack else (row.digest, row.size)
        held = ground.store.size(Digest(name))
        if held is not None and held != size:
            whose = f"{row.digest} is in pack {row.pack}, which" if row.pack else row.digest
            yield Seen(
                f"object {row.digest}", f"Object {whose} has {held} bytes in place of {size}; {_user(ground, row.digest)}."
            )


@kind("pack-place", "Please report it, with the row: a pack is never registered with a member outside of it.")
def pack_place(ground: Ground) -> Iterator[Seen]:
    """An object is said to lie outside of the pack that it is in."""
    for row in ground.pages(_OBJECTS, StoredObject.digest):
        if row.pack and not 0 < row.offset <= row.pack_size - row.size:
            what = f"Object {row.digest} is said to lie at {row.offset} of pack {row.pack}, which has {row.pack_size} bytes."
            yield Seen(f"object {row.digest}", what)


@kind("object-content", _SENT_AGAIN, deep=True)
def object_content(ground: Ground) -> Iterator[Seen]:
    """The bytes of an object do not hash to its name."""
    for row in ground.pages(_OBJECTS.where(PackedObject.object_id.is_(None)), StoredObject.digest):
        if ground.store.size(Digest(row.digest)) != row.size:
            continue  # other kinds
        wrong = _wrong(ground, Digest(row.digest))
        if wrong:
            yield Seen(f"object {row.digest}", f"Object {row.digest} {wrong}; {_user(ground, row.digest)}.")
    for pack in ground.pages(select(Pack.digest, Pack.id, Pack.size), Pack.digest):
        if ground.store.size(Digest(pack.digest)) == pack.size:
            yield from _wrong_members(ground, pack.digest, pack.id)


def _wrong_members(ground: Ground, pack: str, pack_id: int) -> Iterator[Seen]:
    """Read a pack once, and see what of it is not what it is called."""
    members = select(StoredObject.digest, PackedObject.offset, StoredObject.size)
    members = members.join(PackedObject, PackedObject.object_id == StoredObject.id).where(PackedObject.pack_id == pack_id)
    rows = ground.session.execute(members.order_by(StoredObject.digest)).all()
    ground.let_go()
    try:
        data = b"".join(ground.store.read(Digest(pack)))
    except OSError as exc:
        yield Seen(f"pack {pack}", f"Pack {pack} of {len(rows)} objects cannot be read ({exc.strerror or type(exc).__name__}).")
        return
    for digest, offset, size in rows:
        if offset + size > len(data):
            continue  # another kind
        actual = f"sha256:{hashlib.sha256(data[offset : offset + size]).hexdigest()}"
        if actual != digest:
            what = f"Object {digest} in pack {pack} has the content of {actual}; {_user(ground, digest)}."
            yield Seen(f"object {digest}", what)


def _wrong(ground: Ground, digest: Digest) -> str:
    hasher = hashlib.sha256()
    try:
        for piece in ground.store.read(digest):
            hasher.update(piece)
    except OSError as exc:
        return f"cannot be read ({exc.strerror or type(exc).__name__})"
    actual = f"sha256:{hasher.hexdigest()}"
    return "" if actual == digest else f"has the content of {actual}"


@kind("object-orphan", _SWEPT)
def object_orphan(ground: Ground) -> Iterator[Seen]:
    """Bytes are in the store that nothing knows, and have been for longer than a transaction may take."""
    digests = ground.store.digests()
    while some := list(islice(digests, BATCH)):
        known = registered(ground.session, some)
        ground.let_go()
        for digest in some:
            written = None if digest in known else ground.store.written(digest)
            if written is not None and written < ground.now - PRESENCE:
                yield Seen(f"object {digest}", f"Object {digest} is in the store, and nothing knows of it.")


@kind("store-leftover", _SWEPT)
def store_leftover(ground: Ground) -> Iterator[Seen]:
    """A file was left in the store's tmp folder by a writer that died."""
    for path, written in _files(ground.data / "store" / "tmp"):
        fresh = ground.served and written > ground.now - PRESENCE
        doubt = ", or is being written right now" if fresh else ""
        yield Seen(f"file {path.name}", f"{path} was left over by a writer that was killed{doubt}.", in_flight=fresh)


@kind("store-damaged", "Find out what damaged it (disk, memory, people); what needs it sends it again. Then delete the file.")
def store_damaged(ground: Ground) -> Iterator[Seen]:
    """An object was found damaged, and is set aside."""
    for name, where in _set_aside(ground):
        yield Seen(f"object sha256:{name}", f"Object sha256:{name} was found damaged and lies in {where}.")


def _set_aside(ground: Ground) -> Iterator[tuple[str, str]]:
    if isinstance(ground.store, BucketShelf):
        return ground.store.damaged()
    return ((path.name, str(path)) for path, _ in _files(ground.data / "store" / "damaged"))


def _files(folder: Path) -> Iterator[tuple[Path, datetime]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            yield path, datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        except FileNotFoundError:
            continue  # it has its name now, or was swept


def _user(ground: Ground, digest: str) -> str:
    """Return who needs an object, by a state of its own."""
    try:
        return _user_now(ground.session, digest)
    finally:
        ground.let_go()


def _user_now(session: Session, digest: str) -> str:
    output = select(OutputFile.path, Job.number).join(Job, Job.id == OutputFile.job_id).where(OutputFile.digest == digest)
    found = session.execute(output.limit(1)).first()
    if found is not None:
        return f"it is output {found.path} of job {found.number}"
    for query, what in (
        (select(Job.number).where(Job.manifest == digest), "it is the manifest of job {}"),
        (
            select(Job.number)
            .join(StoredManifest, StoredManifest.digest == Job.manifest)
            .join(ManifestObject, ManifestObject.manifest_id == StoredManifest.id)
            .join(StoredObject, StoredObject.id == ManifestObject.object_id)
            .where(StoredObject.digest == digest),
            "job {} needs it",
        ),
        (
            select(Job.number).join(OutputFile, OutputFile.job_id == Job.id).where(OutputFile.preview == digest),
            "it is a preview of job {}",
        ),
    ):
        number = session.scalars(query.limit(1)).first()
        if number is not None:
            return what.format(number)
    return "no job needs it"
