"""Promises of the Houdini adapter beyond those of every host: steps, values that only Houdini knows, libraries, the panel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.host import SceneStep
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_plugins.host import HostRefused
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def hou(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The fake Houdini with a window, a saved scene in it with the frames 1-10."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    from fakes.houdini_fake import hou
    from fakes.houdini_session import RECORD, WORLD

    monkeypatch.setitem(sys.modules, "hou", hou())
    monkeypatch.syspath_prepend(str(REPO / "houdini"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OCIO", raising=False)
    WORLD.clear()
    WORLD.graphical = True
    RECORD.refused.clear()
    module = hou()
    module.playbar.setFrameRange(1, 10)
    module.hipFile.save(str(tmp_path / "shot.hip"))
    yield module
    assert RECORD.refused == []
    WORLD.clear()


def made(hou: Any, parent: str, type_: str, name: str, **values: object) -> Any:
    """Make a node and set its parameters."""
    node = hou.node(parent).createNode(type_, name)
    for parameter, value in values.items():
        node.parm(parameter).set(value)
    return node


def findings(frames: tuple[int, ...] = ()) -> list[Finding]:
    from conductor_houdini.host import HoudiniHost

    return [finding for piece in HoudiniHost().dependencies(frames) for finding in piece]


def of(referrer: str, found: list[Finding]) -> Finding:
    """Return the one finding of a parameter."""
    (one,) = [finding for finding in found if finding.referrer == referrer]
    return one


def steps() -> dict[str, SceneStep]:
    from conductor_houdini.host import HoudiniHost

    return {step.name: step for step in HoudiniHost().steps()}


def test_steps_are_those_of_the_file(hou: Any, tmp_path: Path) -> None:
    """What the adapter says can be rendered is what the reader of the saved file says, to the last field."""
    pytest.importorskip("zstandard")  # the readers of files are the agent's
    made(hou, "/out", "geometry", "cache", sopoutput="$HIP/geo/$OS.$F4.bgeo.sc", trange="normal")
    first = made(hou, "/out", "ifd", "beauty", vm_picture="$HIP/render/$OS.$F4.exr", trange="normal")
    first.setInput(0, hou.node("/out/cache"))
    first.parm("f2").setExpression("$FEND-2")
    made(hou, "/out", "ifd", "off", vm_picture="$HIP/off.exr").bypass(True)
    made(hou, "/out", "ifd", "shown", vm_picture="ip")
    hou.hipFile.save()
    facts = scan_file(Survey(str(tmp_path / "shot.hip"))).facts
    assert facts is not None
    assert steps() == {step.name: step for step in facts.steps}
    assert steps()["/out/beauty"].after == ("/out/cache",)
    assert steps()["/out/beauty"].frames == "1-8"


def test_python_is_asked_of_houdini(hou: Any) -> None:
    """A text that Python makes is what Houdini says it is; the file's reader cannot tell."""
    node = made(hou, "/obj", "geo", "box").createNode("file", "reading")
    node.parm("file").set("`pythonexprs(\"'/show/geo/' + 'wood.bgeo'\")`")
    found = of("/obj/box/reading/file", findings())
    assert isinstance(found, Usage), found
    assert found.places == ("/show/geo/wood.bgeo",)
    assert found.as_written.startswith("`pythonexprs(")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("`@pdg_input`", "attribute", id="work-item"),
        pytest.param("$HIP/$WEDGE/a.bgeo", "$WEDGE is not set", id="wedge"),
        pytest.param("$HIP/a.$SF.bgeo", "$SF", id="frame-of-a-simulation"),
        pytest.param('$HIP/`details("../x", "name")`.bgeo', "details", id="geometry"),
    ],
)
def test_what_is_known_only_at_render_time_is_not_guessed(hou: Any, text: str, reason: str) -> None:
    """A text that Houdini fills in while a node cooks is unresolved, with the reason, though Houdini would give some text now."""
    node = made(hou, "/obj", "geo", "box").createNode("file", "reading")
    node.parm("file").set(text)
    found = of("/obj/box/reading/file", findings())
    assert isinstance(found, Unresolved), found
    assert reason in found.reason


