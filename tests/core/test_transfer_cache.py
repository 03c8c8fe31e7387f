"""The hash cache outlives what happens to folders, clocks and disks, and stays small."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.transfer import cache_file
from conductor_core.transfer.file_state import CTIME, RACY_NS, Ctime, FileState, Moment
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.listing import FoundFile, look
from conductor_core.transfer.progress import Progress
from core.simulated_time import an_hour_later

DAY_NS = 86_400_000_000_000
OLD_NS = 1_700_000_000 * 10**9


def _folder(folder: Path, *names: str) -> list[str]:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, ns=(OLD_NS, OLD_NS))
    return [str(folder / name) for name in names]


def _cached(cache: HashCache, *paths: str) -> int:
    progress = Progress()
    hash_files({path: os.stat(path) for path in paths}, cache, progress)
    return progress.counts().files_cached


class Clocks:
    """The clock of a machine that may be set, and the one that stands still while it sleeps."""

    def __init__(self, *, wall_ns: int) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = 100 * 10**9

    def now(self) -> Moment:
        return Moment(self._wall_ns, self._steady_ns)

    def cache(self, folder: Path) -> HashCache:
        return HashCache(folder / "c.sqlite", clock_ns=lambda: self._wall_ns, steady_ns=lambda: self._steady_ns)

    def pass_on(self, ns: int) -> None:
        self._wall_ns += ns
        self._steady_ns += ns

    def set_by(self, ns: int) -> None:
        self._wall_ns += ns

    def sleep(self, ns: int) -> None:
        self._wall_ns += ns


def test_a_renamed_folder_is_not_read_again(tmp_path: Path) -> None:
    """Its files are known by their names and states, also deep in a folder that was moved; a new one in its place is read."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    _cached(cache, *_folder(tmp_path / "shot" / "tex", "a", "b"))
    (tmp_path / "shot").rename(tmp_path / "moved")
    new = _folder(tmp_path / "shot" / "tex", "a", "b")
    moved = [str(tmp_path / "moved" / "tex" / name) for name in "ab"]
    assert _cached(cache, *moved) == 2
    assert _cached(cache, *new) == 0
    assert (_cached(cache, *moved), _cached(cache, *new)) == (2, 2)
    cache.close()


def test_a_folder_that_is_renamed_again_is_known_by_what_it_had_last(tmp_path: Path) -> None:
    """What it had under a name of long ago counts no more: a folder that is deleted gives its inode to the next."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    names = [f"f{number}" for number in range(5)]
    _cached(cache, *_folder(tmp_path / "1-tex", *names))
    (tmp_path / "1-tex").rename(tmp_path / "2-tex")
    for name in names:
        (tmp_path / "2-tex" / name).write_bytes(b"another version")
        os.utime(tmp_path / "2-tex" / name, ns=(OLD_NS + 1, OLD_NS + 1))
    assert _cached(cache, *(str(tmp_path / "2-tex" / name) for name in names)) == 0
    (tmp_path / "2-tex").rename(tmp_path / "3-tex")
    assert _cached(cache, *(str(tmp_path / "3-tex" / name) for name in names)) == len(names)
    cache.close()


def test_a_file_that_was_replaced_in_a_renamed_folder_is_read(tmp_path: Path) -> None:
    """Same name, size and time, another inode: another file."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    first, second = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, first, second)
    (tmp_path / "new").write_bytes(b"A")
    os.utime(tmp_path / "new", ns=(OLD_NS, OLD_NS))
    (tmp_path / "new").replace(first)
    (tmp_path / "tex").rename(tmp_path / "moved")
    found = {path: os.stat(path) for path in (str(tmp_path / "moved" / "a"), str(tmp_path / "moved" / "b"))}
    assert [h.digest for h in hash_files(found, cache, Progress()).values()].count(digest_of(b"A")) == 1
    cache.close()


