"""The trial for those who have a Houdini (houdini/smoke.py) tries every call that the adapter makes, and runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.stub_reading import Stubs, StubsAbsent

REPO = Path(__file__).resolve().parents[2]
PACKAGE = REPO / "houdini" / "conductor_houdini"
TRIAL = ("trial.py", "trial_calls.py", "trial_farm.py", "trial_window.py", "trial_world.py")
#: methods of Python's own types, which say nothing of Houdini
PLAIN = set().union(*(dir(kind) for kind in (str, dict, list, tuple, set, bytes, re.Match)))


@pytest.fixture(scope="module")
def methods() -> frozenset[str]:
    """All methods of Houdini's classes."""
    try:
        stubs = Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    tree = ast.parse((stubs.folder / "__init__.pyi").read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = {member.name for one in classes for member in one.body if isinstance(member, ast.FunctionDef)}
    return frozenset(name for name in names if not name.startswith("_")) - PLAIN


def names_of_hou(tree: ast.AST) -> set[str]:
    """Return what code names of `hou`, whole chains: `hipFile.save`, `exprLanguage.Python`."""
    found = set()
    for node in ast.walk(tree):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if parts and isinstance(inner, ast.Name) and inner.id == "hou":
            found.add(".".join(reversed(parts)))
    return found


def calls(tree: ast.AST, methods: frozenset[str]) -> set[str]:
    """Return the methods that code calls and that Houdini's classes have; those of modules and of itself are others."""
    modules = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    others = (modules - {"hou"}) | {"self", "scene", "settings", "host", "ask", "libraries", "facts"}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            root: ast.AST = node.func.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if not (isinstance(root, ast.Name) and root.id in others):
                found.add(node.func.attr)
    return found


def mentioned(tree: ast.AST) -> set[str]:
    """Return every attribute that code names: the trial hands methods on, to be called elsewhere."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def parsed(files: list[Path]) -> list[ast.AST]:
    return [ast.parse(file.read_text(encoding="utf-8")) for file in files]


def test_every_call_is_tried(methods: frozenset[str]) -> None:
    """What adapter and render.py name of `hou`, and each method that they call, stands in the trial as well."""
    own = [file for file in sorted(PACKAGE.glob("*.py")) if file.name not in TRIAL]
    own += [file for file in [REPO / "houdini" / "render.py"] if file.exists()]
    trial = parsed([PACKAGE / name for name in TRIAL])
    tried = set().union(*map(names_of_hou, trial))
    named = set().union(*map(names_of_hou, parsed(own)))
    assert sorted(named - tried) == []
    tried_calls = set().union(*map(mentioned, trial))
    assert sorted(set().union(*(calls(tree, methods) for tree in parsed(own))) - tried_calls) == []


def test_it_would_be_seen(methods: frozenset[str]) -> None:
    """A call that the trial lacks is found by that comparison."""
    planted = ast.parse("import hou\nhou.hipFile.merge('x')\nhou.node('/obj').moveToGoodPosition()")
    assert "hipFile.merge" in names_of_hou(planted)
    assert "moveToGoodPosition" in calls(planted, methods)
    trial = parsed([PACKAGE / name for name in TRIAL])
    assert "hipFile.merge" not in set().union(*map(names_of_hou, trial))
    assert "moveToGoodPosition" not in set().union(*map(mentioned, trial))


@pytest.fixture
def houdini(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The fake Houdini without a window, its temporary folder in the test's own."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    from fakes.houdini_fake import hou
    from fakes.houdini_session import WORLD

    monkeypatch.setitem(sys.modules, "hou", hou())
    monkeypatch.syspath_prepend(str(REPO / "houdini"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    WORLD.clear()
    WORLD.graphical = False
    yield hou()
    WORLD.clear()
    WORLD.graphical = True


#: what the fake has no behaviour for
UNKNOWN = ("hou.LopNode: isDisplayFlagSet(), needsToCook(), stage()",)


def test_it_runs(houdini: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The trial runs to its end in hython, nothing in it fails but what the fake does not know, and its report is kept."""
    from conductor_houdini import trial

    monkeypatch.setattr(trial, "compliance", lambda _folder: ["  kept    all"])
    trial.run()
    said = capsys.readouterr().out
    failed = [line for line in said.splitlines() if line.startswith("  FAILED")]
    assert [line for line in failed if not any(name in line for name in UNKNOWN)] == []
    report = Path(said.rpartition("Please send ")[2].partition(" back.")[0])
    assert report.read_text(encoding="utf-8").startswith("Conductor's trial in Houdini ")


def test_a_clone_is_enough(tmp_path: Path) -> None:
    """`hython smoke.py` runs in a clone, where the packages of an installation (qtpy) are not."""
    try:
        Stubs.installed("hou-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    words = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'qtpy' else real(name, *a)\n"
        f"sys.path.insert(0, {str(REPO / 'tests')!r})\n"
        "import conductor_plugins.compliance.check as check\n"
        "check.complied = lambda *_: ()\n"
        "from fakes.houdini_program import main\n"
        f"sys.exit(main([{str(REPO / 'houdini' / 'smoke.py')!r}]))\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert "report.txt back" in done.stdout, done.stderr
    assert "  ok      hou.isUIAvailable()" in done.stdout


def test_unsaved_work_is_not_touched(houdini: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With a window, and a scene in it that was changed, it does nothing and says why."""
    from conductor_houdini import trial
    from fakes.houdini_session import WORLD

    WORLD.graphical = True
    houdini.node("/obj").createNode("null", "work")
    assert trial.run() == 2
    assert "unsaved changes" in capsys.readouterr().out
    assert houdini.node("/obj/work") is not None


def test_a_promise_that_is_broken_is_told(houdini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says of each promise whether it is kept, broken or could not be tried."""
    from conductor_houdini import trial
    from conductor_plugins.compliance import check
    from conductor_plugins.compliance.check import Outcome

    outcomes = [
        Outcome("a", "one"),
        Outcome("b", "two", problem="it is not"),
        Outcome("scene_is_told", "three", problem="modified"),
    ]
    monkeypatch.setattr(check, "complied", lambda _world, _folder: outcomes)
    assert [line.split()[0] for line in trial.compliance(tmp_path)] == ["kept", "BROKEN", "untried"]
