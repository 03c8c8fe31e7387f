"""Small real pictures, as the fake's renders write them: PNG and EXR by hand, what else there is by nothing."""

from __future__ import annotations

import os
import struct
import zlib

from fakes.stub_modules import UnknownToFake

#: pixels of a full picture; a proxy has half of each
SIZE = (32, 18)


#: endings of what has all frames of an `execute` in one file
MOVIES = (".mov", ".mp4", ".mxf", ".abc")


def write_movie(file: str, frame: int, *, begins: bool) -> None:
    """Put a frame into a movie; each `execute` begins it anew. No movie that plays: a line for each frame."""
    with open(file, "w" if begins else "a", encoding="ascii") as stream:
        stream.write(f"{frame}\n")


def write_picture(file: str, width: int, height: int, shade: int) -> None:
    """Write a picture of one grey, 0-255, in the format that the file's name has.

    Raises:
        OSError: it cannot be written.
        UnknownToFake: another format.
    """
    writers = {".png": _png, ".exr": _exr}
    ending = os.path.splitext(file)[1].lower()
    if ending not in writers:
        raise UnknownToFake(f"pictures of the kind {ending!r}")
    with open(file, "wb") as stream:
        stream.write(writers[ending](width, height, shade))


def _png(width: int, height: int, shade: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes([shade]) * (3 * width)) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _exr(width: int, height: int, shade: int) -> bytes:
    """One part, scan lines, not compressed, three channels of 32-bit floats (openexr.com, file layout)."""

    def attribute(name: bytes, kind: bytes, data: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(data)) + data

    channels = b"".join(name + b"\0" + struct.pack("<iB3xii", 2, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = struct.pack("<ii", 20000630, 2) + b"".join(
        (
            attribute(b"channels", b"chlist", channels),
            attribute(b"compression", b"compression", b"\0"),
            attribute(b"dataWindow", b"box2i", window),
            attribute(b"displayWindow", b"box2i", window),
            attribute(b"lineOrder", b"lineOrder", b"\0"),
            attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            attribute(b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0)),
            attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)),
            b"\0",
        )
    )
    line = struct.pack("<f", shade / 255) * (3 * width)
    start = len(head) + 8 * height
    offsets = b"".join(struct.pack("<Q", start + number * (8 + len(line))) for number in range(height))
    return head + offsets + b"".join(struct.pack("<ii", number, len(line)) + line for number in range(height))