def test_frames_are_those_of_the_job(hou: Any, tmp_path: Path) -> None:
    """A sequence is told as a pattern with the frames that were asked for."""
    node = made(hou, "/obj", "geo", "box").createNode("file", "reading")
    node.parm("file").set("$HIP/plate/wood.$F4.png")
    found = of("/obj/box/reading/file", findings((3, 4)))
    assert isinstance(found, Usage), found
    assert found.places == (str(tmp_path / "plate" / "wood.%04d.png"),)
    assert getattr(found.reach, "wanted", None) == (3, 4)


def test_reading_and_writing(hou: Any, tmp_path: Path) -> None:
    """The switches of a node count as they do in its file: File Mode says whether it reads or writes."""
    box = made(hou, "/obj", "geo", "box")
    for name, mode in (("reads", "read"), ("writes", "write"), ("nothing", "none")):
        node = box.createNode("file", name)
        node.parm("file").set("$HIP/a.bgeo")
        node.parm("filemode").set(mode)
    found = findings()
    kinds = {name: type(of(f"/obj/box/{name}/file", found)) for name in ("reads", "writes", "nothing")}
    assert kinds == {"reads": Usage, "writes": ScanOutput, "nothing": Ignored}


def test_a_copy_goes_to_any_path(hou: Any, tmp_path: Path) -> None:
    """A path in which HScript would fill in something is written as well, and the scene keeps its name."""
    from conductor_houdini import saving

    folder = tmp_path / "it's $HIP `x` 夜"
    folder.mkdir()
    before = hou.hipFile.path()
    assert saving.snapshot(str(folder / "copy.hip")) == before
    assert (folder / "copy.hip").is_file()
    assert [path.name for path in folder.iterdir()] == ["copy.hip"]
    assert hou.hipFile.path() == before


def test_a_copy_over_the_scene_is_refused(hou: Any) -> None:
    """The scene's own file is nobody's copy."""
    from conductor_houdini import saving

    with pytest.raises(HostRefused, match="over the scene itself"):
        saving.snapshot(hou.hipFile.path())


@pytest.mark.parametrize(
    ("category", "type_", "referrer"),
    [
        ("Sop", "chair", "Sop/chair"),
        ("Sop", "chair::2.0", "Sop/chair::2.0"),
        ("Top", "labs::concatenate_text::1.0", "labs::Top/concatenate_text::1.0"),
        ("Lop", "a::b::c", "a::b::Lop/c"),
    ],
)
def test_types_are_named_as_in_a_file(hou: Any, category: str, type_: str, referrer: str) -> None:
    """The type that a library is needed for is written as scenes write it, and read back."""
    from conductor_houdini.libraries import referrer_of, type_of

    assert referrer_of(category, type_) == referrer
    assert type_of(referrer) == (category, type_)


@pytest.mark.parametrize("text", ["", "/obj/box/file", "chair", "Sop/", "Sop/a b"])
def test_other_texts_name_no_type(hou: Any, text: str) -> None:
    """A parameter's path is no type."""
    from conductor_houdini.libraries import type_of

    assert type_of(text) is None


def test_steps_can_be_shown(hou: Any) -> None:
    """A step's name selects its node, also that of a renderer's own program."""
    from conductor_houdini.host import HoudiniHost

    made(hou, "/out", "ifd", "beauty", vm_picture="$HIP/a.exr", soho_outputmode=1, soho_diskfile="$HIP/a.$F4.ifd")
    host = HoudiniHost()
    assert [step.name for step in host.steps()] == ["/out/beauty", "/out/beauty mantra"]
    for step in host.steps():
        assert host.reveal(step.name)
        assert hou.node("/out/beauty").isSelected()


def test_menu_says_what_keeps_the_panel_away(hou: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while the panel opens is a sentence to the artist and no traceback in a console."""
    from conductor_houdini import docking, menu
    from fakes.houdini_window import MESSAGES

    def broken(_section: str) -> None:
        raise LookupError("the farm is closed")

    MESSAGES.clear()
    monkeypatch.setattr(docking, "show", broken)
    menu.submit()
    assert "The panel cannot be opened: the farm is closed" in str(MESSAGES)


def test_the_menu_shows_where_the_files_are(hou: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel comes up with its files, and looks for them while Houdini goes on."""
    from conductor_houdini import docking, menu

    shown: list[str] = []
    monkeypatch.setattr(docking, "show", shown.append)
    menu.check_files()
    menu.submit()
    assert shown == ["Files", ""]
