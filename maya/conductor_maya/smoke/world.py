"""Scenes for the compliance suite, made in the Maya that this runs in as an artist makes them by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from conductor_plugins.compliance.check import CannotBeTried
from conductor_plugins.host import Host

from conductor_maya.host import MayaHost
from maya import cmds

_COUNTER = "smokeCounter"


class MayaWorld:
    """A `conductor_plugins.compliance.world.HostWorld` for the real Maya."""

    extension = ".ma"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host: Host = MayaHost()

    def new_scene(self, file: str) -> None:
        """Open a new scene with one step to render and the frame range 1-10, saved as `file`; "": never saved."""
        cmds.file(newFile=True, force=True)
        # without a window undo is off at first
        cmds.undoInfo(state=True)
        for name, value in (("animation", 1), ("startFrame", 1), ("endFrame", 10)):
            _set(f"defaultRenderGlobals.{name}", value)
        _set("perspShape.renderable", 1)
        if file:
            cmds.file(rename=file.replace("\\", "/"))
            cmds.file(save=True, type="mayaAscii")

    def open_scene(self, file: str) -> None:
        """Open a file in place of what is open, without a question."""
        cmds.file(file.replace("\\", "/"), open=True, force=True)

    def change(self) -> None:
        """Change something that can be undone."""
        cmds.createNode("transform", name=f"{_COUNTER}1")

    def changes(self) -> int:
        """Return how often that was done."""
        return len(cmds.ls(f"{_COUNTER}*"))

    def undo(self) -> bool:
        """Take one step back."""
        if not cmds.undoInfo(query=True, state=True):
            raise CannotBeTried("Undo is switched off in this Maya.")
        cmds.undo()
        return True

    def undo_steps(self) -> int | None:
        """Maya tells the name of the next step alone."""
        return None

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a file texture."""
        path = os.path.relpath(file, self.folder / "project") if relative else file
        return self._texture(path)

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a file texture whose image changes with time, by the expression that Maya itself makes for it."""
        del last  # Maya goes by the frame alone
        node = self._texture(pattern.replace("####", f"{first:04d}"))
        _set(f"{node}.useFrameExtension", 1)
        cmds.expression(string=f"{node}.frameExtension=frame")
        return node

    def remove(self, node: str) -> None:
        """Remove a node."""
        cmds.delete(node)

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of Maya's process."""
        os.environ[name] = value

    def _texture(self, path: str) -> str:
        node = str(cmds.createNode("file"))
        cmds.setAttr(f"{node}.fileTextureName", path.replace("\\", "/"), type="string")
        return node


def _set(plug: str, value: int) -> None:
    """Set a number; the stubs have `setAttr` take texts alone."""
    cmds.setAttr(plug, cast("str", value))
