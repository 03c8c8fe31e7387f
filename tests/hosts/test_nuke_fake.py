"""The fake Nuke is one that can be believed: it reads real scripts, evaluates as Nuke does, and refuses what Nuke refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import nuke_files
from fakes.nuke_fake import install, uninstall
from fakes.nuke_program import install as install_program
from fakes.nuke_session import Session, session
from fakes.stub_modules import NotInStub, UnknownToFake, WrongCall
from hosts.test_nuke_manifest import CASES, SCENES


@pytest.fixture
def nuke() -> Iterator[Any]:
    """A Nuke with a window and an empty script."""
    install(gui=True)
    import nuke

    yield nuke
    uninstall()


PLANTED: dict[str, tuple[Callable[[Any], object], type[Exception]]] = {
    "a function that is not there": (lambda n: n.openScript("a.nk"), NotInStub),
    "a method that is not there": (lambda n: n.root().fileName(), NotInStub),
    "a keyword that is not there": (lambda n: n.createNode("Read", show=False), WrongCall),
    "too many arguments": (lambda n: n.toNode("a", "b"), WrongCall),
    "a wrong kind of argument": (lambda n: n.toNode(5), WrongCall),
    "a knob that the node has not": (lambda n: n.root()["no_such_knob"], NameError),
    "a text for a number": (lambda n: n.root()["first_frame"].setValue("5"), TypeError),
    "a word that an enumeration has not": (lambda n: n.nodes.Read()["before"].setValue("never"), TypeError),
    "a setting of an attribute": (lambda n: setattr(n.root(), "file", "a"), NotInStub),
    "what is there and nobody described": (lambda n: n.getColor(0), UnknownToFake),
    "the name of a script without one": (lambda n: n.scriptName(), RuntimeError),
    "saving where nobody answers": (lambda n: n.scriptSave(), RuntimeError),
    "opening over what is open": (lambda n: (n.nodes.Read(), n.scriptOpen("a.nk")), RuntimeError),
    "a render of what does not render": (lambda n: n.execute(n.nodes.Blur(), 1, 1), RuntimeError),
    "a class that nobody has": (lambda n: n.createNode("my_gizmo"), RuntimeError),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refused(name: str, nuke: Any) -> None:
    """What the real one would refuse cannot pass a test here."""
    call, error = PLANTED[name]
    with pytest.raises(error):
        call(nuke)


def test_a_deleted_node_is_of_no_use(nuke: Any) -> None:
    """Whoever kept it is told, and undo brings it back."""
    node = nuke.createNode("Read")
    knob = node["file"]
    nuke.delete(node)
    for ask in (node.name, node.knobs, knob.value, lambda: node["file"]):
        with pytest.raises(ValueError, match="not attached"):
            ask()
    nuke.undo()
    assert node.name() == "Read1"


def test_nodes_are_of_the_main_thread(nuke: Any) -> None:
    """Another thread is refused, as Nuke's crash would be."""
    seen: list[Exception] = []

    def ask() -> None:
        try:
            nuke.allNodes()
        except RuntimeError as exc:
            seen.append(exc)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(seen) == 1


