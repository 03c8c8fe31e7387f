"""Download: resumed, verified, in one step, never over newer work."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import BroughtByAnother, ContentMismatch, ServiceUnreachable, TransferCancelled, TransferError
from conductor_core.transfer import download
from conductor_core.transfer.bundle import write_bundle
from conductor_core.transfer.download import (
    Existing,
    Placed,
    Wanted,
    beside_path,
    execute_download,
    named_state,
    part_path,
    plan_download,
    unwritable,
)
from conductor_core.transfer.file_state import CTIME
from conductor_core.transfer.hash_cache import FileState, HashCache
from conductor_core.transfer.hashing import hash_files
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.together import execute_together
from conductor_core.user_folders import sync_folder

RENDERED = 1_700_000_000_000_000_000
DATA = bytes(range(256)) * 40


class MemorySource:
    """Objects in memory, with breaks on order."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.offsets: list[int] = []
        #: bytes after which a read breaks off, once per entry
        self.breaks: list[int] = []
        self.before: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def read(self, digest: str, offset: int) -> Iterator[Iterator[bytes]]:
        self.offsets.append(offset)
        yield self._blocks(offset)

    def _blocks(self, offset: int) -> Iterator[bytes]:
        end = offset + self.breaks.pop(0) if self.breaks else len(self.data)
        for start in range(offset, min(end, len(self.data)), 1000):
            yield self.data[start : min(start + 1000, end)]
        self.before()
        if end < len(self.data):
            raise ServiceUnreachable("broken off")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache" / "hashes.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    return Wanted(str(tmp_path / "out" / "shot_0001.exr"), digest_of(DATA), len(DATA), 0o640, RENDERED, 12)


class Bundle:
    """Gives one object, as one of many."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @contextlib.contextmanager
    def bundle(self, digests: Sequence[Digest]) -> Iterator[Iterator[bytes]]:
        assert list(digests) == [digest_of(self._data)]
        yield iter([b"".join(write_bundle([self._data]))])


def _names(wanted: Wanted) -> list[str]:
    return sorted(os.listdir(os.path.dirname(wanted.path)))


def _ignore(_placed: Placed) -> None:
    """Take what a callback has no use for."""


def _save(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)


def test_a_file_comes_home(wanted: Wanted, cache: HashCache) -> None:
    """It lies at its path with its bytes, time and mode; nothing else lies there; the cache knows it unread."""
    progress = Progress()
    assert execute_download(wanted, MemorySource(), cache, progress) == Placed(wanted.path, "placed")
    found = os.stat(wanted.path)
    assert Path(wanted.path).read_bytes() == DATA
    assert found.st_mtime_ns == RENDERED
    if os.name == "posix":
        assert stat.S_IMODE(found.st_mode) == 0o640
    assert _names(wanted) == ["shot_0001.exr"]
    assert cache.digests({wanted.path: FileState.of(found)}) == {wanted.path: wanted.digest}
    assert progress.counts().bytes_received == len(DATA)


@pytest.mark.skipif(not CTIME.counts, reason="only POSIX systems keep a ctime")
@pytest.mark.parametrize("together", [False, True], ids=["alone", "together"])
def test_what_is_written_over_a_frame_as_it_comes_is_not_taken_for_it(
    wanted: Wanted, cache: HashCache, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """Though it has the frame's size and time: it was learnt as it was when it got its name, and nothing later."""
    real = sync_folder

    def meanwhile(folder: str) -> None:
        if os.path.exists(wanted.path):
            time.sleep(0.05)  # file systems count in ticks of their clock
            _save(wanted.path, DATA[::-1])
            os.utime(wanted.path, ns=(RENDERED, RENDERED))
        real(folder)

    monkeypatch.setattr(download, "sync_folder", meanwhile)
    if together:
        assert execute_together([wanted], Bundle(DATA), cache, Progress())[0].placed == Placed(wanted.path, "placed")
    else:
        execute_download(wanted, MemorySource(), cache, Progress())
    found = os.stat(wanted.path)
    assert (found.st_size, found.st_mtime_ns) == (len(DATA), RENDERED)
    assert cache.digests({wanted.path: FileState.of(found)}) == {}
    assert hash_files({wanted.path: found}, cache, Progress())[wanted.path].digest == digest_of(DATA[::-1])


