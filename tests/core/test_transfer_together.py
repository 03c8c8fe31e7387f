"""Many small files at once: the rules of one file, each for itself."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import conductor_core
import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import (
    BroughtByAnother,
    ContentMismatch,
    NotFound,
    PlaceUnwritable,
    ServiceUnreachable,
    TransferCancelled,
)
from conductor_core.transfer import bundle, download, flushing, small_parts, targets, together
from conductor_core.transfer.bundle import read_bundle, write_bundle
from conductor_core.transfer.download import Wanted, part_path
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.open_parts import OPEN, OpenParts
from conductor_core.transfer.part_file import open_part
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.together import execute_together

RENDERED = 1_700_000_000_000_000_000
SOURCES = Path(conductor_core.__file__).parents[1]


class Bundles:
    """Objects in memory that come together, cut after so many bytes if wished."""

    def __init__(self, *contents: bytes) -> None:
        self.objects: dict[str, bytes] = {digest_of(c): c for c in contents}
        self.asked: list[list[Digest]] = []
        self.cut: int | None = None

    @contextlib.contextmanager
    def bundle(self, digests: Sequence[Digest]) -> Iterator[Iterator[bytes]]:
        self.asked.append(list(digests))
        data = b"".join(write_bundle(self.objects.get(d) for d in digests))[: self.cut]
        yield (data[i : i + 1000] for i in range(0, len(data), 1000))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


def _content(number: int) -> bytes:
    return b"%d " % number * (100 + number)


def _wanted(folder: Path, number: int, *, mode: int = 0o640, content: bytes | None = None) -> Wanted:
    data = _content(number) if content is None else content
    return Wanted(str(folder / f"f_{number:04}.exr"), digest_of(data), len(data), mode, RENDERED, 12)


def _names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_many_come_home_as_one(tmp_path: Path, cache: HashCache) -> None:
    """Each lies at its path with bytes, mode and time; one question; nothing else lies there; the cache knows them unread."""
    wanted = [_wanted(tmp_path / f"pass_{n % 3}", n) for n in range(40)]
    source, progress = Bundles(*(_content(n) for n in range(40))), Progress()
    outcomes = execute_together(wanted, source, cache, progress)
    assert {o.wanted.path: o.placed and o.placed.path for o in outcomes} == {w.path: w.path for w in wanted}
    assert {w.path: Path(w.path).read_bytes() for w in wanted} == {w.path: _content(n) for n, w in enumerate(wanted)}
    found = os.stat(wanted[0].path)
    assert found.st_mtime_ns == RENDERED
    if os.name == "posix":
        assert stat.S_IMODE(found.st_mode) == 0o640
    assert len(source.asked) == 1
    assert sum(len(_names(tmp_path / f"pass_{n}")) for n in range(3)) == 40
    assert cache.digests({w.path: FileState.of(os.stat(w.path)) for w in wanted}) == {w.path: w.digest for w in wanted}
    assert progress.counts().bytes_received == sum(w.size for w in wanted)


def test_the_same_content_comes_once(tmp_path: Path, cache: HashCache) -> None:
    """A black frame in twenty passes is asked for once, and lies in twenty places."""
    wanted = [_wanted(tmp_path, n, content=b"black") for n in range(20)]
    source = Bundles(b"black")
    assert {o.placed.how for o in execute_together(wanted, source, cache, Progress()) if o.placed} == {"placed"}
    assert source.asked == [[digest_of(b"black")]]
    assert {p.read_bytes() for p in tmp_path.glob("*.exr")} == {b"black"}


def test_what_is_there_is_not_fetched_and_newer_work_stays(tmp_path: Path, cache: HashCache) -> None:
    """One that lies there is left in peace, an older one is replaced, newer work is kept with the frame beside it."""
    wanted = [_wanted(tmp_path, n) for n in range(4)]
    for n, (data, age) in enumerate([(_content(0), 0), (b"older", -1), (b"newer", 1)]):
        Path(wanted[n].path).write_bytes(data)
        os.utime(wanted[n].path, ns=(RENDERED + age * 10**9, RENDERED + age * 10**9))
    source = Bundles(*(_content(n) for n in range(4)))
    outcomes = execute_together(wanted, source, cache, Progress())
    hows = {os.path.basename(o.wanted.path): o.placed and o.placed.how for o in outcomes}
    assert hows == {"f_0000.exr": "there", "f_0001.exr": "placed", "f_0002.exr": "beside", "f_0003.exr": "placed"}
    assert source.asked == [[w.digest for w in wanted[1:]]]
    assert Path(wanted[2].path).read_bytes() == b"newer"
    assert (tmp_path / "f_0002.conductor-12.exr").read_bytes() == _content(2)


def test_what_breaks_off_is_gone_on_from(tmp_path: Path, cache: HashCache) -> None:
    """The files before the break are home; the others say why they are not, and come with the next go."""
    wanted = [_wanted(tmp_path, n) for n in range(10)]
    source = Bundles(*(_content(n) for n in range(10)))
    source.cut = 8 + 4 * 8 + sum(len(_content(n)) for n in range(4)) + 50
    outcomes = execute_together(wanted, source, cache, Progress())
    assert [o.wanted.path for o in outcomes if o.placed] == [w.path for w in wanted[:4]]
    assert {type(o.error) for o in outcomes if not o.placed} == {ServiceUnreachable}
    assert _names(tmp_path / ".") == ["cache", *(f"f_{n:04}.exr" for n in range(4))]
    source.cut = None
    outcomes = execute_together(wanted[4:], source, cache, Progress())
    assert all(o.placed for o in outcomes)
    assert source.asked[1] == [w.digest for w in wanted[4:]]


def test_a_wrong_byte_never_becomes_a_file(tmp_path: Path, cache: HashCache) -> None:
    """One that does not hash to its name is named; those behind it are asked for by themselves."""
    wanted = [_wanted(tmp_path, n) for n in range(3)]
    source = Bundles(_content(0), _content(2))
    source.objects[wanted[1].digest] = b"x" + _content(1)[1:]
    outcomes = {o.wanted.path: o for o in execute_together(wanted, source, cache, Progress())}
    assert outcomes[wanted[0].path].placed
    assert isinstance(outcomes[wanted[1].path].error, ContentMismatch)
    last = outcomes[wanted[2].path]
    assert (last.placed, last.error) == (None, None)
    assert _names(tmp_path) == ["cache", "f_0000.exr"]


def test_one_that_is_not_to_be_had_comes_by_itself(tmp_path: Path, cache: HashCache) -> None:
    """An object that the service does not give in a bundle is neither home nor an error: it is asked for alone."""
    wanted = [_wanted(tmp_path, n) for n in range(3)]
    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(_content(0), _content(2)), cache, Progress())}
    assert [bool(outcomes[w.path].placed) for w in wanted] == [True, False, True]
    assert outcomes[wanted[1].path].error is None


def test_one_whose_place_cannot_be_written_does_not_stop_the_others(tmp_path: Path, cache: HashCache) -> None:
    """A file where the folder belongs, and a part that another agent writes: each is told, the others come."""
    (tmp_path / "no").write_bytes(b"")
    wanted = [_wanted(tmp_path / "no", 0), _wanted(tmp_path, 1), _wanted(tmp_path, 2)]
    with open_part(part_path(wanted[1].path, wanted[1].digest), wanted[1].path):
        outcomes = execute_together(wanted, Bundles(*(_content(n) for n in range(3))), cache, Progress())
    kinds = {os.path.basename(o.wanted.path): type(o.error) for o in outcomes}
    assert kinds == {"f_0000.exr": PlaceUnwritable, "f_0001.exr": BroughtByAnother, "f_0002.exr": type(None)}


class Stopping(Progress):
    """A transfer that is stopped when so many bytes have come."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def received(self, count: int) -> None:
        super().received(count)
        if self.counts().bytes_received >= self._after:
            self.cancel()


