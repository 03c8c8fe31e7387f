"""What is found in `.blend` files without Blender: planted dependencies and planted traps, in files made here."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery import node as register
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.limits import Limits
from conductor_core.discovery.node import Ask, Node, reads_node
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file
from conductor_core.formats.blend import library_shelf
from conductor_core.formats.blend.loading import BlendFile, load
from conductor_core.formats.scan import Scan
from conductor_core.report import ScanReport
from core.formats.blend_writer import STRUCTS, BlendWriter, Form

Build = Callable[[BlendWriter], Any]


def touch(folder: Path, *names: str) -> None:
    """Make files whose content nobody looks at."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def write(path: Path, build: Build, form: Form | None = None) -> Path:
    """Write a scene."""
    blend = BlendWriter(form or Form())
    build(blend)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blend.data())
    return path


def scan(folder: Path, build: Build, *, frames: tuple[int, ...] | None = (1,), form: Form | None = None) -> Scan:
    """Write a scene and scan it."""
    return scan_file(Survey(str(write(folder / "shot.blend", build, form)), frames=frames))


def found(folder: Path, report: ScanReport) -> dict[str, list[str]]:
    """Return the files of each dependency by its text, named from the folder."""
    return {
        d.as_written: [Path(f).relative_to(folder).as_posix() if Path(f).is_relative_to(folder) else f for f in d.files]
        for d in report.dependencies
    }


def material_with(blend: BlendWriter, nodes: list[dict[str, Any]], name: str = "MAM") -> int:
    """Add a material with a node tree, embedded as Blender does it."""
    material, tree = blend.address(), blend.address()
    blend.add("MA", "Material", {"nodetree": tree}, name=name, at=material)
    blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", nodes)}, name="NTShader", at=tree)
    return material


def shown(blend: BlendWriter, image: int, **user: int) -> None:
    """Show an image in a material, with settings that choose the frame."""
    storage = blend.address()
    node = {"idname": "ShaderNodeTexImage", "name": "Image", "id": image, "storage": storage}
    material, tree = blend.address(), blend.address()
    blend.add("MA", "Material", {"nodetree": tree}, name="MAShow", at=material)
    blend.add("DATA", "NodeTexImage", {"iuser": user}, at=storage)
    blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", [node])}, name="NTShader", at=tree)


def in_object(blend: BlendWriter, struct: str, values: dict[str, Any], name: str = "Mod") -> None:
    """Add an object with one modifier."""
    owner, modifier = blend.address(), blend.address()
    blend.add("OB", "Object", {"modifiers": {"first": modifier, "last": modifier}}, name="OBThing", at=owner)
    blend.add("DATA", struct, {**values, "modifier": {"name": name}}, at=modifier)


def a_plain_image(blend: BlendWriter) -> None:
    blend.add("IM", "Image", {"name": "//tex/a.png", "source": 1}, name="IMa")


def a_sound(blend: BlendWriter) -> None:
    blend.add("SO", "bSound", {"name": "//snd/a.wav"}, name="SOa")


def a_font(blend: BlendWriter) -> None:
    blend.add("VF", "VFont", {"name": "//fonts/a.ttf"}, name="VFa")


def a_text(blend: BlendWriter) -> None:
    address = blend.address()
    blend.add("TX", "Text", {"name": address, "flags": 8}, name="TXa")
    blend.add_raw("DATA", b"//style.py\0", at=address)


def a_movie(blend: BlendWriter) -> None:
    blend.add("MC", "MovieClip", {"name": "//plate.mov", "source": 2}, name="MCa")


def an_alembic(blend: BlendWriter) -> None:
    blend.add("CF", "CacheFile", {"filepath": "//a.abc"}, name="CFa")


def a_mesh_cache(blend: BlendWriter) -> None:
    in_object(blend, "MeshCacheModifierData", {"filepath": "//a.mdd"})


def an_ocean(blend: BlendWriter) -> None:
    in_object(blend, "OceanModifierData", {"cachepath": "//sea", "cached": 1})


def an_old_fluid(blend: BlendWriter) -> None:
    settings = blend.address()
    in_object(blend, "FluidsimModifierData", {"fss": settings})
    blend.add("DATA", "FluidsimSettings", {"type": 2, "surfdataPath": "//fluid"}, at=settings)


def an_osl_script(blend: BlendWriter) -> None:
    storage = blend.address()
    material_with(blend, [{"idname": "ShaderNodeScript", "name": "Script", "storage": storage}])
    blend.add("DATA", "NodeShaderScript", {"mode": 1, "filepath": "//s.osl"}, at=storage)


def an_ies(blend: BlendWriter) -> None:
    storage = blend.address()
    material_with(blend, [{"idname": "ShaderNodeTexIES", "name": "IES", "storage": storage}])
    blend.add("DATA", "NodeShaderTexIES", {"mode": 1, "filepath": "//l.ies"}, at=storage)


