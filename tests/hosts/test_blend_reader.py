"""Our own reading of a .blend agrees with what Blender says of it: the same scenes, plain and packed, by every version.

Differences that remain are meant, and stand in docs/formats/blender.md.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.survey import Survey
from conductor_core.documents import to_json
from conductor_core.formats import scan_file
from conductor_core.formats.scan import Scan
from conductor_core.frames import FrameSet

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]
require: Callable[[object, str], None] = _SHARED["require"]
#: the scenes of blender_scenes.py with the frames it asks for
CASES = {
    **{"image_users": "3-4", "image_users_unknown": "2", "images": "1", "tiles": "1", "strange_paths": "1", "volumes": "3-5"},
    **{"caches": "1-2", "cache_files": "2", "shaders": "1", "import_nodes": "1", "libraries": "1", "strips": "7-8"},
    **{"clips": "4-5,200", "outputs": "", "templates": "1", "multilayer": "1"},
}
#: what only a file tells, and Blender keeps to itself
_FILE_ONLY = "it is where a file browser was last"

Answer = dict[str, Any]


def read(scene: Path, frames: str) -> Scan:
    """Read a scene for some frames, as the CLI does."""
    return scan_file(Survey(str(scene), frames=tuple(FrameSet.parse(frames)) if frames else None))


def in_blends(report: Answer) -> Answer:
    """Return a report without what other readers find in the files that scenes point to: Blender does not look into those."""
    return {
        name: [e for e in entries if not e["within"] or e["within"].endswith(".blend")]
        for name, entries in report.items()
        if isinstance(entries, list)
    }


def seen_by_blender(answer: Answer) -> dict[str, set[tuple[Any, ...]]]:
    """Return Blender's report as rows that can be compared: of strips of stills, we name each still."""
    report = answer["report"]
    stills = [d for d in report["dependencies"] if d["referrer"].endswith(" .directory") and d["as_written"].endswith("/")]
    each = [
        {**d, "as_written": d["as_written"] + os.path.basename(f), "path": f, "files": [f]} for d in stills for f in d["files"]
    ]
    return rows({**report, "dependencies": [*(d for d in report["dependencies"] if d not in stills), *each]})


def rows(report: Answer) -> dict[str, set[tuple[Any, ...]]]:
    """Return a report as rows; a library that a library links is named by its path, since its text is written otherwise."""

    def text(entry: Answer) -> str:
        written: str = entry["as_written"]
        return entry["path"] if entry.get("kind") == "library" else written.replace("\\", "/")

    def referrer(entry: Answer) -> str:
        return "Library" if entry.get("kind") == "library" else entry["referrer"]

    return {
        "dependencies": {
            (text(d), d["path"].replace("\\", "/"), tuple(d["files"]), d["status"], referrer(d)) for d in report["dependencies"]
        },
        "missing": {(text(m), m["path"].replace("\\", "/"), m["reason"], referrer(m)) for m in report["missing"]},
        "unresolved": {(u["as_written"], u["referrer"], u["reason"]) for u in report["unresolved"]},
        "outputs": {(o["as_written"], o["path"], o["referrer"]) for o in report["outputs"]},
        "ignored": {(i["as_written"], i["referrer"], i["reason"]) for i in report["ignored"] if i["reason"] != _FILE_ONLY},
    }


def kinds(report: Answer) -> dict[tuple[str, str], str]:
    """Return the kind of each dependency by path and holder."""
    return {(d["path"], d["referrer"].split(" [")[0]): d["kind"] for d in (*report["dependencies"], *report["missing"])}


@pytest.fixture(scope="module", params=VERSIONS)
def scenes(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Answer]:
    """Build and describe all scenes of blender_scenes.py in one process."""
    folder = tmp_path_factory.mktemp(f"read-{request.param}")
    command = [str(bpy_python(request.param)), str(HERE / "blender_scenes.py")]
    found: Answer = run_bpy(command, str(blender_folder), str(folder / "s"), str(folder / "answer.json"))
    return folder / "s", found


@pytest.mark.parametrize("case", CASES)
def test_a_scene_reads_as_blender_says(scenes: tuple[Path, Answer], case: str) -> None:
    """Every list of the report is the same: texts, paths, files, who wants them, and why something is left."""
    folder, answers = scenes
    assert "traceback" not in answers[case], answers[case]["traceback"]
    ours = in_blends(to_json(read(folder / case / "scene.blend", CASES[case]).report))
    assert rows(ours) == seen_by_blender(answers[case])
    theirs = kinds(answers[case]["report"])
    shared = {k: (v, theirs[k]) for k, v in kinds(ours).items() if k in theirs}
    assert {k: v for k, v in shared.items() if v[0] != v[1]} == {}