def test_a_stopped_go_keeps_what_came(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, or paused, in the middle: the files that were written are home, the others are no failures of theirs."""
    monkeypatch.setattr(together, "WRITTEN_AT_ONCE", 1)
    wanted = [_wanted(tmp_path, n) for n in range(4)]
    progress = Stopping(wanted[0].size + wanted[1].size)
    outcomes = execute_together(wanted, Bundles(*(_content(n) for n in range(4))), cache, progress)
    assert [o.wanted.path for o in outcomes if o.placed] == [w.path for w in wanted[:2]]
    assert {type(o.error) for o in outcomes if not o.placed} == {TransferCancelled}
    assert _names(tmp_path) == ["cache", "f_0000.exr", "f_0001.exr"]


def test_on_a_slow_line_files_are_shown_as_they_come(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the last file of a load to see its first."""
    monkeypatch.setattr("conductor_core.transfer.together.SHOWN_AFTER", 0.0)
    wanted = [_wanted(tmp_path, n) for n in range(4)]
    seen: list[int] = []

    class Looking(Progress):
        def received(self, count: int) -> None:
            seen.append(len(list(tmp_path.glob("*.exr"))))

    execute_together(wanted, Bundles(*(_content(n) for n in range(4))), cache, Looking())
    assert seen == [0, 1, 2, 3]


def test_a_service_without_bundles_is_told(tmp_path: Path, cache: HashCache) -> None:
    """Whoever asks goes on one by one."""

    class Old(Bundles):
        @contextlib.contextmanager
        def bundle(self, digests: Sequence[Digest]) -> Iterator[Iterator[bytes]]:
            raise NotFound("no such route")
            yield iter(())

    with pytest.raises(NotFound):
        execute_together([_wanted(tmp_path, 1)], Old(), cache, Progress())


NO_OBSTACLE = "test_a_part_with_its_final_mode_is_no_obstacle"


@pytest.mark.skipif(os.name != "posix", reason="needs modes that hold for this user")
def test_a_part_with_its_final_mode_is_no_obstacle(tmp_path: Path, cache: HashCache, without_privileges: list[str]) -> None:
    """Killed between mode and name, a file that may only be read comes home all the same."""
    if without_privileges and "WITHOUT_PRIVILEGES" not in os.environ:  # for root no mode holds: once more without that right
        words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{NO_OBSTACLE}")
        ran = subprocess.run([*without_privileges, *words], env={**os.environ, "WITHOUT_PRIVILEGES": "1"}, check=False)
        assert ran.returncode == 0
        return
    one = _wanted(tmp_path, 1, mode=0o444)
    part = part_path(one.path, one.digest)
    part.write_bytes(b"half")
    part.chmod(0o444)
    assert execute_together([one], Bundles(_content(1)), cache, Progress())[0].placed


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_a_bundle_in_blocks_of_any_size(block: int) -> None:
    """What is written is read, however the line cuts it."""
    contents = [b"one", b"", b"x" * (bundle.BLOCK + 3), None, b"last"]
    data = b"".join(write_bundle(contents))
    sizes = {digest_of(c) if c is not None else Digest("sha256:" + "0" * 64): len(c or b"") for c in contents}
    found = dict(read_bundle(sizes, (data[i : i + block] for i in range(0, len(data), block))))
    assert list(found.values()) == contents


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<html>no", ServiceUnreachable),
        (bundle.MAGIC, ServiceUnreachable),
        (bundle.MAGIC + (1 << 62).to_bytes(8, "big"), ContentMismatch),
        (bundle.MAGIC + (3).to_bytes(8, "big") + b"on", ServiceUnreachable),
        (bundle.MAGIC + (3).to_bytes(8, "big") + b"two", ContentMismatch),
    ],
    ids=["a web page", "nothing behind", "of a size that nobody has", "cut", "other bytes"],
)
def test_what_is_no_bundle_is_refused(data: bytes, error: type[Exception]) -> None:
    """Nothing of it is taken, and no memory is spent on what it claims."""
    with pytest.raises(error):
        list(read_bundle({digest_of(b"one"): 3}, [data]))


