"""Instances, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from conductor_service.api.access import FarmOf, Person
from conductor_service.jobs import find_job, find_project
from conductor_service.metering import UNIT, job_bills, money
from conductor_service.models import Instance, Job
from conductor_service.usage import instances_of_jobs, usages
from conductor_service.views import instance_views

router = APIRouter(prefix="/api/v1")


@router.get("/instances")
def instances(farm: FarmOf, who: Person, all: bool = False) -> Response:
    """List instances: those that live, or all."""
    query = select(Instance).where(Instance.account_id == who.account_id).order_by(Instance.launched, Instance.id)
    if not all:
        query = query.where(Instance.ended.is_(None))
    with farm.database.read() as session:
        return JSONResponse({"instances": instance_views(session, session.scalars(query).all(), farm.clock())})


@router.get("/cost")
def cost(farm: FarmOf, who: Person, project: str = "", job: str = "") -> Response:
    """Say what the account, one project or one job has cost so far."""
    with farm.database.read() as session:
        query = select(Job).where(Job.account_id == who.account_id).order_by(Job.number)
        if project:
            query = query.where(Job.project_id == find_project(session, who.account_id, project).id)
        if job:
            query = query.where(Job.id == find_job(session, who.account_id, job).id)
        jobs = session.scalars(query).all()
        if project or job:
            rows = instances_of_jobs(session, [j.id for j in jobs])
        else:
            rows = session.scalars(select(Instance).where(Instance.account_id == who.account_id)).all()
        return JSONResponse({"currency": farm.catalogue.currency, **_cost(session, jobs, rows, farm, whole=not (project or job))})


def _cost(session: Session, jobs: Sequence[Job], rows: Sequence[Instance], farm: FarmOf, *, whole: bool) -> dict[str, Any]:
    """Return jobs, instances and totals; of the whole account, what nothing ran on counts too."""
    found = usages(session, rows, farm.clock())
    bills = job_bills(found)
    billed = [(j, bills[j.id]) for j in jobs if j.id in bills]
    units = sum(u.bill.units for u in found) if whole else sum(b.units for _, b in billed)
    minutes = sum(u.bill.billed_minutes for u in found) if whole else sum(b.billed_minutes for _, b in billed)
    types = {row.id: row.type for row in rows}
    return {
        "total": money(units * UNIT),
        "billed_minutes": minutes,
        "unattributed": money((units - sum(b.units for _, b in billed)) * UNIT),
        "jobs": [
            {"job": j.id, "number": j.number, "title": j.title, "billed_minutes": b.billed_minutes, "amount": money(b.amount)}
            for j, b in billed
        ],
        "instances": [
            {
                "id": u.instance,
                "type": types[u.instance],
                "minutes": str(u.bill.minutes),
                "billed_minutes": u.bill.billed_minutes,
                "amount": money(u.bill.amount),
            }
            for u in found
        ],
    }
