"""Scenes in a `MemoryHost`, made as the compliance suite wants them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from conductor_plugins.memory_host import MemoryHost, MemoryNode

EXTENSION = ".scene"


@dataclass
class MemoryWorld:
    """A folder, and a host in it that may be a broken one."""

    folder: Path
    host: MemoryHost = field(default_factory=MemoryHost)
    extension: str = EXTENSION

    def new_scene(self, file: str) -> None:
        fresh = self.folder / f"fresh{EXTENSION}"
        fresh.write_text("scene")
        self.host.open(str(fresh))
        self.host.current = replace(self.host.current, path=file)
        if file:
            Path(file).write_text("scene")

    def open_scene(self, file: str) -> None:
        self.host.open(file)

    def change(self) -> None:
        self.host.edit(content=f"{self.host.content}+")

    def changes(self) -> int:
        return self.host.content.count("+")

    def undo(self) -> bool:
        self.host.undo()
        return True

    def undo_steps(self) -> int | None:
        return self.host.undo_steps()

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        written = os.path.relpath(file, os.path.dirname(self.host.current.path)) if relative else file
        return self._add(written)

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        return self._add(pattern)

    def remove(self, node: str) -> None:
        self.host.edit(nodes=tuple(n for n in self.host.nodes if n.name != node))

    def set_variable(self, name: str, value: str) -> None:
        self.host.variables = {**self.host.variables, name: value}

    def _add(self, file: str) -> str:
        name = f"file{len(self.host.nodes)}"
        self.host.edit(nodes=(*self.host.nodes, MemoryNode(name, file)))
        return name
