"""Houdini renders frames of a node as the frame server wants it, in a fake Houdini that its author did not write."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.documents import to_json
from conductor_core.submission import Output, Step
from conductor_plugins.frame_server.serving import FrameServer
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    """Let `import hou` give the fake, and the adapter be found as in a clone."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    from fakes.houdini_fake import hou

    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, "hou", hou())
    patch.syspath_prepend(str(REPO / "houdini"))
    yield
    patch.undo()


class Farm:
    """A frame server on a scene in a folder; what it answered."""

    def __init__(self, folder: Path) -> None:
        from fakes.houdini_session import RECORD, WORLD

        self.folder = folder
        self.scene = folder / "shot.hip"
        self.said: list[dict[str, Any]] = []
        self.world, self.record = WORLD, RECORD
        self.record.refused.clear()
        self.hou = sys.modules["hou"]
        self.hou.hipFile.clear(suppress_save_prompt=True)
        self.hou.node("/obj").createNode("cam", "cam1")
        module = importlib.import_module("conductor_houdini.frame_server")
        self.server = FrameServer(self.said.append, module.HoudiniRenderer())

    def node(self, type_: str, name: str, parent: str = "/out", **values: Any) -> Any:
        made = self.hou.node(parent).createNode(type_, name)
        for key, value in values.items():
            made.parm(key).set(value)
        return made

    def load(self, *outputs: str, node: str = "/out/mantra1", kind: str = "image", **changes: Any) -> dict[str, Any]:
        """Save the scene, and have it loaded for a step."""
        self.hou.hipFile.save(str(self.scene))
        self.hou.hipFile.clear(suppress_save_prompt=True)
        frames, more = changes.pop("frames", "1-10"), {"startup": [], "path_map": [], **changes}
        step = Step(node, frames, outputs=tuple(Output(o, kind) for o in outputs), parameters={"node": node})  # type: ignore[arg-type]
        return self.ask({"do": "load", "scene": str(self.scene), "step": to_json(step), **more})

    def render(self, frame: int) -> dict[str, Any]:
        return self.ask({"do": "render", "frame": frame})

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the last answer; Houdini must have refused no call."""
        self.server.answer(request)
        assert self.record.refused == []
        return self.said[-1]


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    """Give a frame server in a Houdini with a camera."""
    return Farm(tmp_path)


def test_exact_frames_in_any_order(farm: Farm) -> None:
    """Each frame asked for is written, and no other; the scene is loaded once."""
    out = f"{farm.folder}/render/shot.####.exr"
    farm.node("ifd", "mantra1", vm_picture=out.replace("####", "$F4"))
    answer = farm.load(out)
    assert (answer["event"], answer["prints"]) == ("loaded", "alfred")
    for frame in (7, 3):
        done = farm.render(frame)
        assert (done["event"], done["outputs"]) == ("done", [f"{farm.folder}/render/shot.000{frame}.exr"]), done
        assert done["width"] > 0
    assert sorted(p.name for p in (farm.folder / "render").iterdir()) == ["shot.0003.exr", "shot.0007.exr"]


def test_the_step_says_where(farm: Farm) -> None:
    """A step that writes elsewhere than the scene does, as the artist chose in the panel, is followed."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/old.$F4.exr")
    farm.load(f"{farm.folder}/other/new.####.exr")
    assert farm.render(5)["outputs"] == [f"{farm.folder}/other/new.0005.exr"]
    assert not (farm.folder / "render").exists()


def test_what_comes_before_is_a_step_of_its_own(farm: Farm) -> None:
    """Of a network one node is rendered: its inputs are other steps, whose files lie there already."""
    cache = farm.node("geometry", "cache", sopoutput="$HIP/geo/c.$F.bgeo.sc")
    mantra = farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr")
    mantra.setInput(0, cache)
    farm.load(f"{farm.folder}/render/a.####.exr")
    assert farm.render(1)["event"] == "done"
    assert not (farm.folder / "geo").exists()
    farm.load(f"{farm.folder}/geo/c.#.bgeo.sc", node="/out/cache", kind="cache")


