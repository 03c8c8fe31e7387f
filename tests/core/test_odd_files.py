"""Odd files: each row of docs/transfer-files.md is a case here, by its name."""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.errors import ConductorError, FileChanged, PathError, PlaceUnwritable, TransferError, shown_name
from conductor_core.manifest import Entry, Manifest, parse_manifest
from conductor_core.paths import ClientPath, Flavour, local_flavour
from conductor_core.transfer import hashing, opening, tree
from conductor_core.transfer.download import Wanted, execute_download, part_path
from conductor_core.transfer.hash_cache import HashCache
from conductor_core.transfer.hashing import hash_file, unreadable
from conductor_core.transfer.odd_names import LONGEST_NAME, is_part, require_room
from conductor_core.transfer.opening import WAITS, open_to_read
from conductor_core.transfer.progress import Progress
from conductor_core.transfer.tree import hash_tree, read_tree
from conductor_core.transfer.upload import CheckedFile

DOCUMENT = Path(__file__).parents[2] / "docs" / "transfer-files.md"
posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and any name are posix")


@dataclass(frozen=True)
class World:
    """Where a case makes its files, and what it may change."""

    folder: Path
    patch: pytest.MonkeyPatch
    stack: ExitStack = field(default_factory=ExitStack)

    def write(self, name: str, data: bytes = b"x") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def link(self, name: str, target: str) -> Path:
        path = self.folder / name
        path.symlink_to(target)
        return path


#: makes what is submitted and returns it; None: the folder
Make = Callable[[World], Path | None]


@dataclass(frozen=True)
class Case:
    """What is made, and what comes of it: names and kinds of the manifest, or words of an error."""

    make: Make
    goes: Mapping[str, str] | None = None
    words: str = ""


def locked(name: str = "", winerror: int = 32) -> OSError:
    """Return what Windows says of a file that a program has opened for itself alone."""
    exc = PermissionError(errno.EACCES, "The process cannot access the file because it is being used by another process")
    vars(exc)["winerror"] = winerror  # only Windows has it
    exc.filename = name
    return exc


def _changes(world: World) -> None:
    path = world.write("a.exr", b"before")
    real = hashing._digest_of_handle

    def meddled(handle: int, name: str, size: int, progress: Progress | None) -> Any:
        digest = real(handle, name, size, progress)
        path.write_bytes(b"longer than before")
        return digest

    world.patch.setattr(hashing, "_digest_of_handle", meddled)


def _once(world: World, change: Callable[[Path], object]) -> None:
    """Do something to a file once, while it is read for the first time."""
    path, changes = world.write("a.exr", b"before"), [change]
    real = hashing._digest_of_handle

    def meddled(handle: int, name: str, size: int, progress: Progress | None) -> Any:
        digest = real(handle, name, size, progress)
        if changes:
            time.sleep(0.05)  # file systems count in ticks of their clock
            changes.pop()(path)
        return digest

    world.patch.setattr(hashing, "_digest_of_handle", meddled)


def _changes_under_its_time(world: World) -> None:
    def change(path: Path) -> None:
        before = path.stat()
        path.write_bytes(b"after.")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    _once(world, change)


def _other_rights(world: World) -> None:
    _once(world, lambda path: path.chmod(0o600))


def _met_and_gone(world: World) -> None:
    world.write("a.exr")
    world.patch.setattr(os, "listdir", lambda _: ["a.exr", "saved.tmp"])


def _always_locked(world: World) -> None:
    world.write("a.exr")

    def held(path: str) -> int:
        raise locked(path)

    world.patch.setattr(hashing, "open_to_read", held)


def _locked_in_its_middle(world: World) -> None:
    world.write("a.exr")

    def held(_handle: int, _buffer: memoryview) -> int:
        raise locked(winerror=33)

    world.patch.setattr(hashing, "_read_into", held)


def _forbidden(world: World) -> None:
    world.write("a.exr")

    def refused(path: str) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    world.patch.setattr(hashing, "open_to_read", refused)


def _sparse(world: World) -> None:
    with (world.folder / "cache.vdb").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(1 << 20)
        file.write(b"x")


def _huge(world: World) -> None:
    """Make a file of more than 5 GB in the full run (it takes seconds to hash), and one of more than a block else."""
    with (world.folder / "huge.vdb").open("wb") as file:
        file.truncate((5 << 30) + 1 if os.environ.get("CI") == "true" else (1 << 20) + 1)


def _circle(world: World) -> None:
    world.link("one", "two")
    world.link("two", "one")


def _pipe(world: World) -> None:
    os.mkfifo(world.folder / "pipe")


