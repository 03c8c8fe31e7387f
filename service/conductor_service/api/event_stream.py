"""Server-sent events, resumable by number. No thread and no polling per client: a commit wakes those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from conductor_service import events
from conductor_service.api.access import FarmOf, Person, still_known
from conductor_service.errors import Invalid
from conductor_service.farm import Farm
from conductor_service.jobs import find_job, find_project

router = APIRouter(prefix="/api/v1")

#: a comment line goes out after this silence, so that both ends know that the line lives
COMMENT_SECONDS = 15.0
#: the token is asked about again after this: a stream ends with the session that it came by
CHECK_SECONDS = 15.0
#: between two looks: the first event of a burst goes out at once, what follows within this comes together
PAUSE_SECONDS = 0.15


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
    return StreamingResponse(_tell(request, farm, scope, start), media_type="text/event-stream", headers=headers)


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


def _read(farm: Farm, scope: dict[str, str], seq: int) -> events.Batch:
    with farm.database.read() as session:
        return events.after(session, seq, now=farm.clock(), **scope)


async def _tell(request: Request, farm: Farm, scope: dict[str, str], seq: int) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    checked = farm.monotonic()
    while not farm.signals.closing.is_set():
        if farm.monotonic() - checked >= CHECK_SECONDS:
            if not await still_known(request):
                return
            checked = farm.monotonic()
        count = farm.signals.events.count
        batch = await run_in_threadpool(_read, farm, scope, seq)
        seq = batch.seq
        if batch.told:
            yield "".join(f"id: {e.seq}\nevent: {e.kind}\ndata: {e.data}\n\n" for e in batch.told).encode()
        await asyncio.sleep(PAUSE_SECONDS)
        if not batch.full and not await farm.signals.events.wait(count, COMMENT_SECONDS):
            yield b": still here\n\n"
