"""A TCP proxy that breaks on order: what stands between a client and the service when the network is bad."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

BLOCK = 1 << 16

Kind = Literal["silent", "reset", "garbage", "answer", "cut-request", "cut-response", "answer-lost", "slow", "stalled"]


@dataclass
class Fault:
    """What happens to the next requests that match; the others pass."""

    kind: Kind
    #: of `METHOD /path?query`, from its start
    match: str = ""
    times: int = 1_000_000
    #: bytes of a body after which it is cut, or nothing more of an answer comes; or that come in a twentieth of a second
    size: int = 0
    #: the raw HTTP answer
    answer: bytes = b""
    hits: int = 0


@dataclass
class Seen:
    """One request that came by."""

    line: str
    #: of its body, sent on to the service
    sent: int = 0
    #: of the answer's body, sent on to the client
    received: int = 0
    #: nothing more of it goes or comes
    over: bool = False


class Proxy:
    """Stand between client and service: one request per connection, so that each can have a fault of its own."""

    def __init__(self) -> None:
        self.upstream = 0
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, kind: Kind, match: str = "", **details: Any) -> Fault:
        """Have requests fail from now on."""
        fault = Fault(kind, match, **details)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Let everything pass again; who was kept waiting is cut off."""
        self.faults.clear()
        self._cut_all()

    def refuse(self) -> None:
        """Refuse connections, and break those that are open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()

    def accept(self) -> None:
        """Take connections again, at the same address."""
        self._listener = self._listen(self.port)

    def count(self, match: str) -> int:
        """Return how many requests came that match."""
        return sum(1 for seen in list(self.seen) if re.match(match, seen.line))

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _cut_all(self) -> None:
        with self._lock:
            for peer in self._open:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _held(self, peer: socket.socket) -> Iterator[socket.socket]:
        with self._lock:
            self._open.add(peer)
        try:
            yield peer
        finally:
            with self._lock:
                self._open.discard(peer)
            peer.close()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), self._held(client):
            head, body = _read_head(client)
            if not head:
                return
            seen = Seen(head.split(b"\r\n", 1)[0].decode().rsplit(" ", 1)[0])
            self.seen.append(seen)
            fault = self._fault_of(seen.line)
            kind = fault.kind if fault else ""
            if kind == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif kind == "silent":
                while client.recv(BLOCK):
                    pass
            elif fault and kind in ("garbage", "answer"):
                length = _length(head) - len(body)
                while length > 0 and (block := client.recv(BLOCK)):
                    length -= len(block)
                client.sendall(fault.answer)
            else:
                try:
                    self._forward(client, head, body, seen, fault)
                finally:
                    seen.over = True

    def _fault_of(self, line: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.hits < fault.times and re.match(fault.match, line):
                    fault.hits += 1
                    return fault
        return None

    def _forward(self, client: socket.socket, head: bytes, body: bytes, seen: Seen, fault: Fault | None) -> None:
        kind, size = (fault.kind, fault.size) if fault else ("", 0)
        with self._held(socket.create_connection(("127.0.0.1", self.upstream), timeout=60)) as service:
            service.settimeout(None)
            head = re.sub(rb"\r\nConnection:[^\r]*", b"", head, flags=re.IGNORECASE)
            service.sendall(head[:-2] + b"Connection: close\r\n\r\n")
            left = min(_length(head), size) if kind == "cut-request" else _length(head)
            while left > 0:
                body = (body or client.recv(BLOCK))[:left]
                if not body:
                    return
                service.sendall(body)
                seen.sent += len(body)
                left -= len(body)
                body = b""
                self._dawdle(fault)
            if kind == "cut-request":
                return
            answer, rest = _read_head(service)
            if kind == "answer-lost":
                return
            client.sendall(answer)
            left = size if kind in ("cut-response", "stalled") else -1
            while left and (block := rest or service.recv(size if kind == "slow" and size else BLOCK)):
                rest = b""
                block = block[:left] if left > 0 else block
                client.sendall(block)
                seen.received += len(block)
                left -= len(block) if left > 0 else 0
                self._dawdle(fault)
            while kind == "stalled" and client.recv(BLOCK):
                pass

    def _dawdle(self, fault: Fault | None) -> None:
        """Wait a little, for as long as the line is to be slow."""
        if fault is not None and fault in self.faults and fault.kind == "slow":
            time.sleep(0.05)


def _read_head(peer: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of a request or answer, with its empty line, and what came of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = peer.recv(BLOCK)
        if not block:
            return b"", b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def page(status: str, body: bytes = b"<html>secret page</html>", *headers: str) -> bytes:
    """Return what another web server answers."""
    lines = (f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
