"""Promises on what of a Houdini scene can be rendered: ranges of its own, order, wedges, scenes for a renderer's own program."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.host import SceneStep
from hip.builder import Hip

PICTURE = {"vm_picture": "$HIP/render/$OS.$F4.exr"}
CACHE = {"sopoutput": "$HIP/geo/$OS.$F4.bgeo.sc"}


def steps(hip: Hip, folder: Path) -> dict[str, SceneStep]:
    """Return the steps of a saved scene by name."""
    path = folder / "shot.hip"
    path.write_bytes(hip.save("cpio"))
    facts = scan_file(Survey(str(path))).facts
    assert facts is not None
    return {step.name: step for step in facts.steps}


@pytest.mark.parametrize(
    ("range_", "channels", "wanted"),
    [
        pytest.param({"trange": "off", "f": "1 240 1"}, {}, "", id="current-frame"),
        pytest.param({"trange": "normal", "f": "5 9 1"}, {}, "5-9", id="own"),
        pytest.param({"trange": "on", "f": "10 30 5"}, {}, "10-30x5", id="strict-with-increment"),
        pytest.param({"trange": "normal", "f": "7 7 1"}, {}, "7", id="one"),
        pytest.param({"trange": "normal", "f": "9 5 1"}, {}, "5-9", id="backwards"),
        pytest.param({"trange": "normal", "f": "1.5 9 1"}, {}, "", id="between-frames"),
        pytest.param(
            {"trange": "normal", "f": "[ f1 1 ] [ f2 240 ] 1"}, {"f1": "$FSTART", "f2": "$FEND-1"}, "1-3", id="expressions"
        ),
        pytest.param({"trange": "normal", "f": "1 [ f2 240 ] 1"}, {"f2": "point(0,0,0,0)"}, "", id="not-to-be-told"),
        pytest.param({"trange": "stage", "f": "1 240 1"}, {}, "", id="of-the-stage"),
        pytest.param({}, {}, "", id="no-range"),
    ],
)
def test_own_range(tmp_path: Path, range_: dict[str, str], channels: dict[str, str], wanted: str) -> None:
    """A render node's own frames are told where it has some that are plain."""
    found = steps(Hip().node("out/beauty", "ifd", {**PICTURE, **range_}, channels=channels), tmp_path)
    assert found["/out/beauty"].frames == wanted


def test_inputs_are_rendered_before(tmp_path: Path) -> None:
    """A step waits for those at its inputs, through merges and fetching nodes; for a bypassed one too, should it be rendered."""
    hip = Hip().node("out/sim", "geometry", CACHE).node("out/ash", "geometry", CACHE).node("out/other", "geometry", CACHE)
    hip.node("out/all", "merge", inputs='0 sim\n1 "off"\n').node("out/off", "geometry", CACHE, bypass=True, inputs="0 fetched\n")
    hip.node("out/fetched", "fetch", {"source": "../ash"}).node("out/beauty", "ifd", PICTURE, inputs="0 all\n")
    found = steps(hip, tmp_path)
    assert found["/out/beauty"].after == ("/out/sim", "/out/off", "/out/ash")
    assert found["/out/sim"].after == ()
    assert not found["/out/off"].enabled
    assert "/out/fetched" not in found


def test_wires_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    """A broken scene whose wires go round is read all the same."""
    hip = Hip().node("out/a", "merge", inputs="0 b\n").node("out/b", "merge", inputs="0 a\n")
    found = steps(hip.node("out/beauty", "ifd", PICTURE, inputs="0 a\n"), tmp_path)
    assert found["/out/beauty"].after == ()


