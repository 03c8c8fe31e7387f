"""What the Maya adapter adds to the promises of every host: Maya's own knowledge, its renderers, and what happens when it fails."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.report import Ignored, ScanOutput
from conductor_core.submission import Software
from conductor_plugins.host import HostRefused
from hosts.maya_world import MayaWorld, a_maya_alone


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MayaWorld]:
    (tmp_path / "project").mkdir()
    with a_maya_alone():
        world = MayaWorld(tmp_path)
        world.new_scene(str(tmp_path / "project" / "shot.ma"))
        yield world


def found(world: MayaWorld) -> list[Finding]:
    return [finding for piece in world.host.dependencies(()) for finding in piece]


def usage(world: MayaWorld, referrer: str) -> Usage:
    (one,) = [f for f in found(world) if f.referrer == referrer]
    assert isinstance(one, Usage)
    return one


def note(world: MayaWorld, name: str, value: str, **flags: Any) -> None:
    """Add an attribute with a text to a node of the artist's."""
    if not world.cmds.objExists("mine"):
        world.cmds.createNode("transform", name="mine")
    world.cmds.addAttr("mine", longName=name, dataType="string", **flags)
    world.cmds.setAttr(f"mine.{name}", value, type="string")


# what Maya itself says


def test_an_attribute_that_is_used_as_a_file_name_is_read(world: MayaWorld) -> None:
    """Whatever its name and its node: Maya says that a file is meant."""
    note(world, "thing", "/lib/hdri/sky", usedAsFilename=True)
    assert usage(world, "mine.thing").places[0] == "/lib/hdri/sky"


def test_one_whose_name_says_that_it_is_written_is_an_output(world: MayaWorld) -> None:
    """A cache that is written there is none of the scene's files."""
    note(world, "outputCache", "/job/cache/cloth.abc", usedAsFilename=True)
    assert any(isinstance(f, ScanOutput) and f.referrer == "mine.outputCache" for f in found(world))


def test_an_attribute_of_a_script_is_told_as_in_a_file(world: MayaWorld) -> None:
    """The rules for unknown nodes: a name that says file, with a text that ends like one."""
    note(world, "lightMapFile", "sourceimages/light.exr")
    assert usage(world, "mine.lightMapFile").as_written == "sourceimages/light.exr"


def test_nothing_is_read_from_elsewhere_than_the_project(world: MayaWorld) -> None:
    """The project that is set in Maya is the one whose rules count, and the one that the job is told."""
    node = world.add_texture("wood.png", relative=False)
    root = Path(world.host.scene().project_root)
    assert usage(world, f"{node}.ftn").places[:2] == (str(root / "wood.png"), str(root / "sourceimages" / "wood.png"))


