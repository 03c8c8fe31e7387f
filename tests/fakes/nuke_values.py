"""How Nuke evaluates: text by Tcl (a real interpreter), numbers by its own expression language.

Sources: nuke.knob and nuke.value (how names are found, that `value` expands brackets and dollar signs), nuke.expression (only floating
point numbers; `frame`, `t`, `x`; a time in parentheses behind a knob), all on https://learn.foundry.com/nuke/developers/latest/.
"""

from __future__ import annotations

import os
import tkinter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fakes.nuke_numbers import Number, elements, evaluated
from fakes.nuke_session import At, session
from fakes.stub_modules import UnknownToFake

if TYPE_CHECKING:
    from fakes.nuke_knobs import Knob
    from fakes.nuke_nodes import Node

#: names of a knob's parts, in their order
FIELDS = ("xyzw", "rgba", "wh", "xyrt", "uv")
#: parts of Tcl's `file` that only work on text: a script's text has no business with the disk here
FILE_WORDS = {"dirname", "tail", "rootname", "extension", "join", "split", "normalize", "exists"}


class _Tcl:
    """The interpreter of a Nuke: safe, with Nuke's own commands."""

    def __init__(self) -> None:
        self._tcl = tkinter.Tcl()
        self._tcl.eval("interp create -safe nk")
        self.places: list[tuple[Node, At]] = []
        self._problem: Exception | None = None
        for name in (
            "value",
            "knob",
            "numvalue",
            "expression",
            "python",
            "getenv",
            "frame",
            "topnode",
            "metadata",
            "file",
            "class",
            "exists",
        ):
            self._tcl.createcommand(f"nk_{name}", self._kept(getattr(self, f"_{name}")))
            self._tcl.eval(f"interp alias nk {name} {{}} nk_{name}")

    def _kept(self, command: Callable[..., str]) -> Callable[..., str]:
        def call(*words: str) -> str:
            try:
                return command(*words)
            except Exception as exc:
                self._problem = exc
                raise

        return call

    def run(self, node: Node, at: At, command: str) -> str:
        """Evaluate a command where a node stands.

        Raises:
            RuntimeError: as `nuke.tcl` does.
        """
        self.places.append((node, at))
        self._tcl.setvar("text", command)
        try:
            return str(self._tcl.eval("interp eval nk $text"))
        except tkinter.TclError as exc:
            problem, self._problem = self._problem, None
            if isinstance(problem, UnknownToFake):
                raise problem from None
            raise RuntimeError(str(problem or exc)) from None
        finally:
            self.places.pop()

    def text(self, node: Node, at: At, text: str) -> str:
        """Return a text with what is in brackets, and after dollar signs, evaluated."""
        flags = "" if session().unsure.backslash_escapes else "-nobackslashes"
        if not set(text) & set("[$\\"):
            return text
        self.places.append((node, at))
        self._tcl.setvar("text", text)
        try:
            return str(self._tcl.eval(f"interp eval nk [list subst {flags} $text]"))
        except tkinter.TclError as exc:
            if str(exc).startswith("can't read"):
                self._tcl.setvar("text", text)
                return str(self._tcl.eval(f"interp eval nk [list subst {flags} -novariables $text]"))
            problem, self._problem = self._problem, None
            if isinstance(problem, UnknownToFake):
                raise problem from None
            raise RuntimeError(str(problem or exc)) from None
        finally:
            self.places.pop()

    def _value(self, name: str, default: str | None = None) -> str:
        node, at = self.places[-1]
        try:
            return shown(found(name, node), at)
        except LookupError:
            if default is None:
                raise RuntimeError(f'There is no knob named "{name}"') from None
            return default

    def _knob(self, name: str, *more: str) -> str:
        if more:
            raise UnknownToFake("knob with a value sets it, which a text that is evaluated should not do")
        thing = found(name, self.places[-1][0])
        return thing._text if hasattr(thing, "_text") else shown(thing, self.places[-1][1])

    def _numvalue(self, name: str, default: str | None = None) -> str:
        return _short(float(self._value(name, default) or 0))

    def _expression(self, text: str) -> str:
        node, at = self.places[-1]
        return _short(number(node, text, at))

    def _python(self, *words: str) -> str:
        import sys

        names: dict[str, Any] = {"nuke": sys.modules.get("nuke"), "os": os}
        with context(self.places[-1][0]):
            if words[0] == "-exec":
                exec(words[1], names)
                return ""
            return str(eval(words[-1].strip(), names))

    def _getenv(self, name: str, default: str = "") -> str:
        return os.environ.get(name, default)

    def _frame(self) -> str:
        return _short(self.places[-1][1].frame)

    def _topnode(self, name: str = "") -> str:
        node = self.places[-1][0] if not name else found(name, self.places[-1][0])
        while node.input(0) is not None:
            node = node.input(0)
        return str(node._full_name())

    def _metadata(self, *words: str) -> str:
        return ""

    def _class(self, name: str) -> str:
        return str(found(name, self.places[-1][0])._kind)

    def _exists(self, name: str) -> str:
        try:
            found(name, self.places[-1][0])
        except LookupError:
            return "0"
        return "1"

    def _file(self, word: str, *rest: str) -> str:
        if word not in FILE_WORDS:
            raise UnknownToFake(f"file {word}")
        return str(self._tcl.call("file", word, *rest))


