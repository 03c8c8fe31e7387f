"""Connections whose large bodies a thread reads from the socket itself, and to which one writes answers of many pieces (`outlets.py`).

On its way through the event loop each piece of a body is copied three times, and the loop stops and begins to listen for it
twice: for a gigabyte that was twice the work of hashing and writing it. Here the loop lets go of a connection while a body
comes in, and takes it up again behind its end, for the answer and for the next request. Through TLS, whose state the loop
keeps, and where the loop reads ahead (Windows), bodies come as they always did.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import httptools
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from conductor_service import outlets
from conductor_service.outlets import Outlet
from conductor_service.silence import listening

#: where a request says that its body can be read so (`scope["extensions"]`)
EXTENSION = "conductor.body"
#: a body that is smaller has mostly come with its head
LEAST_BYTES = 256 << 10
#: of a body at once: what stays in a core's own cache until it is hashed and written
PIECE_BYTES = 256 << 10
#: of a body that nobody wants, what is read of it all the same if it is here: to close over it would reset the answer as well
LET_PASS_BYTES = 2 << 20


class Connection(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: bytes of a body that nobody wanted: they come before the next request
        self._unwanted = 0
        #: bytes of the present body that came through the loop
        self._came = 0

    def on_headers_complete(self) -> None:
        """Offer the body of the request, where it is worth it, and its answer."""
        self._came = 0
        super().on_headers_complete()
        size = next((int(value) for name, value in self.headers if name == b"content-length" and value.isdigit()), 0)
        if self.scheme != "http" or not isinstance(self.loop, asyncio.SelectorEventLoop):
            return
        extensions = cast(dict[str, Any], self.scope.setdefault("extensions", {}))
        if size >= LEAST_BYTES:
            extensions[EXTENSION] = functools.partial(self._detached, weakref.ref(self.cycle), size)
        if hasattr(socket.socket, "sendmsg"):  # Windows has none
            extensions[outlets.EXTENSION] = functools.partial(self._outlet, weakref.ref(self.cycle))

    def on_body(self, body: bytes) -> None:
        """Count what comes."""
        self._came += len(body)
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        """Take what came, behind what nobody wanted of the last body."""
        if not self._unwanted:
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        left = data[self._unwanted :]
        self._unwanted = max(0, self._unwanted - len(data))
        if left:
            super().data_received(left)
        elif self.cycle.response_complete:  # who sends no more of it is waited for no longer than for a next request
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _unsupported_upgrade_warning(self) -> None:
        """Refuse to change the protocol behind a body: the parser takes it for the next requests."""
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            self.cycle.disconnected = True
            self.send_400_response("Upgrade with a body is not supported.")

    def _detached(self, known: weakref.ref[RequestResponseCycle], size: int) -> DetachedBody | None:
        """Let go of the connection; None where the rest of the body is here or will not come, or somebody has read of it."""
        cycle = known()
        if cycle is None or cycle is not self.cycle:
            return None  # all of it came, and the next request's head
        if not cycle.more_body or cycle.disconnected or cycle.response_started or self.transport.is_closing():
            return None
        if len(cycle.body) != self._came:
            return None
        try:
            own = self.transport.get_extra_info("socket").dup()
        except OSError:
            return None  # too many files are open: what is there is enough for the loop
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        self.flow.pause_reading()
        came, cycle.body = bytes(cycle.body), bytearray()
        return DetachedBody(own, came, size, self._attach)

    def _outlet(self, known: weakref.ref[RequestResponseCycle]) -> Outlet | None:
        """Give the connection to a thread that writes; None where the head of the answer is not gone yet, or nobody listens."""
        cycle = known()
        if cycle is None:
            return None
        going = cycle.response_started and not cycle.response_complete and not cycle.disconnected
        if not going or not cycle.chunked_encoding or self.transport.is_closing():
            return None
        if self.transport.get_write_buffer_size():
            return None  # a reader that is behind
        try:
            return Outlet(self.transport.get_extra_info("socket").dup(), self.transport.abort)
        except OSError:
            return None  # too many files are open

    def _attach(self, unread: int | None) -> None:
        """Take the connection up again, behind the body; it is listened to as soon as the answer is written.

        `unread`: bytes of the body that are still to come; None: nobody knows, and the connection ends.
        """
        if self.transport.is_closing():
            return
        if unread is None:
            self.transport.abort()
            return
        self.parser = httptools.HttpRequestParser(self)  # the one before still waits for the body
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._unwanted = unread
        self.cycle.more_body = False
        self.cycle.message_event.set()


class DetachedBody:
    """A body that the event loop has let go of."""

    def __init__(self, own: socket.socket, came: bytes, size: int, attach: Callable[[int | None], None]) -> None:
        """`own` is the body's alone; `came` is what is here already of its `size` bytes."""
        self._socket = own
        self._came = came
        self._left = size - len(came)
        self._attach = attach
        #: whether a thread has it; None before
        self._held: bool | None = None

    def pieces(self, silence: float) -> Iterator[bytes]:
        """Yield what came and what comes, in the thread that takes it; nothing behind the body's end is read.

        Args:
            silence: seconds after which a sender who sends nothing is given up.

        Raises:
            Busy: he fell silent.
            ClientDisconnect: he is gone.
        """
        if self._came:
            yield self._came
            self._came = b""
        receive = listening(self._socket, silence)
        while self._left:
            try:
                piece = receive(min(self._left, PIECE_BYTES))
            except OSError as exc:
                raise ClientDisconnect from exc
            if not piece:
                raise ClientDisconnect
            self._left -= len(piece)
            yield piece

    def __enter__(self) -> DetachedBody:
        self._held = True
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket, in the thread that reads it: elsewhere its number could be another file's before that sees it."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(0)
            room = LET_PASS_BYTES
            while room > 0 and self._left and (piece := self._socket.recv(min(self._left, PIECE_BYTES))):
                self._left -= len(piece)
                room -= len(piece)
        self._socket.close()
        self._held = False

    def stop(self) -> None:
        """Wake the thread that waits for more: nothing more is read of this connection."""
        with contextlib.suppress(OSError):  # it is closed here, or by the other side
            self._socket.shutdown(socket.SHUT_RDWR)

    def give_back(self) -> None:
        """Give the connection back to the event loop, in its thread; while another thread reads of it, it ends."""
        if self._held is None:
            self._socket.close()  # no thread took it
        self._attach(None if self._held else self._left)


def detached_body(scope: Mapping[str, Any]) -> DetachedBody | None:
    """Return the body of a request to be read by a thread, as a context whose end is the thread's; None: it comes through the loop."""
    offered = scope.get("extensions", {}).pop(EXTENSION, None)  # it knows the request, which would know it
    return offered() if offered is not None else None
