"""What artists build in Houdini comes out alike in the panel and in `conductor submit`: each scene here is made in the fake
Houdini, asked of the host, saved, and read by our own readers."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.host import SceneStep
from conductor_core.report import ScanReport
from conductor_plugins.host import Host
from fakes.stub_reading import Stubs, StubsAbsent
from hip.builder import Hip

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def installed(require: Any) -> Iterator[None]:
    """Let `import hou` give the fake, and the adapter be found as in a clone."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        require(False, str(exc))
    from fakes.houdini_fake import hou

    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "hou", hou())
    patch.syspath_prepend(str(REPO / "houdini"))
    yield
    patch.undo()


@pytest.fixture
def hou(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a new session with a window, and what comes with every scene: a camera."""
    from fakes.houdini_session import RECORD, WORLD

    monkeypatch.chdir(tmp_path)
    WORLD.clear()
    RECORD.refused.clear()
    module = sys.modules["hou"]
    module.playbar.setFrameRange(1, 10)
    module.node("/obj").createNode("cam", "cam1")
    yield module
    WORLD.graphical = True
    WORLD.clear()


@pytest.fixture
def host() -> Host:
    """Give the adapter."""
    found: Host = importlib.import_module("conductor_houdini.host").HoudiniHost()
    return found


def rop(hou: Any, kind: str, name: str, parent: str = "/out", **values: Any) -> Any:
    """Make a render node; a value that is a text with `$` in a number is an expression."""
    node = hou.node(parent).createNode(kind, name)
    for key, value in values.items():
        parm = node.parm(key)
        parm.deleteAllKeyframes()
        parm.set(value)
    return node


def _network(hou: Any) -> None:
    """A cache and a picture behind a merge, one bypassed, one fetched."""
    cache = rop(hou, "geometry", "cache", trange="normal", f1=1, f2=8, f3=2, sopoutput="$HIP/geo/c.$F4.bgeo.sc")
    other = rop(hou, "geometry", "other", sopoutput="$HIP/geo/o.$F4.bgeo.sc")
    all_ = rop(hou, "merge", "all")
    all_.setNextInput(cache)
    all_.setNextInput(rop(hou, "fetch", "far", source="../other"))
    off = rop(hou, "ifd", "off", vm_picture="$HIP/render/off.$F4.exr")
    off.bypass(True)
    off.setInput(0, all_)
    rop(hou, "ifd", "beauty", vm_picture="$HIP/render/$OS.$F4.exr").setInput(0, off)
    assert other is not None


def _subnet(hou: Any) -> None:
    """Render nodes in networks of their own, in `/out` and in `/obj`."""
    inside = hou.node("/out").createNode("subnet", "shots")
    rop(hou, "ifd", "a", inside.path(), vm_picture="$HIP/render/$OS.$F4.exr")
    net = hou.node("/obj").createNode("ropnet", "renders")
    rop(hou, "ifd", "b", net.path(), vm_picture="$HIP/render/$OS.$F4.exr")


def _wedge(hou: Any) -> None:
    """A wedge of a picture."""
    rop(hou, "ifd", "beauty", vm_picture="$HIP/render/$OS.$F4.exr")
    rop(hou, "wedge", "variations", driver="/out/beauty")


def _exports(hou: Any) -> None:
    """Nodes that write a scene for another program."""
    rop(hou, "ifd", "mantra", soho_outputmode=1, soho_diskfile="$HIP/ifd/$OS.$F4.ifd", vm_picture="$HIP/render/$OS.$F4.exr")
    rop(hou, "arnold", "arnold", ar_ass_export_enable=1, ar_ass_file="$HIP/ass/$OS.$F4.ass", ar_picture="$HIP/render/$OS.$F4.exr")
    rop(hou, "Redshift_ROP", "rs", RS_outputFileNamePrefix="$HIP/render/$OS.$F4.exr")


def _stage(hou: Any) -> None:
    """USD render and USD export nodes, in a stage and in `/out`."""
    rop(hou, "usdrender_rop", "karma", "/stage", outputimage="$HIP/render/$OS.$F4.exr", trange="normal")
    rop(hou, "usd_rop", "export", "/stage", lopoutput="$HIP/usd/$OS.usd")
    rop(hou, "usdrender", "final", outputimage="$HIP/render/$OS.$F4.exr")
    hou.node("/stage").createNode("sublayer", "base").parm("filepath1").set("$HIP/usd/base.usd")


def _sops(hou: Any) -> None:
    """A file that is read, one that is written, a cache of each kind, a node in a geometry that writes."""
    geo = hou.node("/obj").createNode("geo", "rocks")
    geo.createNode("file", "read").parm("file").set("$HIP/geo/rock.$F4.bgeo.sc")
    written = geo.createNode("file", "written")
    written.setParms({"filemode": "write", "file": "$HIP/geo/out.$F4.bgeo.sc"})
    geo.createNode("filecache::2.0", "sim")
    loaded = geo.createNode("filecache::2.0", "loaded")
    loaded.setParms({"loadfromdisk": 1, "filemethod": "explicit", "file": "$HIP/geo/l.$F4.bgeo.sc"})
    rop(hou, "rop_geometry", "out", geo.path(), sopoutput="$HIP/geo/$OS.$F.bgeo.sc")


def _expressions(hou: Any) -> None:
    """Ranges and paths by expressions and references."""
    cache = rop(hou, "geometry", "cache", trange="normal", sopoutput="$HIP/geo/c.$F4.bgeo.sc")
    cache.parm("f1").setExpression("$FSTART + 1")
    cache.parm("f2").setExpression("$FEND - 1")
    geo = hou.node("/obj").createNode("geo", "rocks")
    geo.createNode("file", "a").parm("file").set('`chs("/out/cache/sopoutput")`')
    geo.createNode("file", "b").parm("file").set('$HIP/`opname(".")`_`padzero(3, $F)`.bgeo')
    geo.createNode("file", "c").parm("file").set('$HIP/`strcat("x", ".bgeo")`')


SCENES: dict[str, Callable[[Any], None]] = {
    "render network": _network,
    "networks in networks": _subnet,
    "wedge": _wedge,
    "exports": _exports,
    "stage": _stage,
    "geometry": _sops,
    "expressions": _expressions,
}


#: how many steps each scene has at least, so that two that find nothing are not alike
STEPS = {"_network": 4, "_subnet": 2, "_wedge": 2, "_exports": 5, "_stage": 3, "_sops": 2, "_expressions": 1}


def steps_by_name(steps: Any) -> dict[str, SceneStep]:
    """Return steps by name."""
    return {step.name: step for step in steps}


def entries(report: ScanReport) -> set[tuple[str, str, str, str]]:
    """Return list, referrer, stored text and place of each entry."""
    found = set()
    for name in ("dependencies", "missing", "unresolved", "outputs", "ignored"):
        found |= {(name, one.referrer, one.as_written, getattr(one, "path", "")) for one in getattr(report, name)}
    return found


@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_host_and_file_have_the_same_steps(make: Callable[[Any], None], hou: Any, host: Host, tmp_path: Path) -> None:
    """Names, ranges, order, programs and outputs are those that the file's reader tells for the scene, saved."""
    make(hou)
    path = tmp_path / "shot.hip"
    hou.hipFile.save(str(path))
    facts = scan_file(Survey(str(path), variables=dict(os.environ))).facts
    assert facts is not None
    live = steps_by_name(host.steps())
    assert len(live) >= STEPS[make.__name__]
    assert live == steps_by_name(facts.steps)


@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_host_and_file_find_the_same(make: Callable[[Any], None], hou: Any, host: Host, tmp_path: Path) -> None:
    """Every entry of the host's report is one of the file's, with the same stored text and place, and the other way round."""
    make(hou)
    path = tmp_path / "shot.hip"
    hou.hipFile.save(str(path))
    live = entries(importlib.import_module("conductor_houdini.dependencies").scan())
    file = entries(scan_file(Survey(str(path), variables=dict(os.environ))).report)
    assert len(live) >= STEPS[make.__name__]
    assert (live - file, file - live) == (set(), set())


def test_a_render_network_has_its_order(hou: Any, host: Host, tmp_path: Path) -> None:
    """What comes before a node is told by wires, through merges, fetches and nodes that are bypassed."""
    _network(hou)
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    found = steps_by_name(host.steps())
    assert set(found["/out/beauty"].after) == {"/out/cache", "/out/off", "/out/other"}
    assert (found["/out/cache"].frames, found["/out/off"].enabled) == ("1-8x2", False)


@pytest.mark.parametrize("name", ["a b", "it's", 'say "x"', "50$HIP", "`date`", "a;b", "grün 夜", "#1"])
def test_a_snapshot_goes_to_any_name(name: str, hou: Any, host: Host, tmp_path: Path) -> None:
    """Whatever stands in a folder's name, the copy lies there, nothing else is written, and the scene keeps its name."""
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    hou.node("/obj").createNode("geo")
    folder = tmp_path / name
    folder.mkdir()
    snapshot = host.snapshot(str(folder / "copy.hip"))
    assert Path(snapshot.file) == folder / "copy.hip"
    assert sorted(p.name for p in folder.iterdir()) == ["copy.hip"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "shot.hip"])
    assert (hou.hipFile.basename(), hou.hipFile.hasUnsavedChanges()) == ("shot.hip", True)


