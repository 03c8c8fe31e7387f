"""What USD layers point to, in text, crate and package: planted dependencies and planted traps."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.formats import Scan, scan_file
from conductor_core.report import ScanReport
from core.formats.usd_layers import ARCS, ATTRIBUTES, CLIPS, GRAMMAR, as_crate, old_crate, package, touch, write


def scan(file: str, **more: object) -> ScanReport:
    """Scan a layer."""
    return scan_file(Survey(file, **more)).report  # type: ignore[arg-type]


def found(report: ScanReport, folder: Path) -> set[str]:
    """Return the files found, relative."""
    return {Path(f).relative_to(folder).as_posix() for d in report.dependencies for f in d.files}


def written(entries: object) -> list[str]:
    """Return the texts of some entries."""
    return [e.as_written for e in entries]  # type: ignore[attr-defined]


def test_arcs_of_all_kinds(tmp_path: Path) -> None:
    """Sublayers, references and payloads are found in every list and variant; what is taken out, said or commented is not."""
    names = ["sub", "at@sign", "added", "prepended", "appended", "p1", "p2", "selected", "other"]
    traps = ["doc", "doc2", "commented", "quoted", "deleted", "reordered", "name", "block", "slashes"]
    touch(tmp_path, *(f"{n}.usd" for n in names + traps), "selected.png")
    report = scan(write(tmp_path, "shot.usda", ARCS))
    assert found(report, tmp_path) == {f"{n}.usd" for n in names} | {"selected.png"}
    assert [(i.as_written, i.referrer) for i in report.ignored] == [
        ("./deleted.usd", "/a.references"),
        ("./reordered.usd", "/a.references"),
    ]
    assert (report.missing, report.unresolved) == ((), ())
    assert [(d.as_written, d.kind, d.referrer) for d in report.dependencies][:2] == [
        ("./sub.usd", "layer", "subLayers"),
        ("./at@sign.usd", "layer", "subLayers"),
    ]
    assert ("./selected.png", "/a{v=one}/inner.t") in [(d.as_written, d.referrer) for d in report.dependencies]


@pytest.mark.parametrize("form", ["text", "crate"])
def test_attributes_and_metadata(tmp_path: Path, form: str) -> None:
    """Assets of attributes and metadata are found with their kinds; text counts where its name says that it is a file."""
    names = [
        "meta.usd",
        "payload.usd",
        "deep.txt",
        "attr.txt",
        "one.png",
        "two.png",
        "noise.oso",
        "arnold.tx",
        "map.exr",
        "ptex",
        "steps.wav",
        "lamp.ies",
    ]
    traps = ["authoring.usd", "itself.usd", "comment.png"]
    touch(tmp_path, *names, *traps, "wood.1001.exr", "wood.1012.exr")
    file = write(tmp_path, "look.usda", ATTRIBUTES)
    if form == "crate":
        file = as_crate(file)
    report = scan(file)
    assert found(report, tmp_path) == {*names, "wood.1001.exr", "wood.1012.exr"}
    kinds = {d.as_written: d.kind for d in report.dependencies}
    assert kinds["./wood.<UDIM>.exr"] == "texture"
    assert (kinds["./noise.oso"], kinds["steps.wav"], kinds["./lamp.ies"], kinds["ptex"]) == (
        "shader",
        "sound",
        "profile",
        "texture",
    )
    assert {(i.as_written, i.reason) for i in report.ignored} == {
        ("./authoring.usd", "text in metadata, which USD does not open"),
        ("./itself.usd", "the name of the asset itself, which USD does not open"),
        ("/job/saved.usd", "text in metadata, which USD does not open"),
        ("OmniPBR.mdl", "ships with Omniverse"),
    }
    assert [(u.as_written, u.reason) for u in report.unresolved] == [
        ("./comment.png", "no reader knows UsdUVTexture.inputs:comment"),
    ]
    assert report.missing == ()


@pytest.mark.parametrize(
    ("text", "name", "search"),
    [
        pytest.param("./x.usd", "sub/x.usd", False, id="beside the layer"),
        pytest.param("../x.usd", "x.usd", False, id="above it"),
        pytest.param("lib/x.usd", "sub/lib/x.usd", False, id="bare: beside the layer first"),
        pytest.param("lib/x.usd", "search/lib/x.usd", True, id="bare: on the search path"),
        pytest.param("lib\\x.usd", "sub/lib/x.usd", False, id="written on Windows"),
        pytest.param("./x.usd:SDF_FORMAT_ARGS:a=b", "sub/x.usd", False, id="with arguments"),
        pytest.param('`"./${SHOT}.usd"`', "sub/s010.usd", False, id="expression"),
        pytest.param("`if(eq(${SHOT}, 's010'), \"./a.usd\", './b.usd')`", "sub/a.usd", False, id="condition"),
        pytest.param("./${NAME}.usd", "sub/env.usd", False, id="environment"),
        pytest.param("./t.%(UDIM)d.rat", "sub/t.1001.rat", False, id="tiles as Houdini writes them"),
        pytest.param("./t._MAPID_.tex", "sub/t.1012.tex", False, id="tiles as RenderMan wrote them"),
    ],
)
def test_where_a_path_is_looked_for(tmp_path: Path, text: str, name: str, search: bool) -> None:
    """Asset paths are found where USD looks for them."""
    touch(tmp_path, name)
    body = f'(\n expressionVariables = {{ string SHOT = "s010" }}\n)\ndef "a" (references = @{text}@) {{}}\n'
    variables = {"NAME": "env"} | ({"PXR_AR_DEFAULT_SEARCH_PATH": str(tmp_path / "search")} if search else {})
    report = scan(write(tmp_path, "sub/shot.usda", body), variables=variables)
    assert found(report, tmp_path) == {name}
    assert written(report.dependencies) == [text]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('`"./${NOBODY}.usd"`', "nobody has set the expression variable NOBODY"),
        ('`"./${A}.usd"`', "its variables name each other"),
        ("`nonsense(1)`", "nonsense is not known in expressions"),
        ('`"a`', "the expression is not well formed"),
        ("anon:0x7f:tmp.usda", "it is an anonymous layer, which was never saved"),
        ("op:/stage/cop/OUT", "it is a node of a Houdini session, whose result is not in this file"),
        ("studio:asset/chair", "no reader knows paths that begin with studio:"),
        ("https://example.com/a.usd", "it lies on a server"),
        ("$NOBODY/a.usd", "nobody has set NOBODY"),
    ],
)
def test_what_cannot_be_evaluated(tmp_path: Path, text: str, reason: str) -> None:
    """A path that has no place on this machine is unresolved, with the reason."""
    variables = 'string A = "`\\"${A}\\"`"'
    body = f'(\n expressionVariables = {{ {variables} }}\n)\ndef "a" (references = @{text}@) {{}}\n'
    report = scan(write(tmp_path, "shot.usda", body))
    assert [(u.as_written, u.reason) for u in report.unresolved] == [(text, reason)]
    assert (report.dependencies, report.missing) == ((), ())


def test_variables_come_from_who_refers(tmp_path: Path) -> None:
    """The variables of a referring layer win over the layer's own; those of a sublayer do not count."""
    touch(tmp_path, "outer.png", "inner.png", "sub.png")
    own = '(\n expressionVariables = {{ string V = "{0}" }}\n{1})\ndef "a" {2} {{ asset t = @`"./${{V}}.png"`@ }}\n'
    write(tmp_path, "asset.usda", own.format("inner", "", ""))
    write(tmp_path, "sub.usda", own.format("sub", "", ""))
    report = scan(
        write(tmp_path, "shot.usda", own.format("outer", "subLayers = [@./sub.usda@]\n", "(references = @./asset.usda@)"))
    )
    assert found(report, tmp_path) == {"asset.usda", "sub.usda", "outer.png"}
    assert (report.missing, report.unresolved) == ((), ())