def test_a_file_from_the_future_is_kept_once_it_has_held_still(tmp_path: Path) -> None:
    """A file server whose clock is ahead, or our own that was set back, does not mean hashing without end.

    Such a file is kept when it was read two seconds after it was first seen in the same state, by a clock that nobody sets.
    """
    clocks = Clocks(wall_ns=OLD_NS - DAY_NS)
    state, digest = FileState(5, OLD_NS, 7), digest_of(b"12345")
    cache = clocks.cache(tmp_path)

    def learnt(began: Moment) -> bool:
        cache.learn({"/d/f": (state, digest)}, began=began)
        return cache.digests({"/d/f": state}) != {}

    first = clocks.now()
    assert not learnt(first)
    clocks.pass_on(RACY_NS - 1)
    too_early = clocks.now()
    clocks.pass_on(10 * RACY_NS)
    assert not learnt(too_early)
    cache.learn({"/d/f": (FileState(5, OLD_NS + 1, 7), digest)}, began=clocks.now())  # another state begins anew
    assert learnt(Moment(too_early.wall_ns + 1, too_early.steady_ns + 1))
    cache.close()


@pytest.mark.parametrize(
    "step", [-400 * DAY_NS, -3_600 * 10**9, 3_600 * 10**9, 20 * DAY_NS], ids=["year", "hour", "+hour", "+days"]
)
def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, step: int) -> None:
    """What was kept is found after a time zone, a summer time or a dead battery."""
    now = [time.time_ns()]
    state, digest = FileState(5, OLD_NS, 7), digest_of(b"12345")
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0])
    cache.learn({"/d/f": (state, digest)})
    cache.close()
    now[0] += step
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0])
    assert cache.digests({"/d/f": state}) == {"/d/f": digest}
    cache.close()


def test_the_cache_stays_small(tmp_path: Path) -> None:
    """Of a file that has grown too large those folders go that were not asked for longest."""
    now = [OLD_NS + 100 * DAY_NS]
    digest = digest_of(b"12345")
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0])
    states = {f"/d{n:04}/{m:03}": FileState(5, OLD_NS, m) for n in range(700) for m in range(10)}
    cache.learn({path: (state, digest) for path, state in states.items()})
    now[0] += 30 * DAY_NS
    last = {path: state for path, state in states.items() if path < "/d0100"}
    assert len(cache.digests(last)) == 1000
    cache.close()
    small = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0], largest=600_000)
    assert len(small.digests(last)) == 1000
    assert len(small.digests(states)) < 5000
    small.close()


def test_what_nobody_asks_for_goes(tmp_path: Path) -> None:
    """After half a year; what is asked for now and then stays."""
    now = [OLD_NS + 100 * DAY_NS]
    states = {"/kept/f": FileState(5, OLD_NS, 7), "/left/f": FileState(5, OLD_NS, 8)}
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0])
    cache.learn({path: (state, digest_of(b"12345")) for path, state in states.items()})
    for _ in range(2):
        now[0] += (cache_file.UNUSED_DAYS - 50) * DAY_NS
        assert cache.digests({"/kept/f": states["/kept/f"]}) != {}
        cache.close()
        cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: now[0])
    assert cache.digests(states).keys() == {"/kept/f"}
    cache.close()


def test_what_a_path_was_is_known_after_an_edit(tmp_path: Path) -> None:
    """The former content of a path is what the store may have of it: a difference can be told against that."""
    cache = HashCache(tmp_path / "c.sqlite")
    cache.learn({"/d/f": (FileState(5, OLD_NS, 7), digest_of(b"12345"))})
    assert (cache.former("/d/f"), cache.former("/d/g")) == (digest_of(b"12345"), None)
    cache.close()


def test_a_cache_of_an_earlier_version(tmp_path: Path) -> None:
    """It has no ctimes: where these count, its files are read once more, and are known as what the store may have of their paths."""
    database = sqlite3.connect(tmp_path / "c.sqlite")
    database.execute("CREATE TABLE directories (path BLOB PRIMARY KEY, files BLOB NOT NULL) WITHOUT ROWID")
    row = f'{{"f":[5,{OLD_NS},7,"{digest_of(b"12345")}"]}}'
    database.execute("INSERT INTO directories VALUES (?, ?)", (b"/d", row.encode()))
    database.commit()
    database.close()
    cache = HashCache(tmp_path / "c.sqlite")
    assert cache.digests({"/d/f": FileState(5, OLD_NS, 7)}) == {"/d/f": digest_of(b"12345")}
    assert cache.digests({"/d/f": FileState(5, OLD_NS, 7, OLD_NS)}) == {}
    assert cache.former("/d/f") == digest_of(b"12345")
    cache.close()


