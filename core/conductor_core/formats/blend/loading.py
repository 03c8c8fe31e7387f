"""Load of a .blend what may name files: once over the heads for the DNA, which stands last, once more for the blocks.

A file that is cut short has no DNA, and nobody can read it. One that is damaged behind it is read up to there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from conductor_core.discovery.limits import Limits
from conductor_core.errors import SceneNotRead
from conductor_core.formats.blend import kept
from conductor_core.formats.blend.blocks import Block, Broken, Header, heads, read_header
from conductor_core.formats.blend.container import Stream, opened
from conductor_core.formats.blend.dna import DNA, DamagedDNA, read_dna
from conductor_core.formats.blend.long_texts import long_texts
from conductor_core.formats.blend.record import Datablock, Kept, Record, World, head_of, record_of

#: bytes; that of 5.0 has 120 KB
_LARGEST_DNA = 1 << 26
#: `Object.type`
_CAMERA = 11
#: bytes of a block in which pointers to other datablocks are looked for: a list of a million materials
_POINTERS = 1 << 23


@dataclass(slots=True)
class BlendFile:
    """What was loaded."""

    path: str
    header: Header
    world: World
    #: in the order of the file, those that are linked included
    datablocks: list[Datablock] = field(default_factory=list)
    #: where the chain of blocks breaks, and how; empty: nowhere
    broken: str = ""
    curscene: int = 0
    #: bytes that are held of it
    held: int = 0
    filename: str = ""

    def heads(self, *codes: bytes) -> Iterator[Record]:
        """Yield the structs of the datablocks of some codes, but for objects that say nothing."""
        for datablock in self.datablocks:
            if datablock.code in codes:
                head = head_of(self.world, datablock)
                if head is not None and head.data:
                    yield head


def load(path: str, limits: Limits, *, with_pointers: bool = False) -> BlendFile:
    """Load a file.

    Args:
        path: of the file.
        limits: bounds for what it unpacks to.
        with_pointers: also note for each datablock to which others it points.

    Raises:
        OSError: it cannot be read.
        SceneNotRead: it is no .blend, has no DNA, or holds more than can be held.
    """
    with opened(path, limits) as stream:
        header = read_header(stream, path)
        dna, addresses = _first_pass(stream, header, path)
    blend = BlendFile(path, header, World(dna, {}))
    with opened(path, limits) as stream:
        read_header(stream, path)
        _SecondPass(blend, stream, addresses if with_pointers else None).run()
    return blend


def _first_pass(stream: Stream, header: Header, path: str) -> tuple[DNA, frozenset[int]]:
    """Return the DNA and the addresses of all datablocks."""
    dna: DNA | None = None
    addresses: set[int] = set()
    why = "it has no DNA block, so it was not written to its end"
    try:
        for block in heads(stream, header, lambda _struct, _length: False):
            if block.code == b"DNA1":
                dna = read_dna(stream.read(min(block.length, _LARGEST_DNA)), header.endian, header.pointer)
            elif len(block.code) == 2:
                addresses.add(block.address)
    except Broken as exc:
        why = f"it has no DNA block: at byte {exc.position:,} of its data {exc.how}"
    except DamagedDNA as exc:
        raise SceneNotRead(path, f"its DNA block is damaged ({exc})") from exc
    if dna is None:
        raise SceneNotRead(path, why)
    return dna, frozenset(addresses)


class _SecondPass:
    """Go over the blocks with the DNA known, and hold what is to be held."""

    def __init__(self, blend: BlendFile, stream: Stream, addresses: frozenset[int] | None) -> None:
        self._blend = blend
        self._stream = stream
        self._addresses = addresses
        self._dna = blend.world.dna
        unknown = long_texts(self._dna)
        self._kept = [kept.is_kept(s.name) or s.name in unknown for s in self._dna.structs]
        self._whole = kept.DATABLOCKS | unknown.keys()
        self._raw = {i for i, s in enumerate(self._dna.structs) if s.name == "raw_data"}
        self._owner: Datablock | None = None
        self._library: Datablock | None = None
        self._in_library: list[Datablock] = []
        id_struct = self._dna.by_name.get("ID")
        self._id_size = id_struct.size if id_struct else 0

    def run(self) -> None:
        try:
            for block in heads(self._stream, self._blend.header, self._wants):
                self._take(block)
        except Broken as exc:
            self._blend.broken = f"at byte {exc.position:,} of its data {exc.how}"
        for owner in self._in_library:
            head = head_of(self._blend.world, owner)
            inner = head.part("id") if head else None
            library = inner.datablock("lib") if inner else None
            owner.library = library if library is not None and library.code == b"LI" else None

    def _take(self, block: Block) -> None:
        if block.code == b"DATA":
            if self._owner is not None:
                self._take_data(block, self._owner)
        elif len(block.code) == 2:
            self._take_datablock(block)
        else:
            self._owner = None
            if block.code == b"GLOB":
                self._take_globals(block)

    def _take_datablock(self, block: Block) -> None:
        whole = self._dna.name_of(block.struct) in self._whole
        data = self._stream.read(min(block.length, kept.LARGEST if whole or self._addresses is not None else self._id_size))
        owner = Datablock(block.code, block.address)
        held = data if whole else data[: self._id_size]
        owner.blocks[block.address] = Kept(block.struct, block.many, held)
        head = record_of(self._blend.world, owner, owner.blocks[block.address])
        owner.full_name = _name(head)
        if block.code == b"OB" and head is not None and _says_nothing(head):
            owner.blocks[block.address] = Kept(block.struct, block.many, b"")
        self._hold(owner.blocks[block.address].data)
        if block.code == b"LI":
            self._library = owner
        elif block.code == b"ID":
            owner.library = self._library
        else:
            self._in_library.append(owner)
        self._owner = owner
        self._blend.datablocks.append(owner)
        self._blend.world.datablocks[block.address] = owner
        if self._addresses is not None:
            self._note_pointers(data, owner, start=self._id_size)

    def _wants(self, number: int, length: int) -> bool:
        """Tell whether a data block may say something, before anything of it is read."""
        if self._kept[number] if 0 < number < len(self._kept) else False:
            return length <= kept.LARGEST
        if self._addresses is not None and length <= _POINTERS:
            return True
        return length <= kept.LONGEST_TEXT and (number == 0 or number in self._raw)

    def _take_data(self, block: Block, owner: Datablock) -> None:
        number = block.struct
        held = 0 < number < len(self._kept) and self._kept[number] and owner.code != b"AC" and block.length <= kept.LARGEST
        text = not held and (number == 0 or number in self._raw) and kept.is_text(owner.code, block.length)
        pointers = self._addresses is not None and block.length <= _POINTERS and self._dna.name_of(number) != "IDOverrideLibrary"
        if not (held or text or pointers):
            return
        data = self._stream.read(block.length)
        if held or (text and kept.says_something(owner.code, data)):
            owner.blocks[block.address] = Kept(number, block.many, data)
            self._hold(data)
        if pointers:
            self._note_pointers(data, owner)

    def _take_globals(self, block: Block) -> None:
        data = self._stream.read(min(block.length, kept.LARGEST))
        record = record_of(self._blend.world, Datablock(b"GLOB", 0), Kept(block.struct, 1, data))
        if record is not None:
            self._blend.curscene = record.address("curscene")
            self._blend.filename = record.text("filename")

    def _note_pointers(self, data: bytes, owner: Datablock, start: int = 0) -> None:
        """Note which datablocks are pointed to; a value that is one's address by chance only brings more files."""
        size = self._dna.pointer
        words = array("Q" if size == 8 else "I", data[start : len(data) - (len(data) - start) % size])
        if (self._dna.endian == ">") == (array("H", b"\0\1")[0] == 256):
            words.byteswap()
        owner.points_to |= (self._addresses or frozenset()).intersection(words)

    def _hold(self, data: bytes) -> None:
        self._blend.held += len(data) + kept.OVERHEAD
        if self._blend.held > kept.MOST:
            raise SceneNotRead(self._blend.path, f"its nodes, modifiers and settings come to more than {kept.MOST >> 20} MB")


def _says_nothing(thing: Record) -> bool:
    """Tell whether an object names no file and leads to none but by its data: most do not, and scenes have many."""
    head = thing.part("id")
    lists = (thing.part(name) for name in ("modifiers", "particlesystem"))
    return not (
        any(one.points("first") for one in lists if one is not None)
        or any(thing.points(name) for name in ("soft", "iuser"))
        or thing.number("type") == _CAMERA
        or (
            head is not None and any(head.points(n) for n in ("properties", "system_properties", "library_weak_reference", "lib"))
        )
    )


def _name(head: Record | None) -> str:
    if head is None:
        return ""
    inner = head.part("id")
    return (inner or head).text("name")
