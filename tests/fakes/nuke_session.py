"""What a running Nuke holds beside its nodes: undo, the modified flag, the frame and view it stands at, callbacks, search paths.

Where Foundry's pages do not decide what Nuke does, `Unsure` says so, and the tests run an adapter under both answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes.stub_modules import Record
from fakes.stub_reading import Stubs

if TYPE_CHECKING:
    from fakes.nuke_groups import Group, Root
    from fakes.nuke_nodes import Node

STUBS = Stubs.installed("nuke-stubs")
RECORD = Record()

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class At:
    """Where something is evaluated."""

    frame: float = 1
    #: "": the one that Nuke stands at
    view: str = ""


@dataclass(frozen=True, slots=True)
class Unsure:
    """What the vendor's pages leave open: each field is one answer, False the other."""

    #: `File_Knob.value` gives `%04d` for `####` ("normalized to technical notation if sequence", nuke.File_Knob); else as typed
    hashes_become_percents: bool = True
    #: `EvalString_Knob.value` is evaluated (`getText` is "the non-evaluated value", nuke.EvalString_Knob); else as typed
    value_is_evaluated: bool = False
    #: `getEvaluatedValue(context)` has the context's frame in it; else the frame is still `%04d`
    evaluated_has_frame: bool = False
    #: `allNodes(recurseGroups=True)` goes into gizmos as well as into groups
    all_nodes_enter_gizmos: bool = True
    #: a backslash in a text that is evaluated escapes what comes after it, as in all of Tcl; else it is a letter like others
    backslash_escapes: bool = True
    #: `toScript()` of a text has what Tcl would evaluate escaped (`\\[value name]`), as scripts have it; else as typed
    script_is_escaped: bool = False
    #: `scriptSave(filename)` takes the modified flag away although the script keeps its name
    copy_clears_modified: bool = True


@dataclass(slots=True)
class Entry:
    """One step that can be undone."""

    name: str = ""
    acts: list[tuple[Act, Act]] = field(default_factory=list)


class History:
    """Steps done and undone (nuke.Undo: begin, end, new, cancel, disable, enable)."""

    def __init__(self) -> None:
        self.done: list[Entry] = []
        self.undone: list[Entry] = []
        self.open: Entry | None = None
        self.depth = 0
        self.disabled = 0

    def record(self, undo: Act, redo: Act, name: str) -> None:
        """Keep how something is taken back."""
        if self.disabled:
            return
        if self.open is not None:
            self.open.acts.append((undo, redo))
            return
        self.done.append(Entry(name, [(undo, redo)]))
        self.undone.clear()

    def begin(self, name: str = "") -> None:
        """Begin a group; one within another is a part of it."""
        self.depth += 1
        if self.open is None:
            self.open = Entry(name)

    def end(self) -> None:
        """End a group; an empty one is no step."""
        self.depth = max(0, self.depth - 1)
        if self.depth == 0 and self.open is not None:
            if self.open.acts:
                self.done.append(self.open)
                self.undone.clear()
            self.open = None

    def cancel(self) -> None:
        """Take back what the open group has done, and forget it."""
        entry, self.open, self.depth = self.open, None, 0
        for undo, _ in reversed(entry.acts if entry else []):
            undo()

    def undo(self) -> bool:
        """Take one step back."""
        if not self.done:
            return False
        entry = self.done.pop()
        for undo, _ in reversed(entry.acts):
            undo()
        self.undone.append(entry)
        return True

    def redo(self) -> bool:
        """Do again what was taken back last."""
        if not self.undone:
            return False
        entry = self.undone.pop()
        for _, redo in entry.acts:
            redo()
        self.done.append(entry)
        return True


@dataclass
class Session:
    """One running Nuke with one script."""

    gui: bool = True
    version: str = "15.1v3"
    unsure: Unsure = field(default_factory=Unsure)
    root: Root = None  # type: ignore[assignment]
    #: version that the open script was saved by, as `version` in it says
    saved_by: str = ""
    groups: list[Group] = field(default_factory=list)
    #: what `thisNode` and `thisKnob` answer, innermost last
    contexts: list[tuple[Node, object]] = field(default_factory=list)
    frame: float = 1
    view: str = ""
    modified: bool = False
    history: History = field(default_factory=History)
    #: name of a callback list (`beforeRender`) → (function, args, kwargs, node class)
    callbacks: dict[str, list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]]] = field(default_factory=dict)
    plugin_path: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)
    #: files of which a copy lies on this machine, where the window's Nuke reads them: their folder → that of the copies
    localised: dict[str, str] = field(default_factory=dict)
    #: questions that were asked of the user: on a farm nobody answers
    asked: list[str] = field(default_factory=list)
    #: the user's own settings, a node like others (`nuke.toNode("preferences")`)
    preferences: Node = None  # type: ignore[assignment]
    env: dict[str, Any] = field(default_factory=dict)
    menus: dict[str, Any] = field(default_factory=dict)
    panels: dict[str, Any] = field(default_factory=dict)

    def changed(self, undo: Act, redo: Act, name: str = "", *, undoable: bool = True) -> None:
        """Note that the script is another now."""
        self.modified = True
        if undoable:
            self.history.record(undo, redo, name)

    def here(self) -> At:
        """Return where Nuke stands."""
        return At(self.frame, self.view)

    def group(self) -> Group:
        """Return the group that functions without one mean."""
        return self.groups[-1] if self.groups else self.root

    def call(self, name: str, kind: str = "", *args: object) -> list[Any]:
        """Call what was added for an event, for all classes first (nuke.callbacks)."""
        found = self.callbacks.get(name, [])
        chosen = [one for one in found if one[3] == "*"] + [one for one in found if one[3] == kind != "*"]
        return [function(*args, *given, **named) for function, given, named, _ in chosen]

    def directory(self) -> str:
        """Return what relative paths are relative to: the project directory, or where Nuke was started."""
        from fakes.nuke_values import text_of

        own = text_of(self.root, self.root._knobs["project_directory"]._text, self.here())
        return own or os.getcwd()


_SESSION = [Session()]


def session() -> Session:
    """Return the Nuke that runs."""
    return _SESSION[0]


def start(**settings: Any) -> Session:
    """Start another Nuke with an empty script."""
    from fakes.nuke_making import new_root

    RECORD.refused.clear()
    RECORD.unknown.clear()
    _SESSION[0] = Session(**settings)
    new_root()
    return _SESSION[0]
