"""What Nuke scripts and gizmos point to, and what they only seem to point to; every script here is written by the test."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import Scan, scan_file

HEAD = "#! /opt/Nuke15.1v3/Nuke15.1 -nx\nversion 15.1 v3\n"


GROUP_END = "Output {\n name O\n}\nend_group\n"


def root(**knobs: str) -> str:
    """Return a Root with a short range."""
    return node("Root", **({"inputs": "0", "first_frame": "1", "last_frame": "3"} | knobs))


def node(class_: str, **knobs: str) -> str:
    """Return a node; values as they stand in the file."""
    return class_ + " {\n" + "".join(f" {name} {value}\n" for name, value in knobs.items()) + "}\n"


def scan(folder: Path, text: str, *, name: str = "shot_v012.nk", **survey: object) -> Scan:
    """Write a script and scan it, with an empty environment."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return scan_file(dataclasses.replace(Survey(str(path)), **survey))  # type: ignore[arg-type]


def touch(folder: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def frames(folder: Path, pattern: str, numbers: Iterable[int]) -> None:
    """Make the files of some frames."""
    touch(folder, *(pattern % n for n in numbers))


def files(scanned: Scan, referrer: str = "") -> list[str]:
    """Return the names of the files of a report, or of one referrer."""
    return [Path(f).name for d in scanned.report.dependencies if referrer in ("", d.referrer) for f in d.files]


def test_each_kind_of_path_ends_in_its_list(tmp_path: Path) -> None:
    """Planted dependencies and planted traps: what is read, written, code, a note, or off."""
    (tmp_path / "a/lut.cube").parent.mkdir()
    touch(
        tmp_path, "a/plate.0001.exr", "a/plate.0002.exr", "a/plate.0003.exr", "a/lut.cube", "a/cam.abc", "a/still.png", "a/my.ttf"
    )
    text = (
        HEAD
        + root()
        + '#write_info Write9 file:"/trap/comment.exr"\n'
        + 'define_window_layout_xml {<?xml version="1.0"?>\n<layout file="/trap/layout.exr"/>\n}\n'
        + node("Read", inputs="0", file="a/plate.%04d.exr", last="3", name="Plate", label='"from /trap/label.exr"', xpos="1")
        + node("Vectorfield", vfield_file="a/lut.cube", name="Lut")
        + node("Camera2", inputs="0", read_from_file="true", file="a/cam.abc", name="Cam")
        + node("Camera2", inputs="0", file="/trap/off.abc", name="CamOff")
        + node("Text2", font="{{ Impact : Regular : impact.ttf : 0 }}", name="T1")
        + node("Text", font=r'"\[python nuke.defaultFontPathname()]"', name="T2")
        + node("Text", font="a/my.ttf", name="T3", message=r'"see /trap/message.exr"')
        + node("StickyNote", inputs="0", name="Note", label='"/trap/note.exr"')
        + node("BackdropNode", inputs="0", name="Back", label="/trap/backdrop.exr", icon="/trap/icon.png")
        + node(
            "NoOp",
            name="N",
            knobChanged=r'"import os\nprint(\"/trap/code/x.exr\")"',
            addUserKnob="{2 still l Still}",
            still="a/still.png",
        )
        + node("Viewer", name="Viewer1", viewerProcess='"sRGB (ACES)"', input_process="/trap/viewer.exr")
        + node("Write", file="out/render.####.exr", name="Write1", beforeRender="\"open('/trap/before/x.exr')\"")
        + node("Write", file="/trap/disabled.####.exr", disable="true", name="Write2")
        + node(
            "BlinkScript",
            kernelSourceFile="/trap/kernel.cpp",
            kernelSource='"kernel A : ImageComputationKernel {}"',
            name="Blink",
        )
        + node("Inference", modelFile="/gone/model.cat", name="Inf")
    )
    report = scan(tmp_path, text).report
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies] == [
        ("a/plate.%04d.exr", "image", "Plate.file"),
        ("a/lut.cube", "lut", "Lut.vfield_file"),
        ("a/cam.abc", "cache", "Cam.file"),
        ("a/my.ttf", "font", "T3.font"),
        ("a/still.png", "image", "N.still"),
    ]
    assert [(m.as_written, m.kind) for m in report.missing] == [("/gone/model.cat", "data")]
    assert [(o.as_written, o.path) for o in report.outputs] == [("out/render.####.exr", str(tmp_path / "out/render.####.exr"))]
    assert not report.unresolved
    assert {(i.referrer, i.reason) for i in report.ignored} == {
        ("Plate.label", "a text for people"),
        ("CamOff.file", "read_from_file is off"),
        ("T1.font", "a font by its family: it has to be installed where the script is rendered"),
        ("T2.font", "ships with Nuke"),
        ("T3.message", "a text for people"),
        ("Note.label", "a note"),
        ("Back.label", "a note"),
        ("Back.icon", "a note"),
        ("N.knobChanged", "it is code, which only Nuke runs"),
        ("Viewer1.input_process", "a setting of the viewer"),
        ("Write1.beforeRender", "it is code, which only Nuke runs"),
        ("Write2.file", "the node is disabled"),
        ("Blink.kernelSourceFile", "the kernel's source is in the script itself"),
    }


