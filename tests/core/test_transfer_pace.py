"""Limits on the line: kept over all threads together, changed at any time, never in the way of stopping."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from conductor_core.api.settings import read_settings
from conductor_core.api.transfer_settings import HourLimits, Limits, TransferSettings, rate_of
from conductor_core.errors import SettingsError
from conductor_core.transfer.pace import CREDIT, LOOK_AGAIN, LimitedPace, Throttle
from conductor_core.transfer.progress import Progress
from core.simulated_time import SimulatedTime

BLOCK = 1 << 20


def _throttle(time: SimulatedTime, rate: Callable[[], int]) -> Throttle:
    return Throttle(rate, clock=time.clock, sleep=time.sleep)


def test_the_rate_holds_over_all_threads_together() -> None:
    """Four threads at 10 MB/s never have sent more than 10 MB for each second, but for one block, and hardly less."""
    time, gone = SimulatedTime(), []
    throttle = _throttle(time, lambda: 10_000_000)

    def send() -> None:
        for _ in range(25):
            throttle.take(BLOCK, threading.Event())
            gone.append((time.now, BLOCK))

    time.run(*[send] * 4)
    sent = 0
    for at, count in gone:
        assert sent <= 10_000_000 * (at + CREDIT) + 1
        sent += count
    assert time.now == pytest.approx(99 * BLOCK / 10_000_000, rel=0.02)


def test_each_thread_has_its_turn() -> None:
    """Of three threads none is more than two blocks before another: one with a great file leaves room for the others."""
    time, gone = SimulatedTime(), [0, 0, 0]
    throttle = _throttle(time, lambda: 5_000_000)

    def send(which: int) -> None:
        for _ in range(20):
            throttle.take(BLOCK, threading.Event())
            gone[which] += 1
            assert max(gone) - min(gone) <= 2 or max(gone) == 20

    time.run(*[lambda which=n: send(which) for n in range(3)])
    assert gone == [20, 20, 20]


def test_without_a_limit_nothing_waits() -> None:
    """No limit, no sleep."""
    time = SimulatedTime()
    throttle = _throttle(time, lambda: 0)
    throttle.take(10 << 30, threading.Event())
    throttle.take(10 << 30, threading.Event())
    assert time.now == 0.0


def test_a_new_limit_counts_for_what_waits() -> None:
    """A block that would wait for minutes goes a moment after the limit was lifted."""
    time = SimulatedTime()
    throttle = _throttle(time, lambda: 1_000_000 if time.now < 10 else 0)

    def send() -> None:
        throttle.take(100 << 20, threading.Event())
        throttle.take(BLOCK, threading.Event())

    time.run(send)
    assert 10 <= time.now <= 10 + LOOK_AGAIN


def test_a_clock_that_does_not_go_back_is_all_it_takes() -> None:
    """After an hour without a transfer the limit is kept from the first second on: the idle time is not saved up."""
    time = SimulatedTime()
    throttle = _throttle(time, lambda: 1_000_000)
    time.now = 3600.0

    def send() -> None:
        for _ in range(6):
            throttle.take(1_000_000, threading.Event())

    time.run(send)
    assert time.now - 3600.0 == pytest.approx(5.0 - CREDIT, abs=0.2)


def test_who_is_stopped_does_not_wait_nor_hold_up_others() -> None:
    """A thread that is stopped returns at once, and those behind it are not held up by what it would have sent."""
    time, stopped = SimulatedTime(), threading.Event()
    throttle = _throttle(time, lambda: 1_000_000)

    def great() -> None:
        throttle.take(1_000_000, threading.Event())
        throttle.take(600_000_000, stopped)
        assert time.now <= 0.5 + LOOK_AGAIN

    def behind() -> None:
        time.sleep(stopped, 0.1)
        throttle.take(1_000_000, threading.Event())

    def stop() -> None:
        time.sleep(stopped, 0.5)
        stopped.set()

    time.run(great, behind, stop)
    assert time.now <= 1.0 + LOOK_AGAIN


def test_up_and_down_are_counted_apart() -> None:
    """An upload at its limit leaves downloads alone; what a progress counts goes through its pace."""
    time = SimulatedTime()
    pace = LimitedPace(_throttle(time, lambda: 1_000_000), _throttle(time, lambda: 0))

    def work() -> None:
        progress = Progress(pace)
        for _ in range(4):
            progress.received(1_000_000)
        assert time.now == 0.0
        for _ in range(4):
            progress.sent(1_000_000)
        assert (progress.counts().bytes_sent, progress.counts().bytes_received) == (4_000_000, 4_000_000)

    time.run(work)
    assert time.now == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("", 0),
        ("unlimited", 0),
        ("20 MB/s", 20_000_000),
        ("1.5MB/s", 1_500_000),
        ("64 kB/s", 64_000),
        ("2 MiB/s", 2 << 20),
        ("100 Mbit/s", 12_500_000),
        ("1 Gbit/s", 125_000_000),
    ],
)
def test_rates_are_read(text: str, rate: int) -> None:
    """A rate is said as line and disk are sold: in bytes or bits."""
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    ("when", "upload"),
    [
        ("2026-03-02T08:59", 20_000_000),  # a Monday
        ("2026-03-02T09:00", 5_000_000),
        ("2026-03-02T17:59", 5_000_000),
        ("2026-03-02T18:00", 20_000_000),
        ("2026-03-07T10:00", 20_000_000),  # a Saturday
        ("2026-03-06T23:00", 0),  # a Friday
        ("2026-03-07T05:59", 0),  # the night of that Friday
        ("2026-03-07T06:00", 20_000_000),
        ("2026-03-07T23:00", 20_000_000),
    ],
)
def test_the_hour_decides(when: str, upload: int) -> None:
    """Hours of some days count on those days, those past midnight in the night that begins on them; else the general limit."""
    settings = TransferSettings(
        upload="20 MB/s",
        download="1 GB/s",
        hours={"mon-fri 09:00-18:00": HourLimits(upload="5 MB/s"), "mon-fri 22:00-06:00": HourLimits(upload="unlimited")},
    )
    assert settings.limits(datetime.fromisoformat(when)) == Limits(upload, 1_000_000_000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("transfer: {upload: 20}", "line 1, transfer.upload"),
        ("transfer:\n  upload: fast\n", "upload must be like 20 MB/s"),
        ("transfer:\n  download: 3 kB/s\n", "at least 64 kB/s"),
        ("transfer:\n  hours:\n    9-18: {upload: 5 MB/s}\n", "must be like 09:00-18:00"),
        ("transfer:\n  hours:\n    25:00-26:00: {}\n", "must be like 09:00-18:00"),
        ("transfer:\n  hours:\n    09:00-18:00: {upload: 5}\n", "line 3, transfer.hours.09:00-18:00.upload"),
        ("transfer: {ahead: always}", "must be one of hash, upload, off"),
        ("transfer: {watch_hours: -1}", "watch_hours must lie between"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, words: str) -> None:
    """What is no rate, no hours and no choice is refused with its place and what it should be."""
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(SettingsError, match=words):
        read_settings(tmp_path)


def test_settings_are_read(tmp_path: Path) -> None:
    """The section in the manual is what it says."""
    (tmp_path / "settings.yaml").write_text(
        "transfer:\n  upload: 20 MB/s\n  hours:\n    mon-fri 09:00-18:00: {upload: 5 MB/s}\n  ahead: upload\n"
    )
    settings = read_settings(tmp_path).transfer
    assert settings.hours["mon-fri 09:00-18:00"].upload == "5 MB/s"
    assert (settings.upload, settings.ahead) == ("20 MB/s", "upload")
    (tmp_path / "settings.yaml").write_text("transfer: {ahead: off}")
    assert read_settings(tmp_path).transfer.ahead == "off"
