from __future__ import annotations

import json

from conductor_core.documents import from_json, to_json
from conductor_core.host import SceneDescription, SceneStep
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.submission import Output, Software
from hypothesis import given
from hypothesis import strategies as st

REPORT = ScanReport(
    scene="/abs/shot.blend",
    format="blend",
    dependencies=(
        Dependency("//wood.<UDIM>.exr", "/abs/wood.<UDIM>.exr", ("/abs/wood.1001.exr",), "texture", "Image wood.filepath"),
        Dependency("//a.####.png", "/abs/a.####.png", ("/abs/a.0002.png", "/abs/a.0001.png"), "sequence", "Image a", "partial"),
        Dependency("//shot.blend", "/abs/shot.blend", ("/abs/shot.blend",), "scene", "scene"),
    ),
    missing=(Missing("//a.####.png", "/abs/a.0003.png", "sequence", "Image a", "is not there"),),
    unresolved=(Unresolved("[metadata input/filename]", "Read3.file", "TCL is not evaluated"),),
    outputs=(ScanOutput("//out/", "/abs/out/####.exr", "Scene.render.filepath"),),
    ignored=(Ignored("x.py", "Text x", "is packed"),),
)


def test_the_files_of_a_report_are_each_named_once_the_scene_first() -> None:
    """What is uploaded for a scene does not depend on how often or in which order things refer to it."""
    assert REPORT.files() == ("/abs/shot.blend", "/abs/a.0001.png", "/abs/a.0002.png", "/abs/wood.1001.exr")


def test_a_report_without_dependencies_is_the_scene_alone() -> None:
    """An empty scene is still one file."""
    assert ScanReport("/a.blend", "blend").files() == ("/a.blend",)


def test_the_document_has_the_five_lists() -> None:
    """`conductor scan --json` keeps its shape: everything that looks like a path ends in one of five lists."""
    data = to_json(REPORT)
    assert list(data) == ["scene", "format", "dependencies", "missing", "unresolved", "outputs", "ignored"]
    assert list(data["dependencies"][0]) == [
        "as_written",
        "path",
        "files",
        "kind",
        "referrer",
        "status",
        "within",
        "seen_by",
        "reader",
    ]
    assert list(data["missing"][0]) == ["as_written", "path", "kind", "referrer", "reason", "within", "seen_by", "reader"]
    assert list(data["unresolved"][0]) == ["as_written", "referrer", "reason", "within", "seen_by", "reader"]
    assert list(data["outputs"][0]) == ["as_written", "path", "referrer", "within", "seen_by", "reader"]
    assert list(data["ignored"][0]) == ["as_written", "referrer", "reason", "within", "seen_by", "reader"]


def test_a_scene_description_survives_json() -> None:
    """What a host process prints is what the process that asked reads."""
    step = SceneStep("ViewLayer", (Output("/abs/out/####.exr", width=960, height=540),), {"scene": "Scene", "samples": 4})
    description = SceneDescription(REPORT, Software("blender", "4.5.15"), "1-10", (step,), modified=True)
    assert from_json(SceneDescription, json.loads(json.dumps(to_json(description)))) == description


text = st.text(max_size=6)
texts = st.lists(text, max_size=3).map(tuple)
reports = st.builds(
    ScanReport,
    text,
    text,
    st.lists(st.builds(Dependency, text, text, texts, text, text, st.sampled_from(["found", "partial"])), max_size=3).map(tuple),
    st.lists(st.builds(Missing, text, text, text, text, text), max_size=2).map(tuple),
    st.lists(st.builds(Unresolved, text, text, text), max_size=2).map(tuple),
    st.lists(st.builds(ScanOutput, text, text, text), max_size=2).map(tuple),
    st.lists(st.builds(Ignored, text, text, text), max_size=2).map(tuple),
)


@given(reports)
def test_every_report_survives_json(report: ScanReport) -> None:
    """Out and in again is the same report, and it names no file twice."""
    assert from_json(ScanReport, json.loads(json.dumps(to_json(report)))) == report
    assert len(set(report.files())) == len(report.files())
    assert report.files()[0] == report.scene
