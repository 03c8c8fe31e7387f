"""The state behind the fake `hou`: a tree of nodes, variables, time, the scene's file, what can be undone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fakes.houdini_files import Record
from fakes.houdini_scene_text import Definition
from fakes.houdini_types import CHILDREN_OF_CATEGORY, CHILDREN_OF_TYPE, MANAGERS
from fakes.houdini_words import Declared

HFS = "/opt/hfs21.0.512"
VERSION = (21, 0, 512)


@dataclass(slots=True)
class Component:
    """One component of a parameter: a text or number as it is set, or an expression."""

    text: str
    quoted: bool = False
    expression: str = ""
    python: bool = False
    keys: int = 0
    #: its text is what Houdini itself evaluated when it saved the scene
    evaluated: bool = False


@dataclass(slots=True, eq=False)
class NodeState:
    """A node as the scene has it."""

    name: str
    type: str
    category: str
    parent: NodeState | None
    id: int
    children: list[NodeState] = field(default_factory=list)
    #: by the tuple's name
    values: dict[str, list[Component]] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    spare: dict[str, Declared] = field(default_factory=dict)
    spare_text: str = ""
    flags: dict[str, bool] = field(default_factory=dict)
    wires: dict[int, tuple[NodeState, int]] = field(default_factory=dict)
    user_data: dict[str, str] = field(default_factory=dict)
    cached: dict[str, object] = field(default_factory=dict)
    comment: str = ""
    locked_parameters: set[str] = field(default_factory=set)
    matches_definition: bool = False
    #: no record of the scene is its own: an asset that the scene only names holds it
    implied: bool = False
    #: its new expressions are Python
    python: bool = False
    deleted: bool = False
    selected: bool = False
    manager: bool = False
    callbacks: list[Callable[..., None]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return its full path."""
        if self.parent is None:
            return "/"
        above = self.parent.path
        return f"/{self.name}" if above == "/" else f"{above}/{self.name}"

    def below(self) -> Iterator[NodeState]:
        """Yield all nodes below, each before its children."""
        for child in self.children:
            yield child
            yield from child.below()


@dataclass(frozen=True, slots=True)
class Step:
    """One step that can be undone."""

    label: str
    undo: Callable[[], None]
    redo: Callable[[], None]


