"""Changed files: what a new one may be the next version of, what that is made of, and the difference to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conductor_core.digest import Digest
from conductor_core.transfer.chunks import FAST, largest_size
from conductor_core.transfer.delta import BadDelta, Base, assembled
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import objects, versions
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import content_length, digest_of_path, intake_of, read_document, stream_body
from conductor_service.api.objects import take_in
from conductor_service.api.streams import Body
from conductor_service.errors import Absent, Invalid, TooLarge
from conductor_service.farm import Farm
from conductor_service.jobs import find_project
from conductor_service.store import Store, VerifyingStore, WritableStore

router = APIRouter(prefix="/api/v1/projects/{project}/objects")


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are about to be sent."""

    files: tuple[versions.File, ...]


@router.post("/bases")
async def bases(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Say for each file which objects it may have much in common with, and remember it for its next version."""
    files = (await read_document(request, Files)).files
    if len(files) > versions.MOST_FILES:
        raise Invalid("files", f"has {len(files)} entries, {versions.MOST_FILES} may be asked at once")
    found = await run_in_threadpool(_bases, farm, who.account_id, project, files)
    return JSONResponse({"bases": [list(b.likely) for b in found], "doubtful": [list(b.doubtful) for b in found]})


def _bases(farm: Farm, account_id: str, project: str, files: tuple[versions.File, ...]) -> list[versions.Bases]:
    with farm.database.write() as unit:
        project_id = find_project(unit.session, account_id, project).id
        return versions.find_and_remember(unit, project_id, files)


@router.get("/{digest}/signature")
def signature(project: str, digest: str, farm: FarmOf, who: Person) -> Response:
    """Give the list of an object's chunks, while it is made or as it was kept."""
    name = digest_of_path(digest)
    _, size = _seen(farm, who.account_id, project, name)
    if not FAST or size > largest_size():
        raise Absent("signature", name)
    return Body(farm.signatures.blocks(farm.store, name, size), media_type="application/octet-stream")


def _seen(farm: Farm, account_id: str, project: str, digest: Digest) -> tuple[str, int]:
    """Return the project's id, and the size of an object that it can see.

    Raises:
        Absent: it cannot, or the store has lost it.
    """
    with farm.database.read() as session:
        project_id = find_project(session, account_id, project).id
        if not objects.visible(session, project_id, [digest]):
            raise Absent("object", digest)
    size = farm.store.size(digest)
    if size is None:
        raise Absent("object", digest)
    return project_id, size


@router.put("/{digest}/delta")
async def put(request: Request, project: str, digest: str, base: str, size: int, farm: FarmOf, who: Person) -> Response:
    """Take an object as its difference to one that the project can see; it is kept if it hashes to its name."""
    name, other = digest_of_path(digest), digest_of_path(base)
    content_length(request, farm.settings.max_object_bytes)
    if not 0 <= size <= farm.settings.max_object_bytes:
        raise TooLarge(size, farm.settings.max_object_bytes)
    project_id, base_size = await run_in_threadpool(_seen, farm, who.account_id, project, other)
    await run_in_threadpool(farm.store.check_room, size)
    old = Base(lambda offset: _unchecked(farm.store).read(other, offset), base_size)
    await stream_body(
        request, lambda pieces: _write(farm.store, name, assembled(pieces, old, size), size), intake_of(request).people
    )
    new = await run_in_threadpool(take_in, farm, project_id, name, size)
    return JSONResponse({"digest": name, "size": size}, status_code=201 if new else 200)


def _unchecked(store: Store) -> Store:
    """Return what gives single parts of an object without reading all of it: what is made of them is checked."""
    return store.unchecked if isinstance(store, VerifyingStore) else store


def _write(store: WritableStore, digest: Digest, told: Iterator[bytes], size: int) -> None:
    try:
        store.write(digest, told, size)
    except BadDelta as exc:
        raise Invalid("(whole)", exc.what.rstrip("."), exc.next_step) from exc