VOLUME = 'def OpenVDBAsset "v" {\n    asset filePath.timeSamples = {\n%s    }\n}\n'


def test_samples_for_the_frames_of_the_job(tmp_path: Path) -> None:
    """Of files that change over time only those of the job's frames are sent; a sample holds until the next."""
    body = VOLUME % "".join(f"        {f}: @./v.{f:04d}.vdb@,\n" for f in (1, 2, 3, 6, 7))
    touch(tmp_path, *(f"v.{f:04d}.vdb" for f in (1, 2, 3, 6, 7)))
    report = scan(write(tmp_path, "v.usda", body), frames=(2, 5))
    assert found(report, tmp_path) == {"v.0002.vdb", "v.0003.vdb"}
    assert {(i.as_written, i.reason) for i in report.ignored} == {
        (f"./v.{f:04d}.vdb", "no frame of this job shows it") for f in (1, 6, 7)
    }


@pytest.mark.parametrize(
    ("arc", "rate", "frames"),
    [
        pytest.param("@./v.usda@", "", {5, 6}, id="plain"),
        pytest.param("@./v.usda@ (offset = 2)", "", {3, 4}, id="offset"),
        pytest.param("@./v.usda@ (offset = -3; scale = 2)", "", {4, 5}, id="offset and scale: frames between two need both"),
        pytest.param("@./v.usda@", "(\n timeCodesPerSecond = 48\n)\n", {10, 12}, id="another rate"),
    ],
)
@pytest.mark.parametrize("how", ["subLayers", "references", "payload"])
def test_time_of_what_is_brought_in(tmp_path: Path, how: str, arc: str, rate: str, frames: set[int]) -> None:
    """Offsets, scales and rates say which samples of a layer are needed."""
    write(tmp_path, "v.usda", rate + VOLUME % "".join(f"        {f}: @./v.{f}.vdb@,\n" for f in range(1, 20)))
    touch(tmp_path, *(f"v.{f}.vdb" for f in range(1, 20)))
    range_ = "(\n startTimeCode = 5\n endTimeCode = 6\n"
    top = range_ + (f" subLayers = [{arc}]\n)\n" if how == "subLayers" else f')\ndef "a" ({how} = {arc}) {{}}\n')
    report = scan(write(tmp_path, "shot.usda", top))
    assert found(report, tmp_path) == {"v.usda", *(f"v.{f}.vdb" for f in frames)}