@pytest.mark.parametrize(
    ("build", "text", "kind", "referrer", "files"),
    [
        pytest.param(a_plain_image, "//tex/a.png", "texture", 'Image "a" .filepath', ["tex/a.png"], id="image"),
        pytest.param(a_sound, "//snd/a.wav", "sound", 'Sound "a" .filepath', ["snd/a.wav"], id="sound"),
        pytest.param(a_font, "//fonts/a.ttf", "font", 'VectorFont "a" .filepath', ["fonts/a.ttf"], id="font"),
        pytest.param(a_text, "//style.py", "text", 'Text "a" .filepath', ["style.py"], id="text"),
        pytest.param(a_movie, "//plate.mov", "movie", 'MovieClip "a" .filepath', ["plate.mov"], id="movie-clip"),
        pytest.param(an_alembic, "//a.abc", "cache", 'CacheFile "a" .filepath', ["a.abc"], id="alembic"),
        pytest.param(a_mesh_cache, "//a.mdd", "cache", 'Object "Thing" modifier "Mod" .filepath', ["a.mdd"], id="mesh-cache"),
        pytest.param(an_ocean, "//sea", "cache", 'Object "Thing" modifier "Mod" .filepath', ["sea/d.exr"], id="ocean"),
        pytest.param(
            an_old_fluid, "//fluid", "cache", 'Object "Thing" modifier "Mod" .filepath', ["fluid/f.bobj.gz"], id="fluid-2.79"
        ),
        pytest.param(an_osl_script, "//s.osl", "shader", 'Material "M" node "Script" .filepath', ["s.osl", "s.oso"], id="osl"),
        pytest.param(an_ies, "//l.ies", "profile", 'Material "M" node "IES" .filepath', ["l.ies"], id="ies"),
    ],
)
def test_kinds(tmp_path: Path, build: Build, text: str, kind: str, referrer: str, files: list[str]) -> None:
    """Each kind is found under its text, its kind, and who wants it; where it is not on disk it is missing or not baked."""
    empty = scan(tmp_path, build).report
    assert empty.dependencies == ()
    assert [m.as_written for m in empty.missing] + [i.as_written for i in empty.ignored] == [text]
    touch(tmp_path, *files, "tex/unused.png")
    report = scan(tmp_path, build).report
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies] == [(text, kind, referrer)]
    assert found(tmp_path, report) == {text: files}
    assert (report.missing, report.unresolved) == ((), ())


def packed_image(blend: BlendWriter) -> None:
    blend.add("IM", "Image", {"name": "//trap", "source": 1, "packedfile": 9}, name="IMa")


def generated_image(blend: BlendWriter) -> None:
    blend.add("IM", "Image", {"name": "//trap", "source": 4}, name="IMa")


def render_result(blend: BlendWriter) -> None:
    blend.add("IM", "Image", {"name": "//trap", "source": 5}, name="IMRender Result")


def packed_sound(blend: BlendWriter) -> None:
    blend.add("SO", "bSound", {"name": "//trap", "packedfile": 9}, name="SOa")


def text_in_memory(blend: BlendWriter) -> None:
    address = blend.address()
    blend.add("TX", "Text", {"name": address, "flags": 4}, name="TXa")
    blend.add_raw("DATA", b"//trap\0", at=address)


def packed_library(blend: BlendWriter) -> None:
    blend.add("LI", "Library", {"name": "//trap", "packedfile": 9}, name="LIa")


def library_that_nothing_is_linked_from(blend: BlendWriter) -> None:
    blend.add("LI", "Library", {"name": "//trap"}, name="LIa")


def osl_in_a_text(blend: BlendWriter) -> None:
    storage = blend.address()
    material_with(blend, [{"idname": "ShaderNodeScript", "name": "Script", "storage": storage}])
    blend.add("DATA", "NodeShaderScript", {"mode": 0, "filepath": "//trap"}, at=storage)


def inner_point_cache(blend: BlendWriter) -> None:
    cache = blend.address()
    in_object(blend, "ClothModifierData", {"point_cache": cache})
    blend.add("DATA", "PointCache", {"flag": 0, "path": "//trap", "name": "x"}, at=cache)


def appended(blend: BlendWriter) -> None:
    memory = blend.address()
    blend.add("OB", "Object", {"id": {"library_weak_reference": memory}}, name="OBa")
    blend.add("DATA", "LibraryWeakReference", {"library_filepath": "//trap"}, at=memory)


def file_browser(blend: BlendWriter) -> None:
    blend.add("SR", "bScreen", name="SRLayout")
    blend.add("DATA", "FileSelectParams", {"dir": "//trap"})


def shipped_brush(blend: BlendWriter) -> None:
    library = blend.add("LI", "Library", {"name": "/opt/blender/4.5/datafiles/assets/brushes/trap"}, name="LIbrushes")
    blend.add("ID", "ID", {"name": "BRDraw", "lib": library})


def proxies(blend: BlendWriter) -> None:
    blend.add("MC", "MovieClip", {"proxy": {"dir": "//trap"}, "flag": 3, "source": 2}, name="MCa")


def baking(blend: BlendWriter) -> None:
    blend.add("SC", "Scene", {"r": {"bake": {"filepath": "//trap"}}}, name="SCa")


TRAPS: list[Build] = [
    packed_image, generated_image, render_result, packed_sound, text_in_memory, packed_library, osl_in_a_text, inner_point_cache,
    library_that_nothing_is_linked_from, appended, file_browser, shipped_brush, proxies, baking,
]  # fmt: skip


@pytest.mark.parametrize("build", TRAPS, ids=lambda build: build.__name__)
def test_traps_are_left_with_a_reason(tmp_path: Path, build: Build) -> None:
    """What only looks like a dependency is ignored, even where the file is there."""
    touch(tmp_path, "trap")
    report = scan(tmp_path, build).report
    assert (report.dependencies, report.missing, report.unresolved) == ((), (), ())
    (ignored,) = report.ignored
    assert ignored.as_written.endswith("trap")
    assert ignored.reason


