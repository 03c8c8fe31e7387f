"""The compliance suite's world in the fake Nuke: scripts are made as an artist makes them, by Nuke's own functions."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from conductor_plugins.host import Host
from fakes.nuke_fake import install
from fakes.nuke_session import Unsure, session

#: the documented reading, and the opposite of each of its doubts
READINGS = {
    "as documented": Unsure(),
    "the other way": Unsure(**{field.name: not field.default for field in fields(Unsure)}),
}


class NukeWorld:
    """A Nuke with a window, started anew for each check."""

    extension = ".nk"

    def __init__(self, folder: Path, unsure: Unsure | None = None, make_host: Callable[[], Host] | None = None) -> None:
        self.folder = folder
        install(gui=True, unsure=unsure or Unsure())
        self._host = (make_host or adapter)()

    @property
    def host(self) -> Host:
        """The adapter."""
        return self._host

    @property
    def _nuke(self) -> Any:
        import nuke

        return nuke

    def new_scene(self, file: str) -> None:
        """Open a script with one write node."""
        nuke = self._nuke
        nuke.scriptClear()
        nuke.root()["first_frame"].setValue(1)
        nuke.root()["last_frame"].setValue(10)
        write = nuke.createNode("Write", inpanel=False)
        write["file"].setValue(str(self.folder / "project" / "renders" / "shot.%04d.exr").replace(os.sep, "/"))
        self._add("NoOp", "changes", {})
        session().history.done.clear()
        if file:
            nuke.scriptSaveAs(file, 1)
        nuke.modified(False)

    def open_scene(self, file: str) -> None:
        """Open a script in place of what is open."""
        self._nuke.scriptClear()
        self._nuke.scriptOpen(file)

    def change(self) -> None:
        """Move a node, as an artist does."""
        node = self._nuke.toNode("changes")
        node["label"].setValue(str(self.changes() + 1))

    def changes(self) -> int:
        """Return how often it was moved."""
        node = self._nuke.toNode("changes")
        return int(node["label"].getText() or 0) if node is not None else 0

    def undo(self) -> bool:
        """Take one step back."""
        self._nuke.undo()
        return True

    def undo_steps(self) -> int | None:
        """Return how many steps can be undone."""
        return int(self._nuke.Undo.undoSize())

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a read node; relative is relative to the script by the project directory."""
        if relative:
            home = os.path.dirname(self._nuke.root()["name"].getValue())
            self._nuke.root()["project_directory"].setValue("[python {nuke.script_directory()}]")
            file = os.path.relpath(file, home)
        return self._add("Read", "", {"file": file.replace(os.sep, "/")})

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a read node of a sequence."""
        return self._add("Read", "", {"file": pattern.replace(os.sep, "/"), "first": first, "last": last})

    def remove(self, node: str) -> None:
        """Delete a node."""
        self._nuke.delete(self._nuke.toNode(node))

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of the process."""
        os.environ[name] = value

    def manage_colours(self) -> None:
        """Have colours managed by OCIO, which a new script does not."""
        self._nuke.root()["colorManagement"].setValue("OCIO")

    def _add(self, kind: str, name: str, knobs: dict[str, object]) -> str:
        node = getattr(self._nuke.nodes, kind)(**({"name": name} if name else {}))
        for knob, value in knobs.items():
            node[knob].setValue(value)
        return str(node.name())


def adapter() -> Host:
    """Return the adapter, made as the menu makes it."""
    from conductor_nuke.host import NukeHost

    return NukeHost()