@pytest.mark.parametrize(
    ("stored", "path"),
    [
        (r'"\[file dirname \[value root.name]]/plates/a.exr"', "{job}/plates/a.exr"),
        (r'"\[file dirname \[knob root.name]]/plates/a.exr"', "{job}/plates/a.exr"),
        (r'"\[value root.project_directory]/plates/a.exr"', "{job}/proj/plates/a.exr"),
        ("plates/a.exr", "{job}/proj/plates/a.exr"),
        (r'"\[getenv SHOW]/a.exr"', "/show/a.exr"),
        ("$env(SHOW)/a.exr", "/show/a.exr"),
        (r'"\[python \{nuke.script_directory()\}]/a.exr"', "{job}/a.exr"),
        (r'"\[python \{os.path.dirname(nuke.root().name())\}]/a.exr"', "{job}/a.exr"),
        (r'"\[value Ctrl.shot]_\[value Ctrl.ver].exr"', "{job}/proj/sh010_v003.exr"),
        (r'"\[value parent.Ctrl.shot].exr"', "{job}/proj/sh010.exr"),
        (r'"\[value this.mine]/\[value mine].exr"', "{job}/proj/own/own.exr"),
        (r'"\[file rootname \[file tail \[value root.name]]].exr"', "{job}/proj/shot_v012.exr"),
        (r'"\[if \{\[value Ctrl.flag]\} \{return on\} \{return off\}].exr"', "{job}/proj/on.exr"),
        (r'"C:\\jobs\\a.exr"', "C:/jobs/a.exr"),
        ("//server/share/a.exr", None),
        (r'"shot\\\[1\\].exr"', "{job}/proj/shot[1].exr"),
        (r'"\[value Link.shown].exr"', "{job}/proj/sh010.exr"),
    ],
)
def test_paths_with_expressions(tmp_path: Path, stored: str, path: str | None) -> None:
    """What Nuke evaluates in a path is evaluated, and told as it is stored."""
    text = (
        HEAD
        + root(project_directory=r'"\[python \{nuke.script_directory()\}]/proj"')
        + node(
            "NoOp",
            name="Ctrl",
            addUserKnob="{1 shot}",
            shot="sh010",
            ver=r'"v\[format %03d \[value number]]"',
            number="3",
            flag="true",
        )
        + node("NoOp", name="Link", addUserKnob="{41 shown T Ctrl.shot}")
        + node("Read", inputs="0", file=stored, name="R", addUserKnob="{1 mine}", mine="own")
    )
    report = scan(tmp_path, text, variables={"SHOW": "/show"}).report
    assert not report.unresolved
    (missing,) = report.missing
    assert missing.as_written == stored.removeprefix('"').removesuffix('"')
    if path is not None:
        assert missing.path == path.format(job=tmp_path)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (r'"\[metadata input/filename]"', "only Nuke can read the metadata of an image"),
        (r'"\[date %d].exr"', "the date is that of the render"),
        (r'"\[getenv NOT_SET]/a.exr"', "the environment variable NOT_SET is not set here"),
        (r'"\[value Nobody.file]"', "there is no node Nobody"),
        (r'"\[value root.nothing]/a.exr"', "Root.nothing is not stored, so only Nuke knows it"),
        (r'"\[value R.file]"', "its knobs name each other without end"),
        (r'"\[python \{open(\"x\").read()\}]"', "its Python calls open(), which is not evaluated without Nuke"),
        (r'"\[myproc a].exr"', "[myproc …] is not evaluated without Nuke"),
        (r'"\[value root.name"', "a bracket is not closed"),
        (r'"\[value Anim.size].exr"', "it is animated"),
    ],
)
def test_what_only_nuke_can_tell_is_unresolved(tmp_path: Path, stored: str, reason: str) -> None:
    """An expression that cannot be evaluated is told with its reason, in a Read as in a Write."""
    text = HEAD + root() + node("Blur", name="Anim", size="{{curve x1 1 x9 3}}") + node("Read", inputs="0", file=stored, name="R")
    report = scan(tmp_path, text).report
    assert [(u.referrer, u.reason) for u in report.unresolved] == [("R.file", reason)]
    assert not report.missing


