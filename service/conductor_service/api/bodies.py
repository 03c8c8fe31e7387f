"""Request bodies: JSON into our documents, and streams into the store without holding them in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import anyio.from_thread
from conductor_core.digest import Digest, parse_digest
from conductor_core.documents import from_json
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from conductor_service.errors import Invalid, TooLarge
from conductor_service.store import WritableStore

T = TypeVar("T")

#: JSON bodies: a hundred thousand digests are 8 MB, a large manifest is 50
MAX_JSON_BYTES = 256 << 20
#: pieces in which a body goes to the store: a hop between threads for each
PIECE_BYTES = 1 << 20


async def read_bytes(request: Request, limit: int) -> bytes:
    """Return a whole body.

    Raises:
        TooLarge: it has more than `limit` bytes.
    """
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > limit:
            raise TooLarge(len(held), limit)
    return bytes(held)


async def read_json(request: Request) -> Any:
    """Return a body's JSON; an empty body is an empty object.

    Raises:
        Invalid: it is not JSON.
    """
    return parse_json(await read_bytes(request, MAX_JSON_BYTES))


def parse_json(data: bytes) -> Any:
    """Return the JSON in `data`; nothing is an empty object.

    Raises:
        Invalid: it is not JSON.
    """
    if not data:
        return {}
    try:
        return json.loads(data)
    except ValueError as exc:
        raise Invalid("(whole)", f"is not JSON: {exc}") from exc


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


async def store_body(request: Request, store: WritableStore, digest: Digest, size: int) -> bool:
    """Stream a body into the store and return whether the object is new there.

    Raises:
        ContentMismatch: it does not hash to `digest`; nothing is kept.
    """
    pieces = _pieces(request)

    async def following() -> bytes:
        return await anext(pieces, b"")

    def read() -> Iterator[bytes]:
        while piece := anyio.from_thread.run(following):
            yield piece

    return await run_in_threadpool(store.write, digest, read(), size)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