@pytest.mark.parametrize(
    ("user", "numbers"),
    [
        pytest.param({"sfra": 1, "frames": 9, "offset": 0}, [3, 4], id="as-the-scene"),
        pytest.param({"sfra": 1, "frames": 9, "offset": 5}, [8, 9], id="offset"),
        pytest.param({"sfra": 1, "frames": 3, "offset": 0}, [3], id="held-at-its-end"),
        pytest.param({"sfra": 1, "frames": 2, "offset": 0, "cycl": 1}, [1, 2], id="cyclic"),
        pytest.param({"sfra": 3, "frames": 9, "offset": 0}, [1, 2], id="starts-later"),
    ],
)
def test_frames_of_an_image_sequence(tmp_path: Path, user: dict[str, int], numbers: list[int]) -> None:
    """Only the files that the frames 3 and 4 of the job show, by the settings of who shows the image."""
    touch(tmp_path, *(f"seq/s.{n:04d}.png" for n in range(1, 15)))

    def build(blend: BlendWriter) -> None:
        shown(blend, blend.add("IM", "Image", {"name": "//seq/s.0001.png", "source": 2}, name="IMs"), **user)

    report = scan(tmp_path, build, frames=(3, 4)).report
    assert found(tmp_path, report) == {"//seq/s.0001.png": [f"seq/s.{n:04d}.png" for n in numbers]}
    assert report.dependencies[0].path == str(tmp_path / "seq" / "s.####.png")


def test_a_sequence_that_nobody_shows_comes_whole_and_gaps_are_named(tmp_path: Path) -> None:
    """Without settings any frame may be shown; with them a frame that is not there is missing by its own name."""
    touch(tmp_path, "s.0001.png", "s.0003.png", "s.0001.png.bak", "other.0001.png")
    sequence = {"name": "//s.0001.png", "source": 2}
    report = scan(tmp_path, lambda b: b.add("IM", "Image", sequence, name="IMs")).report
    assert found(tmp_path, report) == {"//s.0001.png": ["s.0001.png", "s.0003.png"]}
    build: Build = lambda b: shown(b, b.add("IM", "Image", sequence, name="IMs"), sfra=1, frames=9)  # noqa: E731
    report = scan(tmp_path, build, frames=(1, 2)).report
    assert [m.path for m in report.missing] == [str(tmp_path / "s.0002.png")]
    assert report.dependencies[0].status == "partial"


@pytest.mark.parametrize(
    ("version", "text", "files"),
    [
        pytest.param(405, "//u.<UDIM>.png", ["u.1001.png", "u.1012.png"], id="token"),
        pytest.param(405, "//u.<UVTILE>.png", ["u.u1_v1.png", "u.u2_v2.png"], id="uvtile"),
        pytest.param(293, "//u.1001.png", ["u.1001.png", "u.1012.png"], id="2.93-without-token"),
    ],
)
def test_tiles(tmp_path: Path, version: int, text: str, files: list[str]) -> None:
    """The tiles an image names, one by one; one that is not there is missing, one it does not name is left."""
    touch(tmp_path, *files, "u.1005.png", "u.u5_v1.png")

    def build(blend: BlendWriter) -> None:
        head, tiles = blend.address(), [{"tile_number": n} for n in (1001, 1012, 1003)]
        first = {"tiles": {"first": head + 0x100}}
        blend.add("IM", "Image", {"name": text, "source": 6, **first}, name="IMu", at=head)
        blend.add_list("ImageTile", tiles)

    report = scan(tmp_path, build, form=Form(version)).report
    assert found(tmp_path, report) == {text: files}
    assert [Path(m.path).name for m in report.missing] in (["u.1003.png"], ["u.u3_v1.png"])


def test_both_eyes_of_a_stereo_sequence(tmp_path: Path) -> None:
    """Each view has its own files, for the same frames; an eye that lacks is missing."""
    touch(tmp_path, "s_0001_L.png", "s_0002_L.png", "s_0002_R.png", "m_L.png")

    def build(blend: BlendWriter) -> None:
        for i, (one, source) in enumerate((("s_0001", 2), ("m", 1))):
            image = blend.address()
            views = {"first": image + 0x100, "last": image + 0x200}
            shared = {"name": f"//{one}_L.png", "source": source, "flag": 1 << 14, "views": views}
            blend.add("IM", "Image", shared, name=f"IM{i}", at=image)
            blend.add_list("ImageView", [{"name": n, "filepath": f"//{one}_{n[0].upper()}.png"} for n in ("left", "right")])
            if source == 2:
                shown(blend, image, sfra=1, frames=9)

    report = scan(tmp_path, build, frames=(2,)).report
    assert found(tmp_path, report) == {
        "//s_0001_L.png": ["s_0002_L.png"],
        "//s_0001_R.png": ["s_0002_R.png"],
        "//m_L.png": ["m_L.png"],
    }
    assert [(m.as_written, m.referrer) for m in report.missing] == [("//m_R.png", 'Image "1" view "right" .filepath')]


