"""Transfers as their user steers them: paused and resumed, one or all, over restarts; limits of now; honest outlooks."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.journal import Journal
from conductor_core.agent.pauses import Pauses
from conductor_core.agent.transfer_limits import TransferLimits
from conductor_core.agent.transfers import Transfers
from conductor_core.api.transfer_settings import Limits
from conductor_core.errors import JournalUnwritable, NotTransferred
from conductor_core.transfer.outlook import WINDOW, Forecast, Outlook
from conductor_core.transfer.pace import LimitedPace, Throttle
from conductor_core.transfer.progress import Counts
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _puts(fake: Any) -> Counter[str]:
    return Counter(path for method, path in fake.requests if method == "PUT" and "/objects/" in path)


def test_what_is_paused_waits(desk: Desk, eventually: Eventually) -> None:
    """Paused, nothing of a submission moves, also after a restart of the agent, which may end for idleness; resumed, it arrives."""
    client = desk.start()
    client.pause()
    client.submit(desk.submission(), desk.files())
    assert client.submission("s1")["paused"]
    assert client.status()["paused"]
    assert "paused" in client.scene_jobs(str(desk.project / "shot.blend"))[0].problem
    desk.stop()
    client = desk.start()
    assert client.transfers()["paused"]
    assert client.submission("s1")["state"] == "hashing"
    assert not desk.agent._submissions.busy()  # type: ignore[union-attr]
    assert not desk.fake.jobs
    client.resume()
    assert submitted(client, "s1", eventually)["state"] == "submitted"
    assert not client.submission("s1")["paused"]


def test_a_pause_in_the_middle_sends_nothing_twice(desk: Desk, eventually: Eventually) -> None:
    """Paused while it uploads, a submission lets go of the line; resumed, it goes on with what is missing."""
    for n in range(12):
        file = desk.project / f"texture_{n}.png"
        file.write_bytes(b"%02d" % n * 150_000)
        os.utime(file, (1_700_000_000, 1_700_000_000))
    some_are_there, paused = threading.Event(), threading.Event()

    def fault(method: str, path: str) -> None:
        if method == "PUT" and "/objects/" in path and len(desk.fake.objects) >= 4:
            some_are_there.set()
            paused.wait(60)

    desk.fake.fault = fault
    client = desk.start()
    client.submit(desk.submission(), desk.files())
    assert some_are_there.wait(60)
    client.pause("s1")
    paused.set()
    eventually(lambda: desk.agent._submissions.progress("s1") is None)  # type: ignore[union-attr]
    now = client.submission("s1")
    assert (now["state"], now["paused"], now["error"]) == ("uploading", True, None)
    assert now["bytes_sent"] > 0
    assert not desk.fake.manifests
    there = set(desk.fake.objects)
    before = _puts(desk.fake)
    assert len(there) < 14
    client.resume("s1")
    assert submitted(client, "s1", eventually)["state"] == "submitted"
    again = {path.rpartition("/")[2] for path, count in (_puts(desk.fake) - before).items() if count}
    assert not again & there


def test_one_job_is_paused_and_the_others_go_on(desk: Desk, eventually: Eventually) -> None:
    """A submission that was paused by itself is not in the way of another, and stays paused when all others are resumed."""
    client = desk.start()
    client.pause()
    for identity in ("s1", "s2", "s3", "s4"):
        client.submit(desk.submission(identity), desk.files())
    for identity in ("s1", "s2", "s3"):
        client.pause(identity)
    client.resume()
    assert submitted(client, "s4", eventually)["state"] == "submitted"
    assert [client.submission(i)["state"] for i in ("s1", "s2", "s3")] == ["hashing"] * 3
    client.cancel("s1")
    assert submitted(client, "s1", eventually)["state"] == "failed"
    client.resume("s2")
    assert submitted(client, "s2", eventually)["state"] == "submitted"
    job = client.submission("s4")["number"]
    assert client.pause(str(job))["paused_jobs"] == ["s1", "s3", *sorted(["s4", client.submission("s4")["job"]])]


def test_files_of_a_paused_job_wait(desk: Desk, eventually: Eventually) -> None:
    """Frames of a job that is paused stay at the farm, those of another come; resumed, they come too."""
    client = desk.start()
    jobs = []
    for identity in ("s1", "s2"):
        client.submit(desk.submission(identity), desk.files())
        jobs.append(submitted(client, identity, eventually)["job"])
    client.pause(jobs[0])
    for number, job in enumerate(jobs, 1):
        desk.fake.publish(job, str(desk.home / f"shot_000{number}.exr"), b"pixels %d" % number)
    eventually(lambda: (desk.home / "shot_0002.exr").exists())
    eventually(lambda: client.downloads(jobs[0])[0]["total"] == 1)
    assert client.downloads(jobs[0])[0]["paused"]
    assert not (desk.home / "shot_0001.exr").exists()
    desk.fake.set_state(jobs[1], "success")
    eventually(lambda: client.downloads(jobs[1])[0]["complete"])
    eventually(lambda: not desk.agent._downloads.busy())  # type: ignore[union-attr]
    client.resume(jobs[0])
    eventually(lambda: (desk.home / "shot_0001.exr").exists())


def test_with_all_paused_nothing_is_asked_for() -> None:
    """Between two blocks of a file that comes, a pause of everything holds; the end of it, or stopping, lets go."""
    held, stopped = [True], threading.Event()
    pace = LimitedPace(Throttle(lambda: 0), Throttle(lambda: 0), held=lambda: held[0])
    thread = threading.Thread(target=pace.receive, args=(1, stopped), daemon=True)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    held[0] = False
    thread.join(60)
    assert not thread.is_alive()
    held[0] = True
    stopped.set()
    pace.receive(1, stopped)


def test_a_job_of_nobody_here_is_said_to_be_none(desk: Desk) -> None:
    """A number that this machine neither sends nor fetches anything of pauses nothing."""
    client = desk.start()
    with pytest.raises(NotTransferred, match="job 77"):
        client.pause("77")
    assert client.transfers()["paused_jobs"] == []


def test_a_job_paused_long_ago_is_found_again(tmp_path: Path) -> None:
    """However many were submitted since, what is paused can be resumed by its name."""
    with contextlib.closing(Journal(tmp_path / "journal.sqlite")) as journal:
        transfers = Transfers(tmp_path, tmp_path, journal, changed=lambda: None)
        for number in range(230):
            journal.add_submission(f"s{number}", "service", {})
            if number:
                journal.set_failed(f"s{number}", {}, {})
        assert transfers._names_of("s0") == ("s0",)


def test_a_pause_that_cannot_be_kept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a full disk the artist is told, and nothing is half paused."""
    pauses = Pauses(tmp_path / "pauses.json")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("conductor_core.agent.pauses.write_private", full)
    with pytest.raises(JournalUnwritable, match="No space left"):
        pauses.pause(None)
    assert not pauses.everything()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"everything": true}', b'{"everything": 1, "paused": {}}'])
