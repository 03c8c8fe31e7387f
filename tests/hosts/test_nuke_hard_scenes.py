"""What the open script really reads, frame by frame: the adapter's answers beside what Foundry's reference says each node asks for.

For scripts of which Nuke itself tells the files (`Node.fileDependencies`), that answer is compared as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import judged
from conductor_core.report import Dependency, Unresolved
from conductor_core.sequences import DirectoryListing
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD
from hosts.nuke_world import READINGS, adapter

#: frames that a job asks for
JOB = (10, 11, 12)
ROOT = "Root {\n inputs 0\n name shot.nk\n first_frame 1\n last_frame 100\n}\n"
PLATE = "Read {\n inputs 0\n file plate.####.exr\n first 1\n last 100\n name Read1\n}\n"
WRITE = "Write {\n file out/out.####.exr\n file_type exr\n name Write1\n}\n"


@dataclass(frozen=True, slots=True)
class Shot:
    """A script, and the files that it reads for the job."""

    script: str
    #: names below the script's folder
    needed: tuple[str, ...]
    #: `fileDependencies` tells the same
    told_by_nuke: bool = True


def _plates(*frames: int) -> tuple[str, ...]:
    return tuple(f"plate.{frame:04d}.exr" for frame in frames)


def _read(knobs: str) -> str:
    return f"{ROOT}Read {{\n inputs 0\n file plate.####.exr\n {knobs}\n name Read1\n}}\n{WRITE}"


SHOTS = {
    "as it is": Shot(ROOT + PLATE + WRITE, _plates(10, 11, 12)),
    "later by TimeOffset": Shot(f"{ROOT}{PLATE}TimeOffset {{\n time_offset 5\n name T\n}}\n{WRITE}", _plates(5, 6, 7)),
    "two TimeOffsets": Shot(
        f"{ROOT}{PLATE}TimeOffset {{\n time_offset -20\n name T\n}}\nTimeOffset {{\n time_offset 5\n name U\n}}\n{WRITE}",
        _plates(25, 26, 27),
    ),
    "one frame held": Shot(f"{ROOT}{PLATE}FrameHold {{\n first_frame 42\n name H\n}}\n{WRITE}", _plates(42)),
    "an expression in the offset": Shot(
        f"{ROOT}{PLATE}TimeOffset {{\n time_offset {{{{root.first_frame+1}}}}\n name T\n}}\n{WRITE}", _plates(8, 9, 10)
    ),
    "read twice": Shot(
        f"{ROOT}{PLATE}set N1 [stack 0]\nTimeOffset {{\n time_offset 5\n name T\n}}\npush $N1\nMerge2 {{\n inputs 2\n name M\n}}\n{WRITE}",
        _plates(5, 6, 7, 10, 11, 12),
    ),
    "through a dot and a group": Shot(
        f"{ROOT}{PLATE}Dot {{\n name D\n}}\nGroup {{\n name G\n}}\n Input {{\n  inputs 0\n  name Input1\n }}\n"
        f" TimeOffset {{\n  time_offset 5\n  name T\n }}\n Output {{\n  name Output1\n }}\nend_group\n{WRITE}",
        _plates(5, 6, 7),
        told_by_nuke=False,
    ),
    "held after its end": Shot(_read("first 1\n last 11"), _plates(10, 11), told_by_nuke=False),
    "looped after its end": Shot(_read("first 1\n last 4\n after loop"), _plates(2, 3, 4), told_by_nuke=False),
    "bounced after its end": Shot(_read("first 1\n last 4\n after bounce"), _plates(2, 3, 4), told_by_nuke=False),
    "black after its end": Shot(_read("first 1\n last 11\n after black"), _plates(10, 11), told_by_nuke=False),
    "numbered by an expression": Shot(_read("first 1\n last 500\n frame frame+100"), _plates(110, 111, 112), told_by_nuke=False),
    "started at a frame": Shot(
        _read('first 1\n last 100\n frame_mode "start at"\n frame 6'), _plates(5, 6, 7), told_by_nuke=False
    ),
    "the script's folder by Tcl": Shot(
        f'{ROOT}Read {{\n inputs 0\n file "\\[file dirname \\[value root.name]]/plate.%04d.exr"\n last 100\n name Read1\n}}\n{WRITE}',
        _plates(10, 11, 12),
    ),
    "the frame by Tcl": Shot(
        f'{ROOT}Read {{\n inputs 0\n file "plate.\\[format %04d \\[expression frame+1]].exr"\n last 100\n name Read1\n}}\n{WRITE}',
        _plates(11, 12, 13),
        told_by_nuke=False,
    ),
    "Python that only Nuke can run": Shot(
        f"{ROOT}Read {{\n inputs 0\n file \"\\[python \\{{'pl' + 'ate'\\}}].0001.exr\"\n name Read1\n}}\n{WRITE}",
        _plates(1),
    ),
    "another node's file": Shot(
        f'{ROOT}{PLATE}Read {{\n inputs 0\n file "\\[value Read1.file]"\n last 100\n name Read2\n}}\n{WRITE}',
        _plates(10, 11, 12),
        told_by_nuke=False,
    ),
    "moved by a node that is off in the window": Shot(
        f"{ROOT}{PLATE}TimeOffset {{\n time_offset 5\n disable {{{{$gui}}}}\n name T\n}}\n{WRITE}",
        _plates(5, 6, 7),
        told_by_nuke=False,
    ),
    "either side of a switch that is another in the window": Shot(
        f"{ROOT}{PLATE}set N1 [stack 0]\nFrameHold {{\n first_frame 42\n name H\n}}\npush $N1\n"
        f"Switch {{\n inputs 2\n which {{{{$gui}}}}\n name S\n}}\n{WRITE}",
        _plates(10, 11, 12, 42),
        told_by_nuke=False,
    ),
    "each view": Shot(
        'Root {\n inputs 0\n name shot.nk\n last_frame 100\n views "left #ff0000\nright #00ff00"\n}\n'
        f"Read {{\n inputs 0\n file %V/plate_%v.####.exr\n last 100\n name Read1\n}}\n{WRITE}",
        tuple(f"{view}/plate_{view[0]}.{frame:04d}.exr" for view in ("left", "right") for frame in JOB),
    ),
    "a project directory": Shot(
        f'Root {{\n inputs 0\n name shot.nk\n last_frame 100\n project_directory "\\[python \\{{nuke.script_directory()\\}}]/left"\n}}\n'
        f"Read {{\n inputs 0\n file plate_l.####.exr\n last 100\n name Read1\n}}\n{WRITE}",
        tuple(f"left/plate_l.{frame:04d}.exr" for frame in JOB),
    ),
}

FILES = [f"plate.{frame:04d}.exr" for frame in range(1, 131)]
FILES += [f"{view}/plate_{view[0]}.{frame:04d}.exr" for view in ("left", "right") for frame in range(8, 15)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shot's folder with all that any of the scripts may read."""
    home = tmp_path_factory.mktemp("shot")
    for name in FILES:
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(b"")
    return home


