"""The fake Maya behaves as the vendor documents, and opens real scenes: what its answers are worth rests on this."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fakes.maya_fake import MayaFake
from fakes.maya_files import load
from fakes.stub_modules import UnknownToFake
from fakes.stub_reading import Stubs, StubsAbsent
from hosts.shared_scenes import cases

CASES = cases("maya") or (None,)


@pytest.fixture
def fake(tmp_path: Path) -> MayaFake:
    """Return a Maya with an empty scene."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    return MayaFake(tmp_path)


@pytest.fixture
def cmds(fake: MayaFake) -> Any:
    """Return its commands."""
    return fake.cmds


def save_as(cmds: Any, file: Path) -> None:
    """Save a scene under a name."""
    cmds.file(rename=str(file))
    cmds.file(save=True, type="mayaAscii")


def test_a_new_scene_has_what_every_scene_has(cmds: Any) -> None:
    """Four cameras, of which one is rendered, the default nodes with their defaults, nothing modified, no name."""
    assert cmds.ls(cameras=True) == ["perspShape", "topShape", "frontShape", "sideShape"]
    assert [cmds.getAttr(f"{c}.renderable") for c in cmds.ls(cameras=True)] == [True, False, False, False]
    assert (cmds.getAttr("defaultRenderGlobals.startFrame"), cmds.getAttr("defaultRenderGlobals.endFrame")) == (1.0, 10.0)
    assert cmds.getAttr("defaultRenderGlobals.imageFilePrefix") is None
    assert cmds.file(query=True, sceneName=True) == ""
    assert not cmds.file(query=True, modified=True)


def test_nothing_is_none(cmds: Any) -> None:
    """Commands that find nothing answer None, not an empty list, where Maya does."""
    node = cmds.createNode("transform")
    assert cmds.listRelatives(node, children=True) is None
    assert cmds.listConnections(node) is None
    assert cmds.listAttr(node, userDefined=True) is None
    assert cmds.filePathEditor(query=True, listDirectories="") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.getAttr("nobody.tx"),
        lambda c: c.getAttr("persp.nothing"),
        lambda c: c.getAttr("persp.message"),
        lambda c: c.nodeType("nobody"),
        lambda c: c.setAttr("persp.notes", "text", type="string"),
        lambda c: c.setAttr("lambert1.color", "red"),
        lambda c: c.select("nobody"),
        lambda c: c.delete("time1"),
        lambda c: c.createNode("aiImage"),
        lambda c: c.ls(type="noSuchType"),
        lambda c: c.undo(),
        lambda c: c.file(save=True),
        lambda c: c.file("/nowhere/a.ma", open=True, force=True),
        lambda c: c.pluginInfo("nobody", query=True, version=True),
        lambda c: c.referenceQuery("nobody", filename=True),
        lambda c: c.menu("main", label="main"),
    ],
    ids=[
        "node", "attribute", "message", "type", "no string", "type of a string", "select", "default node", "plug-in's type",
        "listing a type", "undo", "no name", "no file", "plug-in", "reference", "no window",
    ],
)  # fmt: skip
def test_what_maya_refuses_is_refused(cmds: Any, ask: Any) -> None:
    """A question that Maya answers with an error is an error here, of the kind that Maya raises."""
    with pytest.raises((RuntimeError, ValueError)):
        ask(cmds)


def test_changes_can_be_undone_and_modify(fake: MayaFake, cmds: Any) -> None:
    """A change is a step to undo and modifies; selecting and going to a frame are steps that do not; without the queue nothing is a step."""
    cmds.currentTime(5)
    cmds.select("persp")
    assert (len(fake.session.undone), cmds.file(query=True, modified=True)) == (2, False)
    node = cmds.createNode("file")
    assert cmds.file(query=True, modified=True)
    cmds.undo()
    assert not cmds.objExists(node)
    cmds.undoInfo(stateWithoutFlush=False)
    cmds.createNode("file")
    cmds.undoInfo(stateWithoutFlush=True)
    assert len(fake.session.undone) == 2
    cmds.undoInfo(state=False)
    assert fake.session.undone == []


