"""The tables of a crate (`.usdc`): tokens, strings, fields, sets of fields, paths and specs. Values stay in the file.

Layout of all versions, 0.0.1 to 0.14: https://github.com/PixarAnimationStudios/OpenUSD/blob/dev/pxr/usd/sdf/crateFile.cpp
(and the AOUSD Core Specification, "Crate"), checked against layers that the library has written.
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass
from typing import BinaryIO, Literal, NamedTuple

from conductor_core.discovery.limits import Limits
from conductor_core.formats.usd.crate_packing import PackingDamaged, unpack_chunks, unpack_numbers

MAGIC = b"PXR-USDC"
#: the version from which tables are packed
_PACKED = (0, 4, 0)
_NO_PADDING = (0, 1, 0)
#: bytes that all tables of one crate may come to in memory (some 30 million specs), and how many times those of the file;
#: real ones come to 12 times at most
_TABLES, _RATIO = 1 << 30, 200
#: what a token costs beside its text
_TOKEN = 48
_END_OF_SET = -1
_HAS_CHILD, _HAS_SIBLING, _IS_PROPERTY = 1, 2, 4


class CrateDamaged(Exception):
    """Carry what is wrong with a crate."""


class Bytes:
    """A stream of which parts are read by their place."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, 2)

    def read(self, at: int, length: int) -> bytes:
        """Return `length` bytes.

        Raises:
            CrateDamaged: they are not all there.
        """
        if at < 0 or length < 0 or at + length > self.size:
            raise CrateDamaged(f"{length:,} bytes at {at:,} lie beyond its end, at {self.size:,}")
        self._stream.seek(at)
        return self._stream.read(length)

    def number(self, layout: str, at: int) -> int:
        """Return one whole number."""
        return int(struct.unpack(layout, self.read(at, struct.calcsize(layout)))[0])


class Section(NamedTuple):
    """Where a table lies."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Crate:
    """A crate's tables; numbers are indices into each other."""

    data: Bytes
    version: tuple[int, int, int]
    tokens: list[bytes]
    strings: array[int]
    field_tokens: array[int]
    #: 64 bits each: what a value is, and where
    field_values: array[int]
    #: each set ends in -1
    field_sets: array[int]
    #: by path: the token of its last part; negative: it is a property
    path_tokens: array[int]
    path_parents: array[int]
    #: paths in the order of the hierarchy
    path_order: array[int]
    spec_paths: array[int]
    spec_fields: array[int]

    def token(self, index: int) -> str:
        """Return a token.

        Raises:
            CrateDamaged: there is none of this number.
        """
        if not 0 <= index < len(self.tokens):
            raise CrateDamaged(f"it has no token {index}")
        return self.tokens[index].decode("utf-8", "surrogateescape")

    def string(self, index: int) -> str:
        """Return a string."""
        if not 0 <= index < len(self.strings):
            raise CrateDamaged(f"it has no string {index}")
        return self.token(self.strings[index])


def read_crate(stream: BinaryIO, limits: Limits) -> Crate:
    """Return the tables of a crate.

    Raises:
        CrateDamaged: it is none, or is damaged.
    """
    data = Bytes(stream)
    if data.read(0, 8) != MAGIC:
        raise CrateDamaged("it does not start as a crate")
    version = (data.read(8, 1)[0], data.read(9, 1)[0], data.read(10, 1)[0])
    try:
        return _Tables(data, version, limits).crate()
    except PackingDamaged as exc:
        raise CrateDamaged(str(exc)) from exc