@pytest.mark.parametrize(
    ("type_", "parameters", "step", "exported", "command"),
    [
        pytest.param(
            "ifd",
            {**PICTURE, "soho_outputmode": "on", "soho_diskfile": "$HIP/ifd/$OS.$F4.ifd"},
            "/out/beauty mantra",
            "ifd/beauty.####.ifd",
            ("mantra", "-V", "2a", "-f", "ifd/beauty.{frame:04d}.ifd"),
            id="mantra",
        ),
        pytest.param(
            "arnold",
            {"ar_picture": "$HIP/render/$OS.$F4.exr", "ar_ass_export_enable": "on", "ar_ass_file": "$HIP/ass/$F.ass"},
            "/out/beauty kick",
            "ass/#.ass",
            ("kick", "-dw", "-dp", "-nstdin", "-v", "4", "-i", "ass/{frame}.ass"),
            id="kick",
        ),
        pytest.param(
            "Redshift_ROP",
            {
                "RS_outputFileNamePrefix": "$HIP/render/$OS.$F4.exr",
                "RS_archive_enable": "on",
                "RS_archive_file": "$HIP/rs/$OS.$F4.rs",
            },
            "/out/beauty redshiftCmdLine",
            "rs/beauty.####.rs",
            ("redshiftCmdLine", "rs/beauty.{frame:04d}.rs"),
            id="redshift",
        ),
    ],
)
def test_export_then_render(
    tmp_path: Path, type_: str, parameters: dict[str, str], step: str, exported: str, command: tuple[str, ...]
) -> None:
    """A node that writes its renderer's scene makes two steps: Houdini writes, and then the renderer's own program renders."""
    found = steps(Hip().node("out/beauty", type_, {**parameters, "trange": "normal", "f": "2 4 1"}), tmp_path)
    assert list(found) == ["/out/beauty", step]
    export, render = found["/out/beauty"], found[step]
    assert [(o.path, o.kind) for o in export.outputs] == [(str(tmp_path / exported), "other")]
    assert export.command == ()
    assert [(o.path, o.kind) for o in render.outputs] == [(str(tmp_path / "render/beauty.####.exr"), "image")]
    assert render.command == (*command[:-1], str(tmp_path / command[-1]))
    assert (render.after, render.frames, render.enabled) == (("/out/beauty",), "2-4", True)


def test_what_follows_an_export_waits_for_its_picture(tmp_path: Path) -> None:
    """A step behind a node that exports waits for both of its steps: the picture is made by the second."""
    disk = {**PICTURE, "soho_outputmode": "on", "soho_diskfile": "$HIP/ifd/$OS.$F4.ifd"}
    hip = Hip().node("out/beauty", "ifd", disk).node("out/comp", "comp", {"copoutput": "$HIP/c.$F4.exr"}, inputs="0 beauty\n")
    assert steps(hip, tmp_path)["/out/comp"].after == ("/out/beauty", "/out/beauty mantra")
    plain = (
        Hip().node("out/beauty", "ifd", PICTURE).node("out/comp", "comp", {"copoutput": "$HIP/c.$F4.exr"}, inputs="0 beauty\n")
    )
    assert steps(plain, tmp_path)["/out/comp"].after == ("/out/beauty",)


def test_export_that_is_off(tmp_path: Path) -> None:
    """A node that renders by itself is one step, whatever its export is called."""
    hip = Hip().node("out/beauty", "ifd", {**PICTURE, "soho_outputmode": "off", "soho_diskfile": "$HIP/x.ifd"})
    assert list(steps(hip, tmp_path)) == ["/out/beauty"]


def test_usd_render_node(tmp_path: Path) -> None:
    """A USD render node writes where it says; where it says nothing, where the render settings in its stage do."""
    hip = Hip().node("stage/settings", "karmarenderproperties", {"picture": "$HIP/render/beauty.$F4.exr"})
    hip.node("stage/light", "domelight::3.0", inputs="0 settings\n")
    hip.node("stage/render", "usdrender_rop", {"outputimage": '""'}, inputs="0 light\n")
    hip.node("out/husk", "usdrender", {"outputimage": '""', "loppath": "/stage/light"})
    hip.node("out/own", "usdrender", {"outputimage": "$HIP/own.$F4.exr", "loppath": "/stage/light"})
    found = steps(hip, tmp_path)
    settings = str(tmp_path / "render/beauty.####.exr")
    wanted = {"/stage/render": settings, "/out/husk": settings, "/out/own": str(tmp_path / "own.####.exr")}
    assert {name: [o.path for o in step.outputs] for name, step in found.items()} == {n: [p] for n, p in wanted.items()}


