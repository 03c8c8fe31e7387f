"""Many files put on disk with one wait: what has a name is on disk, whatever the file system and whenever the end comes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import BroughtByAnother, PlaceUnwritable
from conductor_core.transfer import flushing, small_parts, targets, together
from conductor_core.transfer.bundle import write_bundle
from conductor_core.transfer.download import Wanted, execute_download, part_of
from conductor_core.transfer.flushing import flush_each, name_if_free, whole_flush
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.small_parts import write_part
from conductor_core.transfer.together import execute_together
from conductor_core.user_folders import sync_folder

RENDERED = 1_700_000_000_000_000_000
COUNT = 40


class Bundles:
    """Objects in memory that come together."""

    def __init__(self) -> None:
        self.objects = {digest_of(content(n)): content(n) for n in range(COUNT)}
        self.asked: list[Digest] = []

    @contextlib.contextmanager
    def bundle(self, digests: Sequence[Digest]) -> Iterator[Iterator[bytes]]:
        self.asked += digests
        yield write_bundle(self.objects[d] for d in digests)

    def read(self, digest: str, offset: int) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        raise AssertionError(f"{digest} is not asked for")


class Disk:
    """What would be there after a power cut: bytes that were flushed, names whose folder was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bytes: dict[str, bytes] = {}
        self.names: set[str] = set()
        self.flushes = 0
        self.alone: list[str] = []
        self.synced: list[str] = []

    def flush(self) -> None:
        """All of it."""
        self.flushes += 1
        for path in self._folder.rglob(".*.conductor-part"):
            self.bytes[str(path)] = path.read_bytes()

    def flush_each(self, paths: Sequence[str]) -> dict[str, OSError]:
        """Some of it."""
        self.alone += paths
        self.bytes.update((path, Path(path).read_bytes()) for path in paths)
        return {}


def content(number: int) -> bytes:
    return b"%d " % number * (100 + number)


def wanted_in(folder: Path, count: int = COUNT) -> list[Wanted]:
    return [
        Wanted(str(folder / f"pass_{n % 3}" / f"f_{n:04}.exr"), digest_of(content(n)), len(content(n)), 0o640, RENDERED, 12)
        for n in range(count)
    ]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine a load is in parts too: here it is not what is looked at."""
    monkeypatch.setattr(together, "SHOWN_AFTER", 1e9)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that is watched: a name for what is not on it fails the test at that moment."""
    disk = Disk(tmp_path)
    replace, sync = os.replace, sync_folder

    def named(source: Any, target: Any) -> None:
        assert disk.bytes.get(os.fspath(source)) == Path(source).read_bytes()
        replace(source, target)

    def synced(folder: str) -> None:
        sync(folder)
        disk.synced.append(folder)
        disk.names.update(os.path.join(folder, name) for name in os.listdir(folder))

    def named_if_free(part: str, path: str) -> bool:
        assert disk.bytes.get(part) == Path(part).read_bytes()
        return name_if_free(part, path)

    monkeypatch.setattr("conductor_core.transfer.download.os.replace", named)
    monkeypatch.setattr(together, "name_if_free", named_if_free)
    monkeypatch.setattr("conductor_core.transfer.download.sync_folder", synced)
    monkeypatch.setattr(together, "flush_each", disk.flush_each)
    return disk


def _flushing(disk: Disk, monkeypatch: pytest.MonkeyPatch, *, works: bool = True) -> None:
    class Whole(flushing.WholeFlush):
        def __call__(self) -> bool:
            if works:
                disk.flush()
            return works

    monkeypatch.setattr(targets, "whole_flush", lambda folder: Whole(os.open(folder, os.O_RDONLY), lambda _: 0))


posix = pytest.mark.skipif(os.name != "posix", reason="opens a folder")