def test_a_moving_offset_brings_every_frame(tmp_path: Path) -> None:
    """An action with a curve on the image user's settings: which file is shown cannot be told."""
    touch(tmp_path, *(f"s.{n:04d}.png" for n in range(1, 6)))

    def build(blend: BlendWriter) -> None:
        image = blend.add("IM", "Image", {"name": "//s.0001.png", "source": 2}, name="IMs")
        action, adt, storage, tree = (blend.address() for _ in range(4))
        node = {"idname": "ShaderNodeTexImage", "name": "Image", "id": image, "storage": storage}
        blend.add("MA", "Material", {"nodetree": tree}, name="MAm")
        blend.add("DATA", "NodeTexImage", {"iuser": {"sfra": 1, "frames": 5}}, at=storage)
        blend.add("DATA", "AnimData", {"action": action}, at=adt)
        blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", [node]), "adt": adt}, name="NTShader", at=tree)
        blend.add("AC", "bAction", name="ACmoves", at=action)
        blend.add_text('nodes["Image"].image_user.frame_offset')

    assert len(found(tmp_path, scan(tmp_path, build, frames=(2,)).report)["//s.0001.png"]) == 5


@pytest.mark.parametrize(
    ("mode", "start", "numbers"),
    [
        pytest.param(0, 1, [3, 4], id="clip"),
        pytest.param(1, 1, [3, 4], id="extend"),
        pytest.param(2, 4, [1, 4], id="repeat"),
        pytest.param(3, -1, [2, 3], id="ping-pong"),
    ],
)
def test_volumes(tmp_path: Path, mode: int, start: int, numbers: list[int]) -> None:
    """The modes of a VDB sequence of four give its frames at 3 and 4."""
    touch(tmp_path, *(f"v_{n:03d}.vdb" for n in range(1, 9)))
    values = {"filepath": "//v_001.vdb", "is_sequence": 1, "sequence_mode": mode, "frame_start": start, "frame_duration": 4}
    report = scan(tmp_path, lambda b: b.add("VO", "Volume", values, name="VOv"), frames=(3, 4)).report
    assert found(tmp_path, report) == {"//v_001.vdb": [f"v_{n:03d}.vdb" for n in numbers]}


def test_paths_of_any_system_and_of_any_bytes(tmp_path: Path) -> None:
    """Backslashes are read as Blender reads them, drives and shares are foreign, bytes that are no UTF-8 survive."""
    touch(tmp_path, "sub/back.png", "übung 1.png")
    texts = ["//sub\\back.png", "D:\\tex\\wood.png", "\\\\server\\tex\\wood.png", "sub/back.png", "//übung 1.png"]

    def build(blend: BlendWriter) -> None:
        for i, text in enumerate(texts):
            blend.add("IM", "Image", {"name": text, "source": 1}, name=f"IM{i}")
        blend.add("IM", "Image", {"name": b"//caf\xe9.png\0left over", "source": 1}, name="IMlatin")

    report = scan(tmp_path, build).report
    assert found(tmp_path, report) == {"//sub/back.png": ["sub/back.png"], "//übung 1.png": ["übung 1.png"]}
    assert [m.path for m in report.missing][:2] == ["D:/tex/wood.png", "//server/tex/wood.png"]
    assert [m.as_written for m in report.missing][1:] == ["\\\\server/tex/wood.png", "//caf\udce9.png"]
    assert [(u.as_written, "started in" in u.reason) for u in report.unresolved] == [("sub/back.png", True)]


def library(blend: BlendWriter, path: str, *names: str) -> list[int]:
    """Link datablocks of a library; return their addresses."""
    owner = blend.add("LI", "Library", {"name": path}, name=f"LI{path.rpartition('/')[2]}")
    return [blend.add("ID", "ID", {"name": n, "lib": owner}) for n in names]


def test_of_a_library_only_what_is_linked_counts(tmp_path: Path) -> None:
    """The textures of what is linked, relative to the library; a library of the library; nothing of its other assets."""
    touch(tmp_path, "lib/tex/chair.png", "lib/tex/lamp.png", "lib/deep/deep.png", "lib/deep/other.png")

    def chair(blend: BlendWriter) -> None:
        (linked,) = library(blend, "//deep/deep.blend", "MAdeep")
        library(blend, "//unused.blend", "MAunused")
        image = blend.add("IM", "Image", {"name": "//tex/chair.png", "source": 1}, name="IMchair")
        blend.add("IM", "Image", {"name": "//tex/lamp.png", "source": 1}, name="IMlamp")
        blend.add("SC", "Scene", {"r": {"pic": "//never/"}}, name="SCassets")
        seat = material_with(blend, [{"idname": "ShaderNodeTexImage", "name": "T", "id": image}])
        mesh = blend.add("ME", "Mesh", {"mat": 0x99}, name="MEchair")
        blend.add_raw("DATA", struct.pack("<QQ", seat, linked), at=0x99)
        blend.add("OB", "Object", {"data": mesh}, name="OBchair")

    def deep(blend: BlendWriter) -> None:
        image = blend.add("IM", "Image", {"name": "//deep.png", "source": 1}, name="IMdeep")
        blend.add("IM", "Image", {"name": "//other.png", "source": 1}, name="IMother")
        material_with(blend, [{"idname": "ShaderNodeTexImage", "name": "T", "id": image}], name="MAdeep")

    write(tmp_path / "lib" / "chair.blend", chair)
    write(tmp_path / "lib" / "deep" / "deep.blend", deep)
    report = scan(tmp_path, lambda b: library(b, "//lib/chair.blend", "OBchair")).report
    assert found(tmp_path, report) == {
        "//lib/chair.blend": ["lib/chair.blend"],
        "//deep/deep.blend": ["lib/deep/deep.blend"],
        "//tex/chair.png": ["lib/tex/chair.png"],
        "//deep.png": ["lib/deep/deep.png"],
    }
    referrers = {d.referrer for d in report.dependencies}
    assert 'Image "chair [chair.blend]" .filepath' in referrers
    assert (report.missing, report.outputs) == ((), ())


