"""As many connections as make it faster, found by trying on simulated lines; a failure halves them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from conductor_core.transfer.concurrency import PERIOD, Concurrency, Lanes, lanes_at

MB = 1_000_000


def _long_line(lanes: int) -> float:
    """8 MB/s in all, 1 MB/s for one connection: its round trips take 100 ms."""
    return min(lanes * 1.0, 8.0) * MB


def _narrow_line(_lanes: int) -> float:
    """1 MB/s, which a single connection fills."""
    return 1.0 * MB


def _crowded_line(lanes: int) -> float:
    """Grows up to five connections; with more of them packets get lost."""
    return (lanes if lanes <= 5 else max(1.0, 10.0 - lanes)) * MB


def _wide_line(lanes: int) -> float:
    """More than there are lanes."""
    return lanes * 10.0 * MB


def _run(judge: Concurrency, now: list[float], line: Callable[[int], float], seconds: float) -> list[int]:
    """Send over a simulated line, in blocks of a tenth of a second, and return the lanes at each."""
    lanes = []
    for _ in range(int(seconds * 10)):
        now[0] += 0.1
        judge.moved(int(line(judge.allowed) * 0.1), full=True)
        lanes.append(judge.allowed)
    return lanes


@pytest.mark.parametrize(
    ("line", "least", "most"),
    [(_long_line, 7, 9), (_narrow_line, 1, 2), (_crowded_line, 4, 6), (_wide_line, 15, 16)],
    ids=["long", "narrow", "crowded", "wide"],
)
@pytest.mark.parametrize("start", [1, 4, 12])
def test_the_lanes_settle_where_more_bring_nothing(line: Callable[[int], float], least: int, most: int, start: int) -> None:
    """From few or many connections, within two minutes there are as many as fill the line, and it stays so."""
    now = [0.0]
    judge = Concurrency(start=start, most=16, clock=lambda: now[0])
    _run(judge, now, line, 120)
    assert all(least <= lanes <= most for lanes in _run(judge, now, line, 300)[::10])


def test_a_line_that_changes_is_followed() -> None:
    """A line that becomes wider is used, and one that becomes narrower is left again to others."""
    now = [0.0]
    judge = Concurrency(start=4, clock=lambda: now[0])
    _run(judge, now, _narrow_line, 300)
    assert judge.allowed <= 2
    _run(judge, now, _long_line, 300)
    assert judge.allowed >= 7
    _run(judge, now, _narrow_line, 600)
    assert judge.allowed <= 3


def test_a_failure_halves_the_lanes() -> None:
    """What could not take eight connections gets four, then two, then one; and is not tried with more at once."""
    now = [0.0]
    judge = Concurrency(start=8, clock=lambda: now[0])
    seen = []
    for _ in range(4):
        judge.failed()
        judge.failed()  # what fails together counts once
        now[0] += PERIOD
        seen.append(judge.allowed)
    assert seen == [4, 2, 1, 1]
    assert set(_run(judge, now, _wide_line, 10)) == {1}
    assert max(_run(judge, now, _wide_line, 300)) > 8


def test_free_lanes_prove_nothing() -> None:
    """A few last files say nothing about the line: the lanes stay."""
    now = [0.0]
    judge = Concurrency(start=4, clock=lambda: now[0])
    for _ in range(1000):
        now[0] += 0.1
        judge.moved(10, full=False)
    assert judge.allowed == 4


def test_never_more_at_once_than_allowed(eventually: Any) -> None:
    """Of many threads only so many have a lane; each has one in the end, and one that is stopped waits for none."""
    lanes = Lanes(start=2, most=2)
    now, most, done, lock = [0], [0], [0], threading.Lock()
    go, stopped = threading.Event(), threading.Event()

    def send() -> None:
        with lanes.lane():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            go.wait(60)
            with lock:
                now[0] -= 1
                done[0] += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: now[0] == 2)
    waiting = threading.Thread(target=lambda: lanes.lane(stopped.is_set).__enter__(), daemon=True)
    waiting.start()
    stopped.set()
    waiting.join(60)
    assert not waiting.is_alive()
    go.set()
    for thread in threads:
        thread.join(60)
    assert (most[0], done[0]) == (2, 6)


@pytest.mark.parametrize(("rate", "lanes"), [(0, 1000), (64_000, 1), (1_000_000, 7), (20_000_000, 152)])
def test_a_limit_leaves_room_for_so_many(rate: int, lanes: int) -> None:
    """At a low limit few files go at once: one whose next block comes too late would be taken for dead by the server."""
    assert lanes_at(rate) == lanes
    held = Lanes(start=4, cap=lambda: lanes_at(rate))
    assert held.allowed == min(4, lanes)