@pytest.mark.parametrize(
    ("whole", "count", "flushes", "alone"),
    [
        pytest.param(True, COUNT, 1, 0, id="a disk of one's own", marks=posix),
        pytest.param(True, 3, 0, 3, id="a few files", marks=posix),
        pytest.param(False, COUNT, 0, COUNT, id="a server's share"),
        pytest.param(None, COUNT, 0, COUNT, id="a disk that errs", marks=posix),
    ],
)
def test_what_has_a_name_is_on_disk(
    tmp_path: Path,
    cache: HashCache,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    whole: bool | None,
    count: int,
    flushes: int,
    alone: int,
) -> None:
    """Bytes before the name, names before it is told: a power cut at any moment leaves no empty file, and none that is told."""
    if whole is False:
        monkeypatch.setattr(targets, "whole_flush", lambda _: None)
    else:
        _flushing(disk, monkeypatch, works=whole is not None)
    wanted = wanted_in(tmp_path, count)
    outcomes = execute_together(wanted, Bundles(), cache, Progress())
    assert {o.wanted.path for o in outcomes if o.placed} == {w.path for w in wanted}
    assert {w.path for w in wanted} <= disk.names
    assert (disk.flushes, len(disk.alone)) == (flushes, alone)
    assert {w.path: Path(w.path).read_bytes() for w in wanted} == {w.path: content(n) for n, w in enumerate(wanted)}
    assert {os.stat(w.path).st_mtime_ns for w in wanted} == {RENDERED}
    assert cache.digests({w.path: FileState.of(os.stat(w.path)) for w in wanted}) == {w.path: w.digest for w in wanted}


@pytest.mark.parametrize("count", [COUNT, 1], ids=["many", "one by itself"])
def test_what_is_found_is_told_when_its_name_is_on_disk(tmp_path: Path, cache: HashCache, disk: Disk, count: int) -> None:
    """A go that was killed may have given the name and not put it on disk; each folder is put there once, before it is told."""
    wanted = wanted_in(tmp_path, count)
    for n, one in enumerate(wanted):
        Path(one.path).parent.mkdir(exist_ok=True)
        Path(one.path).write_bytes(content(n))
    if count == 1:
        hows = [execute_download(wanted[0], Bundles(), cache, Progress()).how]
    else:
        hows = [o.placed.how for o in execute_together(wanted, Bundles(), cache, Progress()) if o.placed]
    assert hows == ["there"] * count
    assert {w.path for w in wanted} <= disk.names
    assert sorted(disk.synced) == sorted({os.path.dirname(w.path) for w in wanted})


def test_one_that_does_not_get_to_the_disk_gets_no_name(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told with the reason; the others come."""
    monkeypatch.setattr(targets, "whole_flush", lambda _: None)
    wanted = wanted_in(tmp_path)
    bad = part_of(wanted[7].path, wanted[7].digest)
    monkeypatch.setattr(together, "flush_each", lambda _: {bad: OSError(errno.ENOSPC, "no room")})
    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(), cache, Progress())}
    assert [w.path for w in wanted if not outcomes[w.path].placed] == [wanted[7].path]
    assert isinstance(outcomes[wanted[7].path].error, PlaceUnwritable)
    assert not os.path.exists(wanted[7].path)


KILLED = """
import os, signal, sys
from pathlib import Path
from core import test_transfer_flushing as test
from conductor_core.transfer import flushing, targets, together
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.progress import Progress
folder, name, calls = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
before = getattr(together, name)
def counted(*arguments, **named):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*arguments, **named)
setattr(together, name, counted)
together.SHOWN_AFTER = 1e9
if name == "flush_each":
    targets.whole_flush = lambda _: None
