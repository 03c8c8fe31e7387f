"""XML read as a stream: the elements that a reader asks for, however large the rest is, and no entities of the file's own."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.packed import pieces
from conductor_core.formats.text_window import broken
from conductor_core.report import Unresolved

_ROOT = re.compile(rb"<([A-Za-z_][\w:.-]*)")


def root_is(head: bytes, *names: bytes) -> bool:
    """Tell whether the first element of an XML text has one of these names, whatever its prefix."""
    first = _ROOT.search(head)
    return first is not None and first[1].rpartition(b":")[2] in names


class Element(NamedTuple):
    """An element that has been read: its name without prefix, its attributes, its text."""

    name: str
    attributes: dict[str, str]
    text: str
    #: those of the wanted elements that it lies in, the outermost first: name and attributes
    around: tuple[tuple[str, dict[str, str]], ...] = ()

    def inside(self, name: str) -> dict[str, str] | None:
        """Return the attributes of the nearest element of a name around this one; None where there is none."""
        return next((attributes for n, attributes in reversed(self.around) if n == name), None)


def elements(survey: Survey, wanted: frozenset[str]) -> Iterator[Element | Unresolved]:
    """Yield the elements of these names (without prefix) in the order in which they end; at damage, what is wrong last."""
    reading = _Reading(survey, wanted)
    problem = ""
    try:
        for piece in pieces(survey):
            reading.parser.Parse(piece, False)
            yield from reading.taken()
        reading.parser.Parse(b"", True)
    except expat.ExpatError as exc:
        problem = f"its XML breaks in line {exc.lineno} ({expat.ErrorString(exc.code)})"
    except (_Refused, SceneNotRead) as exc:
        problem = exc.reason
    except (LookupError, ValueError) as exc:
        problem = f"its XML has an encoding that nobody knows ({exc})"
    yield from reading.taken()
    if problem:
        yield broken(survey, problem)


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class _Reading:
    """The parser with what it has found since somebody asked."""

    def __init__(self, survey: Survey, wanted: frozenset[str]) -> None:
        self._limits = survey.limits
        self._wanted = wanted
        self._done: deque[Element] = deque()
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self._depth = 0
        self._size = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.EntityDeclHandler = self._entity

    def taken(self) -> Iterator[Element]:
        """Yield what has been found, each once."""
        while self._done:
            yield self._done.popleft()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth * 10:
            raise _Refused(f"it is nested more than {self._limits.depth * 10:,} deep")
        bare = name.rpartition(":")[2]
        if bare in self._wanted:
            self._open.append((name, attributes, []))
            self.parser.CharacterDataHandler = self._text

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._open and self._open[-1][0] == name:
            _, attributes, text = self._open.pop()
            around = tuple((n.rpartition(":")[2], a) for n, a, _ in self._open)
            self._done.append(Element(name.rpartition(":")[2], attributes, "".join(text), around))
            self._size = 0
            if not self._open:
                self.parser.CharacterDataHandler = None

    def _text(self, data: str) -> None:
        self._size += len(data)
        if self._size <= self._limits.value:
            self._open[-1][2].append(data)

    def _entity(self, *_declaration: object) -> None:
        raise _Refused("it declares entities of its own, which no application needs here")
