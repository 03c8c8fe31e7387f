"""The fake Houdini as a `HostWorld`: what an artist does by hand, for the compliance checks of the Houdini host."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

from conductor_plugins.host import Host
from fakes.houdini_fake import hou
from fakes.houdini_session import RECORD, WORLD

_COUNT = "made_up_changes"
_CAREFUL = re.compile(r"(?:getattr|hasattr)\(\w+, \"(\w+)\"")


class HoudiniWorld:
    """Houdini with a window, a new scene in it."""

    extension = ".hip"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hou: Any = hou()
        self.new_scene("")
        self.host: Host = importlib.import_module("conductor_houdini.host").HoudiniHost()

    def new_scene(self, file: str) -> None:
        """Open a new scene with a camera, a Mantra node and a geometry object."""
        self._hou.hipFile.clear(suppress_save_prompt=True)
        self._hou.playbar.setFrameRange(1, 10)
        self._hou.node("/obj").createNode("cam", "cam1")
        self._hou.node("/obj").createNode("geo", "geo1")
        self._hou.node("/mat").createNode("subnet", "textures")
        mantra = self._hou.node("/out").createNode("ifd", "mantra1")
        mantra.parm("trange").set("normal")
        if file:
            self._hou.hipFile.save(file)
        else:
            self._forget_changes()

    def _forget_changes(self) -> None:
        """A scene that nobody touched is not modified, and has nothing to undo."""
        self._hou.undos.clear()
        WORLD.modified = False

    def open_scene(self, file: str) -> None:
        """Open a file."""
        self._hou.hipFile.load(file, suppress_save_prompt=True)

    def change(self) -> None:
        """Count up in the comment of a node, as a step that can be undone."""
        self._node().setComment(f"{_COUNT} {self.changes() + 1}")

    def changes(self) -> int:
        """Return the count."""
        comment = self._node().comment() if self._hou.node("/obj/geo1") else ""
        return int(comment.rpartition(" ")[2] or 0)

    def _node(self) -> Any:
        return self._hou.node("/obj/geo1")

    def undo(self) -> bool:
        """Take one step back."""
        return bool(self._hou.undos.performUndo())

    def undo_steps(self) -> int | None:
        """Return how many steps can be undone."""
        return len(self._hou.undos.undoLabels())

    def add_texture(self, file: str, *, relative: bool = False) -> str:
        """Add a principled shader with a base colour from a picture."""
        stored = f"$HIP/{os.path.relpath(file, os.path.dirname(WORLD.file))}" if relative else file
        return self._shader(stored.replace(os.sep, "/"))

    def add_sequence(self, pattern: str, first: int, last: int) -> str:
        """Add a shader that reads one picture per frame."""
        return self._shader(pattern.replace("####", "$F4"))

    def _shader(self, text: str) -> str:
        node = self._hou.node("/mat").createNode("principledshader::2.0", "wood1")
        node.setParms({"basecolor_useTexture": 1, "basecolor_texture": text})
        return str(node.path())

    def remove(self, node: str) -> None:
        """Remove a node."""
        self._hou.node(node).destroy()

    def set_variable(self, name: str, value: str) -> None:
        """Set a variable of this process."""
        os.environ[name] = value


def refusals() -> list[str]:
    """Return what Houdini's stub refused, but for names that the adapter asks for with care (`getattr(node, "…", None)`)."""
    folder = Path(__file__).resolve().parents[2] / "houdini" / "conductor_houdini"
    careful = {name for file in folder.glob("*.py") for name in _CAREFUL.findall(file.read_text(encoding="utf-8"))}
    return [text for text in RECORD.refused if not any(re.search(rf"\.{name} \(stub", text) for name in careful)]
