"""Objects of the fake `nuke` that are no nodes: contexts, undo, what Nuke runs as, and `nuke.nodes`."""

from __future__ import annotations

from typing import Any

from fakes import nuke_editing, nuke_scripts
from fakes.nuke_frames import node_class
from fakes.nuke_nodes import Node
from fakes.nuke_session import At, session
from fakes.stub_modules import Fake, bare


class CancelledError(Exception):
    """The user has cancelled."""


@node_class
class OutputContext(Fake):
    """A frame and a view; view 0 is the default one, which has no name in the script."""

    _frame: float
    _view: int

    def __init__(self) -> None:
        self._frame, self._view = session().frame, 0

    def _names(self) -> list[str]:
        return ["default", *session().root._views()]

    def _at(self) -> At:
        return At(self._frame, self._names()[self._view] if self._view else "")

    def frame(self) -> float:
        return self._frame

    def setFrame(self, frame: float) -> bool:
        self._frame = frame
        return True

    def view(self) -> int:
        return self._view

    def setView(self, view: int) -> bool:
        if not isinstance(view, int) or not 0 <= view < len(self._names()):
            raise TypeError(f"{view!r} is no number of a view")
        self._view = view
        return True

    def viewcount(self) -> int:
        return len(self._names())

    def viewname(self, n: int) -> str:
        return self._names()[n]

    def viewFromName(self, name: str) -> int:
        return self._names().index(name) if name in self._names() else -1


@node_class
class Undo(Fake):
    """Steps to undo."""

    def __init__(self, name: str = "") -> None:
        self._title = name

    def __enter__(self) -> Any:
        session().history.begin(self._title)
        return self

    def __exit__(self, type: object, value: object, traceback: object) -> Any:
        session().history.end()

    @classmethod
    def begin(cls, name: str = "") -> None:
        session().history.begin(name)

    @classmethod
    def end(cls) -> None:
        session().history.end()

    @classmethod
    def new(cls, name: str = "") -> None:
        session().history.end()
        session().history.begin(name)

    @classmethod
    def name(cls, name: str) -> None:
        entry = session().history.open
        if entry is not None:
            entry.name = name

    @classmethod
    def cancel(cls) -> None:
        session().history.cancel()

    @classmethod
    def disable(cls) -> None:
        session().history.disabled += 1

    @classmethod
    def enable(cls) -> None:
        session().history.disabled = max(0, session().history.disabled - 1)

    @classmethod
    def disabled(cls) -> bool:
        return session().history.disabled > 0

    @classmethod
    def undo(cls) -> None:
        session().history.undo()

    @classmethod
    def redo(cls) -> None:
        session().history.redo()

    @classmethod
    def undoSize(cls) -> int:
        return len(session().history.done)

    @classmethod
    def redoSize(cls) -> int:
        return len(session().history.undone)

    @classmethod
    def undoDescribe(cls, n: int = 0) -> str:
        return session().history.done[-1 - n].name


@node_class
class GlobalsEnvironment(Fake):
    """What Nuke runs as: `nuke.env`."""

    def __getitem__(self, index: str) -> Any:
        return session().env[index]

    def __contains__(self, other: object) -> bool:
        return other in session().env

    def __len__(self) -> int:
        return len(session().env)

    def get(self, key: str, default: Any = None) -> Any:
        return session().env.get(key, default)

    def keys(self) -> Any:
        return list(session().env)

    def items(self) -> Any:
        return list(session().env.items())

    def values(self) -> Any:
        return list(session().env.values())


@node_class
class NodeConstructor(Fake):
    """`nuke.nodes.Read`: makes a node without connecting or selecting it."""

    _kind: str

    def __call__(self, **knobs: Any) -> Node:
        inputs, name = knobs.pop("inputs", []), knobs.pop("name", "")
        with nuke_scripts.WithoutUndo():
            node = nuke_editing.create(self._kind, "", session().group(), connect=False)
        node._inputs = list(inputs)
        for key, value in knobs.items():
            node[key].setValue(value)
        if name:
            node.setName(name)
        return node


@node_class
class Nodes(Fake):
    """`nuke.nodes`."""

    def __getattr__(self, item: str) -> Any:
        if item.startswith("_"):
            raise AttributeError(item)
        made = bare(NodeConstructor)
        made._kind = item
        return made
