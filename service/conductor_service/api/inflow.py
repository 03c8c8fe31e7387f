"""Bodies that a thread takes while the network brings them: one may wait for a disk, the other for a sender, both at once.

What came is handed on as it is, neither joined nor copied. As much as `AHEAD_BYTES` is kept for a thread that is behind;
then nothing more is read from the connection, and the sender waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from conductor_service.connections import DetachedBody, detached_body
from conductor_service.errors import Busy
from conductor_service.silence import listen

T = TypeVar("T")

#: of one body, received and not yet taken
AHEAD_BYTES = 2 << 20


async def whole_body(request: Request, silence_seconds: float, take: Callable[[bytes], None]) -> None:
    """Give a body to `take`, as the network brings it.

    Raises:
        Busy: nothing came for so long.
    """

    async def taken(chunk: bytes) -> None:
        take(chunk)

    await listen(request.stream(), taken, silence_seconds)


async def stream_body(request: Request, take: Callable[[Iterator[bytes]], T], turns: CapacityLimiter, silence: float) -> T:
    """Hand a body to `take`, in a thread of its own when it is its turn, as it comes; return what `take` returns.

    Args:
        silence: seconds after which a sender who sends nothing is given up.

    Raises:
        Busy: its sender fell silent; `take` sees it raised by what it iterates over.
    """
    async with turns:
        detached = detached_body(request.scope)
        if detached is not None:
            return await _taken_from_socket(detached, take, silence)
        inflow = _Inflow(request, silence)
        filling = asyncio.create_task(inflow.fill())
        try:
            return await to_thread.run_sync(take, inflow.pieces(), limiter=CapacityLimiter(1))
        finally:
            filling.cancel()  # what `take` did not want to read, nobody does
            await asyncio.gather(filling, return_exceptions=True)


async def _taken_from_socket(body: DetachedBody, take: Callable[[Iterator[bytes]], T], silence: float) -> T:
    def taken() -> T:
        with body:
            return take(body.pieces(silence))

    try:
        found = await to_thread.run_sync(taken, limiter=CapacityLimiter(1))
    except asyncio.CancelledError:
        body.stop()  # the service ends, and nobody waits for the thread any more
        raise
    finally:
        body.give_back()
    return found


class _Inflow:
    """A body between the event loop, which fills it, and the thread that empties it."""

    def __init__(self, request: Request, silence: float) -> None:
        self._request = request
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        #: pieces, and at the end what it ended with: None where all of it came
        self._came: SimpleQueue[bytes | BaseException | None] = SimpleQueue()
        # each of these is written on one side alone
        self._filled = self._emptied = 0
        self._waiting = False

    async def fill(self) -> None:
        """Put what the network brings, as long as there is room."""
        end: BaseException | None = Busy("The service ended while a body came in.")  # where this is cancelled
        try:
            await listen(self._request.stream(), self._put, self._silence)
            end = None
        except Exception as exc:  # noqa: BLE001  raised again where the body is read, whatever it is
            end = exc
        finally:
            self._came.put(end)

    async def _put(self, chunk: bytes) -> None:
        if not chunk:
            return
        self._came.put(chunk)
        self._filled += len(chunk)
        while self._filled - self._emptied > AHEAD_BYTES:
            self._room.clear()
            self._waiting = True
            if self._filled - self._emptied > AHEAD_BYTES:  # else it was emptied before it could see that somebody waits
                await self._room.wait()
            self._waiting = False

    def pieces(self) -> Iterator[bytes]:
        """Yield what came, in the thread that takes it."""
        while isinstance(piece := self._came.get(), bytes):
            yield piece
            self._emptied += len(piece)
            if self._waiting and self._filled - self._emptied <= AHEAD_BYTES // 2:
                self._wake()
        if piece is not None:
            raise piece

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there
            self._loop.call_soon_threadsafe(self._room.set)
