"""Houdini scenes: what they read, what they write, what is nobody's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import Scan, scan_file
from conductor_core.report import ScanReport
from hip.builder import CONTAINERS, Hip, contents, dialog_script, library


def scanned(hip: Hip, folder: Path, *, container: str = "cpio", **survey: object) -> Scan:
    """Save the scene and scan it."""
    path = folder / "shot.hip"
    path.write_bytes(hip.save(container))
    return scan_file(Survey(str(path), **survey))  # type: ignore[arg-type]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def names_of(report: ScanReport, folder: Path) -> list[str]:
    """Return the files found, relative to the folder, without the scene."""
    return [str(Path(f).relative_to(folder)) for f in report.files()[1:]]


@pytest.mark.parametrize("container", list(CONTAINERS))
def test_every_container(container: str, tmp_path: Path) -> None:
    """A scene says the same in each container that Houdini saves, and the report names the format by what is in the file."""
    touch(tmp_path, "tex/wood.exr", "geo/a.0001.bgeo.sc", "geo/a.0002.bgeo.sc")
    hip = Hip().node("obj/geo1", "geo").node("obj/geo1/file1", "file", {"filemode": '"read"', "file": "$HIP/geo/a.$F4.bgeo.sc"})
    hip.part("obj/geo1/locked.data", b"\x7fNSJb" + bytes(5000))
    hip.node("mat/p", "principledshader::2.0", {"basecolor_useTexture": '"on"', "basecolor_texture": "$HIP/tex/wood.exr"})
    report = scanned(hip, tmp_path, container=container, frames=(1, 2)).report
    assert report.format == "houdini-scene"
    assert names_of(report, tmp_path) == ["geo/a.0001.bgeo.sc", "geo/a.0002.bgeo.sc", "tex/wood.exr"]
    assert [(d.as_written, d.kind, d.referrer, d.status) for d in report.dependencies] == [
        ("$HIP/geo/a.$F4.bgeo.sc", "geometry", "/obj/geo1/file1/file", "found"),
        ("$HIP/tex/wood.exr", "texture", "/mat/p/basecolor_texture", "found"),
    ]
    assert (report.missing, report.unresolved) == ((), ())


@pytest.mark.parametrize(
    ("type_", "parameters", "outcome"),
    [
        pytest.param("file", {"filemode": '"write"', "file": "$HIP/a.bgeo"}, "output", id="file-write"),
        pytest.param("file", {"filemode": '"none"', "file": "$HIP/a.bgeo"}, "ignored", id="file-no-operation"),
        pytest.param("file::2.0", {"file": "$HIP/a.bgeo"}, "read", id="version-of-a-type"),
        pytest.param("file", {"file": "defcam.bgeo"}, "ignored", id="stock-name"),
        pytest.param("file", {"file": "$HH/geo/pig.bgeo"}, "ignored", id="ships"),
        pytest.param("dopio", {"loadfromdisk": '"off"', "file": "$HIP/a.bgeo.sc"}, "output", id="dopio-writes"),
        pytest.param("dopio", {"loadfromdisk": '"on"', "file": "$HIP/a.bgeo.sc"}, "read", id="dopio-reads"),
        pytest.param("dopnet", {"isplayer": '"off"', "playfilesname": "$HIP/sim.$SF.sim"}, "ignored", id="player-off"),
        pytest.param("dopnet", {"isplayer": '"on"', "playfilesname": "$HIP/sim.$F.sim"}, "read", id="player-on"),
        pytest.param("dopnet", {"explicitcache": '"off"', "explicitcachename": "$HIP/c.sim"}, "ignored", id="checkpoint-off"),
        pytest.param("ifd", {"vm_picture": "$HIP/render/$OS.$F4.exr"}, "output", id="mantra-picture"),
        pytest.param("ifd", {"vm_picture": "ip"}, "ignored", id="mantra-window"),
        pytest.param("ifd", {"vm_photongfile": "$HIP/global.pmap"}, "ignored", id="photon-map"),
        pytest.param("ifd", {"soho_program": "IFD.py"}, "ignored", id="program-of-houdini"),
        pytest.param("hlight::2.0", {"shadowmap_file": "$HIP/render/$OS.rat"}, "ignored", id="shadow-map"),
        pytest.param("hlight", {"shadow_type": '"depthmap"', "render_shadowmap": '"off"', "shadowmap_file": "$HIP/s.rat"}, "read", id="saved-shadow-map"),
        pytest.param("font", {"usefile": '"off"', "file": "$HIP/slate.txt"}, "ignored", id="font-cop-typed-text"),
        pytest.param("font", {"usefile": '"on"', "file": "$HIP/slate.txt"}, "read", id="font-cop-text-file"),
        pytest.param("envlight", {"env_map": "$HIP/sky.hdr"}, "read", id="environment"),
        pytest.param("topnet", {"taskgraphfile": "$HIP/$HIPNAME.taskgraph.$F.py"}, "output", id="task-graph"),
        pytest.param("font", {"file": '"Lato Bold"'}, "nothing", id="font-by-name"),
        pytest.param("font", {"file": "$HIP/lato.ttf"}, "read", id="font-file"),
        pytest.param("principledshader::2.0", {"rough_useTexture": '"off"', "rough_texture": "$HIP/r.exr"}, "ignored", id="texture-off"),
        pytest.param("configurestage", {"mutepaths": "/x/mtl.usdc"}, "ignored", id="muted-layer"),
        pytest.param("usdstitchclips", {"outtemplatefile1": "$HIP/clip.usd"}, "output", id="stitched-clips"),
        pytest.param("usdstitchclips", {"infile1": "$HIP/clip.usd"}, "read", id="clips-to-stitch"),
        pytest.param("sublayer", {"filepath1": "$HIP/a.usd"}, "read", id="sublayer"),
        pytest.param("reference::2.0", {"filepath12": "$HIP/a.usd"}, "read", id="any-instance-of-a-multiparm"),
        pytest.param("domelight::3.0", {"xn__inputstexturefile_r3ah": "$HIP/sky.hdr"}, "read", id="usd-attribute"),
        pytest.param("redshift::TextureSampler", {"tex0": "$HIP/a.<UDIM>.exr"}, "read", id="redshift"),
        pytest.param("arnold::image", {"filename": "$HIP/a.tx"}, "read", id="arnold"),
        pytest.param("VRayNodeMetaImageFile", {"BitmapBuffer_file": "$HIP/a.png"}, "read", id="vray"),
        pytest.param("pxrtexture::3.0", {"filename": "$HIP/a.tex"}, "read", id="renderman"),
        pytest.param("NT_TEX_IMAGE", {"A_FILENAME": "$HIP/a.png"}, "read", id="octane"),
        pytest.param("geo", {"RS_objprop_proxy_enable": '"off"', "RS_objprop_proxy_file": "$HIP/a.rs"}, "ignored", id="proxy-off"),
        pytest.param("geo", {"RS_objprop_proxy_enable": '"on"', "RS_objprop_proxy_file": "$HIP/a.rs"}, "read", id="proxy-on"),
        pytest.param("arnold_light", {"ar_light_color_type": '"color"', "ar_light_color_texture": "$HIP/a.exr"}, "ignored", id="light-colour"),
        pytest.param("arnold_light", {"ar_light_color_type": '"texture"', "ar_light_color_texture": "$HIP/a.exr"}, "read", id="light-texture"),
        pytest.param("Redshift_ROP", {"PhotonMode": '"1"', "PhotonFilename": "$HIP/a.rsmap"}, "read", id="photons-loaded"),
        pytest.param("Redshift_ROP", {"PhotonMode": '"0"', "PhotonFilename": "$HIP/a.rsmap"}, "output", id="photons-made"),
        pytest.param("vellumio::2.0", {"loadfromdisk": '"on"', "filemethod": '"1"', "file": "$HIP/a.bgeo"}, "read", id="kin-of-file-cache"),
        pytest.param("filecache::2.0", {"loadfromdisk": '"on"', "basedir": "$HIP/geo", "basename": '"sim"', "filetype": '".bgeo"', "version": "1", "timedependent": '"off"'}, "read", id="file-cache-without-its-method"),
        pytest.param("arnold_rendersettings", {"productName": "$HIP/r.$F4.exr"}, "output", id="a-product-of-any-renderer"),
        pytest.param("kinefx::rop_gltfcharacteroutput", {"filepath": "$HIP/a.glb"}, "output", id="gltf-output"),
        pytest.param("labs::niagara", {"csvpath": "$HIP/a.csv"}, "output", id="niagara"),
        pytest.param("arnold_asstoc", {"ass_file": "$HIP/a.ass"}, "read", id="ass-to-geometry"),
        pytest.param("studio::rock_export", {"file": "$HIP/a.abc"}, "output", id="an-exporter-s-file"),
        pytest.param("studio::rock_export", {"lookup_texture": "$HIP/a.png"}, "read", id="an-exporter-s-texture"),
        pytest.param("3Delight", {"default_image_filename": "$HIP/r.$F4.exr"}, "output", id="3delight"),
        pytest.param("studio::cache", {"loadfromdisk": '"off"', "file": "$HIP/a.bgeo"}, "output", id="cache-by-its-switch"),
        pytest.param("deadline", {"dl_plugin_path": "/opt/deadline/x.py"}, "ignored", id="another-farm"),
        pytest.param("afanasy", {"soho_program": "$CGRU/afanasy_soho.py"}, "ignored", id="another-farms-program"),
        pytest.param("arnold", {"ar_texture_searchpath": "/show/tex"}, "ignored", id="a-search-path"),
        pytest.param("ifd", {"prerender": "$HIP/pre.py"}, "read", id="script-file"),
        pytest.param("ifd", {"prerender": '"print(\\"a.py\\")"'}, "nothing", id="script-text"),
        pytest.param("texture", {"map": "op:/img/comp1/OUT"}, "ignored", id="image-of-the-scene"),
        pytest.param("texture", {"map": "opdef:/Vop/matcap?orange.exr"}, "ignored", id="in-an-asset"),
        pytest.param("texture", {"map": "temp:$OS.rat"}, "ignored", id="temporary"),
        pytest.param("texture", {"map": "$HOUDINI_TEMP_DIR/a.rat"}, "ignored", id="in-a-temporary-folder"),
        pytest.param("texture", {"map": "https://x.org/a.png"}, "unresolved", id="from-the-network"),
        pytest.param("texture", {"map": "$SHOW/a.png"}, "unresolved", id="unknown-variable"),
        pytest.param("studio::rock", {"rock_texture": "$HIP/a.png"}, "read", id="unknown-type-telling-name"),
        pytest.param("studio::rock", {"thing": "$HIP/a.png"}, "read", id="unknown-name-scene-variable"),
        pytest.param("studio::rock", {"thing": "/job/a.png"}, "unresolved", id="unknown-name-plain-path"),
        pytest.param("studio::rock", {"exportfile": "$HIP/a.png"}, "output", id="unknown-type-writes"),
        pytest.param("studio::rock", {"cachedir": "$HIP/cache"}, "ignored", id="a-folder"),
        pytest.param("studio::rock", {"note": '"see $HIP/a.png for more"'}, "nothing", id="a-sentence"),
        pytest.param("studio::rock", {"code": '"import os\nprint(\\"/a/b.png\\")"'}, "nothing", id="a-script"),
        pytest.param("studio::rock", {"soppath": "../OUT"}, "nothing", id="path-of-a-node"),
        pytest.param("studio::rock", {"version": "1.5"}, "nothing", id="a-number"),
        pytest.param("studio::rock", {"interFileExtension": ".abc"}, "nothing", id="only-an-extension"),
    ],
)  # fmt: skip
def test_what_a_parameter_is(type_: str, parameters: dict[str, str], outcome: str, tmp_path: Path) -> None:
    """Each parameter ends in exactly one list: by its type's row, by its switches, else by how it is declared or named."""
    report = scanned(Hip().node("obj/x", type_, parameters), tmp_path).report
    counts = {
        "read": len({d.as_written for d in report.dependencies} | {m.as_written for m in report.missing}),
        "output": len(report.outputs),
        "ignored": len(report.ignored),
        "unresolved": len(report.unresolved),
    }
    assert {k: v for k, v in counts.items() if v} == ({} if outcome == "nothing" else {outcome: 1})


