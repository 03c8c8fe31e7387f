"""What the adapter of Nuke makes of scripts: evaluated by Nuke, over frames and views, beside what the readers of files find."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.reach import Frames, OneFile
from conductor_core.discovery.survey import Survey
from conductor_core.formats.nuke_script import read_script
from conductor_core.host import SceneStep
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_plugins.host import HostRefused
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD, session

HEAD = "version 15.1 v3\nRoot {\n inputs 0\n name %s\n first_frame 1\n last_frame 10\n%s}\n"
#: a Read and the Write below it
READ = "Read {\n inputs 0\n file %s\n last 10\n name Read1\n}\n"
WRITE = "Write {\n file out.####.exr\n name Write1\n}\n"


@pytest.fixture(autouse=True)
def no_nuke_after() -> Iterator[None]:
    """Nuke has refused nothing, and other tests do not find this one."""
    yield
    assert (RECORD.refused, RECORD.unknown) == ([], [])
    uninstall()


def opened(folder: Path, nodes: str, root: str = "", **settings: Any) -> Any:
    """Open a script in a new Nuke, and return the adapter."""
    install(**{"gui": True, **settings})
    file = folder / "shot.nk"
    file.write_text(HEAD % (file.as_posix(), root) + nodes, encoding="utf-8")
    import nuke

    nuke.scriptOpen(str(file))
    from conductor_nuke.host import NukeHost

    return NukeHost()


def found(host: Any, frames: Sequence[int] = ()) -> list[Finding]:
    """Return all findings."""
    return [finding for piece in host.dependencies(frames) for finding in piece]


def reading(host: Any, referrer: str, frames: Sequence[int] = ()) -> list[Usage]:
    """Return what one knob reads."""
    return [f for f in found(host, frames) if isinstance(f, Usage) and f.referrer == referrer]


def test_what_we_can_evaluate_is_told_once(tmp_path: Path) -> None:
    """Text, places and frames are those that the reader of files tells, and Nuke's own answer is not told a second time."""
    for text in (r'"\[file dirname \[value root.name]]/plate.%04d.exr"', "plate.####.exr", r'"plate.\[frame].exr"'):
        host = opened(tmp_path, READ % text + WRITE)
        by_file = [f for f in read_script(Survey(str(tmp_path / "shot.nk"), (3, 4))) if isinstance(f, Usage)]
        assert reading(host, "Read1.file", (3, 4)) == by_file


def test_what_only_nuke_can_evaluate_is_found(tmp_path: Path) -> None:
    """Python that runs, in a knob that no reader evaluates: the place that Nuke says, by the text that is stored."""
    text = r'"\[python \{chr(112) * 2\}].%04d.exr"'
    host = opened(tmp_path, READ % text + WRITE)
    (file_only,) = (f for f in read_script(Survey(str(tmp_path / "shot.nk"))) if isinstance(f, Unresolved))
    (usage,) = reading(host, "Read1.file", (3, 4))
    assert usage.as_written == file_only.as_written
    assert usage.places[0] == str(tmp_path / "pp.%04d.exr")
    assert usage.reach == Frames((3, 4), (), ("main",))


def test_text_that_differs_by_frame_is_evaluated_for_each(tmp_path: Path) -> None:
    """A file of its own for some frames is found beside the one for the others, each for its frames."""
    text = r'"\[if \{\[frame] > 3\} \{return late\} \{return early\}].%04d.exr"'
    host = opened(tmp_path, READ % text + WRITE)
    told = {usage.places[0]: usage.reach for usage in reading(host, "Read1.file", (2, 3, 4, 5))}
    assert told == {
        str(tmp_path / "early.%04d.exr"): Frames((2, 3), (), ("main",)),
        str(tmp_path / "late.%04d.exr"): Frames((4, 5), (), ("main",)),
    }


def test_what_the_window_alone_says_is_not_taken(tmp_path: Path) -> None:
    """`$gui` is another on the farm, so Nuke's answer here is not the file that is rendered: it is told as unresolved."""
    host = opened(tmp_path, READ % r'"\[if \{$gui\} \{return a\} \{return b\}].exr"' + WRITE)
    assert reading(host, "Read1.file") == []
    assert [type(f) for f in found(host) if f.referrer == "Read1.file"] == [Unresolved]


