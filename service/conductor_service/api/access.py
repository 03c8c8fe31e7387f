"""Who a request comes from; every router under /api depends on one of `Person` and `Runner`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from conductor_service.errors import NotPermitted, Unauthenticated
from conductor_service.farm import Farm
from conductor_service.tokens import Principal

COOKIE = "conductor_session"
#: a page of another site can send a cookie along, but not this header
OWN_PAGE = "X-Conductor"
_READING = frozenset({"GET", "HEAD"})


def farm_of(request: Request) -> Farm:
    """Return the farm that the application serves."""
    return cast(Farm, request.app.state.farm)


async def principal(request: Request) -> Principal:
    """Return whose token the request carries, in its header or its cookie.

    Raises:
        Unauthenticated: none, or a wrong, expired or revoked one.
        NotPermitted: a request by cookie that changes something and does not come from our page.
    """
    farm = farm_of(request)
    secret = _bearer(request)
    if not secret and COOKIE in request.cookies:
        secret = request.cookies[COOKIE]
        if request.method not in _READING and request.headers.get(OWN_PAGE) != "1":
            raise NotPermitted("A request by cookie that changes something needs the header X-Conductor: 1.")
    if not secret:
        raise Unauthenticated("The request carries no token.")
    known = await _known(farm, secret)
    if known is None:
        raise Unauthenticated("The token is unknown, expired or revoked.")
    return known


async def still_known(request: Request) -> bool:
    """Tell whether the token that a request came by is good yet: a stream may outlive it."""
    return await _known(farm_of(request), _bearer(request) or request.cookies.get(COOKIE, "")) is not None


async def _known(farm: Farm, secret: str) -> Principal | None:
    """Return whose token it is; None for one that is unknown, expired or revoked."""
    known = farm.gatekeeper.remembered(secret)
    if known is None:
        known = await run_in_threadpool(farm.gatekeeper.principal, secret)
    return None if known is None or known.expires <= farm.clock() else known


def _bearer(request: Request) -> str:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def person(who: Annotated[Principal, Depends(principal)]) -> Principal:
    """Return the person who asks.

    Raises:
        NotPermitted: the token is a runner's.
    """
    if who.kind == "instance":
        raise NotPermitted("An instance's token is good for the runner's routes only.")
    return who


async def arrival(request: Request) -> datetime:
    """Return when the request came, before it has waited for anything."""
    return farm_of(request).clock()


async def runner(
    request: Request, came: Annotated[datetime, Depends(arrival)], who: Annotated[Principal, Depends(principal)]
) -> Principal:
    """Return the instance that asks, and note that it was heard of when its request came.

    Raises:
        NotPermitted: the token is a person's.
    """
    if who.kind != "instance":
        raise NotPermitted("This route is for runners only.", "Use a route for people.")
    farm = farm_of(request)
    farm.seen[who.instance_id] = max(came, farm.seen.get(who.instance_id, came))
    return who


async def _farm(request: Request) -> Farm:
    """Return the farm; a plain function would be called in another thread, with every request."""
    return farm_of(request)


FarmOf = Annotated[Farm, Depends(_farm)]
Person = Annotated[Principal, Depends(person)]
Runner = Annotated[Principal, Depends(runner)]
