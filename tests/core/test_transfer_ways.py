"""What is sent how: the first way that suits takes an object, and small ones are not offered to any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from conductor_core.digest import Digest, digest_of
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.upload import SMALL, ObjectSink, Readable, execute_upload, plan_upload, send_whole


class NamingSink:
    """A store that keeps names alone."""

    def __init__(self) -> None:
        self.put_names: list[str] = []

    def missing(self, objects: Mapping[Digest, int]) -> frozenset[Digest]:
        return frozenset(objects)

    def put(self, digest: str, body: Callable[[], Readable | bytes]) -> bool:
        self.put_names.append(digest)
        return True


def test_the_first_way_that_suits_sends(tmp_path: Path) -> None:
    """A way that does not suit leaves an object to the next; small objects are not worth asking."""
    entries = []
    for name, size in (("small", SMALL - 1), ("large", SMALL), ("huge", SMALL + 1)):
        (tmp_path / name).write_bytes(bytes(size))
        found = (tmp_path / name).stat()
        entries.append(Entry(str(tmp_path / name), "file", digest_of(bytes(size)), size=size, mtime_ns=found.st_mtime_ns))
    offered: list[str] = []

    def only_the_huge(entry: Entry, place: str, sink: ObjectSink, progress: Progress) -> bool:
        offered.append(Path(place or entry.path).name)
        return entry.size > SMALL

    manifest = make_manifest(Flavour.POSIX, entries)
    sink, progress = NamingSink(), Progress()
    plan = plan_upload(manifest, manifest.objects())
    execute_upload(plan, sink, progress, threads=1, ways=(only_the_huge, send_whole))
    assert offered == ["huge", "large"]
    assert sink.put_names == [entries[1].digest, entries[0].digest]
    assert progress.counts().objects_sent == 3
