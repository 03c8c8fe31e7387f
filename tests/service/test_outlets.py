"""Answers that a thread writes to the socket itself: every byte once and in order, and the connection goes on behind them."""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import os
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterator
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest
from conductor_core.transfer.bundle import Content
from conductor_service import outlets
from conductor_service.api.streams import Blocks
from conductor_service.outlets import EXTENSION
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from service.connection_server import ConnectionServer
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

pytestmark = pytest.mark.skipif(not hasattr(socket.socket, "sendmsg"), reason="Windows has no such call")

LARGE = os.urandom(8 << 20)
#: what the blocks of an answer are, by its name
BODIES: dict[str, list[list[Content]]] = {
    "small": [[b"one", b"", memoryview(b"two")], [b"three"]],
    "nothing": [[b""], []],
    "large": [[memoryview(LARGE)[n : n + 40_000] for n in range(i, i + (1 << 20), 40_000)] for i in range(0, 6 << 20, 1 << 20)],
    "many pieces": [[b"%d " % n for n in range(5000)]] * 3,
}


class Server(ConnectionServer):
    """A server whose `/blocks` answers with blocks."""

    def __init__(self) -> None:
        #: answers that are no longer made, by name
        self.ended: Counter[str] = Counter()
        super().__init__(self._app(), turns=2)

    def _made(self, name: str) -> Generator[list[Content], None, None]:
        try:
            if name == "for ever":
                while True:
                    yield [LARGE]
            if name == "broken":
                yield [b"half"]
                raise ValueError("the rest cannot be read")
            yield from BODIES[name]
        finally:
            self.ended[name] += 1

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/blocks")
        async def blocks(request: Request, name: str) -> Blocks:
            return Blocks(self._made(name), self.turns)

        @app.get("/offered")
        async def offered(request: Request) -> PlainTextResponse:
            return PlainTextResponse(str(EXTENSION in request.scope.get("extensions", {})))

        return app


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def line(server: Server) -> Iterator[HTTPConnection]:
    with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as line:
        yield line


def _ended(server: Server, count: int = 1) -> bool:
    until = time.monotonic() + 30
    while server.ended["for ever"] < count and time.monotonic() < until:
        time.sleep(0.01)
    return server.ended["for ever"] == count


def _asked(line: HTTPConnection, name: str) -> bytes:
    line.request("GET", "/blocks?name=" + name.replace(" ", "%20"))
    return line.getresponse().read()


def _whole(name: str) -> bytes:
    return b"".join(piece for block in BODIES[name] for piece in block)


@pytest.mark.parametrize("straight", [True, False], ids=["by a thread", "through the loop"])
def test_answers_come_whole_one_after_the_other(
    server: Server, line: HTTPConnection, monkeypatch: pytest.MonkeyPatch, straight: bool
) -> None:
    """The same bytes either way, on a connection that serves the next request."""
    written: list[int] = []
    send = outlets._send_all
    monkeypatch.setattr(outlets, "_send_all", lambda line, pieces: written.append(len(pieces)) or send(line, pieces))  # type: ignore[func-returns-value]
    if not straight:
        server.turns.total_tokens = 0
    for name in (*BODIES, *BODIES):
        found = _asked(line, name)
        assert hashlib.sha256(found).digest() == hashlib.sha256(_whole(name)).digest()
    assert bool(written) == straight
    assert max(written, default=0) <= outlets.MOST_PIECES + 2


def test_a_request_sent_behind_the_first_is_answered_behind_it(server: Server) -> None:
    """The second answer begins where the first has ended."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        ask = b"GET /blocks?name=%s HTTP/1.1\r\nHost: here\r\n\r\n"
        line.sendall(ask % b"large" + ask % b"small")
        found = b""
        while not found.endswith(b"three\r\n0\r\n\r\n"):
            came = line.recv(1 << 20)
            assert came, len(found)
            found += came
    assert found.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert found.index(b"6\r\nonetwo\r\n5\r\nthree\r\n") > len(_whole("large"))


def test_a_slow_reader_gets_all_of_it(server: Server) -> None:
    """Where the system takes a part of what is written, the rest follows; others are served meanwhile."""
    with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as slow:
        slow.request("GET", "/blocks?name=large")
        answer = slow.getresponse()
        found = answer.read(100_000)
        with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as other:
            assert _asked(other, "small") == _whole("small")
        while piece := answer.read(100_000):
            found += piece
            time.sleep(0.001)
    assert found == _whole("large")


def test_what_cannot_be_read_ends_the_connection(server: Server, line: HTTPConnection) -> None:
    """Nobody takes half an answer for a whole one."""
    with pytest.raises((IncompleteRead, ConnectionError)):
        _asked(line, "broken")
    line.close()
    assert _asked(line, "small") == _whole("small")


def test_a_reader_who_is_gone_ends_the_thread(server: Server, line: HTTPConnection) -> None:
    """And nothing is written to whoever comes next."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as gone:
        gone.sendall(b"GET /blocks?name=for%20ever HTTP/1.1\r\nHost: here\r\n\r\n")
        assert gone.recv(1000)
    assert _ended(server)
    assert _asked(line, "small") == _whole("small")


