"""A `.usda` as head and prims, read from start to end; numbers are skipped, and prims leave memory as soon as they are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from conductor_core.discovery.limits import Limits
from conductor_core.formats.usd.layer import TELLING, Arc, Damage, Head, Item, Prim, Property, Value, interesting, matters
from conductor_core.formats.usd.text_tokens import TextDamaged, Tokens
from conductor_core.formats.usd.text_values import NUMERIC, Role, read_arcs, read_samples, read_value, skip_numbers

_SPECIFIERS = frozenset({"def", "over", "class"})
_LIST_OPS = frozenset({"add", "prepend", "append", "delete", "reorder"})
_QUALIFIERS = frozenset({"custom", "uniform", "varying", "config"})
_ARCS = {"references": "references", "payload": "payloads", "payloads": "payloads", "subLayers": "sublayers"}
#: metadata of prims that is kept whatever it holds
_KEPT = ("clip",)


@dataclass(slots=True)
class _Metadata:
    fields: dict[str, Value] = field(default_factory=dict)
    arcs: dict[str, list[Arc]] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A prim, a variant or a set of variants whose body is being read."""

    path: str
    type: str
    #: of a variant set: its name
    set: str = ""
    metadata: _Metadata = field(default_factory=_Metadata)
    properties: list[Property] = field(default_factory=list)
    #: what every part of a prim that is told in parts must say
    telling: list[Property] = field(default_factory=list)

    def told(self) -> Iterator[Prim]:
        """Yield what was read of it since the last time."""
        arcs = self.metadata.arcs
        if self.properties or self.metadata.fields or arcs:
            properties = (*(p for p in self.telling if p not in self.properties), *self.properties)
            references, payloads = tuple(arcs.get("references", ())), tuple(arcs.get("payloads", ()))
            yield Prim(self.path, self.type, self.metadata.fields, references, payloads, properties)
        self.metadata = _Metadata()
        self.properties = []


def read_text_layer(stream: BinaryIO, limits: Limits) -> Iterator[Item]:
    """Yield the head of a layer, then each prim that may point to files, and where it is damaged."""
    reader = _Reader(stream, limits)
    try:
        yield from reader.read()
    except TextDamaged as exc:
        yield from reader.still_open()
        yield Damage(f"line {reader.tokens.line}", f"{exc}; what follows was not read")
    if reader.tokens.conflict:
        yield Damage(f"line {reader.tokens.conflict}", "it has the marks of a merge conflict; both sides were read")