def test_stored_text_is_reported_as_stored(tmp_path: Path) -> None:
    r"""`as_written` keeps the escapes of the file; the path is what they mean, on Windows paths too."""
    hip = (
        Hip()
        .node("obj/x/file1", "file", {"file": r"C:\\jobs\\a.bgeo"})
        .node("obj/x/f2", "file", {"file": r'"`strcat(\"$HIP\", \"/b.bgeo\")`"'})
    )
    report = scanned(hip, tmp_path).report
    assert [m.as_written for m in report.missing] == [r"C:\\jobs\\a.bgeo", r"`strcat(\"$HIP\", \"/b.bgeo\")`"]
    assert [m.path for m in report.missing] == ["C:/jobs/a.bgeo", str(tmp_path / "b.bgeo")]


def test_the_scene_folder_is_where_it_lies_now(tmp_path: Path) -> None:
    """$HIP and $HIPNAME are those of today, $JOB and the artist's own variables those that were saved; --env comes first."""
    touch(tmp_path, "shot/a.png", "b.png", "c/c.png")
    hip = Hip(variables={"HIP": "/old", "HIPNAME": "old", "JOB": str(tmp_path), "SHOT": "shot", "LIB": "/nowhere"})
    for name, text in (("a", "$HIP/${SHOT}/a.png"), ("b", "$JOB/b.png"), ("c", "$LIB/c.png")):
        hip.node(f"mat/{name}", "texture", {"map": text})
    report = scanned(hip, tmp_path, variables={"LIB": str(tmp_path / "c")}).report
    assert names_of(report, tmp_path) == ["b.png", "c/c.png", "shot/a.png"]


