"""What the folder store promises about a disk: crashes, damage, links, rights, and no room."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import conductor_core
import conductor_service.store
import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import ContentMismatch, TransferError
from conductor_service.store import FolderStore, ObjectMissing, ObjectUnreadable, StoreFull, StoreUnwritable, VerifyingStore
from conductor_service.store.errors import writing_error

BODY = b"frame" * 500_000
DIGEST = digest_of(BODY)
Require = Callable[[object, str], None]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
PYTHONPATH = os.pathsep.join(
    str(Path(m.__file__ or "").parents[n]) for m, n in ((conductor_core, 1), (conductor_service.store, 2))
)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """Give a store that holds BODY."""
    made = FolderStore(tmp_path / "store")
    made.write(DIGEST, [BODY], len(BODY))
    return made


def object_path(store: FolderStore, digest: Digest = DIGEST) -> Path:
    return store.root / "objects" / digest[7:9] / digest[7:]


def leftovers(store: FolderStore) -> list[Path]:
    return list((store.root / "tmp").iterdir())


def test_layout(store: FolderStore) -> None:
    """An object is the file objects/ab/<hex>; nothing is left aside."""
    assert object_path(store).read_bytes() == BODY
    assert leftovers(store) == []


@posix
def test_only_the_owner_may_read(store: FolderStore) -> None:
    """Files have mode 0600 and folders 0700, whatever the umask."""
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in store.root.rglob("*")}
    assert {m for p, m in modes.items() if p.is_dir()} == {0o700}
    assert {m for p, m in modes.items() if p.is_file()} == {0o600}
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_objects_outlive_the_store(store: FolderStore) -> None:
    """A store opened again on the same folder has the same objects."""
    again = FolderStore(store.root)
    assert b"".join(again.read(DIGEST)) == BODY
    assert list(again.digests()) == [DIGEST]


_HALF_A_WRITE = """
import sys
from pathlib import Path
from conductor_core.digest import Digest
from conductor_service.store import FolderStore

def half():
    yield b"frame" * 250_000
    print("half", flush=True)
    sys.stdin.read()

FolderStore(Path(sys.argv[1])).write(Digest(sys.argv[2]), half(), 2_500_000)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give another process that has written half of BODY into the store and waits."""
    command = [sys.executable, "-c", _HALF_A_WRITE, str(tmp_path / "store"), DIGEST]
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        yield process
        process.kill()


def test_killed_in_the_middle(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    """A writer killed half-way leaves no visible object, and the next start sweeps what it had written."""
    writer.kill()
    writer.wait()
    assert len(list((tmp_path / "store" / "tmp").iterdir())) == 1
    store = FolderStore(tmp_path / "store")
    assert store.swept == 1
    assert leftovers(store) == []
    assert store.size(DIGEST) is None
    assert list(store.digests()) == []
    assert store.write(DIGEST, [BODY], len(BODY)) is True


def test_a_living_writer_is_not_swept(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    """A second service on the same folder leaves alone what the first is just writing."""
    store = FolderStore(tmp_path / "store")
    assert store.swept == 0
    assert len(leftovers(store)) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9")
def test_killed_at_random_instants(tmp_path: Path) -> None:
    """Whenever a process that writes object after object is killed, each visible object is whole."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom conductor_core.digest import digest_of\n"
        "from conductor_service.store import FolderStore\n"
        "store = FolderStore(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    data = b'%d' % n * 5000\n"
        "    store.write(digest_of(data), [data[:999], data[999:]], len(data))\n"
        "    print(n, flush=True)\n"
    )
    root = tmp_path / "store"
    for delay in (0.0, 0.011, 0.023):
        env = {**os.environ, "PYTHONPATH": PYTHONPATH}
        command = [sys.executable, "-c", script, str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=env) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
    store = FolderStore(root)
    found = list(store.digests())
    assert found
    for digest in found:
        list(VerifyingStore(store).read(digest))
    assert leftovers(store) == []


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda b: b[:-1], id="truncated"),
        pytest.param(lambda b: b"F" + b[1:], id="first-byte"),
        pytest.param(lambda b: b[:-1] + b"E", id="last-byte"),
        pytest.param(lambda b: b + b"e", id="longer"),
        pytest.param(lambda b: b"", id="emptied"),
    ],
)
@pytest.mark.parametrize("offset", [0, 2_000_000])
def test_damage_is_found_while_reading(store: FolderStore, damage: object, offset: int) -> None:
    """A damaged object ends in an error before its last piece is given, from any offset."""
    assert callable(damage)
    object_path(store).write_bytes(damage(BODY))
    given: list[bytes] = []
    with pytest.raises(ContentMismatch, match=DIGEST):
        given.extend(VerifyingStore(store).read(DIGEST, offset))
    assert sum(map(len, given)) < len(BODY) - offset
    assert store.size(DIGEST) is None, "what was found damaged is missing from then on"
    assert list(store.digests()) == []
    assert (store.root / "damaged" / DIGEST.removeprefix("sha256:")).read_bytes() == damage(BODY)