def _pipe_later(world: World) -> None:
    path = world.write("a.exr")
    real = tree._add

    def replaced(name: str, into: Any) -> list[str]:
        found = real(name, into)
        if name == str(path):
            path.unlink()
            os.mkfifo(path)
        return found

    world.patch.setattr(tree, "_add", replaced)


def _socket(world: World) -> None:
    world.patch.chdir(world.folder)  # the name of a socket has 108 bytes
    world.stack.enter_context(socket.socket(socket.AF_UNIX)).bind("socket")


def _junction(world: World, leads_to: Path) -> None:
    """Let a folder be taken for a junction, as `lstat` of Windows tells it."""
    junction = world.folder / "in" / "junction"
    world.write("in/junction/a.exr")
    real, real_path = os.lstat, os.path.realpath

    def lstat(path: Any) -> Any:
        found = real(path)
        if Path(path) == junction:
            names = [n for n in dir(found) if n.startswith("st_")]
            return SimpleNamespace(**{n: getattr(found, n) for n in names} | {"st_reparse_tag": 0xA0000003})
        return found

    world.patch.setattr(os, "lstat", lstat)
    world.patch.setattr(os.path, "realpath", lambda p: str(leads_to) if Path(p) == junction else real_path(p))


def _junction_up(world: World) -> None:
    _junction(world, world.folder)


def _junction_aside(world: World) -> None:
    _junction(world, world.folder / "inside")


def _hard_link(world: World) -> None:
    os.link(world.write("one", b"same"), world.folder / "two")


def _long_path(world: World) -> None:
    """Make a path of 4,000 bytes, folder by folder, since no call takes so long a name."""
    handle, size = os.open(world.folder, os.O_RDONLY), len(os.fsencode(world.folder))
    while size < 4000:
        name = "d" * min(200, 4000 - size)
        os.mkdir(name, dir_fd=handle)
        handle, former = os.open(name, os.O_RDONLY, dir_fd=handle), handle
        os.close(former)
        size += len(name) + 1
    os.close(handle)


def _junctions_to_each_other(world: World) -> None:
    """Come by one junction to a second one, which leads back to where the first one lies."""
    _junction(world, world.folder)
    former = os.path.realpath
    aside = world.folder / "aside"
    # the folder of the junction is itself reached by another one
    world.patch.setattr(os.path, "realpath", lambda p: str(aside) if Path(p) == world.folder / "in" else former(p))


def _several(*names: str) -> Make:
    def make(world: World) -> None:
        for name in names:
            world.write(name, name.encode(errors="surrogateescape"))

    return make


def _on_windows(world: World) -> None:
    """Have the tree read as Windows would have it, in a folder whose files have names of that kind."""
    world.patch.chdir(world.folder)


def _gone(world: World) -> Path:
    return world.folder / "gone.exr"


def _empty_folder(world: World) -> None:
    (world.folder / "none").mkdir()


def _link_up(world: World) -> None:
    world.write("a")
    world.link("up", ".")


def _file_and_link(world: World) -> None:
    world.write("a")
    world.link("link", "a")


def _dangling(world: World) -> None:
    world.link("link", "nowhere")