@pytest.mark.parametrize("form", ["text", "crate"])
def test_clips_for_the_frames_of_the_job(tmp_path: Path, form: str) -> None:
    """The clips that are active on the job's frames are found with their neighbours, in the old metadata and in the new."""
    touch(tmp_path, *(f"c{i}.usd" for i in range(1, 6)), *(f"o{i}.usd" for i in range(1, 5)), "manifest.usd", "oldmanifest.usd")
    touch(tmp_path, *(f"t.{i:03d}.usd" for i in range(1, 10)), *(f"ot.{i}.usd" for i in range(1, 5)))
    touch(tmp_path, *(f"p.{i:02d}.{p}.usd" for i in range(1, 5) for p in ("00", "50")))
    file = write(tmp_path, "shot.usda", CLIPS)
    if form == "crate":
        # USD of today does not know the old metadata, and keeps them as text
        file = as_crate(file)
    report = scan(file, frames=(4,))
    new = {"c3.usd", "c4.usd", "c5.usd", "manifest.usd", "t.001.usd", "t.003.usd", "t.005.usd"}
    new |= {"p.03.50.usd", "p.04.00.usd", "p.03.00.usd"}
    old = {"o3.usd", "o4.usd", "oldmanifest.usd", "ot.3.usd", "ot.4.usd"}
    assert found(report, tmp_path) == new | old
    assert (report.missing, report.unresolved) == ((), ())


def test_clips_that_lack(tmp_path: Path) -> None:
    """A clip that is not there is missing, and the one that holds in its place is found."""
    touch(tmp_path, "t.001.usd")
    start = CLIPS.index('def "template"')
    report = scan(write(tmp_path, "shot.usda", CLIPS[start : CLIPS.index('def "parts"')]), frames=(5,))
    assert found(report, tmp_path) == {"t.001.usd"}
    assert [m.path for m in report.missing] == [str(tmp_path / "t.005.usd")]