def test_a_read_far_behind_the_start_begins_at_once(store: FolderStore) -> None:
    """Resuming a huge object does not wait until all before it is hashed; what is nearer is hashed."""
    object_path(store).write_bytes(b"F" + BODY[1:])
    verifying = VerifyingStore(store, longest_skip=1000)
    assert b"".join(verifying.read(DIGEST, 1001)) == BODY[1001:]
    assert store.size(DIGEST) is not None
    with pytest.raises(ContentMismatch):
        list(verifying.read(DIGEST, 1000))


def test_uploading_again_repairs(store: FolderStore) -> None:
    """A damaged object is replaced by the right bytes when somebody sends them."""
    object_path(store).write_bytes(b"X" + BODY[1:])
    store.write(DIGEST, [BODY], len(BODY))
    assert b"".join(VerifyingStore(store).read(DIGEST)) == BODY


def test_gone_while_being_read(store: FolderStore) -> None:
    """An object deleted under a reader is read to its end: the reader has it open."""
    reader = store.read(DIGEST)
    if sys.platform != "win32":
        store.delete(DIGEST)
    assert b"".join(reader) == BODY


@posix
def test_links_are_not_followed(store: FolderStore, tmp_path: Path) -> None:
    """A link in the place of an object is no object: not read, not counted, and replaced by a write."""
    secret = tmp_path / "secret"
    secret.write_bytes(BODY)
    path = object_path(store)
    path.unlink()
    path.symlink_to(secret)
    assert store.size(DIGEST) is None
    assert list(store.digests()) == []
    with pytest.raises(ObjectMissing):
        store.read(DIGEST)
    assert store.write(DIGEST, [BODY], len(BODY)) is True
    assert not path.is_symlink()
    assert secret.exists()


@posix
def test_linked_folders_are_not_followed(store: FolderStore, tmp_path: Path) -> None:
    """A link in the place of a folder of objects is not read through and not written through."""
    shard = object_path(store).parent
    shutil.move(shard, tmp_path / "elsewhere")
    shard.symlink_to(tmp_path / "elsewhere")
    assert store.size(DIGEST) is None
    assert list(store.digests()) == []
    with pytest.raises(ObjectMissing):
        store.read(DIGEST)
    with pytest.raises(TransferError):
        store.write(DIGEST, [BODY], len(BODY))


@posix
def test_sweep_leaves_what_a_link_points_to(tmp_path: Path) -> None:
    """The sweep removes links themselves, keeps folders, and touches nothing outside."""
    outside = tmp_path / "precious"
    outside.write_bytes(b"x")
    store = FolderStore(tmp_path / "store")
    (store.root / "tmp" / "link").symlink_to(outside)
    (store.root / "tmp" / "folder").mkdir()
    os.mkfifo(store.root / "tmp" / "fifo")
    assert FolderStore(store.root).swept == 2
    assert outside.exists()


def test_foreign_files_are_no_objects(store: FolderStore) -> None:
    """Files that somebody else put there are not listed as objects."""
    (store.root / "objects" / "README").write_text("hello")
    (object_path(store).parent / ".DS_Store").write_text("hello")
    assert list(store.digests()) == [DIGEST]


@posix
def test_unreadable_object_says_so(store: FolderStore) -> None:
    """What the disk does not give back is an error that names the object."""
    path = object_path(store)
    path.unlink()
    path.mkdir()
    assert store.size(DIGEST) is None
    with pytest.raises(TransferError):
        store.write(DIGEST, [BODY], len(BODY))
    with pytest.raises(TransferError):
        store.delete(DIGEST)
    assert leftovers(store) == []


def test_root_is_a_file(tmp_path: Path) -> None:
    """A file where the store should be is one clear error."""
    (tmp_path / "store").write_text("x")
    with pytest.raises(TransferError, match="store"):
        FolderStore(tmp_path / "store")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("ENOSPC", StoreFull),
        ("EDQUOT", StoreFull),
        ("EROFS", StoreUnwritable),
        ("EACCES", StoreUnwritable),
        ("EIO", TransferError),
    ],
)
def test_system_errors_become_sentences(number: str, kind: type[TransferError]) -> None:
    """Each error of the disk says where, what, and what to do next."""
    error = writing_error("/srv/store", OSError(getattr(errno, number), os.strerror(getattr(errno, number))))
    assert type(error) is kind
    assert str(error).startswith("/srv/store: ")
    assert error.next_step


