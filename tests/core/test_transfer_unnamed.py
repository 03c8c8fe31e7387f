"""Files without a name until they are whole: what is named is on disk, what is not leaves nothing, and no rule is another for them."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conductor_core
import pytest
from conductor_core.transfer import flushing, targets, together, unnamed
from conductor_core.transfer.download import Wanted, part_of
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.part_file import open_part
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.together import execute_together
from conductor_core.transfer.unnamed import UnnamedFiles
from core.test_transfer_flushing import COUNT, RENDERED, Bundles, content, wanted_in


def _are_here() -> bool:
    if not unnamed._UNNAMED or not os.path.isdir("/proc/self/fd"):
        return False
    try:
        os.close(os.open(tempfile.gettempdir(), unnamed._UNNAMED | os.O_RDWR))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _are_here(), reason="a system without files that have no name")


class Disk:
    """What was flushed, by the numbers of files; a name for anything else fails the test at that moment."""

    def __init__(self) -> None:
        self.flushed: set[int] = set()
        self.flushes = 0
        self.named = 0

    def flush(self) -> bool:
        """All that is open without a name."""
        self.flushes += 1
        for handle in map(int, os.listdir("/proc/self/fd")):
            with contextlib.suppress(OSError):  # the listing's own is closed by now
                found = os.fstat(handle)
                if not found.st_nlink:
                    self.flushed.add(found.st_ino)
        return True


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """An own disk, whatever it is here, that is watched."""
    disk = Disk()
    link, fsync = os.link, os.fsync

    class Whole(flushing.WholeFlush):
        def __call__(self) -> bool:
            return disk.flush()

    def named(source: str, path: str, **about: Any) -> None:
        assert os.fstat(int(source)).st_ino in disk.flushed
        link(source, path, **about)
        disk.named += 1

    def flushed(handle: int) -> None:
        disk.flushed.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(targets, "whole_flush", lambda folder: Whole(os.open(folder, os.O_RDONLY), lambda _: 0))
    monkeypatch.setattr(together, "SHOWN_AFTER", 1e9)
    monkeypatch.setattr("conductor_core.transfer.unnamed.os.link", named)
    monkeypatch.setattr("conductor_core.transfer.together.os.fsync", flushed)
    return disk


def _open_in(folder: Path) -> list[str]:
    """Return what this process has open in the folders that files come into; others' garbage may close whenever it likes."""
    found = []
    for handle in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{handle}"))
    return [name for name in found if name.startswith(f"{folder}/pass_")]


def _contents(wanted: list[Wanted]) -> dict[str, bytes]:
    return {w.path: Path(w.path).read_bytes() for w in wanted if os.path.exists(w.path)}


ALL = {n: content(n) for n in range(COUNT)}


def _renamed(part: str, path: str) -> bool:
    os.rename(part, path)
    return True