_TCL: list[_Tcl] = []


def tcl() -> _Tcl:
    """Return the interpreter, made once."""
    if not _TCL:
        _TCL.append(_Tcl())
    return _TCL[0]


@contextmanager
def context(node: Node, knob: object = None) -> Iterator[None]:
    """Let `thisNode`, `thisKnob` and `thisGroup` mean this."""
    session().contexts.append((node, knob))
    try:
        yield
    finally:
        session().contexts.pop()


def text_of(node: Node, text: str, at: At) -> str:
    """Return a text as Nuke evaluates it for a node."""
    return tcl().text(node, at, text)


def number(node: Node, expression: str, at: At) -> float:
    """Return what an expression is for a node.

    Raises:
        RuntimeError: it has a name that nothing has.
    """
    return evaluated(expression, _Names(node, at))


class _Names(Number):
    """What the words of an expression are, for a node."""

    def __init__(self, node: Node, at: At) -> None:
        super().__init__(at.frame)
        self._node, self._at = node, at

    def name(self, name: str, frame: float | None = None) -> float:
        if name == "$gui":
            return float(session().gui)
        at = self._at if frame is None else At(frame, self._at.view)
        try:
            return as_number(found(name, self._node), at)
        except LookupError:
            raise RuntimeError(f"Nothing is named {name!r}") from None

    def tcl(self, command: str) -> str:
        return tcl().run(self._node, self._at, command)


def as_number(thing: Any, at: At) -> float:
    """Return a knob or one of its parts as a number."""
    if isinstance(thing, tuple):
        knob, index = thing
        return float(knob._number(index, at))
    return float(thing._number(0, at))


def shown(thing: Any, at: At) -> str:
    """Return a knob or one of its parts as `value` in Tcl gives it."""
    if isinstance(thing, tuple):
        return _short(as_number(thing, at))
    if not hasattr(thing, "_shown"):
        return str(thing._name)
    return str(thing._shown(at))


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def found(name: str, node: Node) -> Any:
    """Return the node, knob or part of a knob that a dotted name means where a node stands.

    Raises:
        LookupError: nothing has this name.
    """
    words = name.strip().split(".")
    thing = _first(words[0], node)
    for word in words[1:]:
        thing = _next(thing, word)
    return thing


def _first(word: str, node: Node) -> Any:
    if word == "root":
        return session().root
    if word == "this":
        return node
    if word == "parent" or word.startswith("input"):
        return _next(node, word)
    if word in node._knobs:
        return node._knobs[word]
    group = node if hasattr(node, "_children") else node._parent
    while group is not None:
        child = group._child(word)
        if child is not None:
            return child
        group = group._parent
    raise LookupError(word)


def _next(thing: Any, word: str) -> Any:
    if isinstance(thing, tuple):
        raise LookupError(word)
    if not hasattr(thing, "_knobs"):
        index = _part(thing, word)
        return (thing, index)
    if word == "parent":
        if thing._parent is None:
            raise LookupError(word)
        return thing._parent
    if word in thing._knobs:
        return thing._knobs[word]
    if word.startswith("input") and (word[5:] or "0").isdigit():
        source = thing._input(int(word[5:] or 0))
        if source is None:
            raise LookupError(word)
        return source
    child = thing._child(word) if hasattr(thing, "_children") else None
    if child is None:
        raise LookupError(word)
    return child


def _part(knob: Knob, word: str) -> int:
    if word.isdigit():
        return int(word)
    for names in FIELDS:
        if word in names and names.index(word) < max(2, len(elements(knob._text))):
            return names.index(word)
    raise LookupError(word)