_IN_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from conductor_core.digest import digest_of
from conductor_core.errors import TransferError
from conductor_service.store import FolderStore, VerifyingStore

store = FolderStore(Path("/mnt/store"))
small, large = b"s" * 1000, b"l" * 3_000_000
store.write(digest_of(small), [small], len(small))
try:
    store.write(digest_of(large), [large[i:i + 100_000] for i in range(0, len(large), 100_000)], len(large))
except TransferError as exc:
    print(type(exc).__name__)
print(os.listdir("/mnt/store/tmp"), store.size(digest_of(large)), b"".join(VerifyingStore(store).read(digest_of(small))) == small)
"""

_IN_A_READ_ONLY_DISK = """
import sys
from pathlib import Path
from conductor_core.digest import digest_of
from conductor_core.errors import TransferError
from conductor_service.store import FolderStore

store = FolderStore(Path(sys.argv[1]))
print(next(store.digests()) == sys.argv[2], len(b"".join(store.read(sys.argv[2]))))
for act in (lambda: store.check_room(1), lambda: store.write(digest_of(b"x"), [b"x"], 1), lambda: store.delete(sys.argv[2]), lambda: FolderStore(Path(sys.argv[1]) / "no")):
    try:
        act()
    except TransferError as exc:
        print(type(exc).__name__)
"""


def in_sandbox(script: str, *arguments: str, disk: list[str]) -> list[str]:
    command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", *disk, "--setenv", "PYTHONPATH", PYTHONPATH]
    run = subprocess.run(
        [*command, sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_disk_full(require: Require) -> None:
    """On a real file system of 2 MB an object of 3 MB is refused, leaves nothing, and the rest stays readable."""
    require(shutil.which("bwrap"), "bubblewrap is not installed")
    said = in_sandbox(_IN_A_SMALL_DISK, disk=["--size", "2097152", "--tmpfs", "/mnt"])
    assert said == ["StoreFull", "[] None True"]


def test_room_is_asked_for_before_anything_is_written(store: FolderStore) -> None:
    """What fits passes; what does not is told with both sizes; either way nothing is left."""
    store.check_room(len(BODY))
    with pytest.raises(
        StoreFull, match=rf"{store.root}: the store has no room left: {1 << 60:,} bytes are needed, [\d,]+ are free"
    ):
        store.check_room(1 << 60)
    assert leftovers(store) == []


def test_read_only_disk(store: FolderStore, require: Require) -> None:
    """A read-only store is read as ever; each attempt to change it says that it is read-only."""
    require(shutil.which("bwrap"), "bubblewrap is not installed")
    said = in_sandbox(_IN_A_READ_ONLY_DISK, str(store.root), DIGEST, disk=[])
    assert said == [f"True {len(BODY)}", *["StoreUnwritable"] * 4]


def test_without_hard_links(tmp_path: Path) -> None:
    """A file system without hard links keeps objects all the same."""

    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    store = FolderStore(tmp_path / "store", link=refuse)
    assert store.write(DIGEST, [BODY], len(BODY)) is True
    assert store.write(DIGEST, [BODY], len(BODY)) is False
    assert b"".join(store.read(DIGEST)) == BODY
    assert leftovers(store) == []


def test_failing_disk_is_named(tmp_path: Path) -> None:
    """Any other error of the disk is passed on as a sentence, and nothing is left aside."""

    def fail(_source: Path, _target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store = FolderStore(tmp_path / "store", link=fail)
    with pytest.raises(TransferError, match="Input/output error"):
        store.write(DIGEST, [BODY], len(BODY))
    assert leftovers(store) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a file that opens and does not read, as a failing disk")
def test_object_that_does_not_read(store: FolderStore) -> None:
    """An object that the disk does not give back is an error that names it."""
    reader = store.read(DIGEST)
    unreadable = os.open("/proc/self/mem", os.O_RDONLY)
    opened = [int(p.name) for p in Path("/proc/self/fd").iterdir() if os.path.realpath(p) == str(object_path(store))]
    os.dup2(unreadable, opened[0])
    os.close(unreadable)
    with pytest.raises(ObjectUnreadable, match=DIGEST):
        list(reader)