def test_variables_within_variables(tmp_path: Path) -> None:
    """A variable may name others; where one of those is not set, nothing is guessed."""
    touch(tmp_path, "lib/a.png")
    hip = Hip(variables={"HIP": "/old", "SHOW": "$HIP/x/..", "LIB": "$SHOW/lib", "BAD": "$NOBODY/lib"})
    hip.node("mat/a", "texture", {"map": "$LIB/a.png"}).node("mat/b", "texture", {"map": "$BAD/a.png"})
    report = scanned(hip, tmp_path).report
    assert names_of(report, tmp_path) == ["lib/a.png"]
    assert [u.reason for u in report.unresolved] == ["$BAD is '$NOBODY/lib', which names a variable that is not set"]


def test_references_between_parameters(tmp_path: Path) -> None:
    """`chs("../x/file")` is followed, channels are evaluated, and the value that was cached is what is reported."""
    touch(tmp_path, "geo/rock_v003.bgeo")
    hip = Hip().node("obj/ctl", "null", {"version": "3", "folder": "$HIP/geo", "asset": "rock"})
    hip.node(
        "obj/g/base",
        "null",
        {"file": r'"`chs(\"/obj/ctl/folder\")`/`chs(\"/obj/ctl/asset\")`_v`padzero(3, ch(\"/obj/ctl/version\"))`.bgeo"'},
    )
    hip.node("obj/g/file1", "file", {"file": "[ file\t/cached/x.bgeo ] "}, channels={"file": r"chs(\"../base/file\")"})
    report = scanned(hip, tmp_path).report
    assert [(d.as_written, d.referrer) for d in report.dependencies if d.referrer.startswith("/obj/g/file1")] == [
        ("/cached/x.bgeo", "/obj/g/file1/file")
    ]
    assert names_of(report, tmp_path) == ["geo/rock_v003.bgeo"]


