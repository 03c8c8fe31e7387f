"""What a file of Maya says, as values: the loaders of text and binary make them, the fake's session takes them in."""

from __future__ import annotations

from dataclasses import dataclass, field


class NotLoaded(Exception):
    """This loader does not know what a file has; the text says what."""


@dataclass(slots=True)
class SavedAttribute:
    """An attribute that the file itself adds to a node."""

    long: str
    short: str
    kind: str
    filename: bool = False
    multi: bool = False


@dataclass(slots=True)
class SavedNode:
    """A node of a file, or one that every scene has and the file changes."""

    type: str
    name: str
    parent: str = ""
    uuid: str = ""
    #: one of those that every scene has: only its values count
    selected: bool = False
    #: it is made unless there is one already
    shared: bool = False
    added: list[SavedAttribute] = field(default_factory=list)
    #: by the name in the file, with indices: text, number, tuple, list of texts; None: data that no test asks for
    values: dict[str, object] = field(default_factory=dict)
    #: of a reference node: node, attribute, value as MEL has it
    edits: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class SavedReference:
    """A scene that the file itself refers to."""

    path: str
    node: str
    namespace: str
    type: str
    deferred: bool = False
    options: str = ""


@dataclass(slots=True)
class SavedScene:
    """What a file says."""

    nodes: list[SavedNode] = field(default_factory=list)
    connections: list[tuple[str, str, bool]] = field(default_factory=list)
    references: list[SavedReference] = field(default_factory=list)
    file_info: list[tuple[str, str]] = field(default_factory=list)
    #: plug-in → version, in the order of the file
    plugins: dict[str, str] = field(default_factory=dict)
    #: node type → plug-in
    plugin_types: dict[str, str] = field(default_factory=dict)
    version: str = ""
    time_unit: str = "film"
