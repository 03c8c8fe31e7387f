"""Work in slices: none is longer than it may be, and the order is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conductor_plugins.panel.slices import SLICE, Slices


def test_a_slice_ends_when_its_time_is_over_and_the_rest_comes_later(qtbot: Any) -> None:
    """By a clock on which each step takes a quarter of a slice."""
    now, done, shown = [0.0], [], []

    def work(name: str) -> Iterator[None]:
        for number in range(3):
            now[0] += SLICE / 4
            done.append(f"{name}{number}")
            yield

    slices = Slices(lambda: shown.append(len(done)), clock=lambda: now[0])
    slices.add(work("a"))
    slices.add(work("b"))
    slices.step()
    assert done == ["a0", "a1", "a2", "b0"]
    assert not slices.idle
    slices.step()
    assert (done[4:], slices.idle, shown[-1]) == (["b1", "b2"], True, 6)


def test_what_is_forgotten_is_not_done(qtbot: Any) -> None:
    """A scan that begins anew drops what waits of the last one."""
    slices = Slices(lambda: None)
    slices.add(iter([None]))
    slices.clear()
    assert slices.idle