def test_what_only_houdini_can_tell(tmp_path: Path) -> None:
    """Python, attributes and unknown functions are unresolved, with the reason and what the value was when it was saved."""
    hip = Hip().node(
        "obj/a", "texture", {"map": "[ map\t/was/a.png ] "}, channels={"map": '"hou.pwd().name()" language = python'}
    )
    hip.node("obj/b", "texture", {"map": "$HIP/`@name`.png"})
    hip.node("obj/c", "texture", {"map": r"`pythonexprs(\"x\")`"})
    hip.node("obj/d", "texture", {"map": r"`chs(\"../d/map\")`"})
    reasons = [u.reason for u in scanned(hip, tmp_path).report.unresolved]
    assert reasons == [
        "it is a Python expression; it was '/was/a.png' when the scene was saved",
        "it asks for an attribute (@), which is there only while the node cooks",
        "pythonexprs(): it runs Python",
        "parameters refer to each other without end",
    ]


def test_only_the_frames_of_the_job(tmp_path: Path) -> None:
    """A sequence brings the frames of the job, and the neighbours that motion blur looks at where they exist; gaps are missing."""
    touch(tmp_path, *(f"a.{f}.bgeo" for f in range(1, 21)))
    (tmp_path / "a.6.bgeo").unlink()
    hip = Hip().node("obj/g/file1", "file", {"file": "$HIP/a.$F.bgeo"})
    report = scanned(hip, tmp_path, frames=(5, 6, 7)).report
    assert names_of(report, tmp_path) == ["a.4.bgeo", "a.5.bgeo", "a.7.bgeo", "a.8.bgeo"]
    assert [m.path for m in report.missing] == [str(tmp_path / "a.6.bgeo")]