def test_a_reader_who_takes_nothing_is_given_up(server: Server, line: HTTPConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """He keeps his thread for so long and no longer; two of them leave the others the event loop."""
    write = outlets.Outlet.write
    monkeypatch.setattr(outlets.Outlet, "write", lambda *arguments: write(*arguments, silence=1.0))
    ask = b"GET /blocks?name=for%20ever HTTP/1.1\r\nHost: here\r\n\r\n"
    with contextlib.ExitStack() as lines:
        for _ in range(2):
            silent = lines.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            silent.sendall(ask)
            assert silent.recv(100)
        assert _asked(line, "large") == _whole("large")
        assert _ended(server, 2)


def test_nobody_waits_behind_those_who_take_nothing(server: Server) -> None:
    """Of many who ask at the same time, those without a turn are answered by the loop: none has his head and nothing more."""
    names = ["for%20ever", "large"] * 6
    with contextlib.ExitStack() as lines:
        asked = [lines.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30)) for _ in names]
        for line, name in zip(asked, names, strict=True):
            line.sendall(f"GET /blocks?name={name} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        for line in asked[1::2]:
            found = b""
            while not found.endswith(b"\r\n0\r\n\r\n"):
                came = line.recv(1 << 20)
                assert came, len(found)
                found += came
            assert len(found) > len(_whole("large"))


def test_a_turn_is_taken_before_the_head_and_given_back(server: Server, line: HTTPConnection) -> None:
    """However an answer ends."""
    for name in ("small", "large", "nothing"):
        _asked(line, name)
    with pytest.raises((IncompleteRead, ConnectionError)):
        _asked(line, "broken")
    line.close()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as gone:
        gone.sendall(b"GET /blocks?name=for%20ever HTTP/1.1\r\nHost: here\r\n\r\n")
        assert gone.recv(1000)
        assert server.turns.available_tokens == 1
    until = time.monotonic() + 30
    while server.turns.available_tokens < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert server.turns.available_tokens == 2


def test_who_is_gone_is_noticed_by_the_loop_too(server: Server) -> None:
    """Without a turn nothing is made for nobody."""
    server.turns.total_tokens = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as gone:
        gone.sendall(b"GET /blocks?name=for%20ever HTTP/1.1\r\nHost: here\r\n\r\n")
        assert gone.recv(1000)
    assert _ended(server)


def test_an_answer_leaves_no_circle_behind(server: Server, line: HTTPConnection) -> None:
    """What is offered knows its request, which knows what is offered: the collector would have to find each."""
    line.request("GET", "/offered")
    assert line.getresponse().read() == b"True"
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            line.request("GET", "/offered")
            line.getresponse().read()
        circles = [o for o in _found_by_the_collector() if isinstance(o, RequestResponseCycle)]
    finally:
        gc.enable()
    assert len(circles) < 5


def _found_by_the_collector() -> list[object]:
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_a_service_that_ends_leaves_no_thread_waiting(server: Server) -> None:
    """A reader who takes nothing does not keep it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as silent:
        silent.sendall(b"GET /blocks?name=for%20ever HTTP/1.1\r\nHost: here\r\n\r\n")
        assert silent.recv(100)
        server.stop()
        assert _ended(server)


def test_too_many_open_files(server: Server, line: HTTPConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the loop writes it."""

    def none(_: socket.socket) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("asyncio.trsock.TransportSocket.dup", none)
    assert _asked(line, "large") == _whole("large")
