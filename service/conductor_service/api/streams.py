"""Answers that are sent while they are read."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator

from anyio import CapacityLimiter, WouldBlock
from conductor_core.errors import TransferError
from conductor_core.transfer.bundle import Content
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

    def __init__(self, blocks: Generator[list[Content], None, None], turns: CapacityLimiter) -> None:
        """`blocks` are taken once; `turns` are for threads that write."""
        super().__init__((b"".join(block) for block in blocks), media_type="application/octet-stream")
        self._blocks = blocks
        self._turns = turns
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a thread that writes hears by itself that its reader is gone, and waits for nobody when the service ends."""
        if is_offered(scope) and self._take_turn():
            try:
                if await self._written(scope, send):
                    return
            finally:
                self._turns.release_on_behalf_of(self)
        with contextlib.closing(self._blocks):
            await super().__call__(scope, receive, send)  # who is gone meanwhile is noticed

    async def stream_response(self, send: Send) -> None:
        """Send the head, if it is not sent yet, the blocks and the end, through the loop."""
        await self._begin(send)
        async for block in self.body_iterator:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _take_turn(self) -> bool:
        """Take a turn before the head is sent: who has none yet would wait for those of slow readers behind it."""
        try:
            self._turns.acquire_on_behalf_of_nowait(self)
        except WouldBlock:
            return False
        return True

    async def _written(self, scope: Scope, send: Send) -> bool:
        """Have a thread write the answer; False: it goes through the loop, from its blocks on."""
        await self._begin(send)
        outlet = outlet_of(scope)
        if outlet is None:
            return False
        if await outlet.write(self._blocks):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _begin(self, send: Send) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
