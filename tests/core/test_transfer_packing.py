"""Small files go together, and each is still the file that was hashed, or is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch, FileChanged, FileVanished, NotFound, Refused, TransferError
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packing import PACK_BYTES, PACK_MEMBERS
from conductor_core.transfer.packs import MAX_PACK_BYTES, pack_size, read_pack
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.upload import SMALL, Readable, execute_upload, loads_of, plan_upload


class PackStore:
    """A store in memory that takes packs, and checks them as the service does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.packs: list[int] = []
        self.puts = 0
        #: of the first body, bytes after which it breaks off
        self.breaks_after = 0
        self.before: Callable[[], None] = lambda: None
        self.takes_packs = True

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        return frozenset(objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        data = body()
        self.objects[digest] = data if isinstance(data, bytes) else b"".join(data)
        self.puts += 1
        return True

    def put_pack(self, body: Callable[[], Readable | bytes]) -> None:
        if not self.takes_packs:
            raise NotFound("no such address")
        if self.breaks_after:
            first = body()
            assert not isinstance(first, bytes)
            first.read(self.breaks_after)
        data = body()
        try:
            members = list(read_pack([data] if isinstance(data, bytes) else data))
        except ContentMismatch as exc:
            raise Refused(f"{exc.path} does not hash to its name", code="wrong-content", status=422) from exc
        self.objects.update({row.digest: bytes(content) for row, content in members})
        self.packs.append(len(members))


def _files(folder: Path, *contents: bytes) -> Manifest:
    entries = []
    for number, data in enumerate(contents):
        path = folder / f"{number:05}"
        path.write_bytes(data)
        found = path.stat()
        entries.append(Entry(str(path), "file", digest_of(data), size=len(data), mtime_ns=found.st_mtime_ns))
    return make_manifest(Flavour.POSIX, entries)


def _send(manifest: Manifest, store: PackStore, *, places: Mapping[str, str] | None = None) -> Progress:
    progress = Progress()
    execute_upload(plan_upload(manifest, manifest.objects(), places=places), store, progress, threads=1)
    return progress


def test_small_files_go_together(tmp_path: Path) -> None:
    """One request for all of them, a file without bytes among them; a large one goes by itself; all are counted."""
    contents = (b"", b"one", b"two", bytes(SMALL))
    store = PackStore()
    counts = _send(_files(tmp_path, *contents), store).counts()
    assert (store.packs, store.puts) == ([3], 1)
    assert store.objects == {digest_of(data): data for data in contents}
    assert (counts.objects_sent, counts.bytes_sent) == (4, SMALL + 6)


def test_a_lone_small_file_needs_no_pack(tmp_path: Path) -> None:
    """It goes as it is."""
    store = PackStore()
    _send(_files(tmp_path, b"alone"), store)
    assert (store.packs, store.puts) == ([], 1)


def test_packs_are_filled_and_closed() -> None:
    """By their bytes, or by their members; each goes in the place of its first."""
    large = PACK_BYTES // 32
    sizes = [large] * 40 + [SMALL] + [1] * (PACK_MEMBERS + 5)
    loads = list(loads_of(Entry(f"/{n}", size=size) for n, size in enumerate(sizes)))
    assert [len(load) for load in loads] == [32, PACK_MEMBERS, 1, 13]
    assert [e.size for e in loads[2]] == [SMALL]


def test_a_pack_is_never_more_than_a_service_takes() -> None:
    """Nor is one that a last member overfills."""
    members = PACK_MEMBERS - 1
    sizes = [*[(PACK_BYTES - 1) // members] * members, SMALL - 1]
    (load,) = loads_of(Entry(f"/{n}", size=size) for n, size in enumerate(sizes))
    assert pack_size([e.size for e in load]) <= MAX_PACK_BYTES


def test_a_service_without_packs_gets_them_one_by_one(tmp_path: Path) -> None:
    """An older service has all the files in the end."""
    store = PackStore()
    store.takes_packs = False
    counts = _send(_files(tmp_path, b"one", b"two"), store).counts()
    assert (store.puts, counts.objects_sent, counts.bytes_sent) == (2, 2, 6)


def test_a_pack_that_broke_off_is_counted_once(tmp_path: Path) -> None:
    """It is sent again from its beginning, and what the failed attempt had sent does not count."""
    store = PackStore()
    store.breaks_after = 1000
    assert _send(_files(tmp_path, b"a" * 5000, b"b" * 5000), store).counts().bytes_sent == 10_000


CHANGES: dict[str, tuple[Callable[[Path], object], type[TransferError]]] = {
    "edited": (lambda p: p.write_bytes(b"other than it was"), FileChanged),
    "cut": (lambda p: os.truncate(p, 1), FileChanged),
    "gone": (lambda p: p.unlink(), FileVanished),
    "edited with the same size and time": (lambda p: _same_stat(p), FileChanged),
}


@pytest.mark.parametrize(("change", "error"), CHANGES.values(), ids=CHANGES)
def test_a_small_file_that_changed_is_named(tmp_path: Path, change: Callable[[Path], object], error: type[TransferError]) -> None:
    """Nothing of the pack is kept, and nothing counts as sent."""
    manifest, store, progress = _files(tmp_path, b"first", b"second", b"third"), PackStore(), Progress()
    change(tmp_path / "00001")
    with pytest.raises(error) as caught:
        execute_upload(plan_upload(manifest, manifest.objects()), store, progress, threads=1)
    assert caught.value.path == str(tmp_path / "00001")
    assert store.objects == {}
    assert progress.counts().bytes_sent == 0


def test_the_snapshot_is_sent_for_its_path(tmp_path: Path) -> None:
    """A small scene whose content was kept elsewhere goes with that content; a snapshot that is gone is said to be."""
    manifest = _files(tmp_path, b"scene as it was", b"texture")
    kept = tmp_path / "kept"
    (tmp_path / "00000").rename(kept)
    (tmp_path / "00000").write_bytes(b"edited since")
    places = {str(tmp_path / "00000"): str(kept)}
    store = PackStore()
    _send(manifest, store, places=places)
    assert set(store.objects) == {digest_of(b"scene as it was"), digest_of(b"texture")}
    kept.unlink()
    with pytest.raises(TransferError, match="snapshot"):
        _send(manifest, PackStore(), places=places)


def _same_stat(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"SECOND")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
