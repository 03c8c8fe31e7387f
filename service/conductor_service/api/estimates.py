"""What a submission would cost, before it is one."""

from __future__ import annotations

from typing import Any

from conductor_core.documents import from_json, to_json
from conductor_core.submission import Submission, validate_submission
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import estimating
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import read_json
from conductor_service.estimating import Farmland
from conductor_service.farm import Farm
from conductor_service.jobs import check_size, find_project
from conductor_service.models import Account
from conductor_service.tokens import Principal

router = APIRouter(prefix="/api/v1")


@router.post("/projects/{project}/estimate")
async def estimate(request: Request, project: str, farm: FarmOf, who: Person) -> Response:
    """Say what a submission would cost and when it would be done; nothing is kept of it."""
    return await run_in_threadpool(_estimate, farm, who, project, await read_json(request))


def _estimate(farm: Farm, who: Principal, project: str, data: Any) -> Response:
    submission = from_json(Submission, data)
    validate_submission(submission)
    check_size(submission)
    kind = farm.catalogue.instance_type(submission.instance_type)
    with farm.database.read() as session:
        row = find_project(session, who.account_id, project)
        account = session.get_one(Account, who.account_id)
        land = Farmland(
            kind,
            min(account.instance_limit, farm.settings.fleet.max_instances),
            estimating.boot_seconds(session, account.id, kind.name),
            farm.settings.idle_seconds,
            farm.catalogue.currency,
        )
        past = estimating.past_of(session, row.id, submission)
    return JSONResponse(to_json(estimating.plan_estimate(submission, land, past, farm.catalogue.instance_types)))