def read(**knobs: str) -> str:
    """Return a Read of frames 1 to 20 of `p`."""
    return node("Read", **({"inputs": "0", "file": "p.%04d.exr", "first": "1", "last": "20", "name": "R"} | knobs))


WRITE = node("Write", file="o.####.exr", name="W")


@pytest.mark.parametrize(
    ("script", "job", "reads"),
    [
        (read() + WRITE, None, [5, 6]),
        (read() + WRITE, (9, 3), [3, 9]),
        (read(last="4") + WRITE, (3, 4, 5, 6), [3, 4]),
        (read(last="4", after="loop") + WRITE, (5, 6), [1, 2]),
        (read(last="4", after="bounce") + WRITE, (5, 6), [3, 2]),
        (read(last="4", after="black") + WRITE, (4, 5, 6), [4]),
        (read(frame_mode='"start at"', frame="101", first="5") + WRITE, (101, 103), [5, 7]),
        (read(frame_mode="offset", frame="100") + WRITE, (101, 103), [1, 3]),
        (read(frame="{{frame-100}}") + WRITE, (101, 103), [1, 3]),
        (read(frame="frame*2") + WRITE, (2, 3), [4, 6]),
        (read(frame="{{noise(frame)}}") + WRITE, (2, 3), list(range(1, 21))),
        (read() + node("TimeOffset", time_offset="10", name="T") + WRITE, (12, 13), [2, 3]),
        (read() + node("TimeOffset", time_offset="10", disable="true", name="T") + WRITE, (12, 13), [12, 13]),
        (read() + node("TimeOffset", time_offset="{{Nobody.x}}", name="T") + WRITE, (12,), list(range(1, 21))),
        (read() + node("FrameHold", first_frame="7", name="F") + WRITE, (1, 2, 3), [7]),
        (read() + node("FrameHold", first_frame="1", increment="5", name="F") + WRITE, (7, 8), [6]),
        (read() + node("Retime", name="Re") + WRITE, (2,), list(range(1, 21))),
        (read() + node("Kronos", name="K") + node("TimeOffset", time_offset="1", name="T") + WRITE, (2,), list(range(1, 21))),
        (read() + node("TemporalMedian", name="M") + WRITE, (5,), [5, 4, 6]),
        (read() + node("myTimeTool", name="M") + WRITE, (5,), list(range(1, 21))),
        (
            read()
            + "set A [stack 0]\n"
            + node("TimeOffset", time_offset="2", name="T")
            + "push $A\n"
            + node("Merge2", inputs="2", name="M")
            + WRITE,
            (9,),
            [7, 9],
        ),
        (read() + node("Write", file="o.exr", use_limit="true", first="3", last="4", name="W"), (1, 2, 3, 4, 5), [3, 4]),
        (
            read()
            + node("Group", name="G")
            + " Input {\n  inputs 0\n  name I\n }\n TimeOffset {\n  time_offset 3\n  name T\n }\n Output {\n  name O\n }\nend_group\n"
            + WRITE,
            (9,),
            [6],
        ),
        (read(disable="true"), (3,), [3]),
        (read(first="{{Nobody.first}}", last="{{Nobody.last}}"), (3,), [3]),
    ],
    ids=lambda value: None if isinstance(value, (list, tuple)) else "",
)
def test_only_the_frames_that_reach_the_read(tmp_path: Path, script: str, job: tuple[int, ...] | None, reads: list[int]) -> None:
    """Frames go from the Write up through what moves time into the clip; where nobody can tell, all that exist are taken."""
    frames(tmp_path, "p.%04d.exr", range(1, 21))
    scanned = scan(tmp_path, HEAD + root(first_frame="5", last_frame="6") + script, frames=job)
    assert files(scanned, "R.file") == [f"p.{n:04d}.exr" for n in reads]
    assert not scanned.report.missing


