"""The DNA of a .blend: every struct of the Blender that saved it, by name, so that one reader serves all versions.

https://developer.blender.org/docs/features/core/dna/: block `DNA1` holds names, types, their lengths, and structs.
"""

from __future__ import annotations

import functools
import re
import struct
from dataclasses import dataclass
from functools import cached_property

_NAME = re.compile(r"(?P<pointer>\(?\*+)?(?P<name>\w+)\)?(?P<rest>.*)", re.DOTALL)
_ARRAY = re.compile(r"\[([0-9]{1,9})\]")
#: no array in Blender's DNA comes near; a damaged one may say anything
_LARGEST = 1 << 28


class DamagedDNA(ValueError):
    """Say that a DNA block cannot be read."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a struct."""

    name: str
    type: str
    offset: int
    #: bytes of all its elements
    size: int
    pointer: bool
    count: int


@dataclass(frozen=True)
class Struct:
    """One struct; its members are worked out when they are asked for."""

    name: str
    size: int
    raw: tuple[tuple[int, int], ...]
    dna: DNA

    @cached_property
    def members(self) -> dict[str, Member]:
        """Return the members by name."""
        found: dict[str, Member] = {}
        offset = 0
        for type_number, name_number in self.raw:
            member = self.dna.member(type_number, name_number, offset)
            found.setdefault(member.name, member)
            offset += member.size
        return found


class DNA:
    """All structs of a file."""

    def __init__(self, data: bytes, endian: str, pointer: int) -> None:
        """Read a `DNA1` block.

        Raises:
            DamagedDNA: it is not one.
        """
        self.endian = endian
        self.pointer = pointer
        try:
            self._read(_Words(data, endian))
        except (struct.error, IndexError, ValueError, UnicodeDecodeError) as exc:
            raise DamagedDNA(str(exc)) from exc
        self.by_name: dict[str, Struct] = {s.name: s for s in reversed(self.structs)}

    def member(self, type_number: int, name_number: int, offset: int) -> Member:
        """Return what a pair of numbers in a struct says."""
        name, pointer, count = self._names[name_number]
        type_ = self._types[type_number]
        each = self.pointer if pointer else self._lengths[type_number]
        return Member(name, type_, offset, each * count, pointer, count)

    def name_of(self, number: int) -> str:
        """Return the name of the struct with a number; "" where there is none."""
        return self.structs[number].name if 0 <= number < len(self.structs) else ""

    def long_names(self, struct: Struct, shortest: int) -> list[str]:
        """Return the names of a struct's arrays of so many characters or more."""
        chars = [n for t, n in struct.raw if self._types[t] == "char"]
        return [self._names[n][0] for n in chars if self._names[n][2] >= shortest and not self._names[n][1]]

    def parts_of(self, struct: Struct) -> set[str]:
        """Return the types that are part of a struct."""
        return {self._types[t] for t, n in struct.raw if not self._names[n][1]}

    def _read(self, words: _Words) -> None:
        words.expect(b"SDNA")
        words.expect(b"NAME")
        self._names = [_parsed(n) for n in words.texts()]
        words.align()
        words.expect(b"TYPE")
        self._types = words.texts()
        words.align()
        words.expect(b"TLEN")
        self._lengths = words.shorts(len(self._types))
        words.align()
        words.expect(b"STRC")
        self.structs = [self._struct(words) for _ in range(words.number())]

    def _struct(self, words: _Words) -> Struct:
        type_number, count = words.shorts(2)
        pairs = words.shorts(count * 2)
        types, names = pairs[::2], pairs[1::2]
        if count and (max(types) >= len(self._types) or max(names) >= len(self._names)):
            raise DamagedDNA("a member is of no type or has no name")
        return Struct(self._types[type_number], self._lengths[type_number], tuple(zip(types, names, strict=True)), self)


@functools.lru_cache(maxsize=4)
def read_dna(data: bytes, endian: str, pointer: int) -> DNA:
    """Read a `DNA1` block; all files of one Blender have the same, and libraries are mostly of one.

    Raises:
        DamagedDNA: it is not one.
    """
    return DNA(data, endian, pointer)


class _Words:
    """The bytes of a DNA block, read word by word."""

    def __init__(self, data: bytes, endian: str) -> None:
        self._data = data
        self._endian = endian
        self._at = 0

    def expect(self, word: bytes) -> None:
        if self._data[self._at : self._at + 4] != word:
            raise DamagedDNA(f"{word.decode()} is not where it should be")
        self._at += 4

    def number(self) -> int:
        (value,) = struct.unpack_from(f"{self._endian}i", self._data, self._at)
        self._at += 4
        if not 0 <= value <= len(self._data):
            raise DamagedDNA("it counts more than it holds")
        return int(value)

    def texts(self) -> list[str]:
        count = self.number()
        if not count:
            return []
        parts = self._data[self._at :].split(b"\0", count)
        if len(parts) <= count:
            raise DamagedDNA("it ends within its names")
        self._at += sum(len(p) + 1 for p in parts[:count])
        return [p.decode("latin-1") for p in parts[:count]]

    def shorts(self, count: int) -> tuple[int, ...]:
        values = struct.unpack_from(f"{self._endian}{count}H", self._data, self._at)
        self._at += 2 * count
        return values

    def align(self) -> None:
        self._at = (self._at + 3) & ~3


@functools.lru_cache(maxsize=1 << 16)
def _parsed(text: str) -> tuple[str, bool, int]:
    """Return name, whether it is a pointer, and how many elements: `*mtex[18]`, `(*func)()`, `mat[4][4]`."""
    match = _NAME.match(text)
    if match is None:
        return text, False, 1
    count = 1
    for size in _ARRAY.findall(match["rest"]):
        count *= int(size)
    return match["name"], bool(match["pointer"]), min(count, _LARGEST)
