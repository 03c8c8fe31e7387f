"""Nuke's frame server in the fake Nuke: it renders the frames it is asked for, where it is asked to, and says why not.

The fake is written from the published stubs and Foundry's pages by somebody who did not read the frame server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.paths import ClientPath, Flavour, PathRule, local_flavour
from fakes.nuke_program import install
from hosts.frame_server_talk import REPO, Event, Session, load, render, talk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="instances are Linux")
VERSION = "15.1v3"
#: a script of nodes that write, each in its own way
SCRIPT = """#! /usr/local/Nuke15.1v3/Nuke15.1 -nx
version 15.1 v3
Root {{
 inputs 0
 name {folder}/comp.nk
 first_frame 1
 last_frame 10
 proxy true
 views "left #ff0000\\nright #00ff00"
}}
Constant {{
 inputs 0
 name Constant1
}}
set N [stack 0]
Write {{
 file {folder}/out/plain.####.exr
 proxy {folder}/small/plain.####.exr
 file_type exr
 views left
 name Plain
}}
push $N
Write {{
 file {folder}/out/%V/eye.%04d.exr
 file_type exr
 views "left right"
 name Eyes
}}
push $N
Write {{
 file {folder}/out/both.%04d.exr
 file_type exr
 views "left right"
 name Both
}}
push $N
Write {{
 file {folder}/out/shy.%04d.png
 file_type png
 views left
 use_limit true
 first 1
 last 2
 disable true
 frame_mode offset
 frame 100
 name Shy
}}
push $N
Write {{
 file {folder}/out/still.png
 file_type png
 views left
 name Still
}}
push $N
Write {{
 file {folder}/out/%V/lost.%04d.exr
 file_type exr
 views "main right"
 name Lost
}}
push $N
Write {{
 file {folder}/out/all.mov
 file_type mov
 views left
 name Movie
}}
Read {{
 inputs 0
 file {folder}/plates/plate.%04d.exr
 first 1
 last 10
 name Plate
}}
Write {{
 file {folder}/out/graded.%04d.exr
 file_type exr
 views left
 name Graded
}}
"""


def requests(folder: Path) -> Iterator[tuple[str, Event]]:
    """Yield (name, request) in the order in which one server is asked."""
    script = folder / "comp.nk"
    yield "nothing loaded", render(1)
    yield "load absent", load(folder / "absent.nk")
    yield "load plain", load(script, write="Plain", outputs=[f"{folder}/out/plain.####.exr"])
    for frame in (8, 2, -3, 8):
        yield f"plain {frame}", render(frame)
    yield "load no such node", load(script, write="Nope")
    yield "load no writer", load(script, write="Constant1")
    yield "load no such view", load(script, write="Plain", views="middle")
    yield "load eyes", load(script, write="Eyes", outputs=[f"{folder}/out/{v}/eye.####.exr" for v in ("left", "right")])
    yield "eyes", render(3)
    yield "load one eye", load(script, write="Eyes", views="right", outputs=[f"{folder}/out/right/eye.####.exr"])
    yield "one eye", render(4)
    yield "load lost", load(script, write="Lost", views="main right", outputs=[f"{folder}/out/right/lost.####.exr"])
    yield "lost", render(3)
    yield "load both", load(script, write="Both", outputs=[f"{folder}/out/both.####.exr"])
    yield "both", render(3)
    yield "load shy", load(script, write="Shy", outputs=[f"{folder}/out/shy.####.png"])
    yield "shy", render(7)
    yield "load elsewhere", load(script, write="Plain", outputs=[f"{folder}/other [x] $y/asked.##.exr"])
    yield "elsewhere", render(3)
    yield "load eyes elsewhere", load(script, write="Eyes", outputs=[f"{folder}/other/{v}.##.exr" for v in ("l", "r")])
    yield "eyes elsewhere", render(3)
    yield "load proxy", load(script, write="Plain", proxy=True, outputs=[f"{folder}/out/proxy.####.exr"])
    yield "proxy", render(1)
    yield "load still", load(script, write="Still", outputs=[f"{folder}/out/still.png"])
    yield "load one still", load(script, write="Still", frames="5", outputs=[f"{folder}/out/still.png"])
    yield "one still", render(5)
    movie = {"path": f"{folder}/out/all.mov", "kind": "movie"}
    yield "load movie in chunks", load(script, write="Movie", frames="2-6x2", outputs=[movie], chunk_size=2)
    yield "load movie of no range", load(script, write="Movie", frames="2,3,6", outputs=[movie], chunk_size=3)
    yield "load movie", load(script, write="Movie", frames="2-6x2", outputs=[movie], chunk_size=3)
    for frame in (2, 4, 6):
        yield f"movie {frame}", render(frame)
    yield (
        "load movie elsewhere",
        load(script, write="Movie", frames="1-2", chunk_size=2, outputs=[{**movie, "path": f"{folder}/b.mov"}]),
    )
    yield "movie elsewhere", render(1)
    yield "load graded", load(script, write="Graded", outputs=[f"{folder}/out/graded.####.exr"])
    yield "graded", render(1)
    (folder / "setup.py").write_text(f"import nuke\nnuke.toNode('Plain')['file'].setValue('{folder}/out/set.%04d.exr')\n")
    yield "load set up", load(script, write="Plain", startup=[str(folder / "setup.py")])
    yield "set up", render(2)
    (folder / "broken.py").write_text("import nuke\n\nnuke.toNode('Hero')['file']\n")
    yield "load broken", load(script, write="Plain", startup=[str(folder / "broken.py")])
    (folder / "split.py").write_text(
        f"import nuke\nfile = nuke.toNode('Eyes')['file']\nfile.splitView('right')\nfile.setValue('{folder}/out/own.%04d.exr', 'right')\n"
    )
    split = [f"{folder}/split/{v}.##.exr" for v in ("l", "r")]
    yield "load split", load(script, write="Eyes", outputs=split, startup=[str(folder / "split.py")])
    yield "split", render(3)
    yield "load again", load(script, write="Plain", outputs=[f"{folder}/out/plain.####.exr"])
    yield "again", render(8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the script."""
    made = tmp_path_factory.mktemp("nuke")
    (made / "comp.nk").write_text(SCRIPT.format(folder=made))
    return made


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give what starts the frame server."""
    return [str(install(tmp_path_factory.mktemp("program"), VERSION)), "-t", str(REPO / "nuke" / "render.py")]


@pytest.fixture(scope="module")
def session(folder: Path, command: list[str]) -> Session:
    """Ask one server everything."""
    return talk(command, list(requests(folder)), folder)


def test_it_says_hello_and_leaves_when_told(session: Session) -> None:
    """Nuke's own banner is log; the first event names protocol and full version; after `quit` the exit code is 0."""
    assert session.hello == {"event": "hello", "protocol": 1, "software": "nuke", "version": VERSION}
    assert session.exit_code == 0, session.log[-2000:]


