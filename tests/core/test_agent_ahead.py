"""Ahead of the click with an agent: what is opened or submitted is watched, hashed, and sent where that is wished for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.recent_scenes import RecentScene, by_folder
from conductor_core.agent.sending_ahead import AGAIN, LEASE_EVERY, SendingAhead
from conductor_core.api.client import ServiceClient
from conductor_core.api.transport import RetryPolicy
from conductor_core.digest import digest_of
from conductor_core.transfer import hashing
from conductor_core.transfer.hashing import HashedFile, hash_file
from conductor_core.transfer.progress import Free
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]
OLD_NS = 1_700_000_000_000_000_000


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Give an artist whose machine is idle."""

    class Idle:
        def reason(self) -> str:
            return ""

    monkeypatch.setattr("conductor_core.agent.ahead.Idleness", Idle)
    monkeypatch.setattr("conductor_core.agent.ahead.QUIET", 0.1)
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _save(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def _watched(client: Any, eventually: Eventually) -> None:
    """Wait until all folders of the scene tell of changes."""
    eventually(lambda: (now := client.status()["ahead"])["folders"] and not now["without_events"])


@pytest.mark.usefixtures("an_hour_on")
def test_a_cache_of_a_night_asks_for_no_hashing(desk: Desk, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a submitted scene that were written anew, and new frames beside them, are not read by the next submission."""
    frames = [desk.project / f"smoke.{n:04}.vdb" for n in range(1, 41)]
    for frame in frames[:30]:
        _save(frame, b"evening " + frame.name.encode())
    client = desk.start()
    client.submit(desk.submission(), desk.files())
    assert submitted(client, "s1", eventually)["state"] == "submitted"
    _watched(client, eventually)
    for frame in frames:
        _save(frame, b"night " + frame.name.encode())
    eventually(lambda: client.status()["ahead"]["hashed"] >= 40)
    read: list[str] = []

    def note(path: str, *rest: Any) -> HashedFile:
        read.append(path)
        return hash_file(path, *rest)

    monkeypatch.setattr(hashing, "hash_file", note)
    client.submit(desk.submission("s2"), desk.files())
    assert submitted(client, "s2", eventually)["state"] == "submitted"
    assert read == []
    assert all(digest_of(b"night " + frame.name.encode()) in desk.fake.objects for frame in frames)


def test_what_is_opened_is_watched_and_sent_if_so_set(desk: Desk, eventually: Eventually) -> None:
    """With uploads ahead, a file of an open scene is in the store before anybody submits, and `transfers` tells of it."""
    (desk.folders.config / "settings.yaml").write_text("transfer: {ahead: upload}")
    client = desk.start()
    check = client.start_check(desk.files(), project="show")
    eventually(lambda: client.check(check).done)
    _watched(client, eventually)
    assert not desk.fake.objects
    _save(desk.project / "wood.png", b"painted anew")
    eventually(lambda: digest_of(b"painted anew") in desk.fake.objects)
    eventually(lambda: client.transfers()["ahead"]["sent"] == 1)
    assert client.transfers()["ahead"]["wish"] == "upload"
    client.pause()
    _save(desk.project / "wood.png", b"and again")
    eventually(lambda: client.transfers()["ahead"]["hashed"] == 2)
    assert digest_of(b"and again") not in desk.fake.objects
    client.resume()
    eventually(lambda: digest_of(b"and again") in desk.fake.objects)


def test_without_the_wish_nothing_is_sent(desk: Desk, eventually: Eventually) -> None:
    """By default files are hashed ahead and never sent; with `off` not even that."""
    settings = desk.folders.config / "settings.yaml"
    client = desk.start()
    client.submit(desk.submission(), desk.files())
    assert submitted(client, "s1", eventually)["state"] == "submitted"
    _watched(client, eventually)
    _save(desk.project / "wood.png", b"painted anew")
    eventually(lambda: client.status()["ahead"]["hashed"])
    assert digest_of(b"painted anew") not in desk.fake.objects
    settings.write_text("transfer: {ahead: off}")
    eventually(lambda: client.status()["ahead"]["wish"] == "off")
    client.submit(desk.submission("s2"), desk.files())
    assert submitted(client, "s2", eventually)["state"] == "submitted"


def test_the_agent_stays_for_what_it_watches(desk: Desk, eventually: Eventually) -> None:
    """An idle agent does not end while there are scenes to watch, so that a night's work is hashed; asked to end, it ends."""
    client = desk.start()
    agent = desk.agent
    assert agent is not None
    client.submit(desk.submission(), desk.files(), download=False)
    assert submitted(client, "s1", eventually)["state"] == "submitted"
    eventually(lambda: client.status()["ahead"]["scenes"])
    later = agent._used_at + 1e6
    agent._clock = lambda: later
    assert not agent._done()
    client.quit()
    desk.thread.join(60)
    assert not desk.thread.is_alive()


class _Ahead:
    """A sender for one scene, at a time of its own."""

    def __init__(self, folder: Path, fake: Any) -> None:
        self.folder = folder
        self.fake = fake
        self.time = 100.0
        self.client = ServiceClient(fake.url, fake.token, retries=RetryPolicy(attempts=1))
        self.scenes = [RecentScene("s", fake.url, "show", 1.0, by_folder([str(folder / "f.1.vdb")]))]
        self.sender = SendingAhead(
            lambda _service: self.client, lambda: self.scenes, busy=lambda: "", pace=Free(), clock=lambda: self.time
        )

    def hash(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        _save(path, data)
        self.sender.hashed({str(path): hash_file(str(path))})
        return path

    def until(self, eventually: Eventually, condition: Callable[[], Any]) -> None:
        def look() -> Any:
            self.sender.step()
            return condition()

        eventually(look, 60.0)


@pytest.fixture
def ahead(tmp_path: Path, fake_service: Any) -> Iterator[_Ahead]:
    ahead = _Ahead(tmp_path, fake_service)
    yield ahead
    ahead.sender.stop()
    ahead.client.close()


def test_what_was_sent_is_leased_until_it_is_submitted(ahead: _Ahead, eventually: Eventually) -> None:
    """What was sent ahead is asked for again before its lease ends; what the store dropped all the same is sent again."""
    ahead.hash("f.2.vdb", b"two")
    ahead.hash("other.png", b"no file of the scene")
    ahead.until(eventually, lambda: ahead.sender.sent() == 1)
    assert list(ahead.fake.objects) == [digest_of(b"two")]
    ahead.fake.objects.clear()
    ahead.time += LEASE_EVERY
    ahead.until(eventually, lambda: ahead.fake.objects)
    ahead.until(eventually, lambda: ahead.sender._work.done())  # type: ignore[union-attr]
    ahead.scenes = []
    before = len(ahead.fake.requests)
    ahead.time += LEASE_EVERY
    ahead.sender.step()
    ahead.sender.stop()
    assert len(ahead.fake.requests) == before


def test_a_service_that_is_away_is_tried_again(ahead: _Ahead, eventually: Eventually) -> None:
    """What could not be sent waits a minute, and is not lost."""
    ahead.fake.fault = lambda *_: (503, {"Retry-After": "0"}, b"")
    ahead.hash("f.1.vdb", b"one")
    ahead.until(eventually, lambda: ahead.sender._not_before)
    ahead.fake.fault = lambda *_: None
    ahead.time += AGAIN
    ahead.until(eventually, lambda: ahead.sender.sent() == 1)


def test_a_file_that_changes_again_is_left_for_later(ahead: _Ahead, eventually: Eventually) -> None:
    """A file that is not any more what was hashed is not sent, and does not keep others from being sent later."""
    path = ahead.hash("f.1.vdb", b"one")
    path.write_bytes(b"changed")
    ahead.until(eventually, lambda: not ahead.sender._waiting)
    assert not ahead.fake.objects
    ahead.hash("f.2.vdb", b"two")
    ahead.until(eventually, lambda: ahead.sender.sent() == 1)
