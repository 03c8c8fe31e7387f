"""The register of node readers: whose finding it is, and how a later reader stands beside or in place of earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from conductor_core.discovery import node as register
from conductor_core.discovery import tables
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Ask, Node, files, findings_of, guarded_by, reads_node, source_of
from conductor_core.discovery.reach import Reach
from conductor_core.discovery.survey import Survey
from conductor_core.report import Ignored, ScanOutput

DOCS = "https://docs.example.com/node"


@dataclass
class Lamp:
    """A node."""

    values: dict[str, str]
    type: str = "lamp"
    name: str = "lamp1"

    def text(self, attribute: str) -> str:
        return self.values.get(attribute, "")

    def number(self, attribute: str, default: float = 0.0) -> float:
        return float(self.values.get(attribute, default))

    def attributes(self) -> Iterable[str]:
        return self.values


@dataclass
class PlainAsk:
    """Takes each text as a path."""

    survey: Survey = field(default_factory=lambda: Survey("/show/shot.x"))

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        if value := text or node.text(attribute):
            yield Usage(value, f"{node.name}.{attribute}", kind, (f"/show/{value}",))

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        if value := node.text(attribute):
            yield ScanOutput(value, f"/show/{value}", f"{node.name}.{attribute}")

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        if value := node.text(attribute):
            yield Ignored(value, f"{node.name}.{attribute}", reason)


@pytest.fixture(autouse=True)
def _own_register(monkeypatch: pytest.MonkeyPatch) -> None:
    tables.load_all()
    for name in ("_READERS", "_SOURCES"):
        monkeypatch.setattr(register, name, {})
    monkeypatch.setattr(register, "_ROWS", [])


def _found(node: Lamp) -> list[tuple[str, str]]:
    return [(f.as_written, f.reader) for f in findings_of("maya", node, PlainAsk())]


def test_each_finding_has_the_name_of_its_reader() -> None:
    """A row of the table, a function and a reader of every type each sign what they say, and lead to their source."""
    files("maya", "lamp", "ies", kind="profile", source=DOCS)
    files("maya", "lamp", "bake", kind="texture", role="write", source=DOCS)

    @reads_node("maya", "*", source="seen in files")
    def notes(node: Node, ask: Ask) -> Iterator[Finding]:
        yield from ask.ignore(node, "notes", "a comment")

    found = _found(Lamp({"ies": "a.ies", "bake": "b.exr", "notes": "x/y.txt"}))
    assert found[:2] == [("a.ies", "table maya: lamp ies"), ("b.exr", "table maya: lamp bake")]
    assert found[2][1].endswith("notes")
    assert [source_of(reader) for _, reader in found] == [DOCS, DOCS, "seen in files"]


def test_a_reader_instead_of_others() -> None:
    """With `instead`, the earlier readers of the type are not asked; those of other types, and later ones, are."""
    files("maya", "lamp", "ies", kind="profile", source=DOCS)
    files("maya", "bulb", "ies", kind="profile", source=DOCS)
    files("maya", "lamp", "map", kind="texture", source=DOCS, instead=True)
    files("maya", "lamp", "gel", kind="texture", source=DOCS)
    values = {"ies": "a.ies", "map": "m.exr", "gel": "g.exr"}
    assert [text for text, _ in _found(Lamp(values))] == ["m.exr", "g.exr"]
    assert [text for text, _ in _found(Lamp(values, type="bulb"))] == ["a.ies"]


def test_a_guard_wraps_what_is_registered_within_it() -> None:
    """A guard stands around the readers of a studio, and around no others."""

    def silent(_reader: register.NodeReader, _name: str) -> register.NodeReader:
        return lambda _node, _ask: iter(())

    with guarded_by(silent):
        files("maya", "lamp", "ies", kind="profile", source=DOCS)
    files("maya", "lamp", "map", kind="texture", source=DOCS)
    assert [text for text, _ in _found(Lamp({"ies": "a.ies", "map": "m.exr"}))] == ["m.exr"]
