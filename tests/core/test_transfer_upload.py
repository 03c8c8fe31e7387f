"""Upload: ask, decide, send; nothing wrong ever lies under a right name."""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import (
    ConductorError,
    FileChanged,
    FileVanished,
    Refused,
    ServiceUnreachable,
    TransferCancelled,
    TransferError,
)
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.outlook import Forecast
from conductor_core.transfer.progress import Counts, Progress
from conductor_core.transfer.upload import (
    ASKED_FIRST,
    FIRST_QUESTION,
    QUESTION,
    SMALL,
    CheckedFile,
    Readable,
    ask_missing,
    execute_upload,
    plan_upload,
    send_missing,
)
from fakes.slow_line import read_slowly


class MemorySink:
    """A store in memory that checks what it is sent, as the service does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.questions: list[int] = []
        self.asked: dict[Digest, int] = {}
        #: blocks after which a body breaks off, once per entry
        self.breaks: list[int] = []
        self.block = 1000
        self.before: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        self.questions.append(len(objects))
        self.asked.update(objects)
        return frozenset(d for d in objects if d not in self.objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        self.before()
        for _ in range(3):
            data = self._read(body())
            if data is None:
                continue
            if digest_of(data) != digest:
                raise Refused("wrong", code="wrong-content", status=422)
            with self._lock:
                known = digest in self.objects
                self.objects[digest] = data
            return not known
        raise ServiceUnreachable("broken off three times")

    def _read(self, body: Readable | bytes) -> bytes | None:
        if isinstance(body, bytes):
            return body
        data, blocks = b"", self.breaks.pop(0) if self.breaks else -1
        while blocks and (block := body.read(self.block)):
            data += block
            blocks -= 1
        return data if len(data) == len(body) else None


def _entry(path: Path, data: bytes) -> Entry:
    path.write_bytes(data)
    found = path.stat()
    return Entry(str(path), "file", digest_of(data), size=len(data), mode=0o644, mtime_ns=found.st_mtime_ns)


def _manifest(*entries: Entry) -> Manifest:
    return make_manifest(Flavour.POSIX, list(entries))


def _upload(manifest: Manifest, sink: MemorySink, progress: Progress | None = None) -> None:
    execute_upload(plan_upload(manifest, ask_missing(manifest, sink)), sink, progress or Progress())


def test_the_question_has_the_sizes(tmp_path: Path) -> None:
    """The store is told how large what it may lack is, so that it can say no before anything is sent."""
    sink = MemorySink()
    ask_missing(_manifest(*(_entry(tmp_path / n, d) for n, d in (("s", b"1"), ("l", b"22222"), ("c", b"22222")))), sink)
    assert sink.asked == {digest_of(b"1"): 1, digest_of(b"22222"): 5}


def test_each_missing_object_is_sent_once(tmp_path: Path) -> None:
    """Of equal files one is sent, of present ones none; the largest goes first."""
    small, large, copy = (_entry(tmp_path / n, d) for n, d in (("s", b"1"), ("l", b"22222"), ("c", b"22222")))
    empty = _entry(tmp_path / "e", b"")
    folder = Entry(str(tmp_path / "d"), "directory")
    sink = MemorySink()
    sink.objects[small.digest] = b"1"
    manifest = _manifest(small, large, copy, empty, folder)
    plan = plan_upload(manifest, ask_missing(manifest, sink))
    assert [e.size for e in plan.to_send] == [5, 0]
    assert (plan.objects_present, plan.bytes_present, plan.bytes_to_send()) == (1, 1, 5)
    progress = Progress()
    execute_upload(plan, sink, progress)
    assert set(sink.objects) == {small.digest, large.digest, empty.digest}
    assert (progress.counts().objects_sent, progress.counts().bytes_sent) == (2, 5)


def test_the_question_is_asked_in_batches() -> None:
    """No question is larger than the service takes."""
    entries = [Entry(f"/{n}", digest=f"sha256:{n:064x}", size=1) for n in range(QUESTION + 3)]
    sink = MemorySink()
    assert len(ask_missing(_manifest(*entries), sink)) == QUESTION + 3
    assert sink.questions == [QUESTION, 3]
    assert ask_missing(_manifest(), sink) == frozenset()


class _AnswersBehind(MemorySink):
    """Answers a question only when something of what the one before it named has come, or after a while."""

    def __init__(self, seconds: float = 30.0) -> None:
        super().__init__()
        self._came = threading.Event()
        self._seconds = seconds
        self.waited_in_vain = 0
        self.slices: list[list[Digest]] = []

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        if self.slices and not self._came.wait(self._seconds):
            self.waited_in_vain += 1
        self.slices.append(list(objects))
        return super().missing(objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        try:
            return super().put(digest, body)
        finally:
            self._came.set()


def _many(folder: Path, count: int) -> Manifest:
    """Return so many small files, of which five are really there to be sent."""
    real = [_entry(folder / f"real_{n}", b"%d" % n * (n + 1)) for n in range(5)]
    return _manifest(*real, *(Entry(f"/there/{n:06}", digest=f"sha256:{n:064x}", size=0) for n in range(count - 5)))


def test_what_an_answer_names_goes_while_the_next_is_waited_for(tmp_path: Path) -> None:
    """The second question is answered only when an object of the first is there: whoever asked all before sending would wait."""
    manifest = _many(tmp_path, 3 * FIRST_QUESTION + 10)
    sink, progress = _AnswersBehind(), Progress()
    sink.objects.update((e.digest, b"") for e in manifest.entries if e.path.startswith("/there/"))
    plan = plan_upload(manifest, manifest.objects())
    assert send_missing(plan, sink, progress, threads=2) == 5
    assert sink.waited_in_vain == 0
    assert sink.questions == [FIRST_QUESTION, 2 * FIRST_QUESTION, 10]
    first = {e.digest for e in plan.to_send[:FIRST_QUESTION]}
    assert set(sink.slices[0]) == first, "it asks in the order in which it sends"
    counts = progress.counts()
    assert (counts.objects_sent, counts.objects_to_send, counts.objects_present) == (5, 5, len(plan.to_send) - 5)
    assert counts.bytes_sent == counts.bytes_to_send == sum(range(1, 6))


def test_questions_grow_to_what_the_service_takes() -> None:
    """However many files there are, no question is larger."""
    entries = [Entry(f"/{n}", digest=f"sha256:{n:064x}", size=0) for n in range(3 * QUESTION)]
    sink = MemorySink()
    sink.objects.update((e.digest, b"") for e in entries)
    manifest = _manifest(*entries)
    assert send_missing(plan_upload(manifest, manifest.objects()), sink, Progress()) == 0
    assert max(sink.questions) == QUESTION
    assert sum(sink.questions) == len(entries)


def test_a_file_that_changed_ends_the_questions(tmp_path: Path) -> None:
    """What can't be sent is told at once, and nothing more is asked for in vain."""
    manifest = _many(tmp_path, 20 * FIRST_QUESTION)
    (tmp_path / "real_4").write_bytes(b"another")

    class Waits(_AnswersBehind):
        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            if self.slices:
                time.sleep(1.0)  # the answer takes long enough for the failure to be known
            return super().missing(objects)

    sink = Waits(seconds=0)
    sink.objects.update((e.digest, b"") for e in manifest.entries if e.path.startswith("/there/"))
    with pytest.raises(FileChanged, match="real_4"):
        send_missing(plan_upload(manifest, manifest.objects()), sink, Progress(), threads=1)
    assert len(sink.questions) < 5


