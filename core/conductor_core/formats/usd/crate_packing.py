"""How a crate packs its tables: LZ4 blocks in chunks, and whole numbers as differences of few bytes.

The LZ4 block format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md. Tables are small beside the values, which are
never unpacked, so this needs no compiled library: 40 MB/s of unpacked bytes.
"""

from __future__ import annotations

import struct
from array import array
from itertools import accumulate
from operator import itemgetter

#: numbers that are held as more than four bytes
_AT_ONCE = 1 << 16
_CHUNKED = 127 * (1 << 24)


class PackingDamaged(Exception):
    """Carry what is wrong with packed bytes."""


def unpack_chunks(data: bytes, size: int) -> bytes:
    """Return the `size` bytes that were packed: a count of chunks, then each with its length; 0 is one without it.

    Raises:
        PackingDamaged: they come to something else.
    """
    if not data:
        raise PackingDamaged("a table is empty")
    if not data[0]:
        return _block(memoryview(data)[1:], size)
    parts: list[bytes] = []
    at, left = 1, size
    for _ in range(data[0]):
        if at + 4 > len(data):
            raise PackingDamaged("a table is cut off")
        (length,) = struct.unpack_from("<i", data, at)
        if length < 0 or at + 4 + length > len(data):
            raise PackingDamaged("a part of a table is larger than the table")
        part = _block(memoryview(data)[at + 4 : at + 4 + length], min(left, _CHUNKED))
        parts.append(part)
        left -= len(part)
        at += 4 + length
    return b"".join(parts)


def _block(source: memoryview, size: int) -> bytes:
    """Return what an LZ4 block holds, `size` bytes at most."""
    out = bytearray()
    at, end = 0, len(source)
    try:
        while at < end:
            token = source[at]
            at += 1
            literals = token >> 4
            if literals == 15:
                literals, at = _longer(source, at, literals)
            out += source[at : at + literals]
            at += literals
            if at >= end:
                break
            distance = source[at] | source[at + 1] << 8
            at += 2
            length = token & 15
            if length == 15:
                length, at = _longer(source, at, length)
            length += 4
            start = len(out) - distance
            if start < 0 or not distance or len(out) + length > size:
                raise PackingDamaged("a table does not unpack")
            if distance >= length:
                out += out[start : start + length]
            else:
                out += (bytes(out[start:]) * (length // distance + 1))[:length]
    except IndexError:
        raise PackingDamaged("a table is cut off") from None
    if len(out) > size:
        raise PackingDamaged("a table does not unpack")
    return bytes(out)


def _longer(source: memoryview, at: int, length: int) -> tuple[int, int]:
    while True:
        more = source[at]
        at += 1
        length += more
        if more != 255:
            return length, at


#: by a byte of four codes: how the four numbers are stored; code 0 stores none, and means the common difference
_FOUR = [struct.Struct("<" + "".join(["", "b", "h", "i"][byte >> shift & 3] for shift in (0, 2, 4, 6))) for byte in range(256)]
#: by the same byte: from (common, stored …) to the four in their order
_PICK = [
    itemgetter(
        *(0 if not byte >> shift & 3 else 1 + sum(bool(byte >> s & 3) for s in range(0, shift, 2)) for shift in (0, 2, 4, 6))
    )
    for byte in range(256)
]


def unpack_numbers(data: bytes, count: int) -> array[int]:
    """Return `count` 32-bit numbers that were packed as their differences.

    Raises:
        PackingDamaged: they are not.
    """
    if not count:
        return array("i")
    codes_end = 4 + (count * 2 + 7) // 8
    raw = unpack_chunks(data, codes_end + count * 4)
    if len(raw) < codes_end:
        raise PackingDamaged("a table of numbers is cut off")
    (common,) = struct.unpack_from("<i", raw)
    found = array("i")
    deltas: list[int] = []
    at, last = codes_end, 0
    # the last codes may stand for nothing, so what they would store may lack
    raw += b"\0" * 16
    for byte in raw[4:codes_end]:
        four = _FOUR[byte]
        if at + four.size > len(raw):
            raise PackingDamaged("a table of numbers is cut off")
        deltas += _PICK[byte]((common, *four.unpack_from(raw, at)))
        at += four.size
        if len(deltas) >= _AT_ONCE:
            last = _summed(deltas, last, found)
            deltas = []
    _summed(deltas, last, found)
    del found[count:]
    return found


def _summed(deltas: list[int], last: int, into: array[int]) -> int:
    """Add the numbers that differences come to, and return the last of them."""
    numbers = [*accumulate(deltas, initial=last)]
    try:
        into.extend(numbers[1:])
    except OverflowError:
        raise PackingDamaged("a table of numbers goes beyond 32 bits") from None
    return numbers[-1]
