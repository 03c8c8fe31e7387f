"""The smoke test for those who have Nuke: it tries each call that our code makes, and goes through where Nuke is as documented."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_plugins.compliance.check import Outcome
from fakes.nuke_fake import install, uninstall
from fakes.nuke_session import RECORD, STUBS

PACKAGE = Path(__file__).parents[2] / "nuke" / "conductor_nuke"
#: names of the stubs that our code gives to things of its own or of Python's
_NOT_NUKES = frozenset(
    [
        "__init__",
        "add",
        "append",
        "ask",
        "clear",
        "copy",
        "enabled",
        "frames",
        "get",
        "group",
        "height",
        "import_module",
        "index",
        "items",
        "layers",
        "load",
        "name",
        "path",
        "register",
        "remove",
        "show",
        "type",
        "update",
        "value",
        "values",
        "width",
    ]
)


@pytest.fixture(autouse=True)
def no_nuke_after() -> Iterator[None]:
    """Other tests do not find this Nuke."""
    yield
    uninstall()


def names(*files: Path) -> dict[str, str]:
    """Return what is asked of Nuke's module and of its objects, with where it stands first."""
    known = stubbed()
    found: dict[str, str] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in known:
                of_module = isinstance(node.value, ast.Name) and node.value.id == "nuke"
                if of_module or node.attr not in _NOT_NUKES:
                    found.setdefault(node.attr, f"{file.name}, line {node.lineno}")
    return found


def stubbed() -> frozenset[str]:
    """Return all names of functions, constants, classes and methods that the stubs have."""
    found: set[str] = set()
    folder = Path(STUBS.folder)
    for file in folder.glob("*.pyi"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def test_each_call_of_the_adapter_is_tried() -> None:
    """What the adapter and its rendering ask of Nuke is asked by the smoke test, too."""
    ours = names(*(f for f in PACKAGE.glob("*.py")))
    tried = names(*(PACKAGE / "smoke").glob("*.py"))
    assert {"writeKnobs", "scriptSaveToTemp", "getEvaluatedValue", "showDag"} <= set(ours), "nothing is seen"
    assert {name: place for name, place in ours.items() if name not in tried} == {}


@pytest.mark.parametrize("gui", [False, True], ids=["terminal", "window"])
def test_it_goes_through(gui: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a Nuke that does what its pages say nothing fails; what cannot be tried is said."""
    install(gui=gui)
    from conductor_nuke import docking
    from conductor_nuke.smoke import report

    monkeypatch.setattr(docking, "show", lambda: None)
    if gui:  # the suite was gone through without one, and it takes its time
        monkeypatch.setattr(report, "complied", lambda *_: [])
    code = report.run()
    lines = capsys.readouterr().out.splitlines()
    assert (code, [line for line in lines if line.startswith("FAILED")]) == (0, [])
    assert (RECORD.refused, RECORD.unknown) == ([], [])


def test_it_tells_what_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A Nuke without a function that is asked for: its line says so, and the rest is tried all the same."""
    install(gui=False)
    import nuke

    def refuse(file: str) -> str:
        raise RuntimeError(f"no room for {file}")

    from conductor_nuke.smoke import report

    monkeypatch.setattr(nuke, "scriptSaveToTemp", refuse)
    monkeypatch.setattr(report, "complied", lambda *_: [Outcome("a_check", "a promise", "it is broken")])
    assert report.run() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("FAILED    scriptSaveToTemp: RuntimeError: no room for ")]
    assert "FAILED    a_check: it is broken" in lines
    assert [line for line in lines if line.startswith("ok        scriptSave:")]


def test_unsaved_work_is_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    """With a window, and a script in it that was changed, it does nothing and says why."""
    install(gui=True)
    from conductor_nuke.smoke import report

    import nuke

    nuke.createNode("NoOp", inpanel=False).setName("work")
    nuke.root().setModified(True)
    assert report.run() == 2
    assert "unsaved changes" in capsys.readouterr().out
    assert nuke.toNode("work") is not None
