"""Who am I, what can be asked for, and the dashboard's sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from conductor_core.documents import from_json
from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from conductor_service import tokens
from conductor_service.api.access import COOKIE, FarmOf, Person, farm_of, person
from conductor_service.api.bodies import parse_json, read_bytes
from conductor_service.errors import NotPermitted, Unauthenticated
from conductor_service.farm import Farm
from conductor_service.models import Account, Project, User
from conductor_service.tokens import Principal

router = APIRouter(prefix="/api/v1")

#: a sign-in comes from nobody known yet: no more than a token and some JSON around it
MAX_SIGN_IN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SignIn:
    """A token that is to become a session."""

    token: str


@router.get("/me")
def me(farm: FarmOf, who: Person) -> JSONResponse:
    """Say who the token belongs to."""
    with farm.database.read() as session:
        account = session.get_one(Account, who.account_id)
        user = session.get_one(User, who.user_id)
        projects = session.scalars(select(Project).where(Project.account_id == account.id).order_by(Project.name)).all()
    return JSONResponse(
        {
            "account": {"id": account.id, "name": account.name, "instance_limit": account.instance_limit},
            "user": {"id": user.id, "name": user.name, "email": user.email},
            "role": who.role,
            "projects": [{"id": p.id, "name": p.name} for p in projects],
        }
    )


@router.get("/catalogue", dependencies=[Depends(person)])
def catalogue(farm: FarmOf) -> JSONResponse:
    """Say which instance types and software there are."""
    types = [
        {
            "name": t.name,
            "description": t.description,
            "cores": t.cores,
            "memory_gb": t.memory_gb,
            "gpu": t.gpu,
            "price_per_hour": t.price_per_hour,
            "preemptible_price_per_hour": t.price(preemptible=True),
        }
        for t in farm.catalogue.instance_types.values()
    ]
    software = [
        {"name": p.name, "version": p.version, "description": p.description, "plug_in_of": p.plug_in_of}
        for p in farm.catalogue.packages
    ]
    facts = {"currency": farm.catalogue.currency, "sends_email": bool(farm.settings.email.host)}
    return JSONResponse({**facts, "instance_types": types, "software": software})


@router.post("/session")
async def sign_in(request: Request) -> Response:
    """Turn a person's token into a session of the dashboard, kept in a cookie that no script can read."""
    farm = farm_of(request)
    said = from_json(SignIn, parse_json(await read_bytes(request, MAX_SIGN_IN_BYTES)))
    secret = said.token.strip()
    who = await run_in_threadpool(farm.gatekeeper.principal, secret)
    if who is None:
        raise Unauthenticated("The token is unknown, expired or revoked.")
    if who.kind != "user":
        raise NotPermitted("Only a person's token signs in.")
    session = await run_in_threadpool(_open_session, farm, who)
    answer = JSONResponse({"user": {"id": who.user_id, "name": who.name}})
    answer.set_cookie(
        COOKIE,
        session,
        max_age=int(tokens.LIFETIMES["session"].total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _open_session(farm: Farm, who: Principal) -> str:
    with farm.database.write() as unit:
        return tokens.issue(unit, "session", account_id=who.account_id, user_id=who.user_id)


@router.delete("/session")
def sign_out(farm: FarmOf, who: Person) -> Response:
    """End the session that the request came by; a person's own token stays good."""
    if who.kind == "session":
        with farm.database.write() as unit:
            tokens.revoke(unit, who.token_id)
        farm.gatekeeper.forget()
    answer = JSONResponse({})
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
