"""Nodes of any host, the registers of readers by node type, and the tables of attributes that hold paths.

A file reader and a host adapter make the same nodes, so what is known of a node type is said once. To add a type, add a row
to a table (`conductor_core.discovery.tables`) or register a function:

    @reads_node("maya", "myTexture", source="https://docs.example.com/myTexture")
    def my_texture(node: Node, ask: Ask) -> Iterator[Finding]:
        yield from ask.read(node, "map", "texture")
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

from conductor_core.discovery import tables
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.reach import Reach
from conductor_core.discovery.survey import Survey

Host = Literal["maya", "nuke", "houdini", "blender", "usd", "arnold", "vray", "renderman", "pbrt"]


class Node(Protocol):
    """A node as readers see it."""

    @property
    def type(self) -> str:
        """The host's name of its type."""
        ...

    @property
    def name(self) -> str:
        """Its name or path."""
        ...

    def text(self, attribute: str) -> str:
        """Return the text of an attribute as stored; "" where it has none."""
        ...

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return an attribute as a number."""
        ...

    def attributes(self) -> Iterable[str]:
        """Return the names of the attributes that are stored."""
        ...


class Ask(Protocol):
    """What a reader asks while it looks at a node: each host's own rules from text to places stand behind it."""

    @property
    def survey(self) -> Survey:
        """The scan."""
        ...

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield the one finding for an attribute that the node reads; nothing where it is empty.

        `reach`: None: one file, or the frames that the node shows. `text`: where it is not the attribute's own.
        """
        ...

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield the output that an attribute names; nothing where it is empty."""
        ...

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that an attribute's path is deliberately not sent; nothing where it is empty."""
        ...


NodeReader = Callable[[Node, Ask], Iterator[Finding]]
_Reader = TypeVar("_Reader", bound=NodeReader)


@dataclass(frozen=True, slots=True)
class Registered:
    """A reader with where it comes from."""

    name: str
    read: NodeReader
    #: the page of host or renderer that says what the node reads
    source: str
    #: those registered before it for the type are not asked
    instead: bool = False


Guard = Callable[[NodeReader, str], NodeReader]

#: host → node type → its readers; `*` is every type
_READERS: dict[str, dict[str, list[Registered]]] = {}


#: name of a reader → the page that it rests on
_SOURCES: dict[str, str] = {}
#: what readers are wrapped in as they are registered, the newest last
_GUARDS: list[Guard] = []


def reads_node(host: Host, *types: str, source: str, instead: bool = False) -> Callable[[_Reader], _Reader]:
    """Register a reader for nodes of some types; `*` for all.

    It is asked beside those that are there already; with `instead`, in their place.
    """

    def register(reader: _Reader) -> _Reader:
        name = f"{reader.__module__}.{reader.__qualname__}"
        for type_ in types:
            _register(host, type_, reader, name=name, source=source, instead=instead)
        return reader

    return register


def files(
    host: Host,
    type_: str,
    *attributes: str,
    kind: Kind,
    source: str,
    role: Literal["read", "write"] = "read",
    reach: Reach | None = None,
    instead: bool = False,
) -> None:
    """Add a row to the table: nodes of this type have paths in these attributes."""

    def read(node: Node, ask: Ask) -> Iterator[Finding]:
        for attribute in attributes:
            if role == "write":
                yield from ask.write(node, attribute)
            else:
                yield from ask.read(node, attribute, kind, reach=reach)

    _ROWS.append(Row(host, type_, attributes, kind, role, source))
    name = f"table {host}: {type_} {', '.join(attributes)}"
    _register(host, type_, read, name=name, source=source, instead=instead)


def _register(host: str, type_: str, reader: NodeReader, *, name: str, source: str, instead: bool) -> None:
    for guard in _GUARDS:
        reader = guard(reader, name)
    _SOURCES[name] = source
    _READERS.setdefault(host, {}).setdefault(type_, []).append(Registered(name, reader, source, instead))


@contextlib.contextmanager
def guarded_by(guard: Guard) -> Iterator[None]:
    """Wrap each reader that is registered within: those of a studio must not end a scan. An error undoes all of them."""
    before = {host: {type_: len(readers) for type_, readers in types.items()} for host, types in _READERS.items()}
    rows_before = len(_ROWS)
    _GUARDS.append(guard)
    try:
        yield
    except BaseException:
        for host, types in _READERS.items():
            for type_ in tuple(types):
                del types[type_][before.get(host, {}).get(type_, 0) :]
                if not types[type_]:
                    del types[type_]
        del _ROWS[rows_before:]
        raise
    finally:
        _GUARDS.remove(guard)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table, for docs and panels."""

    host: str
    type: str
    attributes: tuple[str, ...]
    kind: Kind
    role: str
    source: str


_ROWS: list[Row] = []


def rows(host: str) -> list[Row]:
    """Return the rows of a host's table."""
    tables.load(host)
    return [row for row in _ROWS if row.host == host]


def readers_of(host: str, type_: str) -> Iterator[Registered]:
    """Yield the readers for a type, those for all types after them."""
    tables.load(host)
    known = _READERS.get(host, {})
    for readers in (known.get(type_, ()), known.get("*", ())):
        first = max((i for i, registered in enumerate(readers) if registered.instead), default=0)
        yield from readers[first:]


def all_readers(host: str) -> Iterator[tuple[str, Registered]]:
    """Yield each reader of a host with the type that it is for: what docs and panels show."""
    tables.load(host)
    for type_, readers in _READERS.get(host, {}).items():
        for registered in readers:
            yield type_, registered


def findings_of(host: Host, node: Node, ask: Ask) -> Iterator[Finding]:
    """Yield what each reader for this node finds, with the reader's name on it."""
    for registered in readers_of(host, node.type):
        for finding in registered.read(node, ask):
            yield replace(finding, reader=registered.name)


def is_known(host: str, type_: str) -> bool:
    """Tell whether something is registered for exactly this type."""
    tables.load(host)
    return type_ in _READERS.get(host, {})


def note_source(reader: str, source: str) -> None:
    """Note the page that a reader rests on, where it is registered elsewhere: formats whose nodes are no `Node` have their own."""
    _SOURCES[reader] = source


def source_of(reader: str) -> str:
    """Return the page that a reader rests on, by the reader's name; "" where there is none."""
    return _SOURCES.get(reader, "")
