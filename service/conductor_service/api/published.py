"""Files that jobs have published, of a whole project or account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import claims
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import read_document
from conductor_service.errors import Invalid
from conductor_service.farm import Farm
from conductor_service.jobs import find_project
from conductor_service.published import published

router = APIRouter(prefix="/api/v1/outputs")


@router.get("")
def outputs(
    farm: FarmOf,
    who: Person,
    project: str = "",
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """List published files by rising number, those after one, of a project or of all."""
    with farm.database.read() as session:
        project_id = find_project(session, who.account_id, project).id if project else ""
        page = published(session, who.account_id, project_id=project_id, after=after, limit=limit)
    return JSONResponse({"outputs": page.outputs, "seq": page.seq, "more": page.more})


#: outputs in one question
MOST_CLAIMED = 2000


@dataclass(frozen=True, slots=True)
class ClaimBody:
    """What an agent would bring home, and what became of what it had claimed."""

    share: str
    holder: str
    #: numbers of outputs, those wanted first first
    outputs: tuple[int, ...] = ()
    #: so many of them at once
    most: int = 0
    home: tuple[int, ...] = ()
    released: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names and numbers that cannot be kept."""
        if not (0 < len(self.share) <= 128 and 0 < len(self.holder) <= 64):
            raise ValueError("share and holder must have 1 to 128, and 1 to 64 characters")
        numbers = (*self.outputs, *self.home, *self.released)
        if min(numbers, default=1) < 1 or max(numbers, default=1) >= 1 << 62:
            raise ValueError("an output has no such number")


@router.post("/claims")
async def claim(request: Request, farm: FarmOf, who: Person) -> Response:
    """Share the bringing home of files between agents: each is given to one of them, for some time."""
    body = await read_document(request, ClaimBody)
    for name in ("outputs", "home", "released"):
        if len(getattr(body, name)) > MOST_CLAIMED:
            raise Invalid(name, f"has more than {MOST_CLAIMED} entries")
    return await run_in_threadpool(_claim, farm, who.account_id, body)


def _claim(farm: Farm, account_id: str, body: ClaimBody) -> Response:
    share = claims.Share(account_id, body.share, body.holder)
    with farm.database.write() as unit:
        claims.end(unit, share, home=body.home, released=body.released)
        claimed = claims.claim(unit, share, body.outputs, min(body.most, MOST_CLAIMED))
    seconds = claims.CLAIM.total_seconds()
    return JSONResponse({"granted": claimed.granted, "home": claimed.home, "seconds": seconds})