def test_packages(tmp_path: Path) -> None:
    """Layers in a package are read in place: what lies in it is no dependency, what it names beyond it is."""
    touch(tmp_path, "outside.png")
    inner = (
        f'#usda 1.0\ndef "a" (references = @./geo/b.usda@) {{ asset t = @tex/in.png@\n asset o = @{tmp_path}/outside.png@ }}\n'
    )
    second = '#usda 1.0\ndef "b" { asset t = @../tex/in.png@\n asset u = @tex/in.png@\n asset m = @./lost.png@ }\n'
    chair = package(tmp_path / "chair.usdz", {"root.usda": inner, "geo/b.usda": second, "tex/in.png": b""})
    report = scan(chair)
    assert found(report, tmp_path) == {"outside.png"}
    assert [(m.as_written, m.path) for m in report.missing] == [("./lost.png", f"{chair}[geo/lost.png]")]
    shot = write(
        tmp_path, "shot.usda", 'def "x" (references = @./chair.usdz[geo/b.usda]@) { asset t = @./chair.usdz[tex/in.png]@ }\n'
    )
    report = scan(shot)
    assert found(report, tmp_path) == {"chair.usdz"}
    assert [m.as_written for m in report.missing] == ["./lost.png"]


def test_what_lacks_in_a_package(tmp_path: Path) -> None:
    """A texture that a layer names in a package, and that does not lie there, is missing; the package itself is found."""
    chair = package(tmp_path / "chair.usdz", {"root.usda": "#usda 1.0\n", "in.png": b""})
    shot = write(tmp_path, "shot.usda", 'def "x" { asset t = @./chair.usdz[in.png]@\n asset u = @./chair.usdz[lost.png]@ }\n')
    report = scan(shot)
    assert found(report, tmp_path) == {"chair.usdz"}
    assert [(m.as_written, m.path) for m in report.missing] == [("./chair.usdz[lost.png]", f"{chair}[lost.png]")]


def test_packages_in_packages(tmp_path: Path) -> None:
    """A package in a package is read too."""
    deep = package(
        tmp_path / "deep.usdz",
        {"d.usda": '#usda 1.0\ndef "d" { asset t = @./lost.png@\n asset h = @./here.png@ }\n', "here.png": b""},
    )
    top = '#usda 1.0\ndef "a" (references = [@./deep.usdz@, @./deep.usdz[d.usda]@]) {}\n'
    report = scan(package(tmp_path / "top.usdz", {"a.usda": top, "deep.usdz": Path(deep).read_bytes()}))
    assert (report.dependencies, report.unresolved) == ((), ())
    assert {m.as_written for m in report.missing} == {"./lost.png"}


def test_tiles_in_packages(tmp_path: Path) -> None:
    """Tiles that lie in the package do not lack."""
    body = '#usda 1.0\ndef "a" { asset t = @./t.<UDIM>.png@\n asset u = @./u.<UDIM>.png@\n}\n'
    report = scan(package(tmp_path / "a.usdz", {"a.usda": body, "t.1001.png": b""}))
    assert [m.as_written for m in report.missing] == ["./u.<UDIM>.png"]


def test_packed_packages(tmp_path: Path) -> None:
    """A package whose layer is compressed is no package for USD, and said so; nothing is unpacked."""
    report = scan(package(tmp_path / "a.usdz", {"a.usda": "#usda 1.0\n" + " " * 100_000}, packed=True))
    assert [(u.as_written, u.reason) for u in report.unresolved] == [
        ("a.usda", "a.usda is packed or locked within it, which USD does not read")
    ]


def test_facts(tmp_path: Path) -> None:
    """The range of a scene and its products are told, with the frame as a token."""
    body = """(
    startTimeCode = 1001
    endTimeCode = 1010
)
def RenderSettings "settings" { rel products = </p> }
def RenderProduct "p" {
    token productName.timeSamples = { 1001: "render/shot.1001.exr", 1002: "render/shot.1002.exr" }
}
def RenderProduct "still" { token productName = "../still.png" }
"""
    scanned: Scan = scan_file(Survey(write(tmp_path, "shot.usda", body)))
    assert scanned.facts is not None
    assert (scanned.facts.software.name, scanned.facts.software.version, scanned.facts.frames) == ("usd", "", "1001-1010")
    assert [(s.name, [o.path for o in s.outputs]) for s in scanned.facts.steps] == [
        ("/p", [str(tmp_path / "render" / "shot.####.exr")]),
        ("/still", [str(tmp_path.parent / "still.png")]),
    ]
    assert all("husk --settings" in s.problem and not s.command for s in scanned.facts.steps)
    assert [o.path for o in scanned.report.outputs] == [
        str(tmp_path / "render" / "shot.####.exr"),
        str(tmp_path.parent / "still.png"),
    ]
    assert (scanned.report.dependencies, scanned.report.missing) == ((), ())