def test_a_clip_with_a_range_of_its_own(tmp_path: Path) -> None:
    """A File COP shows its own frames and holds the last: frames of the job outside of it do not lack."""
    touch(tmp_path, "i.0008.exr", "i.0009.exr", "i.0010.exr")
    clip = {
        "filename": '$HIP/i.$F4.exr\t"options"',
        "startframe": "8",
        "length": "3",
        "missingfr": '"closest"',
        "singleimage": '"off"',
    }
    report = scanned(Hip().node("img/comp1/f", "file", clip), tmp_path, frames=(9, 10, 11, 12)).report
    assert (names_of(report, tmp_path), report.missing) == (["i.0009.exr", "i.0010.exr"], ())


def test_reckoned_frames(tmp_path: Path) -> None:
    """Where the frame is reckoned with, each frame is asked for; behind a time shift all that is there is taken."""
    touch(tmp_path, *(f"a.{f:04d}.bgeo" for f in range(1, 21)), "b.1.bgeo", "b.99.bgeo")
    hip = Hip().node("obj/g/f", "file", {"file": '"$HIP/a.`padzero(4, $F*2+1)`.bgeo"'})
    hip.node("obj/h/f", "file", {"file": "$HIP/b.$F.bgeo"}).node("obj/h/shift", "timeshift", {"frame": "3"})
    assert names_of(scanned(hip, tmp_path, frames=(1, 2)).report, tmp_path) == [
        "a.0003.bgeo",
        "a.0005.bgeo",
        "b.1.bgeo",
        "b.99.bgeo",
    ]


