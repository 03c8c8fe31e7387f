"""Changed files on their way: the difference where it pays, the whole where it does not, and never a wrong byte."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conductor_core.api.versions import Bases, Version
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import (
    FileChanged,
    FileVanished,
    NotFound,
    Refused,
    ServiceUnreachable,
    TransferCancelled,
)
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer import differences
from conductor_core.transfer.delta import Base, assembled
from conductor_core.transfer.differences import IN_VAIN, QUESTION, SMALLEST, Differences
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.signatures import signature
from conductor_core.transfer.upload import execute_upload, plan_upload, send_whole

DATA = random.Random(5).randbytes(SMALLEST + 100_000)
EDITED = DATA[:600_000] + b"a stroke of the sculpting brush" + DATA[600_010:]


@dataclass
class MemoryService:
    """Former versions and objects in memory, as the service has them; each file is told to be the next version of all."""

    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    sent_whole: list[str] = field(default_factory=list)
    #: objects whose chunks were asked for
    listed: list[str] = field(default_factory=list)
    #: whether what is there is named as doubtful
    doubts: bool = False
    #: raised in place of an answer, by the name of the call
    trouble: dict[str, Exception] = field(default_factory=dict)
    #: bodies that break off before one arrives
    breaks: int = 0

    def _say(self, call: str) -> None:
        if call in self.trouble:
            raise self.trouble[call]

    def bases(self, files: Sequence[Version]) -> Sequence[Bases]:
        self._say("bases")
        self.asked.append(len(files))
        there = tuple(Digest(d) for d in list(self.objects))
        return [Bases(doubtful=there[:1]) if self.doubts else Bases(there) for _ in files]

    @contextlib.contextmanager
    def signature(self, digest: Digest) -> Iterator[Iterator[bytes]]:
        self._say("signature")
        self.listed.append(digest)
        data = self.objects[digest]
        yield signature(digest, len(data), io.BytesIO(data))

    def put(self, version: Version, base: Digest, body: Callable[[], Any]) -> bool:
        self._say("put")
        for _ in range(self.breaks):
            body().read(500)
        sent = body()
        data = sent.read()
        assert len(data) == len(sent)
        old = self.objects[base]
        made = b"".join(assembled(iter([data]), Base(lambda at: iter([old[at:]]), len(old)), version.size))
        if digest_of(made) != version.digest:
            raise Refused("wrong", code="wrong-content", status=422)
        self.objects[version.digest] = made
        return True

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        return frozenset(d for d in objects if d not in self.objects)


@dataclass
class Sink:
    """Where whole files go."""

    service: MemoryService

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        return self.service.missing(objects)

    def put(self, digest: str, body: Callable[[], Any]) -> bool:
        sent = body()
        data = sent if isinstance(sent, bytes) else b"".join(iter(sent.read, b""))
        if digest_of(data) != digest:
            raise Refused("wrong", code="wrong-content", status=422)
        self.service.objects[digest] = data
        self.service.sent_whole.append(digest)
        return True


def entry_of(path: Path, data: bytes) -> Entry:
    """Write a file and return its entry."""
    path.write_bytes(data)
    found = path.stat()
    return Entry(str(path), "file", digest_of(data), size=len(data), mode=0o644, mtime_ns=found.st_mtime_ns)


def send(service: MemoryService, *entries: Entry, progress: Progress | None = None) -> Progress:
    """Send files as the agent does."""
    manifest, sink, progress = make_manifest(Flavour.POSIX, entries), Sink(service), progress or Progress()
    plan = plan_upload(manifest, service.missing(manifest.objects()))
    progress.put(bytes_to_send=plan.bytes_to_send())
    way = Differences(service)
    way.expect(plan.to_send, plan.places)
    execute_upload(plan, sink, progress, threads=2, ways=(way, send_whole))
    return progress


@pytest.fixture
def service() -> MemoryService:
    """Give a service that has the former version."""
    return MemoryService({digest_of(DATA): DATA})


def test_an_edited_file_sends_its_difference(service: MemoryService, tmp_path: Path) -> None:
    """Of a changed file a fraction is sent, and what was saved is counted."""
    counts = send(service, entry_of(tmp_path / "shot.blend", EDITED)).counts()
    assert service.objects[digest_of(EDITED)] == EDITED
    assert service.sent_whole == []
    assert 0 < counts.bytes_sent == counts.bytes_to_send < 0.02 * len(EDITED)
    assert counts.bytes_saved + counts.bytes_sent == len(EDITED)
    assert counts.objects_sent == 1


def test_a_broken_attempt_starts_anew(service: MemoryService, tmp_path: Path) -> None:
    """A line that breaks sends the difference again from its start, and counts it once."""
    service.breaks = 2
    counts = send(service, entry_of(tmp_path / "shot.blend", EDITED)).counts()
    assert service.objects[digest_of(EDITED)] == EDITED
    assert counts.bytes_sent == counts.bytes_to_send


def test_a_difference_that_does_not_pay_is_not_used(service: MemoryService, tmp_path: Path) -> None:
    """A file that is new but for a third goes whole, and nothing counts as saved."""
    new = DATA[:300_000] + random.Random(6).randbytes(900_000)
    counts = send(service, entry_of(tmp_path / "shot.blend", new)).counts()
    assert service.sent_whole == [digest_of(new)]
    assert (counts.bytes_sent, counts.bytes_to_send, counts.bytes_saved) == (len(new), len(new), 0)


def test_a_small_file_is_not_asked_about(service: MemoryService, tmp_path: Path) -> None:
    """Below a megabyte the questions cost as much as the file."""
    send(service, entry_of(tmp_path / "small.ma", DATA[: SMALLEST - 1]))
    assert service.asked == []
    assert len(service.sent_whole) == 1


@pytest.mark.parametrize("call", ["bases", "signature", "put"])
@pytest.mark.parametrize(
    "trouble",
    [NotFound("gone"), Refused("too old", code="invalid", status=405), Refused("wrong", code="wrong-content", status=422)],
    ids=["not found", "older service", "wrong content"],
)
def test_what_the_service_does_not_take_goes_whole(service: MemoryService, tmp_path: Path, call: str, trouble: Exception) -> None:
    """A service that is too old, has lost the base, or assembled something else is sent the whole file."""
    service.trouble[call] = trouble
    counts = send(service, entry_of(tmp_path / "shot.blend", EDITED)).counts()
    assert service.sent_whole == [digest_of(EDITED)]
    assert (counts.bytes_sent, counts.bytes_to_send, counts.bytes_saved) == (len(EDITED), len(EDITED), 0)


def test_an_older_service_is_asked_once(service: MemoryService, tmp_path: Path) -> None:
    """Where the service knows of no differences, it is not asked about each file."""
    asked: list[int] = []

    class Older(MemoryService):
        def bases(self, files: Sequence[Version]) -> Sequence[Bases]:
            asked.append(len(files))
            raise NotFound("no such route")

    older = Older()
    many = range(QUESTION + 3)
    send(older, *(entry_of(tmp_path / f"{n}.exr", bytes([n]) * SMALLEST) for n in many))
    assert asked == [QUESTION]
    assert len(older.sent_whole) == len(many)


def test_a_doubtful_base_is_looked_into_first(service: MemoryService, tmp_path: Path) -> None:
    """An exporter that writes the same in another order costs no whole upload; a file that was replaced is not cut in vain for long."""
    blocks = [random.Random(n).randbytes(600_000) for n in range(8)]
    old = b"".join(blocks)
    service.objects = {digest_of(old): old}
    service.doubts = True
    turned = b"".join(blocks[3:] + blocks[:3])
    assert send(service, entry_of(tmp_path / "turned.abc", turned)).counts().bytes_saved > len(turned) * 0.9
    assert not service.sent_whole
    service.listed.clear()
    anew = [entry_of(tmp_path / f"{n}.bgeo", random.Random(n + 100).randbytes(len(old))) for n in range(IN_VAIN + 2)]
    assert send(service, *anew).counts().bytes_saved == 0
    assert len(service.sent_whole) == len(anew)
    assert len(service.listed) in (IN_VAIN, IN_VAIN + 1)  # two threads send


def test_many_files_are_asked_about_at_once(service: MemoryService, tmp_path: Path) -> None:
    """A question costs a round trip: there is one for some dozens of files."""
    send(service, *(entry_of(tmp_path / f"{n}.exr", bytes([n]) * SMALLEST) for n in range(2 * QUESTION)))
    assert service.asked == [QUESTION, QUESTION]


@pytest.mark.parametrize("call", ["bases", "signature", "put"])
def test_a_line_that_is_down_is_no_reason_to_send_more(service: MemoryService, tmp_path: Path, call: str) -> None:
    """A service that cannot be reached stops the upload, as it does everywhere: the submission waits."""
    service.trouble[call] = ServiceUnreachable("away")
    with pytest.raises(ServiceUnreachable):
        send(service, entry_of(tmp_path / "shot.blend", EDITED))
    assert service.sent_whole == []


@pytest.mark.parametrize("block", [b"not what was asked for", bytes(1 << 20)], ids=["damaged", "endless"])
def test_a_damaged_list_of_chunks_goes_whole(service: MemoryService, tmp_path: Path, block: bytes) -> None:
    """What came damaged, or would not end, is no reason to fail."""

    class Damaged(MemoryService):
        @contextlib.contextmanager
        def signature(self, digest: Digest) -> Iterator[Iterator[bytes]]:
            yield itertools.repeat(block) if len(block) > 100 else iter([block])

    damaged = Damaged(dict(service.objects))
    send(damaged, entry_of(tmp_path / "shot.blend", EDITED))
    assert damaged.sent_whole == [digest_of(EDITED)]


def test_no_room_for_the_difference(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder that is full costs the saving, not the submission."""

    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda *a, **k: Full())
    send(service, entry_of(tmp_path / "shot.blend", EDITED))
    assert service.sent_whole == [digest_of(EDITED)]