@pytest.mark.parametrize(
    ("how", "meddle", "known"),
    [
        ("placed", lambda path: path.rename(path.with_name("f")).rename(path), True),
        ("placed", lambda path: os.utime(path, ns=(RENDERED, RENDERED + 1)), False),
        ("placed", lambda path: path.write_bytes(b"more bytes"), False),
        ("placed", lambda path: path.unlink(), False),
        ("there", lambda path: path.rename(path.with_name("f")).rename(path), False),
    ],
    ids=["as it was", "another time", "another size", "gone", "not ours"],
)
def test_only_what_is_still_the_part_is_learnt(
    tmp_path: Path, how: Literal["placed", "there"], meddle: Callable[[Path], object], known: bool
) -> None:
    """A name gives it another ctime; whatever else is another was done by somebody else."""
    path = tmp_path / "frame"
    path.write_bytes(DATA)
    part = FileState.of(os.stat(path))
    meddle(path)
    state = named_state(Placed(str(path), how), part)
    assert state == (FileState.of(os.stat(path)) if known else None)


def test_a_broken_download_goes_on(wanted: Wanted, cache: HashCache) -> None:
    """What came before the break is not asked for again."""
    source = MemorySource()
    source.breaks = [3000, 2500]
    for _ in range(2):
        with pytest.raises(ServiceUnreachable):
            execute_download(wanted, source, cache, Progress())
    execute_download(wanted, source, cache, Progress())
    assert source.offsets == [0, 3000, 5500]
    assert Path(wanted.path).read_bytes() == DATA


@pytest.mark.parametrize(
    ("part", "offsets"),
    [(DATA, []), (DATA + b"more", [0]), (b"other bytes", [11, 0]), (b"", [0])],
    ids=["complete", "too long", "damaged", "empty"],
)
def test_whatever_lies_in_the_part_file(wanted: Wanted, cache: HashCache, part: bytes, offsets: list[int]) -> None:
    """A part file of a former life is used if it fits and replaced if it does not; the file is right in the end."""
    part_path(wanted.path, wanted.digest).parent.mkdir()
    part_path(wanted.path, wanted.digest).write_bytes(part)
    source = MemorySource()
    execute_download(wanted, source, cache, Progress())
    assert source.offsets == offsets
    assert Path(wanted.path).read_bytes() == DATA
    assert _names(wanted) == ["shot_0001.exr"]


def test_wrong_bytes_never_become_the_file(wanted: Wanted, cache: HashCache) -> None:
    """Bytes that do not hash to their name are fetched twice, then refused; nothing is left."""
    source = MemorySource(b"x" + DATA[1:])
    with pytest.raises(ContentMismatch, match="has content"):
        execute_download(wanted, source, cache, Progress())
    assert source.offsets == [0, 0]
    assert _names(wanted) == []


def test_what_is_there_already_is_not_fetched(wanted: Wanted, cache: HashCache) -> None:
    """The same content at its place means nothing to do, also after a crash between rename and journal."""
    source = MemorySource()
    execute_download(wanted, source, cache, Progress())
    part_path(wanted.path, wanted.digest).write_bytes(b"left over")
    assert execute_download(wanted, source, cache, Progress()).how == "there"
    assert source.offsets == [0]
    assert _names(wanted) == ["shot_0001.exr"]