def test_file_cache_makes_its_own_path(tmp_path: Path) -> None:
    """A File Cache that loads from disk reads the path made of folder, name and version, not the explicit one beside it."""
    touch(tmp_path, "geo/shot.sim/v2/shot.sim_v2.0001.bgeo.sc")
    parameters = {
        "loadfromdisk": '"on"', "filemethod": '"constructed"', "timedependent": '"on"', "basename": "$HIPNAME.$OS",
        "filetype": '".bgeo.sc"', "file": "$HIP/geo/$HIPNAME.$OS.$F.bgeo.sc", "basedir": "$HIP/geo", "enableversion": '"on"',
        "version": "2", "cachename": r'"`chs(\"basename\")`.bgeo.sc"',
    }  # fmt: skip
    report = scanned(Hip().node("obj/g/sim", "filecache::2.0", parameters), tmp_path, frames=(1,)).report
    assert names_of(report, tmp_path) == ["geo/shot.sim/v2/shot.sim_v2.0001.bgeo.sc"]
    assert [i.as_written for i in report.ignored][:1] == ["$HIP/geo/$HIPNAME.$OS.$F.bgeo.sc"]


def test_file_merge_reads_for_each_number(tmp_path: Path) -> None:
    """File Merge's own variable stands for every number that is there."""
    touch(tmp_path, "s.0.1.bgeo", "s.1.1.bgeo", "s.0.2.bgeo")
    hip = Hip(variables={"SLICE": "0"}).node("obj/g/m", "filemerge", {"file": "$HIP/s.$SLICE.$F.bgeo", "merge_var": "SLICE"})
    assert names_of(scanned(hip, tmp_path, frames=(1,)).report, tmp_path) == ["s.0.1.bgeo", "s.1.1.bgeo"]


@pytest.mark.parametrize("notation", ["<UDIM>", "<udim>", "%(UDIM)d", "<UVTILE>"])
def test_tiles(notation: str, tmp_path: Path) -> None:
    """Each notation for tiles comes to the tiles that are there."""
    touch(tmp_path, "t.1001.exr", "t.1002.exr", "t.u1_v1.exr")
    wanted = ["t.u1_v1.exr"] if notation == "<UVTILE>" else ["t.1001.exr", "t.1002.exr"]
    assert (
        names_of(scanned(Hip().node("mat/t", "texture", {"map": f"$HIP/t.{notation}.exr"}), tmp_path).report, tmp_path) == wanted
    )


def test_what_a_type_declares_counts_before_its_name(tmp_path: Path) -> None:
    """A parameter of type file in the scene's own dialog scripts is one: its chooser says read or write, `disablewhen` neither."""
    script = dialog_script(
        '        name "alpha"\n        type file\n        parmtag { "filechooser_mode" "read" }',
        '        name "beta"\n        type file\n        parmtag { "filechooser_mode" "write" }',
        '        name "gamma"\n        type file\n        disablewhen "{ mode == 0 }"',
        '        name "delta"\n        type string',
    )
    hip = Hip().part(".OPdummydefs", library({"studio::Sop/tool::1.0": [("DialogScript", script)]}))
    values = {"alpha": "a.x1", "beta": "b.x1", "gamma": "c.x1", "delta": "d.x1", "mode": '"off"'}
    report = scanned(hip.node("obj/g/t", "studio::tool::1.0", values), tmp_path).report
    assert [m.as_written for m in report.missing] == ["a.x1"]
    assert [o.as_written for o in report.outputs] == ["b.x1"]
    assert [i.as_written for i in report.ignored] == ["c.x1"]
    assert not report.unresolved


def test_takes_are_read_too(tmp_path: Path) -> None:
    """A file that a take sets instead of the main one is found, and who wants it names the take."""
    touch(tmp_path, "a.png", "b.png")
    takes = (
        "HoudiniTakeFile 1.0\ntake name Main kids 1\ns 0 /mat/t\ns 1 map\n{\n}\ntake name night kids 0\n?d 0 1\n{\nversion 0.8\n"
    )
    takes += "map\t[ 0\tlocks=0 ]\t(\t$HIP/b.png\t)\n}\n"
    report = scanned(Hip(takes=takes).node("mat/t", "texture", {"map": "$HIP/a.png"}), tmp_path).report
    assert [(d.as_written, d.referrer) for d in report.dependencies] == [
        ("$HIP/a.png", "/mat/t/map"),
        ("$HIP/b.png", "/mat/t/map (take night)"),
    ]