def test_a_bypassed_node_that_was_chosen_is_rendered(farm: Farm) -> None:
    """The artist's choice of steps counts, not the flag."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr").bypass(True)
    farm.load(f"{farm.folder}/render/a.####.exr")
    assert farm.render(1)["event"] == "done"


def test_a_geometry_node_is_written_by_its_button(farm: Farm) -> None:
    """A node outside of render networks writes exactly the frame, whatever range it has of its own."""
    farm.node("geo", "geo1", parent="/obj")
    farm.node("rop_geometry", "out1", parent="/obj/geo1", sopoutput="$HIP/geo/c.$F.bgeo.sc", trange="normal")
    answer = farm.load(f"{farm.folder}/geo/c.#.bgeo.sc", node="/obj/geo1/out1", kind="cache")
    assert answer["event"] == "loaded", answer
    assert farm.render(4)["outputs"] == [f"{farm.folder}/geo/c.4.bgeo.sc"]
    assert [p.name for p in (farm.folder / "geo").iterdir()] == ["c.4.bgeo.sc"]


def test_a_file_of_all_frames_is_written_once(farm: Farm) -> None:
    """An Alembic has the whole range of its step in it, written with the first frame and kept with the others."""
    farm.node("alembic", "abc", filename="$HIP/out.abc")
    farm.load(f"{farm.folder}/out.abc", node="/out/abc", kind="cache", frames="1-10x3")
    seen: list[Any] = []
    render = farm.hou.RopNode.render

    def noted(node: Any, frames: Any, **more: Any) -> None:
        seen.append(frames)
        render(node, frames, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(farm.hou.RopNode, "render", noted)
        answers = [farm.render(frame) for frame in (1, 4, 7)]
    assert seen == [(1, 10, 3)]
    assert {tuple(a["outputs"]) for a in answers} == {(f"{farm.folder}/out.abc",)}


def test_a_file_that_was_taken_is_written_again(farm: Farm) -> None:
    """The next task of the same session finds no file of the one before, and gets its own."""
    farm.node("alembic", "abc", filename="$HIP/out.abc")
    farm.load(f"{farm.folder}/out.abc", node="/out/abc", kind="cache")
    farm.render(1)
    (farm.folder / "out.abc").unlink()
    assert farm.render(2)["event"] == "done"
    assert (farm.folder / "out.abc").exists()


def test_uneven_frames_in_one_file_are_refused(farm: Farm) -> None:
    """Houdini writes a range with one increment; another wish is said to be impossible."""
    farm.node("alembic", "abc", filename="$HIP/out.abc")
    farm.load(f"{farm.folder}/out.abc", node="/out/abc", kind="cache", frames="1,2,9")
    answer = farm.render(1)
    assert (answer["event"], answer["cause"]) == ("fail", "scene-load")
    assert "not evenly spaced" in answer["message"]


def test_an_export_step_writes_the_renderers_scene(farm: Farm) -> None:
    """A node that exports writes IFD files, by which the next step renders."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr", soho_outputmode=1, soho_diskfile="$HIP/ifd/a.$F4.ifd")
    farm.load(f"{farm.folder}/ifd/a.####.ifd", kind="other")
    assert farm.render(2)["outputs"] == [f"{farm.folder}/ifd/a.0002.ifd"]
    assert not (farm.folder / "render").exists()


def test_a_wedge_writes_what_it_names_itself(farm: Farm) -> None:
    """Only the wedge knows its files' names: all that it wrote is told, and nothing written is a failure."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/w.$F4.exr")
    farm.node("wedge", "wedge1", driver="/out/mantra1")
    farm.load(f"{farm.folder}/render/w_$WEDGE.####.exr", node="/out/wedge1")
    assert farm.render(1)["outputs"] == [f"{farm.folder}/render/w.0001.exr"]


def test_a_simulation_is_not_begun_anew_with_each_frame(farm: Farm) -> None:
    """A node that starts its simulation with each render starts it with the first frame only."""
    farm.node("geometry", "sim", sopoutput="$HIP/geo/s.$F.bgeo.sc", initsim=1)
    farm.load(f"{farm.folder}/geo/s.#.bgeo.sc", node="/out/sim", kind="cache")
    assert farm.hou.node("/out/sim").parm("initsim").evalAsInt() == 1
    farm.render(1)
    assert farm.hou.node("/out/sim").parm("initsim").evalAsInt() == 0


def test_failures_are_said_in_houdinis_words(farm: Farm) -> None:
    """Houdini's own reason, and its cause: memory, a licence, or that it gave up."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr")
    farm.load(f"{farm.folder}/render/a.####.exr")
    for words, cause in (("mantra: out of memory", "out-of-memory"), ("Error: cannot cook", "exit-code")):
        farm.world.failing = words
        try:
            answer = farm.render(1)
        finally:
            farm.world.failing = ""
        assert (answer["event"], answer["cause"]) == ("fail", cause)
        assert words in answer["message"]
    assert farm.render(1)["event"] == "done"


