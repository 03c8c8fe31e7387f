"""Answers of many pieces that the thread which reads them writes to the socket itself.

On its way through the event loop each piece was joined to a block, copied into a chunk, and twice more where the socket had no
room for all of it; the loop and the thread woke each other for each block. For thousands of small files that was two fifths
of the service's work. Here the loop writes the head and the end of an answer, and a thread what is between them. Through TLS,
whose state the loop keeps, and where the loop writes in the background (Windows), answers go as they always did.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator, Mapping
from typing import Any

from anyio import CapacityLimiter, to_thread
from conductor_core.transfer.bundle import Content

#: where a request says that its answer can be written so (`scope["extensions"]`)
EXTENSION = "conductor.answer"
#: pieces that are handed to the system at once; it takes no more than 1,024 (Linux, macOS: IOV_MAX)
MOST_PIECES = 1000
#: seconds after which a reader who takes nothing is given up: he may be slow, and then he takes little at a time
SILENCE_SECONDS = 600.0


class Outlet:
    """A connection between the head of an answer and its end."""

    def __init__(self, own: socket.socket, abort: Callable[[], None]) -> None:
        """`own` is the answer's alone; `abort` ends the connection, in the event loop."""
        self._socket = own
        self._abort = abort

    async def write(self, blocks: Generator[list[Content], None, None], *, silence: float = SILENCE_SECONDS) -> bool:
        """Write blocks as chunks (RFC 9112, 7.1) from a thread of its own; False: the reader is gone, and the connection has ended."""

        began = False

        def written() -> None:
            nonlocal began
            began = True
            with (
                contextlib.closing(blocks),
                self._socket,
            ):  # closed by the thread that writes: elsewhere its number could be another file's before that sees it
                self._socket.settimeout(silence)
                for block in blocks:
                    self._write(block)

        try:
            await to_thread.run_sync(written, limiter=CapacityLimiter(1))
        except asyncio.CancelledError:
            self._stop()  # the service ends, and nobody waits for the thread any more
            raise
        except _Gone:
            self._abort()
            await asyncio.sleep(0)  # the loop hears of it
            return False
        finally:
            if not began:
                self._socket.close()
        return True

    def _write(self, block: list[Content]) -> None:
        size = sum(len(piece) for piece in block)
        if not size:
            return  # it would be the end
        pieces = block if len(block) <= MOST_PIECES else [b"".join(block)]
        try:
            _send_all(self._socket, [b"%x\r\n" % size, *pieces, b"\r\n"])
        except OSError as exc:
            raise _Gone from exc

    def _stop(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            self._socket.shutdown(socket.SHUT_RDWR)


class _Gone(Exception):
    """The reader hung up, or took nothing for too long."""


def is_offered(scope: Mapping[str, Any]) -> bool:
    """Tell whether an answer could be written by a thread."""
    return EXTENSION in scope.get("extensions", {})


def outlet_of(scope: Mapping[str, Any]) -> Outlet | None:
    """Return where the answer whose head was just sent goes on; None: through the loop."""
    offered = scope.get("extensions", {}).pop(EXTENSION, None)  # it knows the request, which would know it
    return offered() if offered is not None else None


def _send_all(line: socket.socket, pieces: list[Content]) -> None:
    """Send pieces, neither joined nor copied; the system may take a part of them."""
    while pieces:
        sent = line.sendmsg(pieces)
        whole = 0
        while whole < len(pieces) and sent >= len(pieces[whole]):
            sent -= len(pieces[whole])
            whole += 1
        pieces = pieces[whole:]
        if sent:
            pieces[0] = memoryview(pieces[0])[sent:]