def test_damaged_pauses_pause_nothing(tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged file is no reason not to start."""
    (tmp_path / "pauses.json").write_bytes(data)
    assert not Pauses(tmp_path / "pauses.json").holds("s1")


def test_limits_are_those_of_the_settings_now(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another hour or another setting counts at once; a mistake in the file leaves what was, and is said once."""
    elapsed, hour = [0.0], [8]
    limits = TransferLimits(tmp_path, clock=lambda: elapsed[0], now=lambda: datetime(2026, 3, 2, hour[0]))
    assert limits.limits() == Limits()
    file = tmp_path / "settings.yaml"
    file.write_text("transfer:\n  upload: 20 MB/s\n  hours:\n    09:00-18:00: {upload: 5 MB/s, download: 8 MB/s}\n")
    elapsed[0] += 2
    assert limits.limits() == Limits(20_000_000, 0)
    hour[0] = 9
    elapsed[0] += 2
    assert limits.limits() == Limits(5_000_000, 8_000_000)
    file.write_text("transfer: {upload: quickly}")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            elapsed[0] += 2
            assert limits.limits() == Limits(5_000_000, 8_000_000)
    assert len(caplog.records) == 1
    assert "line 1, transfer" in caplog.text


def _watched(*counts: Counts, seconds: float = 1.0) -> Outlook:
    now = [0.0]
    forecast = Forecast(clock=lambda: now[0])
    for count in counts:
        forecast.note(count)
        now[0] += seconds
    return forecast.outlook()


SENDING = Counts(files=10, files_hashed=10, bytes_total=1000, bytes_hashed=1000, objects_to_send=10, bytes_to_send=1000)


def _sent(size: int, objects: int) -> Counts:
    return dataclasses.replace(SENDING, bytes_sent=size, objects_sent=objects)


@pytest.mark.parametrize(
    ("counts", "outlook"),
    [
        ([Counts(), Counts()], Outlook()),
        (
            [Counts(files=4, files_hashed=n, bytes_total=400, bytes_hashed=100 * n) for n in range(4)],
            Outlook(100.0, 0.0, 1.0, None),
        ),
        # four fifths were in the hash cache, at once: they say nothing about the speed of the rest
        (
            [Counts(files=10, bytes_total=1000)]
            + [
                Counts(files=10, files_hashed=5 + n, files_cached=5, bytes_total=1000, bytes_hashed=800 + 10 * n)
                for n in range(4)
            ],
            Outlook(10.0, 0.0, 17.0, None),
        ),
        ([_sent(100 * n, n) for n in range(6)], Outlook(0.0, 100.0, 0.0, 5.0)),
        # the great ones went first: what is left are few bytes in many files
        ([_sent(900 + 10 * n, n) for n in range(5)], Outlook(0.0, 10.0, 0.0, 6.0)),
        # one great file on the way: none has ended yet
        ([_sent(10 * n, 0) for n in range(5)], Outlook(0.0, 10.0, 0.0, 96.0)),
        # a difference took the place of a file: less is to be sent, and the speed is what it was
        (
            [_sent(10 * n, n) for n in range(4)] + [dataclasses.replace(_sent(40, 4), bytes_to_send=640, bytes_saved=360)],
            Outlook(0.0, 10.0, 0.0, 60.0),
        ),
        # the line is dead
        ([_sent(500, 5)] * 5, Outlook(0.0, 0.0, 0.0, None)),
        ([_sent(1000, 10)] * 5, Outlook(0.0, 0.0, 0.0, 0.0)),
        # a failed attempt was taken back
        ([_sent(500, 5), _sent(500, 5), _sent(300, 5)], Outlook(0.0, 0.0, 0.0, None)),
    ],
    ids=[
        "unknown",
        "hashing",
        "cached",
        "sending",
        "small files",
        "one great file",
        "a difference",
        "stalled",
        "done",
        "taken back",
    ],
)
def test_an_outlook_is_honest(counts: list[Counts], outlook: Outlook) -> None:
    """What is left is told from what was done lately; where nothing moves, or not all is known, nothing is told."""
    assert _watched(*counts) == outlook


def test_only_what_was_lately_counts() -> None:
    """A line that became ten times as slow is believed after the window is over."""
    quick = [_sent(n * 10, 0) for n in range(20)]
    slow = [_sent(190 + n, 0) for n in range(int(WINDOW) + 2)]
    assert _watched(*quick, *slow).send_rate == pytest.approx(1.0, abs=0.6)


def test_a_low_limit_gets_every_file_through(desk: Desk, eventually: Eventually) -> None:
    """At a limit at which many connections would starve each other, fewer are used, and all files arrive."""
    (desk.folders.config / "settings.yaml").write_text("transfer: {upload: 400 kB/s}")
    for n in range(6):
        file = desk.project / f"texture_{n}.png"
        file.write_bytes(b"%02d" % n * 150_000)
        os.utime(file, (1_700_000_000, 1_700_000_000))
    client = desk.start()
    assert client.transfers()["limits"]["upload"] == 400_000
    assert desk.agent._transfers.lanes.allowed == 3  # type: ignore[union-attr]
    client.submit(desk.submission(), desk.files())
    assert submitted(client, "s1", eventually)["state"] == "submitted"