class _Reader:
    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self.tokens = Tokens(stream, limits)
        self._limits = limits
        self._stack = [_Open("", "")]
        self._of_layer: _Metadata | None = _Metadata()

    def read(self) -> Iterator[Item]:
        tokens = self.tokens
        if tokens.peek() == "(" and self._of_layer:
            self._metadata(self._of_layer, everything=True)
        yield from self._head()
        while True:
            tokens.skip_plain()
            token = tokens.next()
            top = self._stack[-1]
            if not token.kind:
                break
            if token.kind == "}" and len(self._stack) > 1:
                yield from self._stack.pop().told()
            elif token.kind == "text" and top.set:
                self._open(f"{top.path}{{{top.set}={token.text}}}", top.type)
            elif token.kind == "word" and token.text in _SPECIFIERS:
                yield from top.told()
                self._prim(top)
            elif token.kind == "word" and token.text == "variantSet":
                yield from top.told()
                name = tokens.expect("text").text
                tokens.expect("=")
                tokens.expect("{")
                self._push(_Open(top.path, top.type, name))
            elif token.kind == "word" and not top.set:
                self._property(token.text, top)
            elif token.kind == "(" and not top.set:  # metadata of a property that was passed over
                self._of_property(top)
            else:
                raise TextDamaged(f"{token.text[:40]!r} was not expected here")
        if len(self._stack) > 1:
            raise TextDamaged(f"it ends within {self._stack[-1].path}")

    def still_open(self) -> Iterator[Item]:
        """Yield what was read of a head or of prims that have no end."""
        yield from self._head()
        while self._stack:
            yield from self._stack.pop().told()

    def _head(self) -> Iterator[Head]:
        """Yield the head, once."""
        if self._of_layer is not None:
            yield Head(self._of_layer.fields, tuple(self._of_layer.arcs.get("sublayers", ())))
        self._of_layer = None

    def _prim(self, parent: _Open) -> None:
        token = self.tokens.next()
        type_ = ""
        if token.kind == "word":
            type_ = token.text
            token = self.tokens.next()
        if token.kind != "text":
            raise TextDamaged(f"the name of a prim was expected, not {token.text[:40] or token.kind or 'the end'}")
        self._open(f"{parent.path}/{token.text}", type_)

    def _open(self, path: str, type_: str) -> None:
        opened = _Open(path, type_)
        self._push(opened)
        if self.tokens.peek() == "(":
            self._metadata(opened.metadata)
        self.tokens.expect("{")

    def _push(self, opened: _Open) -> None:
        # prims are read without recursion, so only the memory of what is open counts
        if len(self._stack) > self._limits.depth * 10:
            raise TextDamaged(f"prims lie more than {self._limits.depth * 10} deep in each other")
        self._stack.append(opened)

    def _metadata(self, into: _Metadata, *, everything: bool = False) -> None:
        tokens = self.tokens
        tokens.expect("(")
        self._entries(into, everything=everything)

    def _entries(self, into: _Metadata, *, everything: bool = False) -> None:
        tokens = self.tokens
        while True:
            tokens.skip_plain_metadata()
            token = tokens.next()
            if token.kind == ")":
                return
            if token.kind == "text":  # a comment
                continue
            if token.kind != "word":
                raise TextDamaged(f"the name of metadata was expected, not {token.text[:40] or token.kind or 'the end'}")
            name, role = token.text, _role(token.text)
            if token.text in _LIST_OPS:
                name = tokens.expect("word").text
            tokens.expect("=")
            if name in _ARCS:
                into.arcs.setdefault(_ARCS[name], []).extend(read_arcs(tokens, self._limits, role))
                continue
            value = read_value(tokens, self._limits)
            if everything or name.startswith(_KEPT) or interesting(value):
                into.fields[name] = value

    def _property(self, word: str, prim: _Open) -> None:
        tokens = self.tokens
        if word == "reorder" and tokens.peek() == "word":
            first = tokens.next().text
            if first != "rel":
                self._assigned("token[]", first)
                return
            word = first
        while word in _QUALIFIERS or word in _LIST_OPS:
            word = tokens.expect("word").text
        type_, name = word, tokens.expect("word").text
        found = self._assigned(type_, name)
        fields = {}
        if tokens.peek() == "(":
            metadata = _Metadata()
            self._metadata(metadata)
            fields = metadata.fields
        if fields and found is None:
            found = Property(name, type_)
        if found is None:
            return
        found.fields.update(fields)
        prim.properties.append(found)
        if name in TELLING:
            prim.telling.append(found)

    def _of_property(self, prim: _Open) -> None:
        metadata = _Metadata()
        self._entries(metadata)
        if metadata.fields:
            prim.properties.append(Property("", "", fields=metadata.fields))

    def _assigned(self, type_: str, name: str) -> Property | None:
        """Read what is assigned to a property; return it where it may point to a file."""
        tokens = self.tokens
        if not tokens.take("="):
            return None
        plain, _, suffix = name.partition(".")
        if NUMERIC.match(type_) and suffix != "connect":
            skip_numbers(tokens)
            return None
        if suffix == "timeSamples":
            samples = [(t, v) for t, v in read_samples(tokens, self._limits) if matters(plain, v)]
            return Property(plain, type_, samples=tuple(samples)) if samples else None
        value = read_value(tokens, self._limits)
        if type_ == "rel" or suffix or not matters(plain, value):
            return None
        return Property(plain, type_, value)


def _role(word: str) -> Role:
    return "deleted" if word == "delete" else "reordered" if word == "reorder" else "used"
