"""Large files in parts: what is there is not sent, what changes fails by name, what breaks off is counted once."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conductor_core.api.answers import PartialUpload
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import (
    ConductorError,
    Conflict,
    FileChanged,
    FileVanished,
    NotFound,
    Refused,
    ServiceUnreachable,
    TransferCancelled,
    TransferError,
)
from conductor_core.manifest import Entry
from conductor_core.transfer import parts
from conductor_core.transfer.parts import send_in_parts
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.sink import Readable
from fakes.slow_line import read_slowly

PART = 1000
DATA = os.urandom(4 * PART + 321)


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGE", 2 * PART)
    monkeypatch.setattr(parts, "_BLOCK", 300)


class PartsInMemory:
    """A store in memory that takes parts and checks them, as the service does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        #: numbers of the parts in the order in which they came
        self.sent: list[int] = []
        self.before: Callable[[int], None] = lambda _number: None
        self.before_end: Callable[[], None] = lambda: None
        self.readings = 2
        #: bytes after which the first attempt of a part breaks off
        self.breaks: dict[int, int] = {}
        self._lock = threading.Lock()

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        return frozenset(d for d in objects if d not in self.objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        raise AssertionError("nothing is sent whole")

    def begin_upload(self, digest: str, size: int) -> PartialUpload:
        return PartialUpload("u", PART, tuple(self.parts))

    def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Readable]) -> None:
        self.before(number)
        stop = self.breaks.pop(number, None)
        if stop is not None:
            body().read(stop)
        data = b"".join(body())
        if digest_of(data) != digest:
            raise Refused("wrong", code="wrong-content", status=422)
        with self._lock:
            self.parts[number] = data
            self.sent.append(number)

    def end_upload(self, upload: PartialUpload) -> int | None:
        self.before_end()
        if self.readings:
            self.readings -= 1
            return 0
        whole = b"".join(self.parts[n] for n in sorted(self.parts))
        self.objects[digest_of(whole)] = whole
        return None


def _entry(path: Path, data: bytes = DATA) -> Entry:
    path.write_bytes(data)
    return Entry(str(path), "file", digest_of(data), size=len(data), mode=0o644, mtime_ns=path.stat().st_mtime_ns)


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return _entry(tmp_path / "sim.abc")


def test_a_large_file_goes_in_parts(entry: Entry) -> None:
    """Each part once, the whole ended until the service has seen it; counted as what it is."""
    sink, progress = PartsInMemory(), Progress()
    assert send_in_parts(entry, "", sink, progress)
    assert sink.objects == {digest_of(DATA): DATA}
    assert sorted(sink.sent) == [1, 2, 3, 4, 5]
    assert progress.counts().bytes_sent == len(DATA)


def test_who_leaves_off_ends_the_parts_that_are_under_way(entry: Entry) -> None:
    """No other is begun, nothing counts, and who goes on sends the others alone."""
    sink, progress = PartsInMemory(), Progress()
    under_way = threading.Barrier(parts.PARTS_AT_ONCE)

    def before(_number: int) -> None:
        under_way.wait(30)
        progress.leave_off()

    sink.before = before
    with pytest.raises(TransferCancelled):
        send_in_parts(entry, "", sink, progress)
    assert sorted(sink.sent) == [1, 2, 3, 4]
    assert (progress.counts().bytes_sent, progress.cancelled()) == (0, False)
    sink.before, going_on = lambda _number: None, Progress()
    assert send_in_parts(entry, "", sink, going_on)
    assert sorted(sink.sent) == [1, 2, 3, 4, 5]
    assert going_on.counts().bytes_sent == len(DATA)


@pytest.mark.parametrize(("readings", "ended"), [(0, True), (2, False)], ids=["seen at once", "still being read"])
def test_who_leaves_off_does_not_wait_for_the_reading_of_the_whole(entry: Entry, readings: int, ended: bool) -> None:
    """What is all there is told to be whole; what the service still reads then is asked about later."""
    sink, progress = PartsInMemory(), Progress()
    sink.parts = {n: DATA[(n - 1) * PART : n * PART] for n in range(1, 6)}
    sink.readings, sink.before_end = readings, progress.leave_off
    if ended:
        assert send_in_parts(entry, "", sink, progress)
    else:
        with pytest.raises(TransferCancelled):
            send_in_parts(entry, "", sink, progress)
    assert (bool(sink.objects), progress.counts().bytes_sent) == (ended, len(DATA) if ended else 0)
    assert sink.sent == []