def test_asset_libraries_behind_a_scene(tmp_path: Path) -> None:
    """Libraries that the scene's nodes need are dependencies, and read on; Houdini's own, which its folder tells, are not."""
    hda = library(
        {
            "Sop/chair": [
                ("DialogScript", dialog_script()),
                ("Contents.gz", contents([*_node("hdaroot/t", "file", "$HIP/c.bgeo")])),
            ]
        }
    )
    touch(tmp_path, "otls/chair.hda", "c.bgeo")
    (tmp_path / "otls/chair.hda").write_bytes(hda)
    hip = Hip(
        libraries="$HFS/houdini/help/x.hda\n",
        fallbacks=f"Sop/color /opt/hfs20.5.332/houdini/otls/OPlibSop.hda\nSop/color otls/OPlibSop.hda\nSop/mtlx /opt/hfs20.5.332/houdini/otls/MaterialX.hda\n"
        f"Sop/chair {tmp_path}/otls/chair.hda\nSop/chair otls/chair.hda\nSop/gone $NOWHERE/gone.hda\n",
        preferences="Sop/chair /elsewhere/chair.hda\n",
    )
    hip.node("obj/g/t", "texture", {"map": "/opt/hfs20.5.332/houdini/pic/a.pic"})
    report = scanned(hip, tmp_path).report
    assert [(d.as_written, d.kind, d.within) for d in report.dependencies] == [
        (f"{tmp_path}/otls/chair.hda", "library", ""),
        ("$HIP/c.bgeo", "geometry", f"{tmp_path}/otls/chair.hda"),
    ]
    assert [u.as_written for u in report.unresolved] == ["$NOWHERE/gone.hda"]
    assert sorted(i.as_written for i in report.ignored) == [
        "$HFS/houdini/help/x.hda", "/elsewhere/chair.hda", "/opt/hfs20.5.332/houdini/otls/MaterialX.hda",
        "/opt/hfs20.5.332/houdini/otls/OPlibSop.hda", "/opt/hfs20.5.332/houdini/pic/a.pic",
    ]  # fmt: skip


def test_assets_embedded_in_a_scene(tmp_path: Path) -> None:
    """The contents of an asset that the scene holds itself are read like its own nodes."""
    touch(tmp_path, "c.bgeo")
    body = library(
        {"Sop/chair": [("Contents.gz", contents([*_node("hdaroot/t", "file", "$HIP/c.bgeo")]))]},
        b"HIP Internal Operator Definitions",
    )
    report = scanned(Hip().part(".defotl", body), tmp_path).report
    assert [(d.as_written, d.referrer) for d in report.dependencies] == [("$HIP/c.bgeo", "Sop/chair/t/file")]


def test_an_expanded_asset(tmp_path: Path) -> None:
    """An asset that is kept as a folder goes whole, and its contents are read."""
    touch(tmp_path, "otls/chair.hda/Sections.list", "otls/chair.hda/Sop_1chair/DialogScript", "c.bgeo")
    body = CONTAINERS["MIME"]([("node_type", b"Sop\n"), *_node("hdaroot/t", "file", "$HIP/c.bgeo")])
    touch(tmp_path, "otls/chair.hda/Sop_1chair/Contents.mime")
    (tmp_path / "otls/chair.hda/Sop_1chair/Contents.mime").write_bytes(body)
    report = scanned(Hip(fallbacks=f"Sop/chair {tmp_path}/otls/chair.hda\n"), tmp_path).report
    assert names_of(report, tmp_path) == [
        "c.bgeo",
        "otls/chair.hda/Sections.list",
        "otls/chair.hda/Sop_1chair/Contents.mime",
        "otls/chair.hda/Sop_1chair/DialogScript",
    ]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A parameter that names a folder does not bring what is in it, nor does a library that is just a folder."""
    touch(tmp_path, "tex.d/a.png")
    hip = Hip(fallbacks=f"Sop/chair {tmp_path}/tex.d\n").node("mat/t", "texture", {"map": "$HIP/tex.d"})
    report = scanned(hip, tmp_path).report
    assert (names_of(report, tmp_path), len(report.missing)) == ([], 2)


def test_relative_names_along_houdini_path(tmp_path: Path) -> None:
    """A relative path is looked for beside the scene, then in the folders of HOUDINI_PATH, of which & stands for Houdini's own."""
    touch(tmp_path, "site/pic/a.png", "b.png")
    hip = Hip().node("mat/a", "texture", {"map": "pic/a.png"}).node("mat/b", "texture", {"map": "b.png"})
    report = scanned(hip, tmp_path, variables={"HOUDINI_PATH": f"{tmp_path / 'site'}:&"}).report
    assert names_of(report, tmp_path) == ["b.png", "site/pic/a.png"]


