"""A part that may be neither written nor read tells by its age alone whether somebody is at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import conductor_core
import pytest
from conductor_core.transfer import part_file
from conductor_core.transfer.part_file import LEFT_SECONDS, open_part

SOURCES = Path(conductor_core.__file__).parents[1]
#: an agent that finds a part which is not its own; the clocks of its file system and of its machine are ahead of those here
FOUND = """
import sys, time
from pathlib import Path
from conductor_core.errors import BroughtByAnother
from conductor_core.transfer import part_file
part, there, here, locks = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
clock, machine = part_file._time_there, time.time
part_file._time_there = lambda folder: clock(folder) + there
time.time = lambda: machine() + here

def no_locks(handle):
    raise OSError("no locks")

if locks == "no locks":
    part_file.is_locked = no_locks
try:
    with part_file.open_part(part, "f.exr") as file:
        print("begun with", file.read())
except BroughtByAnother:
    print("left to the other")
except PermissionError:
    print("not allowed")
"""

posix_modes = pytest.mark.skipif(os.name != "posix", reason="needs modes that hold for this user")


def _found(without_privileges: list[str], part: Path, *, there: float = 0.0, here: float = 0.0, locks: str = "locks") -> str:
    words = [*without_privileges, sys.executable, "-c", FOUND, str(part), str(there), str(here), locks]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(words, env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.strip()


def _part(folder: Path, mode: int) -> Path:
    part = folder / ".f.exr.0123456789abcdef.conductor-part"
    part.write_bytes(b"half")
    os.utime(part, (1_700_000_000, 1_700_000_000))  # as it has the file's own time, short of its name
    part.chmod(mode)
    return part


@posix_modes
@pytest.mark.parametrize(
    ("mode", "there", "here", "locks", "did"),
    [
        (0o000, 0.0, 0.0, "locks", "left to the other"),
        (0o000, LEFT_SECONDS - 60, 0.0, "locks", "left to the other"),
        (0o000, LEFT_SECONDS + 1, 0.0, "locks", "begun with b''"),
        (0o000, 0.0, 10 * LEFT_SECONDS, "locks", "left to the other"),
        (0o000, LEFT_SECONDS + 1, -10 * LEFT_SECONDS, "locks", "begun with b''"),
        (0o444, 0.0, 0.0, "no locks", "left to the other"),
        (0o444, LEFT_SECONDS + 1, 0.0, "no locks", "begun with b''"),
        (0o444, 0.0, 0.0, "locks", "begun with b''"),
    ],
    ids=[
        "just written",
        "minutes ago",
        "long ago",
        "this machine's clock is ahead",
        "this machine's clock is behind",
        "just written, no locks",
        "long ago, no locks",
        "readable and not locked",
    ],
)
def test_what_tells_no_lock_is_left_alone_until_it_has_not_changed_for_minutes(
    tmp_path: Path, without_privileges: list[str], mode: int, there: float, here: float, locks: str, did: str
) -> None:
    """Another user's part that may not be read may be under way; what the file system's own clock says of it is what counts."""
    part = _part(tmp_path, mode)
    assert _found(without_privileges, part, there=there, here=here, locks=locks) == did
    assert [p.name for p in tmp_path.iterdir()] == [part.name], "nothing else may stay there"
    assert part.read_bytes() == (b"" if did.startswith("begun") else b"half")


@posix_modes
def test_a_part_that_is_written_and_may_not_be_read_is_not_taken(tmp_path: Path, without_privileges: list[str]) -> None:
    """Who is at it still has it afterwards."""
    part = _part(tmp_path, 0o600)
    with open_part(part, "f.exr") as file:
        part.chmod(0)
        assert _found(without_privileges, part) == "left to the other"
        part_file.check_ours(part, file.fileno(), "f.exr")


@posix_modes
def test_a_part_in_a_folder_that_may_not_be_written_is_told_so(tmp_path: Path, without_privileges: list[str]) -> None:
    """That nothing may be made there is what is said, of a part that is there and of one that is not."""
    part = _part(tmp_path, 0)
    tmp_path.chmod(0o500)
    try:
        assert _found(without_privileges, part, there=LEFT_SECONDS + 1) == "not allowed"
        assert _found(without_privileges, part.with_name(".g.exr.0123456789abcdef.conductor-part")) == "not allowed"
    finally:
        tmp_path.chmod(0o700)


def test_a_time_ahead_is_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer whose clock is a day ahead does not keep a part from being taken."""
    part = _part(tmp_path, 0o600)
    made = os.stat(part).st_ctime
    os.utime(part, (made + 86_400, made + 86_400))
    monkeypatch.setattr(part_file, "_time_there", lambda _: made + LEFT_SECONDS + 5)
    assert not part_file._changed_lately(part)