def test_gaps_are_missing_unless_the_node_forgives_them(tmp_path: Path) -> None:
    """A frame that lacks is missing; with `missing frames` set to anything but `error` it is not, and the neighbour is sent."""
    frames(tmp_path, "p.%04d.exr", (1, 2, 5, 6))
    for forgiving, found, lacking in (("", [1, 2], [3]), ("black", [1, 2], []), ('"nearest frame"', [1, 2], [])):
        knobs = {"on_error": forgiving} if forgiving else {}
        scanned = scan(tmp_path, HEAD + root() + read(**knobs) + WRITE)
        assert files(scanned) == [f"p.{n:04d}.exr" for n in found]
        assert [Path(m.path).name for m in scanned.report.missing] == [f"p.{n:04d}.exr" for n in lacking]
    scanned = scan(tmp_path, HEAD + root() + read(on_error='"nearest frame"') + WRITE, frames=(4,))
    assert files(scanned) == ["p.0005.exr"]
    scanned = scan(tmp_path, HEAD + root() + read(file="none.%04d.exr", on_error="black") + WRITE)
    assert [m.path for m in scanned.report.missing] == [str(tmp_path / "none.%04d.exr")]


@pytest.mark.parametrize("views", ['"left #ff0000\nright #00ff00"', '{{left ""} {right ""}}', '"left\nright"'])
def test_views(tmp_path: Path, views: str) -> None:
    """`%V` and `%v` stand for the script's views, in what is read and in what is written."""
    frames(tmp_path, "left/a_l.%04d.exr", (1, 2, 3))
    frames(tmp_path, "right/a_r.%04d.exr", (1, 2))
    text = HEAD + root(views=views) + read(file="%V/a_%v.%04d.exr") + node("Write", file="out/%V.####.exr", name="W")
    scanned = scan(tmp_path, text)
    assert len(files(scanned)) == 5
    assert [Path(m.path).name for m in scanned.report.missing] == ["a_r.0003.exr"]
    assert [Path(o.path).name for o in scanned.report.outputs] == ["left.####.exr", "right.####.exr"]
    assert scanned.facts is not None
    assert [Path(o.path).name for o in scanned.facts.steps[0].outputs] == ["left.####.exr", "right.####.exr"]


def test_a_knob_that_differs_by_view(tmp_path: Path) -> None:
    """A split knob names a file for each view."""
    touch(tmp_path, "l.exr", "r.exr")
    for stored in (r'"\\v default l.exr right r.exr"', r'"\v default l.exr right r.exr"'):
        assert files(scan(tmp_path, HEAD + root() + node("Read", inputs="0", file=stored, name="R"))) == ["l.exr", "r.exr"]


def test_scripts_in_scripts_and_gizmos(tmp_path: Path) -> None:
    """Precomps, live groups and gizmos are read on, with the frames that are asked of them."""
    frames(tmp_path, "sub/p.%04d.exr", range(1, 21))
    touch(tmp_path, "tools/tex.png", "live.exr")
    (tmp_path / "tools/gizmos").mkdir()
    (tmp_path / "tools/gizmos/MyGlow.gizmo").write_text(
        'Gizmo {\n inputs 1\n name MyGlow\n}\n Read {\n  inputs 0\n  file "\\[getenv TOOLS]/tex.png"\n  name T\n }\n Output {\n  name O\n }\nend_group\n'
    )
    (tmp_path / "sub").mkdir(exist_ok=True)
    (tmp_path / "sub/pre.nk").write_text(HEAD + root() + read(file=r'"\[file dirname \[value root.name]]/p.%04d.exr"') + WRITE)
    (tmp_path / "live.nk").write_text(HEAD + node("Read", inputs="0", file="live.exr", name="L"))
    text = (
        HEAD
        + root()
        + node("Precomp", inputs="0", file="sub/pre.nk", name="Pre")
        + node("TimeOffset", time_offset="10", name="T")
        + node("MyGlow", name="Glow")
        + node("OtherTool", name="Other1")
        + node("OtherTool", name="Other2")
        + node("LiveGroup", file="live.nk", name="Live")
        + " Input {\n  inputs 0\n  name I\n }\n Output {\n  name O\n }\nend_group\n"
        + node("OFXcom.vendor.tool_v1", name="Ofx")
        + WRITE
    )
    variables = {"NUKE_PATH": str(tmp_path / "tools"), "TOOLS": str(tmp_path / "tools")}
    scanned = scan(tmp_path, text, frames=(11, 12), variables=variables)
    assert {(d.as_written, d.kind, Path(d.within).name) for d in scanned.report.dependencies} == {
        ("sub/pre.nk", "gizmo", ""),
        ("MyGlow", "gizmo", ""),
        ("live.nk", "gizmo", ""),
        (r"\[file dirname \[value root.name]]/p.%04d.exr", "image", "pre.nk"),
        (r"\[getenv TOOLS]/tex.png", "image", "MyGlow.gizmo"),
        ("live.exr", "image", "live.nk"),
    }
    assert files(scanned, "R.file") == ["p.0001.exr", "p.0002.exr"]
    (tool,) = scanned.report.unresolved
    assert (tool.as_written, tool.referrer) == ("OtherTool", "Other1")
    assert "no reader knows class OtherTool" in tool.reason
    assert [i.as_written for i in scanned.report.ignored if "OFX" in i.as_written] == ["OFXcom.vendor.tool_v1"]
    assert not scanned.report.missing
    assert [o.within for o in scanned.report.outputs] == [""]


