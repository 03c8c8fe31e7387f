"""A struct in a .blend with its members by name, whatever version saved it; what a version does not have reads as nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.formats.blend.dna import DNA, Member, Struct

#: how numbers of DNA are read; names without a sign in them are signed
_FORMS = {
    **{"char": "b", "uchar": "B", "int8_t": "b", "uint8_t": "B", "bool": "B"},
    **{"short": "h", "ushort": "H", "int16_t": "h", "uint16_t": "H"},
    **{"int": "i", "uint": "I", "int32_t": "i", "uint32_t": "I", "long": "i", "ulong": "I"},
    **{"int64_t": "q", "uint64_t": "Q", "float": "f", "double": "d"},
}
#: no list in a scene is longer; a damaged one may run in a ring
_LONGEST = 10_000_000
#: how deep the first members of structs lie in each other; in damaged DNA a struct may begin with itself
_DEEPEST = 8


@dataclass(slots=True)
class Kept:
    """A block that is held."""

    #: number of its struct
    struct: int
    count: int
    data: bytes


@dataclass(slots=True)
class Datablock:
    """One datablock of the file with those of its data blocks that are held."""

    #: `IM`, `OB`; `ID` for one that is linked from a library
    code: bytes
    address: int
    #: `IMwood.png`
    full_name: str = ""
    #: of one that is linked, or was and is packed into this file (5.0): the library's own datablock
    library: Datablock | None = None
    blocks: dict[int, Kept] = field(default_factory=dict)
    #: what it points to among datablocks, where that was asked for
    points_to: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Return the name as an artist knows it."""
        return self.full_name[2:]


@dataclass(frozen=True, slots=True)
class World:
    """What pointers lead through: the structs, and all datablocks by their addresses."""

    dna: DNA
    datablocks: dict[int, Datablock]


@dataclass(frozen=True, slots=True)
class Record:
    """A struct at a place in a block."""

    world: World
    owner: Datablock
    struct: Struct
    data: bytes
    at: int = 0
    #: its address, where a pointer led here; two records of one address are one thing
    own: int = 0

    def has(self, name: str) -> bool:
        """Tell whether this version's struct has a member."""
        return name in self.struct.members

    def text(self, *names: str) -> str:
        """Return the text of the first of some members that is there: an array of characters, or what a pointer leads to."""
        member = self._member(*names)
        if member is None:
            return ""
        if member.pointer:
            block = self.owner.blocks.get(self._pointer(member))
            return _text(block.data) if block else ""
        start = self.at + member.offset
        return _text(self.data[start : start + member.size])

    def number(self, name: str, default: int = 0) -> int:
        """Return a member as a whole number."""
        return int(self.real(name, default))

    def real(self, name: str, default: float = 0.0) -> float:
        """Return a member as a number."""
        member = self._member(name)
        form = _FORMS.get(member.type) if member else None
        if member is None or form is None or member.pointer:
            return default
        try:
            (value,) = struct.unpack_from(self.world.dna.endian + form, self.data, self.at + member.offset)
        except struct.error:
            return default
        return float(value) if value == value and abs(value) < 1e30 else default

    def points(self, name: str) -> bool:
        """Tell whether a pointer leads anywhere."""
        return self.address(name) != 0

    def address(self, name: str) -> int:
        """Return a pointer; 0 where there is none."""
        member = self._member(name)
        return self._pointer(member) if member else 0

    def part(self, name: str) -> Record | None:
        """Return a struct that is a member."""
        member = self._member(name)
        inner = self.world.dna.by_name.get(member.type) if member and not member.pointer else None
        return Record(self.world, self.owner, inner, self.data, self.at + member.offset) if member and inner else None

    def follow(self, name: str, as_struct: str = "") -> Record | None:
        """Return what a pointer leads to: a block of the same datablock, or another datablock."""
        return self._lead(self.address(name), as_struct)

    def datablock(self, name: str) -> Datablock | None:
        """Return the datablock that a pointer leads to."""
        return self.world.datablocks.get(self.address(name))

    def listed(self, name: str) -> Iterator[Record]:
        """Yield the members of a list (`ListBase`), in order."""
        head = self.part(name)
        address = head.address("first") if head else 0
        seen: set[int] = set()
        while address and address not in seen and len(seen) < _LONGEST:
            seen.add(address)
            one = self._lead(address, "")
            if one is None:
                return
            yield one
            address = one._next()

    def array(self, name: str, as_struct: str = "") -> Iterator[Record]:
        """Yield the elements of an array that a pointer leads to."""
        block = self.owner.blocks.get(self.address(name))
        first = self._lead(self.address(name), as_struct)
        if block is None or first is None or not first.struct.size:
            return
        for i in range(min(block.count, len(block.data) // first.struct.size)):
            yield Record(self.world, self.owner, first.struct, block.data, i * first.struct.size)

    def _lead(self, address: int, as_struct: str) -> Record | None:
        if not address:
            return None
        block = self.owner.blocks.get(address)
        if block is not None:
            return record_of(self.world, self.owner, block, as_struct, own=address)
        other = self.world.datablocks.get(address)
        return head_of(self.world, other) if other else None

    def _next(self) -> int:
        """Return the address of the next in a list; modifiers and the like begin with a struct that begins with it."""
        part: Record | None = self
        for _ in range(_DEEPEST):
            if part is None or part.has("next"):
                break
            first = next(iter(part.struct.members), "")
            part = part.part(first) if first else None
        return part.address("next") if part is not None else 0

    def _member(self, *names: str) -> Member | None:
        members = self.struct.members
        if len(names) == 1:
            return members.get(names[0])
        return next((members[n] for n in names if n in members), None)

    def _pointer(self, member: Member) -> int:
        dna = self.world.dna
        start = self.at + member.offset
        pointer = self.data[start : start + dna.pointer] if member.pointer else b""
        return int.from_bytes(pointer, "little" if dna.endian == "<" else "big")


def record_of(world: World, owner: Datablock, block: Kept, as_struct: str = "", *, own: int = 0) -> Record | None:
    """Return a block as its struct."""
    if as_struct:
        struct_ = world.dna.by_name.get(as_struct)
    else:
        struct_ = world.dna.structs[block.struct] if 0 <= block.struct < len(world.dna.structs) else None
    return Record(world, owner, struct_, block.data, own=own) if struct_ else None


def head_of(world: World, datablock: Datablock) -> Record | None:
    """Return a datablock's own struct."""
    block = datablock.blocks.get(datablock.address)
    return record_of(world, datablock, block, own=datablock.address) if block else None


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