def test_libraries_that_link_each_other_are_read_once(tmp_path: Path) -> None:
    """A ring of libraries ends; one that is gone is missing, one that is damaged unresolved."""
    for one, other in (("a", "b"), ("b", "a")):
        write(tmp_path / f"{one}.blend", lambda b, other=other: library(b, f"//{other}.blend", f"OB{other}"))  # type: ignore[misc]
    touch(tmp_path, "bad.blend")
    (tmp_path / "bad.blend").write_bytes(b"BLENDER-v405")

    def build(blend: BlendWriter) -> None:
        for name in ("a", "gone", "bad"):
            library(blend, f"//{name}.blend", f"OB{name}")

    report = scan(tmp_path, build).report
    assert set(found(tmp_path, report)) == {"//a.blend", "//bad.blend"}
    assert [m.as_written for m in report.missing] == ["//gone.blend"]
    assert [("DNA" in u.reason) for u in report.unresolved] == [True]


def test_a_library_that_many_link_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gets what it wants of it, and the file is read through once in a scan, anew in the next."""
    loaded: list[str] = []

    def counted(path: str, limits: Limits, *, with_pointers: bool = False) -> BlendFile:
        loaded.append(Path(path).name)
        return load(path, limits, with_pointers=with_pointers)

    monkeypatch.setattr(library_shelf, "load", counted)

    def base(blend: BlendWriter) -> None:
        for name in "abc":
            image = blend.add("IM", "Image", {"name": f"//{name}.png", "source": 1}, name=f"IM{name}")
            blend.add("OB", "Object", {"data": image}, name=f"OB{name}")

    write(tmp_path / "base.blend", base)
    for one in "ab":
        write(
            tmp_path / f"set_{one}.blend",
            lambda b, one=one: b.add("OB", "Object", {"data": library(b, "//base.blend", f"OB{one}")[0]}, name="OBset"),  # type: ignore[misc]
        )
    for _ in range(2):
        report = scan(tmp_path, lambda b: [library(b, f"//set_{one}.blend", "OBset") for one in "ab"]).report
        assert {m.as_written for m in report.missing} == {"//a.png", "//b.png"}
    assert sorted(loaded) == sorted(["base.blend", "set_a.blend", "set_b.blend"] * 2)


def test_the_colour_configuration_of_the_environment(tmp_path: Path) -> None:
    """$OCIO takes the place of Blender's own configuration; one built into the library has no file."""
    touch(tmp_path, "config.ocio")
    path = str(write(tmp_path / "shot.blend", lambda b: b.add("SC", "Scene", name="SCa")))
    for value, texts in ((str(tmp_path / "config.ocio"), [str(tmp_path / "config.ocio")]), ("ocio://default", [])):
        report = scan_file(Survey(path, variables={"OCIO": value})).report
        assert [d.as_written for d in report.dependencies if d.kind == "ocio"] == texts


def test_simulation_caches(tmp_path: Path) -> None:
    """An external cache's own files, or all of a folder that somebody renamed; `blendcache_…` where disk is chosen."""
    touch(tmp_path, "sim/myname_000001_00.bphys", "sim/other_000001_00.bphys", "renamed/x_1.bphys", "renamed/notes.txt")
    touch(tmp_path, f"blendcache_shot/{b'Thing'.hex().upper()}_000001_00.bphys", "blendcache_shot/4F_000001_00.bphys")

    def build(blend: BlendWriter) -> None:
        for flag, path, name in ((1 << 9, "//sim/", "myname"), (1 << 9, "//renamed", "lost"), (1 << 6, "", "")):
            cache = blend.address()
            in_object(blend, "ClothModifierData", {"point_cache": cache})
            blend.add("DATA", "PointCache", {"flag": flag, "path": path, "name": name}, at=cache)

    assert found(tmp_path, scan(tmp_path, build).report) == {
        "//sim/": ["sim/myname_000001_00.bphys"],
        "//renamed": ["renamed/x_1.bphys"],
        "//blendcache_shot": [f"blendcache_shot/{b'Thing'.hex().upper()}_000001_00.bphys"],
    }