def test_a_precomp_that_reads_what_it_has_rendered(tmp_path: Path) -> None:
    """Where `read file for output` is on, the frames that the precomp has written are needed, those of its output only."""
    frames(tmp_path, "pre/o.%04d.exr", (1, 2, 3))
    (tmp_path / "pre.nk").write_text(
        HEAD + root() + node("Write", file="pre/o.%04d.exr", name="W1") + node("Write", file="x.exr", name="W2")
    )
    for reading, found in (("true", ["o.0001.exr", "o.0002.exr", "o.0003.exr"]), ("false", [])):
        text = HEAD + root() + node("Precomp", inputs="0", file="pre.nk", output="W1", reading=reading, name="P") + WRITE
        scanned = scan(tmp_path, text)
        assert files(scanned, "W1.file") == found
        assert [i.as_written for i in scanned.report.ignored if i.referrer == "W2.file"] == ["x.exr"]


def test_a_project_directory_that_is_not_known(tmp_path: Path) -> None:
    """What is relative to it is unresolved then, not looked for elsewhere; what is absolute is found; one may be given."""
    touch(tmp_path, "a.exr")
    text = HEAD + root(project_directory=r'"\[getenv NOT_SET]"') + node("Read", inputs="0", file="a.exr", name="R")
    text += node("Read", inputs="0", file=str(tmp_path / "a.exr").replace("\\", "/"), name="S")
    scanned = scan(tmp_path, text)
    assert files(scanned) == ["a.exr"]
    assert [u.referrer for u in scanned.report.unresolved] == ["Root.project_directory", "R.file"]
    assert files(scan(tmp_path, text, project_root=str(tmp_path))) == ["a.exr", "a.exr"]


def test_scripts_that_name_each_other(tmp_path: Path) -> None:
    """A circle of scripts ends, even where each round asks for other frames, and the report says so."""
    text = (
        HEAD
        + root()
        + node("Precomp", inputs="0", file="shot_v012.nk", name="Me")
        + node("TimeOffset", time_offset="10", name="T")
        + WRITE
    )
    report = scan(tmp_path, text, frames=(11, 12)).report
    assert {d.as_written for d in report.dependencies} == {"shot_v012.nk"}
    assert ["as when scripts name each other" in u.reason for u in report.unresolved] == [True]


@pytest.mark.parametrize(
    ("knobs", "found", "ignored"),
    [
        ({"colorManagement": "OCIO", "OCIO_config": "custom", "customOCIOConfigPath": "c.ocio"}, ["c.ocio"], []),
        ({"colorManagement": "OCIO", "OCIO_config": "aces_1.2", "customOCIOConfigPath": "c.ocio"}, [], ["c.ocio"]),
        ({"colorManagement": "Nuke", "customOCIOConfigPath": "c.ocio"}, [], ["c.ocio"]),
    ],
)
def test_colour_configuration(tmp_path: Path, knobs: dict[str, str], found: list[str], ignored: list[str]) -> None:
    """A config of one's own goes along where it is chosen; those of Nuke and paths that are not in use do not."""
    (tmp_path / "c.ocio").write_text("ocio_profile_version: 1\nroles:\n  default: raw\n")
    report = scan(tmp_path, HEAD + root(**knobs)).report
    assert [d.as_written for d in report.dependencies if d.kind == "ocio" and not d.within] == found
    assert [i.as_written for i in report.ignored if i.referrer == "Root.customOCIOConfigPath"] == ignored