@pytest.mark.parametrize(
    ("existing", "placed"),
    [
        (None, Placed("/o/a.exr", "placed")),
        (Existing(Digest("d"), RENDERED + 1), Placed("/o/a.exr", "there")),
        (Existing(Digest("e"), RENDERED - 1), Placed("/o/a.exr", "placed")),
        (Existing(Digest("e"), RENDERED), Placed("/o/a.exr", "placed")),
        (Existing(Digest("e"), RENDERED + 1), Placed("/o/a.conductor-12.exr", "beside")),
    ],
    ids=["nothing there", "same content", "older", "same time", "newer"],
)
def test_where_a_file_goes(existing: Existing | None, placed: Placed) -> None:
    """Older files are replaced, newer ones never touched."""
    assert plan_download(Wanted("/o/a.exr", Digest("d"), 1, 0, RENDERED, 12), existing) == placed


def test_newer_work_stays(wanted: Wanted, cache: HashCache) -> None:
    """A file that the artist saved after the rendering keeps its bytes; the frame lies beside it."""
    Path(wanted.path).parent.mkdir()
    Path(wanted.path).write_bytes(b"by hand")
    placed = execute_download(wanted, MemorySource(), cache, Progress())
    assert placed == Placed(beside_path(wanted.path, 12), "beside")
    assert Path(wanted.path).read_bytes() == b"by hand"
    assert Path(placed.path).read_bytes() == DATA
    assert _names(wanted) == ["shot_0001.conductor-12.exr", "shot_0001.exr"]


def test_a_frame_painted_over_beside_newer_work_stays(wanted: Wanted, cache: HashCache) -> None:
    """The name beside newer work is looked at too: other content there is kept, the same content is not fetched again."""
    Path(wanted.path).parent.mkdir()
    Path(wanted.path).write_bytes(b"by hand")
    beside = Path(beside_path(wanted.path, 12))
    beside.write_bytes(b"by hand too")
    source = MemorySource()
    second = beside_path(wanted.path, 12, 2)
    for _ in range(2):
        assert execute_download(wanted, source, cache, Progress()) == Placed(second, "beside")
    assert source.offsets == [0]
    assert beside.read_bytes() == b"by hand too"
    assert Path(second).read_bytes() == DATA
    assert _names(wanted) == ["shot_0001.conductor-12-2.exr", "shot_0001.conductor-12.exr", "shot_0001.exr"]


def test_two_versions_at_once_do_not_mix(wanted: Wanted, cache: HashCache) -> None:
    """Two agents that bring different versions of one path write to parts of their own: each file is whole, the last one stays."""
    newer = bytes(reversed(DATA))
    later = dataclasses.replace(wanted, digest=digest_of(newer))
    source = MemorySource()
    source.before = lambda: _ignore(execute_download(later, MemorySource(newer), cache, Progress()))
    execute_download(wanted, source, cache, Progress())
    assert source.offsets == [0]
    assert Path(wanted.path).read_bytes() == DATA
    assert _names(wanted) == ["shot_0001.exr"]


def test_one_agent_at_a_time_writes_a_part(wanted: Wanted, cache: HashCache) -> None:
    """Two agents that bring the same bytes to the same place: the second is told to look again, and takes no byte."""
    second = MemorySource()
    source = MemorySource()

    def meanwhile() -> None:
        with pytest.raises(BroughtByAnother, match="another agent"):
            execute_download(wanted, second, cache, Progress())

    source.before = meanwhile
    assert execute_download(wanted, source, cache, Progress()).how == "placed"
    assert second.offsets == []
    assert Path(wanted.path).read_bytes() == DATA


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no open file")
def test_a_part_that_was_removed_meanwhile_is_not_placed(wanted: Wanted, cache: HashCache) -> None:
    """What lies under the part's name is placed only while it is the very file that was verified."""
    part = part_path(wanted.path, wanted.digest)

    def meanwhile() -> None:
        part.unlink()
        part.write_bytes(b"of another")

    source = MemorySource()
    source.before = meanwhile
    with pytest.raises(BroughtByAnother):
        execute_download(wanted, source, cache, Progress())
    assert not os.path.exists(wanted.path)
    assert part.read_bytes() == b"of another"


