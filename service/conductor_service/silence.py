"""Who sends a body and falls silent is given up after some seconds, whoever listens: the event loop, or a thread at the socket.

Only the time counts in which he is waited for: one who is kept waiting, since a disk or another body is slow, is not silent.
"""

from __future__ import annotations

import math
import socket
from collections.abc import AsyncIterable, Awaitable, Callable

import anyio

from conductor_service.errors import Busy


async def listen(chunks: AsyncIterable[bytes], take: Callable[[bytes], Awaitable[None]], seconds: float) -> None:
    """Give to `take` what the event loop brings, until all of it came.

    Raises:
        Busy: nothing came for so many `seconds`.
    """
    with anyio.move_on_after(seconds) as waiting:
        async for chunk in chunks:
            waiting.deadline = math.inf
            await take(chunk)
            waiting.deadline = anyio.current_time() + seconds
    if waiting.cancelled_caught:
        raise _silent(seconds)


def listening(line: socket.socket, seconds: float) -> Callable[[int], bytes]:
    """Return what receives so many bytes at most of a socket, in the thread that calls it; b"" where the line has ended.

    What is returned raises:
        Busy: nothing came for so many `seconds`.
        OSError: the line is broken.
    """
    line.settimeout(seconds)

    def receive(most: int) -> bytes:
        try:
            return line.recv(most)
        except TimeoutError:
            raise _silent(seconds) from None

    return receive


def _silent(seconds: float) -> Busy:
    return Busy(f"Nothing more of the body came for {seconds:g} s.")