def test_facts_for_a_submission(tmp_path: Path) -> None:
    """Version, range and a step for each Write, in the order in which they render, with what keeps one from being known."""
    text = (
        HEAD
        + root(first_frame="1001", last_frame="1010")
        + node("Write", file="late.mov", file_type="mov", render_order="2", name="Late")
        + node("Write", file="first.####.exr", use_limit="true", first="1002", last="1004", views='"left"', name="First")
        + node("Write", file=r'"\[metadata x].exr"', render_order="3", name="Lost")
        + node("Write", file="off.exr", render_order="4", disable="true", name="Off")
        + node("Group", name="G")
        + " Write {\n  file in.%04d.exr\n  render_order 5\n  name In\n }\nend_group\n"
    )
    facts = scan(tmp_path, text).facts
    assert facts is not None
    assert (facts.software.name, facts.software.version, facts.frames) == ("nuke", "15.1v3", "1001-1010")
    assert [(s.name, s.enabled, [(Path(o.path).name, o.kind) for o in s.outputs], bool(s.problem)) for s in facts.steps] == [
        ("First", True, [("first.####.exr", "image")], False),
        ("Late", True, [("late.mov", "movie")], False),
        ("Lost", True, [], True),
        ("Off", False, [("off.exr", "image")], False),
        ("G.In", True, [("in.####.exr", "image")], False),
    ]
    assert dict(facts.steps[0].parameters) == {"write": "First", "render_order": 1, "views": "left", "first": 1002, "last": 1004}
    assert [s.frames for s in facts.steps] == ["1002-1004", "", "", "", ""]
    assert [s.after for s in facts.steps] == [
        (),
        ("First",),
        ("First", "Late"),
        ("First", "Late", "Lost"),
        ("First", "Late", "Lost", "Off"),
    ]


@pytest.mark.parametrize(
    ("reader", "after"),
    [
        (node("Read", inputs="0", file="pre/pass.%04d.exr", name="R"), ("Pre",)),
        (node("Read", inputs="0", file="pre/pass.0002.exr", name="R"), ("Pre",)),
        (node("Read", inputs="0", file=r'"\[value Pre.file]"', name="R"), ("Pre",)),
        (node("Read", inputs="0", file="pre/other.%04d.exr", name="R"), ()),
        (node("Read", inputs="0", file="pre/pass.%04d.exr", disable="true", name="R"), ()),
        (
            node("Group", inputs="0", name="G") + node("Read", inputs="0", file="pre/pass.####.exr", name="R") + GROUP_END,
            ("Pre",),
        ),
    ],
    ids=["by its pattern", "one frame", "by an expression", "another file", "disabled", "in a group"],
)
def test_a_step_waits_for_the_one_whose_files_it_reads(tmp_path: Path, reader: str, after: tuple[str, ...]) -> None:
    """A Write above which another one's files are read renders after that one, wherever it stands in the script."""
    text = HEAD + root() + reader + node("Write", file="last.####.exr", name="Last")
    text += node("Constant", inputs="0", name="C") + node("Write", file="pre/pass.####.exr", name="Pre")
    facts = scan(tmp_path, text).facts
    assert facts is not None
    assert {s.name: s.after for s in facts.steps} == {"Last": after, "Pre": ()}
    assert [s.name for s in facts.steps] == (["Pre", "Last"] if after else ["Last", "Pre"])


def test_a_write_that_shows_its_file_is_waited_for(tmp_path: Path) -> None:
    """With `read file` on, what is below a Write reads its pictures; without, they go straight through."""
    for reading, after in (("true", ("Pre",)), ("false", ())):
        text = HEAD + root() + node("Constant", inputs="0", name="C")
        text += node("Write", file="pre.####.exr", reading=reading, name="Pre") + node("Write", file="last.####.exr", name="Last")
        facts = scan(tmp_path, text).facts
        assert facts is not None
        assert {s.name: s.after for s in facts.steps} == {"Pre": (), "Last": after}


@pytest.mark.parametrize(
    ("knobs", "outputs"),
    [
        ({"file": "o_%V.####.exr"}, ["o_left.####.exr", "o_right.####.exr"]),
        ({"file": "o_%V.####.exr", "views": "right"}, ["o_right.####.exr"]),
        ({"file": "o_%V.####.exr", "views": "{left right}"}, ["o_left.####.exr", "o_right.####.exr"]),
        ({"file": "o.####.exr", "views": '"left right"'}, ["o.####.exr"]),
        ({"file": "o.####.exr", "proxy": "small.####.exr"}, ["o.####.exr"]),
        ({"file": r'"\v default l.####.exr right r.####.exr"', "views": "right"}, ["r.####.exr"]),
        ({"file": r'"\v default l.####.exr right r.####.exr"', "views": '"right left"'}, ["r.####.exr", "l.####.exr"]),
    ],
    ids=["all views", "one view", "both by name", "views in one file", "proxy", "one of a split name", "a split name, turned"],
)
def test_a_step_has_the_files_that_it_renders(tmp_path: Path, knobs: dict[str, str], outputs: list[str]) -> None:
    """One for each view that the Write renders, and none for what it would write at proxy resolution."""
    facts = scan(tmp_path, HEAD + root(views='"left #ff0000\nright #00ff00"') + node("Write", **knobs, name="W")).facts
    assert facts is not None
    assert [Path(o.path).name for o in facts.steps[0].outputs] == outputs


