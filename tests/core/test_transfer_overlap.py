"""What is hashed is sent while the rest is hashed; whatever goes wrong with that is left to the plan that follows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conductor_core.api.answers import PartialUpload
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ConductorError, FileVanished, ServiceUnreachable, TransferCancelled
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer import overlap as module
from conductor_core.transfer import parts
from conductor_core.transfer.concurrency import Lanes
from conductor_core.transfer.hash_cache import FileState
from conductor_core.transfer.hashing import HashedFile, hash_file
from conductor_core.transfer.order import sending_order
from conductor_core.transfer.overlap import Overlap
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.upload import SMALL, Readable, ask_missing, execute_upload, plan_upload
from fakes.slow_line import read_slowly


class Store:
    """A store in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked = threading.Event()
        self.fails = False

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        self.asked.set()
        if self.fails:
            raise ServiceUnreachable("away")
        return frozenset(d for d in objects if d not in self.objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        data = body()
        self.objects[digest] = data if isinstance(data, bytes) else b"".join(data)
        return True


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_FILES", 3)


def _hashed(folder: Path, *names: str) -> dict[str, HashedFile]:
    for name in names:
        (folder / name).write_bytes(name.encode())
    return {str(folder / name): hash_file(str(folder / name)) for name in names}


def _large(folder: Path, *names: str) -> dict[str, HashedFile]:
    for name in names:
        (folder / name).write_bytes(name.encode() * SMALL)
    return {str(folder / name): hash_file(str(folder / name)) for name in names}


def test_full_batches_go_while_others_are_hashed(tmp_path: Path) -> None:
    """What the service has then is known; what is left over, and what it had before, is not sent."""
    store, progress = Store(), Progress()
    store.objects[digest_of(b"a")] = b"a"
    with Overlap(store, progress, threads=1) as overlap:
        overlap.take(_hashed(tmp_path, "a", "b", "c"))
        assert store.asked.wait(30)
        while len(overlap.sent()) < 3:
            threading.Event().wait(0.01)
        overlap.take(_hashed(tmp_path, "d"))
    assert overlap.sent() == {digest_of(name) for name in (b"a", b"b", b"c")}
    assert set(store.objects) == overlap.sent()
    assert (progress.counts().objects_sent, progress.counts().bytes_sent, progress.counts().bytes_to_send) == (2, 2, 2)


def test_a_service_that_is_away_is_not_asked_again(tmp_path: Path) -> None:
    """Nothing is raised, nothing counts as sent, and hashing goes on."""
    store = Store()
    store.fails = True
    with Overlap(store, Progress(), threads=1) as overlap:
        overlap.take(_hashed(tmp_path, "a", "b", "c"))
        assert store.asked.wait(30)
        overlap.take(_hashed(tmp_path, "d", "e", "f"))
    assert overlap.sent() == frozenset()


def test_a_file_that_changed_is_left_to_the_plan(tmp_path: Path) -> None:
    """It is not sent under the name of what it was, and who sends it later says so."""
    store = Store()
    hashed = _hashed(tmp_path, "a", "b", "c")
    (tmp_path / "b").write_bytes(b"edited")
    with Overlap(store, Progress(), threads=1) as overlap:
        overlap.take(hashed)
        assert store.asked.wait(30)
    assert digest_of(b"b") not in overlap.sent() | store.objects.keys()


def test_what_is_large_goes_by_the_ways_of_the_plan(tmp_path: Path) -> None:
    """A changed file sends its difference here too: the ways are told what comes, and asked first."""
    store, announced, offered = Store(), list[str](), list[str]()

    def difference(entry: Entry, _place: str, _sink: object, _progress: Progress) -> bool:
        offered.append(entry.digest)
        return True

    names = [letter * SMALL for letter in "abc"]
    files = {}
    for name in names:
        path = tmp_path / name[0]
        path.write_text(name)
        files[str(path)] = hash_file(str(path))
    with Overlap(
        store, Progress(), threads=1, ways=(difference,), expect=lambda e: announced.extend(x.digest for x in e)
    ) as overlap:
        overlap.take(files)
        while len(overlap.sent()) < 3:
            threading.Event().wait(0.01)
    assert sorted(announced) == sorted(offered) == sorted(digest_of(name.encode()) for name in names)
    assert store.objects == {}


def test_large_and_small_files_go_apart(tmp_path: Path) -> None:
    """A few small files do not go because large ones are many: they would make a pack of their own."""
    store = Store()
    large = _large(tmp_path, "x", "y", "z")
    with Overlap(store, Progress(), threads=1) as overlap:
        overlap.take({**_hashed(tmp_path, "a", "b"), **large})
        while len(overlap.sent()) < 3:
            threading.Event().wait(0.01)
        assert overlap.sent() == {h.digest for h in large.values()}
        overlap.take(_hashed(tmp_path, "c"))
        while len(overlap.sent()) < 6:
            threading.Event().wait(0.01)
    assert store.objects.keys() == overlap.sent()


def test_what_is_not_begun_when_the_hashing_ends_is_left_to_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan knows what is wanted first, and has all lanes: what is under way is ended, and no more of its batch is begun."""
    going, waited_for = threading.Event(), threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    class Held(Store):
        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            going.set()
            assert waited_for.wait(60)
            return super().put(digest, body)

    def wait(pool: ThreadPoolExecutor, **options: bool) -> None:
        waited_for.set()
        shutdown(pool, **options)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", wait)
    store, progress = Held(), Progress()
    with Overlap(store, progress, threads=1) as overlap:
        overlap.take(_large(tmp_path, "x", "y", "z"))
        assert going.wait(30)
    assert len(overlap.sent()) == len(store.objects) == 1
    assert (progress.counts().objects_to_send, progress.counts().objects_sent) == (1, 1)


class SlowParts(Store):
    """A store that takes large files in parts, over a line that is so slow that parts wait until they are let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[int, bytes] = {}
        #: what came, in its order: numbers of parts, and digests of other objects
        self.came: list[int | str] = []
        self.under_way, self.go_on = threading.Semaphore(0), threading.Event()
        self._one = threading.Lock()

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        with self._one:
            self.came.append(digest)
        return super().put(digest, body)

    def begin_upload(self, digest: str, size: int) -> PartialUpload:
        return PartialUpload("u", SMALL, tuple(self.parts))

    def put_part(self, upload: PartialUpload, number: int, digest: Digest, body: Callable[[], Readable]) -> None:
        self.under_way.release()
        assert self.go_on.wait(60)
        data = b"".join(body())
        with self._one:
            self.parts[number] = data
            self.came.append(number)

    def end_upload(self, upload: PartialUpload) -> int | None:
        whole = b"".join(self.parts[n] for n in sorted(self.parts))
        self.objects[digest_of(whole)] = whole
        return None


def test_a_large_file_under_way_gives_way_to_what_comes_earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun ahead, it leaves off between two parts: the scene goes before the rest of it, and no byte goes twice."""
    monkeypatch.setattr(module, "BATCH_BYTES", SMALL)
    monkeypatch.setattr(parts, "LARGE", 8 * SMALL)
    shutdown = ThreadPoolExecutor.shutdown
    store, progress, lanes = SlowParts(), Progress(), Lanes(start=1, most=1)

    def wait(pool: ThreadPoolExecutor, **options: bool) -> None:
        if pool._thread_name_prefix == "overlap":  # the hashing has ended
            store.go_on.set()
        shutdown(pool, **options)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", wait)
    simulated, scene = tmp_path / "sim.abc", tmp_path / "shot.ma"
    simulated.write_bytes(b"".join(bytes([n]) * SMALL for n in range(9)))
    scene.write_bytes(b"scene" * SMALL)
    files = {str(path): hash_file(str(path)) for path in (simulated, scene)}
    with Overlap(store, progress, threads=1, lanes=lanes) as overlap:
        overlap.take({str(simulated): files[str(simulated)]})
        for _ in range(parts.PARTS_AT_ONCE):
            assert store.under_way.acquire(timeout=60)
    ahead = len(store.came)
    assert ahead == parts.PARTS_AT_ONCE
    assert (overlap.sent(), progress.counts().bytes_sent) == (frozenset(), 0)
    entries = [Entry(p, "file", h.digest, size=h.state.size, mtime_ns=h.state.mtime_ns) for p, h in files.items()]
    manifest = make_manifest(Flavour.POSIX, entries)
    plan = plan_upload(manifest, ask_missing(manifest, store)).sorted_by(
        lambda some: sending_order(some, scene=str(scene), frames={})
    )
    execute_upload(plan, store, progress, threads=1, lanes=lanes)
    assert store.came[ahead] == files[str(scene)].digest
    assert sorted(n for n in store.came if isinstance(n, int)) == list(range(1, 10))
    assert store.objects.keys() == {h.digest for h in files.values()}
    assert progress.counts().bytes_sent == sum(h.state.size for h in files.values())


def test_what_ends_the_hashing_ends_the_sending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the end of a large file to hear that another one is gone."""
    monkeypatch.setattr(module, "BATCH_BYTES", SMALL)
    going, ended = threading.Event(), list[ConductorError | None]()

    class Slow(Store):
        def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
            ended.append(read_slowly(body(), going))
            raise ServiceUnreachable("broken off")

    files = _large(tmp_path, "x")
    progress = Progress()
    with contextlib.suppress(FileVanished), Overlap(Slow(), progress, threads=1) as overlap:
        overlap.take(files)
        assert going.wait(30)
        raise FileVanished("gone")
    assert [type(e) for e in ended] == [TransferCancelled]
    assert not progress.cancelled(), "the submission fails by its file; nobody cancelled it"


def test_without_a_service_nothing_is_held(tmp_path: Path) -> None:
    """Files are hashed for a submission that waits."""
    with Overlap(None, Progress(), threads=1) as overlap:
        overlap.take({"/a": HashedFile(digest_of(b"a"), FileState(1, 1, 1), 0)})
    assert overlap.sent() == frozenset()
