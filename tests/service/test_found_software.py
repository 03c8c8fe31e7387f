"""What a first service finds on its machine without being told."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest
from conductor_service.catalogue import load_catalogue
from conductor_service.found_software import find_software


@pytest.fixture(autouse=True)
def no_oiiotool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in a Python that has no OpenImageIO beside it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))


def test_tools_for_commands_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`oiiotool` of this Python's OpenImageIO, and the ffmpeg on the PATH, with the versions that they say."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    _program(tmp_path, "exit 0", "oiiotool")
    _program(tmp_path, "echo 'ffmpeg version n6.1.1-3 Copyright'", "ffmpeg")
    found = {package.name: package for package in find_software(tmp_path / "none", path=str(tmp_path))}
    assert (found["ffmpeg"].version, found["ffmpeg"].launch) == ("6.1.1", "command")
    assert found["oiiotool"].version == importlib.metadata.version("OpenImageIO")


def test_blenders_as_modules_are_found(tmp_path: Path) -> None:
    """Each environment with bpy is a package with the version that is installed there, and sees its own folders."""
    python = tmp_path / "4.5.15" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(os.path.realpath("/bin/sh"))
    (tmp_path / "4.5.15" / "lib" / "python3.11" / "site-packages" / "bpy-4.5.15.dist-info").mkdir(parents=True)
    (tmp_path / "broken" / "lib" / "python3.11" / "site-packages" / "bpy-5.0.1.dist-info").mkdir(parents=True)
    (package,) = find_software(tmp_path, path="")
    assert (package.name, package.version, package.launch, package.executable) == ("blender", "4.5.15", "bpy-module", str(python))
    assert str(tmp_path / "4.5.15") in package.roots


def test_a_program_on_the_path_is_asked_for_its_version(tmp_path: Path) -> None:
    """The version is the one that the program itself says."""
    _program(tmp_path, "echo 'Blender 4.2.3 LTS'")
    (package,) = find_software(tmp_path / "none", path=str(tmp_path))
    assert (package.version, package.launch, package.executable) == ("4.2.3", "blender-binary", str(tmp_path / "blender"))


def test_hosts_are_found_where_their_installers_put_them(tmp_path: Path) -> None:
    """Without starting them: version by folder, the way to start each, and no network: that is the operator's choice."""
    there = ["maya2025/bin/mayapy", "Nuke15.1v3/Nuke15.1", "hfs20.5.370/bin/hython"]
    for name in (*there, "Nuke15.1v3/Nuke15.1.desktop", "maya-old/bin/mayapy", "hfs/bin/hython"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("never started")
    found = find_software(tmp_path / "none", path="", places=(tmp_path,))
    assert [(p.name, p.version, p.launch, p.executable, p.network) for p in found] == [
        ("maya", "2025", "mayapy", str(tmp_path / there[0]), False),
        ("nuke", "15.1v3", "nuke", str(tmp_path / there[1]), False),
        ("houdini", "20.5.370", "hython", str(tmp_path / there[2]), False),
    ]


def test_a_program_that_says_no_version_is_left_out(tmp_path: Path) -> None:
    """Something else by the name of blender is not offered."""
    _program(tmp_path, "echo mixes fruit")
    assert find_software(tmp_path / "none", path=str(tmp_path)) == ()


def test_a_catalogue_takes_precedence_over_what_was_found(tmp_path: Path) -> None:
    """A studio that names a package itself gets its own entry."""
    _program(tmp_path, "echo 'Blender 4.2.3'")
    own = tmp_path / "own.yaml"
    own.write_text("software: [{name: blender, version: '4.2.3', launch: blender-binary, executable: /opt/blender}]")
    found = find_software(tmp_path / "none", path=str(tmp_path))
    packages = [p for p in load_catalogue([own], found=found).packages if p.name == "blender"]
    assert [p.executable for p in packages] == ["/opt/blender"]


def _program(folder: Path, says: str, name: str = "blender") -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