def test_a_proxy_that_is_not_known_keeps_nothing_from_rendering(tmp_path: Path) -> None:
    """Frames are rendered in full: where the small ones would go is not asked."""
    facts = scan(tmp_path, HEAD + root() + node("Write", file="o.####.exr", proxy=r'"\[metadata x].exr"', name="W")).facts
    assert facts is not None
    assert (len(facts.steps[0].outputs), facts.steps[0].problem) == (1, "")


def test_steps_that_wait_for_each_other_are_in_render_order(tmp_path: Path) -> None:
    """Two that read each other's files: the one of the lower render order does not wait, as in Nuke."""
    text = HEAD + root() + node("Read", inputs="0", file="b.%04d.exr", name="RB") + node("Write", file="a.####.exr", name="A")
    text += node("Read", inputs="0", file="a.%04d.exr", name="RA") + node("Write", file="b.####.exr", render_order="0", name="B")
    facts = scan(tmp_path, text).facts
    assert facts is not None
    assert [(s.name, s.after) for s in facts.steps] == [("B", ()), ("A", ("B",))]


def test_a_time_warp_asks_for_the_frames_of_its_curve(tmp_path: Path) -> None:
    """A constant lookup is one frame; a curve is not evaluated without Nuke, so all that exists is taken."""
    frames(tmp_path, "p.%04d.exr", range(1, 21))
    for lookup, wanted in (("5", ["p.0005.exr"]), ("{{curve x1 1 x20 10}}", [f"p.{n:04d}.exr" for n in range(1, 21)])):
        text = HEAD + root() + node("Read", inputs="0", file="p.%04d.exr", last="20", name="R")
        text += node("TimeWarp", lookup=lookup, name="T") + node("Write", file="o.####.exr", name="W")
        assert files(scan(tmp_path, text, frames=(2, 3)), "R.file") == wanted


def test_knobs_that_no_table_knows(tmp_path: Path) -> None:
    """By its name a knob reads or writes; what only looks like a path is told, never dropped or guessed."""
    touch(tmp_path, "logo.png", "img.exr")
    text = (
        HEAD
        + root()
        + node(
            "StudioSlate",
            logo_file="logo.png",
            output_path="/trap/out.exr",
            folder="/jobs/x/y",
            tint="0.5",
            note="/trap/note.exr",
            name="S",
        )
        + node("NoOp", name="N", addUserKnob='{2 render_dir l "Render to"}', render_dir="/trap/render/")
        + node("NoOp", name="M", addUserKnob="{2 anything l Plate}", anything="img.exr")
        + node("StudioWrite", file="w/studio.####.exr", name="SW")
        + node("Copy", from0="rgba.alpha", to0="depth.Z", name="C")
        + node("OCIOColorSpace", in_colorspace="Utility/Linear/sRGB.v1", name="O")
        + node("ReadGeo2", inputs="0", file="g.abc", scene_view="{{0} imported: 0 items: /root/a/b.c}", name="G")
    )
    report = scan(tmp_path, text).report
    assert [(d.as_written, d.referrer) for d in report.dependencies] == [("logo.png", "S.logo_file"), ("img.exr", "M.anything")]
    assert [m.as_written for m in report.missing] == ["g.abc"]
    assert [(u.as_written, u.referrer) for u in report.unresolved if "." in u.referrer] == [("/jobs/x/y", "S.folder")]
    assert {i.as_written for i in report.ignored} == {"/trap/out.exr", "/trap/note.exr", "/trap/render/"}
    assert [o.as_written for o in report.outputs] == ["w/studio.####.exr"]


def test_clones_and_copies_out_of_a_script(tmp_path: Path) -> None:
    """What one copies out of Nuke is a script; a clone reads what its source reads."""
    touch(tmp_path, "a.exr")
    text = (
        "set cut_paste_input [stack 0]\nversion 12.0 v3\npush $cut_paste_input\nRead {\ninputs 0\nfile a.exr\nname Read1\n}\n"
        "set C1 [stack 0]\nclone $C1 {\n inputs 0\n xpos 5\n}\nclone node7f|Read|2 Read {\n inputs 0\n file b.exr\n name Read2\n}\n"
    )
    report = scan(tmp_path, text, name="copied.txt").report
    assert report.format == "nuke-script"
    assert [d.as_written for d in report.dependencies] == ["a.exr"]
    assert [m.referrer for m in report.missing] == ["Read2.file"]


