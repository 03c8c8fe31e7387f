"""What runners ask: work, and whether to go on; what they report: beats and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import leases
from conductor_service.api.access import FarmOf, Runner
from conductor_service.api.bodies import read_document
from conductor_service.database import Unit
from conductor_service.errors import Busy, Retired, StaleAttempt
from conductor_service.farm import Farm
from conductor_service.hand_out import any_work, assignment, hand_out, held_attempts
from conductor_service.instances import end_instance
from conductor_service.leases import Beat, Finish
from conductor_service.models import Attempt, Instance
from conductor_service.views import JsonObject

router = APIRouter(prefix="/api/v1/runner")
T = TypeVar("T")

#: a poll is answered after this at the latest, whatever was asked for
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Hello:
    """A runner's host."""

    host: str = ""
    cores: int = 0
    memory_bytes: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a runner wants."""

    wait_seconds: float = 20.0
    sessions: tuple[str, ...] = ()
    #: attempts that it knows of; one of its own that is not among them was lost on the way, and is sent again
    held: tuple[str, ...] | None = None


@router.post("/hello")
async def hello(request: Request, farm: FarmOf, who: Runner) -> JSONResponse:
    """Take note that an instance is up."""
    said = await read_document(request, Hello)
    await run_in_threadpool(_hello, farm, who.instance_id, said)
    settings = farm.settings
    return JSONResponse(
        {
            "instance": who.instance_id,
            "lease_seconds": settings.lease_seconds,
            "heartbeat_seconds": settings.heartbeat_seconds,
        }
    )


def _hello(farm: Farm, instance_id: str, said: Hello) -> None:
    with farm.database.write() as unit:
        instance = unit.session.get_one(Instance, instance_id)
        if instance.ended is not None:
            raise Retired(instance.end_reason)
        if instance.state == "launching":
            instance.state = "ready"
            instance.ready = instance.idle_since = unit.now
        instance.host = {"host": said.host, "cores": said.cores, "memory_bytes": said.memory_bytes, "version": said.version}
        unit.instance_changed(instance)


@router.post("/next")
async def next_task(request: Request, farm: FarmOf, who: Runner) -> Response:
    """Give the instance a task as soon as there is one; wait for one as long as it likes."""
    ask = await read_document(request, Ask)
    # An instance that waits is alive: it must be heard of again well before it would be given up.
    longest = min(LONGEST_WAIT_SECONDS, farm.settings.lease_seconds)
    until = farm.monotonic() + min(max(ask.wait_seconds, 0.0), longest)
    offer = _offer
    while True:
        seen = farm.signals.work.count
        found = await run_in_threadpool(offer, farm, who.instance_id, ask)
        if found is not None:
            return JSONResponse(found)
        left = until - farm.monotonic()
        if farm.signals.closing.is_set():
            raise Busy("The service is shutting down.")
        if left <= 0:
            return Response(status_code=204)
        # To be woken says nothing about the instance: a bill must not go on to a moment when its machine may be dead.
        await farm.signals.work.wait(seen, left)
        if await request.is_disconnected():
            return Response(status_code=204)
        offer = _look_first


def _look_first(farm: Farm, instance_id: str, ask: Ask) -> JsonObject | None:
    """Return an assignment, taking the database's one pen only if there may be one: all who wait are woken at once."""
    with farm.database.read() as session:
        instance = _staying(session, instance_id)
        if not any_work(session, instance):
            return None
    return _offer(farm, instance_id, ask)


def _offer(farm: Farm, instance_id: str, ask: Ask) -> JsonObject | None:
    with farm.database.write() as unit:
        instance = _staying(unit.session, instance_id)
        lost = _lost(unit.session, instance_id, ask)
        if lost is not None:
            return assignment(unit.session, lost)
        if instance.state != "ready":
            return None
        return hand_out(unit, instance, ask.sessions, farm.lease_times)


def _staying(session: Session, instance_id: str) -> Instance:
    """Return an instance that is not to shut down.

    Raises:
        Retired: it is.
    """
    instance = session.get_one(Instance, instance_id)
    if instance.ended is not None or instance.retired is not None:
        raise Retired(instance.end_reason or "there was no work for it")
    return instance


def _lost(session: Session, instance_id: str, ask: Ask) -> Attempt | None:
    """Return an attempt that was given to the instance but never reached it."""
    if ask.held is None:
        return None
    return next((a for a in held_attempts(session, instance_id) if a.id not in ask.held), None)


@router.post("/attempts/{attempt}/beat")
async def beat(request: Request, attempt: str, farm: FarmOf, who: Runner) -> JSONResponse:
    """Renew an attempt's lease."""
    said = await read_document(request, Beat)
    action = await run_in_threadpool(
        report, farm, lambda unit: leases.beat(unit, leases.find_attempt(unit, attempt, who.instance_id), said, farm.lease)
    )
    return JSONResponse({"action": action, "reason": "killed by a user" if action == "kill" else ""})


@router.post("/attempts/{attempt}/finish")
async def finish(request: Request, attempt: str, farm: FarmOf, who: Runner) -> JSONResponse:
    """Take note how an attempt ended."""
    said = await read_document(request, Finish)
    await run_in_threadpool(
        report,
        farm,
        lambda unit: leases.finish(unit, leases.find_attempt(unit, attempt, who.instance_id), said, farm.settings.licence),
    )
    return JSONResponse(_ok())


@router.post("/goodbye")
async def goodbye(farm: FarmOf, who: Runner) -> JSONResponse:
    """Take note that an instance ends itself."""
    await run_in_threadpool(_goodbye, farm, who.instance_id)
    return JSONResponse(_ok())


def _goodbye(farm: Farm, instance_id: str) -> None:
    with farm.database.write() as unit:
        instance = unit.session.get_one(Instance, instance_id)
        end_instance(unit, instance, "it was retired" if instance.retired else "its runner said goodbye")
    farm.gatekeeper.forget()


def report(farm: Farm, work: Callable[[Unit], T | StaleAttempt]) -> T:
    """Run a report's transaction; a stale one is committed (it is on record now) and then refused.

    Raises:
        StaleAttempt: the report came too late.
    """
    with farm.database.write() as unit:
        result = work(unit)
    if isinstance(result, StaleAttempt):
        raise result
    return result


def _ok() -> dict[str, Any]:
    return {"ok": True}
