"""A Maya in which the compliance checks make scenes: the fake one, by the commands that an artist's clicks call."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conductor_plugins.host import Host
from fakes.maya_fake import MayaFake
from fakes.stub_reading import Stubs, StubsAbsent

_COUNT = "madeUpChanges"
_HOME = "changesOfTheTest"


@contextlib.contextmanager
def a_maya_alone() -> Iterator[None]:
    """Take the fake's modules, the adapter that imported them, and variables out again; skip where the stubs are absent."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    before, variables = dict(sys.modules), dict(os.environ)
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n.partition(".")[0] in ("maya", "conductor_maya")]:
            del sys.modules[name]
        sys.modules.update({n: m for n, m in before.items() if n.partition(".")[0] in ("maya", "conductor_maya")})
        os.environ.clear()
        os.environ.update(variables)


def adapter(fake: MayaFake) -> ModuleType:
    """Import the adapter anew, with the fake's modules in the place of Maya's: it must not keep those of another fake."""
    for name in [n for n in sys.modules if n == "conductor_maya" or n.startswith("conductor_maya.")]:
        del sys.modules[name]
    sys.modules.update(fake.modules)
    return importlib.import_module("conductor_maya.host")


class MayaWorld:
    """The fake Maya, with what an artist does by hand."""

    def __init__(self, folder: Path, extension: str = ".ma") -> None:
        """Begin in an empty folder; `extension`: of the scenes that the artist has, in text or binary."""
        self.folder, self.extension = folder, extension
        self.fake = MayaFake(folder / "project")
        self.host: Host = adapter(self.fake).MayaHost()
        self.cmds: Any = self.fake.cmds

    def new_scene(self, file: str) -> None:
        """Open a new scene: its one layer and the perspective camera are rendered."""
        self.cmds.file(newFile=True, force=True)
        self.cmds.setAttr("defaultRenderGlobals.animation", True)
        self.cmds.setAttr("defaultRenderGlobals.startFrame", 1)
        self.cmds.setAttr("defaultRenderGlobals.endFrame", 10)
        self.cmds.createNode("script", name=_HOME)
        self.cmds.addAttr(_HOME, longName=_COUNT, attributeType="long")
        self.cmds.flushUndo()
        if file:
            self.cmds.file(rename=file)
            self.cmds.file(save=True, type="mayaAscii" if self.extension == ".ma" else "mayaBinary")

    def open_scene(self, file: str) -> None:
        """Open a file."""
        self.cmds.file(file, open=True, force=True)

    def change(self) -> None:
        """Count up in an attribute."""
        self.cmds.setAttr(f"{_HOME}.{_COUNT}", self.changes() + 1)

    def changes(self) -> int:
        """Return the count."""
        return int(self.cmds.getAttr(f"{_HOME}.{_COUNT}") or 0) if self.cmds.objExists(f"{_HOME}.{_COUNT}") else 0

    def undo(self) -> bool:
        """Take one step back."""
        if not self.fake.session.undone:
            return False
        self.cmds.undo()
        return True

    def undo_steps(self) -> int | None:
        """Return the length of the queue; commands do not tell it, the fake does."""
        return len(self.fake.session.undone)

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a file texture; what is relative in Maya is relative to the project."""
        text = os.path.relpath(file, self.fake.session.root()).replace(os.sep, "/") if relative else file
        node = str(self.cmds.createNode("file", name=f"file{len(self.cmds.ls(type='file')) + 1}"))
        self.cmds.setAttr(f"{node}.fileTextureName", text, type="string")
        return node

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a file texture that reads a file per frame: the frame number comes from an expression, as Maya's window makes it."""
        node = self.add_texture(pattern.replace("####", f"{first:04d}"))
        self.cmds.setAttr(f"{node}.useFrameExtension", True)
        expression = self.cmds.createNode("expression", name=f"{node}_frame")
        self.cmds.setAttr(f"{expression}.internalExpression", ".O[0]=frame", type="string")
        self.cmds.connectAttr("time1.outTime", f"{expression}.time", force=True)
        self.cmds.connectAttr(f"{expression}.output[0]", f"{node}.frameExtension", force=True)
        return node

    def remove(self, node: str) -> None:
        """Delete a node."""
        self.cmds.delete(node)

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of this process: Maya's `putenv` is the process's own."""
        os.environ[name] = value