#: what an agent does that finds a part which it may not write: it begins its own in its place, and has it half when we look again
TAKEN = """
import sys
from pathlib import Path
from conductor_core.errors import BroughtByAnother
from conductor_core.transfer.part_file import open_part
part, content = Path(sys.argv[1]), sys.argv[2].encode()
part.chmod(0o444)
try:
    with open_part(part, "f.exr") as file:
        file.write(content)
        print("begun", flush=True)
        sys.stdin.read()
except BroughtByAnother:
    print("left to the other", flush=True)
"""


class Other:
    """An agent of another process, to whom a part is as one of another user is."""

    def __init__(self, part: Path, content: bytes, without_privileges: list[str]) -> None:
        words = [*without_privileges, sys.executable, "-c", TAKEN, str(part), content.decode()]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])}
        self._process = subprocess.Popen(words, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.did = self._process.stdout.readline().strip()

    def end(self) -> None:
        """Have it end, as if killed, with its half."""
        self._process.communicate()


def _whole_flush(monkeypatch: pytest.MonkeyPatch, *, whole: bool) -> None:
    class Whole(flushing.WholeFlush):
        def __call__(self) -> bool:
            return True

    def flush(folder: str) -> flushing.WholeFlush | None:
        return Whole(os.open(folder, os.O_RDONLY), lambda _: 0) if whole else None

    monkeypatch.setattr(targets, "whole_flush", flush)
    monkeypatch.setattr(together, "SHOWN_AFTER", 1e9)


def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no part stay open until it gets its name: too many are."""
    monkeypatch.setattr(small_parts, "OPEN", OpenParts(0))


@pytest.mark.skipif(os.name != "posix", reason="needs modes that hold for this user")
def test_what_stays_open_is_taken_by_nobody(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch, without_privileges: list[str]
) -> None:
    """On a disk of this machine a part is locked from its first byte to its name: another agent leaves it alone."""
    _whole_flush(monkeypatch, whole=True)
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    others: list[Other] = []

    class Taking(Progress):
        def received(self, count: int) -> None:
            assert OPEN.open() == 20
            others.append(Other(part_path(wanted[0].path, wanted[0].digest), b"his", without_privileges))

    outcomes = execute_together(wanted, Bundles(*map(_content, range(20))), cache, Taking())
    others[0].end()
    assert others[0].did == "left to the other"
    assert all(o.placed for o in outcomes)
    assert Path(wanted[0].path).read_bytes() == _content(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts what is open")
@pytest.mark.parametrize("cut", [None, 3000, 8], ids=["whole", "broken off", "nothing came"])
@pytest.mark.parametrize("most", [100, 5, 0], ids=["all stay open", "some stay open", "none stays open"])
def test_nothing_stays_open_behind_it(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch, most: int, cut: int | None
) -> None:
    """However it ends; and where more come than may stay open, the others are closed in between."""
    _whole_flush(monkeypatch, whole=True)
    budget, seen = OpenParts(most), []
    monkeypatch.setattr(small_parts, "OPEN", budget)
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    source = Bundles(*map(_content, range(20)))
    source.cut = cut
    before = set(os.listdir("/proc/self/fd"))

    class Looking(Progress):
        def received(self, count: int) -> None:
            seen.append(budget.open())

    outcomes = execute_together(wanted, source, cache, Looking())
    assert (set(os.listdir("/proc/self/fd")), budget.open()) == (before, 0)
    came = [o for o in outcomes if o.placed]
    assert len(came) == 20 if cut is None else len(came) < 20
    assert seen == [min(most, len(came))] * bool(came)


@pytest.mark.skipif(os.name != "posix", reason="opens a folder")
def test_one_at_a_time_writes_to_a_disk(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that make files on one disk at the same time wait for each other inside the system; two loads take turns."""
    _whole_flush(monkeypatch, whole=True)
    monkeypatch.setattr(together, "WRITTEN_AT_ONCE", 1)
    at_work, most = [0], [0]
    lock = threading.Lock()

    def counted(work: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            time.sleep(0.001)
            try:
                return work(*arguments, **named)
            finally:
                with lock:
                    at_work[0] -= 1

        return call

    monkeypatch.setattr(together, "write_part", counted(small_parts.write_part))
    monkeypatch.setattr(together, "name_if_free", counted(flushing.name_if_free))
    loads = [[_wanted(tmp_path / folder, n) for n in range(20)] for folder in ("a", "b")]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda load: execute_together(load, Bundles(*map(_content, range(20))), cache, Progress()), loads))
    assert [sum(bool(o.placed) for o in outcomes) for outcomes in done] == [20, 20]
    assert most == [1]