def test_it_renders_exactly_the_frames_asked_for(session: Session, folder: Path) -> None:
    """Out of order, twice and below zero; nothing else is written; the script was saved in proxy mode and is rendered in full."""
    for frame, number in ((8, "0008"), (2, "0002"), (-3, "-0003")):
        done = session.end(f"plain {frame}")
        assert done["event"] == "done", done
        assert done["outputs"] == [str(folder / "out" / f"plain.{number}.exr")]
        assert (done["frame"], done["width"], done["height"]) == (frame, 32, 18)
    assert sorted(p.name for p in (folder / "out").glob("plain.*")) == ["plain.-0003.exr", "plain.0002.exr", "plain.0008.exr"]


def test_progress_is_nukes_own(session: Session) -> None:
    """The runner is told to read what Nuke prints, and of how many pictures a frame has."""
    assert (session.end("load plain")["prints"], session.end("load plain")["parts"]) == ("nuke", 1)
    assert session.end("load eyes")["parts"] == 2
    assert [e["fraction"] for e in session.said["eyes"][:-1]] == [0, 0.5]


def test_views(session: Session) -> None:
    """Each view goes to its own file; one that is asked for is rendered alone; views that share a file share it."""
    assert session.outputs("eyes") == ["eye.0003.exr", "eye.0003.exr"]
    assert [Path(p).parent.name for p in session.end("eyes")["outputs"]] == ["left", "right"]
    assert [Path(p).parent.name for p in session.end("one eye")["outputs"]] == ["right"]
    assert session.outputs("both") == ["both.0003.exr"]
    assert session.outputs("lost") == ["lost.0003.exr"], "a view that the node has kept and the script lost does not count"


