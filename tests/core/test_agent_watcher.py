"""Ahead of the click: files of recent scenes that change are hashed before anybody asks, and nobody is disturbed by it."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.folder_events import FolderEvents, ObserverEvents, folder_events
from conductor_core.agent.idleness import SPAN, Idleness, Sample
from conductor_core.agent.recent_scenes import MOST_SCENES, RecentScene, RecentScenes, by_folder
from conductor_core.agent.watcher import LOOK_AT_WATCHED_EVERY, LOOK_EVERY, Watcher
from conductor_core.digest import digest_of
from conductor_core.transfer.hash_cache import FileState, HashCache
from core.simulated_time import an_hour_later

Eventually = Callable[..., Any]
OLD_NS = 1_700_000_000_000_000_000


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite", clock_ns=an_hour_later)
    yield cache
    cache.close()


class Watching:
    """Watchers over one folder of memory, stopped at the end."""

    def __init__(self, root: Path, cache: HashCache, eventually: Eventually) -> None:
        self.root = root / "files"
        self.root.mkdir()
        self.cache = cache
        self.busy = ""
        self.time = 1000.0
        self._memory = root / "state" / "recent"
        self._eventually = eventually
        self._made: list[Watcher] = []

    def start(self, **options: Any) -> Watcher:
        watcher = Watcher(self.cache, self._memory, busy=lambda: self.busy, quiet=0.1, **options)
        self._made.append(watcher)
        return watcher

    def save(self, name: str, data: bytes, *, mtime_ns: int = OLD_NS) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        return path

    def known(self, path: Path) -> Any:
        return self.cache.digests({str(path): FileState.of(path.stat())}).get(str(path))

    def until(self, watcher: Watcher, condition: Callable[[], Any]) -> Any:
        """Let the watcher work until something holds."""

        def look() -> Any:
            watcher.step()
            return condition()

        return self._eventually(look, 60.0)

    def settle(self, watcher: Watcher) -> None:
        """Let the watcher work until it has nothing to do."""
        self.until(watcher, lambda: watcher._settled and (watcher._work is None or watcher._work.done()) and not watcher._changed)

    def stop(self) -> None:
        for watcher in self._made:
            watcher.stop()


@pytest.fixture
def watching(tmp_path: Path, cache: HashCache, eventually: Eventually) -> Iterator[Watching]:
    watching = Watching(tmp_path, cache, eventually)
    yield watching
    watching.stop()


@pytest.fixture(params=["system", "watchdog"])
def events(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give the events of this system, and those of systems that have none of their own here."""
    return {} if request.param == "system" else {"events": lambda changed, _lost: ObserverEvents(changed)}


def test_a_saved_file_is_hashed(watching: Watching, events: dict[str, Any]) -> None:
    """A file that is overwritten, or replaced by renaming, is in the cache soon; its neighbours are not."""
    one, two, other = (watching.save(f"t/{name}", b"before") for name in ("one.png", "two.png", "other.png"))
    watcher = watching.start(**events)
    watcher.remember("scene", [str(one), str(two)])
    watching.settle(watcher)
    watching.save("t/one.png", b"after")
    watching.save("t/other.png", b"after")
    os.replace(watching.save("t/new", b"renamed"), two)
    watching.until(watcher, lambda: watching.known(one) and watching.known(two))
    assert (watching.known(one), watching.known(two)) == (digest_of(b"after"), digest_of(b"renamed"))
    assert watching.known(other) is None


def test_a_cache_that_became_longer_is_hashed(watching: Watching) -> None:
    """New frames of a sequence count though no submission had them; a file of another name does not."""
    frames = [watching.save(f"sim/smoke.{n:04}.vdb", b"%d" % n) for n in range(3)]
    watcher = watching.start()
    watcher.remember("scene", map(str, frames))
    watching.settle(watcher)
    new, other = watching.save("sim/smoke.0003.vdb", b"new"), watching.save("sim/fire.0003.vdb", b"new")
    watching.until(watcher, lambda: watching.known(new))
    assert watching.known(other) is None