def test_both_sides_of_a_conflict(tmp_path: Path) -> None:
    """Conflict marks within a node or around nodes: both sides count, and the report says so."""
    touch(tmp_path, "a.exr", "b.exr", "c.exr", "d.exr")
    text = (
        HEAD
        + root()
        + "Read {\n inputs 0\n<<<<<<< HEAD\n file a.exr\n=======\n file b.exr\n>>>>>>> other\n name R\n}\n"
        + "<<<<<<< HEAD\nRead {\n inputs 0\n file c.exr\n name S\n}\n=======\nRead {\n inputs 0\n file d.exr\n name S\n}\n>>>>>>> other\n"
    )
    scanned = scan(tmp_path, text)
    assert sorted(files(scanned)) == ["a.exr", "b.exr", "c.exr", "d.exr"]
    assert [u.reason for u in scanned.report.unresolved] == [
        "it has the conflict marks of a version control; both sides were read"
    ]


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    """Names of any bytes are found as they are; CRLF makes no difference."""
    name = b"caf\xe9.exr".decode("utf-8", "surrogateescape")
    try:
        touch(tmp_path, name)
    except OSError:
        pytest.skip("this disk knows UTF-8 names only")
    text = (HEAD + root() + node("Read", inputs="0", file=name, name="R")).replace("\n", "\r\n")
    assert files(scan(tmp_path, text)) == [name]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("\0\1\2\3" * 100, "it is not text"),
        ("this is nothing of the kind\n", "there is no node in it"),
        ("Group {\n}\n" * 300, "its groups lie more than 200 deep in each other"),
    ],
)
def test_what_is_no_script(tmp_path: Path, text: str, reason: str) -> None:
    """A file that cannot be read says why."""
    with pytest.raises(SceneNotRead, match=reason):
        scan(tmp_path, text)


def test_damage_is_told_with_its_place(tmp_path: Path) -> None:
    """What stands before and after a damaged place is read; the report names the line."""
    touch(tmp_path, "a.exr", "b.exr")
    broken = (
        HEAD + root() + "Read {\n inputs 0\n file a.exr\nBlur {\n name B\n}\n" + node("Read", inputs="0", file="b.exr", name="R")
    )
    scanned = scan(tmp_path, broken + 'Text {\n message "never closed\n')
    assert files(scanned) == ["a.exr", "b.exr"]
    assert [u.reason for u in scanned.report.unresolved] == [
        "the script is damaged: Read in line 8 is not closed before line 11",
        "the script is damaged: the value of message in line 20 is not closed",
        "the script is damaged: the file ends within Text, which starts in line 19",
    ]


@pytest.mark.parametrize(
    "knob", ["filename", "texture_filename", "show_lut", "plate_in", "image_display", "lut", "domain", "matte_mask"]
)
def test_files_in_knobs_whose_names_end_like_settings(tmp_path: Path, knob: str) -> None:
    """`filename` ends in `name`, `show_lut` in `lut`: a path with a file's extension is told wherever it stands."""
    report = scan(tmp_path, root() + node("StudioTool", inputs="0", **{knob: "/show/a.exr"})).report
    assert "/show/a.exr" in {m.as_written for m in report.missing} | {u.as_written for u in report.unresolved}


def test_settings_that_look_like_paths(tmp_path: Path) -> None:
    """Names of layers, colour spaces and nodes are no files."""
    settings = {"in_colorspace": "ACES/ACEScg.lin", "outputLayer": "/a/rgba.red", "scene_node": "/root/geo.one", "name": "/a/b.c"}
    report = scan(tmp_path, root() + node("Dot", inputs="0", **settings)).report
    assert not (*report.missing, *report.unresolved)


@pytest.mark.parametrize(
    ("class_", "numbers"),
    [("OFXcom.absoft.neatvideo5_v5", range(15, 26)), ("studioDeflicker", range(17, 24)), ("studioGrade", range(20, 21))],
)
def test_plugins_that_look_at_the_frames_beside(tmp_path: Path, class_: str, numbers: range) -> None:
    """What takes noise or flicker out gets the frames around, where they are there; those that lack are not missing."""
    frames(tmp_path, "a.%04d.exr", range(12, 30))
    text = root() + node("Read", inputs="0", file="a.%04d.exr", first="12", last="29", name="R") + node(class_, name="P")
    report = scan(tmp_path, text + node("Write", file="out.%04d.exr", name="W"), frames=(20,)).report
    assert sorted(f[-8:-4] for d in report.dependencies if d.referrer == "R.file" for f in d.files) == [
        f"{n:04d}" for n in numbers
    ]
    assert not [m for m in report.missing if m.referrer == "R.file"]