def test_nobody_waits_while_what_lies_in_a_place_is_read(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves where nothing lay when the load began: reading it may take minutes, and the disk is another's meanwhile."""
    _whole_flush(monkeypatch, whole=True)
    load = [_wanted(tmp_path, n) for n in range(20)]
    held: list[bool] = []
    place = download.place_part

    def noted(*arguments: Any) -> Any:
        held.append(any(turn.locked() for turn in flushing._turns.values()))
        return place(*arguments)

    def name(part: str, path: str) -> bool:
        if path == load[3].path:
            Path(path).write_bytes(b"newer")
        return flushing.name_if_free(part, path)

    monkeypatch.setattr(together, "place_part", noted)
    monkeypatch.setattr(together, "name_if_free", name)
    outcomes = execute_together(load, Bundles(*map(_content, range(20))), cache, Progress())
    assert held == [False]
    assert sum(bool(o.placed) for o in outcomes) == 20
    assert Path(load[3].path).read_bytes() == b"newer"


def test_no_more_is_gathered_than_is_written_at_once(tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held in memory until then; each byte is counted once."""
    monkeypatch.setattr(together, "WRITTEN_AT_ONCE", 1000)
    monkeypatch.setattr(together, "SHOWN_AFTER", 1e9)
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    came: list[int] = []

    class Counting(Progress):
        def received(self, count: int) -> None:
            came.append(count)

    execute_together(wanted, Bundles(*map(_content, range(20))), cache, Counting())
    assert sum(came) == sum(w.size for w in wanted)
    assert max(came) < 1000 + max(w.size for w in wanted)
    assert min(came[:-1]) >= 1000


@pytest.mark.skipif(os.name != "posix", reason="needs modes that hold for this user")
@pytest.mark.parametrize("whole", [True, False], ids=["an own disk", "a share"])
@pytest.mark.parametrize("mode", [0o644, 0o444], ids=["writable", "read-only"])
def test_what_another_took_in_between_is_left_to_him(
    tmp_path: Path,
    cache: HashCache,
    monkeypatch: pytest.MonkeyPatch,
    without_privileges: list[str],
    whole: bool,
    mode: int,
) -> None:
    """Between writing and naming another agent may begin its own part: its half never becomes a file, and the others come home."""
    _whole_flush(monkeypatch, whole=whole)
    _closed(monkeypatch)
    wanted = [_wanted(tmp_path, n, mode=mode) for n in range(20)]
    taken = part_path(wanted[0].path, wanted[0].digest)
    others: list[Other] = []

    class Taking(Progress):
        def received(self, count: int) -> None:
            if not others:
                others.append(Other(taken, _content(0)[:10], without_privileges))

    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(*map(_content, range(20))), cache, Taking())}
    assert others[0].did == "begun"
    assert isinstance(outcomes[wanted[0].path].error, BroughtByAnother)
    assert not os.path.exists(wanted[0].path)
    assert taken.read_bytes() == _content(0)[:10]
    assert {w.path: Path(w.path).read_bytes() for w in wanted[1:]} == {w.path: _content(n) for n, w in enumerate(wanted) if n}
    others[0].end()
    assert execute_together(wanted[:1], Bundles(_content(0)), cache, Progress())[0].placed
    assert Path(wanted[0].path).read_bytes() == _content(0)


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no open file")
def test_a_part_that_is_taken_while_what_lies_there_is_read_gets_no_name(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older work in the place is read before it is replaced: the part is looked at after that, and another's half stays a part."""
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    older, taken = Path(wanted[0].path), part_path(wanted[0].path, wanted[0].digest)
    older.parent.mkdir(parents=True, exist_ok=True)
    older.write_bytes(b"older")
    os.utime(older, ns=(1, 1))
    reading = download.decide

    def meanwhile(one: Wanted, known: Any) -> Any:
        found = reading(one, known)
        if one is wanted[0]:
            taken.unlink()
            taken.write_bytes(b"half")
        return found

    monkeypatch.setattr(download, "decide", meanwhile)
    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(*map(_content, range(20))), cache, Progress())}
    assert [w.path for w in wanted if not outcomes[w.path].placed] == [wanted[0].path]
    assert (older.read_bytes(), taken.read_bytes()) == (b"older", b"half")


