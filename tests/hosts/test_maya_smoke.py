"""The script for those who have a licence: it runs to its end, says what failed, and its report can be sent back."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.maya_fake import MayaFake
from fakes.maya_program import install
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