def test_time_is_followed_through_curves(tmp_path: Path) -> None:
    """The frames of a TimeWarp's curve and of an animated offset are those that Nuke evaluates; between two both are read."""
    warp = "TimeWarp {\n lookup {{curve x1 5 x3 8}}\n name T\n}\n"
    (usage,) = reading(opened(tmp_path, READ % "p.%04d.exr" + warp + WRITE), "Read1.file", (1, 2, 3))
    assert isinstance(usage.reach, Frames)
    assert sorted(usage.reach.wanted or ()) == [5, 6, 7, 8]
    hold = "FrameHold {\n first_frame {{curve x1 5 x2 9 x3 5}}\n name T\n}\n"
    (usage,) = reading(opened(tmp_path, READ % "p.%04d.exr" + hold + WRITE), "Read1.file", (1, 2, 3))
    assert isinstance(usage.reach, Frames)
    assert sorted(usage.reach.wanted or ()) == [5, 9]
    offset = "TimeOffset {\n time_offset {{frame*2}}\n name T\n}\n"
    (usage,) = reading(opened(tmp_path, READ % "p.%04d.exr" + offset + WRITE), "Read1.file", (1, 2))
    assert isinstance(usage.reach, Frames)
    assert sorted(usage.reach.wanted or ()) == [1]


def test_nodes_inside_are_found(tmp_path: Path) -> None:
    """A Read in a group, and a file that a gizmo reads by its own knob, evaluated inside it."""
    gizmos = tmp_path / "gizmos"
    gizmos.mkdir()
    (gizmos / "Slate.gizmo").write_text(
        "Gizmo {\n addUserKnob {20 User}\n addUserKnob {2 logo}\n logo /art/logo.png\n}\n"
        ' Read {\n  inputs 0\n  file "\\[value parent.logo]"\n  name Logo\n }\n Output {\n  name Output1\n }\nend_group\n',
        encoding="utf-8",
    )
    nodes = "Slate {\n inputs 0\n name Slate1\n}\nGroup {\n name G\n}\n" + READ % "in.exr" + "Output {\n name O\n}\nend_group\n"
    host = opened(tmp_path, nodes + WRITE, plugin_path=[str(gizmos)])
    told = {(f.referrer, f.places[0]) for f in found(host) if isinstance(f, Usage)}
    assert ("G.Read1.file", str(tmp_path / "in.exr")) in told
    assert ("Slate1.Logo.file", "/art/logo.png") in told
    assert ("Slate1.logo", "/art/logo.png") in told
    assert ("Slate1", str(gizmos / "Slate.gizmo")) in told


def test_files_of_plug_ins_and_of_live_groups(tmp_path: Path) -> None:
    """A file parameter of an OFX plug-in by its class, whatever it is called; what is in a LiveGroup; the plug-in itself by name."""
    nodes = (
        "OFXcom.absoft.neatvideo5_v5 {\n inputs 0\n addUserKnob {20 User}\n addUserKnob {2 strange}\n strange /art/noise.dnp\n name N\n}\n"
        "LiveGroup {\n inputs 0\n file lib/sky.nk\n name Live\n}\n" + READ % "sky.%04d.exr" + "Output {\n name O\n}\nend_group\n"
    )
    host = opened(tmp_path, nodes + WRITE)
    told = {(f.referrer, f.places[0]) for f in found(host) if isinstance(f, Usage)}
    assert ("N.strange", "/art/noise.dnp") in told
    assert ("Live.Read1.file", str(tmp_path / "sky.%04d.exr")) in told
    assert ("Live.file", str(tmp_path / "lib/sky.nk")) in told
    assert [p.name for p in host.scene().plug_ins] == ["neatvideo"]
    assert [f.reason for f in found(host) if isinstance(f, Ignored) and f.referrer == "N"] == [
        "an OFX plug-in: it has to be installed where the script is rendered"
    ]


