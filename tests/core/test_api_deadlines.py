"""Servers that give one byte now and then: whatever is dripped, somebody breaks it off and asks again."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from conductor_core.api import deadlines, transport
from conductor_core.api.client import ServiceClient
from conductor_core.api.deadlines import LEAST, Trickle
from conductor_core.api.transport import Address, RetryPolicy, Transport
from conductor_core.digest import digest_of
from conductor_core.errors import ServiceUnreachable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Dripping:
    """A server that answers its first callers at once with `prompt`, and then byte by byte without an end."""

    def __init__(self, prompt: bytes, *, times: int) -> None:
        self._prompt, self._times = prompt, times
        self.answered = 0
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.answered += 1
            threading.Thread(target=self._serve, args=(peer, self.answered <= self._times), daemon=True).start()

    def _serve(self, peer: socket.socket, drips: bool) -> None:
        with peer, contextlib.suppress(OSError):
            peer.recv(1 << 16)
            if not drips:
                peer.sendall(WHOLE)
                return
            peer.sendall(self._prompt)
            while not self._ended.wait(0.05):
                peer.sendall(b"x")


Make = Callable[..., Dripping]


@pytest.fixture
def dripping() -> Iterator[Make]:
    servers: list[Dripping] = []

    def make(prompt: bytes, *, times: int = 1) -> Dripping:
        servers.append(Dripping(prompt, times=times))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a minute half a second."""
    monkeypatch.setattr(deadlines, "_GRACE", 0.0)
    monkeypatch.setattr(deadlines, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(deadlines, "WITHIN", 0.5)
    monkeypatch.setattr(transport, "WHOLE_ANSWER", 0.5)


@pytest.mark.parametrize("prompt", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", HEAD], ids=["status line", "head", "answer"])
def test_a_dripped_answer_is_asked_for_again(dripping: Make, prompt: bytes) -> None:
    """Each byte comes in time, and the answer never: the connection is broken off, and the next one brings it."""
    server, told = dripping(prompt), list[str]()
    timing = transport.Timing(sleep=lambda _: None, waiting=told.append)
    client = Transport(Address(server.url), "token", timing=timing)
    assert client.call("GET", "/x", read_timeout=0.5).content == b"{}"
    assert (server.answered, len(told)) == (2, 1)
    client.close()


def test_a_dripped_answer_ends_at_last(dripping: Make) -> None:
    """A server that only ever drips is told as one that cannot be reached."""
    server = dripping(HEAD, times=99)
    client = Transport(Address(server.url), "token", retries=RetryPolicy(attempts=2, first_wait=0.0))
    with pytest.raises(ServiceUnreachable, match="cannot be reached"):
        client.call("GET", "/x")
    assert server.answered == 2
    client.close()


def test_a_dripped_file_is_broken_off(dripping: Make) -> None:
    """What came of a file is kept, and the rest is asked for anew: it comes faster than a modem's line, or not at all."""
    server = dripping(HEAD.replace(b"application/json", b"application/octet-stream"))
    with ServiceClient(server.url, "token") as client, client.object_bytes("show", digest_of(b"x")) as blocks:
        assert next(blocks)
        with pytest.raises(ServiceUnreachable, match="in the middle of a file"):
            list(blocks)


def test_only_waiting_counts() -> None:
    """A reader that writes for hours between two blocks, and a line that is slow and steady, are left in peace."""
    now = 0.0

    def waits(seconds: float, size: int) -> Callable[[], bytes]:
        def read() -> bytes:
            nonlocal now
            now += seconds
            return b"x" * size

        return read

    trickle = Trickle(lambda: now)
    for _ in range(10):
        trickle.read(waits(0.01, 100))
        now += 10_000
    trickle = Trickle(lambda: now)
    for _ in range(600):
        trickle.read(waits(deadlines.WITHIN / 60, LEAST // 50))
    assert trickle.read(waits(deadlines.WITHIN * 2, 0)) == b"", "the end is no trickle"
    with pytest.raises(TimeoutError):
        trickle.read(waits(deadlines.WITHIN * 2, 1))


def test_who_is_in_time_is_left_alone() -> None:
    """A connection that was answered is not broken later, when another waits for its own answer."""
    (one, far), (other, further) = socket.socketpair(), socket.socketpair()
    with one, far, other, further:
        with deadlines.within(0.3, one):
            pass
        other.settimeout(30.0)
        with pytest.raises(TimeoutError, match="not whole"), deadlines.within(0.6, other):
            assert other.recv(1) == b"", "the second is broken"
        far.sendall(b"x")
        assert one.recv(1) == b"x"