def test_what_keeps_a_node_from_writing_does_not_count(session: Session) -> None:
    """A node that is disabled, limits its range and shifts its numbers writes the frame that was asked for, under its number."""
    assert session.outputs("shy") == ["shy.0007.png"]
    assert "it is disabled in the script" in session.log
    assert "numbered by their own frames" in session.log


def test_another_output_can_be_asked_for(session: Session, folder: Path) -> None:
    """A step's own path is used as it is, brackets and dollars and all; each view has its own."""
    assert session.end("elsewhere")["event"] == "done", session.end("elsewhere")
    assert session.end("elsewhere")["outputs"] == [str(folder / "other [x] $y" / "asked.03.exr")]
    assert session.outputs("eyes elsewhere") == ["l.03.exr", "r.03.exr"]


def test_a_view_with_a_name_of_its_own_writes_where_it_is_asked_to(session: Session) -> None:
    """A file that is split by views in the script is one for all of them where the step says another place."""
    assert session.outputs("split") == ["l.03.exr", "r.03.exr"]


def test_proxy_resolution_is_rendered_where_the_step_says_so(session: Session) -> None:
    """A step with `proxy` renders at proxy resolution."""
    done = session.end("proxy")
    assert (done["event"], done["width"], done["height"]) == ("done", 16, 9)


def test_one_still_of_several_frames_is_refused(session: Session) -> None:
    """Each frame would write over the one before; a single frame may be a still."""
    assert session.outputs("one still") == ["still.png"]


def test_a_movie_in_one_chunk_has_all_its_frames(session: Session, folder: Path) -> None:
    """As the panel offers ("One chunk"): it is written once, whole, by the first frame that is asked for."""
    for frame in (2, 4, 6):
        assert session.outputs(f"movie {frame}") == ["all.mov"]
    assert (folder / "out" / "all.mov").read_text().split() == ["2", "4", "6"]
    assert session.outputs("movie elsewhere") == ["b.mov"]
    assert (folder / "b.mov").read_text().split() == ["1", "2"]


def test_a_startup_script_changes_the_script(session: Session) -> None:
    """It runs in the open script, before the step is looked at."""
    assert session.outputs("set up") == ["set.0002.exr"]


@pytest.mark.parametrize(
    ("name", "cause", "says"),
    [
        ("nothing loaded", "internal", "no scene is loaded"),
        ("load absent", "scene-load", "absent.nk: there is no such file"),
        ("load no such node", "scene-load", 'comp.nk: it has no node "Nope"'),
        ("load no writer", "scene-load", '"Constant1" is a Constant, which writes no file'),
        ("load no such view", "scene-load", "it has no view middle, only left, right"),
        ("load still", "scene-load", "out/still.png is one file for all frames"),
        ("load movie in chunks", "scene-load", "chunk size of 3"),
        ("load movie of no range", "scene-load", "2,3,6 are no one range"),
        ("graded", "missing-file", "plates/plate.0001.exr"),
        ("load broken", "scene-load", "broken.py, line 3"),
    ],
)
def test_what_fails_says_why(session: Session, name: str, cause: str, says: str) -> None:
    """Every failure has its cause and a sentence that names the thing; the server goes on."""
    failed = session.end(name)
    assert (failed["event"], failed["cause"]) == ("fail", cause), failed
    assert says in failed["message"]
    assert session.outputs("again") == ["plain.0008.exr"]


