"""Values of a crate: text, assets, dictionaries, arcs, samples; numbers only where they are read for clips and frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from conductor_core.discovery.limits import Limits
from conductor_core.formats.usd.crate_file import Crate, CrateDamaged
from conductor_core.formats.usd.layer import Arc, Asset, Value

(BOOL, INT, FLOAT, DOUBLE, STRING, TOKEN, ASSET) = (1, 3, 8, 9, 10, 11, 12)
(INT64, DOUBLE2, DICTIONARY, REFERENCES) = (5, 19, 31, 35)
(TOKENS, SAMPLES, PAYLOAD, DOUBLES, OFFSETS, STRINGS) = (41, 46, 47, 48, 49, 50)
(VALUE, UNREGISTERED, PAYLOADS, TIMECODE) = (52, 53, 55, 56)

_ARRAY, _INLINED, _PAYLOAD = 1 << 63, 1 << 62, (1 << 48) - 1
#: the version from which arrays have no rank, their sizes have 64 bits, payloads have offsets
_NO_RANK, _LONG_SIZES, _PAYLOAD_OFFSETS = (0, 5, 0), (0, 7, 0), (0, 8, 0)
#: items of a list, a dictionary or samples that one value may have
_ITEMS = 10_000_000
_KEPT_NUMBERS = 100_000
#: in the order in which they are stored: the bit that says that they are, and what they do
_LISTS: tuple[tuple[int, Literal["used", "deleted", "reordered"]], ...] = (
    (1 << 1, "used"),
    (1 << 2, "used"),
    (1 << 5, "used"),
    (1 << 6, "used"),
    (1 << 3, "deleted"),
    (1 << 4, "reordered"),
)


def type_of(value: int) -> int:
    """Return the number of a value's type."""
    return value >> 48 & 0xFF


