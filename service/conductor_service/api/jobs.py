"""Jobs: submit, commit the manifest, look, and hold, resume, release, kill, retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from conductor_core.digest import Digest
from conductor_core.documents import from_json
from conductor_core.manifest import Manifest, parse_manifest
from conductor_core.submission import Submission, validate_submission
from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import jobs, marks, objects, verbs
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import MAX_JSON_BYTES, read_bytes, read_json
from conductor_service.door import Why
from conductor_service.equipment import equip
from conductor_service.errors import Invalid
from conductor_service.farm import Farm
from conductor_service.manifests import NamedManifest
from conductor_service.models import Job, OutputFile
from conductor_service.states import JobState, TaskState, Verb
from conductor_service.tokens import Principal
from conductor_service.verbs import Wish
from conductor_service.views import job_summaries, job_view, output_view, task_views

router = APIRouter(prefix="/api/v1")


@router.post("/projects/{project}/jobs")
async def create(request: Request, project: str, farm: FarmOf, who: Person) -> Response:
    """Make a job of a submission."""
    return await run_in_threadpool(_create, farm, who, project, await read_json(request))


def _create(farm: Farm, who: Principal, project: str, data: Any) -> Response:
    submission = from_json(Submission, data)
    validate_submission(submission)
    jobs.check_size(submission)
    farm.catalogue.instance_type(submission.instance_type)
    equipment = equip(submission, farm.catalogue)
    with farm.database.write() as unit:
        row = jobs.find_project(unit.session, who.account_id, project)
        if submission.project not in (row.name, row.id):
            raise Invalid("project", f"is {submission.project!r}, the address says {row.name!r}")
        job, new = jobs.create_job(unit, who, row, submission, equipment)
    return JSONResponse(_view(farm, job), status_code=201 if new else 200)


def _view(farm: Farm, job: Job) -> dict[str, Any]:
    with farm.database.read() as session:
        return job_view(session, session.get_one(Job, job.id), farm.clock())


@router.put("/jobs/{job}/manifest")
async def put_manifest(request: Request, job: str, farm: FarmOf, who: Person) -> Response:
    """Commit a job's manifest; its tasks become ready."""
    data = await read_bytes(request, MAX_JSON_BYTES)
    return await run_in_threadpool(_commit, farm, who, job, data)


@router.put("/jobs/{job}/manifest/scouts")
async def put_manifest_for_scouts(request: Request, job: str, farm: FarmOf, who: Person) -> Response:
    """Commit what the scout frames need: they become ready, all else waits for the manifest of the whole job."""
    data = await read_bytes(request, MAX_JSON_BYTES)
    return await run_in_threadpool(_commit, farm, who, job, data, for_scouts=True)


def _commit(farm: Farm, who: Principal, name: str, data: bytes, *, for_scouts: bool = False) -> Response:
    return JSONResponse(commit(farm, who, name, parse_manifest(data), for_scouts=for_scouts)[0])


def commit(
    farm: Farm, who: Principal, name: str, manifest: Manifest, *, for_scouts: bool = False
) -> tuple[dict[str, Any], Digest]:
    """Keep a manifest and make it that of a job; return the job as it is told, and the manifest's digest."""
    canonical = manifest.to_bytes()
    named = NamedManifest.of(manifest, canonical)
    with farm.database.read() as session:
        job = jobs.find_job(session, who.account_id, name)
    jobs.check_manifest_fits(jobs.submission_of(job), manifest)
    farm.store.write(named.digest, [canonical], named.size)
    objects.look(farm.database, farm.shelf, job.project_id, list(named.objects))
    before = None if for_scouts else jobs.check_grows(job, named, farm.store)
    with farm.database.write() as unit:
        job = jobs.find_job(unit.session, who.account_id, name)
        why = Why(who.name, "the files of the scout frames are there" if for_scouts else "manifest committed")
        jobs.commit_manifest(unit, job, named, for_scouts=for_scouts, grown_from=before, why=why)
    objects.confirm_bytes(farm.store, named.digest, canonical)
    return _view(farm, job), named.digest


@router.get("/jobs")
def list_jobs(
    farm: FarmOf,
    who: Person,
    project: str = "",
    state: str = "",
    scene: str = "",
    metadata: Annotated[list[str], Query(max_length=marks.MAX_PAIRS)] = [],  # noqa: B006 - FastAPI's way to say that there may be several
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: int | None = None,
) -> Response:
    """List jobs, newest first."""
    query = select(Job).where(Job.account_id == who.account_id).order_by(Job.number.desc()).limit(limit)
    with farm.database.read() as session:
        if project:
            query = query.where(Job.project_id == jobs.find_project(session, who.account_id, project).id)
        if state:
            query = query.where(Job.state.in_([_state(JobState, s) for s in state.split(",")]))
        if scene:
            query = query.where(marks.of_scene(scene))
        for pair in metadata:
            query = query.where(marks.with_metadata(pair))
        if before is not None:
            query = query.where(Job.number < before)
        return JSONResponse({"jobs": job_summaries(session, session.scalars(query).all(), farm.clock())})


def _state(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise Invalid("state", f"is {text!r}", f"States are: {', '.join(s.value for s in kind)}.") from None


@router.get("/jobs/{job}")
def show(job: str, farm: FarmOf, who: Person) -> Response:
    """Show one job."""
    with farm.database.read() as session:
        return JSONResponse(job_view(session, jobs.find_job(session, who.account_id, job), farm.clock()))


@router.get("/jobs/{job}/tasks")
def tasks(job: str, farm: FarmOf, who: Person) -> Response:
    """List a job's tasks in their order."""
    with farm.database.read() as session:
        found = jobs.find_job(session, who.account_id, job)
        return JSONResponse({"tasks": task_views(session, jobs.tasks_of(session, found))})


@router.get("/jobs/{job}/outputs")
def outputs(
    job: str, farm: FarmOf, who: Person, after: int = 0, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
) -> Response:
    """List a job's published files by rising number."""
    with farm.database.read() as session:
        found = jobs.find_job(session, who.account_id, job)
        query = select(OutputFile).where(OutputFile.job_id == found.id, OutputFile.seq > after)
        rows = session.scalars(query.order_by(OutputFile.seq).limit(limit)).all()
        return JSONResponse({"outputs": [output_view(o) for o in rows]})


@dataclass(frozen=True, slots=True)
class WishBody:
    """Which tasks, and why."""

    tasks: tuple[str, ...] | None = None
    states: tuple[str, ...] | None = None
    reason: str = ""


@router.post("/jobs/{job}/{verb}")
async def change(request: Request, job: str, verb: Verb, farm: FarmOf, who: Person) -> Response:
    """Hold, resume, release, kill or retry tasks of a job."""
    body = from_json(WishBody, await read_json(request), document="the request")
    states = None if body.states is None else tuple(_state(TaskState, s) for s in body.states)
    wish = Wish(body.tasks, states, body.reason)
    return await run_in_threadpool(_change, farm, who, job, verb, wish)


def _change(farm: Farm, who: Principal, name: str, verb: Verb, wish: Wish) -> Response:
    with farm.database.write() as unit:
        job = jobs.find_job(unit.session, who.account_id, name)
        changed = verbs.apply(unit, job, verb, wish, actor=who.name)
    return JSONResponse({"changed": changed, "job": _view(farm, job)})
