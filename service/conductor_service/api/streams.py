"""Answers that are sent while they are read."""

from __future__ import annotations

import logging

from conductor_core.errors import TransferError
from starlette.responses import StreamingResponse
from starlette.types import Send

log = logging.getLogger(__name__)


class Body(StreamingResponse):
    """An object on its way: one that turns out to be damaged ends in a broken connection, before its last byte."""

    async def stream_response(self, send: Send) -> None:
        """Send the pieces; the server closes a connection whose answer is not whole, so that nobody takes it for whole."""
        try:
            await super().stream_response(send)
        except TransferError as exc:
            log.error("%s", exc)
