"""The type checker knows what Maya, Nuke and Houdini have: it finds planted errors, and none in our adapters.

The stubs are those that others have published, made from the vendors' own documentation; of Maya there are two, by two authors.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
STRICT = REPO / ".conductor" / "stubs" / "maya-strict"
#: wrong calls, and what is wrong with each; a line with `fine` is right
MAYA = [
    ("cmds.lsx(type='file')", "no such command"),
    ("cmds.ls(typo='file')", "no such flag"),
    ("cmds.file(query='yes', sceneName=True)", "a flag of another kind"),
    ("cmds.workspace(2.5, query=True)", "an argument of another kind"),
    ("OpenMaya.MGlobal.displayInform('x')", "no such method"),
    ("OpenMaya.MSceneMessage.kAfterOpenn", "no such constant"),
    ("OpenMaya.MFileObjects()", "no such class"),
    ("cmds.ls(type='file')", "fine"),
    ("cmds.file(query=True, sceneName=True)", "fine"),
    ("OpenMaya.MGlobal.displayInfo('x')", "fine"),
]
NUKE = [
    ("nuke.allNode('Read')", "no such function"),
    ("nuke.scriptSaveAs(file='a.nk')", "no such argument"),
    ("nuke.root().firstFrames()", "no such method"),
    ("nuke.execute(1, 2, 3, 4, 5, 6, 7)", "too many arguments"),
    ("nuke.Undo.starts()", "no such static method"),
    ("nuke.NUKE_VERSION", "no such constant"),
    ("nuke.allNodes('Read')", "fine"),
    ("nuke.root().firstFrame()", "fine"),
]
HOU = [
    ("hou.fileReference()", "no such function"),
    ("hou.hipFile.pathh()", "no such method"),
    ("hou.node('/out').parm(3)", "an argument of another kind"),
    ("hou.setFrame('x')", "an argument of another kind"),
    ("hou.playbar.frameRanges()", "no such method"),
    ("hou.RopNodes", "no such class"),
    ("hou.RopNode.render(1, 2, 3, 4)", "too many arguments"),
    ("hou.fileReferences()", "fine"),
    ("hou.hipFile.path()", "fine"),
]
IMPORTS = {"maya": "from maya import cmds\nfrom maya.api import OpenMaya", "nuke": "import nuke", "hou": "import hou"}
CASES = {"maya": MAYA, "nuke": NUKE, "hou": HOU}


def checked(*words: str, python: Path | None = None, cache: Path) -> str:
    """Run the type checker, strict, on some files and return what it says."""
    own = ["--python-executable", str(python)] if python is not None else []
    # nothing of ours on the path but what the files need, and no settings: the stubs alone are asked
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-error-summary", "--cache-dir", str(cache)]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(str(REPO / name) for name in ("core", "plugins", "maya"))}
    ran = subprocess.run(
        [*command, *own, "--explicit-package-bases", "--namespace-packages", *words],
        capture_output=True, text=True, env=environment, cwd=cache.parent, timeout=500, check=False,
    )  # fmt: skip
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout


def wrong_lines(folder: Path, name: str, *, python: Path | None = None) -> set[str]:
    """Return the planted lines of a host that the type checker refuses."""
    lines = [text for text, _ in CASES[name]]
    head = IMPORTS[name].count("\n") + 1
    file = folder / f"planted_{name}.py"
    file.write_text("\n".join([IMPORTS[name], *lines]) + "\n")
    said = checked(str(file), python=python, cache=folder / "cache")
    numbers = {int(m[1]) - head for m in re.finditer(rf"planted_{name}\.py:(\d+): error", said)}
    assert not {n for n in numbers if n < 1}, said
    return {lines[n - 1] for n in numbers}


@pytest.mark.parametrize("name", CASES)
def test_planted_errors_are_found(name: str, tmp_path: Path) -> None:
    """Each wrong call is refused by the published stubs, and no right one."""
    assert wrong_lines(tmp_path, name) == {text for text, why in CASES[name] if why != "fine"}


def test_the_second_stubs_of_maya_find_them_too(tmp_path: Path, require: Callable[[object, str], None]) -> None:
    """Another author's reading of Maya's documentation refuses what it can know, and nothing that is right."""
    require(STRICT.exists(), "the other stubs of Maya are not installed")
    found = wrong_lines(tmp_path, "maya", python=STRICT / "bin" / "python")
    assert len(found) >= 5
    assert found <= {text for text, why in MAYA if why != "fine"}


def test_our_adapter_of_maya_agrees_with_the_second_stubs(tmp_path: Path, require: Callable[[object, str], None]) -> None:
    """What the first stubs let pass and the second do not is a call that Maya may refuse."""
    require(STRICT.exists(), "the other stubs of Maya are not installed")
    files = sorted(str(path) for path in (REPO / "maya" / "conductor_maya").rglob("*.py"))
    said = checked(*files, "--ignore-missing-imports", python=STRICT / "bin" / "python", cache=tmp_path / "cache")
    ours = [line for line in said.splitlines() if "conductor_maya" in line and "[import" not in line]
    calls = [line for line in ours if re.search(r"\[(attr-defined|call-arg|call-overload|arg-type)\]", line)]
    assert calls == []