def test_a_question_that_fails_ends_the_sending(tmp_path: Path) -> None:
    """When the service is away nothing more is begun; what is under way goes to its end, so that it is not sent again."""
    large = [_entry(tmp_path / f"large_{n}", bytes([n]) * (SMALL + n)) for n in range(5)]
    there = [Entry(f"/there/{n:06}", digest=f"sha256:{n:064x}", size=0) for n in range(2 * FIRST_QUESTION)]
    manifest = _manifest(*large, *there)

    class Leaves(_AnswersBehind):
        def __init__(self) -> None:
            super().__init__()
            self.second, self.gone = threading.Event(), threading.Event()
            self.put_begun = 0

        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            if self.slices:
                self.second.wait(30)
                self.gone.set()
                raise ServiceUnreachable("gone")
            return super().missing(objects)

        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            self.put_begun += 1
            if self.put_begun == 2:
                self.second.set()
                self.gone.wait(30)
                time.sleep(1.0)  # until who asked has heard of it
            return super().put(digest, body)

    sink = Leaves()
    sink.block = SMALL
    sink.objects.update((e.digest, b"") for e in there)
    before = threading.active_count()
    with pytest.raises(ServiceUnreachable, match="gone"):
        send_missing(plan_upload(manifest, manifest.objects()), sink, Progress(), threads=1)
    assert threading.active_count() == before
    assert sink.put_begun == 2
    assert sum(e.digest in sink.objects for e in large) == 2


def test_what_does_not_pass_by_itself_is_told_first(tmp_path: Path) -> None:
    """A file that changed is named, also where the service went away meanwhile: waiting would help nobody."""
    manifest = _many(tmp_path, 3 * FIRST_QUESTION)
    (tmp_path / "real_4").write_bytes(b"another")

    class Leaves(MemorySink):
        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            if self.questions:
                time.sleep(1.0)  # until the file was looked at
                raise ServiceUnreachable("gone")
            return super().missing(objects)

    sink = Leaves()
    sink.objects.update((e.digest, b"") for e in manifest.entries if e.path.startswith("/there/"))
    with pytest.raises(FileChanged, match="real_4"):
        send_missing(plan_upload(manifest, manifest.objects()), sink, Progress(), threads=1)