NFC, NFD = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
NO_TEXT = os.fsdecode(b"no\xff.png") if os.name == "posix" else ""
FILE = {"a.exr": "file"}
GOING_OUT: dict[str, Case] = {
    "changes while it is read": Case(_changes, words=r"a\.exr: changed while Conductor was reading it\. Wait until"),
    "changes while it is read, its former time put back": Case(_changes_under_its_time, FILE),
    "linked or given other rights while it is read": Case(_other_rights, FILE),
    "gone, and named": Case(_gone, words=r"gone\.exr: was there when the scene was scanned and is gone now\. Restore it"),
    "gone, and met in a folder": Case(_met_and_gone, FILE),
    "locked by a program": Case(_always_locked, words=r"a\.exr: is held by another program, which lets .*\. Wait until it is"),
    "locked in its middle": Case(_locked_in_its_middle, words=r"a\.exr: is held by another program"),
    "may not be read": Case(_forbidden, words=r"a\.exr: may not be read by you\. Ask its owner for the right"),
    "empty file": Case(_several("a.exr"), FILE),
    "empty folder": Case(_empty_folder, {"none": "directory"}),
    "sparse file": Case(_sparse, {"cache.vdb": "file"}),
    "huge file": Case(_huge, {"huge.vdb": "file"}),
    "name that is no text": Case(_several(NO_TEXT), {NO_TEXT: "file"}),
    "line break or control character in a name": Case(_several("a\nb", "\x1b[2J"), {"a\nb": "file", "\x1b[2J": "file"}),
    "trailing dot or blank, from Linux or macOS": Case(_several("dot.", "blank "), {"dot.": "file", "blank ": "file"}),
    "reserved name, from Linux or macOS": Case(_several("CON", "nul.txt"), {"CON": "file", "nul.txt": "file"}),
    "NFC and NFD twins": Case(_several(NFC, NFD), {NFC: "file", NFD: "file"}),
    "case twins, on Linux or macOS": Case(_several("Z.exr", "z.exr"), {"Z.exr": "file", "z.exr": "file"}),
    "symlink": Case(_file_and_link, {"a": "file", "link": "symlink"}),
    "symlink to nothing": Case(_dangling, words="link: is a link to 'nowhere', where there is nothing"),
    "symlinks in a circle": Case(_circle, words="one: is a link to 'two', which leads back to itself. Remove the link"),
    "symlink to a folder above": Case(_link_up, {"a": "file", "up": "symlink"}),
    "junction to a folder above": Case(_junction_up, words="junction: is a junction to .*, in which it lies itself"),
    "junction to another folder": Case(_junction_aside, {"in/junction/a.exr": "file"}),
    "hard link": Case(_hard_link, {"one": "file", "two": "file"}),
    "named pipe": Case(_pipe, words="pipe: is a named pipe, not a file"),
    "named pipe in the place of a file": Case(_pipe_later, words=r"a\.exr: is not a file any more"),
    "socket": Case(_socket, words="socket: is a socket, not a file"),
    "device": Case(lambda _: Path("/dev/null"), words="/dev/null: is a device, not a file"),
    "path too long for an instance": Case(_long_path, words=r"is a path of [34],\d\d\d bytes, and instances have room for 3,900"),
    "frame that is coming home": Case(_several("a.exr", ".b.exr.0123456789abcdef.conductor-part"), FILE),
}
#: read as on Windows; names of a folder here stand for its files
WINDOWS: dict[str, tuple[tuple[str, ...], str]] = {
    "trailing dot or blank, on Windows": (("C:\\t\\a.exr.",), "ends in a dot or blank, which Windows drops"),
    "reserved name, on Windows": (("C:\\t\\nul.txt",), "is a device on Windows"),
    "case twins, on Windows": (("C:\\t\\Z.exr", "C:\\t\\z.exr"), ""),
    "path of more than 260 characters, on Windows": (("C:\\t\\" + "x" * 240,), ""),
    "name too long for an instance": (
        ("C:\\t\\" + "日" * 100,),
        "has a name of 300 bytes in it, and an instance's disk takes 255",
    ),
}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[HashCache]:
    cache = HashCache(tmp_path / "cache.sqlite")
    yield cache
    cache.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "show").mkdir()
    world = World(tmp_path / "show", monkeypatch)
    with world.stack:
        yield world


def _manifest(cache: HashCache, *paths: Path | str) -> Manifest:
    manifest = hash_tree(read_tree(map(str, paths)), cache, Progress(), flavour=local_flavour())
    assert parse_manifest(manifest.to_bytes()) == manifest, "it comes to the service and to the runner as it is"
    return manifest


@posix
@pytest.mark.parametrize("case", GOING_OUT.values(), ids=GOING_OUT.keys())
def test_what_goes_out(world: World, cache: HashCache, case: Case) -> None:
    """Each odd file goes along as the table says, or is refused by its name, with the next step."""
    named = case.make(world) or world.folder
    if case.goes is None:
        with pytest.raises(ConductorError, match=case.words):
            _manifest(cache, named)
        return
    manifest = _manifest(cache, named)
    assert {os.path.relpath(e.path, world.folder): e.kind for e in manifest.entries} == dict(case.goes)
    for entry in manifest.entries:
        if entry.kind == "file" and entry.size < 1 << 30:
            assert entry.digest == digest_of(Path(entry.path).read_bytes())


@posix
def test_junctions_that_lead_to_each_other(world: World, cache: HashCache) -> None:
    """Neither leads to a folder in which it really lies, and together they go round: that is found out, too."""
    _junctions_to_each_other(world)
    with pytest.raises(TransferError, match=r"junction: is a junction to .*, in which it lies itself"):
        _manifest(cache, world.folder)