@pytest.fixture(autouse=True)
def no_nuke_after() -> Iterator[None]:
    """Each script is in a Nuke of its own."""
    yield
    uninstall()


def _open(script: str, folder: Path, reading: str = "as documented", **more: Any) -> Any:
    file = folder / "shot.nk"
    file.write_text(script, encoding="utf-8")
    install(gui=True, unsure=READINGS[reading], **more)
    import nuke

    nuke.scriptOpen(str(file))
    return nuke


def _findings() -> list[Finding]:
    found = [finding for piece in adapter().dependencies(JOB) for finding in piece]
    assert (RECORD.refused, RECORD.unknown) == ([], [])
    return found


def _needed(findings: list[Finding], folder: Path) -> set[str]:
    listing = DirectoryListing()
    entries = [entry for finding in findings if isinstance(finding, Usage) for entry in judged(finding, listing)]
    files = {file for entry in entries if isinstance(entry, Dependency) for file in entry.files}
    return {os.path.relpath(file, folder).replace(os.sep, "/") for file in files}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", SHOTS)
def test_the_frames_really_read_are_needed(name: str, reading: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither fewer nor more than what the nodes ask for."""
    monkeypatch.chdir(folder)
    shot = SHOTS[name]
    nuke = _open(shot.script, folder, reading)
    assert _needed(_findings(), folder) == set(shot.needed)
    if shot.told_by_nuke:
        told = {file for node, files in nuke.toNode("Write1").fileDependencies(JOB[0], JOB[-1]) for file in files}
        relative = {os.path.relpath(os.path.join(folder, _home(nuke), file), folder).replace(os.sep, "/") for file in told}
        assert relative - {f"out/out.{frame:04d}.exr" for frame in JOB} - {f"left/out/out.{f:04d}.exr" for f in JOB} == set(
            shot.needed
        )


def _home(nuke: Any) -> str:
    return str(nuke.root()["project_directory"].evaluate())


#: node with its knobs → the file that it reads; None: it does not, as it is set
NODES: dict[str, tuple[str, str | None]] = {
    "camera": ("Camera3 {\n inputs 0\n read_from_file true\n file geo/cam.abc\n name N\n}\n", "geo/cam.abc"),
    "camera with its own values": ("Camera3 {\n inputs 0\n file geo/cam.abc\n name N\n}\n", None),
    "axis": ("Axis3 {\n inputs 0\n read_from_file true\n file geo/axis.fbx\n name N\n}\n", "geo/axis.fbx"),
    "light": ("Light3 {\n inputs 0\n read_from_file true\n file geo/light.fbx\n name N\n}\n", "geo/light.fbx"),
    "geometry": ("ReadGeo2 {\n inputs 0\n file geo/tree.abc\n name N\n}\n", "geo/tree.abc"),
    "deep picture": ("DeepRead {\n inputs 0\n file deep.exr\n name N\n}\n", "deep.exr"),
    "lookup table": ("Vectorfield {\n inputs 0\n vfield_file luts/look.cube\n name N\n}\n", "luts/look.cube"),
    "OCIO file": ("OCIOFileTransform {\n inputs 0\n file luts/look.csp\n name N\n}\n", "luts/look.csp"),
    "OCIO CDL": ("OCIOCDLTransform {\n inputs 0\n read_from_file true\n file luts/grade.cc\n name N\n}\n", "luts/grade.cc"),
    "font": ("Text {\n inputs 0\n message a\n font fonts/title.ttf\n name N\n}\n", "fonts/title.ttf"),
    "sound": ("AudioRead {\n inputs 0\n file sound/mix.wav\n name N\n}\n", "sound/mix.wav"),
    "kernel": ("BlinkScript {\n inputs 0\n kernelSourceFile blink/k.cpp\n name N\n}\n", "blink/k.cpp"),
    "model": ("Inference {\n inputs 0\n modelFile cat/net.cat\n name N\n}\n", "cat/net.cat"),
    "particles": ("ParticleCache {\n inputs 0\n file cache/p.0010.nkpc\n name N\n}\n", "cache/p.0010.nkpc"),
    "plug-in's file": ("OFXcom.maker.look_v1 {\n inputs 0\n lutfile luts/look.cube\n name N\n}\n", "luts/look.cube"),
    "user's knob": (
        "NoOp {\n inputs 0\n name N\n addUserKnob {20 User}\n addUserKnob {2 ref l Reference}\n ref ref/board.png\n}\n",
        "ref/board.png",
    ),
    "precomp": ("Precomp {\n inputs 0\n file pre/pre.nk\n name N\n}\n", "pre/pre.nk"),
    "live group": ("LiveGroup {\n inputs 0\n file pre/live.nk\n name N\n}\nend_group\n", "pre/live.nk"),
    "proxy": ("Read {\n inputs 0\n file deep.exr\n proxy deep_proxy.exr\n name N\n}\n", "deep_proxy.exr"),
    "colour configuration": (
        "Root {\n inputs 0\n colorManagement OCIO\n OCIO_config custom\n customOCIOConfigPath luts/config.ocio\n}\n",
        "luts/config.ocio",
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_a_node_that_reads_a_file_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what its own controls say, whether the file is there or not."""
    monkeypatch.chdir(tmp_path)
    node, file = NODES[name]
    _open(ROOT + node, tmp_path)
    read = {place for finding in _findings() if isinstance(finding, Usage) for place in finding.places}
    names = {os.path.relpath(place, tmp_path).replace(os.sep, "/") for place in read}
    if file is None:
        assert names == set()
    else:
        assert file in names


def test_a_gizmo_is_found_with_what_it_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that defines it, and the files of the nodes in it, which the script does not have."""
    monkeypatch.chdir(folder)
    gizmos = folder / "gizmos"
    gizmos.mkdir(exist_ok=True)
    inside = 'Read {\n  inputs 0\n  file "\\[value parent.plate]"\n  last 100\n  name Read1\n }\n Output {\n  name Output1\n }\nend_group\n'
    (gizmos / "my_plate.gizmo").write_text(
        f"Gizmo {{\n addUserKnob {{2 plate}}\n plate plate.0099.exr\n}}\n {inside}", encoding="utf-8"
    )
    _open(f"{ROOT}my_plate {{\n inputs 0\n name P\n plate plate.####.exr\n}}\n{WRITE}", folder, plugin_path=[str(gizmos)])
    assert _needed(_findings(), folder) >= {"gizmos/my_plate.gizmo", *_plates(10, 11, 12)}


def test_what_only_a_picture_knows_is_told_as_unresolved(tmp_path: Path) -> None:
    """Metadata comes from a picture: nobody can say the file before it is read."""
    _open(f'{ROOT}Read {{\n inputs 0\n file "\\[metadata input/filename]"\n name Read1\n}}\n', tmp_path)
    assert [f.referrer for f in _findings() if isinstance(f, Unresolved)] == ["Read1.file"]


BRACKETS = '{"title": "[value root.name] $env(HOME) [exec rm]", "path": "C:\\\\a\\\\b"}'


@pytest.mark.parametrize("reading", READINGS)
def test_settings_with_brackets_are_no_tcl(reading: str, tmp_path: Path) -> None:
    """What the artist typed into the panel comes back as it was, and Nuke runs none of it."""
    nuke = _open(ROOT + WRITE, tmp_path, reading)
    host = adapter()
    host.remember(BRACKETS)
    assert host.scene().settings == BRACKETS
    host.save()
    nuke.scriptClear()
    nuke.scriptOpen(str(tmp_path / "shot.nk"))
    assert adapter().scene().settings == BRACKETS


def test_what_cannot_be_evaluated_is_no_error(tmp_path: Path) -> None:
    """A script with a broken expression or bad Tcl is answered all the same."""
    broken = 'Read {\n inputs 0\n file "\\[value Nobody.file]/a.exr"\n first {{Nobody.first}}\n name Read1\n}\n'
    _open(ROOT + broken + WRITE, tmp_path)
    host = adapter()
    assert [step.name for step in host.steps()] == ["Write1"]
    told = [f for f in _findings() if f.referrer == "Read1.file"]
    assert told


def test_a_copy_on_this_machine_is_not_what_the_farm_reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only Nuke can evaluate a text, and it tells of its own copy, nobody knows the file: that is said."""
    monkeypatch.chdir(folder)
    stored = f"\\[python \\{{chr(47).join(('{folder.as_posix()}', 'plate'))\\}}].%04d.exr"
    script = f'{ROOT}Read {{\n inputs 0\n file "{stored}"\n last 100\n name Read1\n}}\n{WRITE}'
    _open(script, folder, localised={folder.as_posix(): "/var/tmp/nuke/localize"})
    found = _findings()
    assert not any("localize" in place for f in found if isinstance(f, Usage) for place in f.places)
    assert [f.referrer for f in found if isinstance(f, Unresolved)] == ["Read1.file"]