def test_a_file_that_changed_stops_its_other_parts(entry: Entry) -> None:
    """What is no version of the file any more is not sent to its end, and does not count as sent."""
    going, ended = threading.Event(), list[ConductorError | None]()

    class Slow(PartsInMemory):
        def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Readable]) -> None:
            if number == 1:
                ended.append(read_slowly(body(), going))
                raise ServiceUnreachable("broken off")
            assert going.wait(30)
            raise FileChanged(entry.path)

    progress = Progress()
    with pytest.raises(FileChanged):
        send_in_parts(entry, "", Slow(), progress)
    assert [type(e) for e in ended] == [TransferCancelled]
    assert (progress.counts().bytes_sent, progress.cancelled()) == (0, False)


def test_what_is_there_is_not_sent(entry: Entry) -> None:
    """Who goes on sends the parts that are lacking, and counts those that are there: they were sent."""
    sink, progress = PartsInMemory(), Progress()
    sink.parts = {1: DATA[:PART], 4: DATA[3 * PART : 4 * PART]}
    assert send_in_parts(entry, "", sink, progress)
    assert sorted(sink.sent) == [2, 3, 5]
    assert sink.objects == {digest_of(DATA): DATA}
    assert progress.counts().bytes_sent == len(DATA)


def test_a_snapshot_is_sent_in_place_of_the_file(tmp_path: Path) -> None:
    """The content comes from the file that holds it; the artist's own may be another by now."""
    held = tmp_path / "held"
    entry = dataclasses.replace(_entry(held), path=str(tmp_path / "scene.ma"))
    sink = PartsInMemory()
    assert send_in_parts(entry, str(held), sink, Progress())
    assert sink.objects == {digest_of(DATA): DATA}


def test_small_files_are_no_matter_of_parts(tmp_path: Path) -> None:
    """Below the threshold, or where nobody takes parts, this way does not suit."""

    class Old(PartsInMemory):
        def begin_upload(self, digest: str, size: int) -> PartialUpload:
            raise NotFound("no such route", status=404)

    class Whole:
        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            return frozenset(objects)

        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            return True

    assert not send_in_parts(_entry(tmp_path / "s", b"x" * (2 * PART - 1)), "", PartsInMemory(), Progress())
    progress = Progress()
    assert not send_in_parts(_entry(tmp_path / "l"), "", Old(), progress)
    assert not send_in_parts(_entry(tmp_path / "l"), "", Whole(), progress)
    assert progress.counts().bytes_sent == 0


def test_a_part_that_breaks_off_counts_once(entry: Entry) -> None:
    """What is sent again is one part, and the bytes of the failed attempt do not count."""
    sink, progress = PartsInMemory(), Progress()
    sink.breaks = {2: 300, 5: 10}
    assert send_in_parts(entry, "", sink, progress)
    assert sink.objects == {digest_of(DATA): DATA}
    assert progress.counts().bytes_sent == len(DATA)


@pytest.mark.parametrize(
    ("meddle", "error"),
    [
        (lambda p: p.write_bytes(b"other" * 1000), FileChanged),
        (lambda p: p.write_bytes(DATA[:-1]), FileChanged),
        (lambda p: p.unlink(), FileVanished),
    ],
    ids=["rewritten", "cut short", "gone"],
)
def test_a_file_that_changes_fails_by_name(entry: Entry, meddle: Callable[[Path], object], error: type[Exception]) -> None:
    """Whatever happens to the file after the first parts, it fails, and names the file."""
    sink = PartsInMemory()
    lock = threading.Lock()
    done: list[object] = []

    def before(number: int) -> None:
        with lock:
            if number == 3 and not done:
                done.append(meddle(Path(entry.path)))

    sink.before = before
    with pytest.raises(error, match=Path(entry.path).name):
        send_in_parts(entry, "", sink, Progress())
    assert sink.objects == {}