class Values:
    """Reads the values of a crate that may matter."""

    def __init__(self, crate: Crate, limits: Limits) -> None:
        self._crate = crate
        self._bytes = crate.data
        self._limits = limits
        self._at = 0

    def read(self, value: int) -> Value:
        """Return a value; None for one of a type that points to nothing.

        Raises:
            CrateDamaged: it lies beyond the file, or too deep.
        """
        return self._value(value, 0)

    def samples(self, value: int) -> Iterator[tuple[float, int]]:
        """Yield the times of samples with their values, unread."""
        at = value & _PAYLOAD
        times_at = at + self._bytes.number("<q", at)
        times = self._times(self._bytes.number("<Q", times_at))
        values_at = times_at + 8
        at = values_at + self._bytes.number("<q", values_at)
        count = self._bytes.number("<Q", at)
        self._bound(count)
        raw = self._bytes.read(at + 8, count * 8)
        yield from zip(times, (v for (v,) in struct.iter_unpack("<Q", raw)), strict=False)

    def arcs(self, value: int) -> tuple[Arc, ...]:
        """Return references or payloads, those within the layer left out."""
        kind = type_of(value)
        self._at = value & _PAYLOAD
        if kind == PAYLOAD:
            found = [self._payload("used")]
        else:
            bits = self._bytes.number("<B", self._at)
            self._at += 1
            found = []
            for bit, role in _LISTS:
                if bits & bit:
                    count = self._count()
                    one = self._reference if kind == REFERENCES else self._payload
                    found += [one(role) for _ in range(count)]
        return tuple(arc for arc in found if arc.asset)

    def sublayers(self, names: int, offsets: int | None) -> tuple[Arc, ...]:
        """Return the sublayers with what shifts them in time."""
        assets = self._strings(names & _PAYLOAD)
        shifts: list[tuple[float, float]] = []
        if offsets is not None and offsets & _PAYLOAD:
            self._at = offsets & _PAYLOAD
            shifts = [self._offset() for _ in range(self._count())]
        shifts += [(0.0, 1.0)] * (len(assets) - len(shifts))
        return tuple(Arc(a, "used", *shift) for a, shift in zip(assets, shifts, strict=False) if a)

    def _value(self, value: int, depth: int) -> Value:
        if depth > self._limits.depth:
            raise CrateDamaged("values lie too deep in each other")
        kind, payload = type_of(value), value & _PAYLOAD
        if value & _ARRAY:
            return self._array(kind, payload)
        if kind in (TOKEN, ASSET, STRING):
            return self._text(kind, payload, bool(value & _INLINED))
        if kind in (FLOAT, DOUBLE, TIMECODE, INT, INT64, BOOL):
            return self._number_of(kind, payload, bool(value & _INLINED))
        if kind == DICTIONARY:
            return {} if value & _INLINED or not payload else self._dictionary(payload, depth)
        if kind in (VALUE, UNREGISTERED):
            return self._value(self._bytes.number("<Q", payload + self._bytes.number("<q", payload)), depth + 1)
        if kind == STRINGS:
            return [*self._strings(payload)]
        if kind == DOUBLES and payload:
            self._at = payload
            return [*self._doubles(self._count())]
        return None

    def _text(self, kind: int, payload: int, inlined: bool) -> Value:
        index = payload if inlined else self._bytes.number("<I", payload)
        text = self._crate.string(index) if kind == STRING else self._crate.token(index)
        return Asset(text) if kind == ASSET else text

    def _number_of(self, kind: int, payload: int, inlined: bool) -> float:
        if kind == BOOL:
            return float(payload & 1)
        if inlined:
            layout = "<i" if kind in (INT, INT64) else "<f"
            return float(struct.unpack(layout, (payload & 0xFFFFFFFF).to_bytes(4, "little"))[0])
        layout = {INT: "<i", INT64: "<q", FLOAT: "<f"}.get(kind, "<d")
        return float(struct.unpack(layout, self._bytes.read(payload, struct.calcsize(layout)))[0])

    def _array(self, kind: int, payload: int) -> Value:
        if kind not in (STRING, TOKEN, ASSET, DOUBLE2, DOUBLE) or not payload:
            return []
        version = self._crate.version
        self._at = payload + (0 if version >= _NO_RANK else 4)
        count = self._count("<Q" if version >= _LONG_SIZES else "<I")
        if kind in (DOUBLE2, DOUBLE):
            width = 1 + (kind == DOUBLE2)
            numbers = self._doubles(min(count, _KEPT_NUMBERS) * width)
            return [*numbers] if width == 1 else [[*pair] for pair in zip(numbers[::2], numbers[1::2], strict=True)]
        raw = self._bytes.read(self._at, count * 4)
        indices = [index for (index,) in struct.iter_unpack("<I", raw)]
        if kind == TOKEN:
            return [self._crate.token(i) for i in indices]
        return [Asset(self._crate.string(i)) if kind == ASSET else self._crate.string(i) for i in indices]

    def _dictionary(self, at: int, depth: int) -> Value:
        self._at = at
        count = self._count()
        at = self._at
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._crate.string(self._bytes.number("<I", at))
            place = at + 4 + self._bytes.number("<q", at + 4)
            found[key] = self._value(self._bytes.number("<Q", place), depth + 1)
            at = place + 8
        self._at = at
        return found

    def _times(self, value: int) -> list[float]:
        self._at = value & _PAYLOAD
        if not self._at:
            return []
        return [*self._doubles(self._count())]

    def _strings(self, at: int) -> list[str]:
        self._at = at
        if not at:
            return []
        count = self._count()
        raw = self._bytes.read(self._at, count * 4)
        return [self._crate.string(index) for (index,) in struct.iter_unpack("<I", raw)]

    def _doubles(self, count: int) -> tuple[float, ...]:
        raw = self._bytes.read(self._at, count * 8)
        self._at += count * 8
        return struct.unpack(f"<{count}d", raw)

    def _reference(self, role: Literal["used", "deleted", "reordered"]) -> Arc:
        asset, _ = self._take("<II")
        offset, scale = self._offset()
        self._dictionary(self._at, 0)
        return Arc(self._crate.string(int(asset)), role, offset, scale)

    def _payload(self, role: Literal["used", "deleted", "reordered"]) -> Arc:
        asset, _ = self._take("<II")
        offset, scale = self._offset() if self._crate.version >= _PAYLOAD_OFFSETS else (0.0, 1.0)
        return Arc(self._crate.string(int(asset)), role, offset, scale)

    def _offset(self) -> tuple[float, float]:
        offset, scale = self._take("<dd")
        return float(offset), float(scale)

    def _take(self, layout: str) -> tuple[float, ...]:
        size = struct.calcsize(layout)
        data = self._bytes.read(self._at, size)
        self._at += size
        return struct.unpack(layout, data)

    def _count(self, layout: str = "<Q") -> int:
        (count,) = self._take(layout)
        self._bound(int(count))
        return int(count)

    def _bound(self, count: int) -> None:
        if count > min(_ITEMS, self._bytes.size):
            raise CrateDamaged(f"a value claims to have {count:,} items")
