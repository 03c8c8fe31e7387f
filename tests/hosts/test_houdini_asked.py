"""What Houdini is asked beyond its nodes' texts: composed stages, plug-ins and GPUs, environment, values that are driven."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.report import Ignored
from conductor_core.submission import Software
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def hou(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The fake Houdini with a window, a saved scene in it."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    from fakes.houdini_fake import hou
    from fakes.houdini_session import RECORD, WORLD

    monkeypatch.setitem(sys.modules, "hou", hou())
    monkeypatch.syspath_prepend(str(REPO / "houdini"))
    monkeypatch.chdir(tmp_path)
    WORLD.clear()
    WORLD.graphical = True
    RECORD.refused.clear()
    hou().hipFile.save(str(tmp_path / "shot.hip"))
    yield hou()
    assert RECORD.refused == []
    WORLD.clear()


def layer(path: str, *, anonymous: bool = False) -> Any:
    """A layer of USD, as far as it is looked at."""
    return SimpleNamespace(identifier=path, realPath="" if anonymous else path, anonymous=anonymous)


def lop(hou: Any, monkeypatch: pytest.MonkeyPatch, layers: list[Any], *, shown: bool = True, cooked: bool = True) -> Any:
    """A LOP with a stage of these layers, guarded by the stub."""
    from fakes.houdini_session import RECORD, STUBS
    from fakes.stub_modules import Fake, bare, fake_class

    @fake_class(STUBS, "hou.LopNode", RECORD)
    class Lop(Fake):
        """A node of a stage."""

        def path(self) -> str:
            """Return its path."""
            return "/stage/merge"

        def isDisplayFlagSet(self) -> bool:
            """Tell whether its stage is shown."""
            return shown

        def needsToCook(self, time: float = 0.0) -> bool:
            """Tell whether there is no stage yet."""
            return not cooked

        def stage(self) -> Any:
            """Return the stage, which would cook the node if it has none."""
            assert cooked, "a scan cooks nothing"
            return SimpleNamespace(GetUsedLayers=lambda: layers)

    monkeypatch.setattr(hou, "LopNode", Lop)
    return bare(Lop)


def findings_of(node: Any) -> list[Finding]:
    from conductor_houdini import scene, stages

    return list(stages.layer_findings(node, scene.asking(scene.survey(scene.path()))))


def test_layers_of_a_composed_stage(hou: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers that a shown stage is made of are found; those in memory are none, those of Houdini are ignored."""
    shipped = f"{hou.getenv('HFS')}/houdini/usd/assets/pig/pig.usd"
    layers = [layer("anon:0x1:LOP:rootlayer", anonymous=True), layer("/show/set.usdc"), layer(shipped)]
    found = findings_of(lop(hou, monkeypatch, layers))
    assert [(type(one), one.as_written, one.referrer) for one in found] == [
        (Usage, "/show/set.usdc", "/stage/merge/stage"),
        (Ignored, shipped, "/stage/merge/stage"),
    ]


@pytest.mark.parametrize(("shown", "cooked"), [(False, True), (True, False)])
def test_nothing_is_cooked_for_a_scan(hou: Any, monkeypatch: pytest.MonkeyPatch, shown: bool, cooked: bool) -> None:
    """A stage that is not shown, or not there yet, is not asked for."""
    assert findings_of(lop(hou, monkeypatch, [layer("/show/set.usdc")], shown=shown, cooked=cooked)) == []


@pytest.mark.parametrize(
    ("variables", "folders", "version"),
    [
        pytest.param({"HTOA_VERSION": "6.3.2.1"}, (), "6.3.2.1", id="variable"),
        pytest.param({"HTOA_VERSION": "htoa-6.2.5_r5a3c_houdini-20.5.332"}, (), "6.2.5", id="name-in-a-variable"),
        pytest.param({}, ("/opt/htoa-6.3.1.0_r1_houdini-20.5.332/htoa",), "6.3.1.0", id="folder"),
        pytest.param({}, ("/opt/studio",), "", id="nowhere"),
    ],
)
def test_plug_ins_and_their_versions(
    hou: Any, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folders: tuple[str, ...], version: str
) -> None:
    """A renderer whose node is in the scene is a plug-in, with its version where that can be told, and no invented one else."""
    from conductor_houdini import plug_ins

    for name in ("HTOA_VERSION", "HTOA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(hou, "houdiniPath", lambda: folders)
    monkeypatch.setattr(plug_ins, "_used", lambda: iter(["arnold"]))
    assert plug_ins.plug_ins() == (Software("htoa", version),)


def test_a_scene_of_houdinis_own_needs_no_plug_in(hou: Any) -> None:
    """Mantra comes with Houdini."""
    from conductor_houdini.host import HoudiniHost

    hou.node("/out").createNode("ifd", "beauty")
    scene = HoudiniHost().scene()
    assert (scene.plug_ins, scene.gpu_steps) == ((), ())


def test_environment_has_the_job_of_now(hou: Any) -> None:
    """$JOB is what Houdini has, whatever the process was started with."""
    from conductor_houdini.host import HoudiniHost

    hou.putenv("JOB", "/show/now")
    assert HoudiniHost().environment()["JOB"] == "/show/now"
    assert HoudiniHost().scene().project_root == "/show/now"


def test_a_driven_switch_counts_as_it_is_now(hou: Any) -> None:
    """A node's switch with an expression is read by what the expression gives."""
    box = hou.node("/obj").createNode("geo", "box")
    node = box.createNode("file", "reading")
    node.parm("file").set("$HIP/a.bgeo")
    node.parm("filemode").setExpression("1+1", language=hou.exprLanguage.Hscript)
    from conductor_houdini.live_nodes import live_node

    live = live_node(node)
    value = live.value("filemode")
    assert value is not None
    assert value.channel == "filemode"
    assert live.channels["filemode"].expression == "1+1"
    assert list(live.channels) == ["filemode"]


@pytest.mark.parametrize(
    ("expression", "cooks"),
    [
        ('details("../in", "name")', True),
        ("point(0, 0, 'P', 0)", True),
        ("hou.pwd().geometry().attribValue('name')", True),
        ("@pdg_input", True),
        ('chs("../file")', False),
        ("$FSTART + 10", False),
        ("hou.pwd().parm('x').eval()", False),
        ("pointer + 1", False),
    ],
)
def test_what_would_cook_is_known(hou: Any, expression: str, cooks: bool) -> None:
    """Expressions that ask geometry or work items are told from those that Houdini answers at once."""
    from conductor_houdini.live_values import must_cook

    assert must_cook(expression) is cooks