def test_paths_are_found_through_nukes_filter(command: list[str], tmp_path: Path) -> None:
    """Plates are read and pictures written where the artist's folders lie here, from a Windows artist too."""
    here = tmp_path / "instance"
    for number, (theirs, source) in enumerate({"/studio/show": "/studio/show", "D:/show": "D:\\Show"}.items()):
        stage = here / str(number)
        (stage / "plates").mkdir(parents=True)
        plate = stage / "plates" / "plate.0004.exr"
        plate.write_bytes(b"")
        script = stage / "comp.nk"
        script.write_text(SCRIPT.format(folder=theirs))
        asked = load(script, rules={source: str(stage)}, write="Graded", outputs=[f"{theirs}/out/graded.####.exr"])
        session = talk(command, [("load", asked), ("render", render(4))], tmp_path)
        assert session.end("render")["outputs"] == [str(stage / "out" / "graded.0004.exr")], session.log[-3000:]
        assert f"path mapping: {theirs}/plates/plate" in session.log
        assert "output:" not in session.log, "the script's own output is the job's, mapped"


RULES = {
    "/show": "/stage/show",
    "D:\\show": "/stage/D/show",
    "/high/job": "/high",
    "/low": "/low/stage",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/show/a.%04d.exr", "/stage/show/a.%04d.exr"),
        ("/show/%V/a.####.exr", "/stage/show/%V/a.####.exr"),
        ("/showreel/a.exr", "/showreel/a.exr"),
        ("d:/SHOW/a.exr", "/stage/D/show/a.exr"),
        ("/stage/show/a.exr", "/stage/show/a.exr"),
        ("/high/job/a.exr", "/high/a.exr"),
        ("/high/a.exr", "/high/a.exr"),
        ("/low/a.exr", "/low/stage/a.exr"),
        ("/low/stage/a.exr", "/low/stage/a.exr"),
        ("a.exr", "a.exr"),
        ("", ""),
    ],
)
def test_a_name_is_mapped_once(fake_nuke: Any, name: str, expected: str) -> None:
    """By components, with its tokens; what lies in place already, and what no rule speaks of, stays."""
    from conductor_nuke.path_filter import map_name

    rules = [PathRule(_client(source), ClientPath.parse(target, local_flavour())) for source, target in RULES.items()]
    assert map_name(name, rules) == expected


def _client(text: str) -> ClientPath:
    return ClientPath.parse(text, Flavour.WINDOWS if ":" in text else Flavour.POSIX)


@pytest.fixture
def fake_nuke() -> Iterator[None]:
    """Have `import nuke` give the fake."""
    from fakes.nuke_fake import install as start
    from fakes.nuke_fake import uninstall

    start(gui=False)
    yield
    uninstall()


def test_without_a_licence_it_ends_with_nukes_words(command: list[str], tmp_path: Path) -> None:
    """Nothing is hidden from the runner, which reads in the log that there is no licence."""
    with pytest.raises(AssertionError, match="FOUNDRY LICENSE ERROR REPORT"):
        talk(command, [("load", load("/a.nk"))], tmp_path, FAKE_NUKE_LICENCE="absent")


RELATIVE = """Root {
 inputs 0
 name /elsewhere/comp.nk
 last_frame 3
}
Read {
 inputs 0
 file plates/plate.####.exr
 last 3
 name Plate
}
Write {
 file out/graded.####.exr
 name Graded
}
"""


def test_relative_names_are_relative_to_the_script(command: list[str], tmp_path: Path) -> None:
    """What is scanned beside the script is found and written there, wherever the instance starts Nuke."""
    shot, start = tmp_path / "shot", tmp_path / "start"
    for folder in (shot / "plates", shot / "out", start):
        folder.mkdir(parents=True)
    (shot / "comp.nk").write_text(RELATIVE, encoding="utf-8")
    (shot / "plates" / "plate.0002.exr").write_bytes(b"")
    asked = [("load", load(shot / "comp.nk", write="Graded", outputs=[f"{shot}/out/graded.####.exr"])), ("frame", render(2))]
    done = talk(command, asked, start).end("frame")
    assert (done["event"], done.get("outputs")) == ("done", [str(shot / "out" / "graded.0002.exr")]), done