@pytest.mark.skipif(os.name != "posix", reason="Windows removes no open file")
def test_a_part_that_is_taken_while_what_lies_there_is_read_is_not_placed(
    wanted: Wanted, cache: HashCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older work in the place is read before it is replaced, which may take seconds: the part is looked at after that."""
    part = part_path(wanted.path, wanted.digest)
    Path(wanted.path).parent.mkdir(parents=True)
    _save(wanted.path, b"older")
    os.utime(wanted.path, ns=(1, 1))
    reading = download.decide

    def meanwhile(*arguments: Any) -> Any:
        found = reading(*arguments)
        if part.exists() and part.read_bytes() == DATA:
            part.unlink()
            part.write_bytes(b"half")
        return found

    monkeypatch.setattr(download, "decide", meanwhile)
    with pytest.raises(BroughtByAnother):
        execute_download(wanted, MemorySource(), cache, Progress())
    assert (Path(wanted.path).read_bytes(), part.read_bytes()) == (b"older", b"half")


def test_work_saved_during_the_download_stays(wanted: Wanted, cache: HashCache) -> None:
    """The place is looked at once more when the bytes are there."""
    source = MemorySource()
    source.before = lambda: _save(wanted.path, b"by hand")
    assert execute_download(wanted, source, cache, Progress()).how == "beside"
    assert Path(wanted.path).read_bytes() == b"by hand"


def test_the_same_file_appearing_during_the_download(wanted: Wanted, cache: HashCache) -> None:
    """The same content that came another way meanwhile is left in peace."""
    source = MemorySource()
    source.before = lambda: _save(wanted.path, DATA)
    assert execute_download(wanted, source, cache, Progress()).how == "there"
    assert _names(wanted) == ["shot_0001.exr"]


def test_a_cancelled_download_keeps_its_part(wanted: Wanted, cache: HashCache) -> None:
    """A stopped download leaves its part to go on from, and no file."""
    progress = Progress()
    progress.cancel()
    with pytest.raises(TransferCancelled):
        execute_download(wanted, MemorySource(), cache, progress)
    assert _names(wanted) == [part_path(wanted.path, wanted.digest).name]


def test_a_folder_in_the_way(wanted: Wanted, cache: HashCache) -> None:
    """A folder where the file belongs is named, not removed."""
    os.makedirs(wanted.path)
    with pytest.raises(TransferError, match=r"shot_0001\.exr"):
        execute_download(wanted, MemorySource(), cache, Progress())


def test_a_file_in_the_place_of_the_folder(wanted: Wanted, cache: HashCache) -> None:
    """An output folder that cannot be made is named with the next step."""
    Path(wanted.path).parent.write_bytes(b"")
    with pytest.raises(TransferError, match=r"shot_0001\.exr"):
        execute_download(wanted, MemorySource(), cache, Progress())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_is_told(wanted: Wanted, cache: HashCache) -> None:
    """A disk that is full is named as that, and the part stays."""
    Path(wanted.path).parent.mkdir()
    part_path(wanted.path, wanted.digest).symlink_to("/dev/full")
    with pytest.raises(TransferError):  # a link in the place of the part is not followed
        execute_download(wanted, MemorySource(), cache, Progress())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full"),
        (PermissionError(errno.EACCES, "x"), "may not be written by you"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
    ids=["full", "denied", "broken"],
)
def test_why_a_file_cannot_be_written(error: OSError, words: str) -> None:
    """Each reason has its sentence and its next step."""
    told = unwritable("/o/a.exr", error)
    assert words in str(told)
    assert told.next_step


def test_a_name_at_the_limit_has_a_part_too(tmp_path: Path, cache: HashCache) -> None:
    """A name so long that its part would be too long for the file system comes home all the same."""
    wanted = Wanted(str(tmp_path / "o" / ("x" * 250 + ".exr")), digest_of(DATA), len(DATA), 0, RENDERED, 1)
    execute_download(wanted, MemorySource(), cache, Progress())
    assert _names(wanted) == [os.path.basename(wanted.path)]