class _Tables:
    def __init__(self, data: Bytes, version: tuple[int, int, int], limits: Limits) -> None:
        self._data = data
        self._version = version
        self._packed = version >= _PACKED
        self._left = min(_TABLES, limits.unpacked, max(data.size, 1 << 16) * min(_RATIO, limits.ratio))
        self._sections = self._contents(data.number("<q", 16))
        self._at = 0

    def crate(self) -> Crate:
        tokens = self._tokens()
        count = self._open("STRINGS")
        strings = self._plain(count)
        field_tokens, field_values = self._fields()
        if len(field_tokens) != len(field_values):
            raise CrateDamaged("its table of fields is cut off")
        count = self._open("FIELDSETS")
        field_sets = self._numbers(count) if self._packed else self._plain(count)
        path_tokens, path_parents, path_order = self._paths()
        spec_paths, spec_fields = self._specs()
        return Crate(
            data=self._data,
            version=self._version,
            tokens=tokens,
            strings=strings,
            field_tokens=field_tokens,
            field_values=field_values,
            field_sets=field_sets,
            path_tokens=path_tokens,
            path_parents=path_parents,
            path_order=path_order,
            spec_paths=spec_paths,
            spec_fields=spec_fields,
        )

    def _contents(self, at: int) -> dict[str, Section]:
        count = self._data.number("<Q", at)
        if count > 1000:
            raise CrateDamaged("its table of contents is damaged")
        raw = self._data.read(at + 8, count * 32)
        found = {}
        for name, start, size in struct.iter_unpack("<16sqq", raw):
            found[name.split(b"\0", 1)[0].decode("ascii", "replace")] = Section(start, size)
        return found

    def _open(self, name: str) -> int:
        """Go to a table and return the count that it starts with; 0 where the crate has none."""
        section = self._sections.get(name)
        if section is None:
            raise CrateDamaged(f"its table {name} lacks")
        self._at = section.start
        count = self._number()
        if count < 0:
            raise CrateDamaged(f"its table {name} is damaged")
        return count

    def _number(self) -> int:
        value = self._data.number("<q", self._at)
        self._at += 8
        return value

    def _take(self, length: int) -> bytes:
        self._spend(length)
        data = self._data.read(self._at, length)
        self._at += length
        return data

    def _spend(self, size: int) -> None:
        """Count what is held in memory: a small file may claim that its tables are huge."""
        self._left -= max(0, size)
        if size < 0 or self._left < 0:
            raise CrateDamaged("its tables are larger than their limit")

    def _plain(self, count: int) -> array[int]:
        return _of_bytes("i", self._take(count * 4))

    def _numbers(self, count: int) -> array[int]:
        packed = self._take(self._number())
        self._spend(count * 4)
        return unpack_numbers(packed, count)

    def _tokens(self) -> list[bytes]:
        count = self._open("TOKENS")
        size = self._number()
        if self._packed:
            packed = self._take(self._number())
            self._spend(size)
            raw = unpack_chunks(packed, size)
        else:
            raw = self._take(size)
        self._spend(count * _TOKEN)
        tokens = raw.split(b"\0", count)
        if len(tokens) < count:
            raise CrateDamaged(f"it has {len(tokens)} tokens, not {count}")
        return tokens[:count]

    def _fields(self) -> tuple[array[int], array[int]]:
        count = self._open("FIELDS")
        if not self._packed:
            both = [*struct.iter_unpack("<4xiQ", self._take(count * 16))]
            return array("i", [t for t, _ in both]), array("Q", [v for _, v in both])
        tokens = self._numbers(count)
        packed = self._take(self._number())
        self._spend(count * 8)
        raw = unpack_chunks(packed, count * 8) if count else b""
        return tokens, _of_bytes("Q", raw[: len(raw) // 8 * 8])

    def _specs(self) -> tuple[array[int], array[int]]:
        count = self._open("SPECS")
        if self._packed:
            return self._numbers(count), self._numbers(count)
        layout = "<iii" if self._version >= _NO_PADDING else "<4xiii"
        both = [*struct.iter_unpack(layout, self._take(count * struct.calcsize(layout)))]
        return array("i", [p for p, _, _ in both]), array("i", [f for _, f, _ in both])

    def _paths(self) -> tuple[array[int], array[int], array[int]]:
        count = self._open("PATHS")
        self._spend(count * 12)
        if self._packed:
            stored = self._number()
            indices, tokens, jumps = self._numbers(stored), self._numbers(stored), self._numbers(stored)
            if not len(indices) == len(tokens) == len(jumps) == stored:
                raise CrateDamaged("its table of paths is cut off")
        else:
            indices, tokens, jumps = self._path_tree(count)
        return _hierarchy(count, indices, tokens, jumps)

    def _path_tree(self, count: int) -> tuple[array[int], array[int], array[int]]:
        """Read the tree of versions before 0.4 into what later ones store: index, token, and the way to the sibling."""
        layout = struct.Struct("<iiB3x" if self._version >= _NO_PADDING else "<4xiiB3x")
        indices, tokens, jumps = array("i"), array("i"), array("i")
        siblings: dict[int, int] = {}
        waiting: list[int] = [self._at] if count else []
        while waiting:
            at = waiting.pop()
            while True:
                if at in siblings:
                    jumps[siblings.pop(at)] = len(indices)
                if len(indices) >= count:
                    raise CrateDamaged("its table of paths is damaged")
                index, token, bits = layout.unpack(self._data.read(at, layout.size))
                at += layout.size
                child, sibling = bits & _HAS_CHILD, bits & _HAS_SIBLING
                here = len(indices)
                indices.append(index)
                tokens.append(-token if bits & _IS_PROPERTY else token)
                # -2: a leaf, -1: a child only, 0: a sibling only; see `_hierarchy`
                jumps.append(-2 if not (child or sibling) else -1 if not sibling else 0)
                if child and sibling:
                    place = self._data.number("<q", at)
                    at += 8
                    siblings[place] = here
                    waiting.append(place)
                if not (child or sibling):
                    break
        for here, target in enumerate(jumps):
            if target > here:
                jumps[here] = target - here
        return indices, tokens, jumps


def _of_bytes(type_: Literal["i", "Q"], raw: bytes) -> array[int]:
    found = array(type_)
    found.frombytes(raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _hierarchy(
    count: int, indices: array[int], tokens: array[int], jumps: array[int]
) -> tuple[array[int], array[int], array[int]]:
    """Return by path its token and its parent, and the order of paths.

    A jump of 0: the next is a sibling; -1: a child and no sibling follows; -2: neither; n: the next is a child, and the sibling
    is n further on.
    """
    of_path, parents, order = array("i", [0]) * count, array("i", [-1]) * count, array("i")
    parent = -1
    siblings: dict[int, int] = {}
    for here in range(len(indices)):
        parent = siblings.pop(here, parent)
        path, jump = indices[here], jumps[here]
        if not 0 <= path < count:
            raise CrateDamaged(f"it has no path {path}")
        of_path[path], parents[path] = tokens[here], parent
        order.append(path)
        if jump > 0:
            siblings[here + jump] = parent
        if jump > 0 or jump == -1:
            parent = path
    return of_path, parents, order