@pytest.mark.parametrize(("licence", "ending"), [("Indie", ".hiplc"), ("Apprentice", ".hipnc")])
def test_a_snapshot_by_another_licence(licence: str, ending: str, hou: Any, host: Host, tmp_path: Path) -> None:
    """Houdini Indie and Apprentice write endings of their own; the copy lies where it was asked for all the same."""
    from fakes.houdini_session import WORLD

    WORLD.licence = licence
    try:
        hou.hipFile.save(str(tmp_path / "shot.hip"))
        assert hou.hipFile.basename() == f"shot{ending}"
        (tmp_path / "kept").mkdir()
        snapshot = host.snapshot(str(tmp_path / "kept" / "copy.hip"))
    finally:
        WORLD.licence = "Commercial"
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["copy.hip"]
    assert Path(snapshot.scene).name == f"shot{ending}"


def test_what_artists_fill_in_a_locked_asset_is_found(hou: Any, host: Host, tmp_path: Path) -> None:
    """A SOP Create ships with Houdini and is locked; the geometry that an artist makes in it is the artist's."""
    hip = Hip(fallbacks="Lop/sopcreate /opt/hfs19.5.605/houdini/otls/OPlibLop.hda\n")
    hip.part("stage/make.init", b"type = sopcreate\nmatchesdef = 1\n").part("stage/make.def", b"flags =  lock off\nend\n")
    hip.part("stage/make/sopnet/create.def", b"flags =  lock off\nend\n")
    hip.node("stage/make/sopnet/create/file1", "file", {"filemode": '"read"', "file": "$HIP/geo/rock.bgeo"})
    path = tmp_path / "shot.hip"
    path.write_bytes(hip.save("cpio"))
    hou.hipFile.load(str(path), suppress_save_prompt=True)
    found = {f.as_written: f.referrer for piece in host.dependencies(()) for f in piece}
    assert found.get("$HIP/geo/rock.bgeo") == "/stage/make/sopnet/create/file1/file"


