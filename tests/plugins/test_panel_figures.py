"""Numbers as the panel writes them."""

from __future__ import annotations

import time

import pytest
from conductor_plugins.form.totals import brief, frames_in, scouts_in, tasks_in
from conductor_plugins.panel.figures import count, moment_text, money_text, size_text, span_text

NOON = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (1_240_000_000, "1.24 GB"),
        (48_300_000_000, "48.3 GB"),
        (999_600_000, "1.00 GB"),
    ],
)
def test_bytes(number: int, text: str) -> None:
    """Three digits that matter, in powers of 1,000."""
    assert size_text(number) == text


def test_many_terabytes() -> None:
    """There is no unit beyond, and none is needed."""
    assert size_text(1_234_000_000_000_000) == "1234 TB"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("4.2", "EUR", "€4.20"),
        ("1234.5", "USD", "$1,234.50"),
        ("0.0042", "EUR", "€0.0042"),
        ("3", "CHF", "3.00 CHF"),
        ("", "EUR", "–"),
        ("many", "EUR", "–"),
    ],
)
def test_money(amount: str, currency: str, text: str) -> None:
    """A sign where everybody knows it; what is small keeps its digits."""
    assert money_text(amount, currency) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 s"), (40, "40 s"), (720, "12 min"), (7_200, "2 h"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h"), (172_800, "2 d")],
)
def test_spans(seconds: float, text: str) -> None:
    """The two largest units."""
    assert span_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5_400, "13:30"), (86_400, "Tue 12:00"), (864_000, "12 Mar")], ids=["today", "tomorrow", "later"]
)
def test_moments(seconds: float, text: str) -> None:
    """As a clock on this wall says it."""
    assert moment_text(seconds, NOON) == text


def test_counts() -> None:
    """One frame, two frames, a thousand with a comma."""
    assert [count(number, "frame") for number in (1, 2, 1_200)] == ["1 frame", "2 frames", "1,200 frames"]


@pytest.mark.parametrize(("frames", "chunk", "tasks"), [(10, 1, 10), (10, 4, 3), (10, 100, 1), (0, 4, 0), (3, 0, 3)])
def test_tasks(frames: int, chunk: int, tasks: int) -> None:
    """The last task may have fewer frames."""
    assert tasks_in(frames, chunk) == tasks


def test_a_range_is_read_once() -> None:
    """Asked again, it is the same value; that of a million frames takes a moment."""
    assert frames_in("1-100000") is frames_in("1-100000")
    assert scouts_in("fml:3", "1-9") == (1, 5, 9)


@pytest.mark.parametrize(
    ("frames", "text"),
    [((1, 2, 3, 7), "1-3, 7"), (tuple(range(20_000)), "0 … 19999"), (tuple(f * f for f in range(40)), "0 … 1521")],
    ids=["runs", "many", "no runs"],
)
def test_frames_fit_into_a_line(frames: tuple[int, ...], text: str) -> None:
    """Many runs are told by their ends."""
    assert brief(frames) == text
