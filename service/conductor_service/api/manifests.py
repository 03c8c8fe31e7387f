"""Manifests: are these known, and commit what is mostly one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from conductor_service import manifests, objects
from conductor_service.api.access import FarmOf, Person
from conductor_service.api.bodies import digest_of_path, read_document
from conductor_service.api.jobs import commit
from conductor_service.api.objects import HaveYou, digests_of
from conductor_service.errors import Invalid
from conductor_service.farm import Farm
from conductor_service.jobs import find_job, find_project
from conductor_service.manifests import Part
from conductor_service.tokens import Principal

router = APIRouter(prefix="/api/v1")

MAX_MANIFESTS = 100


@dataclass(frozen=True, slots=True)
class Question(HaveYou):
    """Manifests to look for, and objects beside what they name."""

    digests: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()


@router.post("/projects/{project}/manifests/known")
async def known(request: Request, project: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Say which manifests a job of the project has, and which objects the project lacks; what is there is leased."""
    asked = await read_document(request, Question)
    if len(asked.manifests) > MAX_MANIFESTS:
        raise Invalid("manifests", f"has {len(asked.manifests)} entries, {MAX_MANIFESTS} may be asked at once")
    return JSONResponse(await run_in_threadpool(_known, farm, who.account_id, project, asked))


def _known(farm: Farm, account_id: str, project: str, asked: Question) -> dict[str, Any]:
    wanted = digests_of(asked.digests)
    names = [digest_of_path(text) for text in asked.manifests]
    with farm.database.read() as session:
        project_id = find_project(session, account_id, project).id
    objects.look(farm.database, farm.shelf, project_id, wanted)
    with farm.database.write() as unit:  # what is found and what is leased is found and leased in one step
        found = manifests.known(unit.session, project_id, names)
        for digest in found:
            objects.keep_manifest(unit, project_id, digest)
        present = objects.present(unit.session, project_id, wanted)
        objects.keep(unit, project_id, sorted(present))
    lacking = [d for d in wanted if d not in present]
    if lacking and asked.sizes:
        sizes = dict(zip(asked.digests, asked.sizes, strict=True))
        farm.store.check_room(sum(sizes[d] for d in lacking))
    return {"known": found, "missing": lacking}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a manifest is made of."""

    parts: tuple[Part, ...]


@router.put("/jobs/{job}/manifest/from/{base}")
async def put_from(request: Request, job: str, base: str, farm: FarmOf, who: Person) -> JSONResponse:
    """Commit a job's manifest, told by what stays of a former one; its tasks become ready."""
    name = digest_of_path(base)
    body = await read_document(request, Parts)
    return JSONResponse(await run_in_threadpool(_put_from, farm, who, job, name, body))


def _put_from(farm: Farm, who: Principal, job: str, base: Any, body: Parts) -> dict[str, Any]:
    with farm.database.read() as session:
        project_id = find_job(session, who.account_id, job).project_id
        entries = manifests.entries_of(session, project_id, base)
    manifest = manifests.put_together(farm.store, base, entries, body.parts)
    view, digest = commit(farm, who, job, manifest)
    return {"job": view, "manifest": digest}