def test_without_a_window(hou: Any, host: Host, tmp_path: Path) -> None:
    """All of the host answers in hython, which the smoke script and studios' scripts run it in."""
    from fakes.houdini_session import WORLD
    from hosts.houdini_world import refusals

    _network(hou)
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    WORLD.graphical = False
    scene = host.scene()
    assert (Path(scene.path).name, scene.frames, scene.software.name) == ("shot.hip", "1-10", "houdini")
    host.remember("{}")
    assert host.scene().settings == "{}"
    assert len(host.steps()) == 4
    assert [finding for piece in host.dependencies((1, 2)) for finding in piece]
    assert host.reveal("/out/beauty/vm_picture") is True
    assert Path(host.snapshot(str(tmp_path / "copy.hip")).file).exists()
    host.save()
    assert refusals() == []


def test_whole_animation_and_what_is_played(hou: Any, host: Host, tmp_path: Path) -> None:
    """Who plays a part of the animation renders that part, and `$FEND` is still the end of the whole.

    https://www.sidefx.com/docs/houdini/commands/tset.html, https://www.sidefx.com/docs/houdini/commands/frange.html
    """
    rop(hou, "ifd", "beauty", vm_picture="$HIP/render/$OS.$F4.exr", trange="normal").parm("f1").setExpression("$RFSTART")
    hou.node("/out/beauty").parm("f2").setExpression("$FEND")
    hou.playbar.setPlaybackRange(3, 5)
    path = tmp_path / "shot.hip"
    hou.hipFile.save(str(path))
    facts = scan_file(Survey(str(path))).facts
    assert facts is not None
    assert (host.scene().frames, facts.frames) == ("3-5", "3-5")
    assert [step.frames for step in (*host.steps(), *facts.steps)] == ["3-10", "3-10"]


def test_variables_of_the_session_count(hou: Any, host: Host, tmp_path: Path) -> None:
    """A variable that an artist or a start-up script has set in Houdini is put in, whether the process has it or not."""
    hou.hscript("set -g SHOW = /show/a")
    hou.putenv("SHOT", "010")
    hou.node("/obj").createNode("geo", "g").createNode("file").parm("file").set("$SHOW/$SHOT/rock.bgeo")
    hou.hipFile.save(str(tmp_path / "shot.hip"))
    places = {p for piece in host.dependencies(()) for f in piece for p in getattr(f, "places", ())}
    assert "/show/a/010/rock.bgeo" in places
