"""Request bodies: JSON into our documents, and streams into the store without holding them in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from conductor_core.digest import Digest, parse_digest
from conductor_core.documents import from_json
from fastapi import Request

from conductor_service.api import inflow
from conductor_service.errors import Invalid, TooLarge
from conductor_service.store import WritableStore

T = TypeVar("T")

#: in text that was UTF-8, only such an escape can bring a character that UTF-8 has not
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")

#: JSON bodies: a hundred thousand digests are 8 MB, a large manifest is 50
MAX_JSON_BYTES = 256 << 20
#: uploads that are written at once, by people and by runners each; the others wait for their turn
UPLOADS = 24
#: packs that are in memory at once, 8 MB each at most
PACKS = 16
#: answers that have a thread to write them at once; more go through the event loop
ANSWERS = 16
#: a core each, while they last
ENDS = 4


def _limiter() -> CapacityLimiter:
    return CapacityLimiter(UPLOADS)


@dataclass(frozen=True, slots=True)
class Intake:
    """How bodies come in.

    A thread writes an object for as long as its sender takes. These threads are none of those that serve all other
    requests, or some dozens of slow uploads would keep the runners' beats from being heard; nor do people and runners
    take them from each other.
    """

    people: CapacityLimiter = field(default_factory=_limiter)
    runners: CapacityLimiter = field(default_factory=_limiter)
    packs: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PACKS))
    #: answers that threads write at once: one that is slow to be read keeps its thread
    answers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(ANSWERS))
    #: uploads that are read at once to see whether they are what they are called
    ends: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(ENDS))
    #: a sender that is silent for longer is given up
    silence_seconds: float = 30.0


def intake_of(request: Request) -> Intake:
    """Return how the application takes bodies in."""
    return cast(Intake, request.app.state.intake)


async def read_bytes(request: Request, limit: int) -> bytes:
    """Return a whole body.

    Raises:
        TooLarge: it has more than `limit` bytes.
        Busy: its sender fell silent.
    """
    held: list[bytes] = []
    count = 0

    def take(chunk: bytes) -> None:
        nonlocal count
        count += len(chunk)
        if count > limit:
            raise TooLarge(count, limit)
        held.append(chunk)

    await inflow.whole_body(request, intake_of(request).silence_seconds, take)
    return b"".join(held)


async def read_json(request: Request) -> Any:
    """Return a body's JSON; an empty body is an empty object.

    Raises:
        Invalid: it is not JSON.
    """
    return parse_json(await read_bytes(request, MAX_JSON_BYTES))


def parse_json(data: bytes) -> Any:
    """Return the JSON in `data`; nothing is an empty object.

    Raises:
        Invalid: it is not JSON in UTF-8, or has text that nothing can be written as (half a surrogate pair).
    """
    if not data:
        return {}
    try:
        found = json.loads(data.decode())  # strictly: from bytes it takes UTF-16 as well, and halves of pairs
        if _HALF_PAIR.search(data):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as exc:
        raise Invalid("(whole)", "is nested too deeply") from exc
    except ValueError as exc:
        raise Invalid("(whole)", f"is not JSON: {exc}") from exc
    return found


async def read_document(request: Request, kind: type[T]) -> T:
    """Return a body as one of our documents.

    Raises:
        Invalid, InvalidDocument: it does not fit.
    """
    return from_json(kind, await read_json(request))


def digest_of_path(text: str) -> Digest:
    """Return the digest that a path names.

    Raises:
        Invalid: it is none.
    """
    try:
        return parse_digest(text)
    except ValueError as exc:
        raise Invalid("digest", f"is wrong: {exc}") from exc


def content_length(request: Request, limit: int) -> int:
    """Return how long the body says it is.

    Raises:
        Invalid: it does not say so.
        TooLarge: it is longer than `limit` bytes.
    """
    text = request.headers.get("Content-Length", "")
    if not (text.isascii() and text.isdigit()):
        raise Invalid("Content-Length", "is missing", "Send the object's size in bytes.")
    if int(text) > limit:
        raise TooLarge(int(text), limit)
    return int(text)


async def store_body(request: Request, store: WritableStore, digest: Digest, size: int, turns: CapacityLimiter) -> bool:
    """Stream a body into the store, when it is its turn, and return whether the object is new there.

    Raises:
        ContentMismatch: it does not hash to `digest`; nothing is kept.
        Busy: its sender fell silent; nothing is kept.
        StoreFull: at once where it has no room; the body is not read.
    """
    await to_thread.run_sync(store.check_room, size)
    return await stream_body(request, lambda pieces: store.write(digest, pieces, size), turns)


async def stream_body(request: Request, take: Callable[[Iterator[bytes]], T], turns: CapacityLimiter) -> T:
    """Hand a body to `take`, in a thread of its own when it is its turn, as it comes; return what `take` returns.

    Raises:
        Busy: its sender fell silent; `take` sees it raised by what it iterates over.
    """
    return await inflow.stream_body(request, take, turns, intake_of(request).silence_seconds)