@pytest.mark.parametrize("case", sorted(set(CASES) - {"libraries"}))
def test_steps_and_frames_are_what_blender_says(scenes: tuple[Path, Answer], case: str) -> None:
    """Scenes as steps with their outputs, sizes and layers; the active scene's range; the version that saved the file.

    In `libraries` a linked object may be the camera, which only Blender can tell.
    """
    folder, answers = scenes
    facts = read(folder / case / "scene.blend", CASES[case]).facts
    assert facts is not None
    assert to_json(facts.steps) == answers[case]["steps"]
    assert (facts.frames, facts.saved_by) == (answers[case]["frames"], answers[case]["saved_by"])


@pytest.fixture(scope="module", params=VERSIONS)
def linked(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Answer]:
    """Build and describe all scenes of blend_reader_scenes.py in one process."""
    folder = tmp_path_factory.mktemp(f"linked-{request.param}")
    command = [str(bpy_python(request.param)), str(HERE / "blend_reader_scenes.py")]
    found: Answer = run_bpy(command, str(blender_folder), str(folder / "s"), str(folder / "answer.json"))
    return folder / "s", found


@pytest.mark.parametrize(
    "case", ["instances", "node_groups", "rig", "linked_scene", "appended", "packed_in", "moving", "nested_outputs"]
)
def test_what_hangs_on_linked_data_is_what_blender_loads(linked: tuple[Path, Answer], case: str) -> None:
    """Of a library just what is linked and what that leads to: no more, no less; moving settings; outputs in groups."""
    folder, answers = linked
    answer = answers[case]
    assert "traceback" not in answer, answer["traceback"]
    scan = read(folder / case / "scene.blend", answer["asked"])
    ours, theirs = rows(in_blends(to_json(scan.report))), seen_by_blender(answer)
    if case == "packed_in" and answers["version"] >= [5, 0]:  # Blender names the library; what is packed needs it no more
        assert {row[-1] for row in theirs.pop("dependencies") - ours.pop("dependencies")} == {"Library"}
        assert theirs.pop("ignored") < ours.pop("ignored")
    assert ours == theirs
    assert scan.facts is not None
    steps = [{**step, "problem": ""} for step in to_json(scan.facts.steps)]
    assert steps == [{**step, "problem": ""} for step in answer["steps"]]


@pytest.fixture(scope="module", params=[*VERSIONS, "debian"])
def production(
    request: pytest.FixtureRequest, bpy_python: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str], Answer]:
    """Make the shared scene of 39 kinds by bpy, or by the Blender that Debian has (3.4); return it with how to ask."""
    places = Path(os.environ.get("CONDUCTOR_SCENES", REPO.parent / "shared" / "scenes"))
    maker = places.parent / "tools" / "make_blender_scene.py"
    require(maker.exists(), f"{maker} is not there (set CONDUCTOR_SCENES)")
    folder = tmp_path_factory.mktemp(f"production-{request.param}") / "s"
    if request.param == "debian":
        require(shutil.which("blender"), "there is no blender on the PATH")
        start = ["blender", "-b", "--factory-startup", "--python"]
        run([*start, str(maker), "--", str(folder)], folder / "expected.json")
        ask = [*start, str(REPO / "blender" / "ask.py"), "--"]
    else:
        python = str(bpy_python(request.param))
        run([python, str(maker), str(folder)], folder / "expected.json")
        ask = [python, str(REPO / "blender" / "ask.py")]
    return folder, ask, json.loads((folder / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["shot", "shot_raw"])
def test_the_production_reads_as_blender_says(production: tuple[Path, list[str], Answer], name: str) -> None:
    """Nothing of 39 kinds is lost, no trap is taken, and the report is Blender's; the scene packed and plain."""
    folder, ask, expected = production
    scene, out = folder / "proj" / f"{name}.blend", folder / f"{name}.json"
    run([*ask, "describe", "--scene", str(scene), "--frames", "1-5", "--out", str(out)], out)
    answer = json.loads(out.read_text(encoding="utf-8"))
    scan = read(scene, "1-5")
    ours = in_blends(to_json(scan.report))
    taken = {f for d in ours["dependencies"] for f in d["files"]} | {m["path"] for m in ours["missing"]}
    beside = {"particle disk cache (blendcache_*)"} if name == "shot_raw" else set()
    planted = {kind: {str(folder / f) for f in files} for kind, files in expected["exp"].items() if kind not in beside}
    assert {kind for kind, files in planted.items() if not kind.startswith("NOT:") and files - taken} == set()
    assert {kind for kind, files in planted.items() if kind.startswith("NOT:") and files & taken} == set()
    assert rows(ours) == seen_by_blender(answer)
    assert scan.facts is not None
    assert to_json(scan.facts.steps) == answer["steps"]


def run(command: list[str], until: Path) -> None:
    """Run a command that leaves a file."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240, check=False
    )
    assert until.exists(), done.stdout.decode(errors="replace")[-3000:]
