"""What a scan of real scenes finds, in every supported Blender: dependencies, gaps, outputs, and what is left alone."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
_SHARED = runpy.run_path(str(HERE.parent / "conftest.py"))
VERSIONS: tuple[str, ...] = _SHARED["BPY_VERSIONS"] if os.environ.get("CI") == "true" else _SHARED["BPY_VERSIONS"][:1]
require: Callable[[object, str], None] = _SHARED["require"]

Answer = dict[str, Any]


@pytest.fixture(scope="module", params=VERSIONS)
def answer(
    request: pytest.FixtureRequest, bpy_python: Any, run_bpy: Any, blender_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Answer:
    """Build and describe all scenes of blender_scenes.py in one process."""
    folder = tmp_path_factory.mktemp(f"scenes-{request.param}")
    command = [str(bpy_python(request.param)), str(HERE / "blender_scenes.py")]
    found: Answer = run_bpy(command, str(blender_folder), str(folder / "s"), str(folder / "answer.json"))
    found["folder"] = str(folder / "s")
    return found


def rows(answer: Answer, case: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return a report as sets of short rows: names in the case's folder instead of paths."""
    assert "traceback" not in answer[case], answer[case]["traceback"]
    report, folder = answer[case]["report"], f"{answer['folder']}/{case}/"

    def short(path: str) -> str:
        return path.replace(folder, "").replace(answer["folder"], "~")

    return {
        "dependencies": {
            (d["as_written"], tuple(map(short, d["files"])), d["kind"], d["status"]) for d in report["dependencies"]
        },
        "missing": {(m["as_written"], short(m["path"])) for m in report["missing"]},
        "unresolved": {(u["as_written"],) for u in report["unresolved"]},
        "outputs": {(o["as_written"], short(o["path"])) for o in report["outputs"]},
        "ignored": {(i["as_written"], i["reason"]) for i in report["ignored"]},
    }


def dependencies(answer: Answer, case: str) -> dict[str, set[tuple[str, ...]]]:
    """Return the files of each text that a case depends on."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for text, files, _kind, _status in rows(answer, case)["dependencies"]:
        found.setdefault(text, set()).add(files)
    return found


def test_sequences_come_as_the_frames_that_their_users_show(answer: Answer) -> None:
    """Offsets, cycles and several users are followed; a gap is named, the rest of its sequence found."""
    found = rows(answer, "image_users")
    assert found["dependencies"] == {
        ("//one/s.0001.png", tuple(f"one/s.{n:04d}.png" for n in (1, 2, 13, 14)), "texture", "found"),
        ("//two/s.0001.png", ("two/s.0003.png",), "texture", "found"),
        ("//gap/s.0001.png", ("gap/s.0004.png",), "texture", "partial"),
    }
    assert found["missing"] == {("//gap/s.0001.png", "gap/s.0003.png")}


def test_sequences_whose_frames_cannot_be_told_come_whole(answer: Answer) -> None:
    """An animated offset and a frame from geometry nodes: all files of the sequence."""
    assert dependencies(answer, "image_users_unknown") == {
        "//moving/s.0001.png": {tuple(f"moving/s.{n:04d}.png" for n in range(1, 6))},
        "//nodes/s.0001.png": {tuple(f"nodes/s.{n:04d}.png" for n in range(1, 4))},
    }


def test_blender_shows_the_same_number_as_our_rule(answer: Answer) -> None:
    """Rendered pixels of constant-colour sequences agree with `image_number` at each frame."""
    assert answer["truth"]
    assert [row for row in answer["truth"] if row[2] != row[3]] == []


def test_images_wherever_they_hang_and_nothing_that_needs_no_file(answer: Answer) -> None:
    """Nested groups, textures, worlds and kept images; packed, generated, built-in and unused ones are not taken."""
    found = rows(answer, "images")
    assert {text for text, *_ in found["dependencies"]} == {"//displace.png", "//kept.png", "//nested.png", "//sky.exr"}
    assert {text for text, _ in found["ignored"]} == {"//generated.png", "//packed.png", "<builtin>"}
    assert not found["missing"]


def test_tiles(answer: Answer) -> None:
    """The tiles an image names are taken, one by one."""
    assert dependencies(answer, "tiles") == {
        "//u.<UDIM>.png": {("u.1001.png", "u.1003.png")},
        "//v.<UVTILE>.png": {("v.u1_v1.png", "v.u2_v1.png")},
    }
    assert rows(answer, "tiles")["missing"] == {("//u.<UDIM>.png", "u.1002.png")}


@pytest.mark.skipif(os.name == "nt", reason="POSIX rules")
def test_paths_that_lead_nowhere_are_said_to(answer: Answer) -> None:
    """Backslashes are read as Blender reads them; a drive is missing; the working folder's path is unresolved."""
    found = rows(answer, "strange_paths")
    assert {(text, files) for text, files, *_ in found["dependencies"]} == {
        ("//sub/back.png", ("sub/back.png",)),
        ("///deep/three.png", ("deep/three.png",)),
    }
    assert {path for _, path in found["missing"]} == {"D:/tex/wood.png", "D:/up.png", "//server/tex/a.png"}
    assert found["unresolved"] == {("sub/back.png",)}


