"""Answers that are sent while they are read."""

from __future__ import annotations

import logging
from collections.abc import Generator

from anyio import CapacityLimiter
from conductor_core.errors import TransferError
from conductor_core.transfer.bundle import Content
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from conductor_service.outlets import is_offered, outlet_of

log = logging.getLogger(__name__)


class Body(StreamingResponse):
    """An object on its way: one that turns out to be damaged ends in a broken connection, before its last byte."""

    async def stream_response(self, send: Send) -> None:
        """Send the pieces; the server closes a connection whose answer is not whole, so that nobody takes it for whole."""
        try:
            await super().stream_response(send)
        except TransferError as exc:
            log.error("%s", exc)


class Blocks(StreamingResponse):
    """Blocks of many pieces, written by the thread that makes them where there is a turn for it; else joined, and through the loop."""

    def __init__(self, blocks: Generator[list[Content], None, None], request: Request, turns: CapacityLimiter) -> None:
        """`blocks` are taken once; `turns` are for threads that write."""
        super().__init__((b"".join(block) for block in blocks), media_type="application/octet-stream")
        self._blocks = blocks
        self._scope = request.scope
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a thread that writes hears by itself that its reader is gone, and waits for nobody when the service ends."""
        if is_offered(scope):
            await self.stream_response(send)
        else:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send the head, the blocks and the end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        outlet = outlet_of(self._scope) if self._turns.available_tokens >= 1 else None
        if outlet is None:
            async for block in self.body_iterator:
                await send({"type": "http.response.body", "body": block, "more_body": True})
        elif not await outlet.write(self._blocks, self._turns):
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
