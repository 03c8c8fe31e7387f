"""Hashing and its cache: a digest is of a file that held still, and an unchanged file is not read twice."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conductor_core.digest import digest_of
from conductor_core.errors import FileChanged, FileVanished, TransferCancelled, TransferError
from conductor_core.transfer import hashing
from conductor_core.transfer.file_state import CTIME
from conductor_core.transfer.hash_cache import RACY_NS, FileState, HashCache
from conductor_core.transfer.hashing import (
    BATCH_FILES,
    batches,
    hash_file,
    hash_files,
    in_turns,
    unreadable,
)
from conductor_core.transfer.listing import FoundFile
from conductor_core.transfer.progress import Progress
from core.simulated_time import an_hour_later

OLD_NS = 1_700_000_000_000_000_000


def _write(path: Path, data: bytes, *, mtime_ns: int = OLD_NS) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return str(path)


def _replace(path: Path, data: bytes) -> None:
    """Save as most programs do: aside, then renamed into place."""
    os.replace(_write(path.with_name("new"), data), path)


def _states(*paths: str) -> dict[str, os.stat_result]:
    return {path: os.stat(path) for path in paths}


class _Meddler(Progress):
    """Do something to the file once its first block is read."""

    def __init__(self, meddle: object) -> None:
        super().__init__()
        self._meddle = meddle

    def check(self, path: str) -> None:
        if callable(self._meddle):
            meddle, self._meddle = self._meddle, None
            meddle(Path(path))


@pytest.fixture
def cache(tmp_path: Path) -> object:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite", clock_ns=an_hour_later)
    yield cache
    cache.close()


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 7])
def test_the_digest_of_a_file(tmp_path: Path, size: int) -> None:
    """Files of any size, around the block size above all, hash to what they hold."""
    data = os.urandom(size)
    hashed = hash_file(_write(tmp_path / "f", data))
    assert (hashed.digest, hashed.state.size, hashed.state.mtime_ns) == (digest_of(data), size, OLD_NS)


@pytest.mark.parametrize(
    ("meddle", "error"),
    [
        (lambda p: p.write_bytes(b"x" * (2 << 20)), FileChanged),
        (lambda p: os.utime(p, ns=(OLD_NS + 1, OLD_NS + 1)), FileChanged),
        (lambda p: _replace(p, b"y" * (2 << 20)), FileChanged),
        (lambda p: p.unlink(), FileVanished),
    ],
    ids=["overwritten", "touched", "replaced", "deleted"],
)
def test_a_file_that_does_not_hold_still_fails_by_name(tmp_path: Path, meddle: object, error: type[TransferError]) -> None:
    """A file that changes, is replaced or goes away while it is read is an error that names it."""
    path = _write(tmp_path / "f", b"z" * (2 << 20))
    with pytest.raises(error) as caught:
        hash_file(path, _Meddler(meddle))
    assert caught.value.path == path


def _under_its_former_time(path: Path, data: bytes) -> None:
    """Write into a file in place, and put its time back, as `cp -p` over it does."""
    time.sleep(0.05)  # file systems count in ticks of their clock
    before = path.stat()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
@pytest.mark.parametrize(
    "meddle",
    [
        lambda path: _under_its_former_time(path, b"another" * 5),
        lambda path: path.chmod(0o600),
    ],
    ids=["written", "rights"],
)
def test_a_file_whose_ctime_alone_changes_is_read_again(tmp_path: Path, meddle: Callable[[Path], object]) -> None:
    """What it holds in the end is told, and counted once: nobody else knows whether it was written or only given other rights."""
    path = tmp_path / "f"
    _write(path, b"z" * (2 << 20))
    time.sleep(0.05)  # file systems count in ticks of their clock
    progress = _Meddler(meddle)
    hashed = hash_file(str(path), progress)
    assert (hashed.digest, hashed.state) == (digest_of(path.read_bytes()), FileState.of(path.stat()))
    assert progress.counts().bytes_hashed == 2 << 20


class _Meddlers(Progress):
    """Do something to the file with each block that is read."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__()
        self._meddle = meddle

    def check(self, path: str) -> None:
        self._meddle()


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
def test_a_file_that_is_written_again_and_again_under_its_time_fails_by_name(tmp_path: Path) -> None:
    """Its time says nothing, and no two readings agree."""
    path, count = tmp_path / "f", iter(range(100))
    _write(path, b"z" * hashing.BLOCK * 2)
    with pytest.raises(FileChanged, match="f"):
        hash_file(str(path), _Meddlers(lambda: _under_its_former_time(path, b"%03d" % next(count))))


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
def test_a_file_server_whose_ctimes_tell_nothing(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each question is answered with another ctime, two readings that agree are believed, and the file is read again each time."""
    path, ticks = _write(tmp_path / "f", b"still"), iter(range(OLD_NS, OLD_NS + 100))
    monkeypatch.setattr(CTIME, "of", lambda _found: next(ticks))
    for _ in range(2):
        progress = Progress()
        assert hash_files(_states(path), cache, progress)[path].digest == digest_of(b"still")
        assert (progress.counts().files_cached, progress.counts().bytes_hashed) == (0, 5)


@pytest.mark.parametrize(
    ("numbers", "known"),
    [((0, 0), True), ((8, 9), False), ((8, 8), None)],
    ids=["locked: not told", "another each time", "another file"],
)
def test_a_file_whose_number_is_another_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: tuple[int, int], known: bool | None
) -> None:
    """Windows cannot number a locked file by its name, and some file servers number anew each time: that is no change."""
    path = _write(tmp_path / "f", b"x")
    real = os.stat(path)
    found = [FoundFile(1, OLD_NS, real.st_ctime_ns, number, 0o644) for number in numbers]
    monkeypatch.setattr("conductor_core.transfer.hashing.stat_of", lambda _path: found.pop(0))
    if known is not None:
        assert hash_file(path).state == replace(FileState.of(real), inode=real.st_ino if known else 0)
        return
    with pytest.raises(FileChanged):
        hash_file(path)


def test_a_file_that_is_gone_is_told_at_once(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until a huge file is read to its end to hear that another one vanished."""
    huge, gone = _write(tmp_path / "huge", b"x" * 1000), _write(tmp_path / "gone", b"y")
    states = _states(huge, gone)
    os.unlink(gone)
    reading, reads = threading.Event(), list[int]()

    def slowly(handle: int, buffer: memoryview) -> int:
        reads.append(1)
        reading.set()
        threading.Event().wait(0.01)
        buffer[:1] = os.read(handle, 1)
        return 1 if len(reads) < 900 else 0

    def opened(path: str) -> int:
        assert path != gone or reading.wait(30)
        return os.open(path, os.O_RDONLY)

    monkeypatch.setattr(hashing, "BATCH_BYTES", 1)
    monkeypatch.setattr(hashing, "_read_into", slowly)
    monkeypatch.setattr(hashing, "open_to_read", opened)
    with pytest.raises(FileVanished, match="gone"):
        hash_files(states, cache, Progress())
    assert len(reads) < 900


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    """A lacking file, a folder and a pipe are each refused by name, and none of them blocks."""
    with pytest.raises(FileVanished):
        hash_file(str(tmp_path / "no"))
    with pytest.raises(TransferError):
        hash_file(str(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TransferError, match="not a file"):
            hash_file(str(tmp_path / "pipe"))


def test_why_a_file_cannot_be_read() -> None:
    """A lack of rights and a broken disk are told apart."""
    assert "may not be read by you" in str(unreadable("/f", PermissionError(13, "denied")))
    assert "Input/output error" in str(unreadable("/f", OSError(5, "Input/output error")))


def test_the_second_time_comes_from_the_cache(tmp_path: Path, cache: HashCache) -> None:
    """Unchanged files are not read again; their counts say so."""
    paths = [_write(tmp_path / d / f"{n}.png", f"{d}{n}".encode()) for d in "ab" for n in range(5)]
    first, second = Progress(), Progress()
    hashes = hash_files(_states(*paths), cache, first)
    assert hash_files(_states(*paths), cache, second) == hashes
    assert (first.counts().files_cached, second.counts().files_cached) == (0, 10)
    assert second.counts().bytes_hashed == second.counts().bytes_total == 20


@pytest.mark.parametrize(
    "change",
    [
        lambda p: _write(p, b"longer than before"),
        lambda p: _write(p, b"12345", mtime_ns=OLD_NS + 1),
        lambda p: _replace(p, b"12345"),
    ],
    ids=["size", "time", "inode"],
)
def test_a_changed_file_is_read_again(tmp_path: Path, cache: HashCache, change: object) -> None:
    """Another size, time or inode means another content, as far as the cache knows."""
    path = tmp_path / "f.png"
    hash_files(_states(_write(path, b"first")), cache, Progress())
    assert callable(change)
    change(path)
    assert hash_files(_states(str(path)), cache, Progress())[str(path)].digest == digest_of(path.read_bytes())


@pytest.mark.parametrize(("age", "kept"), [(RACY_NS - 1, False), (RACY_NS, True), (-5, False)], ids=["young", "old", "future"])
def test_a_racy_entry_is_not_kept(tmp_path: Path, age: int, kept: bool) -> None:
    """A file written within two seconds of its hashing could change again under the same time: it is not remembered."""
    cache = HashCache(tmp_path / "hashes.sqlite", clock_ns=lambda: OLD_NS + age)
    state = FileState(5, OLD_NS, 7)
    cache.learn({"/d/f": (state, digest_of(b"12345"))})
    assert (cache.digests({"/d/f": state}) != {}) is kept
    cache.close()


def test_a_racy_entry_drops_what_was_known(tmp_path: Path) -> None:
    """A fresh write takes the place of an older entry by forgetting it."""
    now = [OLD_NS + 10 * RACY_NS]
    cache = HashCache(tmp_path / "hashes.sqlite", clock_ns=lambda: now[0])
    old, new = FileState(5, OLD_NS, 7), FileState(5, now[0], 7)
    cache.learn({"/d/f": (old, digest_of(b"12345"))})
    cache.learn({"/d/f": (new, digest_of(b"54321"))})
    assert cache.digests({"/d/f": old}) == {}
    cache.close()


def test_the_cache_is_private(tmp_path: Path, cache: HashCache) -> None:
    """Nobody else can read or plant digests."""
    if os.name == "posix":
        files = list((tmp_path / "cache").iterdir())
        assert files
        assert [stat.S_IMODE(f.stat().st_mode) & 0o077 for f in (*files, tmp_path / "cache")] == [0] * (len(files) + 1)


def test_a_damaged_cache_is_rebuilt_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A cache file that is no database is replaced, with one warning, and works."""
    path = tmp_path / "hashes.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with caplog.at_level(logging.WARNING):
        cache = HashCache(path)
        cache.learn({"/d/f": (FileState(5, OLD_NS, 7), digest_of(b"12345"))})
    assert cache.digests({"/d/f": FileState(5, OLD_NS, 7)}) != {}
    assert len([r for r in caplog.records if "damaged" in r.message]) == 1
    cache.close()


def test_a_closed_cache_is_left_alone(tmp_path: Path) -> None:
    """A call that comes back after the agent has ended finds nothing, and takes no file from under the next agent."""
    state = FileState(1, 1, 0)
    cache = HashCache(tmp_path / "cache.sqlite")
    cache.learn({"/a": (state, digest_of(b"a"))})
    cache.close()
    cache.learn({"/b": (state, digest_of(b"b"))})
    assert cache.digests({"/a": state}) == {}
    after = HashCache(tmp_path / "cache.sqlite")
    assert after.digests({"/a": state, "/b": state}) == {"/a": digest_of(b"a")}
    after.close()


def test_a_cache_damaged_while_open_is_rebuilt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Pages overwritten under a running agent cost a second hashing and nothing else."""
    path = tmp_path / "hashes.sqlite"
    cache = HashCache(path)
    for n in range(200):
        cache.learn({f"/d{n}/f": (FileState(5, OLD_NS, 7), digest_of(b"12345"))})
    cache.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        cache = HashCache(path)
        assert cache.digests({"/d7/f": FileState(5, OLD_NS, 7)}) == {}
        cache.learn({"/d7/f": (FileState(5, OLD_NS, 7), digest_of(b"12345"))})
        assert cache.digests({"/d7/f": FileState(5, OLD_NS, 7)}) != {}
    assert any("damaged" in r.message for r in caplog.records)
    cache.close()


@pytest.mark.parametrize(
    "blob", [b"{", b"[]", b'{"f": [1, 2]}', b'{"f": [5, 1, 7, "md5:1"]}'], ids=["json", "list", "short", "digest"]
)
def test_a_damaged_row_is_empty(tmp_path: Path, blob: bytes) -> None:
    """A row that is not what we write is as good as none."""
    path = tmp_path / "hashes.sqlite"
    cache = HashCache(path)
    database = sqlite3.connect(path)
    database.execute("INSERT INTO directories VALUES (?, ?)", (b"/d", blob))
    database.commit()
    database.close()
    assert cache.digests({"/d/f": FileState(5, 1, 7)}) == {}
    cache.close()


def test_a_locked_cache_slows_and_does_not_stop(tmp_path: Path) -> None:
    """A table that is gone or locked means hashing again, not failing."""
    path = tmp_path / "hashes.sqlite"
    cache = HashCache(path)
    database = sqlite3.connect(path)
    database.execute("DROP TABLE directories")
    database.close()
    cache.learn({"/d/f": (FileState(5, OLD_NS, 7), digest_of(b"12345"))})
    assert cache.digests({"/d/f": FileState(5, OLD_NS, 7)}) == {}
    cache.close()


def test_a_cache_folder_that_cannot_be_opened(tmp_path: Path) -> None:
    """A cache that cannot be opened (here a folder in its place) costs time and no submission: it lives in memory."""
    (tmp_path / "hashes.sqlite").mkdir()
    cache = HashCache(tmp_path / "hashes.sqlite")
    path = _write(tmp_path / "a.txt", b"x")
    hashed = hash_files(_states(path), cache, Progress())[path]
    cache.learn({path: (FileState(1, 1, 1), hashed.digest)})
    assert cache.digests({path: FileState(1, 1, 1)}) == {path: hashed.digest}
    cache.close()


def test_one_bad_file_ends_it_all(tmp_path: Path, cache: HashCache) -> None:
    """The first file that can't be hashed is raised by name."""
    paths = [_write(tmp_path / f"{n}", b"x") for n in range(600)]
    states = _states(*paths)
    Path(paths[300]).unlink()
    with pytest.raises(FileVanished) as caught:
        hash_files(states, cache, Progress())
    assert caught.value.path == paths[300]


def test_cancelled_hashing_stops(tmp_path: Path, cache: HashCache) -> None:
    """A cancelled transfer reads no further file."""
    progress = Progress()
    progress.cancel()
    with pytest.raises(TransferCancelled):
        hash_files(_states(_write(tmp_path / "f", b"x")), cache, progress)


def test_small_files_share_a_future(tmp_path: Path) -> None:
    """Many small files go into one batch, a big one fills its own."""
    small = [_write(tmp_path / f"s{n:03}", b"x") for n in range(BATCH_FILES + 1)]
    found = _states(*small)
    assert [len(b) for b in batches(small, found)] == [BATCH_FILES, 1]


def test_large_and_small_files_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends what is hashed soon has some of both, wherever they lie; each file is read once."""
    monkeypatch.setattr(hashing, "BATCH_FILES", 2)
    monkeypatch.setattr(hashing, "BATCH_BYTES", hashing.LARGE_FILE)
    sizes = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "y": hashing.LARGE_FILE, "z": hashing.LARGE_FILE + 1}
    found = {path: FoundFile(size, OLD_NS, OLD_NS, 1, stat.S_IFREG) for path, size in sizes.items()}
    assert in_turns(list(sizes), found) == [["y"], ["a", "b"], ["c", "d"], ["z"], ["e"]]
    assert in_turns(["a", "b", "c"], found) == [["a", "b"], ["c"]]
    assert in_turns(["y", "z"], found) == [["y"], ["z"]]
    assert in_turns([], found) == []


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    """It is told by its state, however much of it was read."""
    path = tmp_path / "f"
    path.write_bytes(b"x" * hashing.BLOCK * 2)

    def grow(_: Path) -> None:
        with path.open("ab") as file:
            file.write(b"y" * hashing.BLOCK * 2)

    with pytest.raises(FileChanged):
        hash_file(str(path), _Meddler(grow))


def test_a_socket_is_no_file(tmp_path: Path) -> None:
    """A socket in the place of a file is refused by name."""
    if not hasattr(socket, "AF_UNIX"):
        return
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(TransferError) as caught:
            hash_file(str(path))
    assert caught.value.path == str(path)
