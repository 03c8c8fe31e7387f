"""A crate as head and prims: only fields of types that may hold a path are looked at, and only paths of such fields are spelt."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from conductor_core.discovery.limits import Limits
from conductor_core.formats.usd.crate_file import Crate, CrateDamaged, read_crate
from conductor_core.formats.usd.crate_values import (
    ASSET,
    DICTIONARY,
    PAYLOAD,
    PAYLOADS,
    REFERENCES,
    SAMPLES,
    STRING,
    TOKEN,
    UNREGISTERED,
    Values,
    type_of,
)
from conductor_core.formats.usd.layer import TELLING, Arc, Damage, Head, Item, Prim, Property, Value, interesting, matters
from conductor_core.formats.usd.text_tokens import TextDamaged, Tokens
from conductor_core.formats.usd.text_values import read_value

_ARRAY, _PAYLOAD_BITS = 1 << 63, (1 << 48) - 1
_TELLING = frozenset(name.encode() for name in TELLING)
#: types of values that may hold a path
_MAY_MATTER = frozenset({ASSET, DICTIONARY, PAYLOAD, PAYLOADS, REFERENCES, STRING, UNREGISTERED})
_TEXT_TYPES = ("asset", "string", "token")
#: what is no metadata: where it is read is elsewhere
_NO_METADATA = frozenset({"default", "timeSamples", "typeName", "references", "payload", "subLayers", "subLayerOffsets"})


def read_crate_layer(stream: BinaryIO, limits: Limits) -> Iterator[Item]:
    """Yield the head of a layer, then each prim that may point to files, and what of it is damaged."""
    try:
        crate = read_crate(stream, limits)
    except CrateDamaged as exc:
        yield Damage("its tables", str(exc))
        return
    yield from _Reader(crate, limits).read()


class _Reader:
    def __init__(self, crate: Crate, limits: Limits) -> None:
        self._crate = crate
        self._values = Values(crate, limits)
        self._limits = limits
        self._names = [""] * len(crate.tokens)
        self._sets: dict[int, dict[str, int]] = {}
        self._damage: dict[Damage, None] = {}

    def read(self) -> Iterator[Item]:
        specs, wanted = self._specs()
        root = next((p for p in self._crate.path_order if self._crate.path_parents[p] < 0), -1)
        yield self._head(self._fields(specs[root]) if root >= 0 and specs[root] >= 0 else {})
        prims: dict[int, list[int]] = {}
        for path in self._crate.path_order:
            if path in wanted and path != root:
                is_property = self._crate.path_tokens[path] < 0
                prims.setdefault(self._crate.path_parents[path] if is_property else path, []).append(path)
        for prim, paths in prims.items():
            yield self._prim(prim, paths, specs)
        yield from self._damage

    def _specs(self) -> tuple[array[int], set[int]]:
        """Return by path where its set of fields begins (-1: it has none), and which paths matter."""
        crate = self._crate
        strong, weak = self._sets_that_matter()
        telling = {i for i, token in enumerate(crate.tokens) if token in _TELLING}
        wanted: set[int] = set()
        tokens = crate.path_tokens
        count = len(tokens)
        specs = array("i", [-1]) * count
        for path, fields in zip(crate.spec_paths, crate.spec_fields, strict=False):
            if not 0 <= path < count:
                self._broken("a spec", f"it has no path {path}")
                continue
            matters = fields in strong or (fields in weak and -tokens[path] in telling)
            if matters:
                wanted.add(path)
            specs[path] = fields
        return specs, wanted

    def _sets_that_matter(self) -> tuple[set[int], set[int]]:
        """Return where sets of fields begin that have a field which may hold a path, and those which do on some attributes only."""
        crate = self._crate
        text_types = {i for i, t in enumerate(crate.tokens) if t.startswith((b"asset", b"string"))}
        # 1: on some attributes, 2: always, 4: samples of something, 8: the type of an attribute is of text
        marks = bytearray(len(crate.field_values))
        names = crate.field_tokens
        default, type_name = _index(crate.tokens, b"default"), _index(crate.tokens, b"typeName")
        for index, value in enumerate(crate.field_values):
            kind = value >> 48 & 0xFF
            if kind == TOKEN:
                if names[index] == default:
                    marks[index] = 0 if value & _ARRAY else 1
                elif names[index] == type_name and value & _PAYLOAD_BITS in text_types:
                    marks[index] = 8
            elif kind == SAMPLES:
                marks[index] = 5
            elif kind in _MAY_MATTER:
                marks[index] = 2
        strong: set[int] = set()
        weak: set[int] = set()
        start, mark, count = 0, 0, len(marks)
        for at, field in enumerate(crate.field_sets):
            if field >= 0:
                mark |= marks[field] if field < count else 0
                continue
            if mark & 2 or mark & 12 == 12:
                strong.add(start)
            elif mark & 1:
                weak.add(start)
            start, mark = at + 1, 0
        return strong, weak

    def _fields(self, start: int) -> dict[str, int]:
        """Return a set's fields by name."""
        known = self._sets.get(start)
        if known is not None:
            return known
        crate = self._crate
        found: dict[str, int] = {}
        for at in range(max(0, start), len(crate.field_sets)):
            field = crate.field_sets[at]
            if not 0 <= field < min(len(crate.field_values), len(crate.field_tokens)):
                break
            try:
                found[crate.token(crate.field_tokens[field])] = crate.field_values[field]
            except CrateDamaged as exc:
                self._broken("a field", str(exc))
        if len(self._sets) < 100_000:
            self._sets[start] = found
        return found

    def _head(self, fields: dict[str, int]) -> Head:
        metadata: dict[str, Value] = {}
        for name, field in fields.items():
            value = self._read(field, f"/.{name}")
            if value is not None:
                metadata[name] = value
        sublayers: tuple[Arc, ...] = ()
        if "subLayers" in fields:
            metadata.pop("subLayers", None)
            try:
                sublayers = self._values.sublayers(fields["subLayers"], fields.get("subLayerOffsets"))
            except CrateDamaged as exc:
                self._broken("subLayers", str(exc))
        return Head(metadata, sublayers)

    def _prim(self, path: int, members: list[int], specs: array[int]) -> Prim:
        name = self._path(path)
        fields = self._fields(specs[path]) if specs[path] >= 0 else {}
        metadata = self._metadata(fields, name) if path in members else {}
        properties = [p for member in members if member != path and (p := self._property(member, specs[member])) is not None]
        references, payloads = self._arcs(fields, "references", name), self._arcs(fields, "payload", name)
        return Prim(name, self._type(path, specs), metadata, references, payloads, tuple(properties))

    def _type(self, path: int, specs: array[int]) -> str:
        """Return the type of a prim; a variant has that of its prim."""
        for _ in range(self._limits.depth):
            if path < 0 or specs[path] < 0:
                return ""
            type_ = self._fields(specs[path]).get("typeName")
            if type_ is not None:
                text = self._read(type_, "typeName")
                return text if isinstance(text, str) else ""
            if not self._token(path).startswith("{"):
                return ""
            path = self._crate.path_parents[path]
        return ""

    def _metadata(self, fields: dict[str, int], where: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, value in fields.items():
            if name in _NO_METADATA or not (type_of(value) in _MAY_MATTER or name.startswith("clip")):
                continue
            read = self._read(value, f"{where}.{name}")
            if type_of(value) == UNREGISTERED and isinstance(read, str) and ("@" in read or name.startswith("clip")):
                read = _parsed(read, self._limits)
            if name.startswith("clip") or interesting(read):
                found[name] = read
        return found

    def _arcs(self, fields: dict[str, int], name: str, where: str) -> tuple[Arc, ...]:
        if name not in fields or type_of(fields[name]) not in (REFERENCES, PAYLOADS, PAYLOAD):
            return ()
        try:
            return self._values.arcs(fields[name])
        except CrateDamaged as exc:
            self._broken(f"{where}.{name}", str(exc))
            return ()

    def _property(self, path: int, start: int) -> Property | None:
        fields = self._fields(start)
        name, where = self._token(path), self._path(path)
        type_ = self._read(fields["typeName"], where) if "typeName" in fields else ""
        metadata = self._metadata(fields, where)
        if not isinstance(type_, str) or not type_.startswith(_TEXT_TYPES):
            return Property(name, str(type_ or ""), fields=metadata) if metadata else None
        value = self._read(fields["default"], where) if "default" in fields else None
        if not matters(name, value):
            value = None
        samples = self._samples(fields.get("timeSamples"), where, name)
        if value is None and not samples and not metadata:
            return None
        return Property(name, type_, value, samples, metadata)

    def _samples(self, value: int | None, where: str, name: str) -> tuple[tuple[float, Value], ...]:
        if value is None or type_of(value) != SAMPLES:
            return ()
        found: list[tuple[float, Value]] = []
        try:
            for time, one in self._values.samples(value):
                read = self._values.read(one)
                if matters(name, read):
                    found.append((time, read))
        except CrateDamaged as exc:
            self._broken(where, str(exc))
        return tuple(found)

    def _read(self, value: int, where: str) -> Value:
        try:
            return self._values.read(value)
        except CrateDamaged as exc:
            self._broken(where, str(exc))
            return None

    def _token(self, path: int) -> str:
        try:
            return self._crate.token(abs(self._crate.path_tokens[path]))
        except CrateDamaged as exc:
            self._broken("a path", str(exc))
            return "?"

    def _path(self, path: int) -> str:
        """Spell a path."""
        parts: list[str] = []
        parents: array[int] = self._crate.path_parents
        while path >= 0 and parents[path] >= 0 and len(parts) < self._limits.depth * 10:
            token = self._token(path)
            variant = token.startswith("{")
            mark = "" if variant else "." if self._crate.path_tokens[path] < 0 else "/"
            parts.append(mark + token)
            path = parents[path]
        return "".join(reversed(parts))

    def _broken(self, where: str, reason: str) -> None:
        if len(self._damage) < 100:
            self._damage.setdefault(Damage(where, reason))


def _parsed(text: str, limits: Limits) -> Value:
    """Return what metadata that USD did not know, and kept as the text of a `.usda`, says."""
    try:
        return read_value(Tokens(io.BytesIO(text.encode("utf-8", "surrogateescape")), limits), limits)
    except TextDamaged:
        return text


def _index(tokens: list[bytes], token: bytes) -> int:
    return tokens.index(token) if token in tokens else -1
