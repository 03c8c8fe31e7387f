"""Large objects in parts: begin or go on, take a part, end, give up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anyio import to_thread
from conductor_core.digest import Digest
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import content_length, digest_of_path, intake_of, read_document, stream_body
from conductor_service.errors import Invalid, TooLarge
from conductor_service.farm import Farm
from conductor_service.jobs import find_project_id
from conductor_service.store import Staged

router = APIRouter(prefix="/api/v1/projects/{project}/uploads")

_HASH = "X-Content-Sha256"
#: more would be stale before they are sent
MOST_SIGNED = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """The object that is to be sent."""

    digest: str
    size: int


@router.post("")
async def begin(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Begin an upload, or say how far it is."""
    wish = await read_document(request, Wish)
    digest = digest_of_path(wish.digest)
    if wish.size < 1:
        raise Invalid("size", "must be at least 1", "An empty object needs no parts: send it whole.")
    if wish.size > farm.settings.max_object_bytes:
        raise TooLarge(wish.size, farm.settings.max_object_bytes)
    return JSONResponse(await run_in_threadpool(_begin, farm, who.account_id, project, digest, wish.size))


def _begin(farm: Farm, account_id: str, project: str, digest: Digest, size: int) -> dict[str, object]:
    staged = farm.uploads.begin(_project_id(farm, account_id, project), digest, size)
    have = farm.uploads.parts.have(staged)
    farm.store.check_room(size - sum(staged.length(number) for number in have))
    return {"upload": staged.id, "part_bytes": staged.part_bytes, "have": sorted(have), "direct": _direct(farm)}


def _direct(farm: Farm) -> bool:
    return farm.settings.store.kind == "s3" and farm.settings.store.direct


@dataclass(frozen=True, slots=True)
class PartToSign:
    """A part, and the hash of its bytes."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartsToSign:
    """Parts that somebody is about to send."""

    parts: tuple[PartToSign, ...]


@router.post("/{upload}/sign")
async def sign(request: Request, project: str, upload: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Sign requests by which parts go straight to the store: good for a quarter of an hour, for exactly these bytes."""
    wish = await read_document(request, PartsToSign)
    if not _direct(farm):
        raise Invalid("(whole)", "cannot be: parts go through the service here")
    if len(wish.parts) > MOST_SIGNED:
        raise Invalid("parts", f"has {len(wish.parts)} entries, {MOST_SIGNED} may be signed at once")
    staged = await run_in_threadpool(_find, farm, who.account_id, project, upload)
    return JSONResponse({"requests": await run_in_threadpool(_signed, farm, staged, wish.parts)})


def _signed(farm: Farm, staged: Staged, parts: Sequence[PartToSign]) -> list[dict[str, object]]:
    requests: list[dict[str, object]] = []
    for part in parts:
        if not 1 <= part.number <= staged.parts:
            raise Invalid("number", f"is not between 1 and {staged.parts}")
        made = farm.uploads.parts.signed(staged, part.number, digest_of_path(f"sha256:{part.sha256}"))
        if made is None:
            raise Invalid("(whole)", "cannot be: parts go through the service here")
        requests.append({"number": part.number, "method": made.method, "url": made.url, "headers": dict(made.headers)})
    return requests


@router.put("/{upload}/parts/{number}")
async def put_part(request: Request, project: str, upload: str, number: int, farm: FarmOf, who: Person) -> JSONResponse:
    """Take a part, verified."""
    digest = _hash_of(request)
    staged = await run_in_threadpool(_find, farm, who.account_id, project, upload)
    if not 1 <= number <= staged.parts:
        raise Invalid("number", f"is not between 1 and {staged.parts}")
    if content_length(request, farm.settings.max_object_bytes) != staged.length(number):
        raise Invalid("Content-Length", f"must be {staged.length(number)} for part {number}")

    def take(pieces: Iterator[bytes]) -> None:
        farm.uploads.write_part(staged, number, digest, pieces)

    await stream_body(request, take, intake_of(request).people)
    return JSONResponse({"number": number})


@router.post("/{upload}/complete")
async def complete(request: Request, project: str, upload: str, farm: FarmOf, who: Person) -> JSONResponse:
    """See that the whole is what it is called, and publish it; 202 while it is still being read."""
    staged = await run_in_threadpool(_find, farm, who.account_id, project, upload)
    project_id = await run_in_threadpool(_project_id, farm, who.account_id, project)
    ended = await to_thread.run_sync(farm.uploads.end, project_id, staged, limiter=intake_of(request).ends)
    if ended.new is None:
        return JSONResponse({"verified": ended.verified, "size": staged.size}, status_code=202)
    return JSONResponse({"digest": staged.digest, "size": staged.size}, status_code=201 if ended.new else 200)


@router.delete("/{upload}")
def give_up(project: str, upload: str, farm: FarmOf, who: Person) -> Response:
    """Forget an upload, with what has come of it."""
    farm.uploads.drop(_find(farm, who.account_id, project, upload))
    return JSONResponse({})


def _find(farm: Farm, account_id: str, project: str, upload: str) -> Staged:
    return farm.uploads.find(_project_id(farm, account_id, project), upload)


def _project_id(farm: Farm, account_id: str, project: str) -> str:
    return find_project_id(farm.database, account_id, project)


def _hash_of(request: Request) -> Digest:
    text = request.headers.get(_HASH, "")
    if not text:
        raise Invalid(_HASH, "is missing", "Send the sha256 of the part, as 64 hex digits.")
    return digest_of_path(f"sha256:{text}")
