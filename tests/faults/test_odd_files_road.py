"""Odd files on the whole road: real command line, agent, service and runner. What a task finds is what the artist has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.studio import Studio

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="runners need Linux")

#: what lies below a folder, by names as bytes: run by the task, and by the test for comparison
LOOK = """
import hashlib, json, os, stat, sys

def look(at, folder, found):
    for name in map(os.fsencode, os.listdir(at)):
        place, facts = folder + b"/" + name, os.lstat(name, dir_fd=at)
        if stat.S_ISLNK(facts.st_mode):
            found[place.hex()] = ["link", os.readlink(name, dir_fd=at).hex()]
            continue
        handle = os.open(name, os.O_RDONLY, dir_fd=at)
        if stat.S_ISDIR(facts.st_mode):
            found[place.hex()] = ["folder"]
            look(handle, place, found)
            os.close(handle)
        else:
            with open(handle, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            found[place.hex()] = ["file", digest, stat.S_IMODE(facts.st_mode), facts.st_mtime_ns]
    return found

with open(sys.argv[2], "w") as out:
    json.dump(look(os.open(sys.argv[1], os.O_RDONLY), b"", {}), out)
"""

NAMES = (
    *("plain", "A", "a", "CON", "nul.txt", "ends in a dot.", "ends in a blank ", "line\nbreak", "\x1b[2J", 'it\'s "quoted"'),
    *("a*?<b>|:", "back\\slash", "-rf", "x" * 255, *(unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))),
    os.fsdecode(b"no text \xff"),
)


def _make(folder: Path) -> None:
    """Fill a folder with all that goes along."""
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(f"content {number}".encode())
    (folder / "empty").touch()
    (folder / "none").mkdir()
    (folder / "link").symlink_to("A")
    (folder / "up").symlink_to(".")
    os.link(folder / "A", folder / "second name")
    (folder / "A").chmod(0o750)
    with (folder / "sparse").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(1 << 20)
        file.write(b"x")
    _deep(folder, 3_880)


def _deep(folder: Path, size: int) -> None:
    """Put a file where its path has `size` bytes, folder by folder: no call takes a longer name below another folder."""
    at, left = os.open(folder, os.O_RDONLY), size - len(os.fsencode(folder))
    while left > 200:
        name = "d" * min(199, left - 101)
        os.mkdir(name, dir_fd=at)
        at, former = os.open(name, os.O_RDONLY, dir_fd=at), at
        os.close(former)
        left -= len(name) + 1
    with open(os.open("f" * (left - 1), os.O_CREAT | os.O_WRONLY, dir_fd=at), "wb") as file:
        file.write(b"deep down")
    os.close(at)


@pytest.fixture(scope="module")
def studio(make_module_studio: Callable[..., Studio]) -> Studio:
    """Give one studio for all tests."""
    return make_module_studio()


def test_all_that_goes_along_is_there(studio: Studio, tmp_path: Path) -> None:
    """Odd names, links, holes and depths arrive byte for byte, with modes and times; the second time nothing is sent."""
    odd, tool, mine = studio.show / "odd", studio.show / "look.py", tmp_path / "mine.json"
    _make(odd)
    tool.write_text(LOOK)
    words = ["submit", "--command", f"{sys.executable} {tool} {odd} {studio.renders}/found_{{frame}}.json", "-f", "1"]
    words += ["--file", str(odd), "--file", str(tool), "--output", f"{studio.renders}/found_#.json", "-t", "local"]
    assert studio.ann(*words, "--wait", "--json").json["job_state"] == "success", studio.logs()
    subprocess.run([sys.executable, tool, odd, mine], check=True)
    assert json.loads((studio.renders / "found_1.json").read_text()) == json.loads(mine.read_text())
    assert studio.ann(*words, "--wait", "--json").json["bytes_sent"] == 0


def test_what_does_not_go_along_is_said(studio: Studio) -> None:
    """A pipe with a name that is no text fails the submission with a sentence that any terminal can show, and no job runs."""
    odd, before = studio.show / "refused", studio.newest()
    odd.mkdir(parents=True)
    os.mkfifo(odd / os.fsdecode(b"pipe \xff\x1b[2J"))
    words = ("submit", "--command", "true", "-f", "1", "--file", odd, "--output", studio.renders / "o_#.txt", "-t", "local")
    said = studio.ann(*words, "--wait", code=6).err
    assert r"refused/pipe \xff\x1b[2J: is a named pipe, not a file. Take it out of the scene" in said
    assert r"refused/pipe \xff\x1b[2J: is a named pipe" in studio.ann("agent", "--status").out
    assert studio.newest() == before