def test_strips(tmp_path: Path) -> None:
    """The stills that the job's frames show, and those in a meta strip; a movie; where a browser was is ignored."""
    touch(tmp_path, *(f"plates/p_{n}.png" for n in range(1, 7)), "cut.mov")

    def strip(blend: BlendWriter, folder: str, names: list[str], **values: Any) -> dict[str, Any]:
        data = blend.address()
        elements = blend.add_many("StripElem", [{"name": n} for n in names])
        blend.add("DATA", "Strip", {"stripdata": elements, "dir": folder}, at=data)
        return {"strip": data, "len": len(names), **values}

    def build(blend: BlendWriter) -> None:
        editor = blend.address()
        blend.add("SC", "Scene", {"ed": editor}, name="SCa")
        stills = [f"p_{n}.png" for n in range(1, 7)]
        inner = blend.add_list("Sequence", [strip(blend, "//plates/", stills, name="SQstills", type=0, start=1.0)])
        movie = strip(blend, "//", ["cut.mov"], name="SQcut", type=3, start=1.0)
        every = blend.add_list("Sequence", [movie, {"name": "SQmeta", "type": 1, "seqbase": inner}])
        blend.add("DATA", "Editing", {"seqbase": every, "act_imagedir": "//plates/"}, at=editor)

    report = scan(tmp_path, build, frames=(2, 3)).report
    stills = {f"//plates/p_{n}.png": [f"plates/p_{n}.png"] for n in (2, 3)}
    assert found(tmp_path, report) == {"//cut.mov": ["cut.mov"], **stills}
    assert {d.referrer for d in report.dependencies} == {'Scene "a" strip "stills" .directory', 'Scene "a" strip "cut" .filepath'}
    assert [i.as_written for i in report.ignored] == ["//plates/"]


@pytest.mark.parametrize(
    ("render", "name"),
    [
        pytest.param({"pic": "//out/a_###", "im_format": {"imtype": 23}}, "out/a_###.exr", id="exr"),
        pytest.param({"pic": "//out/", "im_format": {"imtype": 17}}, "out/####.png", id="folder"),
        pytest.param({"pic": "//a.jpg", "im_format": {"imtype": 4}}, "a.jpg####.jpg", id="extension-before-the-number"),
        pytest.param({"pic": "//m.mp4", "im_format": {"imtype": 24}, "ffcodecdata": {"type": 2}}, "m.mp4", id="movie"),
        pytest.param(
            {"pic": "//m_", "im_format": {"imtype": 24}, "ffcodecdata": {"type": 9}}, "m_0001-0250.mkv", id="movie-range"
        ),
        pytest.param({"pic": "//{blend_name}/{scene_name}_", "im_format": {"imtype": 17}}, "shot/a_####.png", id="templates"),
    ],
)
def test_outputs(tmp_path: Path, render: dict[str, Any], name: str) -> None:
    """Where the scene writes, with `####` for the frame and the extension that Blender appends; as report and as step."""
    values = {"r": {"scemode": 1 << 4, "sfra": 1, "efra": 250, "size": 50, "xsch": 1000, "ysch": 501, **render}}
    result = scan(tmp_path, lambda b: b.add("SC", "Scene", values, name="SCa"))
    assert [(o.as_written, o.path) for o in result.report.outputs] == [(render["pic"], str(tmp_path / name))]
    assert result.facts is not None
    (step,) = result.facts.steps
    assert (step.name, step.outputs[0].path, step.enabled) == ("a", str(tmp_path / name), True)
    assert (step.outputs[0].width, step.problem) == (0 if step.outputs[0].kind == "movie" else 500, "has no camera")
    assert step.parameters == {"scene": "a", "view_layer": "", "camera": ""}


def test_a_template_that_is_not_known_is_unresolved(tmp_path: Path) -> None:
    """It is neither an output nor dropped; before 4.5 braces are just braces."""
    values = {"r": {"pic": "//{nonsense}/x", "im_format": {"imtype": 17}}}
    report = scan(tmp_path, lambda b: b.add("SC", "Scene", values, name="SCa")).report
    assert ([u.as_written for u in report.unresolved], report.outputs) == (["//{nonsense}/x"], ())
    old = scan(tmp_path, lambda b: b.add("SC", "Scene", values, name="SCa"), form=Form(404)).report
    assert [Path(o.path).parent.name for o in old.outputs] == ["{nonsense}"]


def test_file_outputs_of_the_compositor(tmp_path: Path) -> None:
    """Slots are outputs while compositing runs; a muted node's are ignored."""

    def build(blend: BlendWriter, *, runs: bool = True) -> None:
        tree = blend.address()
        blend.add("SC", "Scene", {"nodetree": tree, "use_nodes": 1, "r": {"scemode": (1 << 4) | runs << 6}}, name="SCa")
        nodes = []
        for folder, muted in (("//passes/", 0), ("//muted/", 1 << 9)):
            storage, slot = blend.address(), blend.address()
            blend.add("DATA", "NodeImageMultiFile", {"base_path": folder, "format": {"imtype": 23}}, at=storage)
            blend.add("DATA", "NodeImageMultiFileSocket", {"path": "fog_##", "use_node_format": 1}, at=slot)
            inputs = blend.add_list("bNodeSocket", [{"name": "Image", "storage": slot}])
            names = {"idname": "CompositorNodeOutputFile", "name": folder.strip("/")}
            nodes.append({**names, "flag": muted, "storage": storage, "inputs": inputs})
        blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", nodes)}, name="NTComp", at=tree)

    report = scan(tmp_path, build).report
    assert [(o.as_written, o.path) for o in report.outputs] == [("//passes/", str(tmp_path / "passes" / "fog_##.exr"))]
    assert [i.as_written for i in report.ignored] == ["//muted/"]
    assert scan(tmp_path, lambda b: build(b, runs=False)).report.outputs == ()


