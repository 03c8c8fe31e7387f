"""The containers of a Houdini scene, read and written by the fake `hou`: shares no code with the product's readers.

Three are known, all lists of named records, from the bytes of scenes that Houdini saved:
- `070707`: a cpio archive with octal headers (.hip; https://www.sidefx.com/docs/houdini/hom/hou/loadCPIODataFromString.html),
- `HouNC`/`HouLC`: blocks with hexadecimal headers (.hipnc, .hiplc), whose length is hidden: a block ends where the next begins,
- `MIME-Version`: the text form, as `hotl -t` leaves `Contents.mime` in public repositories of assets.
An index (`INDX`) is the container of asset definitions: names, offsets, sizes.
"""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: of a cpio archive, up to the name: magic, seven fields of six octal digits, mtime (11), name's size (6), file's size (11)
CPIO_HEADER = 76
CPIO_END = "TRAILER!!!"
BLOCK = re.compile(rb"Hou[NL]C\x1a1(?P<mode>[0-9a-f]{4})(?P<name>[0-9a-f]{5})(?P<time>[0-9a-f]{9})(?P<size>[0-9a-f]{9})")
#: the length of a block's name is stored exclusive-or this
NAME_MASK = 0xBAD
BOUNDARY = re.compile(rb'boundary="([^"]+)"')
FILE_NAME = re.compile(rb'filename="([^"]*)"')


class NotAScene(Exception):
    """A file is none that Houdini saved; the text says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One file of a container."""

    name: str
    data: bytes


def records_of(data: bytes) -> list[Record]:
    """Return the records of a scene in any of the containers, without the trailer.

    Raises:
        NotAScene: it is none, or it breaks off.
    """
    if data.startswith(b"070707"):
        return list(_cpio(data))
    if BLOCK.match(data):
        return list(_blocks(data))
    if data.startswith(b"MIME-Version:"):
        return list(_mime(data))
    raise NotAScene(f"It begins with {data[:12]!r}.")


def _cpio(data: bytes) -> Iterator[Record]:
    at = 0
    while True:
        header = data[at : at + CPIO_HEADER]
        if len(header) < CPIO_HEADER or not header.startswith(b"070707"):
            raise NotAScene(f"At byte {at} there should be a header, and there is {header[:12]!r}.")
        name_size, size = int(header[59:65], 8), int(header[65:76], 8)
        begin = at + CPIO_HEADER + name_size
        name = data[at + CPIO_HEADER : begin - 1].decode("utf-8", "surrogateescape")
        if name == CPIO_END:
            return
        at = begin + size
        if at > len(data):
            raise NotAScene(f"{name} breaks off.")
        yield Record(name, data[begin:at])


def _blocks(data: bytes) -> Iterator[Record]:
    """Yield the blocks; an index is measured by its own table, since the definitions in it hold blocks of their own."""
    at = 0
    while at < len(data):
        header = BLOCK.match(data, at)
        if header is None:
            raise NotAScene(f"At byte {at} there should be a block, and there is {data[at : at + 12]!r}.")
        begin = header.end() + (int(header["name"], 16) ^ NAME_MASK)
        name = data[header.end() : begin]
        if not name.endswith(b"\0") or b"\0" in name[:-1]:
            raise NotAScene(f"At byte {at} the name's length is wrong: {name[:40]!r}.")
        if data.startswith(b"INDX", begin):
            at = begin + index_size(data[begin:])
        else:
            following = BLOCK.search(data, begin)
            at = following.start() if following else len(data)
        if not name.endswith(b"_FILE!!!\0"):
            yield Record(name[:-1].decode("utf-8", "surrogateescape"), data[begin:at])


def _mime(data: bytes) -> Iterator[Record]:
    boundary = BOUNDARY.search(data)
    if boundary is None:
        raise NotAScene("It has no boundary.")
    for part in data.split(b"--" + boundary[1])[1:]:
        if part.startswith(b"--"):
            return
        head, _, body = part.lstrip(b"\r\n").partition(b"\n\n")
        name = FILE_NAME.search(head)
        if name is None:
            raise NotAScene(f"A part has no name: {head[:60]!r}.")
        yield Record(name[1].decode("utf-8", "surrogateescape"), body.removesuffix(b"\n"))
    raise NotAScene("It breaks off.")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    begin: int
    size: int


def _index_table(data: bytes) -> tuple[int, list[_Entry]]:
    """Return where the sections begin, and the table of an index."""
    if not data.startswith(b"INDX"):
        raise NotAScene("It is no index.")
    at = 8
    described = int.from_bytes(data[at : at + 4], "big")
    at += 4 + described
    count = int.from_bytes(data[at : at + 4], "big")
    at += 4
    entries = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 4 + length].decode("utf-8", "surrogateescape")
        at += 4 + length
        begin, size, _time = struct.unpack(">III", data[at : at + 12])
        at += 12
        entries.append(_Entry(name, begin, size))
    return at, entries


def index_size(data: bytes) -> int:
    """Return how many bytes an index takes, which stands at the beginning of `data`."""
    begin, entries = _index_table(data)
    return begin + max((entry.begin + entry.size for entry in entries), default=0)


def index_sections(data: bytes) -> dict[str, bytes]:
    """Return the sections of an index by name; those that are packed (`.gz`) are unpacked and lose the ending."""
    begin, entries = _index_table(data)
    sections = {}
    for entry in entries:
        body = data[begin + entry.begin : begin + entry.begin + entry.size]
        if entry.name.endswith(".gz"):
            sections[entry.name.removesuffix(".gz")] = gzip.decompress(body)
        else:
            sections[entry.name] = body
    return sections


def archive(records: list[Record]) -> bytes:
    """Return records as a cpio archive, the way a .hip is saved."""
    pieces = [_cpio_piece(record) for record in [*records, Record(CPIO_END, b"")]]
    return b"".join(pieces)


def _cpio_piece(record: Record) -> bytes:
    name = record.name.encode("utf-8", "surrogateescape") + b"\0"
    header = "070707000001000000000666000000000000000001000000" + f"{0:011o}{len(name):06o}{len(record.data):011o}"
    return header.encode() + name + record.data