def test_a_whole_that_is_refused_was_changed(entry: Entry) -> None:
    """An edit that size and time do not show is found by the service at the end, and told as what it is."""
    sink = PartsInMemory()

    def refuse() -> None:
        raise Refused("wrong", code="wrong-content", status=422)

    sink.before_end = refuse
    with pytest.raises(FileChanged, match=r"sim\.abc"):
        send_in_parts(entry, "", sink, Progress())


def test_a_part_that_the_line_changed_is_sent_again(entry: Entry) -> None:
    """A part that came wrong while the file is the same is sent again; for ever is too long."""
    sink, progress = PartsInMemory(), Progress()
    refused: list[int] = []

    def before(number: int) -> None:
        if number == 2 and len(refused) < 2:
            refused.append(number)
            raise Refused("wrong", code="wrong-content", status=422)

    sink.before = before
    assert send_in_parts(entry, "", sink, progress)
    assert (len(refused), progress.counts().bytes_sent) == (2, len(DATA))

    def always(number: int) -> None:
        raise Refused("wrong", code="wrong-content", status=422)

    sink.parts.clear()
    sink.before = always
    with pytest.raises(FileChanged):
        send_in_parts(entry, "", sink, Progress())


def test_other_refusals_come_through(entry: Entry) -> None:
    """What the service says no to is told in its words."""
    sink = PartsInMemory()

    def refuse(_number: int) -> None:
        raise Refused("too large", code="too-large", status=413)

    sink.before = refuse
    with pytest.raises(Refused, match="too large"):
        send_in_parts(entry, "", sink, Progress())


def test_an_upload_that_is_gone_begins_anew(entry: Entry) -> None:
    """Where the service lost what had come, all of it is sent again, and counts once."""
    sink, progress = PartsInMemory(), Progress()
    lost: list[int] = []

    def lose() -> None:
        if not lost:
            lost.append(1)
            sink.parts.clear()
            raise NotFound("no such upload", status=404)

    sink.before_end = lose
    assert send_in_parts(entry, "", sink, progress)
    assert sink.objects == {digest_of(DATA): DATA}
    assert progress.counts().bytes_sent == len(DATA)


def test_somebody_else_brought_it_to_its_end(entry: Entry) -> None:
    """Two who send the same file share its upload: who comes too late for the end finds the object there."""
    sink, progress = PartsInMemory(), Progress()

    def other() -> None:
        sink.objects[digest_of(DATA)] = DATA
        raise NotFound("no such upload", status=404)

    sink.before_end = other
    assert send_in_parts(entry, "", sink, progress)
    assert progress.counts().bytes_sent == len(DATA)


def test_a_store_that_loses_parts(entry: Entry) -> None:
    """Parts that are lost at the end are sent again; a store that keeps losing them is said to."""
    sink = PartsInMemory()

    def lose() -> None:
        sink.parts.clear()
        raise Conflict("parts are missing", code="parts-missing")

    sink.before_end = lose
    with pytest.raises(TransferError, match="keeps losing"):
        send_in_parts(entry, "", sink, Progress())
    assert len(sink.sent) == 5 * parts.ROUNDS


@pytest.mark.parametrize("error", [Conflict("no", code="other"), ServiceUnreachable("away")], ids=["conflict", "away"])
def test_other_ends_come_through(entry: Entry, error: Exception) -> None:
    """Whatever else the end is answered with is told as it is; the parts stay for the next time."""
    sink = PartsInMemory()

    def fail() -> None:
        raise error

    sink.before_end = fail
    with pytest.raises(type(error)):
        send_in_parts(entry, "", sink, Progress())
    assert len(sink.parts) == 5


def test_cancelled_stops_at_the_next_block(entry: Entry) -> None:
    """Cancelling stops within a block; what came stays for the next time."""
    sink, progress = PartsInMemory(), Progress()
    sink.before = lambda _number: progress.cancel()
    with pytest.raises(TransferCancelled):
        send_in_parts(entry, "", sink, progress)
    assert sink.objects == {}


def test_parts_that_would_never_end() -> None:
    """An answer with parts of no length is refused as what it is."""
    with pytest.raises(ValueError, match="part_bytes"):
        PartialUpload("u", 0)