def _left(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.conductor-part"))


def test_many_come_home_without_a_name_until_they_are_on_disk(tmp_path: Path, cache: HashCache, disk: Disk) -> None:
    """One flush, and then the names; bytes, mode and time as made; the cache knows them unread; nothing stays open."""
    wanted = wanted_in(tmp_path)
    seen: list[int] = []

    class Looking(Progress):
        def received(self, count: int) -> None:
            seen.append(sum(path.is_file() for folder in tmp_path.glob("pass_*") for path in folder.iterdir()))

    outcomes = execute_together(wanted, Bundles(), cache, Looking())
    assert {o.wanted.path for o in outcomes if o.placed} == {w.path for w in wanted}
    assert (disk.flushes, disk.named, set(seen)) == (1, COUNT, {0})
    assert _contents(wanted) == {w.path: ALL[n] for n, w in enumerate(wanted)}
    assert {(stat.S_IMODE(s.st_mode), s.st_mtime_ns) for s in (os.stat(w.path) for w in wanted)} == {(0o640, RENDERED)}
    assert cache.digests({w.path: FileState.of(os.stat(w.path)) for w in wanted}) == {w.path: w.digest for w in wanted}
    assert not _open_in(tmp_path)


def test_where_the_whole_disk_cannot_be_flushed_each_is(
    tmp_path: Path, cache: HashCache, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush that tells of an error says nothing of these files: each is asked about, and one that fails gets no name."""
    monkeypatch.setattr(disk, "flush", lambda: False)
    wanted, flushed, count = wanted_in(tmp_path), os.fsync, iter(range(COUNT))

    def failing(handle: int) -> None:
        if not os.fstat(handle).st_nlink and next(count) == 7:
            raise OSError(5, "Input/output error")
        flushed(handle)

    monkeypatch.setattr("conductor_core.transfer.together.os.fsync", failing)
    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(), cache, Progress())}
    assert [n for n, w in enumerate(wanted) if not outcomes[w.path].placed] == [7]
    assert not os.path.exists(wanted[7].path)


@pytest.mark.parametrize("mode", [0, 0o200, 0o400, 0o444, 0o600, 0o666, 0o777])
def test_mode_is_that_it_was_made_with(
    tmp_path: Path, cache: HashCache, disk: Disk, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Whatever this user's files are made with; none without a mode of its own gets more than they have."""
    monkeypatch.setattr(together, "MANY", 1)
    (tmp_path / "usual").touch()
    usual = stat.S_IMODE(os.stat(tmp_path / "usual").st_mode)
    first = wanted_in(tmp_path)[0]
    one = Wanted(first.path, first.digest, first.size, mode, RENDERED, 12)
    assert execute_together([one], Bundles(), cache, Progress())[0].placed
    assert (disk.named, stat.S_IMODE(os.stat(one.path).st_mode)) == (1, mode or usual)


def test_what_is_saved_while_a_load_comes_stays(tmp_path: Path, cache: HashCache, disk: Disk) -> None:
    """Newer work that appears where nothing lay is kept, with the frame beside it; older is replaced; nothing is left over."""
    wanted = wanted_in(tmp_path)

    class Saving(Progress):
        def received(self, count: int) -> None:
            for n, age in ((1, -10), (2, 10)):
                Path(wanted[n].path).write_bytes(b"his")
                os.utime(wanted[n].path, ns=(RENDERED + age * 10**9, RENDERED + age * 10**9))

    outcomes = {o.wanted.path: o.placed for o in execute_together(wanted, Bundles(), cache, Saving())}
    beside = outcomes[wanted[2].path]
    assert beside is not None
    assert (beside.how, Path(beside.path).read_bytes()) == ("beside", content(2))
    assert _contents(wanted) == {w.path: b"his" if n == 2 else ALL[n] for n, w in enumerate(wanted)}
    assert not _left(tmp_path)


@pytest.mark.parametrize("listed", [True, False], ids=["the folder is listed", "each name is asked for"])
def test_a_part_that_lies_there_is_looked_at(
    tmp_path: Path, cache: HashCache, disk: Disk, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    """One that another agent writes is left to him, one that was left behind becomes the file; what lies there is not fetched."""
    monkeypatch.setattr(targets, "LISTED_BYTES", 1 << 30 if listed else -1)
    wanted, source = wanted_in(tmp_path), Bundles()
    for one in wanted[:3]:
        Path(one.path).parent.mkdir(exist_ok=True)
    Path(wanted[0].path).write_bytes(content(0))
    Path(part_of(wanted[1].path, wanted[1].digest)).write_bytes(b"half")
    his = Path(part_of(wanted[2].path, wanted[2].digest))
    with open_part(his, wanted[2].path):
        outcomes = {o.wanted.path: o.placed and o.placed.how for o in execute_together(wanted, source, cache, Progress())}
    assert [outcomes[w.path] for w in wanted] == ["there", "placed", None, *["placed"] * (COUNT - 3)]
    assert source.asked == [w.digest for w in wanted[1:]]
    assert _contents(wanted) == {w.path: ALL[n] for n, w in enumerate(wanted) if n != 2}
    assert _left(tmp_path) == [his]


@pytest.mark.parametrize("room", [0, 10], ids=["none", "some"])
def test_where_there_is_no_room_for_handles_parts_have_names(
    tmp_path: Path, cache: HashCache, disk: Disk, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """A process that may open few files brings the same files home."""
    monkeypatch.setattr(unnamed, "_allowed", lambda: room)
    monkeypatch.setattr(together, "name_if_free", _renamed)
    wanted = wanted_in(tmp_path)
    outcomes = execute_together(wanted, Bundles(), cache, Progress())
    assert {o.wanted.path for o in outcomes if o.placed} == {w.path for w in wanted}
    assert (disk.named, _left(tmp_path)) == (room, [])
    assert _contents(wanted) == {w.path: ALL[n] for n, w in enumerate(wanted)}
    assert unnamed._ROOM.take(room) == room
    unnamed._ROOM.give_back(room)


def test_a_go_that_ends_early_lets_go_of_all(tmp_path: Path, cache: HashCache, disk: Disk) -> None:
    """Whatever ends it: no handle stays, and no file that nobody told of."""

    class Broken(Progress):
        def received(self, count: int) -> None:
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        execute_together(wanted_in(tmp_path), Bundles(), cache, Broken())
    assert not _open_in(tmp_path)
    assert not _contents(wanted_in(tmp_path))


def test_where_none_can_be_made_it_is_said(tmp_path: Path) -> None:
    """A folder that is not there, or may not be written: what is wrong is told by the other way of writing."""
    files = UnnamedFiles(1)
    assert files.write(wanted_in(tmp_path)[0], b"", str(tmp_path / "gone")) is None
    files.close()


def test_a_process_may_have_what_full_loads_need() -> None:
    """A desktop gives a program 1,024 handles to begin with; what it may have beyond that is asked for, and never given back."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, before[0]), before[1]))
        unnamed.allow_many()
        found = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert found[1] == before[1]
        assert found[0] == unnamed.ENOUGH or found[0] == before[1] < unnamed.ENOUGH
        unnamed.allow_many()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


KILLED = """
import os, signal, sys
from pathlib import Path
from core import test_transfer_flushing as test
from conductor_core.transfer import flushing, targets, together, unnamed
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.progress import Progress
folder, name, calls = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
before = getattr(unnamed.UnnamedFiles, name)
def counted(*arguments):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*arguments)
setattr(unnamed.UnnamedFiles, name, counted)
together.SHOWN_AFTER = 1e9
targets.whole_flush = lambda folder: flushing.WholeFlush(os.open(folder, os.O_RDONLY), lambda _: 0)
together.execute_together(test.wanted_in(folder), test.Bundles(), HashCache(folder / "killed.sqlite"), Progress())
"""


@pytest.mark.parametrize(
    ("name", "calls", "home"), [("write", 20, 0), ("name", 20, 20), ("close", 0, COUNT)], ids=["writing", "naming", "at the end"]
)
def test_a_kill_leaves_nothing_but_whole_files(tmp_path: Path, cache: HashCache, name: str, calls: int, home: int) -> None:
    """What has its name is recognised, what has not comes again, and no part of it lies around."""
    sources = [str(Path(conductor_core.__file__).parents[1]), str(Path(__file__).parents[1])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*sources, os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), name, str(calls)], env=environ, check=False)
    assert ran.returncode == -signal.SIGKILL
    wanted, source = wanted_in(tmp_path), Bundles()
    assert _contents(wanted) == {w.path: ALL[n] for n, w in enumerate(wanted[:home])}
    assert not _left(tmp_path)
    hows = [o.placed and o.placed.how for o in execute_together(wanted, source, cache, Progress())]
    assert (hows.count("there"), hows.count("placed")) == (home, COUNT - home)
    assert _contents(wanted) == {w.path: ALL[n] for n, w in enumerate(wanted)}