def test_a_precomp_is_read_from_its_file(tmp_path: Path) -> None:
    """Its script goes along, and what is in it is told by who reads that script, for the frames that are asked of it."""
    (tmp_path / "pre.nk").write_text(HEAD % ((tmp_path / "pre.nk").as_posix(), "") + READ % "inner.exr" + WRITE, encoding="utf-8")
    host = opened(tmp_path, "Precomp {\n inputs 0\n file pre.nk\n name P\n}\n" + WRITE)
    told = {(f.referrer, f.places[0]) for f in found(host) if isinstance(f, Usage)}
    assert told == {("P.file", str(tmp_path / "pre.nk"))}
    assert [step.name for step in host.steps()] == ["Write1"]


def test_strokes_and_curves_are_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes Nuke long to write down holds no paths: strokes, and the keys of curves."""
    camera = "Camera2 {\n inputs 0\n translate {{curve x1 1 x2 5} 0 0}\n name C\n}\nRotoPaint {\n inputs 0\n curves {{{v x3f99999a}}}\n name P\n}\n"
    host = opened(tmp_path, camera + WRITE)
    import nuke

    asked: list[str] = []
    for class_ in {type(knob) for node in nuke.allNodes() for knob in node.knobs().values()}:
        before = class_.toScript

        def noted(knob: Any, *words: Any, before: Any = before) -> str:
            asked.append(f"{knob.node().name()}.{knob.name()}" if knob.node() else "")
            return str(before(knob, *words))

        monkeypatch.setattr(class_, "toScript", noted)
    found(host)
    assert "Write1.file" in asked
    assert not {"C.translate", "P.curves"} & set(asked)


def test_steps_are_those_of_the_file(tmp_path: Path) -> None:
    """The panel and the command line make the same job: names, outputs, limits, views, order, and what waits for what."""
    nodes = (
        "Read {\n inputs 0\n file pre.%04d.exr\n name R\n}\nWrite {\n file last.####.exr\n use_limit true\n first 2\n last 4\n name Last\n}\n"
        "Constant {\n inputs 0\n name C\n}\nWrite {\n file pre.####.exr\n name Pre\n}\n"
        "Write {\n file off.####.exr\n disable true\n render_order 2\n name Off\n}\n"
        "Group {\n name G\n}\nConstant {\n inputs 0\n name C\n}\nWrite {\n file in.mov\n file_type mov\n name In\n}\nend_group\n"
    )
    host = opened(tmp_path, nodes)
    facts = [
        f for f in read_script(Survey(str(tmp_path / "shot.nk"))) if not isinstance(f, (Usage, Unresolved, Ignored, ScanOutput))
    ]
    assert tuple(host.steps()) == facts[0].steps
    by_name: dict[str, SceneStep] = {step.name: step for step in host.steps()}
    assert by_name["Last"].frames == "2-4"
    assert by_name["Last"].after == ("Pre",)
    assert not by_name["Off"].enabled
    assert by_name["G.In"].outputs[0].kind == "movie"


def test_what_a_gizmo_writes(tmp_path: Path) -> None:
    """A studio's gizmo with a Write in it is a step; beside other steps it is switched off, since the script's file lacks it."""
    gizmos = tmp_path / "gizmos"
    gizmos.mkdir()
    inner = (
        " Input {\n  inputs 0\n  name I\n }\n Write {\n  file studio.####.exr\n  name W\n }\n Output {\n  name O\n }\nend_group\n"
    )
    (gizmos / "StudioOut.gizmo").write_text("Gizmo {\n addUserKnob {20 User}\n}\n" + inner, encoding="utf-8")
    for other, enabled in (("", {"S.W": True}), (WRITE, {"S.W": False, "Write1": True})):
        host = opened(tmp_path, "StudioOut {\n inputs 0\n name S\n}\n" + other, plugin_path=[str(gizmos)])
        assert {step.name: step.enabled for step in host.steps()} == enabled


def test_a_place_to_write_that_only_nuke_knows(tmp_path: Path) -> None:
    """A Write whose file only Nuke evaluates has its output; one that differs by frame has a problem instead of a wrong place."""
    write = 'Write {\n file "%s.####.exr"\n name Write1\n}\n'
    (step,) = opened(tmp_path, write % r"\[python \{chr(111)\}]").steps()
    assert ([o.path for o in step.outputs], step.problem) == ([str(tmp_path / "o.####.exr")], "")
    (step,) = opened(tmp_path, write % r"\[if \{\[frame] > 3\} \{return late\} \{return early\}]").steps()
    assert step.outputs == ()
    assert step.problem


def test_views(tmp_path: Path) -> None:
    """One output for each view of the script, and the files of both views."""
    root = ' views "left #ff0000\nright #00ff00"\n'
    host = opened(tmp_path, READ % "plate_%V.%04d.exr" + "Write {\n file o_%v.####.exr\n name Write1\n}\n", root)
    (step,) = host.steps()
    assert [Path(o.path).name for o in step.outputs] == ["o_l.####.exr", "o_r.####.exr"]
    (usage,) = reading(host, "Read1.file", (1,))
    assert usage.reach == Frames((1,), (), ("left", "right"))


def test_the_script_is_told(tmp_path: Path) -> None:
    """Version, project directory, colour configuration and the plug-ins that do not come with Nuke."""
    (tmp_path / "c.ocio").write_text("")
    root = " project_directory /jobs/a\n colorManagement OCIO\n OCIO_config custom\n customOCIOConfigPath c.ocio\n"
    scene = opened(tmp_path, READ % "a.exr" + WRITE, root).scene()
    assert (scene.software.name, scene.software.version) == ("nuke", session().version)
    assert (scene.project_root, scene.colour_config) == ("/jobs/a", "/jobs/a/c.ocio")
    assert scene.path == str(tmp_path / "shot.nk")


def test_settings_are_hidden_and_plain(tmp_path: Path) -> None:
    """They stand in an invisible knob of the Root, in letters that Nuke expands nothing in, and change no flag."""
    host = opened(tmp_path, WRITE)
    import nuke

    host.remember('{"title": "[value root.name] $HOME"}')
    assert not host.scene().modified
    knob = nuke.root().knob("conductor_settings")
    assert knob is not None
    assert not knob.visible()
    assert base64.urlsafe_b64decode(str(knob.value()).encode()).decode() == '{"title": "[value root.name] $HOME"}'
    knob.setValue("somebody was here: \\x")
    assert host.scene().settings == ""


def test_a_copy_is_not_written_over_the_script(tmp_path: Path) -> None:
    """A snapshot at the script's own place is refused, and the script is as it was."""
    host = opened(tmp_path, WRITE)
    before = (tmp_path / "shot.nk").read_bytes()
    with pytest.raises(HostRefused, match="over the script itself"):
        host.snapshot(str(tmp_path / "shot.nk"))
    assert (tmp_path / "shot.nk").read_bytes() == before


