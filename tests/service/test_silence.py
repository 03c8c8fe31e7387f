"""One rule about silent senders, whichever way their bytes come."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from conductor_service.api.inflow import whole_body
from conductor_service.errors import Busy
from conductor_service.silence import listen, listening
from fastapi import Request

SILENCE = 0.3


class Sender:
    """A request whose sender sends three pieces, and then nothing more or the end."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def stream(self) -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.01)
            yield b"piece"
        if self._hangs:
            await asyncio.Event().wait()


def as_a_whole(hangs: bool, pause: float) -> bytes:
    """Take a body in the event loop itself, which stands still for `pause` seconds at each piece."""
    came = bytearray()

    def take(chunk: bytes) -> None:
        time.sleep(pause)
        came.extend(chunk)

    async def scenario() -> None:
        async with asyncio.timeout(30):
            await whole_body(cast(Request, Sender(hangs=hangs)), SILENCE, take)

    asyncio.run(scenario())
    return bytes(came)


def through_the_loop(hangs: bool, pause: float) -> bytes:
    """Take a body beside the event loop, where each piece waits for `pause` seconds until there is room."""
    came = bytearray()

    async def take(chunk: bytes) -> None:
        await asyncio.sleep(pause)
        came.extend(chunk)

    async def scenario() -> None:
        async with asyncio.timeout(30):
            await listen(Sender(hangs=hangs).stream(), take, SILENCE)

    asyncio.run(scenario())
    return bytes(came)


def from_the_socket(hangs: bool, pause: float) -> bytes:
    """Take a body in a thread that pauses for `pause` seconds before it asks for the next piece."""
    came = bytearray()
    sending, line = socket.socketpair()
    with sending, line:
        receive = listening(line, SILENCE)
        sending.sendall(b"piece" * 3)
        if not hangs:
            sending.close()
        while piece := receive(5):
            time.sleep(pause)
            came.extend(piece)
    return bytes(came)


WAYS: list[Callable[[bool, float], bytes]] = [as_a_whole, through_the_loop, from_the_socket]


@pytest.mark.parametrize("way", WAYS)
def test_a_silent_sender_is_given_up_with_the_same_words(way: Callable[[bool, float], bytes]) -> None:
    """Whichever way the bytes came: who sends nothing more is told for how long, and to try again."""
    with pytest.raises(Busy) as told:
        way(True, 0.0)
    assert (str(told.value), told.value.status) == (f"Nothing more of the body came for {SILENCE} s. Try again in 1 s.", 503)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_kept_waiting_is_not_silent(way: Callable[[bool, float], bytes]) -> None:
    """The time of whoever takes the bytes is not the sender's."""
    assert way(False, SILENCE * 1.5) == b"piece" * 3