def test_nothing_written_is_a_failure(farm: Farm) -> None:
    """A node that finishes and has written another file is told of, with the file."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr", soho_outputmode=1, soho_diskfile="$HIP/render/a.$F4.ifd")
    farm.load(f"{farm.folder}/render/a.####.exr", f"{farm.folder}/render/b.####.exr")
    answer = farm.render(1)
    assert (answer["event"], answer["cause"]) == ("fail", "bad-output")
    assert "a.0001.ifd" in answer["message"]


@pytest.mark.parametrize(
    ("scene", "node", "words"),
    [(None, "/out/gone", "it has no node /out/gone"), ("/no/such.hip", "/out/mantra1", "/no/such.hip")],
    ids=["node", "file"],
)
def test_a_scene_that_cannot_be_rendered(farm: Farm, scene: str | None, node: str, words: str) -> None:
    """What is not there is named."""
    farm.node("ifd", "mantra1")
    more = {"scene": scene} if scene else {}
    answer = farm.load(f"{farm.folder}/a.####.exr", node=node, **more)
    assert (answer["event"], answer["cause"]) == ("fail", "scene-load")
    assert words in answer["message"]


def test_paths_are_mapped(farm: Farm) -> None:
    """Where the artist's folders cannot be shown, textures and outputs lead to where they lie here; tokens stay."""
    shader = farm.node("principledshader::2.0", "wood", parent="/mat")
    shader.setParms({"basecolor_useTexture": 1, "basecolor_texture": "Z:/show/tex/wood.$F4.<UDIM>.exr"})
    farm.node("ifd", "mantra1", vm_picture="Z:/show/render/a.$F4.exr")
    rules = [{"source": "Z:/show", "target": str(farm.folder)}]
    answer = farm.load("Z:/show/render/a.####.exr", path_map=rules)
    assert answer["event"] == "loaded", answer
    assert farm.hou.node("/mat/wood").parm("basecolor_texture").unexpandedString() == f"{farm.folder}/tex/wood.$F4.<UDIM>.exr"
    assert farm.render(1)["outputs"] == [f"{farm.folder}/render/a.0001.exr"]


def test_startup_scripts_run_in_the_loaded_scene(farm: Farm) -> None:
    """They see the scene's nodes, and what they change counts."""
    farm.node("ifd", "mantra1", vm_picture="$HIP/render/a.$F4.exr")
    script = farm.folder / "setup.py"
    script.write_text("import hou\nhou.node('/out/mantra1').setComment('from the script')\n")
    farm.load(f"{farm.folder}/render/a.####.exr", startup=[str(script)])
    assert farm.hou.node("/out/mantra1").comment() == "from the script"


MAPPED = {
    "a file": ("Z:/show/a.exr", "/here/a.exr"),
    "backslashes": ("Z:\\show\\sub\\a.exr", "/here/sub/a.exr"),
    "tokens": ("Z:/show/a.<UDIM>.$F4.exr", "/here/a.<UDIM>.$F4.exr"),
    "the folder": ("Z:/show", "/here"),
    "a folder that begins alike": ("Z:/showreel/a.exr", "Z:/showreel/a.exr"),
    "a variable": ("$HIP/a.exr", "$HIP/a.exr"),
    "a node": ("op:/obj/cam1", "op:/obj/cam1"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "there"), MAPPED.values(), ids=MAPPED.keys())
def test_which_texts_are_mapped(text: str, there: str) -> None:
    """Whole folders of the artist's, and nothing else."""
    from conductor_core.paths import ClientPath, Flavour, PathRule
    from conductor_houdini.rewriting import map_text

    rule = PathRule(ClientPath.parse("Z:/show", Flavour.WINDOWS), ClientPath.parse("/here", Flavour.POSIX))
    assert map_text(text, (rule,)) == there


PATTERNS = {
    "four digits": ("/a/b.####.exr", "/a/b.$F4.exr"),
    "printf": ("/a/b.%04d.exr", "/a/b.$F4.exr"),
    "the number": ("/a/b.#.exr", "/a/b.$F.exr"),
    "a dollar": ("/a/$b.####.exr", "/a/\\$b.$F4.exr"),
    "none": ("/a/b.abc", "/a/b.abc"),
}


@pytest.mark.parametrize(("pattern", "text"), PATTERNS.values(), ids=PATTERNS.keys())
def test_patterns_become_houdinis(pattern: str, text: str) -> None:
    """The farm's token for the frame is the variable of Houdini's."""
    from conductor_houdini.output_texts import houdini_pattern

    assert houdini_pattern(pattern) == text
