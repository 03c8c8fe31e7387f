"""Files laid out as their manifest says, from a cache that never gives wrong bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch, NotFound, ServiceUnreachable
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import ClientPath, Flavour
from conductor_service.runner.cache import ContentCache, Variant
from conductor_service.runner.errors import StagingFailed, TaskFailed, WorkFolderInUse
from conductor_service.runner.materialise import execute_stage
from conductor_service.runner.placing import Method, can_reflink, place
from conductor_service.runner.stage import StagedFolder, plan_stage
from conductor_service.runner.stages import ensure_folder
from conductor_service.runner.work_folder import WorkFolder
from conductor_service.trees import remove_tree

TIME = 1_600_000_000_123_456_789
WOOD = b"wood" * 1000


def variant(data: bytes = WOOD, mode: int = 0o640, mtime_ns: int = TIME) -> Variant:
    return Variant(digest_of(data), len(data), mode, mtime_ns)


def entry(path: str, data: bytes = WOOD, mode: int = 0o640, mtime_ns: int = TIME) -> Entry:
    return Entry(path, "file", digest_of(data), len(data), mode, mtime_ns)


class Ticks:
    """A clock that goes on by a second at each look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 10**9
        return self.now


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache", limit_bytes=3 * len(WOOD), clock_ns=Ticks())


class Objects:
    """What the service would send, and how often it was asked."""

    def __init__(self, *objects: bytes) -> None:
        self.objects = {digest_of(data): data for data in objects}
        self.asked: list[str] = []
        self.failures: list[Exception] = []

    def __call__(self, digest: Digest) -> Iterator[bytes]:
        self.asked.append(digest)
        if self.failures:
            raise self.failures.pop(0)
        data = self.objects[digest]
        yield data[:100]
        yield data[100:]


def lay_out(entries: list[Entry], folder: Path, cache: ContentCache, fetch: Objects, method: Method = "hardlink") -> Path:
    plan = plan_stage(Manifest(Flavour.POSIX, tuple(entries)))
    execute_stage(plan, folder, cache=cache, fetch=fetch, method=method)
    return folder


@pytest.mark.parametrize("method", ["hardlink", "copy", "reflink"])
def test_each_path_has_the_content_mode_and_time_of_its_entry(tmp_path: Path, cache: ContentCache, method: Method) -> None:
    """One content under two modes and two times lies twice, each as its entry says; it is fetched once."""
    fetch = Objects(WOOD, b"")
    entries = [
        entry("/job/a.png"),
        entry("/job/b.png", mode=0o755, mtime_ns=TIME + 7),
        entry("/job/empty", b""),
        Entry("/job/deep", "directory", mode=0o750, mtime_ns=TIME),
        entry("/job/deep/down/c.png"),
        Entry("/job/none", "directory", mode=0o555, mtime_ns=TIME + 1),
        Entry("/job/link", "symlink", target="../anywhere", mtime_ns=TIME + 2),
    ]
    stage = lay_out(entries, tmp_path / "stage", cache, fetch, method)
    assert (stage / "job/a.png").read_bytes() == WOOD == (stage / "job/b.png").read_bytes()
    facts = {
        name: (stage / "job" / name).lstat() for name in ("a.png", "b.png", "empty", "deep", "deep/down/c.png", "none", "link")
    }
    assert {n: stat.S_IMODE(f.st_mode) for n, f in facts.items() if n not in ("link",)} == {
        "a.png": 0o640,
        "b.png": 0o755,
        "empty": 0o640,
        "deep": 0o750,
        "deep/down/c.png": 0o640,
        "none": 0o755,
    }
    assert [f.st_mtime_ns - TIME for f in facts.values()] == [0, 7, 0, 0, 0, 1, 2]
    assert os.readlink(stage / "job/link") == "../anywhere"
    assert sorted(fetch.asked) == sorted(fetch.objects)


def test_a_second_stage_fetches_nothing(tmp_path: Path, cache: ContentCache) -> None:
    """What the cache has, with whatever mode and time, is not asked for again."""
    fetch = Objects(WOOD)
    lay_out([entry("/job/a.png")], tmp_path / "one", cache, fetch)
    lay_out([entry("/job/a.png"), entry("/x/b.png", mode=0o600, mtime_ns=5)], tmp_path / "two", cache, fetch)
    assert len(fetch.asked) == 1


def test_wrong_bytes_are_never_kept(tmp_path: Path, cache: ContentCache) -> None:
    """Content that does not hash to its name is asked for again, and is an error when it stays wrong."""
    fetch = Objects(WOOD)
    fetch.objects[digest_of(WOOD)] = b"other" * 800
    with pytest.raises(StagingFailed, match="where sha256"):
        lay_out([entry("/job/a.png")], tmp_path / "stage", cache, fetch)
    assert len(fetch.asked) == 3
    assert cache.find_any(digest_of(WOOD), len(WOOD)) is None
    with pytest.raises(ContentMismatch):
        cache.add(variant(), [b"x"])
    assert not list((tmp_path / "cache").glob("incoming-*"))


