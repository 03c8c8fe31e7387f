"""The compliance suite's world in a real Nuke: scripts are made as an artist makes them."""

from __future__ import annotations

import os
from pathlib import Path

from conductor_plugins.compliance.check import CannotBeTried

import nuke
from conductor_nuke.host import NukeHost
from conductor_nuke.script import script_path

_COUNTER = "changes"


class NukeWorld:
    """Closes what is open, and makes scripts in a folder of its own."""

    extension = ".nk"

    def __init__(self, folder: Path) -> None:
        """Begin with an empty script."""
        self.folder = folder
        self.host = NukeHost()
        nuke.scriptClear()

    def new_scene(self, file: str) -> None:
        """Open a new script that goes from 1 to 10 and writes a picture."""
        nuke.scriptClear()
        nuke.root()["first_frame"].setValue(1)
        nuke.root()["last_frame"].setValue(10)
        write = nuke.createNode("Write", inpanel=False)
        write["file"].setValue((self.folder / "renders" / "shot.%04d.exr").as_posix())
        counter = nuke.createNode("NoOp", inpanel=False)
        counter.setName(_COUNTER)
        if file:
            nuke.scriptSaveAs(file, 1)
        nuke.root().setModified(False)

    def open_scene(self, file: str) -> None:
        """Open a file in place of what is open."""
        nuke.scriptClear()
        nuke.scriptOpen(file)

    def change(self) -> None:
        """Write a number in a node's label, as a step to undo."""
        with nuke.Undo():
            self._counter()["label"].setValue(str(self.changes() + 1))
        nuke.root().setModified(True)

    def changes(self) -> int:
        """Return the number."""
        return int(str(self._counter()["label"].value() or 0))

    def undo(self) -> bool:
        """Take one step back."""
        nuke.undo()
        return True

    def undo_steps(self) -> int | None:
        """Return how many steps can be undone."""
        return int(nuke.Undo.undoSize())

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a Read; relative is relative to the project directory, which is the script's folder."""
        if relative:
            nuke.root()["project_directory"].setValue("[python {nuke.script_directory()}]")
            file = os.path.relpath(file, os.path.dirname(script_path()))
        return self._read(file, 1, 1)

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a Read of a sequence."""
        return self._read(pattern, first, last)

    def remove(self, node: str) -> None:
        """Delete a node."""
        nuke.delete(nuke.toNode(node))

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of Nuke's process."""
        os.environ[name] = value

    def _read(self, file: str, first: int, last: int) -> str:
        read = nuke.createNode("Read", inpanel=False)
        read["file"].setValue(file.replace("\\", "/"))
        read["first"].setValue(first)
        read["last"].setValue(last)
        return str(read.name())

    def _counter(self) -> nuke.Node:
        node = nuke.toNode(_COUNTER)
        if node is None:
            raise CannotBeTried("the script has lost the node that counts its changes")
        return node