def test_volumes(answer: Answer) -> None:
    """Each mode of a VDB sequence gives its own frames, and none where no frame of the job shows it."""
    assert dependencies(answer, "volumes") == {
        "//smoke_001.vdb": {("smoke_001.vdb", "smoke_002.vdb"), ("smoke_006.vdb",)},
        "//still.vdb": {("still.vdb",)},
    }
    assert rows(answer, "volumes")["ignored"] == {("//smoke_001.vdb", "no frame of this job shows it")}


def test_simulation_caches(answer: Answer) -> None:
    """A cache's own files are taken from the folder it shares; what is not baked is ignored with that reason."""
    found = dependencies(answer, "caches")
    assert found["//sim/"] == {("sim/myname_000001_00.bphys", "sim/myname_000002_00.bphys")}
    assert found["//renamed"] == {("renamed/whatever_1.bphys",)}
    assert found["//sea"] == {("sea/disp_0001.exr",)}
    assert (f"blendcache_scene/{b'Parts'.hex()}_000001_00.bphys",) in found["//blendcache_scene"]
    assert b"Other".hex() not in str(found)
    assert ("//not_baked", "nothing is baked there") in rows(answer, "caches")["ignored"]
    assert ("//paint_out", "baking writes there, rendering does not") in rows(answer, "caches")["ignored"]


def test_alembic_sequences(answer: Answer) -> None:
    """The scene's frame, with its neighbours for motion blur; or the frame that is held."""
    assert dependencies(answer, "cache_files") == {"//a_001.abc": {("a_002.abc", "a_001.abc", "a_003.abc"), ("a_005.abc",)}}


def test_shaders_and_texts(answer: Answer) -> None:
    """OSL brings its compiled twin; IES and outside texts are found, inside ones need nothing."""
    assert dependencies(answer, "shaders") == {
        "//s.osl": {("s.osl", "s.oso")},
        "//l.ies": {("l.ies",)},
        "//style.py": {("style.py",)},
    }


def test_paths_in_sockets(answer: Answer) -> None:
    """Import nodes are followed through links to modifier, group and String node; a computed path is unresolved."""
    if answer["version"] < [4, 5]:
        assert not dependencies(answer, "import_nodes")
        return
    assert set(dependencies(answer, "import_nodes")) == {
        f"//{n}.obj" for n in ("written", "by_modifier", "by_string", "by_group")
    }
    assert len(rows(answer, "import_nodes")["unresolved"]) == 1


def test_libraries(answer: Answer) -> None:
    """A library and what stands relative to it are found; one that is gone is missing under its own name."""
    assert dependencies(answer, "libraries") == {
        "//../libraries_home/lib.blend": {("~/libraries_home/lib.blend",)},
        "//tex/lib.png": {("~/libraries_home/tex/lib.png",)},
    }
    assert rows(answer, "libraries")["missing"] == {("//../libraries_home/gone.blend", "~/libraries_home/gone.blend")}


def test_strips(answer: Answer) -> None:
    """Only the stills that the job's frames show, of strips with ends cut off or held too; a reversed strip comes whole."""
    assert dependencies(answer, "strips") == {
        "//plain/": {("plain/s_003.png", "plain/s_004.png")},
        "//cut/": {("cut/s_005.png", "cut/s_006.png")},
        "//held/": {("held/s_005.png",)},
        "//reversed/": {tuple(f"reversed/s_{n:03d}.png" for n in range(1, 11))},
    }


def test_movie_clips(answer: Answer) -> None:
    """Stills for the job's frames; a frame beyond the clip's end is no gap; proxies are ignored."""
    assert dependencies(answer, "clips") == {"//clip/c.0101.png": {("clip/c.0104.png", "clip/c.0105.png")}}
    found = rows(answer, "clips")
    assert not found["missing"]
    assert {text for text, _ in found["ignored"]} == {"//proxies"}


def test_outputs(answer: Answer) -> None:
    """Render output and File Output nodes with `#` for the frame; muted nodes and bake paths are no outputs."""
    found = rows(answer, "outputs")
    assert ("//out/main.###", "out/main.###.png") in found["outputs"]
    assert ("//passes/", "passes/fog_##_.exr") in found["outputs"]
    assert {text for text, _ in found["ignored"]} == {"//muted/", "//baked.png"}


def test_templates_in_outputs(answer: Answer) -> None:
    """Blender's templates are evaluated in nodes' paths; one that it cannot read is unresolved, and no output."""
    found = rows(answer, "templates")
    name = "Fog_##.png" if answer["version"] >= [5, 0] else "fog_##.png"
    assert f"scene_passes/{name}" in {path for _, path in found["outputs"]}
    if answer["version"] >= [4, 5]:
        assert found["unresolved"] == {("//{nonsense}/x_####",)}
        assert [Path(o["path"]).name for o in answer["templates"]["steps"][0]["outputs"]] == [name]