def test_a_folder_that_is_removed_after_it_was_looked_at_is_made_again(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who tidies up while a load begins does not cost it its files."""
    wanted = [_wanted(tmp_path / "pass", n) for n in range(20)]
    folder = Path(wanted[0].path).parent
    folder.mkdir(parents=True, exist_ok=True)
    listing = targets.Folders.names_in

    def removed(folders: targets.Folders, path: str, count: int) -> Any:
        found = listing(folders, path, count)
        if path == str(folder):
            folder.rmdir()
        return found

    monkeypatch.setattr(targets.Folders, "names_in", removed)
    outcomes = execute_together(wanted, Bundles(*map(_content, range(20))), cache, Progress())
    assert all(o.placed for o in outcomes)


@pytest.mark.parametrize("held", [True, False], ids=["held", "closed"])
@pytest.mark.parametrize(
    "whole", [pytest.param(True, marks=pytest.mark.skipif(os.name != "posix", reason="opens a folder")), False]
)
def test_a_half_that_lies_in_the_place_of_a_part_gets_no_name(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch, whole: bool, held: bool
) -> None:
    """Whoever wrote it, and whether or not it is still open; also where ours is."""
    _whole_flush(monkeypatch, whole=whole)
    if not held:
        _closed(monkeypatch)
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    taken = part_path(wanted[0].path, wanted[0].digest)

    class Taking(Progress):
        def received(self, count: int) -> None:
            taken.unlink()
            taken.write_bytes(b"half")

    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(*map(_content, range(20))), cache, Taking())}
    assert [w.path for w in wanted if not outcomes[w.path].placed] == [wanted[0].path]
    assert isinstance(outcomes[wanted[0].path].error, BroughtByAnother)
    assert (taken.read_bytes(), os.path.exists(wanted[0].path)) == (b"half", False)


@pytest.mark.skipif(os.name != "posix", reason="needs modes that hold for this user")
def test_a_part_that_is_written_is_not_taken(tmp_path: Path, without_privileges: list[str]) -> None:
    """Another agent that may not write it does not begin its own while it is locked."""
    one = _wanted(tmp_path, 1)
    part = part_path(one.path, one.digest)
    with open_part(part, one.path) as file:
        file.write(b"half")
        other = Other(part, b"his", without_privileges)
        other.end()
        assert (other.did, part.read_bytes()) == ("left to the other", b"half")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode bits")
@pytest.mark.parametrize("whole", [True, False], ids=["an own disk", "a share"])
def test_one_that_may_only_be_read_can_be_written_until_it_has_its_name(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """Another agent of this user then locks its part, and does not take it for one that was left behind."""
    _whole_flush(monkeypatch, whole=whole)
    wanted = [_wanted(tmp_path, n, mode=0o444) for n in range(20)]
    modes: set[int] = set()

    class Looking(Progress):
        def received(self, count: int) -> None:
            modes.update(stat.S_IMODE(p.stat().st_mode) & 0o600 for p in tmp_path.glob(".*.conductor-part"))

    outcomes = execute_together(wanted, Bundles(*map(_content, range(20))), cache, Looking())
    assert modes == {0o600}
    assert {stat.S_IMODE(os.stat(o.wanted.path).st_mode) for o in outcomes if o.placed} == {0o444}


@pytest.mark.parametrize(
    "whole", [pytest.param(True, marks=pytest.mark.skipif(os.name != "posix", reason="opens a folder")), False]
)
def test_a_disk_that_keeps_no_such_times_has_the_files(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """As exFAT, which begins with 1980: a part is known again without its time."""
    _whole_flush(monkeypatch, whole=whole)
    monkeypatch.setattr("conductor_core.transfer.small_parts.os.utime", lambda *_, **__: None)
    wanted = [_wanted(tmp_path, n) for n in range(20)]
    outcomes = execute_together(wanted, Bundles(*map(_content, range(20))), cache, Progress())
    assert [o.wanted.path for o in outcomes if o.placed] == [w.path for w in wanted]


@pytest.mark.skipif(os.name != "posix", reason="Windows names nothing that is open")
def test_one_that_is_taken_as_it_gets_its_name_is_left_to_the_other(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening a part and locking it another may put his own in its place: what is locked is nobody's then."""
    _closed(monkeypatch)
    wanted = [_wanted(tmp_path, n) for n in range(3)]
    taken = part_path(wanted[0].path, wanted[0].digest)
    opened = small_parts._opened

    def late(part: str) -> int | None:
        handle = opened(part)
        if part == str(taken):
            taken.unlink()
            taken.write_bytes(b"half")
        return handle

    monkeypatch.setattr(small_parts, "_opened", late)
    outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(*map(_content, range(3))), cache, Progress())}
    assert isinstance(outcomes[wanted[0].path].error, BroughtByAnother)
    assert (taken.read_bytes(), os.path.exists(wanted[0].path)) == (b"half", False)
    assert outcomes[wanted[1].path].placed


@pytest.mark.skipif(os.name != "posix", reason="Windows names nothing that is open")
def test_one_that_another_has_open_does_not_get_its_name(
    tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent of this user that took the part in between, and reads or writes it, is the one to name it."""
    _closed(monkeypatch)
    monkeypatch.setattr(together, "SHOWN_AFTER", 1e9)
    wanted = [_wanted(tmp_path, n) for n in range(3)]
    with contextlib.ExitStack() as opened:

        class Taking(Progress):
            def received(self, count: int) -> None:
                if not os.path.exists(tmp_path / "taken"):
                    (tmp_path / "taken").touch()
                    opened.enter_context(open_part(part_path(wanted[0].path, wanted[0].digest), wanted[0].path))

        outcomes = {o.wanted.path: o for o in execute_together(wanted, Bundles(*map(_content, range(3))), cache, Taking())}
    assert isinstance(outcomes[wanted[0].path].error, BroughtByAnother)
    assert [bool(outcomes[w.path].placed) for w in wanted] == [False, True, True]
