"""The files of attempts: inputs, logs, outputs, previews; all under the attempt's fencing token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from conductor_core.digest import Digest, digest_of
from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import leases, objects, outputs
from conductor_service.api.access import FarmOf, Runner
from conductor_service.api.bodies import content_length, digest_of_path, intake_of, read_bytes, read_document, store_body
from conductor_service.api.objects import send_object
from conductor_service.api.runner import report
from conductor_service.database import Unit
from conductor_service.errors import Absent, Invalid, NotAllowedNow, StaleAttempt
from conductor_service.farm import Farm
from conductor_service.inputs import inputs_of
from conductor_service.models import Attempt, Job, OutputFile, Task
from conductor_service.outputs import OutputRecord

router = APIRouter(prefix="/api/v1/runner/attempts/{attempt}")

MAX_LOG_CHUNK_BYTES = 8 << 20
MAX_PREVIEW_BYTES = 32 << 20
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Publish:
    """Outputs to register."""

    fence: int
    outputs: tuple[OutputRecord, ...]
    #: frames of which nothing more will come
    completes: tuple[int, ...] = ()


@router.put("/log")
async def append_log(
    request: Request, attempt: str, farm: FarmOf, who: Runner, fence: int, offset: Annotated[int, Query(ge=0)]
) -> JSONResponse:
    """Append to an attempt's log. Also one that ended may say its last words: they change nothing but its own log."""
    data = await read_bytes(request, MAX_LOG_CHUNK_BYTES)
    size = await run_in_threadpool(_append, farm, _Claim(attempt, who.instance_id, fence), offset, data)
    return JSONResponse({"size": size}, headers={"X-Log-Size": str(size)})


@dataclass(frozen=True, slots=True)
class _Claim:
    """An attempt that an instance says it has, with the fence it knows."""

    attempt: str
    instance: str
    fence: int

    def own(self, farm: Farm) -> Attempt:
        """Return the attempt, current or not.

        Raises:
            Absent: the instance has no such attempt.
            StaleAttempt: the fence is not its own.
        """
        with farm.database.read() as session:
            found = session.get(Attempt, self.attempt)
        if found is None or found.instance_id != self.instance:
            raise Absent("attempt", self.attempt)
        if found.fence != self.fence:
            raise StaleAttempt(found.id, f"fence {self.fence} is not its own")
        return found

    def current(self, farm: Farm) -> tuple[Attempt, Job]:
        """Return the attempt, which is the current one of its task, and the job.

        Raises:
            StaleAttempt: it is not, or no longer.
        """
        found = self.own(farm)
        with farm.database.read() as session:
            stale = leases.staleness(found, session.get_one(Task, found.task_id), self.fence)
            job = session.get_one(Job, found.job_id)
        if stale:
            raise StaleAttempt(found.id, stale)
        return found, job


def _append(farm: Farm, claim: _Claim, offset: int, data: bytes) -> int:
    claim.own(farm)
    return farm.logs.append(claim.attempt, offset, data)


@router.get("/manifest")
def manifest(attempt: str, farm: FarmOf, who: Runner, fence: int, digest: str = "") -> Response:
    """Give the manifest of the attempt's job: of `digest`, or none."""
    _, job = _Claim(attempt, who.instance_id, fence).current(farm)
    if job.manifest is None:
        raise Absent("manifest of job", str(job.number))
    if digest and digest != job.manifest:  # the scouts' own, and meanwhile that of the whole job has come
        what = f"Job {job.number} has another manifest by now than the task was given with."
        raise NotAllowedNow(what, next_step="The task is given back, and given out with the new one.")
    return Response(b"".join(farm.store.read(Digest(job.manifest))), media_type="application/json")


@router.get("/inputs")
def inputs(attempt: str, farm: FarmOf, who: Runner, fence: int, key: str) -> Response:
    """Give what the steps before the attempt's made, as a manifest of its own, as they were when it was given out."""
    found, _ = _Claim(attempt, who.instance_id, fence).current(farm)
    with farm.database.read() as session:
        manifest = inputs_of(session, session.get_one(Task, found.task_id)).manifest(session, key)
    return Response(manifest.to_bytes(), media_type="application/json")


