"""What an object is made of, told in a hundredth of its bytes: the name and the length of each of its chunks.

    header   magic "CDSG", version, bytes of the object, usual bytes of a chunk, sha256 of the object
    record   bytes of a chunk, the first 16 bytes of its sha256
    end      a record of length 0

All numbers are little-endian; the whole is one zstd frame with a checksum. It is written while the object is read, and its
reader takes none that is cut short, contradicts itself, or is larger than a file that is worth a difference.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import IO, cast

import zstandard

from conductor_core.digest import Digest, hex_of
from conductor_core.errors import TransferError
from conductor_core.transfer.chunks import (
    AVERAGE,
    MOST_CHUNKS,
    NAME_BYTES,
    SPREAD,
    Pieces,
    Source,
    average_for,
    chunks,
    largest_size,
    name_of,
)

VERSION = 1
_MAGIC = b"CDSG"
_HEADER = struct.Struct("<4sBQI32s")
_RECORD = struct.Struct(f"<I{NAME_BYTES}s")
#: records that are passed on at once, and bytes of the object after which some are: nobody waits a minute for a byte
_BATCH = 4096
_PATIENCE = 256 << 20
#: of the longest signature: names do not get smaller by packing
MOST_BYTES = MOST_CHUNKS * (_RECORD.size + 1)
#: zstd's own memory for one frame
MOST_WINDOW = 8 << 20


class BadSignature(TransferError):
    """The list of an object's chunks is cut short or wrong."""

    def __init__(self, digest: str, reason: str) -> None:
        super().__init__(digest, f"has a list of chunks that {reason}", "It is sent whole.")


def signature(digest: Digest, size: int, source: Source) -> Iterator[bytes]:
    """Yield the signature of an object while it is read from `source`."""
    average = average_for(size)
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    yield packer.compress(_HEADER.pack(_MAGIC, VERSION, size, average, bytes.fromhex(hex_of(digest))))
    records: list[bytes] = []
    read = 0
    for chunk in chunks(source, average):
        records.append(_RECORD.pack(len(chunk), name_of(chunk)))
        read += len(chunk)
        if len(records) == _BATCH or read > _PATIENCE:
            yield packer.compress(b"".join(records)) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            records.clear()
            read = 0
    records.append(_RECORD.pack(0, bytes(NAME_BYTES)))
    yield packer.compress(b"".join(records)) + packer.flush()


class ChunkIndex:
    """The chunks of an object, to be found by name: some 150 bytes each."""

    def __init__(self, average: int) -> None:
        self.average = average
        self._names: list[bytes] = []
        self._offsets = array("Q", [0])
        self._first: dict[bytes, int] = {}

    def add(self, length: int, name: bytes) -> None:
        """Append the next chunk."""
        self._first.setdefault(name, len(self._names))
        self._names.append(name)
        self._offsets.append(self._offsets[-1] + length)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._offsets[-1]

    def find(self, name: bytes, length: int, after: int) -> int | None:
        """Return which chunk has this name and length: the one behind `after` if it does, so that runs stay whole."""
        position = after + 1
        if not (position < len(self._names) and self._names[position] == name):
            found = self._first.get(name)
            if found is None:
                return None
            position = found
        return position if self._offsets[position + 1] - self._offsets[position] == length else None

    def offset(self, position: int) -> int:
        """Return where a chunk begins."""
        return self._offsets[position]


def read_signature(digest: Digest, blocks: Iterator[bytes]) -> ChunkIndex:
    """Return the chunks that a signature lists.

    Raises:
        BadSignature: it is another object's, cut short or wrong.
    """
    source = unpacking(blocks)
    try:
        average, size = _read_header(digest, source)
        index = ChunkIndex(average)
        _read_records(digest, source, index)
        if index.size != size or source.read(1):
            raise BadSignature(digest, "does not add up")
    except zstandard.ZstdError as exc:
        raise BadSignature(digest, f"is damaged ({exc})") from exc
    return index


def unpacking(blocks: Iterator[bytes]) -> zstandard.ZstdDecompressionReader:
    """Return a reader of a zstd frame that comes in blocks; however much it unpacks to, only what is asked for is held."""
    return zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).stream_reader(cast("IO[bytes]", Pieces(blocks)))


def _read_records(digest: Digest, source: zstandard.ZstdDecompressionReader, index: ChunkIndex) -> None:
    longest = index.average * SPREAD
    while True:
        block = _upto(source, _BATCH * _RECORD.size)
        if not block or len(block) % _RECORD.size:
            raise BadSignature(digest, "is cut short")
        for number, (length, name) in enumerate(_RECORD.iter_unpack(block), 1):
            if not length:
                if number * _RECORD.size != len(block):
                    raise BadSignature(digest, "does not add up")
                return
            if length > longest or len(index) >= MOST_CHUNKS:
                raise BadSignature(digest, "names chunks that cannot be")
            index.add(length, name)


def _read_header(digest: Digest, source: zstandard.ZstdDecompressionReader) -> tuple[int, int]:
    header = _upto(source, _HEADER.size)
    if len(header) < _HEADER.size:
        raise BadSignature(digest, "is cut short")
    magic, version, size, average, name = _HEADER.unpack(header)
    if (magic, version) != (_MAGIC, VERSION):
        raise BadSignature(digest, f"is of a form that is not known here ({version})")
    if name.hex() != hex_of(digest):
        raise BadSignature(digest, "is another object's")
    if size > largest_size() or average != average_for(size) or average < AVERAGE:
        raise BadSignature(digest, "has another measure than its size asks for")
    return average, size


def _upto(source: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    """Return the next `size` bytes, fewer only at the end."""
    held = bytearray()
    while len(held) < size and (block := source.read(size - len(held))):
        held += block
    return bytes(held)