def test_an_asset_library_alone(tmp_path: Path) -> None:
    """Without a scene $HIP is nobody's; what hangs on the node that uses the asset is unresolved.

    A default, and a value that is nothing but a file parameter of that node, are ignored: the scene stores the node's own.
    """
    parts = [*_node("hdaroot/a", "file", "/lib/a.bgeo"), *_node("hdaroot/b", "file", "$HIP/b.bgeo")]
    parts += [("hdaroot.parm", b"{\nversion 0.8\n}\n"), *_node("hdaroot/c", "file", r"`chs(\"../file\")`")]
    parts += _node("hdaroot/d", "file", r"`chs(\"../folder\")`/d.bgeo")
    script = dialog_script('        name "file"\n        type file\n        default { "$HIP/default.bgeo" }')
    (tmp_path / "a.hda").write_bytes(library({"Sop/chair": [("DialogScript", script), ("Contents.gz", contents(parts))]}))
    report = scan_file(Survey(str(tmp_path / "a.hda"))).report
    assert report.format == "houdini-asset"
    assert [m.as_written for m in report.missing] == ["/lib/a.bgeo"]
    assert [u.reason for u in report.unresolved] == [
        "$HIP is not set in the scene, nor by --env",
        "it refers to the parameter folder of the node that uses the asset",
    ]
    assert [i.as_written for i in report.ignored] == [r"`chs(\"../file\")`", "$HIP/default.bgeo"]


def test_what_can_be_rendered(tmp_path: Path) -> None:
    """Facts name the version, the range and each output node with where it writes; a bypassed one is off."""
    hip = Hip().node("out/beauty", "ifd", {"vm_picture": "$HIP/render/$OS.$F4.exr"})
    hip.node("out/off", "geometry", {"sopoutput": "$HIP/x.bgeo"}, bypass=True).node("out/none", "karma", {"picture": '""'})
    hip.node("obj/g/abc", "alembic", {"fileName": "$HIP/a.abc"})
    facts = scanned(hip, tmp_path).facts
    assert facts is not None
    assert (facts.software.name, facts.software.version, facts.frames) == ("houdini", "20.5.332", "1-4")
    assert [(s.name, [o.path for o in s.outputs], s.enabled, s.problem) for s in facts.steps] == [
        ("/out/beauty", [str(tmp_path / "render/beauty.####.exr")], True, ""),
        ("/out/none", [], True, "it names no file to write"),
        ("/out/off", [str(tmp_path / "x.bgeo")], False, ""),
    ]


def _node(stem: str, type_: str, file: str) -> list[tuple[str, bytes]]:
    return Hip().node(stem, type_, {"file": file}).parts


def test_who_found_it(tmp_path: Path) -> None:
    """Each finding names its reader: a row, a function, or the rules for what no table knows."""
    hip = Hip().node("obj/a", "file", {"file": "/a.bgeo"}).node("obj/b", "envlight", {"env_map": "/b.exr"})
    report = scanned(hip.node("obj/c", "studio::rock", {"rock_texture": "/c.png"}), tmp_path).report
    assert [m.reader for m in report.missing] == [
        "conductor_core.discovery.tables.houdini.file_node",
        "table houdini: envlight env_map",
        "conductor_core.discovery.houdini_unknown",
    ]