together.execute_together(test.wanted_in(folder), test.Bundles(), HashCache(folder / "killed.sqlite"), Progress())
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
@pytest.mark.parametrize(
    ("name", "calls", "home"),
    [("write_part", 20, 0), ("flush_each", 0, 0), ("name_if_free", 0, 0), ("name_if_free", 20, 20), ("learn_placed", 0, COUNT)],
    ids=["writing", "all written, nothing on disk", "all on disk", "half has its names", "all have their names"],
)
def test_what_a_killed_go_left_is_gone_on_from(tmp_path: Path, cache: HashCache, name: str, calls: int, home: int) -> None:
    """Killed at any moment: what has its name is whole and recognised, what has not comes again, and nothing is left over.

    A power cut may have emptied what was not on disk yet.
    """
    import conductor_core

    sources = [str(Path(conductor_core.__file__).parents[1]), str(Path(__file__).parents[1])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*sources, os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), name, str(calls)], env=environ, check=False)
    assert ran.returncode == -signal.SIGKILL
    wanted, source = wanted_in(tmp_path), Bundles()
    assert [w.path for w in wanted if os.path.exists(w.path)] == [w.path for w in wanted[:home]]
    parts = list(tmp_path.rglob(".*.conductor-part"))
    for part in parts[::2]:
        os.truncate(part, 0)
    hows = {o.wanted.path: o.placed and o.placed.how for o in execute_together(wanted, source, cache, Progress())}
    assert hows == {w.path: "there" if n < home else "placed" for n, w in enumerate(wanted)}
    assert source.asked == [w.digest for w in wanted[home:]]
    assert {w.path: Path(w.path).read_bytes() for w in wanted} == {w.path: content(n) for n, w in enumerate(wanted)}
    assert not list(tmp_path.rglob(".*.conductor-part"))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode bits")
@pytest.mark.parametrize("mode", [0, 0o200, 0o400, 0o444, 0o600, 0o640, 0o666, 0o777])
def test_mode_and_time_are_those_it_was_made_with(
    tmp_path: Path, cache: HashCache, disk: Disk, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Whatever this user's files are made with; none without a mode of its own gets more than they have."""
    _flushing(disk, monkeypatch)
    monkeypatch.setattr(together, "MANY", 1)
    one = Wanted(str(tmp_path / "f.exr"), digest_of(content(1)), len(content(1)), mode, RENDERED, 12)
    (tmp_path / "usual").touch()
    usual = stat.S_IMODE(os.stat(tmp_path / "usual").st_mode)
    assert execute_together([one], Bundles(), cache, Progress())[0].placed
    found = os.stat(one.path)
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (mode or usual, RENDERED)


@pytest.mark.parametrize("fill", [True, False], ids=["another filled it", "another has it locked"])
def test_a_part_that_another_was_faster_with_is_left_to_him(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: bool) -> None:
    """In the instant between making and locking it, an agent of the same folder may have taken it."""
    one = wanted_in(tmp_path)[5]
    (tmp_path / "pass_2").mkdir()

    def late(handle: int) -> bool:
        if fill:
            Path(part_of(one.path, one.digest)).write_bytes(b"his")
        return fill

    monkeypatch.setattr(small_parts, "try_lock", late)
    with pytest.raises(BroughtByAnother):
        write_part(one, content(5), as_made=True)


def test_a_name_is_taken_only_where_it_is_free(tmp_path: Path) -> None:
    """What was saved there meanwhile stays, and what is not there is not made; where the system cannot, nothing happens."""
    part, path = tmp_path / ".part", tmp_path / "f \u00e9.exr"
    part.write_bytes(b"part")
    path.write_bytes(b"his")
    assert not name_if_free(str(part), str(path))
    assert (part.read_bytes(), path.read_bytes()) == (b"part", b"his")
    path.unlink()
    if name_if_free(str(part), str(path)):
        assert path.read_bytes() == b"part"
        assert not name_if_free(str(part), str(path))


def test_what_is_saved_while_a_load_comes_stays(tmp_path: Path, cache: HashCache) -> None:
    """Newer work that appears where nothing lay is kept, with the frame beside it; older is replaced."""
    wanted, source = wanted_in(tmp_path), Bundles()

    class Saving(Progress):
        def received(self, count: int) -> None:
            for n, age in ((1, -10), (2, 10)):
                Path(wanted[n].path).write_bytes(b"his")
                os.utime(wanted[n].path, ns=(RENDERED + age * 10**9, RENDERED + age * 10**9))

    outcomes = {o.wanted.path: o.placed for o in execute_together(wanted, source, cache, Saving())}
    beside = outcomes[wanted[2].path]
    assert beside is not None
    assert beside.how == "beside"
    assert Path(wanted[2].path).read_bytes() == b"his"
    assert Path(beside.path).read_bytes() == content(2)
    assert Path(wanted[1].path).read_bytes() == content(1)


def test_files_are_flushed_one_by_one(tmp_path: Path) -> None:
    """Those that cannot be are named with the reason."""
    (tmp_path / "one").write_bytes(b"one")
    failed = flush_each([str(tmp_path / "one"), str(tmp_path / "gone")])
    assert {os.path.basename(path): type(exc) for path, exc in failed.items()} == {"gone": FileNotFoundError}


class Linux:
    """The two calls of a Linux that has them, on a file system of some kind."""

    def __init__(self, kind: int, answer: int = 0) -> None:
        self._kind = kind
        self._answer = answer

    def fstatfs(self, _handle: int, answer: Any) -> int:
        ctypes.c_long.from_buffer(answer).value = self._kind
        return self._answer

    def calls(self) -> tuple[Callable[[int, object], int], Callable[[int], int]]:
        return self.fstatfs, lambda _handle: 0


@posix
@pytest.mark.parametrize(
    ("linux", "whole"),
    [
        (Linux(0xEF53), True),
        (Linux(0x9123683E), True),
        (Linux(0x6969), False),
        (Linux(0xFF534D42 - (1 << 32)), False),
        (Linux(0xEF53, -1), False),
        (None, False),
    ],
    ids=["ext4", "Btrfs", "NFS", "a share of Windows", "not to be asked", "no such call"],
)
def test_only_an_own_disk_is_flushed_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linux: Linux | None, whole: bool
) -> None:
    """On a server's share it would wait for all that this machine has to send there."""
    monkeypatch.setattr(flushing, "_calls", lambda: linux.calls() if linux else None)
    flush = whole_flush(str(tmp_path))
    assert (flush is not None) == whole
    if flush is not None:
        assert flush()
        flush.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the C library of Linux")