TEXTS = {
    "a plain path": ("/a/b.exr", "/a/b.exr"),
    "a frame by hashes": ("/a/b.####.exr", "/a/b.0007.exr"),
    "a frame by percent": ("/a/b.%06d.exr", "/a/b.000007.exr"),
    "a view": ("/a/%V/b_%v.exr", "/a/left/b_l.exr"),
    "the script's own folder": ("[file dirname [value root.name]]/b.exr", "/shots/b.exr"),
    "python": ("[python {nuke.script_directory()}]/b.exr", "/shots/b.exr"),
    "another knob": ("[value Other.label]/b.exr", "/elsewhere/b.exr"),
    "its own name": ("/a/[value this.name].exr", "/a/R.exr"),
    "a variable": ("[getenv SHOT_FOLDER]/b.exr", "/from/there/b.exr"),
    "a number by an expression": ("/a/b.[format %04d [expression frame*2]].exr", "/a/b.0014.exr"),
    "an escaped bracket": (r"/a/\[b].exr", "/a/[b].exr"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_evaluated_as_tcl(name: str, nuke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets, views and frames, from where the node stands."""
    monkeypatch.setenv("SHOT_FOLDER", "/from/there")
    nuke.root()["name"].setValue("/shots/shot.nk")
    nuke.root()["views"].fromScript("left #ff0000\nright #00ff00")
    nuke.nodes.NoOp(name="Other")["label"].setValue("/elsewhere")
    read = nuke.nodes.Read(name="R")
    stored, wanted = TEXTS[name]
    read["file"].setValue(stored)
    nuke.frame(7)
    assert read["file"].evaluate() == wanted


NUMBERS = {
    "a number": ("5", 5.0),
    "a sum": ("{2+3*4}", 14.0),
    "a choice": ("{frame>5?1:2}", 1.0),
    "another node's knob": ("{Other.size.h+1}", 11.0),
    "the root's": ("{root.last_frame-root.first_frame}", 99.0),
    "a curve between two keys": ("{curve x1 0 x11 10}", 6.0),
    "a curve after its end": ("{curve x1 0 x3 10}", 10.0),
    "tcl in it": ("{[value root.last_frame]+1}", 101.0),
    "flags behind it": ("{frame*2 i}", 14.0),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_evaluated_as_an_expression(name: str, nuke: Any) -> None:
    """Knobs of other nodes, curves and Tcl, at the frame."""
    nuke.nodes.Blur(name="Other")["size"].fromScript("3 10")
    node = nuke.nodes.TimeOffset()
    text, wanted = NUMBERS[name]
    node["time_offset"].fromScript(text)
    nuke.frame(7)
    assert node["time_offset"].getValue() == wanted


@pytest.mark.skipif(not CASES, reason="the shared scenes are not here")
@pytest.mark.parametrize("case", [c for c in CASES if c["file"].endswith(".nk")], ids=lambda c: Path(c["file"]).name)
def test_a_real_script_is_read_and_written_again(case: dict[str, Any], tmp_path: Path) -> None:
    """No node, knob or connection of it is lost by opening and saving it."""
    assert SCENES is not None
    install(plugin_path=sorted({str(gizmo.parent) for gizmo in (SCENES / "nuke").rglob("*.gizmo")}))
    import nuke

    nuke.scriptOpen(str(SCENES / case["file"]))
    before = _graph(nuke)
    nuke.scriptSaveToTemp(str(tmp_path / "again.nk"))
    nuke.scriptClear()
    nuke.scriptOpen(str(tmp_path / "again.nk"))
    assert _graph(nuke) == before
    assert len(before) >= len(list(nuke_files.load(SCENES / case["file"]).walk()))
    uninstall()


def _graph(nuke: Any) -> list[tuple[str, str, list[str], list[tuple[str, str]]]]:
    """Return all nodes; clones have the name of their original."""
    found = []
    for node in nuke.allNodes(recurseGroups=True):
        above = [source.name() if source is not None else "" for source in (node.input(i) for i in range(node.inputs()))]
        texts = sorted((name, knob._text) for name, knob in node.knobs().items() if knob._text)
        found.append((node.fullName(), node.Class(), above, texts))
    return sorted(found)


def _shot(nuke: Any, folder: Path) -> Any:
    write = nuke.nodes.Write(name="Out", inputs=[nuke.nodes.ColorBars()])
    write["file"].setValue(str(folder / "out.####.png").replace(os.sep, "/"))
    return write


def test_pictures_are_written_where_the_script_says(nuke: Any, tmp_path: Path) -> None:
    """One file a frame, real pictures, in a folder that must be there."""
    write = _shot(nuke, tmp_path / "frames")
    with pytest.raises(RuntimeError, match="Can't write"):
        nuke.execute(write, 3, 3)
    write["create_directories"].setValue(True)
    nuke.execute(write, 3, 7, 2)
    assert sorted(file.name for file in (tmp_path / "frames").iterdir()) == ["out.0003.png", "out.0005.png", "out.0007.png"]
    assert (tmp_path / "frames" / "out.0003.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_is_not_there_stops_the_render(nuke: Any, tmp_path: Path) -> None:
    """As `on_error error` says; a filter of file names may find it elsewhere."""
    write = _shot(nuke, tmp_path)
    read = nuke.nodes.Read(file="/nowhere/plate.%04d.png", first=1, last=10)
    write.setInput(0, read)
    with pytest.raises(RuntimeError, match=r"plate\.0004\.png"):
        nuke.execute(write, 4, 4)
    for frame in (4, 10):
        (tmp_path / f"plate.{frame:04d}.png").write_bytes(b"")
    nuke.addFilenameFilter(lambda name: name.replace("/nowhere", tmp_path.as_posix()))
    nuke.execute(write, 4, 4)
    nuke.execute(write, 12, 12)


def test_undo_takes_back_what_was_done(nuke: Any) -> None:
    """One step for a group of changes, none where Undo is disabled."""
    node = nuke.createNode("NoOp")
    steps = nuke.Undo.undoSize()
    with nuke.Undo("two changes"):
        node["label"].setValue("a")
        node["xpos"].setValue(50)
    nuke.Undo.disable()
    node["note_font"].setValue("Arial")
    nuke.Undo.enable()
    assert nuke.Undo.undoSize() == steps + 1
    nuke.undo()
    assert (node["label"].value(), node.xpos(), node["note_font"].value()) == ("", 0, "Arial")


SAVING: dict[str, tuple[Callable[[Any, str], object], bool, bool]] = {
    "its own file": (lambda n, _: n.scriptSave(), False, False),
    "another name": (lambda n, file: n.scriptSaveAs(file), True, False),
    "a copy to a temporary file": (lambda n, file: n.scriptSaveToTemp(file), False, True),
}


@pytest.mark.parametrize("name", SAVING)
def test_saving_changes_what_the_vendor_says(name: str, nuke: Any, tmp_path: Path) -> None:
    """The script's name with save-as, the modified flag with both ways to save, neither with a temporary copy."""
    own, other = str(tmp_path / "own.nk"), str(tmp_path / "other.nk")
    nuke.scriptSaveAs(own)
    nuke.createNode("NoOp")
    save, renamed, modified = SAVING[name]
    save(nuke, other)
    assert (nuke.scriptName(), nuke.modified()) == (other if renamed else own, modified)


def test_the_program_runs_a_script_as_nuke_does(tmp_path: Path) -> None:
    """NUKE_PATH's init.py first, arguments in sys.argv, a range at the end taken away, the script's exit code."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "init.py").write_text("import nuke\nnuke.knobDefault('Root.fps', '25')\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import nuke, sys\nprint(sys.argv[1:], nuke.GUI, nuke.knobDefault('Root.fps'), nuke.rawArgs[-1])\nsys.exit(3)\n"
    )
    run = _run(tmp_path, [str(script), "a", "1-20"], {"NUKE_PATH": str(tmp_path / "plugins")})
    assert run.stdout.splitlines()[-1] == "['a'] False 25 1-20"
    assert run.returncode == 3


def test_the_program_without_a_licence_says_so(tmp_path: Path) -> None:
    """With the exit code of Nuke, before anything is run."""
    run = _run(tmp_path, ["no such script"], {"FAKE_NUKE_LICENCE": "absent"})
    assert run.returncode == 100
    assert "LICENSE" in run.stderr


def _run(folder: Path, words: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = install_program(folder / "nuke")
    command = [str(program), "-t", *words]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False)


def test_a_session_is_a_new_nuke() -> None:
    """Nothing of the one before is left, and `import nuke` is the same module for whoever holds it."""
    first = install(gui=True)
    module = sys.modules["nuke"]
    session().root.setModified(True)
    second = install(gui=False)
    assert isinstance(first, Session)
    assert (second.modified, sys.modules["nuke"] is module, module.GUI) == (False, True, False)
    uninstall()
