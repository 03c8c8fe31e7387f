"""The hash cache outlives what happens to folders, clocks and disks, and stays small."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conductor_core.digest import digest_of
from conductor_core.transfer import cache_file
from conductor_core.transfer.hash_cache import RACY_NS, FileState, HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.progress import Progress

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


def test_a_renamed_folder_is_not_read_again(tmp_path: Path) -> None:
    """Its files are known by their names and states, also deep in a folder that was moved; a new one in its place is read."""
    cache = HashCache(tmp_path / "cache" / "c.sqlite")
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
    cache = HashCache(tmp_path / "cache" / "c.sqlite")
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
    cache = HashCache(tmp_path / "cache" / "c.sqlite")
    first, second = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, first, second)
    (tmp_path / "new").write_bytes(b"A")
    os.utime(tmp_path / "new", ns=(OLD_NS, OLD_NS))
    (tmp_path / "new").replace(first)
    (tmp_path / "tex").rename(tmp_path / "moved")
    found = {path: os.stat(path) for path in (str(tmp_path / "moved" / "a"), str(tmp_path / "moved" / "b"))}
    assert [h.digest for h in hash_files(found, cache, Progress()).values()].count(digest_of(b"A")) == 1
    cache.close()


def test_a_file_from_the_future_is_kept_once_it_has_held_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file server whose clock is ahead, or our own that was set back, does not mean hashing without end.

    Such a file is kept when it was read two seconds after it was first seen in the same state, by a clock that nobody sets.
    """
    now = [100.0]
    monkeypatch.setattr("conductor_core.transfer.hash_cache.time.monotonic", lambda: now[0])
    state, digest = FileState(5, OLD_NS, 7), digest_of(b"12345")
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: OLD_NS - DAY_NS)

    def learnt(began: float) -> bool:
        cache.learn({"/d/f": (state, digest)}, began=began)
        return cache.digests({"/d/f": state}) != {}

    assert not learnt(100.0)
    now[0] = 110.0
    assert not learnt(100.0 + RACY_NS / 1e9 - 0.1)  # its reading began too early
    cache.learn({"/d/f": (FileState(5, OLD_NS + 1, 7), digest)}, began=110.0)  # another state begins anew
    assert learnt(100.0 + RACY_NS / 1e9)
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


def test_a_cache_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    """Nobody hashes terabytes again for an update."""
    database = sqlite3.connect(tmp_path / "c.sqlite")
    database.execute("CREATE TABLE directories (path BLOB PRIMARY KEY, files BLOB NOT NULL) WITHOUT ROWID")
    row = f'{{"f":[5,{OLD_NS},7,"{digest_of(b"12345")}"]}}'
    database.execute("INSERT INTO directories VALUES (?, ?)", (b"/d", row.encode()))
    database.commit()
    database.close()
    cache = HashCache(tmp_path / "c.sqlite")
    assert cache.digests({"/d/f": FileState(5, OLD_NS, 7)}) == {"/d/f": digest_of(b"12345")}
    cache.close()


@pytest.mark.parametrize(("age", "kept"), [(0.3, False), (1.9, False), (60.0, True)])
def test_how_old_a_file_was_when_it_was_read_counts(tmp_path: Path, age: float, kept: bool) -> None:
    """Not how long ago that is: it may have been saved again, under the same time, while others of its batch were read."""
    read_at = OLD_NS + int(age * 1e9)
    cache = HashCache(tmp_path / "c.sqlite", clock_ns=lambda: read_at + 30 * 10**9)
    state = FileState(4, OLD_NS, 1)
    cache.learn({"/show/a.exr": (state, digest_of(b"read"))}, began=time.monotonic() - 30)
    assert bool(cache.digests({"/show/a.exr": state})) is kept
    cache.close()


def test_what_turned_out_wrong_is_forgotten(tmp_path: Path) -> None:
    """A file that was not what the cache took it for is read again the next time; others are not."""
    cache = HashCache(tmp_path / "c.sqlite")
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
    cache = HashCache(tmp_path / "cache" / "c.sqlite")
    first, second = _folder(tmp_path / "tex", "a", "b")
    _cached(cache, first, second)
    (tmp_path / "new").write_bytes(b"A")
    os.utime(tmp_path / "new", ns=(OLD_NS, OLD_NS))
    (tmp_path / "new").replace(first)
    (tmp_path / "tex").rename(tmp_path / "moved")
    assert _cached(cache, *(str(tmp_path / "moved" / name) for name in "ab")) == 1
    cache.close()