def test_usd_export_and_husk(tmp_path: Path) -> None:
    """A USD ROP writes layers; that husk renders them is offered, and off unless the artist wants it."""
    hip = Hip().node("stage/settings", "karmarendersettings", {"picture": "$HIP/render/$F4.exr"})
    hip.node("stage/usd", "usd_rop", {"lopoutput": "$HIP/usd/shot.usd"}, inputs="0 settings\n")
    hip.node("stage/part", "usd_rop", {"lopoutput": "$HIP/usd/part.usd"})
    found = steps(hip, tmp_path)
    assert list(found) == ["/stage/part", "/stage/usd", "/stage/usd husk"]
    assert [(o.path, o.kind) for o in found["/stage/usd"].outputs] == [(str(tmp_path / "usd/shot.usd"), "cache")]
    assert found["/stage/usd"].problem == ""
    husk = found["/stage/usd husk"]
    assert (husk.enabled, husk.after, [o.path for o in husk.outputs]) == (
        False,
        ("/stage/usd",),
        [str(tmp_path / "render/####.exr")],
    )
    assert husk.command[:1] + husk.command[-1:] == ("husk", str(tmp_path / "usd/shot.usd"))


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        pytest.param("$HIP/render/$OS.$WEDGE.$F4.exr", "", id="file"),
        pytest.param(
            "$HIP/$WEDGE/$F4.exr", "it writes to folders named by $WEDGE, which are only known while it renders", id="folder"
        ),
    ],
)
def test_wedge(tmp_path: Path, picture: str, problem: str) -> None:
    """A wedge is a step of its own that writes where what it drives does, over the frames of that."""
    hip = Hip().node("out/beauty", "ifd", {"vm_picture": picture, "trange": "normal", "f": "1 2 1"})
    hip.node("out/wedge1", "wedge", {"driver": "/out/beauty"})
    found = steps(hip, tmp_path)
    wedge = found["/out/wedge1"]
    assert (wedge.frames, wedge.problem, len(wedge.outputs)) == ("1-2", problem, 1)
    assert "$WEDGE" in wedge.outputs[0].path
    assert wedge.parameters == {"node": "/out/wedge1"}


@pytest.mark.parametrize(
    ("camera", "problem"),
    [
        pytest.param("/obj/cam1", "", id="there"),
        pytest.param("/obj/gone", "its camera /obj/gone is not in the scene", id="gone"),
        pytest.param("/obj/rig/cam", "", id="within-an-asset"),
        pytest.param('`chs(\\"x\\")`', "", id="expression"),
    ],
)
def test_camera(tmp_path: Path, camera: str, problem: str) -> None:
    """A step whose camera is gone says so; what lies within an asset is not in a file."""
    hip = Hip().node("obj/cam1", "cam").node("out/beauty", "ifd", {**PICTURE, "camera": camera})
    assert steps(hip, tmp_path)["/out/beauty"].problem == problem


def test_camera_of_an_export(tmp_path: Path) -> None:
    """Without its camera a node can neither export nor have that rendered: both steps say so."""
    export = {"soho_outputmode": "on", "soho_diskfile": "$HIP/a.$F4.ifd", "camera": "/obj/gone"}
    found = steps(Hip().node("out/beauty", "ifd", {**PICTURE, **export}), tmp_path)
    assert {step.problem for step in found.values()} == {"its camera /obj/gone is not in the scene"}
    assert len(found) == 2


def test_file_cache_that_makes_its_path(tmp_path: Path) -> None:
    """A File Cache writes where folder, name and version say, unless its path is explicit."""
    made = {"filemethod": "constructed", "basedir": "$HIP/geo", "basename": "$OS", "version": "3", "filetype": ".bgeo.sc"}
    hip = Hip().node("obj/g/made", "filecache::2.0", {**made, "file": "$HIP/unused.bgeo"})
    hip.node("obj/g/plain", "filecache::2.0", {**made, "filemethod": "explicit", "file": "$HIP/plain.bgeo"})
    found = steps(hip, tmp_path)
    assert found["/obj/g/made"].outputs[0].path == str(tmp_path / "geo/made/v3/made_v3.####.bgeo.sc")
    assert found["/obj/g/plain"].outputs[0].path == str(tmp_path / "plain.bgeo")
