"""The fake Houdini bites: it refuses what Houdini refuses, loads what Houdini saved, and saves what our readers read."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from fakes.stub_reading import Stubs, StubsAbsent
from hip.builder import Hip, dialog_script, index


@pytest.fixture
def hou(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Any) -> Iterator[Any]:
    """Give a new session of Houdini with a window."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    from fakes.houdini_fake import hou as module
    from fakes.houdini_session import WORLD

    monkeypatch.chdir(tmp_path)
    WORLD.clear()
    yield module()
    WORLD.graphical, WORLD.failing = True, ""
    WORLD.clear()


def _gone(hou: Any) -> object:
    node = hou.node("/obj").createNode("geo")
    node.destroy()
    return node.path()


def _gone_with_its_scene(hou: Any) -> object:
    node = hou.node("/obj").createNode("geo")
    hou.hipFile.clear(suppress_save_prompt=True)
    return node.parms()


def _file(hou: Any) -> Any:
    return hou.node("/obj").createNode("geo").createNode("file")


#: what is asked, and by which of Houdini's exceptions or of Python's it is refused, with words of the refusal
REFUSED: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "a function that is not there": (lambda hou: hou.allNodes(), "NotInStub", "hou.allNodes"),
    "an argument that is not there": (lambda hou: hou.hipFile.save(name="a.hip"), "WrongCall", "'name'"),
    "a number for a path": (lambda hou: hou.node(3), "WrongCall", "path must be str"),
    "a path object for a path": (lambda hou: hou.hipFile.save(Path("a.hip")), "WrongCall", "file_name must be"),
    "an argument too many": (lambda hou: hou.node("/obj").node("a", "b"), "WrongCall", "too many positional"),
    "the bypass flag of an object": (lambda hou: hou.node("/obj").createNode("geo").isBypassed(), "NotInStub", "ObjNode.isBypassed"),
    "a value that an enumeration lacks": (lambda hou: hou.fileType.Texture, "NotInStub", "hou.fileType.Texture"),
    "a method of another class": (lambda hou: _file(hou).parm("file").parmTuple(), "NotInStub", "hou.Parm.parmTuple"),
    "an interface that nobody wrote": (lambda hou: hou.ui.curDesktop(), "UnknownToFake", "curDesktop"),
    "a node that is gone": (_gone, "ObjectWasDeleted", "no longer exists"),
    "a node of a scene that is gone": (_gone_with_its_scene, "ObjectWasDeleted", "no longer exists"),
    "the unexpanded text of a menu": (lambda hou: _file(hou).parm("filemode").unexpandedString(), "OperationFailed", "non-string"),
    "the expression of a value": (lambda hou: _file(hou).parm("file").expression(), "OperationFailed", "expression"),
    "a type that the network cannot hold": (lambda hou: hou.node("/obj").createNode("ifd"), "OperationFailed", "ifd"),
    "a second node of a name": (lambda hou: [hou.node("/obj").createNode("geo", "a"), hou.node("/obj").createNode("cam").setName("a")],
        "OperationFailed", "already exists"),
    "a folder below a file": (lambda hou: hou.hipFile.save(f"{__file__}/a.hip"), "OperationFailed", "Unable to save"),
    "a file that is no scene": (lambda hou: hou.hipFile.load(__file__), "OperationFailed", "Unable to open"),
    "a scene that is not there": (lambda hou: hou.hipFile.load("/nowhere/a.hip"), "OperationFailed", "Unable to open"),
    "user data that is not there": (lambda hou: hou.node("/obj").destroyUserData("a"), "OperationFailed", "user data"),
    "changes that nobody asks about": (lambda hou: [hou.node("/obj").createNode("geo"), hou.hipFile.clear()], "UnknownToFake", "to be saved"),
    "a command that the fake does not know": (lambda hou: hou.hscript("opcook -F"), "UnknownToFake", "opcook"),
    "a function that the fake does not know": (lambda hou: hou.text.expandString('`bbox("a", D_XMAX)`'), "UnknownToFake", "bbox"),
    "a reference to nothing": (lambda hou: hou.text.expandString('`chs("/obj/nobody/tx")`'), "OperationFailed", "not found"),
    "a camera that is not there": (lambda hou: hou.node("/out").createNode("ifd").render(), "OperationFailed", "/obj/cam1"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "refusal", "words"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(asked: Callable[[Any], object], refusal: str, words: str, hou: Any) -> None:
    """What Houdini has not, or refuses, the fake refuses by the same kind of exception; what it does not know it says."""
    with pytest.raises(Exception, match=r".") as caught:
        asked(hou)
    assert type(caught.value).__name__ == refusal
    assert words in str(caught.value)


@pytest.mark.parametrize("container", ["cpio", "HouNC", "HouLC", "MIME"])
def test_every_container_is_loaded(container: str, hou: Any, tmp_path: Path) -> None:
    """A scene is the same in each container: nodes, types, values, wires, flags, expressions, range, variables."""
    hip = Hip(variables={"SHOW": "/show", "_HIP_SAVEVERSION": "20.5.332"}).node("obj/geo1", "geo")
    hip.node("obj/geo1/file1", "file", {"filemode": '"read"', "file": '"$SHOW/a b.$F4.bgeo"'}, bypass=True)
    hip.node("obj/geo1/null1", "null", {"copyinput": '"on"'}, inputs="0 file1 0 1\n")
    hip.node("out/m1", "ifd", {"f": "[ f1 1 ]\t[ f2 240 ]\t1"}, channels={"f1": "$FSTART", "f2": "$FEND-1"})
    path = tmp_path / "shot.hip"
    path.write_bytes(hip.save(container))
    hou.hipFile.load(str(path))
    node = hou.node("/obj/geo1/file1")
    assert (node.type().nameWithCategory(), node.isBypassed()) == ("Sop/file", True)
    assert node.parm("file").unexpandedString() == "$SHOW/a b.$F4.bgeo"
    assert node.parm("file").evalAtFrame(7) == "/show/a b.0007.bgeo"
    assert [one.name() for one in hou.node("/obj/geo1/null1").inputs()] == ["file1"]
    assert [hou.node("/out/m1").parm(name).eval() for name in ("f1", "f2", "f3")] == [1, 3, 1]
    assert tuple(hou.playbar.frameRange()) == (1, 4)
    assert hou.hipFile.hasUnsavedChanges() is False


def test_a_scene_comes_back_as_it_was_saved(hou: Any, tmp_path: Path) -> None:
    """What an artist made is there after save and load: values with odd texts, expressions, flags, wires, user data, comments."""
    geo = hou.node("/obj").createNode("geo", "rocks")
    file = geo.createNode("file")
    odd = 'C:\\a\\ "b" (c) [d] `opname("..")` grün.bgeo'
    file.parm("file").set(odd)
    file.setComment('say "a\\b"')
    null = geo.createNode("null")
    null.setInput(0, file)
    null.bypass(True)
    hou.node("/obj").setUserData("key", "x" * 70_000 + "夜")
    hou.node("/out").createNode("ifd").parm("f1").setExpression("$FSTART + 1")
    path = str(tmp_path / "deep" / "er" / "shot.hip")
    hou.hipFile.save(path)
    hou.hipFile.clear(suppress_save_prompt=True)
    assert hou.node("/obj/rocks") is None
    hou.hipFile.load(path)
    assert hou.node("/obj/rocks/file1").parm("file").unexpandedString() == odd
    assert hou.node("/obj/rocks/file1").comment() == 'say "a\\b"'
    assert hou.node("/obj/rocks/null1").input(0) == hou.node("/obj/rocks/file1")
    assert hou.node("/obj/rocks/null1").isBypassed()
    assert hou.node("/obj").userData("key") == "x" * 70_000 + "夜"
    assert (hou.node("/out/ifd1").parm("f1").expression(), hou.node("/out/ifd1").parm("f1").eval()) == ("$FSTART + 1", 2)


def test_what_it_saves_is_a_scene_for_our_readers(hou: Any, tmp_path: Path) -> None:
    """A copy that the fake writes is read by the product as a Houdini scene with the same references."""
    file = hou.node("/obj").createNode("geo", "rocks").createNode("file")
    file.parm("file").set("$HIP/geo/a b.bgeo")
    path = tmp_path / "shot.hip"
    hou.hipFile.save(str(path))
    report = scan_file(Survey(str(path))).report
    assert [(one.as_written, one.path, one.referrer) for one in report.missing] == [
        ("$HIP/geo/a b.bgeo", f"{tmp_path}/geo/a b.bgeo", "/obj/rocks/file1/file")
    ]


def test_the_name_of_a_scene(hou: Any, tmp_path: Path) -> None:
    """Saving under a name takes it, `mwrite -n` and a backup do not; a new scene has the name `untitled.hip` and says that it is new."""
    assert (hou.hipFile.basename(), hou.hipFile.isNewFile()) == ("untitled.hip", True)
    hou.hipFile.save(str(tmp_path / "a.hip"))
    hou.node("/obj").createNode("geo")
    assert hou.hscript(f'mwrite -n "{tmp_path}/copy of a.hip"') == ("", "")
    backup = hou.hipFile.saveAsBackup()
    assert (tmp_path / "copy of a.hip").exists()
    assert Path(backup) == tmp_path / "backup" / "a_bak1.hip"
    assert (hou.hipFile.basename(), hou.hipFile.isNewFile(), hou.hipFile.hasUnsavedChanges()) == ("a.hip", False, True)
    hou.hipFile.save(str(tmp_path / "b.hip"))
    assert (hou.hipFile.basename(), hou.hipFile.hasUnsavedChanges(), hou.getenv("HIPNAME")) == ("b.hip", False, "b")


def test_without_a_window(hou: Any, tmp_path: Path) -> None:
    """hython counts every scene as changed, has no interface, and tells a new scene by its name alone."""
    from fakes.houdini_session import WORLD

    WORLD.graphical = False
    assert (hou.isUIAvailable(), hou.hipFile.hasUnsavedChanges(), hou.hipFile.isNewFile()) == (False, True, True)
    hou.hipFile.save(str(tmp_path / "untitled.hip"))
    assert hou.hipFile.isNewFile() is True
    with pytest.raises(hou.NotAvailable):
        hou.qt.mainWindow()


def test_undo(hou: Any) -> None:
    """Changes are steps, a group is one, what is done with undo off is none; user data is a step like any other."""
    node = hou.node("/obj").createNode("geo")
    with hou.undos.group("two"):
        node.setComment("a")
        node.setUserData("key", "value")
    with hou.undos.disabler():
        node.setUserData("quiet", "value")
    assert hou.undos.undoLabels() == ("two", "Create geo")
    assert hou.undos.performUndo() is True
    assert (node.comment(), node.userData("key")) == ("", None)
    assert hou.undos.performRedo() is True
    assert node.comment() == "a"


def test_project_variable_of_the_file_wins(hou: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`$JOB` is what the scene saved, whatever the environment says, unless Houdini is told otherwise before loading.

    https://www.sidefx.com/docs/houdini/hom/hou/allowEnvironmentToOverwriteVariable.html
    """
    path = tmp_path / "shot.hip"
    path.write_bytes(Hip(variables={"JOB": "/old/job"}).node("obj/geo1", "geo").save("cpio"))
    monkeypatch.setenv("JOB", "/new/job")
    hou.hipFile.load(str(path))
    assert hou.getenv("JOB") == "/old/job"
    hou.allowEnvironmentToOverwriteVariable("JOB", True)
    hou.hipFile.load(str(path))
    assert hou.getenv("JOB") == "/new/job"


def test_templates_come_from_the_scene(hou: Any, tmp_path: Path) -> None:
    """A type that the scene describes has its parameters: kinds, menus, tags, conditions, defaults of those that are not stored."""
    script = dialog_script(
        'name "map"\nlabel "Map"\ntype image\ndefault { "$HIP/a.exr" }\ndisablewhen "{ use == 0 }"\nparmtag { "filechooser_mode" "read" }',
        'name "use"\nlabel "Use"\ntype toggle\ndefault { "0" }',
        'name "how"\nlabel "How"\ntype ordinal\ndefault { "1" }\nmenu { "a" "A" "b" "B" }',
    )
    hip = Hip(fallbacks="studio::Sop/rock::2.0 /show/otls/rock.hda\n")
    hip.part(".OPdummydefs", index([("studio::Sop/rock::2.0", index([("DialogScript", script)]))]))
    hip.node("obj/geo1", "geo").node("obj/geo1/rock1", "studio::rock::2.0", {"use": '"on"'})
    path = tmp_path / "shot.hip"
    path.write_bytes(hip.save("cpio"))
    with pytest.raises(hou.LoadWarning, match=r"Sop/studio::rock::2\.0"):
        hou.hipFile.load(str(path))
    hou.hipFile.load(str(path), ignore_load_warnings=True)
    node = hou.node("/obj/geo1/rock1")
    template = node.parm("map").parmTemplate()
    assert (template.stringType(), template.fileType()) == (hou.stringParmType.FileReference, hou.fileType.Image)
    assert (template.tags(), node.parm("map").isDisabled()) == ({"filechooser_mode": "read"}, False)
    assert (node.parm("map").unexpandedString(), node.parm("map").isAtDefault()) == ("$HIP/a.exr", True)
    assert node.type().nameComponents() == ("", "studio", "rock", "2.0")
    assert node.type().definition().libraryFilePath() == "/show/otls/rock.hda"
    assert hou.fileReferences() == ((None, "/show/otls/rock.hda"), (node.parm("map"), "$HIP/a.exr"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("$HIP/$HIPNAME.$F4", "{hip}/untitled.0012", id="variables"),
        pytest.param("${HIPNAME}_v1", "untitled_v1", id="braces"),
        pytest.param("$NOBODY/a", "$NOBODY/a", id="unknown-stays"),
        pytest.param("`$F + 1`", "13", id="number"),
        pytest.param("`padzero(5, $F)`", "00012", id="padzero"),
        pytest.param('`strcat("a", "b")`.`ifs($F > 10, "late", "early")`', "ab.late", id="texts"),
        pytest.param('`chs("/obj/cam1/vm_background")`', "$12.exr", id="reference"),
        pytest.param('`opname("/obj/cam1")`', "cam1", id="name-of-a-node"),
        pytest.param("`strcat('$F', \"$F\")`", "$F12", id="quotes"),
        pytest.param("`2 + 3 * 4 ^ 2 % 5`", "5", id="order-of-signs"),
    ],
)
def test_expressions(text: str, value: str, hou: Any, tmp_path: Path) -> None:
    """Texts are expanded as Houdini documents it."""
    hou.node("/obj").createNode("cam", "cam1").parm("vm_background").set("$$F.exr")
    assert hou.text.expandStringAtFrame(text, 12) == value.format(hip=tmp_path)


def test_renders(hou: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A render node writes real pictures where it says, its inputs before it; each frame is told as Houdini tells it."""
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    hou.node("/obj").createNode("cam", "cam1")
    mantra, cache = hou.node("/out").createNode("ifd", "beauty"), hou.node("/out").createNode("geometry", "cache")
    cache.parm("trange").set("normal")
    cache.parmTuple("f").set((5, 6, 1))
    mantra.setInput(0, cache)
    seen: list[tuple[str, float]] = []
    mantra.addRenderEventCallback(lambda _node, kind, time: seen.append((kind.name(), time)))
    mantra.render(frame_range=(3, 7, 2), verbose=True, output_progress=True)
    assert sorted(os.listdir(tmp_path / "render")) == ["shot.beauty.0003.exr", "shot.beauty.0005.exr", "shot.beauty.0007.exr"]
    assert sorted(os.listdir(tmp_path / "geo")) == ["shot.cache.3.bgeo.sc", "shot.cache.5.bgeo.sc", "shot.cache.7.bgeo.sc"]
    assert (tmp_path / "render" / "shot.beauty.0003.exr").read_bytes()[:4] == b"\x76\x2f\x31\x01"
    assert [kind for kind, _ in seen].count("PostFrame") == 3
    assert "ALF_PROGRESS 100%" in capsys.readouterr().out
    assert mantra.inputDependencies() == ((cache, (5.0, 6.0)),)
    mantra.parm("soho_outputmode").set(1)
    mantra.render(frame_range=(1, 1), ignore_inputs=True)
    assert (tmp_path / "mantra.ifd").exists()


def test_folders_are_mapped(hou: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOUDINI_PATHMAP says where files are read and written; what no parameter can find there is refused as Houdini does."""
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    hou.node("/obj").createNode("cam", "cam1")
    file = hou.node("/obj").createNode("geo").createNode("file")
    file.parm("file").set("/old/show/geo.bgeo")
    mantra = hou.node("/out").createNode("ifd")
    mantra.parm("vm_picture").set("/old/show/render/a.$F4.png")
    with pytest.raises(hou.OperationFailed, match="Unable to read file"):
        mantra.render(frame_range=(1, 1))
    (tmp_path / "geo.bgeo").write_bytes(b"")
    monkeypatch.setenv("HOUDINI_PATHMAP", f'{{"/old/show/": "{tmp_path}/"}}')
    mantra.render(frame_range=(1, 1))
    assert (tmp_path / "render" / "a.0001.png").exists()
    assert mantra.parm("vm_picture").eval() == "/old/show/render/a.0001.png"


SCRIPT = """
import json, sys
import hou
print(json.dumps([sys.argv[1:], hou.isUIAvailable(), hou.applicationName(), hou.hipFile.basename()]))
sys.exit(7)
"""


@pytest.mark.parametrize(
    ("before", "scene"),
    [pytest.param([], "untitled.hip", id="script"), pytest.param(["shot.hip"], "shot.hip", id="scene-first")],
)
def test_hython(before: list[str], scene: str, hou: Any, tmp_path: Path) -> None:
    """The program runs a script in a Houdini without a window, with its arguments and exit code."""
    from fakes.houdini_program import install

    hou.hipFile.save(str(tmp_path / "shot.hip"))
    script = tmp_path / "ask.py"
    script.write_text(SCRIPT)
    command = [str(install(tmp_path / "bin")), *before, str(script), "--frame", "3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 7, done.stderr
    assert json.loads(done.stdout) == [["--frame", "3"], False, "hython", scene]


def test_hython_without_a_licence(tmp_path: Path) -> None:
    """Where no licence is to be had, hython says so in Houdini's words and ends with Houdini's code."""
    from fakes.houdini_program import install

    command = [str(install(tmp_path)), "script.py"]
    environment = {**os.environ, "FAKE_HOUDINI_LICENCE": "absent"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert (done.returncode, "No licenses could be found" in done.stderr) == (3, True)