@posix
@pytest.mark.parametrize(("paths", "words"), WINDOWS.values(), ids=WINDOWS.keys())
def test_what_goes_out_on_windows(world: World, paths: tuple[str, ...], words: str) -> None:
    """What Windows does not have is refused, what it takes for one file is one; here the paths are names in a folder."""
    world.patch.chdir(world.folder)
    if words:
        with pytest.raises((PathError, TransferError), match=words):
            tree._collect(paths, Flavour.WINDOWS)
        return
    for path in paths:
        Path(path).write_bytes(b"x")
    assert list(tree._collect(paths, Flavour.WINDOWS).files) == [paths[0]]


def test_every_row_of_the_table_is_tested() -> None:
    """The documentation and these tests say the same rows, and its words are those that are said."""
    _, out, home = DOCUMENT.read_text().split("\n## Interrupted")[0].split("| --- | --- | --- |")
    assert _first_column(out) == {*GOING_OUT, *WINDOWS}
    assert _first_column(home) == {*COMING_HOME, *BY_THE_RUNNER, *BY_THE_AGENT}


def _first_column(text: str) -> set[str]:
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("| ")]
    return set(rows) - {"what"}


# what the table's sentences rest on


def test_a_lock_that_goes_is_waited_for(world: World) -> None:
    """A virus scanner or a save holds a file for a moment: it is tried again, a little longer each time."""
    path, waits = world.write("a.exr"), list[float]()

    def opener(name: str, flags: int) -> int:
        if len(waits) < 3:
            raise locked(name)
        return os.open(name, flags)

    os.close(open_to_read(str(path), opener=opener, sleep=waits.append))
    assert waits == list(WAITS[:3])


def test_a_lock_that_stays_is_told(world: World) -> None:
    """After about five seconds nobody waits any more."""
    waits = list[float]()

    def opener(name: str, _flags: int) -> int:
        raise locked(name)

    with pytest.raises(PermissionError):
        open_to_read("a.exr", opener=opener, sleep=waits.append)
    assert waits == list(WAITS)
    assert 4 < sum(waits) < 8


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.EIO], ids=errno.errorcode.get)
def test_what_is_no_lock_is_not_waited_for(number: int) -> None:
    """Other errors do not pass by themselves."""

    def opener(_name: str, _flags: int) -> int:
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)):
        open_to_read("a.exr", opener=opener, sleep=lambda _: pytest.fail("it was waited for"))


@pytest.mark.parametrize("number", sorted(opening._LOCKED), ids=errno.errorcode.get)
def test_a_lock_on_a_share_is_told_as_one(number: int) -> None:
    """Linux and macOS say otherwise what Windows calls a sharing violation."""
    assert "is held by another program" in str(unreadable("a.exr", OSError(number, os.strerror(number))))


@posix
def test_a_pipe_in_the_place_of_a_file_holds_up_no_upload(world: World) -> None:
    """A file that became a pipe after it was hashed fails by name; a plain open would wait for a writer for ever."""
    path = world.write("a.exr")
    hashed = hash_file(str(path))
    entry = Entry(str(path), "file", hashed.digest, size=hashed.state.size, mtime_ns=hashed.state.mtime_ns)
    path.unlink()
    os.mkfifo(path)
    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
    with pytest.raises(FileChanged):
        CheckedFile(entry, Progress())


@posix
def test_what_was_met_and_gone_may_still_be_named(world: World, cache: HashCache) -> None:
    """A file that goes while its folder is listed is no loss; one that the scene names is."""
    _met_and_gone(world)
    with pytest.raises(TransferError, match=r"saved\.tmp: was there"):
        read_tree([str(world.folder), str(world.folder / "saved.tmp")])


def test_a_part_is_known_by_its_name(tmp_path: Path) -> None:
    """Every name that a download gathers bytes in is one that is left out."""
    for name in ("a.exr", "x" * LONGEST_NAME):
        assert is_part(part_path(str(tmp_path / name), digest_of(b"x")).name)
    assert not is_part("a.conductor-part.exr")


LIMITS: dict[str, tuple[str, str]] = {
    "name that fits": ("/t/" + "x" * LONGEST_NAME, ""),
    "name of a byte more": ("/t/" + "x" * (LONGEST_NAME + 1), "name of 256 bytes"),
    "name in UTF-8 that fits": ("/t/" + "日" * 85, ""),
    "name in UTF-8 of a byte more": ("/t/" + "日" * 85 + "x", "name of 256 bytes"),
    "path that fits": ("/" + "/".join(["x" * 99] * 39), ""),
    "path of more": ("/" + "/".join(["x" * 99] * 39) + "/x", "path of 3,902 bytes"),
    "bytes that are no text": ("/t/" + "\udcff" * LONGEST_NAME, ""),
}