def test_a_hundred_folders_take_one_instance(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many more folders than a user has inotify instances are watched, by one."""
    files = [watching.save(f"t{n}/f.png", b"before") for n in range(160)]
    made = []

    def make(*sinks: Any) -> FolderEvents:
        made.append(folder_events(*sinks))
        return made[-1]

    watcher = watching.start(events=make)
    watcher.remember("scene", map(str, files))
    watching.settle(watcher)
    for path in files:
        watching.save(str(path.relative_to(watching.root)), b"after")
    watching.until(watcher, lambda: all(watching.known(path) == digest_of(b"after") for path in files))
    assert len(made) == 1
    assert (watcher.ahead().folders, watcher.ahead().without_events, watcher.ahead().problem) == (160, 0, "")


class _FewWatches:
    """Events of a system that has few watches left."""

    def __init__(self, most: int) -> None:
        self._left = most

    def watch(self, folder: str) -> None:
        if self._left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._left -= 1

    def unwatch(self, folder: str) -> None:
        self._left += 1

    def stop(self) -> None:
        """Nothing runs."""


@pytest.mark.parametrize("most", [0, 1])
def test_without_watches_folders_are_looked_at(watching: Watching, most: int, caplog: pytest.LogCaptureFixture) -> None:
    """Where the system has no watches left, folders are looked at now and then instead, and that is said once."""
    files = [watching.save(f"t{n}/f.png", b"before") for n in range(3)]
    watcher = watching.start(clock=lambda: watching.time, events=lambda *_: _FewWatches(most))
    with caplog.at_level(logging.WARNING):
        watcher.remember("scene", map(str, files))
        watching.until(watcher, lambda: watcher.ahead().folders == 3 and watcher._work.done())  # type: ignore[union-attr]
        for path in files:
            watching.save(str(path.relative_to(watching.root)), b"after")
        watching.time += LOOK_AT_WATCHED_EVERY if most else LOOK_EVERY

        def all_are_known() -> bool:
            watching.time += 0.05
            return all(watching.known(path) for path in files)

        watching.until(watcher, all_are_known)
        watcher.remember("other", map(str, files[:1]))
        watching.until(watcher, lambda: len(watcher.scenes()) == 2 and watcher._work.done())  # type: ignore[union-attr]
    assert len([record for record in caplog.records if "max_user_watches" in record.message]) == 1
    assert watcher.ahead().without_events == 3 - most
    assert "looked at every 5 minutes" in watcher.ahead().problem


def test_events_that_were_dropped_are_made_up_for(watching: Watching) -> None:
    """After a flood of events in which some were lost, all folders are looked at."""
    path = watching.save("t/f.png", b"before")
    sinks: list[Any] = []

    def make(*both: Any) -> FolderEvents:
        sinks.extend(both)
        return _FewWatches(9)

    watcher = watching.start(events=make)
    watcher.remember("scene", [str(path)])
    watching.until(watcher, lambda: sinks and watcher._work.done())  # type: ignore[union-attr]
    watching.save("t/f.png", b"after")
    sinks[1]("")
    watching.until(watcher, lambda: watching.known(path) == digest_of(b"after"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify")
def test_a_folder_that_is_replaced_is_watched_again(watching: Watching) -> None:
    """A folder that was moved away, and made anew under its name, is the one whose files count."""
    path = watching.save("t/f.png", b"before")
    watcher = watching.start()
    watcher.remember("scene", [str(path)])
    watching.settle(watcher)
    os.rename(path.parent, watching.root / "old")
    again = watching.save("t/f.png", b"new folder")
    watching.until(watcher, lambda: watching.known(again))
    watching.settle(watcher)
    watching.save("t/f.png", b"and changed")
    watching.until(watcher, lambda: watching.known(again) == digest_of(b"and changed"))


def test_what_changed_overnight_is_hashed_in_the_morning(watching: Watching) -> None:
    """An agent that was not there while files changed looks at them when it starts, before anybody submits."""
    files = [watching.save(f"sim/smoke.{n:04}.vdb", b"before") for n in range(5)]
    foreign = watching.save("sim/smoke.0900.vdb", b"of another shot")
    first = watching.start()
    first.remember("scene", map(str, files), service="http://farm", project="show")
    watching.settle(first)
    first.stop()
    for path in files:
        watching.save(str(path.relative_to(watching.root)), b"after a night")
    second = watching.start()
    watching.until(second, lambda: all(watching.known(path) == digest_of(b"after a night") for path in files))
    assert watching.known(foreign) is None
    assert [(s.key, s.service, s.project) for s in second.scenes()] == [("scene", "http://farm", "show")]


def test_a_busy_machine_is_left_alone(watching: Watching) -> None:
    """While the machine has better to do nothing is hashed, and who asks is told why; then it is."""
    path = watching.save("t/f.png", b"before")
    watcher = watching.start()
    watcher.remember("scene", [str(path)])
    watching.settle(watcher)
    watching.busy = "it runs on its battery"
    watching.save("t/f.png", b"after")
    watching.until(watcher, lambda: watcher.ahead().reason == "it runs on its battery")
    assert watching.known(path) is None
    watching.busy = ""
    watching.until(watcher, lambda: watching.known(path))
    assert (watcher.ahead().reason, watcher.ahead().waiting) == ("", 0)


def test_a_great_file_gives_way(watching: Watching) -> None:
    """Work that begins while a great file is read does not wait for its end; the file is read later."""
    path = watching.save("t/great.vdb", b"")
    watcher = watching.start()
    watcher.remember("scene", [str(path)])
    watching.settle(watcher)
    reads = [0]

    def busy() -> str:
        reads[0] += 1
        return "the machine is busy" if 5 < reads[0] < 50 else ""

    watcher._busy = watcher._progress._busy = busy
    os.truncate(path, 30 << 20)
    os.utime(path, ns=(OLD_NS, OLD_NS))
    watching.until(watcher, lambda: watching.known(path))
    assert reads[0] >= 50


def test_files_that_go_or_are_none_are_no_trouble(watching: Watching) -> None:
    """A file that is deleted, a folder that is not there and one in a file's place are passed over."""
    gone, kept = watching.save("t/gone.png", b"x"), watching.save("t/kept.png", b"x")
    odd = watching.root / "t" / "folder.png"
    watcher = watching.start()
    watcher.remember("scene", [*map(str, (gone, kept, odd)), str(watching.root / "no" / "file.png")])
    watching.settle(watcher)
    odd.mkdir()
    watching.save("t/gone.png", b"y")
    gone.unlink()
    watching.save("t/kept.png", b"y")
    watching.until(watcher, lambda: watching.known(kept))
    later = watching.save("no/file.png", b"made later")
    watcher._looked[str(later.parent)] = float("-inf")
    watching.until(watcher, lambda: watching.known(later))


def test_a_file_from_the_future_is_read_once(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hash cache cannot keep is not read again at each look."""
    path = watching.save("t/f.png", b"x", mtime_ns=OLD_NS * 2)
    watcher = watching.start()
    watcher.remember("scene", [str(path)])
    for _ in range(3):
        watching.settle(watcher)
        watcher._looked[str(path.parent)] = float("-inf")
        watching.until(watcher, lambda: watcher._looked[str(path.parent)] > 0)
    watching.settle(watcher)
    assert watcher.ahead().hashed == 1


def test_scenes_of_long_ago_are_not_watched(watching: Watching) -> None:
    """Beyond its hours a scene is forgotten, and its folders with it."""
    path = watching.save("t/f.png", b"x")
    watcher = watching.start(now=lambda: 5000.0)
    watcher.remember("scene", [str(path)])
    watching.settle(watcher)
    watcher.forget_before(5000.0)
    assert watcher.scenes()
    watcher.forget_before(5001.0)
    watching.until(watcher, lambda: watcher.ahead().folders == 0)
    assert not watcher.scenes()


def _scene(key: str, *files: str) -> RecentScene:
    return RecentScene(key, "", "", 1.0, by_folder(files))


def test_the_oldest_scenes_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many scenes and files are remembered; one whose files another has as well counts once."""
    scenes = RecentScenes(tmp_path / "s")
    for n in range(MOST_SCENES + 3):
        scenes.add(_scene(f"s{n}", f"/a/{n}"))
    assert [scene.key for scene in scenes.all()] == [f"s{n}" for n in range(3, MOST_SCENES + 3)]
    scenes.add(_scene("all", *(f"/a/{n}" for n in range(100))))
    assert [scene.key for scene in scenes.all()] == ["all"]
    monkeypatch.setattr("conductor_core.agent.recent_scenes.MOST_FILES", 100)
    scenes.add(_scene("new", "/b/1"))
    assert [scene.key for scene in scenes.all()] == ["new"]


def test_odd_names_are_remembered(tmp_path: Path) -> None:
    """Names that are no text come back as they were."""
    scenes = RecentScenes(tmp_path / "s")
    scenes.add(_scene("s", "/a/\udcff.png", "/a/ü.png"))
    scenes.save()
    assert RecentScenes(tmp_path / "s").all() == scenes.all()


@pytest.mark.parametrize("data", [b"", b"nonsense", b"x\x9c\x8b\x8e\x05\x00\x01\x15\x00\xb9"])
def test_a_damaged_memory_is_none(tmp_path: Path, data: bytes) -> None:
    """A damaged file is no reason not to start."""
    (tmp_path / "s").write_bytes(data)
    assert RecentScenes(tmp_path / "s").all() == ()


@pytest.mark.parametrize(
    ("idle", "own", "battery", "reason"),
    [
        (40.0, 0.0, False, ""),
        (10.0, 0.0, False, "the machine is busy"),
        # all that is used is used by ourselves
        (0.0, 40.0, False, ""),
        (40.0, 0.0, True, "it runs on its battery"),
    ],
    ids=["idle", "busy", "our own work", "battery"],
)
def test_idle_is_what_others_leave(idle: float, own: float, battery: bool, reason: str) -> None:
    """The machine is idle when others use less than half of it, and it is not on its battery; our own work does not count."""
    now = [0.0]
    samples = iter([Sample(0.0, 0.0, 0.0), Sample(40.0, idle, own)])
    idleness = Idleness(sample=lambda: next(samples), on_battery=lambda: battery, clock=lambda: now[0])
    assert idleness.reason() == "the machine may be busy"
    now[0] += SPAN
    assert idleness.reason() == reason
    assert idleness.reason() == reason