def test_the_system_itself_can_be_asked(tmp_path: Path) -> None:
    """Whatever the file system is here: the answer is an honest one, and nothing stays open."""
    before = set(os.listdir("/proc/self/fd"))
    flush = whole_flush(str(tmp_path))
    if flush is not None:
        assert flush()
        flush.close()
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("release", "honest"),
    [("6.1.0-13-amd64", True), ("5.8.0", True), ("5.7.19-arch1", False), ("4.18.0-553.el8.x86_64", False), ("unknown", False)],
)
def test_a_kernel_that_hides_errors_is_not_relied_on(release: str, honest: bool) -> None:
    """Before 5.8 the call was silent about bytes that could not be written."""
    assert (flushing._kernel(release) >= flushing._HONEST_SINCE) is honest


def test_a_folder_that_cannot_be_put_on_disk_is_told(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files that were found are not called home; those of other folders are."""
    wanted = wanted_in(tmp_path)
    for n, one in enumerate(wanted):
        Path(one.path).parent.mkdir(exist_ok=True)
        Path(one.path).write_bytes(content(n))

    def broken(folder: str) -> None:
        if folder.endswith("pass_1"):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("conductor_core.transfer.download.sync_folder", broken)
    outcomes = execute_together(wanted, Bundles(), cache, Progress())
    assert {o.wanted.path for o in outcomes if isinstance(o.error, PlaceUnwritable)} == {w.path for w in wanted[1::3]}
    assert {o.wanted.path for o in outcomes if o.placed} == {w.path for w in wanted} - {w.path for w in wanted[1::3]}
