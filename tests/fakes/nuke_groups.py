"""Groups of the fake Nuke, the root among them (nuke.Group, nuke.Gizmo, nuke.Precomp, nuke.LiveGroup, nuke.Root)."""

# mypy: disable-error-code="override"
# the host's own classes narrow what they take over
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakes.nuke_finding import by_name
from fakes.nuke_frames import node_class
from fakes.nuke_nodes import Node
from fakes.nuke_session import session


@node_class
class Group(Node):
    """A node with nodes in it."""

    _children: list[Node]

    def _child(self, name: str) -> Node | None:
        return next((node for node in self._children if node._name == name), None)

    def nodes(self) -> list[Node]:
        self._check()
        return list(self._children)

    def numNodes(self) -> int:
        return len(self.nodes())

    def node(self, s: str) -> Node | None:
        self._check()
        return by_name(s, self)

    def begin(self) -> Group:
        self._check()
        session().groups.append(self)
        return self

    def end(self) -> None:
        session().groups.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, type: object, value: object, traceback: object) -> Any:
        self.end()

    def run(self, callable: Callable[[], Any]) -> Any:
        with self:
            return callable()

    def output(self) -> Node | None:
        return next((node for node in self._children if node._kind == "Output"), None)

    def selectedNodes(self) -> list[Node]:
        return [node for node in self.nodes() if node.isSelected()]


@node_class
class Gizmo(Group):
    """A group that a file defines; its nodes are not in the script."""

    _file: str

    def filename(self) -> str:
        self._check()
        return self._file

    def command(self) -> str:
        self._check()
        return self._kind


@node_class
class Precomp(Group):
    """A group whose nodes come from another script."""

    def reload(self) -> None:
        from fakes.nuke_scripts import fill_precomp

        fill_precomp(self)


@node_class
class LiveGroup(Precomp):
    """A group that is published to a file, and may be edited in the script."""

    def published(self) -> bool:
        return self._at("published", session().here()) != 0

    def modified(self) -> bool:
        return False


@node_class
class BackdropNode(Node):
    """A coloured field behind nodes."""


@node_class
class Viewer(Node):
    """What shows pictures."""


@node_class
class Root(Group):
    """The script itself."""

    def _views(self) -> list[str]:
        return [line.split(" ")[0] for line in self._knobs["views"]._text.split("\n") if line.strip()] or ["main"]

    def name(self) -> str:
        return self._knobs["name"]._text or "Root"

    def fullName(self) -> str:
        return "root"

    def firstFrame(self) -> int:
        return int(self._at("first_frame", session().here()))

    def lastFrame(self) -> int:
        return int(self._at("last_frame", session().here()))

    def fps(self) -> int:
        return int(self._at("fps", session().here()))

    def realFps(self) -> float:
        return self._at("fps", session().here())

    def modified(self) -> bool:
        return session().modified

    def setModified(self, modified: bool) -> None:
        session().modified = modified

    def proxy(self) -> bool:
        return bool(self._at("proxy", session().here()))

    def setProxy(self, proxy: bool) -> None:
        self._knobs["proxy"]._change("true" if proxy else "false")

    def setFrame(self, frame: float) -> None:
        session().frame = frame

    def setView(self, view: str) -> None:
        session().view = view

    def addView(self, view: str, *colour: str) -> None:
        knob = self._knobs["views"]
        knob._change(f"{knob._text}\n{view} #ffffff")

    def deleteView(self, view: str) -> None:
        lines = [line for line in self._knobs["views"]._text.split("\n") if line.split(" ")[0] != view]
        self._knobs["views"]._change("\n".join(lines))


PYTHON_CLASSES: dict[str, type[Node]] = {
    "Root": Root,
    "Group": Group,
    "Precomp": Precomp,
    "LiveGroup": LiveGroup,
    "BackdropNode": BackdropNode,
    "Viewer": Viewer,
}
