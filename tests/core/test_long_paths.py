"""Paths of more than 260 characters on Windows: read and written, and spelled as people spell them everywhere else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from conductor_core.agent import fetching
from conductor_core.agent.journal_rows import DownloadRow, Following, OutputRow
from conductor_core.digest import digest_of
from conductor_core.errors import FileVanished, PlaceUnwritable
from conductor_core.paths import Flavour
from conductor_core.transfer import hash_cache, long_paths, tree
from conductor_core.transfer.download import beside_path, part_path, unwritable
from conductor_core.transfer.hashing import hash_file
from conductor_core.transfer.long_paths import PLAIN, on_disk, spelled
from conductor_core.transfer.opening import open_to_read

LONG = "x" * PLAIN
#: path → what Windows is asked for
PATHS = {
    "short": ("C:\\show\\a.exr", "C:\\show\\a.exr"),
    "short, with slashes": ("C:/show/a.exr", "C:/show/a.exr"),
    "drive": (f"C:\\show\\{LONG}.exr", f"\\\\?\\C:\\show\\{LONG}.exr"),
    "drive, with slashes": (f"c:/show/{LONG}.exr", f"\\\\?\\c:\\show\\{LONG}.exr"),
    "steps": (f"C:\\show\\.\\b\\..\\{LONG}", f"\\\\?\\C:\\show\\{LONG}"),
    "share": (f"\\\\nas\\show\\{LONG}", f"\\\\?\\UNC\\nas\\show\\{LONG}"),
    "share, with slashes": (f"//nas/show/{LONG}", f"\\\\?\\UNC\\nas\\show\\{LONG}"),
    "long already": (f"\\\\?\\C:\\{LONG}", f"\\\\?\\C:\\{LONG}"),
    "share, long already": (f"\\\\?\\UNC\\nas\\show\\{LONG}", f"\\\\?\\UNC\\nas\\show\\{LONG}"),
    "device": (f"\\\\.\\{LONG}", f"\\\\.\\{LONG}"),
    "of a drive's folder": (f"C:{LONG}", f"C:{LONG}"),
    "relative": (f"show\\{LONG}", f"show\\{LONG}"),
}


@pytest.mark.parametrize(("path", "asked"), PATHS.values(), ids=PATHS.keys())
def test_what_windows_is_asked_for(path: str, asked: str) -> None:
    """Long ones go behind the prefix, straightened; asked twice they are what they were; other systems get them as they are."""
    assert on_disk(path, Flavour.WINDOWS) == asked
    assert on_disk(asked, Flavour.WINDOWS) == asked
    assert on_disk(path, Flavour.POSIX) == path


@pytest.mark.parametrize("path", [f"C:\\show\\{LONG}", f"\\\\nas\\show\\{LONG}", "C:\\a", "/a/b", "\\\\nas\\show\\a"])
def test_a_path_is_spelled_as_before(path: str) -> None:
    """The prefix comes off again, and what has none stays."""
    assert spelled(on_disk(path, Flavour.WINDOWS)) == path


def test_there_is_room_for_what_lies_beside_a_file() -> None:
    """No name that we make for a path that goes as it is is too long for it."""
    path = "C:\\" + "x" * (PLAIN - 3)
    assert len(path) == PLAIN
    assert len(str(part_path(path, digest_of(b"x")))) < 248
    assert len(beside_path(path, 9_999_999, 999)) < 248


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a file of a long path, as Windows is asked for it; here that is a name in the current folder."""
    path = f"C:\\show\\{LONG}.exr"
    monkeypatch.chdir(tmp_path)
    Path(f"\\\\?\\{path}").write_bytes(b"frame")
    monkeypatch.setattr(long_paths, "local_flavour", lambda: Flavour.WINDOWS)
    return path


@pytest.mark.skipif(os.name != "posix", reason="elsewhere these are paths")
def test_a_long_path_is_found_and_read(windows: str) -> None:
    """Looked for, hashed and opened to be sent; the manifest and what is said have the artist's own spelling."""
    assert list(tree._collect([windows], Flavour.WINDOWS).files) == [windows]
    assert hash_file(windows).digest == digest_of(b"frame")
    os.close(open_to_read(windows))
    with pytest.raises(FileVanished, match=r"^C:\\show\\x+\.gone: was there"):
        hash_file(windows[:-4] + ".gone")


def test_a_long_path_is_written(windows: str) -> None:
    """A frame that is brought home has the place that Windows can write, also for its part; sentences have it as it is spelled."""
    row = OutputRow("s", "j", windows, 1, digest_of(b"x"), 1, 0o644, 1, "pending", "", 0, "")
    wanted = fetching._wanted(row, DownloadRow("s", "j", 12, "show", "", 0, "", 0.0, Following()))
    assert wanted.path == f"\\\\?\\{windows}"
    assert str(part_path(wanted.path, wanted.digest)).startswith("\\\\?\\C:\\" if os.name == "nt" else ".\\")
    assert str(PlaceUnwritable(wanted.path, "is full")) == f"{windows}: is full."
    for error in (OSError(errno.EIO, "broken", wanted.path), PermissionError(errno.EACCES, "no", wanted.path)):
        assert str(unwritable(wanted.path, error)).startswith(f"{windows}: ")
        assert "?" not in str(unwritable(wanted.path, error))
    share = f"\\\\nas\\show\\{LONG}"
    assert str(PlaceUnwritable(on_disk(share), "is full")) == f"{share}: is full."


def test_the_cache_knows_a_folder_by_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came home by the long spelling is not hashed again when it is submitted by the artist's."""
    monkeypatch.setattr("conductor_core.transfer.hash_cache.os.name", "nt")
    keys = {hash_cache._key(folder) for folder in (f"C:\\show\\{LONG}", f"\\\\?\\C:\\show\\{LONG}")}
    monkeypatch.undo()
    assert keys == {f"C:\\show\\{LONG}".encode()}