@pytest.mark.parametrize("by", ["time", "ctime"])
@pytest.mark.parametrize(("age", "kept"), [(0.3, False), (1.9, False), (60.0, True)])
def test_how_old_a_file_was_when_it_was_read_counts(tmp_path: Path, by: str, age: float, kept: bool) -> None:
    """Not how long ago that is: it may have been written again, under the same times, while others of its batch were read."""
    clocks = Clocks(wall_ns=OLD_NS + int(age * 1e9))
    cache, began = clocks.cache(tmp_path), clocks.now()
    clocks.pass_on(30 * 10**9)
    state = FileState(4, OLD_NS, 1, OLD_NS - DAY_NS) if by == "time" else FileState(4, OLD_NS - DAY_NS, 1, OLD_NS)
    cache.learn({"/show/a.exr": (state, digest_of(b"read"))}, began=began)
    assert bool(cache.digests({"/show/a.exr": state})) is kept
    cache.close()


SECOND = 10**9


@pytest.mark.parametrize(
    ("happens", "age"),
    [
        (lambda clocks: clocks.sleep(3_600 * SECOND), SECOND // 100),
        (lambda clocks: clocks.set_by(3_600 * SECOND), SECOND // 100),
        (lambda clocks: clocks.set_by(-3_600 * SECOND), SECOND // 100 - 3_600 * SECOND),
        (lambda clocks: (clocks.sleep(3_600 * SECOND), clocks.set_by(-1_800 * SECOND)), SECOND // 100),
    ],
    ids=["sleep", "set forward", "set back", "sleep and set back"],
)
def test_no_sleep_and_no_clock_makes_a_file_older_than_it_was(tmp_path: Path, happens: Callable[[Clocks], Any], age: int) -> None:
    """A file that was written just before it was read may be written again in the same instant, whatever the clocks do until it is learnt.

    `age` is how long before the reading it was written, by the clock that stamped it. One that was old is kept all the same: who
    hashes overnight on a laptop that sleeps does not begin anew.
    """
    clocks = Clocks(wall_ns=OLD_NS)
    cache, began = clocks.cache(tmp_path), clocks.now()
    young, old = FileState(4, OLD_NS - age, 1), FileState(4, OLD_NS - DAY_NS, 2)
    clocks.pass_on(SECOND // 10)
    happens(clocks)
    cache.learn({"/d/young": (young, digest_of(b"1")), "/d/old": (old, digest_of(b"2"))}, began=began)
    assert cache.digests({"/d/young": young, "/d/old": old}).keys() == {"/d/old"}
    cache.close()


def test_a_moment_is_the_earlier_by_either_clock() -> None:
    """Where the clocks went on alike it is the earlier one; where they did not, the clock that makes it earliest counts."""
    began = Moment(1000, 10)
    assert began.earliest(Moment(1005, 15)) == Moment(1005, 15).earliest(began) == began
    assert began.earliest(Moment(9005, 15)) == began  # slept, or set forward
    assert began.earliest(Moment(905, 15)) == Moment(900, 10)  # set back
    assert Moment(905, 15).earliest(began) == Moment(900, 10)


def test_a_file_that_was_given_its_former_time_again_is_read(tmp_path: Path) -> None:
    """`touch -r`, `cp -p` over it and some asset tools do that: size, time and inode are as before, and the bytes are not."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    path, other = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, path, other)
    before = os.stat(path)
    time.sleep(0.05)  # file systems count in ticks of their clock
    Path(path).write_bytes(b"A")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(path)
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    if os.name == "posix":
        assert hash_files({path: after}, cache, Progress())[path].digest == digest_of(b"A")
        assert _cached(cache, path, other) == 2
    cache.close()


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.link(path, path.with_name("twin")),
        lambda path: path.rename(path.with_name("b")).rename(path),
        lambda path: path.chmod(0o600),
    ],
    ids=["linked", "renamed there and back", "rights"],
)
def test_a_file_with_another_ctime_is_read_once_more(tmp_path: Path, change: Callable[[Path], Any]) -> None:
    """Nobody can tell these from a file that was written under its former time; the next time it is known again."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    (path,) = _folder(tmp_path / "tex", "a")
    _cached(cache, path)
    time.sleep(0.05)
    change(Path(path))
    assert [_cached(cache, path), _cached(cache, path)] == [0, 1]
    cache.close()


@pytest.mark.parametrize(
    ("system", "wanted", "heeded"), [("posix", True, True), ("posix", False, False), ("nt", True, False)], ids=str
)
def test_where_a_ctime_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, wanted: bool, heeded: bool) -> None:
    """Not on Windows, where the field says when a file was made, nor where the user says that his file server's tells nothing."""
    rule = Ctime(system=system)
    rule.heed(wanted)
    monkeypatch.setattr("conductor_core.transfer.file_state.CTIME", rule)
    monkeypatch.setattr("conductor_core.transfer.listing.CTIME", rule)
    found = FoundFile(5, OLD_NS, OLD_NS + 1, 7, 0o644)
    assert FileState.of(found).ctime_ns == (OLD_NS + 1 if heeded else 0)
    (path,) = _folder(tmp_path / "tex", "a")
    listing = look([path])
    assert listing is not None
    assert listing.found(0).st_ctime_ns == (os.stat(path).st_ctime_ns if heeded else 0)


@pytest.mark.parametrize(
    ("kept", "asked", "found"), [(6, 6, True), (6, 7, False), (6, 0, True), (0, 7, False), (0, 0, True)], ids=str
)
def test_a_ctime_that_is_not_known(tmp_path: Path, kept: int, asked: int, found: bool) -> None:
    """Where it counts for nothing now, the rest decides; where it counts, a file of which none was noted is read once more."""
    cache = HashCache(tmp_path / "c.sqlite")
    cache.learn({"/d/f": (FileState(5, OLD_NS, 7, kept), digest_of(b"12345"))})
    assert bool(cache.digests({"/d/f": FileState(5, OLD_NS, 7, asked)})) is found
    cache.close()


def test_what_turned_out_wrong_is_forgotten(tmp_path: Path) -> None:
    """A file that was not what the cache took it for is read again the next time; others are not."""
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=an_hour_later)
    paths = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, *paths)
    cache.forget(paths[0])
    cache.forget(str(tmp_path / "never seen"))
    assert _cached(cache, *paths) == 1
    cache.close()


def test_a_damaged_cache_that_cannot_be_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full or read-only disk files are hashed, and nothing fails."""
    (tmp_path / "c.sqlite").write_bytes(b"no database" * 1000)
    real = cache_file._connect

    def once(path: Path) -> sqlite3.Connection:
        if path.read_bytes().startswith(b"no database"):
            return real(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_file, "_connect", lambda path: once(path) if path.exists() else once(Path(os.devnull)))
    cache = HashCache(tmp_path / "c.sqlite")
    assert [_cached(cache, *_folder(tmp_path / name, "a")) for name in ("one", "two")] == [0, 0]
    cache.close()


@pytest.mark.parametrize(("kept", "asked", "found"), [(7, 7, True), (7, 8, False), (0, 7, True), (7, 0, True), (0, 0, True)])
def test_a_number_that_is_not_known_tells_nothing(tmp_path: Path, kept: int, asked: int, found: bool) -> None:
    """Windows cannot tell the number of a locked file, and kept none before: size and time decide then, and nobody hashes anew."""
    cache = HashCache(tmp_path / "c.sqlite")
    cache.learn({"/d/f": (FileState(5, OLD_NS, kept), digest_of(b"12345"))})
    assert bool(cache.digests({"/d/f": FileState(5, OLD_NS, asked)})) is found
    cache.close()


def test_a_file_has_a_number_on_windows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was replaced under the same size and time, in a renamed folder, is read there as well; an unchanged one is not."""
    windows = SimpleNamespace(**{**vars(os), "name": "nt"})
    monkeypatch.setattr("conductor_core.transfer.hash_cache.os", windows)
    monkeypatch.setattr("conductor_core.transfer.file_state.CTIME", Ctime(system="nt"))
    cache = HashCache(tmp_path / "cache" / "c.sqlite", clock_ns=an_hour_later)
    first, second = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, first, second)
    (tmp_path / "new").write_bytes(b"A")
    os.utime(tmp_path / "new", ns=(OLD_NS, OLD_NS))
    (tmp_path / "new").replace(first)
    (tmp_path / "tex").rename(tmp_path / "moved")
    assert _cached(cache, *(str(tmp_path / "moved" / name) for name in "ab")) == 1
    cache.close()