def test_file_info_is_no_change(fake: MayaFake, cmds: Any, tmp_path: Path) -> None:
    """fileInfo is not undoable, modifies nothing, answers with escapes, and is in the file that is saved."""
    cmds.fileInfo("key", 'a "quoted"\nline \\ grün')
    assert cmds.fileInfo("key", query=True) == ['a \\"quoted\\"\\nline \\\\ grün']
    assert cmds.fileInfo("other", query=True) == []
    assert fake.session.undone == []
    assert not cmds.file(query=True, modified=True)
    save_as(cmds, tmp_path / "a.ma")
    assert dict(load(tmp_path / "a.ma").file_info)["key"] == 'a "quoted"\nline \\ grün'


def test_an_export_is_another_file(cmds: Any, tmp_path: Path) -> None:
    """exportAll keeps name and modified flag; references become nodes unless they are preserved; a scene's own fileInfo is not promised."""
    cmds.createNode("file", name="skin")
    save_as(cmds, tmp_path / "rig.ma")
    cmds.file(newFile=True, force=True)
    cmds.file(str(tmp_path / "rig.ma"), reference=True, namespace="hero")
    save_as(cmds, tmp_path / "shot.ma")
    cmds.fileInfo("mine", "1")
    cmds.file(str(tmp_path / "flat.ma"), exportAll=True, type="mayaAscii", force=True)
    cmds.file(str(tmp_path / "kept.ma"), exportAll=True, type="mayaAscii", force=True, preserveReferences=True)
    assert cmds.file(query=True, sceneName=True).endswith("shot.ma")
    assert not cmds.file(query=True, modified=True)
    assert [r.path for r in load(tmp_path / "kept.ma").references] == [str(tmp_path / "rig.ma")]
    flat = load(tmp_path / "flat.ma")
    assert flat.references == []
    assert "hero:skin" in [n.name for n in flat.nodes]
    assert "mine" not in dict(flat.file_info)


def test_unknown_is_no_answer(fake: MayaFake, cmds: Any) -> None:
    """What nobody wrote raises, and is kept: a command, a flag, a script."""
    with pytest.raises(UnknownToFake):
        cmds.polyCube()
    with pytest.raises(UnknownToFake):
        cmds.ls(visible=True)
    with pytest.raises(UnknownToFake):
        fake.mel.eval('setAttr "persp.v" 0')
    assert len(fake.record.unknown) == 2
    with pytest.raises(RuntimeError, match="Cannot find procedure"):
        fake.mel.eval("arnoldRneder -batch")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.rpartition("/")[2] if case else "absent")
def test_a_real_scene_survives_opening_and_saving(fake: MayaFake, cmds: Any, tmp_path: Path, case: Any) -> None:
    """Each node of a real scene is there once it is open, and again after it was saved and opened."""
    if case is None:
        pytest.skip("the real scenes are not beside this clone (CONDUCTOR_SCENES)")
    saved = load(case.file)
    fake.session.open_project(case.file.parent)
    cmds.file(str(case.file), open=True, force=True)
    own = Counter(n.type for n in fake.session.graph.nodes if n.reference is None)
    in_file = Counter(n.type for n in saved.nodes if n.type)
    assert all(own[type_] >= count for type_, count in in_file.items())
    strings = {v for n in saved.nodes for v in n.values.values() if isinstance(v, str)}
    assert strings <= {v for n in fake.session.graph.nodes for v in n.values.values() if isinstance(v, str)}
    save_as(cmds, tmp_path / "again.ma")
    cmds.file(str(tmp_path / "again.ma"), open=True, force=True)
    assert Counter(n.type for n in fake.session.graph.nodes if n.reference is None) == own