@pytest.mark.parametrize(("text", "words"), LIMITS.values(), ids=LIMITS.keys())
def test_what_an_instance_has_room_for(text: str, words: str) -> None:
    """Limits are in bytes of UTF-8, as Linux counts."""
    if not words:
        return require_room(ClientPath.parse(text, Flavour.POSIX), text)
    with pytest.raises(TransferError, match=words):
        require_room(ClientPath.parse(text, Flavour.POSIX), text)
    return None


SHOWN = {
    "plain": ("a/b c.exr", "a/b c.exr"),
    "other scripts": ("é日本\u3000.exr", "é日本\u3000.exr"),
    "no text": ("no\udcff.png", r"no\xff.png"),
    "orders to a terminal": ("\x1b[2J\n", r"\x1b[2J\n"),
    "another direction": ("exr\u202egnp", r"exr\u202egnp"),
    "half a character": ("\ud800", r"\ud800"),
}


@pytest.mark.parametrize(("path", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_how_a_name_is_shown(path: str, shown: str) -> None:
    """A sentence can be written anywhere, whatever the name is; the error itself keeps the name as it is."""
    assert shown_name(path) == shown
    error = FileChanged(path)
    str(error).encode()
    assert error.path == path


# coming home


@dataclass(frozen=True)
class Home:
    """What lies in the place of a frame, where it ends, and what is said."""

    make: Callable[[Path], None]
    lies: str | None = None
    words: str = ""


def _newer(place: Path) -> None:
    place.write_bytes(b"newer")


def _folder(place: Path) -> None:
    place.mkdir()


def _nothing(_place: Path) -> None:
    pass


COMING_HOME: dict[str, Home] = {
    "newer work in its place": Home(_newer, "frame.conductor-12.exr"),
    "held open by a viewer": Home(_nothing, words="Make its folder writable, or close the program that holds it open"),
    "being saved at that moment, or not to be read": Home(_newer, words="cannot be replaced: what lies there changes"),
    "folder or pipe in its place": Home(_folder, words="cannot be written: what lies there is no file"),
    "name at the limit": Home(_nothing, "x" * LONGEST_NAME),
}
#: tested in tests/runner/test_hostile_outputs.py, test_collect.py and test_courier_and_publisher.py
BY_THE_RUNNER = (
    "name that the artist's system cannot have",
    "names that the artist's system takes for one",
    "only a hole",
    "socket, pipe or link as an output",
)
#: tested in tests/core/test_agent_twins.py
BY_THE_AGENT = ("names that the disk at home takes for one",)


class _Source:
    def read(self, _digest: str, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        return nullcontext(iter([b"frame"[offset:]]))


@posix
@pytest.mark.parametrize(("name", "case"), COMING_HOME.items(), ids=COMING_HOME.keys())
def test_what_comes_home(name: str, case: Home, tmp_path: Path, cache: HashCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame lies where the table says, and what lay there before is as it was."""
    place = tmp_path / "renders" / (case.lies if name == "name at the limit" and case.lies else "frame.exr")
    place.parent.mkdir()
    case.make(place)
    before = place.lstat() if place.exists() else None

    def held(*names: object) -> int:
        raise locked(str(names[-1]))

    if name == "held open by a viewer":
        monkeypatch.setattr("conductor_core.transfer.download.os.replace", held)
    if name == "being saved at that moment, or not to be read":
        monkeypatch.setattr(hashing, "open_to_read", held)
    wanted = Wanted(str(place), digest_of(b"frame"), 5, 0o644, 1_700_000_000_000_000_000, 12)
    if case.words:
        with pytest.raises(TransferError, match=case.words) as failure:
            execute_download(wanted, _Source(), cache, Progress())
        assert isinstance(failure.value, PlaceUnwritable), "it is tried again by itself"
    else:
        placed = execute_download(wanted, _Source(), cache, Progress())
        assert Path(placed.path).name == case.lies
        assert Path(placed.path).read_bytes() == b"frame"
    if before is not None:
        assert (place.lstat().st_ino, stat.S_IFMT(place.lstat().st_mode)) == (before.st_ino, stat.S_IFMT(before.st_mode))


@posix
def test_a_pipe_in_the_place_of_a_frame(tmp_path: Path, cache: HashCache) -> None:
    """A pipe is not opened, not even to look: that could wait for ever, or wake who reads from it."""
    os.mkfifo(tmp_path / "frame.exr")
    wanted = Wanted(str(tmp_path / "frame.exr"), digest_of(b"frame"), 5, 0o644, 1_700_000_000_000_000_000, 12)
    with pytest.raises(PlaceUnwritable, match="what lies there is no file"):
        execute_download(wanted, _Source(), cache, Progress())