def test_a_transfer_that_broke_off_is_tried_again(tmp_path: Path, cache: ContentCache) -> None:
    """A connection lost in the middle costs one more request."""
    fetch = Objects(WOOD)
    fetch.failures = [ServiceUnreachable("cut")]
    stage = lay_out([entry("/job/a.png")], tmp_path / "stage", cache, fetch)
    assert (stage / "job/a.png").read_bytes() == WOOD


def test_an_object_that_the_service_lacks_is_a_missing_file(tmp_path: Path, cache: ContentCache) -> None:
    """The cause says that a file is missing; what else was to be fetched is dropped."""
    fetch = Objects(WOOD)
    fetch.failures = [NotFound("no such object", status=404)] * 9
    with pytest.raises(StagingFailed) as failure:
        lay_out([entry(f"/job/{n}", bytes([n])) for n in range(50)], tmp_path / "stage", cache, fetch)
    assert failure.value.cause == "missing-file"
    assert len(fetch.asked) < 50


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"x" * len(WOOD)),
        lambda path: os.truncate(path, 10),
        lambda path: path.chmod(0o600),
        lambda path: os.utime(path),
        lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
    ],
    ids=["written to", "cut off", "other mode", "other time", "swapped for a link"],
)
def test_a_damaged_cache_file_is_fetched_again(tmp_path: Path, cache: ContentCache, damage) -> None:  # type: ignore[no-untyped-def]
    """A cache file whose seal is broken is thrown away, and never laid out."""
    fetch = Objects(WOOD)
    damage(cache.add(variant(), [WOOD]))
    stage = lay_out([entry("/job/a.png")], tmp_path / "stage", cache, fetch)
    assert (stage / "job/a.png").read_bytes() == WOOD
    assert len(fetch.asked) == 1


def test_the_cache_evicts_what_was_unused_longest_and_is_not_in_use(tmp_path: Path, cache: ContentCache) -> None:
    """Over its limit it drops the oldest objects, but none that a stage links to."""
    datas = [bytes([n]) * len(WOOD) for n in range(5)]
    fetch = Objects(*datas)
    stage = lay_out([entry("/job/0", datas[0])], tmp_path / "stage", cache, fetch)
    for data in datas[1:]:
        cache.add(variant(data), [data])
        cache.touch([digest_of(data)])
    cache.touch([digest_of(datas[1])])
    freed = cache.shrink()
    assert freed == 2 * len(WOOD)
    kept = [n for n, data in enumerate(datas) if cache.find_any(digest_of(data), len(data))]
    assert kept == [0, 1, 4]
    assert (stage / "job/0").read_bytes() == datas[0]