class World:
    """A session of Houdini; `graphical` tells whether it has a window, as houdini has and hython has not."""

    def __init__(self, *, graphical: bool = True) -> None:
        self.graphical = graphical
        self.licence = "Commercial"
        self.failing = ""
        self.root = NodeState("", "root", "Director", None, 0, manager=True)
        self.clear()

    def clear(self) -> None:
        """Begin a new scene (https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html#clear)."""
        self._ids = iter(range(1, 10**9))
        for state in [*self.root.below()]:
            state.deleted = True
        self.root = NodeState("", "root", "Director", None, next(self._ids), manager=True)
        for name in MANAGERS:
            if name != "part":
                self.root.children.append(NodeState(name, name, "Manager", self.root, next(self._ids), manager=True))
        self.file = os.path.join(os.getcwd(), "untitled.hip")
        self.new_file = True
        self.modified = False
        self.variables: dict[str, str] = {
            "JOB": os.environ.get("JOB", os.path.expanduser("~")),
            "ACTIVETAKE": "Main",
            "EYE": "stereo",
        }
        self.may_overwrite: set[str] = set()
        self.frame = 1.0
        self.fps = 24.0
        self.range = (1.0, 240.0)
        self.playback = (1.0, 240.0)
        self.done: list[Step] = []
        self.undone: list[Step] = []
        self.disabled = 0
        self._group: list[Step] | None = None
        self.definitions: dict[tuple[str, str], Definition] = {}
        self.libraries: list[str] = []
        self.unselected: list[str] = []
        self.session = ""
        self.kept: list[Record] = []
        self.context_options: dict[str, str | float] = {}
        self.pwd = self.root
        self.current: NodeState | None = None
        self.evaluating: list[tuple[NodeState, str]] = []

    def new_id(self) -> int:
        """Return a number that no node has had."""
        return next(self._ids)

    def change(self, label: str, redo: Callable[[], None], undo: Callable[[], None]) -> None:
        """Do something that an artist can undo; the scene counts as changed."""
        redo()
        self.modified = True
        if self.disabled:
            return
        step = Step(label, undo, redo)
        if self._group is not None:
            self._group.append(step)
            return
        self.done.append(step)
        self.undone.clear()

    @contextmanager
    def group(self, label: str) -> Iterator[None]:
        """Make one step of all that is changed within; a group in a group is part of it."""
        if self._group is not None:
            yield
            return
        steps: list[Step] = []
        self._group = steps
        try:
            yield
        finally:
            self._group = None
            if steps:
                self.done.append(_together(label, steps))
                self.undone.clear()

    def undo(self) -> bool:
        """Take one step back."""
        if not self.done:
            return False
        step = self.done.pop()
        step.undo()
        self.undone.append(step)
        self.modified = True
        return True

    def redo(self) -> bool:
        """Do again what was undone."""
        if not self.undone:
            return False
        step = self.undone.pop()
        step.redo()
        self.done.append(step)
        return True

    def find(self, path: str, start: NodeState | None = None) -> NodeState | None:
        """Return the node of a path, absolute or from a node; None: there is none."""
        state: NodeState | None = self.root if path.startswith("/") or start is None else start
        for part in path.split("/"):
            if state is None or part in ("", "."):
                continue
            children = state.children
            state = state.parent if part == ".." else next((child for child in children if child.name == part), None)
        return state

    def holds(self, state: NodeState) -> str:
        """Return the category of what a network holds; "": it is no network."""
        if state.parent is None:
            return "Manager"
        if state.manager:
            return MANAGERS.get(state.name, "")
        bare = re.sub(r"::[\d.]+$", "", state.type)
        if bare in CHILDREN_OF_TYPE:
            return CHILDREN_OF_TYPE[bare]
        if bare == "topnet" or state.category == "TopNet":
            return "Top"
        return CHILDREN_OF_CATEGORY.get(state.category, state.category)

    def mapped(self, path: str) -> str:
        """Return where Houdini looks for a file: HOUDINI_PATHMAP says which folder stands for which.

        https://www.sidefx.com/docs/houdini/commands/pathmap.html, https://www.sidefx.com/docs/houdini/ref/env.html
        """
        rules: dict[str, str] = json.loads(os.environ.get("HOUDINI_PATHMAP") or "{}")
        slashed = path.replace("\\", "/")
        for old in sorted(rules, key=len, reverse=True):
            if slashed == old or slashed.startswith(old.rstrip("/") + "/"):
                return rules[old].rstrip("/") + slashed[len(old.rstrip("/")) :]
        return path

    def variable_text(self, text: str) -> str:
        """Return a text with its variables put in."""
        return re.sub(r"\$\{?(\w+)\}?", lambda match: self.variable(match[1], self.frame) or match[0], text)

    def variable(self, name: str, frame: float) -> str | None:
        """Return a global variable's text at a frame; None: there is none (network/expressions.html, "Global variables")."""
        digits = re.fullmatch(r"S?F(\d+)", name)
        if digits:
            return f"{int(frame):0{int(digits[1])}d}"
        file = self.file.replace(os.sep, "/")  # Houdini writes its paths with slashes everywhere
        folder, _, base = file.rpartition("/")
        known = {
            "HIP": folder,
            "HIPFILE": file,
            "HIPNAME": os.path.splitext(base)[0],
            "F": str(int(frame)),
            "FF": f"{frame:g}",
            "SF": str(int(frame)),
            "T": f"{(frame - 1) / self.fps:g}",
            "FPS": f"{self.fps:g}",
            "FSTART": f"{self.range[0]:g}",
            "FEND": f"{self.range[1]:g}",
            "NFRAMES": f"{self.range[1] - self.range[0] + 1:g}",
            "RFSTART": f"{self.playback[0]:g}",
            "RFEND": f"{self.playback[1]:g}",
            "PI": "3.1415926535897932384",
            "E": "2.7182818284590452354",
            "HFS": HFS,
            "HH": f"{HFS}/houdini",
            "HB": f"{HFS}/bin",
            "HHP": f"{HFS}/houdini/python3.11libs",
            "HOUDINI_USER_PREF_DIR": os.path.expanduser("~/houdini21.0"),
            "HOUDINI_TEMP_DIR": "/tmp/houdini_temp",
            "HOUDINI_VERSION": ".".join(map(str, VERSION)),
            "ORIGIN": "",
        }
        if name in known:
            return known[name]
        return self.variables.get(name, os.environ.get(name))


def _together(label: str, steps: list[Step]) -> Step:
    def undo() -> None:
        for step in reversed(steps):
            step.undo()

    def redo() -> None:
        for step in steps:
            step.redo()

    return Step(label, undo, redo)
