"""How the checks make scenes in a host: what an artist does by hand, the adapter's tests do here."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from conductor_plugins.host import Host


class HostWorld(Protocol):
    """A host in which scenes can be made. Each check gets a new one, with a folder of its own."""

    @property
    def folder(self) -> Path:
        """The folder that was given: empty at first, and writable."""
        ...

    @property
    def extension(self) -> str:
        """Of the host's scene files, with the dot."""
        ...

    @property
    def host(self) -> Host:
        """The host that is checked."""
        ...

    def new_scene(self, file: str) -> None:
        """Open a new scene with one step to render and the frame range 1-10, saved as `file`; "": never saved."""
        ...

    def open_scene(self, file: str) -> None:
        """Open a file in place of what is open, without a question."""
        ...

    def change(self) -> None:
        """Change something in the scene as an artist does: it can be undone, and the scene counts as modified."""
        ...

    def changes(self) -> int:
        """Return how often `change` was done to what is open, as the scene itself tells."""
        ...

    def undo(self) -> bool:
        """Take one step back; tell whether this host can do that here (some cannot without a window)."""
        ...

    def undo_steps(self) -> int | None:
        """Return how many steps can be undone; None where the host does not tell."""
        ...

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a node that reads a picture, its path stored as it is or relative to the scene; return the node's name."""
        ...

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a node that reads `pattern` (`####` for the frame), one file per frame of the scene; return its name."""
        ...

    def remove(self, node: str) -> None:
        """Remove a node."""
        ...

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable in the environment of the host's process."""
        ...
