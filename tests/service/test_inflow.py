"""Bodies between the network and a thread: in order, bounded, and ended by whichever side ends first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest
from anyio import CapacityLimiter
from conductor_service.api.inflow import AHEAD_BYTES, stream_body
from conductor_service.errors import Busy
from fastapi import Request

CHUNK = 64 << 10


class Sender:
    """A request whose body is `chunks`; it counts what was read of it."""

    def __init__(self, chunks: int, *, then: BaseException | None = None, hangs: bool = False) -> None:
        self.chunks = chunks
        self.scope: dict[str, Any] = {}
        self.then = then
        self.hangs = hangs
        self.read = 0
        self.ended = False

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for n in range(self.chunks):
                await asyncio.sleep(0)
                self.read += CHUNK
                yield n.to_bytes(4, "big") * (CHUNK // 4)
            if self.hangs:
                await asyncio.Event().wait()
            if self.then is not None:
                raise self.then
            yield b""
        finally:
            self.ended = True


def run(
    sender: Sender, take: Callable[[Iterator[bytes]], Any], silence: float = 30.0, turns: CapacityLimiter | None = None
) -> Any:
    async def scenario() -> Any:
        async with asyncio.timeout(60):
            return await stream_body(cast(Request, sender), take, turns or CapacityLimiter(1), silence)

    return asyncio.run(scenario())


def test_all_that_comes_is_taken_in_its_order() -> None:
    """However far the network is ahead of the thread, what it takes is what was sent."""
    sender = Sender(200)
    taken = run(sender, b"".join)
    assert taken == b"".join(n.to_bytes(4, "big") * (CHUNK // 4) for n in range(200))
    assert sender.ended


def test_a_slow_thread_stops_the_network() -> None:
    """No more is read from a connection than is soon taken, and a thread's own time is not the sender's silence."""
    sender = Sender(400)
    full = threading.Event()

    def take(pieces: Iterator[bytes]) -> tuple[int, int]:
        first = len(next(pieces))
        full.wait(0.3)  # longer than a sender may be silent; the network comes as far as it may meanwhile
        return sender.read, first + sum(map(len, pieces))

    ahead, taken = run(sender, take, silence=0.1)
    assert ahead <= AHEAD_BYTES + 2 * CHUNK
    assert taken == 400 * CHUNK


def test_who_wants_no_more_ends_it() -> None:
    """An error of the thread is what the caller sees, and nothing is read of the body from then on."""
    sender = Sender(10_000)

    def take(pieces: Iterator[bytes]) -> None:
        next(pieces)
        raise ValueError("not what it is called")

    with pytest.raises(ValueError, match="not what it is called"):
        run(sender, take)
    assert sender.ended
    assert sender.read < 10_000 * CHUNK


def test_a_broken_connection_is_seen_where_the_body_is_read() -> None:
    """The thread gets what came, then the error: it can leave nothing half-done behind."""
    seen: list[BaseException] = []

    def take(pieces: Iterator[bytes]) -> None:
        try:
            for _ in pieces:
                pass
        except ConnectionError as exc:
            seen.append(exc)
            raise

    with pytest.raises(ConnectionError, match="gone"):
        run(Sender(3, then=ConnectionError("gone")), take)
    assert len(seen) == 1


def test_a_silent_sender_is_told_from_a_slow_thread() -> None:
    """Who sends nothing for too long is given up."""
    with pytest.raises(Busy, match="Nothing more of the body came"):
        run(Sender(3, hangs=True), b"".join, silence=0.1)


def test_a_service_that_ends_leaves_no_thread_waiting() -> None:
    """A cancelled request ends the thread that waits for its body."""
    begun, ended = threading.Event(), threading.Event()

    def take(pieces: Iterator[bytes]) -> None:
        begun.set()
        try:
            list(pieces)
        finally:
            ended.set()

    async def scenario() -> None:
        sender = Sender(1, hangs=True)
        task = asyncio.create_task(stream_body(cast(Request, sender), take, CapacityLimiter(1), 60.0))
        while not (sender.read and begun.is_set()):  # one that is cancelled before it has a thread leaves none
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())
    assert ended.wait(30)


def test_turns_are_kept() -> None:
    """No more bodies are read at once than there are turns."""
    at_once: list[int] = []
    running = 0
    lock = threading.Lock()

    def take(pieces: Iterator[bytes]) -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        list(pieces)
        with lock:
            running -= 1

    async def scenario() -> None:
        turns = CapacityLimiter(2)
        senders = [cast(Request, Sender(5)) for _ in range(8)]
        async with asyncio.timeout(60):
            await asyncio.gather(*(stream_body(s, take, turns, 30.0) for s in senders))

    asyncio.run(scenario())
    assert len(at_once) == 8
    assert max(at_once) <= 2