def test_a_store_without_room_says_so_before_much_is_sent(tmp_path: Path) -> None:
    """Of what would fill a disk all is asked about before a byte goes."""
    real = _entry(tmp_path / "real", b"x" * 100)
    huge = [Entry(f"/huge/{n:06}", digest=f"sha256:{n:064x}", size=1) for n in range(FIRST_QUESTION)]
    manifest = _manifest(Entry("/huge/first", digest=f"sha256:{'f' * 64}", size=ASKED_FIRST), real, *huge)

    class Full(MemorySink):
        puts = 0

        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            if self.questions:
                raise ServiceUnreachable("no room")
            self.questions.append(len(objects))
            return frozenset({Digest(real.digest)})

        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            self.puts += 1
            return super().put(digest, body)

    sink = Full()
    with pytest.raises(ServiceUnreachable, match="no room"):
        send_missing(plan_upload(manifest, manifest.objects()), sink, Progress())
    assert (sink.questions, sink.puts) == ([FIRST_QUESTION], 0)


def test_until_all_is_asked_nobody_knows_how_long_it_takes(tmp_path: Path) -> None:
    """What is there, to be sent and unsure is all there is, at every moment; a time left is told when nothing is unsure."""
    manifest = _many(tmp_path, 3 * FIRST_QUESTION + 10)
    progress = Progress()
    seen: list[Counts] = []

    class Tells(_AnswersBehind):
        def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
            seen.append(progress.counts())
            return super().missing(objects)

    sink = Tells()
    sink.objects.update((e.digest, b"") for e in manifest.entries if e.path.startswith("/there/"))
    plan = plan_upload(manifest, manifest.objects())
    send_missing(plan, sink, progress, threads=1)
    seen.append(progress.counts())
    assert [c.objects_unsure for c in seen] == [len(plan.to_send), len(plan.to_send) - FIRST_QUESTION, 10, 0]
    assert {c.objects_unsure + c.objects_present + c.objects_to_send for c in seen} == {len(plan.to_send)}


@pytest.mark.parametrize(("unsure", "left"), [(1, None), (0, 10.0)], ids=["some are unsure", "all is asked"])
def test_the_time_left_waits_for_the_last_answer(unsure: int, left: float | None) -> None:
    """While the service is asked, what is known to be sent is not all of it."""
    now = 0.0
    forecast = Forecast(clock=lambda: now)
    for sent in (0, 10, 20):
        forecast.note(Counts(objects=30, objects_unsure=unsure, objects_to_send=20, bytes_to_send=120, bytes_sent=sent))
        now += 1.0
    assert forecast.outlook().send_seconds_left == left


def test_a_lane_that_cannot_be_had_is_no_success(tmp_path: Path) -> None:
    """Whatever goes wrong before a load is sent is told: an upload that ends has sent everything."""

    def broken() -> int:
        raise ValueError("settings")

    manifest = _manifest(_entry(tmp_path / "f", b"x"))
    with pytest.raises(ValueError, match="settings"):
        execute_upload(plan_upload(manifest, manifest.objects()), MemorySink(), Progress(), lanes=Lanes(cap=broken))


def test_what_waits_to_be_sent_takes_little_room() -> None:
    """Of hundreds of thousands of large files those that nobody sends yet are a line in a list each, and every one goes, once."""
    entries = [Entry(f"/{n}", digest=f"sha256:{n:064x}", size=SMALL) for n in range(20_000)]
    manifest = _manifest(*entries)
    plan = plan_upload(manifest, manifest.objects())
    held, sent = list[int](), list[str]()

    def way(entry: Entry, _place: str, _sink: object, _progress: Progress) -> bool:
        while len(held) < 3 or held[-1] - held[-3] > 10_000:  # until all wait that are to
            time.sleep(0.2)
            held.append(tracemalloc.get_traced_memory()[0])
        sent.append(entry.path)
        return True

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        execute_upload(plan, MemorySink(), Progress(), threads=1, ways=(way,))
    finally:
        tracemalloc.stop()
    assert (held[-1] - before) / len(entries) < 150, "bytes for each file that waits"
    assert sorted(sent) == sorted(e.path for e in entries)


def test_nothing_is_asked_once_it_is_cancelled() -> None:
    """Cancel holds for the question as for the files."""
    entries = [Entry(f"/{n}", digest=f"sha256:{n:064x}", size=0) for n in range(10)]
    sink, progress = MemorySink(), Progress()
    progress.cancel()
    manifest = _manifest(*entries)
    with pytest.raises(TransferCancelled):
        send_missing(plan_upload(manifest, manifest.objects()), sink, progress)
    assert sink.questions == []


