"""The header of a .blend and the heads of its blocks, in every form there has been.

https://developer.blender.org/docs/features/core/blend_file/ and, for the header and large heads of 5.0,
https://projects.blender.org/blender/blender/issues/129309. A file is a header and blocks; a block is a head (code, length,
the address it had in memory, number of its struct, how many of them) and its bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from conductor_core.errors import SceneNotRead
from conductor_core.formats.blend.container import Stream

_OLD = re.compile(rb"BLENDER(?P<pointer>[-_])(?P<endian>[vV])(?P<version>[0-9]{3})")
_NEW = re.compile(rb"BLENDER(?P<size>[0-9]{2})(?P<pointer>[-_])(?P<format>[0-9]{2})(?P<endian>[vV])(?P<version>[0-9]{4})")
_CODE = re.compile(rb"\0{0,3}[!-~]{1,4}\0{0,3}", re.DOTALL)
#: more heads than this are no scene (a film's heaviest shots have a few million)
_MOST_BLOCKS = 64_000_000


class Header(NamedTuple):
    """How to read the rest of the file."""

    #: bytes of the header itself
    size: int
    #: bytes of a pointer: 4 or 8
    pointer: int
    #: `<` or `>`, as `struct` writes it
    endian: str
    #: 279, 405, 500
    version: int
    #: heads with 64-bit lengths (5.0)
    large: bool = False

    @property
    def release(self) -> str:
        """Return the version as Blender says it: `2.79`, `4.5`."""
        return f"{self.version // 100}.{self.version % 100}"


class Block(NamedTuple):
    """The head of a block; its bytes stand right behind it."""

    code: bytes
    length: int
    address: int
    #: number of the struct in the DNA
    struct: int
    many: int


def parse_header(head: bytes) -> Header | None:
    """Return the header at the start of some bytes; None where they are not a .blend's."""
    if (new := _NEW.match(head)) and int(new["size"]) >= new.end():
        return Header(int(new["size"]), _pointer(new), _endian(new), int(new["version"]), large=int(new["format"]) > 0)
    if old := _OLD.match(head):
        return Header(12, _pointer(old), _endian(old), int(old["version"]))
    return None


def read_header(stream: Stream, path: str) -> Header:
    """Read the header.

    Raises:
        SceneNotRead: it is not one of a .blend.
    """
    start = stream.read(12)
    if not _OLD.match(start):
        start += stream.read(5)
    header = parse_header(start)
    if header is None:
        raise SceneNotRead(path, "it is no .blend: it does not start as one")
    if header.size > len(start):
        stream.skip(header.size - len(start))
    return header


def heads(stream: Stream, header: Header, wants: Callable[[int, int], bool] = lambda _struct, _length: True) -> Iterator[Block]:
    """Yield the head of each block, the stream standing at its bytes; the one who asks may read of them.

    Ends at `ENDB`. Args:
        stream: behind the header.
        header: of the file.
        wants: tells by struct and length which `DATA` blocks are wanted at all; there are millions of them.

    Raises:
        Broken: the file ends before `ENDB`, or what stands there is no head.
    """
    form = f"{header.endian}4siQqq" if header.large else f"{header.endian}4si{'Q' if header.pointer == 8 else 'I'}ii"
    unpack, size, large = struct.Struct(form).unpack, struct.calcsize(form), header.large
    read, skip = stream.read, stream.skip
    for _ in range(_MOST_BLOCKS):
        data = read(size)
        if data[:4] == b"ENDB":
            return
        if len(data) < size:
            raise Broken(stream.position - len(data), "it ends there, in the middle of its data")
        if large:
            code, number, address, length, many = unpack(data)
        else:
            code, length, address, number, many = unpack(data)
        is_data = code == b"DATA"
        if length < 0 or many < 0 or not (is_data or _is_code(code)):
            raise Broken(stream.position - size, "what stands there is no block of a .blend")
        if is_data and not wants(number, length):
            skip(length)
            continue
        end = stream.position + length
        yield Block(code.strip(b"\0"), length, address, number, many)
        skip(end - stream.position)
    raise Broken(stream.position, f"it has more than {_MOST_BLOCKS:,} blocks")


class Broken(Exception):
    """Say where the chain of blocks breaks, and how."""

    def __init__(self, position: int, how: str) -> None:
        super().__init__(position, how)
        self.position = position
        self.how = how


def _is_code(code: bytes) -> bool:
    return _CODE.fullmatch(code) is not None


def _pointer(match: re.Match[bytes]) -> int:
    return 8 if match["pointer"] == b"-" else 4


def _endian(match: re.Match[bytes]) -> str:
    return "<" if match["endian"] == b"v" else ">"