@pytest.mark.parametrize(
    ("referrer", "there", "chosen"),
    [
        ("Read1.file", True, "Read1"),
        ("Read1", True, "Read1"),
        ("G.In.file", True, "In"),
        ("G.In", True, "In"),
        ("Root.project_directory", True, ""),
        ("Read1.nobody", False, ""),
        ("Read2.file", False, ""),
        ("G.Out.file", False, ""),
        ("environment.OCIO", False, ""),
        ("", False, ""),
    ],
)
def test_reveal(tmp_path: Path, referrer: str, there: bool, chosen: str) -> None:
    """A node is selected alone and told to be there; who is not there changes nothing."""
    nodes = READ % "a.exr" + WRITE + "Group {\n name G\n}\n" + (READ % "b.exr").replace("Read1", "In") + "end_group\n"
    host = opened(tmp_path, nodes)
    import nuke

    assert host.reveal(referrer) is there
    assert not host.scene().modified
    assert [n.name() for n in nuke.allNodes(recurseGroups=True) if n.isSelected()] == ([chosen] if chosen else [])


def test_one_file_is_one_file(tmp_path: Path) -> None:
    """A still is a single file whatever frames the job has."""
    (usage,) = reading(opened(tmp_path, READ % "still.exr" + WRITE), "Read1.file", (1, 2, 3))
    assert usage.reach == OneFile()