def test_leftovers_of_a_crash_are_swept(tmp_path: Path) -> None:
    """A half-written object of a killed runner is gone when the cache is opened again."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "incoming-abc").write_bytes(b"half")
    ContentCache(folder, limit_bytes=1, clock_ns=Ticks())
    assert not list(folder.iterdir())


def test_no_hard_link_across_file_systems(tmp_path: Path, cache: ContentCache) -> None:
    """Where a link cannot be made (here: too many, as ext4 has it at 65,000) the file is copied."""
    source = cache.add(variant(), [WOOD])

    assert place(source, tmp_path / "a", variant(), "hardlink") == "hardlink"
    shared = Path("/dev/shm")
    if shared.is_dir() and shared.stat().st_dev != tmp_path.stat().st_dev:
        target = shared / f"conductor-test-{os.getpid()}"
        try:
            assert place(source, target, variant(), "hardlink") == "copy"
            assert target.lstat().st_mtime_ns == TIME
        finally:
            target.unlink()
    with pytest.raises(FileNotFoundError):
        place(source, tmp_path / "no" / "folder", variant(), "hardlink")


def test_reflinks_are_tried_and_leave_nothing(tmp_path: Path) -> None:
    """The probe answers by trying; either way the folder is as before."""
    assert can_reflink(tmp_path) in (True, False)
    assert not list(tmp_path.iterdir())


def test_a_windows_client_s_drives_stay_apart() -> None:
    r"""`C:\a` and `D:\a` are two places; files without a mode can be read and written by their owner."""
    entries = [entry("C:\\a\\x.png", mode=0), entry("D:\\a\\x.png"), entry("\\\\server\\share\\x.png")]
    plan = plan_stage(make_manifest(Flavour.WINDOWS, entries))
    assert sorted(f.path for f in plan.files) == ["C/a/x.png", "D/a/x.png", "UNC/server/share/x.png"]
    assert variant(mode=0).permissions == 0o644
    assert variant(mode=0o4755).permissions == 0o755


def test_files_sent_by_the_path_of_a_link_get_a_real_folder() -> None:
    """An entry beneath a symlink makes that a folder: writing through the link would leave the stage."""
    entries = [Entry("/job/tex", "symlink", target="/etc"), entry("/job/tex/passwd")]
    plan = plan_stage(Manifest(Flavour.POSIX, tuple(entries)))
    assert plan.links == ()
    assert plan.folders == (StagedFolder("job"), StagedFolder("job/tex"))


BAD = {
    "a file that is a folder too": [entry("/job/a"), entry("/job/a/b")],
    "relative": [entry("job/a")],
    "climbing": [entry("/../../etc/passwd")],
    "no digest": [Entry("/job/a", digest="md5:1")],
    "the root as a file": [entry("/")],
}


@pytest.mark.parametrize("entries", BAD.values(), ids=BAD.keys())
def test_a_manifest_that_cannot_be_laid_out_is_refused(entries: list[Entry]) -> None:
    """The error names the path."""
    with pytest.raises(StagingFailed, match="cannot be laid out"):
        plan_stage(Manifest(Flavour.POSIX, tuple(entries)))


def test_a_full_disk_is_named(tmp_path: Path, cache: ContentCache) -> None:
    """No space while laying out is the cause disk-full."""

    def full(digest: Digest) -> Iterator[bytes]:
        raise OSError(28, "No space left on device")
        yield b""

    plan = plan_stage(make_manifest(Flavour.POSIX, [entry("/job/a")]))
    with pytest.raises(StagingFailed) as failure:
        execute_stage(plan, tmp_path / "stage", cache=cache, fetch=full, method="copy")
    assert failure.value.cause == "disk-full"


@pytest.mark.parametrize("method", ["hardlink", "copy"])
def test_a_name_that_the_disk_does_not_take_is_the_artist_s(tmp_path: Path, cache: ContentCache, method: Method) -> None:
    """The error names the artist's file, not a place on the instance, and nobody tries it again: it would fail again."""
    plan = plan_stage(make_manifest(Flavour.POSIX, [entry("/job/" + "x" * 256)]))
    with pytest.raises(StagingFailed, match=r"^/job/x+: cannot be laid out on the instance \(File name too long\)") as failure:
        execute_stage(plan, tmp_path / "stage", cache=cache, fetch=Objects(WOOD), method=method)
    assert failure.value.cause == "missing-file"


def test_a_name_that_is_neither_text_nor_bytes_is_refused() -> None:
    """Windows has such names, Linux does not; a byte that is no text is a name of Linux."""
    plan_stage(Manifest(Flavour.POSIX, (entry("/job/no\udcff"),)))
    with pytest.raises(StagingFailed, match=r"half.\\ud800: cannot be laid out") as failure:
        plan_stage(Manifest(Flavour.WINDOWS, (entry("C:\\half \ud800"),)))
    assert failure.value.cause == "missing-file"


def test_an_output_folder_in_the_stage_is_a_real_folder(tmp_path: Path) -> None:
    """A link on its way gives way, a file is an error; the folder above keeps its time."""
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "render").symlink_to("/etc")
    (tmp_path / "job" / "file").write_text("x")
    os.utime(tmp_path / "job", ns=(TIME, TIME))
    folder = ensure_folder(tmp_path, ClientPath.parse("/job/new/deep", Flavour.POSIX))
    assert folder.is_dir()
    assert (tmp_path / "job").stat().st_mtime_ns == TIME
    ensure_folder(tmp_path, ClientPath.parse("/job/render/beauty", Flavour.POSIX))
    assert not (tmp_path / "job" / "render").is_symlink()
    with pytest.raises(TaskFailed, match="a file of the job has that name"):
        ensure_folder(tmp_path, ClientPath.parse("/job/file/deep", Flavour.POSIX))


def test_a_work_folder_has_one_runner(tmp_path: Path) -> None:
    """A second runner is refused with a sentence; what a killed one left is swept, read-only folders too."""
    first = WorkFolder(tmp_path / "work")
    first.open()
    with pytest.raises(WorkFolderInUse, match="--work-folder"):
        WorkFolder(tmp_path / "work").open()
    stale = first.stages / "1" / "ro"
    stale.mkdir(parents=True)
    (stale / "x").write_text("x")
    stale.chmod(0o500)
    first.close()
    first.open()
    assert not list(first.stages.iterdir())
    assert first.room().bytes > 0
    first.close()
    remove_tree(tmp_path / "not there")
