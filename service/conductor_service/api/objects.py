"""Objects of a project: have you got these, take this, give me that."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conductor_core.digest import Digest
from conductor_core.transfer.bundle import LARGEST_OBJECT, MOST_BYTES, MOST_OBJECTS, bundle_blocks
from conductor_core.transfer.packs import MAX_PACK_BYTES
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import objects, removals
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import content_length, digest_of_path, intake_of, read_document, stream_body
from conductor_service.api.streams import Blocks, Body
from conductor_service.bundles import contents
from conductor_service.errors import Absent, Invalid
from conductor_service.farm import Farm
from conductor_service.jobs import find_project, find_project_id
from conductor_service.pack_index import take_pack
from conductor_service.store import Store

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/projects/{project}/objects")
packs = APIRouter(prefix="/api/v1/projects/{project}/packs")

MAX_DIGESTS = 100_000
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


@dataclass(frozen=True, slots=True)
class HaveYou:
    """Digests to look for; with the sizes of their objects, what is missing must fit into the store."""

    digests: tuple[str, ...]
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that are not those of the digests."""
        if self.sizes and len(self.sizes) != len(self.digests):
            raise ValueError(f"sizes has {len(self.sizes)} entries, digests {len(self.digests)}")
        if min(self.sizes, default=0) < 0:
            raise ValueError("sizes has a negative entry")


