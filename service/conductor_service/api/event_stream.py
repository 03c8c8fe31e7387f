"""Server-sent events, resumable by number. No thread and no polling per client: a commit wakes those who wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from conductor_service import events
from conductor_service.api.access import FarmOf, Person
from conductor_service.errors import Invalid
from conductor_service.farm import Farm
from conductor_service.jobs import find_job, find_project

router = APIRouter(prefix="/api/v1")

#: a comment line goes out after this silence, so that both ends know that the line lives
COMMENT_SECONDS = 15.0


@router.get("/events")
async def stream(
    request: Request, farm: FarmOf, who: Person, job: str = "", project: str = "", after: str = ""
) -> StreamingResponse:
    """Tell what happens, from now on or from the event after the one named."""
    last = request.headers.get("Last-Event-ID", "") or after
    if last and not (last.isascii() and last.isdigit()):
        raise Invalid("Last-Event-ID", f"is {last!r}, which is not the number of an event")
    scope = await run_in_threadpool(_scope, farm, who.account_id, job, project)
    start = int(last) if last else await run_in_threadpool(_newest, farm)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_tell(farm, scope, start), media_type="text/event-stream", headers=headers)


def _scope(farm: Farm, account_id: str, job: str, project: str) -> dict[str, str]:
    with farm.database.read() as session:
        scope = {"account_id": account_id}
        if job:
            scope["job_id"] = find_job(session, account_id, job).id
        if project:
            scope["project_id"] = find_project(session, account_id, project).id
        return scope


def _newest(farm: Farm) -> int:
    with farm.database.read() as session:
        return events.newest(session)


def _read(farm: Farm, scope: dict[str, str], seq: int) -> Sequence[events.Told]:
    with farm.database.read() as session:
        return events.after(session, seq, **scope)


async def _tell(farm: Farm, scope: dict[str, str], seq: int) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    while not farm.signals.closing.is_set():
        count = farm.signals.events.count
        batch = await run_in_threadpool(_read, farm, scope, seq)
        if batch:
            seq = batch[-1].seq
            yield "".join(f"id: {e.seq}\nevent: {e.kind}\ndata: {e.data}\n\n" for e in batch).encode()
        elif not await farm.signals.events.wait(count, COMMENT_SECONDS):
            yield b": still here\n\n"
