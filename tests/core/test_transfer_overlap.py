"""What is hashed is sent while the rest is hashed; whatever goes wrong with that is left to the plan that follows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ConductorError, FileVanished, ServiceUnreachable, TransferCancelled
from conductor_core.manifest import Entry
from conductor_core.transfer import overlap as module
from conductor_core.transfer.hash_cache import FileState
from conductor_core.transfer.hashing import HashedFile, hash_file
from conductor_core.transfer.overlap import Overlap
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.upload import SMALL, Readable
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