@router.get("/objects/{digest}")
def get_object(request: Request, attempt: str, digest: str, farm: FarmOf, who: Runner, fence: int) -> Response:
    """Give an object of the job's manifest, or of what the steps before the attempt's made, and no other."""
    name = digest_of_path(digest)
    found, job = _Claim(attempt, who.instance_id, fence).current(farm)
    with farm.database.read() as session:
        sent = job.manifest is not None and objects.in_manifest(session, job.manifest, name)
        if not sent and not inputs_of(session, session.get_one(Task, found.task_id)).has(session, name):
            raise Absent("object", name)
    return send_object(farm.store, name, request.headers.get("Range", ""))


@router.put("/objects/{digest}")
async def put_object(request: Request, attempt: str, digest: str, farm: FarmOf, who: Runner, fence: int) -> JSONResponse:
    """Take the bytes of an output, verified."""
    name = digest_of_path(digest)
    size = content_length(request, farm.settings.max_object_bytes)
    await run_in_threadpool(_Claim(attempt, who.instance_id, fence).current, farm)
    await store_body(request, farm.store, name, size, intake_of(request).runners)

    def grant(unit: Unit) -> bool | StaleAttempt:
        """Check the fence again: it may have passed on while the bytes came in; say whether the object is new to the project."""
        found = leases.find_attempt(unit, attempt, who.instance_id)
        stale = leases.staleness(found, unit.session.get_one(Task, found.task_id), fence)
        if stale:
            return leases.refuse(unit, found, "object", fence, stale)
        project = unit.session.get_one(Job, found.job_id).project_id
        return objects.grant(unit, project, name, size)

    new = await run_in_threadpool(report, farm, grant)
    await run_in_threadpool(objects.confirm, farm.database, farm.store, name, size)
    return JSONResponse({"digest": name, "size": size}, status_code=201 if new else 200)


@router.post("/outputs")
async def publish(request: Request, attempt: str, farm: FarmOf, who: Runner) -> JSONResponse:
    """Register outputs whose bytes are there."""
    body = await read_document(request, Publish)

    def work(unit: Unit) -> list[dict[str, Any]] | StaleAttempt:
        found = leases.find_attempt(unit, attempt, who.instance_id)
        result = outputs.publish(unit, found, body.fence, body.outputs, body.completes)
        if isinstance(result, StaleAttempt):
            return result
        return [{"id": o.id, "path": record.path} for o, record in zip(result, body.outputs, strict=True)]

    return JSONResponse({"outputs": await run_in_threadpool(report, farm, work)})


@router.put("/outputs/{output}/preview")
async def put_preview(request: Request, attempt: str, output: str, farm: FarmOf, who: Runner, fence: int) -> JSONResponse:
    """Take the picture of an output, also after the attempt has ended: it is made off the critical path."""
    png = await read_bytes(request, MAX_PREVIEW_BYTES)
    if not png.startswith(_PNG):
        raise Invalid("(whole)", "is not a PNG")
    await run_in_threadpool(_keep_preview, farm, _Claim(attempt, who.instance_id, fence), output, png)
    return JSONResponse({"id": output})


def _keep_preview(farm: Farm, claim: _Claim, output: str, png: bytes) -> None:
    claim.own(farm)
    query = select(OutputFile).where(OutputFile.id == output, OutputFile.attempt_id == claim.attempt)
    with farm.database.read() as session:  # before a byte is stored: what is another's must not even fill the disk
        if session.scalars(query).first() is None:
            raise Absent("output", output)
    digest = digest_of(png)
    farm.store.write(digest, [png], len(png))
    with farm.database.write() as unit:
        found = unit.session.scalars(query).one()
        objects.register(unit, digest, len(png))
        found.preview = digest
        unit.output_changed(found)
        _show_newest(unit, found)
    objects.confirm_bytes(farm.store, digest, png)


def _show_newest(unit: Unit, output: OutputFile) -> None:
    """Make an output the picture of its job, unless a later one is that already: previews come in any order."""
    job = unit.session.get_one(Job, output.job_id)
    shown = unit.session.scalars(select(OutputFile.seq).where(OutputFile.id == job.last_output)).first()
    if shown is None or output.seq > shown:
        job.last_output = output.id
        unit.job_changed(job)
