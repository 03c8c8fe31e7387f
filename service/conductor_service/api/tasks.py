"""One task, with all that was tried."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from conductor_service.api.access import FarmOf, Person
from conductor_service.errors import Absent
from conductor_service.models import Attempt, Job, Task
from conductor_service.views import attempt_view, task_views

router = APIRouter(prefix="/api/v1")


@router.get("/tasks/{task}")
def show(task: str, farm: FarmOf, who: Person) -> Response:
    """Show a task with its attempts."""
    with farm.database.read() as session:
        query = select(Task).join(Job, Job.id == Task.job_id).where(Task.id == task, Job.account_id == who.account_id)
        found = session.scalars(query).first()
        if found is None:
            raise Absent("task", task)
        attempts = session.scalars(select(Attempt).where(Attempt.task_id == task).order_by(Attempt.number)).all()
        view = task_views(session, [found])[0]
    view["attempts"] = [attempt_view(a, farm.logs.size) for a in attempts]
    return JSONResponse(view)