@router.post("/missing")
async def missing(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Say which objects the project does not have."""
    asked = await read_document(request, HaveYou)
    wanted = digests_of(asked.digests)
    lacking = await run_in_threadpool(_missing, farm, who.account_id, project, wanted)
    if lacking and asked.sizes:
        sizes = dict(zip(asked.digests, asked.sizes, strict=True))
        await run_in_threadpool(farm.store.check_room, sum(sizes[d] for d in lacking))
    return JSONResponse({"missing": lacking})


def _missing(farm: Farm, account_id: str, project: str, wanted: Sequence[str]) -> list[str]:
    return objects.ask(farm.database, farm.shelf, find_project_id(farm.database, account_id, project), wanted)


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests to look for."""

    digests: tuple[str, ...]


@router.post("/known")
async def known(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Say which objects, of those that the project has, its own jobs rendered."""
    wanted = digests_of((await read_document(request, Digests)).digests)
    return JSONResponse({"rendered": await run_in_threadpool(_rendered, farm, who.account_id, project, wanted)})


def _rendered(farm: Farm, account_id: str, project: str, wanted: list[Digest]) -> list[str]:
    with farm.database.read() as session:
        project_id = find_project(session, account_id, project).id
        found = sorted(objects.rendered(session, project_id, wanted))
    objects.look(farm.database, farm.shelf, project_id, found)
    with farm.database.read() as session:
        there = objects.present(session, project_id, found)
    return [d for d in wanted if d in there]


def digests_of(texts: Sequence[str]) -> list[Digest]:
    """Return each digest once.

    Raises:
        Invalid: there are too many, or one is none.
    """
    if len(texts) > MAX_DIGESTS:
        raise Invalid("digests", f"has {len(texts)} entries, {MAX_DIGESTS} may be asked at once")
    return list(dict.fromkeys(digest_of_path(text) for text in texts))


@router.post("/bundle")
async def bundle(request: Request, project: str, farm: FarmOf, who: Person) -> Response:
    """Give many small objects in one answer, in the order in which they are asked for."""
    wanted = digests_of((await read_document(request, Digests)).digests)
    if len(wanted) > MOST_OBJECTS:
        raise Invalid("digests", f"has {len(wanted)} entries, {MOST_OBJECTS} may come in one bundle")
    there = await run_in_threadpool(_to_bundle, farm, who.account_id, project, wanted)
    return Blocks(bundle_blocks(contents(farm, wanted, there)), intake_of(request).answers)


def _to_bundle(farm: Farm, account_id: str, project: str, wanted: list[Digest]) -> dict[str, int]:
    """Return those that the project has, with their sizes.

    Raises:
        Invalid: one is too large for a bundle, or all together are: they would be held in memory.
    """
    with farm.database.read() as session:
        sizes = objects.sizes(session, find_project(session, account_id, project).id, wanted)
    large = next((digest for digest, size in sizes.items() if size > LARGEST_OBJECT), None)
    if large is not None:
        raise Invalid("digests", f"has {large}, which is too large for a bundle", "Ask for it by itself.")
    if sum(sizes.values()) > MOST_BYTES:
        raise Invalid("digests", f"are of {sum(sizes.values())} bytes together, {MOST_BYTES} may come in one bundle")
    return sizes


@router.put("/{digest}")
async def put(request: Request, project: str, digest: str, farm: FarmOf, who: Person) -> Response:
    """Take an object, verified; who sends the bytes has proved to possess them."""
    name = digest_of_path(digest)
    size = content_length(request, farm.settings.max_object_bytes)

    def take(pieces: Iterator[bytes]) -> bool:
        project_id = _place_for(farm, who.account_id, project, size)
        removals.check_not_claimed_now(farm.database, name)  # or it would be told only after all its bytes
        farm.store.write(name, pieces, size)
        return take_in(farm, project_id, name, size)

    new = await stream_body(request, take, intake_of(request).people)
    return JSONResponse({"digest": name, "size": size}, status_code=201 if new else 200)


@packs.post("")
async def post_pack(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Take many small objects at once, each verified (`conductor_core.transfer.packs`): all of them, or none."""
    limit = min(MAX_PACK_BYTES, farm.settings.max_object_bytes)
    size = content_length(request, limit)
    project_id = await run_in_threadpool(_place_for, farm, who.account_id, project, size)  # before anybody waits for the body

    def take(pieces: Iterator[bytes]) -> int:
        data = bytearray()  # as it comes: a sender of single bytes would fill the memory with pieces
        for piece in pieces:
            data += piece
        return take_pack(farm.filing, farm.shelf, project_id, data)

    members = await stream_body(request, take, intake_of(request).packs)
    return JSONResponse({"members": members, "size": size}, status_code=201)


def _place_for(farm: Farm, account_id: str, project: str, size: int) -> str:
    """Return the project's id, where the store has room for so many bytes."""
    project_id = find_project_id(farm.database, account_id, project)
    farm.store.check_room(size)
    return project_id


def take_in(farm: Farm, project_id: str, digest: Digest, size: int) -> bool:
    """Give the project its right to an object that is in the store now, and say whether it is new there."""
    with farm.database.write() as unit:
        new = objects.grant(unit, project_id, digest, size)
    objects.confirm(farm.database, farm.store, digest, size)
    return new


@router.get("/{digest}")
def get(request: Request, project: str, digest: str, farm: FarmOf, who: Person) -> Response:
    """Give an object's bytes, or those of a range."""
    name = digest_of_path(digest)
    with farm.database.read() as session:
        project_id = find_project(session, who.account_id, project).id
        if not objects.visible(session, project_id, [name]):
            raise Absent("object", name)
    return send_object(farm.store, name, request.headers.get("Range", ""))


def send_object(store: Store, digest: Digest, asked: str) -> Response:
    """Return the answer with an object's bytes; `asked` is the Range header.

    Raises:
        Absent: the store does not have it.
    """
    size = store.size(digest)
    if size is None:
        raise Absent("object", digest)
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{digest}"'}
    wanted = _RANGE.fullmatch(asked.strip())
    if wanted is None:
        headers["Content-Length"] = str(size)
        return Body(store.read(digest), headers=headers, media_type="application/octet-stream")
    first = int(wanted[1])
    last = min(int(wanted[2]), size - 1) if wanted[2] else size - 1
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(last - first + 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    body = store.read(digest, first, last - first + 1)
    return Body(body, status_code=206, headers=headers, media_type="application/octet-stream")