def test_a_stage_is_rendered_by_husk(tmp_path: Path) -> None:
    """One product is a step whose command is husk, which comes with Houdini, frame by frame."""
    product = 'def RenderProduct "p" { token productName.timeSamples = { 1: "r/shot.0001.exr", 2: "r/shot.0002.exr" } }'
    scene = write(tmp_path, "shot.usda", f"#usda 1.0\n(\n    startTimeCode = 1\n    endTimeCode = 4\n)\n{product}\n")
    facts = scan_file(Survey(scene)).facts
    assert facts is not None
    (step,) = facts.steps
    assert (facts.software.name, facts.frames, step.problem) == ("houdini", "1-4", "")
    assert step.command == ("husk", "--verbose", "2a", "--frame", "{frame}", "--frame-count", "1", str(scene))
    assert [o.path for o in step.outputs] == [str(tmp_path / "r" / "shot.####.exr")]


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    """A `.usd` may be text, a crate or a package."""
    touch(tmp_path, "t.png")
    text = '#usda 1.0\ndef "a" { asset t = @./t.png@ }\n'
    (tmp_path / "a.usd").write_text(text)
    package(tmp_path / "b.usd", {"a.usda": text})
    assert scan(str(tmp_path / "a.usd")).format == "usda"
    assert scan(str(tmp_path / "b.usd")).format == "usdz"


def test_the_oldest_crates(tmp_path: Path) -> None:
    """Crates of 2016 are read, which USD itself refuses now."""
    touch(tmp_path, "old.usd", "c.usd")
    (tmp_path / "shot.usd").write_bytes(old_crate())
    report = scan(str(tmp_path / "shot.usd"))
    assert [(d.as_written, d.referrer) for d in report.dependencies] == [
        ("./old.usd", "/a.references"),
        ("./c.usd", "/a.clips.assetPaths"),
    ]


@pytest.mark.parametrize("form", ["text", "crate"])
def test_every_kind_of_statement(tmp_path: Path, form: str) -> None:
    """Statements of all kinds are passed over without losing the place, in one line or several, with metadata and without."""
    file = write(tmp_path, "all.usda", GRAMMAR)
    report = scan(as_crate(file) if form == "crate" else file)
    assert sorted(m.as_written for m in report.missing) == ["./f.png", "./last.png", "neg.png", "pos.png"]
    assert sorted(u.as_written for u in report.unresolved) == []
    assert (report.dependencies, report.ignored) == ((), ())


def test_readers_are_named(tmp_path: Path) -> None:
    """What is found on the ground of the table says so."""
    report = scan(write(tmp_path, "a.usda", ATTRIBUTES))
    readers = {m.as_written: m.reader for m in report.missing}
    assert readers["steps.wav"].startswith("table usd: SpatialAudio")
    assert readers["ptex"].startswith("table usd: arnold:image")
    assert readers["./one.png"].startswith("conductor_core.formats.usd.")


def test_folders_and_names_with_marks(tmp_path: Path) -> None:
    """An asset may be a folder; a `#` in a name is a `#` where there is such a file, else the frame."""
    touch(tmp_path, "cache/a.bin", "cache/deep/b.bin", "tex#1.png", "seq.0001.png", "seq.0002.png", "seq.0003.png")
    body = 'def "a" { asset c = @./cache@\n asset t = @./tex#1.png@\n asset s = @./seq.####.png@\n}\n'
    report = scan(write(tmp_path, "a.usda", body), frames=(2,))
    files = {Path(f).relative_to(tmp_path).as_posix() for d in report.dependencies for f in d.files}
    assert files == {"cache/a.bin", "cache/deep/b.bin", "tex#1.png", "seq.0002.png"}