def test_a_broken_upload_is_sent_again_and_counted_once(tmp_path: Path) -> None:
    """A body that breaks off is opened anew from its beginning, and the bytes of the failed attempt do not count."""
    entry = _entry(tmp_path / "f", os.urandom(5000))
    sink, progress = MemorySink(), Progress()
    sink.breaks = [2, 4]
    _upload(_manifest(entry), sink, progress)
    assert progress.counts().bytes_sent == 5000


@pytest.mark.parametrize(
    ("meddle", "error"),
    [
        (lambda p: p.write_bytes(b"other" * 1000), FileChanged),
        (lambda p: os.truncate(p, 10), FileChanged),
        (lambda p: p.unlink(), FileVanished),
        (lambda p: _same_stat(p, b"OTHER" * 1000), FileChanged),
    ],
    ids=["edited", "truncated", "deleted", "edited with the same size and time"],
)
def test_a_file_edited_before_its_upload(tmp_path: Path, meddle: Callable[[Path], None], error: type[TransferError]) -> None:
    """What is no longer what was hashed is named, and does not lie in the store."""
    path = tmp_path / "f"
    entry = _entry(path, b"first" * 1000)
    sink = MemorySink()
    sink.before = lambda: meddle(path)
    with pytest.raises(error) as caught:
        _upload(_manifest(entry), sink)
    assert caught.value.path == str(path)
    assert sink.objects == {}


def test_a_file_truncated_while_it_is_sent(tmp_path: Path) -> None:
    """A file that ends early in the middle of its upload is named."""
    entry = _entry(tmp_path / "f", b"x" * 5000)
    with_body = CheckedFile(entry, Progress())
    assert len(with_body.read(1000)) == 1000
    os.truncate(entry.path, 1000)
    with pytest.raises(FileChanged):
        with_body.read(1000)
    with_body.close()


def test_the_body_can_be_iterated(tmp_path: Path) -> None:
    """An HTTP client that iterates gets the same bytes."""
    entry = _entry(tmp_path / "f", b"x" * 5000)
    body = CheckedFile(entry, Progress())
    assert b"".join(body) == b"x" * 5000
    assert body.read(-1) == b""
    body.close()


def test_a_store_that_refuses_the_content_means_a_changed_file(tmp_path: Path) -> None:
    """The service's own check of the bytes ends in the same sentence as ours; other refusals stay what they are."""
    entry = _entry(tmp_path / "f", b"x")

    class Refusing(MemorySink):
        code = "wrong-content"

        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            raise Refused("no", code=self.code, status=422)

    sink = Refusing()
    with pytest.raises(FileChanged):
        _upload(_manifest(entry), sink)
    sink.code = "too-large"
    with pytest.raises(Refused):
        _upload(_manifest(entry), sink)


def test_a_cancelled_upload_stops(tmp_path: Path) -> None:
    """A cancelled transfer sends nothing more."""
    sink, progress = MemorySink(), Progress()
    progress.cancel()
    with pytest.raises(TransferCancelled):
        _upload(_manifest(_entry(tmp_path / "f", b"x")), sink, progress)
    assert sink.objects == {}
    assert progress.cancelled()


def test_a_file_that_is_gone_is_told_at_once(tmp_path: Path) -> None:
    """Nobody waits for the end of the others; what was sent before stays, and nobody counts as having cancelled."""
    going, ended = threading.Event(), list[ConductorError | None]()
    large, gone, small = (
        _entry(tmp_path / "l", b"x" * SMALL * 2),
        _entry(tmp_path / "g", b"y" * SMALL),
        _entry(tmp_path / "s", b"z"),
    )

    class Slow(MemorySink):
        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            if digest == large.digest:
                ended.append(read_slowly(body(), going))
                raise ServiceUnreachable("broken off")
            if digest == gone.digest:
                assert going.wait(30)
                assert sent.wait(30)
                os.unlink(gone.path)
            stored = super().put(digest, body)
            sent.set()
            return stored

    sent = threading.Event()
    sink, progress = Slow(), Progress()
    manifest = _manifest(large, gone, small)
    with pytest.raises(FileVanished) as caught:
        _upload(manifest, sink, progress)
    assert caught.value.path == gone.path
    assert [type(e) for e in ended] == [TransferCancelled]
    assert (set(sink.objects), progress.cancelled()) == ({small.digest}, False)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A folder in the place of a file is an error of reading, by name."""
    entry = _entry(tmp_path / "f", b"x")
    (tmp_path / "f").unlink()
    (tmp_path / "f").mkdir()
    with pytest.raises(TransferError, match="f: "):
        _upload(_manifest(entry), MemorySink())


def _same_stat(path: Path, data: bytes) -> None:
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
