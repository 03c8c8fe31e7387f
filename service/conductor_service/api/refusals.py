"""Errors as answers: the HTTP boundary, where every exception becomes a document that a person can act on."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any

from conductor_core.errors import ConductorError, ContentMismatch, InvalidDocument, PackMalformed
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from conductor_service.errors import ApiError, Busy, Invalid, WrongContent
from conductor_service.store import (
    ObjectDamaged,
    ObjectMissing,
    PartTaken,
    StoreFull,
    StoreUnreachable,
    StoreUnwritable,
    UploadLost,
)

log = logging.getLogger(__name__)

#: a disk is not made room on within a second, and asking costs little: what does not fit is refused before it is sent
FULL_RETRY_SECONDS = 3
_MAKE_ROOM = "Its operator must make room; what was under way then goes on by itself."
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def install(app: FastAPI) -> None:
    """Have every exception of `app` answered in the form of docs/api.md."""
    app.add_exception_handler(ConductorError, _conductor)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(OSError, _system)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)


def answer(error: ApiError) -> Response:
    """Return the answer that an error stands for."""
    return JSONResponse(error.document(), status_code=error.status, headers=error.headers)


def _conductor(request: Request, exc: Exception) -> Response:
    if isinstance(exc, ApiError):
        return answer(exc)
    if isinstance(exc, InvalidDocument):
        reason = exc.what.partition(f"field {exc.field!r} ")[2].rstrip(".")
        return answer(Invalid(exc.field, reason or exc.what))
    if not isinstance(exc, ConductorError):
        return _unforeseen(request, exc)
    if isinstance(exc, PackMalformed):
        return answer(Invalid("(whole)", exc.reason, exc.next_step))
    if isinstance(exc, PartTaken):
        return answer(Busy(exc.what, exc.next_step))
    if isinstance(exc, (ObjectMissing, ObjectDamaged, UploadLost)):
        return _document(404, "not-found", exc.what, exc.next_step)
    if isinstance(exc, ContentMismatch):
        return answer(WrongContent(exc.what, exc.next_step))
    if isinstance(exc, (StoreFull, StoreUnreachable, StoreUnwritable)):
        log.error("%s", exc)
        busy = Busy(exc.what, exc.next_step, retry_after=FULL_RETRY_SECONDS)
        if request.method == "PUT" or request.url.path.endswith(
            "/packs"
        ):  # what is left of the body would only be read to be thrown away
            busy.headers["Connection"] = "close"
        return answer(busy)
    log.error("%s %s: %s", request.method, request.url.path, exc)
    return _document(500, "internal", exc.what, exc.next_step)


def _validation(_request: Request, exc: Exception) -> Response:
    """Answer a path, query or body that is not even of the right type."""
    first: Mapping[str, Any] = exc.errors()[0] if isinstance(exc, RequestValidationError) else {}
    field = ".".join(str(part) for part in first.get("loc", ())[1:]) or "(whole)"
    return answer(Invalid(field, f"is wrong: {first.get('msg', 'malformed')}"))


def _http(request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    codes = {404: "not-found", 405: "invalid"}
    return _document(
        status, codes.get(status, "invalid"), f"{request.method} {request.url.path} is not a route of this service.", ""
    )


def _database(request: Request, exc: Exception) -> Response:
    """Answer for a database that is locked by somebody else, or whose disk is full: both may pass."""
    log.error("%s %s: %s", request.method, request.url.path, exc)
    if "full" in str(exc.orig if isinstance(exc, OperationalError) else exc):
        return answer(Busy("The disk of the service's database is full.", _MAKE_ROOM, retry_after=FULL_RETRY_SECONDS))
    return answer(Busy("The database cannot be written now.", retry_after=2))


def _system(request: Request, exc: Exception) -> Response:
    """Answer for a disk of the service (logs, a folder beside the store) that is full: this passes, a defect does not."""
    if not isinstance(exc, OSError) or exc.errno not in _FULL:
        return _unforeseen(request, exc)
    log.error("%s %s: %s", request.method, request.url.path, exc)
    return answer(Busy("The disk of the service is full.", _MAKE_ROOM, retry_after=FULL_RETRY_SECONDS))


def _gone(request: Request, _exc: Exception) -> Response:
    """Answer nobody: who sent the body has broken off, and sends it again if it is still wanted."""
    log.info("%s %s: the sender broke off", request.method, request.url.path)
    return answer(Busy("The body broke off."))


def _unforeseen(request: Request, exc: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=exc)
    return _document(500, "internal", "The service failed on this request; its log says why.", "Try again; tell its operator.")


def _document(status: int, code: str, message: str, next_step: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "next": next_step}}, status_code=status)
