"""The script for those who have a licence: it runs to its end, says what failed, and its report can be sent back."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.maya_fake import MayaFake
from fakes.maya_program import install
from fakes.stub_reading import Stubs, StubsAbsent
from hosts.maya_world import a_maya_alone, adapter


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[MayaFake]:
    with a_maya_alone():
        fake = MayaFake(tmp_path)
        adapter(fake)
        yield fake


def report() -> Any:
    return importlib.import_module("conductor_maya.smoke.report")


@pytest.fixture
def calls_alone(fake: MayaFake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the compliance suite out: it is slow, and one test runs it."""
    monkeypatch.setattr("conductor_maya.smoke.report.complied", lambda *_: ())


def lines(text: str, verdict: str) -> dict[str, str]:
    """Return what was tried with a verdict, and what came of it."""
    told = [line[10:] for line in text.splitlines() if line.startswith(verdict)]
    return {what: said for what, _, said in (line.partition(": ") for line in told)}


def test_it_runs_to_its_end(fake: MayaFake, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each call is tried, and all promises of a host; frames are rendered by a mayapy of its own."""
    monkeypatch.setattr(sys, "executable", str(install(tmp_path / "bin")))
    report().run()
    text = capsys.readouterr().out
    failed = lines(text, "FAILED")
    assert failed == {}
    assert len(lines(text, "ok")) > 70
    assert fake.record.refused == []
    assert "snapshot_leaves_no_trace" in lines(text, "ok")
    assert text.splitlines()[0].startswith("Conductor's smoke test in Maya 2025")


def test_what_maya_answers_otherwise_is_said(
    fake: MayaFake, calls_alone: None, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of another kind is a failure, with what it was, and the script ends with 1."""
    monkeypatch.setitem(vars(fake.cmds), "allNodeTypes", lambda: None)
    assert report().run() == 1
    assert lines(capsys.readouterr().out, "FAILED")["allNodeTypes"].startswith("NoneType")


def test_what_maya_refuses_is_said(fake: MayaFake, calls_alone: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of Maya are in the report, and what comes after is tried all the same."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Invalid flag 'usedAsFilename'")

    monkeypatch.setitem(vars(fake.cmds), "listAttr", refuse)
    assert report().run() == 1
    text = capsys.readouterr().out
    assert "Invalid flag 'usedAsFilename'" in lines(text, "FAILED")["listAttr -usedAsFilename"]
    assert "save" in lines(text, "ok")


def test_entry_script_starts_maya(fake: MayaFake, calls_alone: None, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """In a Maya that is there already (the Script Editor) it finds its own folder by the variable, and does not end the program."""
    file = Path(__file__).resolve().parents[2] / "maya" / "smoke.py"
    monkeypatch.setenv("CONDUCTOR_MAYA", str(file))
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"__name__": "__main__"})
    assert "failed. Please send all of this back" in capsys.readouterr().out


def test_unsaved_work_is_not_touched(fake: MayaFake, calls_alone: None, capsys: Any) -> None:
    """With a window, and a scene in it that was changed, it does nothing and says why."""
    fake.session.batch = False
    node = fake.cmds.createNode("transform", name="work")
    assert report().run() == 2
    assert "unsaved changes" in capsys.readouterr().out
    assert fake.cmds.objExists(node)


def test_project_and_scene_of_the_test_do_not_stay(fake: MayaFake, calls_alone: None, capsys: Any) -> None:
    """Afterwards a new scene is open, in the project that was set before."""
    before = fake.cmds.workspace(query=True, rootDirectory=True)
    report().run()
    assert fake.cmds.workspace(query=True, rootDirectory=True) == before
    assert fake.cmds.file(query=True, sceneName=True) == ""


def test_a_clone_is_enough(tmp_path: Path) -> None:
    """`mayapy smoke.py` runs in a clone, where the packages of an installation (qtpy) are not."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    repo = Path(__file__).resolve().parents[2]
    words = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'qtpy' else real(name, *a)\n"
        f"sys.path.insert(0, {str(repo / 'tests')!r})\n"
        "import conductor_plugins.compliance.check as check\n"
        "check.complied = lambda *_: ()\n"
        "from fakes.maya_program import main\n"
        f"sys.exit(main('2025', [{str(repo / 'maya' / 'smoke.py')!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "Please send all of this back" in done.stdout, done.stderr
    assert "ok        ls -type" in done.stdout
