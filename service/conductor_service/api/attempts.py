"""What attempts left: logs, and previews of their outputs."""

from __future__ import annotations

from typing import Annotated

from conductor_core.digest import Digest
from fastapi import APIRouter, Query
from sqlalchemy import select
from starlette.responses import Response

from conductor_service.api.access import FarmOf, Person
from conductor_service.errors import Absent, PreviewLost
from conductor_service.models import Attempt, Job, OutputFile
from conductor_service.store import ObjectDamaged, ObjectMissing

router = APIRouter(prefix="/api/v1")


@router.get("/attempts/{attempt}/log")
def log(
    attempt: str,
    farm: FarmOf,
    who: Person,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=8 << 20)] = 65536,
) -> Response:
    """Give bytes of an attempt's log."""
    with farm.database.read() as session:
        query = select(Attempt.id).join(Job, Job.id == Attempt.job_id)
        if session.scalars(query.where(Attempt.id == attempt, Job.account_id == who.account_id)).first() is None:
            raise Absent("attempt", attempt)
    size = farm.logs.size(attempt)
    body = farm.logs.read(attempt, offset, limit)
    return Response(body, media_type="text/plain; charset=utf-8", headers={"X-Log-Size": str(max(size, offset + len(body)))})


@router.get("/outputs/{output}/preview")
def preview(output: str, farm: FarmOf, who: Person) -> Response:
    """Give the picture of an output."""
    with farm.database.read() as session:
        query = select(OutputFile).join(Job, Job.id == OutputFile.job_id)
        found = session.scalars(query.where(OutputFile.id == output, Job.account_id == who.account_id)).first()
    if found is None or found.preview is None:
        raise Absent("preview of output", output)
    try:
        body = b"".join(farm.store.read(Digest(found.preview)))
    except (ObjectMissing, ObjectDamaged) as exc:
        raise PreviewLost(found.path) from exc
    headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type="image/png", headers=headers)