def custom(blend: BlendWriter, group: int, **texts: str) -> None:
    """Add custom properties to the datablock before."""
    every = [
        {"type": 0, "name": name, "data": {"pointer": blend.add_text(text)}, "len": len(text) + 1} for name, text in texts.items()
    ]
    blend.add("DATA", "IDProperty", {"type": 6, "data": {"group": blend.add_list("IDProperty", every)}}, at=group)


def test_settings_of_add_ons(tmp_path: Path) -> None:
    """A file in the settings of a renderer's node is taken; a tool's settings are told of; prose and outputs are left."""
    touch(tmp_path, "a.exr", "asset.blend")

    def build(blend: BlendWriter) -> None:
        tree, node_group, group = blend.address(), blend.address(), blend.address()
        blend.add("MA", "Material", {"nodetree": tree}, name="MAm")
        custom(blend, node_group, image_file="//a.exr", notes="and/or a texture //", export_path="//out/x.exr")
        node = {"idname": "MyRendererTexture", "name": "T", "prop": node_group}
        blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", [node])}, name="NTShader", at=tree)
        blend.add("OB", "Object", {"id": {"properties": group}}, name="OBrig")
        custom(blend, group, asset_file="//asset.blend", description="a chair")

    report = scan(tmp_path, build).report
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies] == [
        ("//a.exr", "other", 'Material "m" node "T" (MyRendererTexture) .image_file')
    ]
    assert {i.as_written for i in report.ignored} == {"//out/x.exr"}
    assert [(u.as_written, u.referrer) for u in report.unresolved] == [("//asset.blend", 'Object "rig" property .asset_file')]


def test_properties_in_lists_and_in_parts(tmp_path: Path) -> None:
    """Every item of an add-on's collection, every text of a list, bytes to their end; those of bones and strips are told too."""

    def build(blend: BlendWriter) -> None:
        def prop(kind: int, name: str, pointer: int = 0, **more: object) -> dict[str, Any]:
            return {"type": kind, "name": name, "data": {"pointer": pointer}, **more}

        def text(name: str, value: str) -> dict[str, Any]:
            return prop(0, name, blend.add_text(value), len=len(value) + 1)

        group = blend.address()
        blend.add("OB", "Object", {"id": {"properties": group}}, name="OBrig")
        items: list[Mapping[str, Any]] = [
            {"type": 6, "data": {"group": blend.add_list("IDProperty", [text("p", f"//{n}.exr")])}} for n in "abc"
        ]
        names: list[Mapping[str, Any]] = [text("", f"//{n}.exr") for n in "de"]
        left_over = blend.add_raw("DATA", b"/x/f.exrjunk\0")
        every = [
            prop(9, "items", blend.add_many("IDProperty", items), len=3),
            prop(9, "names", blend.add_many("IDProperty", names), len=2),
            prop(0, "bytes", left_over, subtype=1, len=len("/x/f.exr")),
        ]
        blend.add("DATA", "IDProperty", {"type": 6, "data": {"group": blend.add_list("IDProperty", every)}}, at=group)
        blend.add("DATA", "IDProperty", text("of_a_bone", "//g.exr"))

    report = scan(tmp_path, build).report
    assert sorted(u.as_written for u in report.unresolved) == [*(f"//{n}.exr" for n in "abcdeg"), "/x/f.exr"]
    assert {u.referrer for u in report.unresolved if u.as_written == "//c.exr"} == {'Object "rig" property .items.p'}


def test_properties_that_share_a_list(tmp_path: Path) -> None:
    """In a damaged file a thousand properties may lead to one list of a thousand: it is gone through once."""

    def build(blend: BlendWriter) -> None:
        group = blend.address()
        blend.add("OB", "Object", {"id": {"properties": group}}, name="OBrig")
        text = {"type": 0, "name": "", "data": {"pointer": blend.add_text("//a.exr")}, "len": 8}
        shared = blend.add_many("IDProperty", [text] * 2000)
        every: list[dict[str, Any]] = [{"type": 9, "name": f"p{n}", "data": {"pointer": shared}} for n in range(2000)]
        blend.add("DATA", "IDProperty", {"type": 6, "data": {"group": blend.add_list("IDProperty", every)}}, at=group)

    began = time.perf_counter()
    assert {u.as_written for u in scan(tmp_path, build).report.unresolved} == {"//a.exr"}
    assert time.perf_counter() - began < 10


def test_nodes_of_2_62_have_no_type_names(tmp_path: Path) -> None:
    """They are told by the structs of their settings; paths were of 240 characters then."""
    old = {**STRUCTS, "bNode": STRUCTS["bNode"].replace("char idname[64]; ", "")}
    old |= {"Image": STRUCTS["Image"].replace("name[1024]", "name[240]")}
    touch(tmp_path, "s.osl", "q.0001.png", "q.0002.png")
    blend = replace(BlendWriter(Form(262, 4, ">")), structs=old)
    an_osl_script(blend)
    shown(blend, blend.add("IM", "Image", {"name": "//q.0001.png", "source": 2}, name="IMq"), sfra=1, frames=9)
    (tmp_path / "shot.blend").write_bytes(blend.data())
    report = scan_file(Survey(str(tmp_path / "shot.blend"), frames=(2,))).report
    assert found(tmp_path, report) == {"//s.osl": ["s.osl"], "//q.0001.png": ["q.0002.png"]}