def _edit(path: Path) -> None:
    path.write_bytes(DATA)


def _touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [(_edit, FileChanged), (_touch, FileChanged), (Path.unlink, FileVanished)],
    ids=["edited", "touched", "removed"],
)
def test_a_file_that_is_no_longer_what_was_hashed(
    service: MemoryService, tmp_path: Path, meanwhile: Callable[[Path], None], error: type[Exception]
) -> None:
    """A file that was changed since it was hashed fails by name, by this way as by any other."""
    path = tmp_path / "shot.blend"
    entry = entry_of(path, EDITED)
    meanwhile(path)
    with pytest.raises(error, match=r"shot\.blend"):
        send(service, entry)
    assert digest_of(EDITED) not in service.objects


def test_other_bytes_in_the_same_state_are_refused(service: MemoryService, tmp_path: Path) -> None:
    """A file that was changed unseen (same size, same time) is found out by its digest, and fails by name."""
    path = tmp_path / "shot.blend"
    entry = entry_of(path, EDITED)
    path.write_bytes(EDITED[:-1] + b"?")
    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
    with pytest.raises(FileChanged, match=r"shot\.blend"):
        send(service, entry)
    assert digest_of(EDITED) not in service.objects


def test_a_snapshot_is_the_source(service: MemoryService, tmp_path: Path) -> None:
    """The content is read where it lies, and the path as the artist has it finds the base."""
    entry = entry_of(tmp_path / "snapshot", EDITED)
    there = Entry("/show/shot.blend", "file", entry.digest, size=entry.size, mode=0o644, mtime_ns=entry.mtime_ns)
    way, progress = Differences(service), Progress()
    assert way(there, str(tmp_path / "snapshot"), Sink(service), progress)
    assert service.objects[digest_of(EDITED)] == EDITED


def test_cancelled(service: MemoryService, tmp_path: Path) -> None:
    """A submission that is cancelled stops between two chunks."""
    progress = Progress()
    progress.cancel()
    way = Differences(service)
    with pytest.raises(TransferCancelled):
        way(entry_of(tmp_path / "shot.blend", EDITED), "", Sink(service), progress)


def test_without_the_fast_cutter(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cutting would take minutes, files go whole."""
    monkeypatch.setattr(differences, "FAST", False)
    send(service, entry_of(tmp_path / "shot.blend", EDITED))
    assert (service.asked, service.sent_whole) == ([], [digest_of(EDITED)])