def test_a_path_that_a_plug_in_declares_is_read(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The File Path Editor lists what no attribute holds; what an attribute told is not told twice."""
    node = world.add_texture("/lib/wood.png")
    rows = [("/lib/groom.xyz", "mine", "other"), ("/lib/wood.png", f"{node}.fileTextureName", "file.fileTextureName")]
    monkeypatch.setattr(world.fake.commands, "_editor_rows", lambda unresolved: rows)
    world.cmds.createNode("transform", name="mine")
    assert usage(world, "mine").as_written == "/lib/groom.xyz"
    assert len([f for f in found(world) if f.as_written == "/lib/wood.png"]) == 1


def test_an_element_of_a_list_is_not_told_twice(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The editor names it by its long name with its number, the readers by the short one."""
    world.cmds.createNode("file", name="tiles")
    world.cmds.setAttr("tiles.uvTilingMode", 4)
    world.cmds.setAttr("tiles.explicitUvTiles[2].explicitUvTileName", "/lib/two.png", type="string")
    rows = [("/lib/two.png", "tiles.explicitUvTiles[2].explicitUvTileName", "file")]
    monkeypatch.setattr(world.fake.commands, "_editor_rows", lambda unresolved: rows)
    assert [f.referrer for f in found(world) if f.as_written == "/lib/two.png"] == ["tiles.euvt[2].eutn"]


def test_undo_is_on_again_when_the_file_path_editor_fails(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refresh is kept out of the steps to undo, and an error within leaves undo as it was."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of a plug-in")

    monkeypatch.setitem(vars(world.cmds), "filePathEditor", fail)
    with pytest.raises(ZeroDivisionError):
        found(world)
    assert world.cmds.undoInfo(query=True, state=True)


def test_a_scene_that_was_never_saved_has_places(world: MayaWorld) -> None:
    """Relative paths are of the project; nothing is looked for beside a file that is not there."""
    world.new_scene("")
    node = world.add_texture("textures/wood.png")
    assert str(Path(world.host.scene().project_root) / "textures" / "wood.png") in usage(world, f"{node}.ftn").places


def test_a_plug_in_that_is_loaded_later_is_seen(world: MayaWorld) -> None:
    """Types are looked at anew: the plug-in has brought some, and may have added attributes to others."""
    found(world)
    world.cmds.loadPlugin("mtoa", quiet=True)
    node = world.cmds.createNode("aiImage", name="sky")
    world.cmds.setAttr(f"{node}.filename", "/lib/sky.exr", type="string")
    assert usage(world, "sky.filename").kind == "texture"


def test_types_are_asked_for_once_until_a_plug_in_is_loaded(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a type has is asked at its first node; a plug-in that is loaded may have added to it, so then it is asked anew."""
    asked: list[str] = []
    real = vars(world.cmds)["listAttr"]

    def list_attributes(*names: str, **flags: Any) -> Any:
        if not flags:
            asked.extend(names)
        return real(*names, **flags)

    monkeypatch.setitem(vars(world.cmds), "listAttr", list_attributes)
    for name in ("one", "two"):
        world.cmds.createNode("file", name=name)
    counts = []
    for plug_in in ("", "", "mtoa"):
        if plug_in:
            world.cmds.loadPlugin(plug_in, quiet=True)
        asked.clear()
        found(world)
        counts.append(len({"one", "two"} & set(asked)))
    assert counts == [1, 0, 1]


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        (TypeError("Object node7 is invalid"), None),
        (ValueError("No object matches name: node7"), None),
        (TypeError("Invalid flag 'usedAsFilename'"), TypeError),
    ],
)
def test_a_flag_that_maya_refuses_is_never_taken_for_a_node_that_is_gone(
    world: MayaWorld, refusal: Exception, answer: object
) -> None:
    """A scan that missed files for it would say that all is well."""
    session = importlib.import_module("conductor_maya.session")

    def ask() -> None:
        raise refusal

    if answer is None:
        assert session._asked(ask) is None
    else:
        with pytest.raises(TypeError, match="Invalid flag"):
            session._asked(ask)


def test_a_node_that_is_gone_tells_nothing_of_its_type(world: MayaWorld) -> None:
    """The first of its type was deleted between two pieces: the others are found all the same."""
    world.cmds.loadPlugin("mtoa", quiet=True)
    for name, type_, attribute in (
        ("z1", "file", "fileTextureName"),
        ("z2", "aiImage", "filename"),
        ("z3", "aiImage", "filename"),
    ):
        world.cmds.createNode(type_, name=name)
        world.cmds.setAttr(f"{name}.{attribute}", f"/lib/{name}.exr", type="string")
    told: list[str] = []
    for piece in world.host.dependencies(()):
        told += [finding.as_written for finding in piece]
        if "/lib/z1.exr" in told and world.cmds.objExists("z2"):
            world.cmds.delete("z2")
    assert {"/lib/z1.exr", "/lib/z3.exr"} <= set(told)


# renderers


def render_with(world: MayaWorld, renderer: str, plug_in: str, node: str, type_: str) -> None:
    world.cmds.loadPlugin(plug_in, quiet=True)
    if not world.cmds.objExists(node):
        world.cmds.createNode(type_, name=node)
    world.cmds.setAttr("defaultRenderGlobals.currentRenderer", renderer, type="string")


@pytest.mark.parametrize(
    ("renderer", "plug_in", "node", "type_"),
    [
        ("arnold", "mtoa", "defaultArnoldRenderOptions", "aiOptions"),
        ("vray", "vrayformaya", "vraySettings", "VRaySettingsNode"),
        ("redshift", "redshift4maya", "redshiftOptions", "RedshiftOptions"),
    ],
)
def test_the_plug_in_of_a_renderer_is_asked_for(renderer: str, plug_in: str, node: str, type_: str, world: MayaWorld) -> None:
    """By Maya's name for it, with its version, and for each step."""
    render_with(world, renderer, plug_in, node, type_)
    assert Software(plug_in, "1.0") in world.host.scene().plug_ins
    assert {step.parameters["renderer"] for step in world.host.steps()} == {renderer}


def test_plug_ins_that_come_with_maya_are_not(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that lie in its own folder, and USD, which lies beside it."""
    monkeypatch.setenv("MAYA_LOCATION", "/usr/autodesk/maya2025")
    for plug_in, type_ in (("AbcImport", "AlembicNode"), ("mayaUsdPlugin", "mayaUsdProxyShape")):
        world.cmds.loadPlugin(plug_in, quiet=True)
        world.cmds.createNode(type_)
    assert world.host.scene().plug_ins == ()


def test_a_folder_of_a_like_name_is_not_mayas_own(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """/usr/autodesk/maya2025 is not in /usr/autodesk/maya20."""
    monkeypatch.setenv("MAYA_LOCATION", "/usr/autodesk/maya20")
    world.cmds.loadPlugin("AbcImport", quiet=True)
    world.cmds.createNode("AlembicNode")
    assert [plug_in.name for plug_in in world.host.scene().plug_ins] == ["AbcImport"]


def test_arnold_on_the_gpu_wants_one(world: MayaWorld) -> None:
    """As the Render Device of its settings says; on the CPU it does not."""
    render_with(world, "arnold", "mtoa", "defaultArnoldRenderOptions", "aiOptions")
    assert world.host.scene().gpu_steps == ()
    world.cmds.setAttr("defaultArnoldRenderOptions.renderDevice", 1)
    assert world.host.scene().gpu_steps == (("masterLayer", "Arnold's Render Device is GPU"),)


def test_redshift_wants_a_gpu(world: MayaWorld) -> None:
    """It renders by nothing else."""
    render_with(world, "redshift", "redshift4maya", "redshiftOptions", "RedshiftOptions")
    assert world.host.scene().gpu_steps == (("masterLayer", "Redshift renders by the GPU"),)


def test_each_layer_is_a_step(world: MayaWorld) -> None:
    """A layer of render setup by the name that artists see; one that is switched off is offered, and not rendered."""
    world.cmds.createNode("renderLayer", name="rs_beauty")
    world.cmds.createNode("renderLayer", name="shadow")
    world.cmds.setAttr("shadow.renderable", False)
    assert [(s.name, s.enabled, s.parameters["layer"]) for s in world.host.steps()] == [
        ("masterLayer", True, "defaultRenderLayer"),
        ("beauty", True, "rs_beauty"),
        ("shadow", False, "shadow"),
    ]


# colours


@pytest.mark.parametrize(
    ("variable", "enabled", "path", "told"),
    [
        ("", False, "/lib/aces/config.ocio", ""),
        ("", True, "/lib/aces/config.ocio", "/lib/aces/config.ocio"),
        ("", True, "<MAYA_RESOURCES>/OCIO-configs/Maya2022-default/config.ocio", ""),
        ("/studio/config.ocio", True, "/lib/aces/config.ocio", "/studio/config.ocio"),
    ],
    ids=["not used", "the scene's", "Maya's own", "the studio's"],
)
def test_colour_configuration(
    variable: str, enabled: bool, path: str, told: str, world: MayaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that counts; none for the one that comes with Maya."""
    if variable:
        monkeypatch.setenv("OCIO", variable)
    world.cmds.setAttr("defaultColorMgtGlobals.configFileEnabled", enabled)
    world.cmds.setAttr("defaultColorMgtGlobals.configFilePath", path, type="string")
    assert world.host.scene().colour_config == told


# what is written


def test_a_copy_keeps_what_an_export_script_changes_out_of_it(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script of the studio that runs with an export may mark the scene as modified: it counts as before."""
    world.host.save()
    export = world.fake.commands._export

    def exported(*args: Any, **named: Any) -> str:
        world.fake.session.modified = True
        return export(*args, **named)

    monkeypatch.setattr(world.fake.commands, "_export", exported)
    world.host.snapshot(str(world.folder / "copy.ma"))
    assert not world.host.scene().modified


def test_a_copy_is_no_step_to_undo(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo is switched off for it, and on again: what scripts of the studio do with an export is not the artist's step."""
    export, states = world.fake.commands._export, []

    def exported(*args: Any, **named: Any) -> str:
        states.append(world.cmds.undoInfo(query=True, state=True))
        return export(*args, **named)

    monkeypatch.setattr(world.fake.commands, "_export", exported)
    world.host.snapshot(str(world.folder / "copy.ma"))
    assert (states, world.cmds.undoInfo(query=True, state=True)) == ([False], True)


def test_a_copy_that_fails_leaves_undo_on(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of Maya are in the sentence, and nothing is left switched off."""

    def fail(*_: object, **__: object) -> str:
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(world.fake.commands, "_export", fail)
    with pytest.raises(HostRefused, match="No space left on device"):
        world.host.snapshot(str(world.folder / "copy.ma"))
    assert world.cmds.undoInfo(query=True, state=True)


def test_a_copy_gets_its_own_name(world: MayaWorld) -> None:
    """Maya puts the ending of the format behind a name that has another; the copy is called as it was asked for."""
    target = world.folder / "copy.tmp"
    assert world.host.snapshot(str(target)).file == str(target)
    assert target.is_file()
    assert not (world.folder / "copy.tmp.ma").exists()


def test_a_copy_has_each_setting_once(world: MayaWorld) -> None:
    """Where an export keeps the notes of the scene by itself, nothing is added."""
    world.host.remember("settings")
    for keeps in (False, True):
        world.fake.session.export_has_file_info = keeps
        file = Path(world.host.snapshot(str(world.folder / f"copy{keeps}.ma")).file)
        assert file.read_text().count("conductorSettings") == 1


def test_a_copy_over_the_scene_itself_is_refused(world: MayaWorld) -> None:
    """The one place where a copy would be no copy."""
    with pytest.raises(HostRefused, match="over the scene itself"):
        world.host.snapshot(world.host.scene().path)


def test_a_scene_that_cannot_be_saved_is_refused(world: MayaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what Maya says of it."""
    monkeypatch.setattr(world.fake.session, "write", _no_right)
    with pytest.raises(HostRefused, match="Permission denied"):
        world.host.save()


def _no_right(*_: object, **__: object) -> None:
    raise RuntimeError("Permission denied")


def test_spoilt_settings_are_none(world: MayaWorld) -> None:
    """Somebody has changed the note by hand: the panel begins anew."""
    for spoilt in ("%%%", "abc", "/w==", "=" * 7):
        world.cmds.fileInfo("conductorSettings", spoilt)
        assert world.host.scene().settings == ""


# reveal


@pytest.mark.parametrize(
    ("referrer", "selected"),
    [
        ("mine", ["mine"]),
        ("mine.rep[0].rda", ["mine"]),
        ("beauty", ["rs_beauty"]),
        ("masterLayer", ["defaultRenderLayer"]),
        ("fileInfo conductorSettings", None),
        ("requires", None),
        ("mine; delete mine", None),
    ],
)
def test_revealing(referrer: str, selected: list[str] | None, world: MayaWorld) -> None:
    """Nodes by any referrer, layers by the name of their step; what is no node is told apart, and nothing else is done with it."""
    world.cmds.createNode("transform", name="mine")
    world.cmds.createNode("renderLayer", name="rs_beauty")
    world.cmds.select(clear=True)
    assert world.host.reveal(referrer) is (selected is not None)
    assert (world.cmds.ls(selection=True) or None) == selected
    assert world.cmds.objExists("mine")


def test_what_is_ignored_says_why(world: MayaWorld) -> None:
    """No finding of Maya's own nodes is without a reason."""
    assert all(f.reason for f in found(world) if isinstance(f, Ignored))


def test_a_camera_is_called_by_its_transform(world: MayaWorld) -> None:
    """The panel names the file that Maya writes: it has the transform's name, whatever the shape is called."""
    world.cmds.createNode("transform", name="hero")
    world.cmds.createNode("camera", name="cameraShape1", parent="hero")
    world.cmds.setAttr("perspShape.renderable", 0)
    world.cmds.setAttr("defaultRenderGlobals.imageFilePrefix", "<Camera>", type="string")
    (step,) = world.host.steps()
    assert step.parameters["camera"] == "cameraShape1"
    assert Path(step.outputs[0].path).name.split(".")[0] == "hero"