def test_what_a_later_version_adds_is_told(tmp_path: Path) -> None:
    """A path in a struct or a datablock that is not known yet is unresolved, with the place where it stands."""
    later = {**STRUCTS, "NewThing": "int mode; char cache_file[1024]", "NewID": "ID id; NewThing inside; char note[1024]"}
    blend = replace(BlendWriter(), structs=later)
    blend.add("OB", "Object", name="OBThing")
    blend.add_many("NewThing", [{"cache_file": "//a.new"}, {"cache_file": "no path"}, {"cache_file": "//b.new"}])
    blend.add("NW", "NewID", {"inside": {"cache_file": "//c.new"}, "note": "half/half"}, name="NWthing")
    (tmp_path / "shot.blend").write_bytes(blend.data())
    report = scan_file(Survey(str(tmp_path / "shot.blend"))).report
    assert [(u.as_written, u.referrer) for u in report.unresolved] == [
        ("//a.new", 'Object "Thing" .NewThing.cache_file'),
        ("//b.new", 'Object "Thing" .NewThing.cache_file'),
        ("//c.new", 'NW "thing" .NewThing.cache_file'),
    ]


def test_what_a_library_remembers_of_itself(tmp_path: Path) -> None:
    """Blender 4.2 writes where it found a library beside the library's own path: nothing that nobody knows."""
    of_4_2 = {**STRUCTS, "Library_Runtime": "char filepath_abs[1024]"}
    blend = replace(BlendWriter(), structs=of_4_2)
    blend.add("LI", "Library", {"name": "//a.blend"}, name="LIa.blend")
    blend.add("DATA", "Library_Runtime", {"filepath_abs": "/elsewhere/a.blend"})
    (tmp_path / "shot.blend").write_bytes(blend.data())
    assert scan_file(Survey(str(tmp_path / "shot.blend"))).report.unresolved == ()


def test_a_reader_for_an_add_on_s_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One small function, the same that any host's nodes have, takes the place of guessing by names; --explain finds it."""
    monkeypatch.setattr(register, "_READERS", {**register._READERS})
    monkeypatch.setitem(register._READERS, "blender", {})
    touch(tmp_path, "u.1001.tx", "u.1002.tx")

    @reads_node("blender", "MyRendererTexture", source="https://docs.example.com/texture")
    def my_texture(node: Node, ask: Ask) -> Iterator[Finding]:
        yield from ask.read(node, "map", "texture")
        yield from ask.ignore(node, "icon_file", "an icon")
        yield from ask.write(node, "bake_file")

    def build(blend: BlendWriter) -> None:
        tree, group = blend.address(), blend.address()
        blend.add("MA", "Material", {"nodetree": tree}, name="MAm")
        custom(blend, group, map="//u.<UDIM>.tx", icon_file="//i.png", bake_file="//baked.exr", other_file="//o.png")
        node = {"idname": "MyRendererTexture", "name": "T", "prop": group}
        blend.add("DATA", "bNodeTree", {"nodes": blend.add_list("bNode", [node])}, name="NTShader", at=tree)

    report = scan(tmp_path, build).report
    assert found(tmp_path, report) == {"//u.<UDIM>.tx": ["u.1001.tx", "u.1002.tx"]}
    assert report.dependencies[0].reader.endswith("my_texture")
    assert ([i.as_written for i in report.ignored], [o.path for o in report.outputs]) == (
        ["//i.png"],
        [str(tmp_path / "baked.exr")],
    )


def test_every_finding_leads_to_the_page_it_rests_on(tmp_path: Path) -> None:
    """The reader's name is on each, and the documentation behind the name."""
    report = scan(tmp_path, an_osl_script).report
    assert report.missing[0].reader.endswith("osl_script")
    assert register.source_of(report.missing[0].reader).endswith("ShaderNodeScript.html")


def test_the_scene_s_own_range_counts_where_nobody_named_frames(tmp_path: Path) -> None:
    """Start, end and step of every scene, stretched by time remapping."""
    touch(tmp_path, *(f"s.{n:04d}.png" for n in range(1, 30)))

    def build(blend: BlendWriter, **more: int) -> None:
        blend.add("SC", "Scene", {"r": {"sfra": 2, "efra": 6, "frame_step": 2, **more}}, name="SCa")
        shown(blend, blend.add("IM", "Image", {"name": "//s.0001.png", "source": 2}, name="IMs"), sfra=1, frames=99)

    plain = found(tmp_path, scan(tmp_path, build, frames=None).report)
    assert plain == {"//s.0001.png": [f"s.{n:04d}.png" for n in (2, 4, 6)]}
    stretched = found(tmp_path, scan(tmp_path, lambda b: build(b, framapto=200, images=100), frames=(3,)).report)
    assert stretched == {"//s.0001.png": ["s.0003.png", "s.0006.png"]}


def test_structs_may_stand_in_any_order_and_members_too(tmp_path: Path) -> None:
    """Only names count: a DNA with other offsets reads the same."""
    touch(tmp_path, "tex/a.png")
    other = {
        **STRUCTS,
        "Image": "ID id; void *tiles_before; " + STRUCTS["Image"].removeprefix("ID id; ").replace("void *adt; ", ""),
    }
    blend = replace(BlendWriter(), structs=other)
    a_plain_image(blend)
    (tmp_path / "shot.blend").write_bytes(blend.data())
    assert found(tmp_path, scan_file(Survey(str(tmp_path / "shot.blend"))).report) == {"//tex/a.png": ["tex/a.png"]}
