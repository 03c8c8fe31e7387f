"""Files that jobs have published, of a whole project or account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from conductor_service.api.access import FarmOf, Person
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
