"""Connections that give a large body's socket to a thread, and go on behind it: every byte once, to whom it belongs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
import uvicorn
from conductor_service.api.inflow import stream_body
from conductor_service.connections import EXTENSION, LEAST_BYTES, PIECE_BYTES, Connection
from conductor_service.errors import Busy
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from service.connection_server import ConnectionServer
from starlette.requests import ClientDisconnect


class Server(ConnectionServer):
    """A server whose `/taken` says what it got of a body."""

    def __init__(self) -> None:
        self.silence = 30.0
        #: how the bodies ended that did not come whole
        self.ends: list[BaseException] = []
        self.reading, self.ended = threading.Event(), threading.Event()
        super().__init__(self._app(), turns=8)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.put("/taken")
        async def taken(request: Request, want: int = -1) -> JSONResponse:
            offered = EXTENSION in request.scope.get("extensions", {})
            sha, count = hashlib.sha256(), 0

            def take(pieces: Iterator[bytes]) -> None:
                nonlocal count
                try:
                    for piece in pieces if want else ():
                        sha.update(piece)
                        count += len(piece)
                        self.reading.set()
                        if 0 <= want <= count:
                            break
                except (Busy, ClientDisconnect) as exc:
                    self.ends.append(exc)
                    self.ended.set()
                    raise

            try:
                await stream_body(request, take, self.turns, self.silence)
            except Busy as exc:
                return JSONResponse({"busy": str(exc)}, status_code=503)
            return JSONResponse({"sha": sha.hexdigest(), "count": count, "offered": offered})

        @app.put("/peeked")
        async def peeked(request: Request) -> JSONResponse:
            first = len((await request.receive())["body"])
            count = await stream_body(request, lambda pieces: sum(map(len, pieces)), self.turns, self.silence)
            return JSONResponse({"first": first, "count": count})

        @app.get("/hello")
        async def hello() -> PlainTextResponse:
            return PlainTextResponse("hello")

        return app


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.stop()


def head(size: int, query: str = "", extra: str = "") -> bytes:
    return f"PUT /taken{query} HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n{extra}\r\n".encode()


HELLO = b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"


@contextlib.contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        yield line


def answer(line: socket.socket, method: str = "PUT") -> tuple[int, bytes]:
    response = HTTPResponse(line, method=method)
    response.begin()
    try:
        return response.status, response.read()
    finally:
        response.close()


@pytest.mark.parametrize("size", [LEAST_BYTES - 1, LEAST_BYTES, LEAST_BYTES + 1, PIECE_BYTES * 12 + 7])
def test_bodies_of_any_size_one_after_the_other(server: Server, size: int) -> None:
    """One connection serves many requests; each gets its own bytes, whole and in order."""
    client = HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(client):
        for _ in range(3):
            body = os.urandom(size)
            client.request("PUT", "/taken", body)
            found = client.getresponse().read()
            assert hashlib.sha256(body).hexdigest().encode() in found
            assert (b'"offered":true' in found) == (size >= LEAST_BYTES)
            client.request("GET", "/hello")
            assert client.getresponse().read() == b"hello"


def test_what_stands_behind_a_body_is_the_next_request(server: Server) -> None:
    """A client that does not wait for the answer has sent its next request with the last bytes of the body."""
    body = os.urandom(2 << 20)
    with connected(server) as line:
        sender = threading.Thread(target=line.sendall, args=(head(len(body)) + body + HELLO + HELLO,))
        sender.start()
        found = b""
        while found.count(b"\r\n\r\nhello") < 2:
            came = line.recv(1000)
            assert came, found
            found += came
        sender.join()
        assert found.index(hashlib.sha256(body).hexdigest().encode()) < found.index(b"hello")


@pytest.mark.parametrize("cut", [0, 1, 1000, LEAST_BYTES])
def test_a_body_that_began_with_its_head(server: Server, cut: int) -> None:
    """What came with the head comes first, whatever the network made of it."""
    body = os.urandom(LEAST_BYTES * 2)
    with connected(server) as line:
        line.sendall(head(len(body)) + body[:cut])
        for place in range(cut, len(body), 50_000):
            line.sendall(body[place : place + 50_000])
        assert hashlib.sha256(body).hexdigest().encode() in answer(line)[1]


@pytest.mark.parametrize("want", [0, 1, LEAST_BYTES * 3], ids=["nothing", "a_piece", "half"])
def test_what_nobody_wants_is_let_pass(server: Server, want: int) -> None:
    """A body that is refused is answered at once; its rest is no request, and the next request is one."""
    body = HELLO * (LEAST_BYTES * 6 // len(HELLO))
    with connected(server) as line:
        sender = threading.Thread(target=line.sendall, args=(head(len(body), f"?want={want}") + body,))
        sender.start()
        assert answer(line)[0] == 200
        sender.join()
        line.sendall(HELLO)
        assert answer(line, "GET") == (200, b"hello")


def test_a_client_that_asks_first_is_told_to_go_on(server: Server) -> None:
    """With `Expect: 100-continue` nothing is sent before the service says so."""
    body = os.urandom(LEAST_BYTES)
    with connected(server) as line:
        line.sendall(head(len(body), extra="Expect: 100-continue\r\n"))
        assert line.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(body)
        assert hashlib.sha256(body).hexdigest().encode() in answer(line)[1]


def test_a_body_that_was_begun_elsewhere_goes_on_there(server: Server) -> None:
    """Where somebody has read of a body, nobody can tell how much of it is in the socket: not a byte of the next request is taken."""
    with connected(server) as line:
        line.sendall(head(LEAST_BYTES * 2).replace(b"/taken", b"/peeked") + b"x" * 1000)
        sender = threading.Thread(target=line.sendall, args=(b"x" * (LEAST_BYTES * 2 - 1000) + HELLO,))
        sender.start()
        found = b""
        while not found.endswith(b"hello"):
            came = line.recv(1000)
            assert came, found
            found += came
        sender.join()
    first, count = (int(number) for number in re.findall(rb'"(?:first|count)":(\d+)', found))
    assert first + count == LEAST_BYTES * 2


@pytest.mark.parametrize("size", [300_000, 1_900_000])
def test_an_answer_that_ends_the_connection_is_not_reset(server: Server, size: int) -> None:
    """Closed over what was sent and not read, the system would reset the connection, and some clients lose the answer."""
    with connected(server) as line:
        sent = threading.Thread(target=line.sendall, args=(head(size, "?want=1", "Connection: close\r\n") + b"x" * size,))
        sent.start()
        sent.join()
        assert answer(line)[0] == 200
        assert line.recv(1) == b""


def test_no_protocol_is_changed_behind_a_body(server: Server) -> None:
    """The parser ends such a request at its head: its body would be requests, whoever wrote them."""
    body = HELLO * 10
    with connected(server) as line:
        line.sendall(head(len(body), extra="Connection: Upgrade\r\nUpgrade: h2c\r\n") + body)
        assert answer(line)[0] == 400
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(1000) == b""


def test_too_many_open_files(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a descriptor for the thread a body comes as it always did."""

    def full(_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("asyncio.trsock.TransportSocket.dup", full)
    body = os.urandom(LEAST_BYTES * 3)
    with connected(server) as line:
        line.sendall(head(len(body)) + body)
        assert hashlib.sha256(body).hexdigest().encode() in answer(line)[1]


def test_a_silent_sender_is_given_up(server: Server) -> None:
    """Who sends nothing for too long holds no thread; he hears why."""
    server.silence = 0.2
    with connected(server) as line:
        line.sendall(head(LEAST_BYTES * 2) + b"x" * LEAST_BYTES)
        status, found = answer(line)
        assert status == 503
        assert b"0.2 s" in found
    assert isinstance(server.ends[0], Busy)


def test_a_client_that_is_gone_ends_the_thread(server: Server) -> None:
    """A connection that ends in the middle of a body ends what reads it."""
    with connected(server) as line:
        line.sendall(head(LEAST_BYTES * 2) + b"x" * LEAST_BYTES)
        assert server.reading.wait(30)
    assert server.ended.wait(30)
    assert isinstance(server.ends[0], ClientDisconnect)


def test_a_service_that_ends_leaves_no_thread_waiting(server: Server) -> None:
    """Its end does not wait for a sender who may be silent for an hour."""
    server.silence = 3600
    with connected(server) as line:
        line.sendall(head(LEAST_BYTES * 2) + b"x" * LEAST_BYTES)
        assert server.reading.wait(30)
        server.stop()
        assert server.ended.wait(30)


def test_loops_that_read_ahead_are_left_alone() -> None:
    """Windows' loop has asked for the next bytes before anybody knows what they are: nothing is taken from it."""

    async def scenario() -> dict[str, Any]:
        protocol = Connection(uvicorn.Config(FastAPI(), log_config=None), uvicorn.server.ServerState(), {})
        protocol.loop = type("Ahead", (), {"create_task": lambda _self, coroutine, **_: asyncio.create_task(coroutine)})()
        protocol.connection_made(_Transport())
        protocol.data_received(head(LEAST_BYTES))
        protocol.cycle.disconnected = True
        protocol.cycle.message_event.set()
        return dict(protocol.cycle.scope)

    assert EXTENSION not in asyncio.run(scenario()).get("extensions", {})


class _Transport(asyncio.Transport):
    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def write(self, data: object) -> None:
        pass

    def close(self) -> None:
        pass