def test_steps(answer: Answer) -> None:
    """Each scene is a step with its size after percentage and crop; the active one is enabled, its range proposed."""
    described = answer["outputs"]
    main, movie = described["steps"]
    assert (described["frames"], described["software"]["name"]) == ("1-9x4", "blender")
    assert (main["name"], main["enabled"], movie["name"], movie["enabled"]) == ("Main", True, "Movie", False)
    assert (main["outputs"][0]["width"], main["outputs"][0]["height"]) == (300, 250)
    assert movie["outputs"][0]["kind"] == "movie"
    assert main["parameters"] == {"scene": "Main", "view_layer": "", "camera": ""}


def test_layers_of_a_multilayer_file(answer: Answer) -> None:
    """The combined pass of each view layer that renders must be in the file."""
    (output,) = answer["multilayer"]["steps"][0]["outputs"]
    assert output["layers"] == ["ViewLayer.Combined", "Fog.Combined"]
    assert output["path"].endswith("/multilayer/scene_####.exr")


def test_what_only_blender_knows_is_not_lost(answer: Answer) -> None:
    """A kind without a reader comes out as `other`, by Blender's own walk."""
    ((_, files, kind, _),) = rows(answer, "only_blender_knows")["dependencies"]
    assert (files, kind) == (("plate.png",), "other")


def test_describing_leaves_the_folder_as_it_was(answer: Answer) -> None:
    """No file is written or touched beside the artist's scene: no cache, no backup."""
    cases = [case for case in answer.values() if isinstance(case, dict) and "touched" in case]
    assert cases
    assert [case["touched"] for case in cases if case["touched"]] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("absent", "there is no such file", id="no-such-file"),
        pytest.param("text", "this is not a Blender scene", id="not-a-blend"),
        pytest.param("newer", "it was saved by Blender 9.99", id="newer-blender"),
        pytest.param("cut", "Blender cannot read it", id="truncated"),
        pytest.param("cut_packed", "Blender cannot read it", id="truncated-compressed"),
        pytest.param("frames", "Frame range '1-'", id="bad-frames"),
    ],
)
def test_errors_are_answers(answer: Answer, name: str, says: str) -> None:
    """Exit code 3 and JSON with what is wrong and what to do; never a traceback."""
    code, document = answer["errors"][name]
    assert code == 3
    assert set(document) == {"error"}
    assert says in document["error"]["what"]
    assert document["error"]["next_step"]


@pytest.fixture(scope="module", params=VERSIONS)
def many_kinds(request: pytest.FixtureRequest, bpy_python: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """Make the shared scene of 39 kinds and describe it with `ask.py`, as the CLI does."""
    scenes = Path(os.environ.get("CONDUCTOR_SCENES", REPO.parent / "shared" / "scenes"))
    maker = scenes.parent / "tools" / "make_blender_scene.py"
    require(maker.exists(), f"{maker} is not there (set CONDUCTOR_SCENES)")
    folder = tmp_path_factory.mktemp(f"kinds-{request.param}") / "s"
    python = str(bpy_python(request.param))
    made = _run([python, str(maker), str(folder)], until=folder / "expected.json")
    out = folder / "answer.json"
    scene = folder / "proj" / "shot.blend"
    _run(
        [python, str(REPO / "blender" / "ask.py"), "describe", "--scene", str(scene), "--frames", "1-5", "--out", str(out)],
        until=out,
    )
    return folder, {"expected": made, "answer": json.loads(out.read_text(encoding="utf-8"))}


def test_nothing_of_39_kinds_is_lost_and_no_trap_is_taken(many_kinds: tuple[Path, Answer]) -> None:
    """Every planted file is a dependency, or missing where it is not on disk; packed and unused ones are not taken."""
    folder, found = many_kinds
    report = found["answer"]["report"]
    taken = {f for d in report["dependencies"] for f in d["files"]} | {m["path"] for m in report["missing"]}
    wanted = {str(folder / f) for kind, files in found["expected"]["exp"].items() if not kind.startswith("NOT:") for f in files}
    traps = {str(folder / f) for kind, files in found["expected"]["exp"].items() if kind.startswith("NOT:") for f in files}
    assert len(wanted) > 40
    assert wanted - taken == set()
    assert traps & taken == set()


def test_readers_know_all_those_kinds_themselves(many_kinds: tuple[Path, Answer]) -> None:
    """Blender's own list adds nothing: no dependency is of the kind `other`."""
    report = many_kinds[1]["answer"]["report"]
    assert [d for d in report["dependencies"] if d["kind"] == "other"] == []
    assert 'Image "missing" .filepath' in {m["referrer"] for m in report["missing"]}


def _run(command: list[str], *, until: Path) -> Any:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240, check=False
    )
    assert until.exists(), done.stdout.decode(errors="replace")[-3000:]
    return json.loads(until.read_text(encoding="utf-8"))
