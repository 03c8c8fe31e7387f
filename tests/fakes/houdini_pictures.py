"""Real small pictures, as renders of the fakes leave them: PNG and uncompressed OpenEXR, written without any library."""

from __future__ import annotations

import os
import struct
import zlib

SIZE = (16, 9)


def write_picture(path: str, frame: float) -> None:
    """Write a picture of one grey, which is the frame's, in the format that the path's ending names.

    Raises:
        ValueError: no picture of that kind is known here.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in WRITERS:
        raise ValueError(f"This fake cannot write a picture {ending!r}: {path}")
    with open(path, "wb") as stream:
        stream.write(WRITERS[ending](frame % 100 / 100))


def png(grey: float) -> bytes:
    """Return a PNG (https://www.w3.org/TR/png/)."""
    width, height = SIZE
    rows = (b"\0" + bytes([int(grey * 255)]) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def exr(grey: float) -> bytes:
    """Return an OpenEXR of half floats, one line after the other (https://openexr.com/en/latest/OpenEXRFileLayout.html)."""
    width, height = SIZE
    names = (b"B", b"G", b"R")
    channels = b"".join(name + b"\0" + struct.pack("<iBBBBii", 1, 0, 0, 0, 0, 1, 1) for name in names) + b"\0"
    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", channels),
        (b"compression", b"compression", b"\0"),
        (b"dataWindow", b"box2i", box),
        (b"displayWindow", b"box2i", box),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    head = b"\x76\x2f\x31\x01" + struct.pack("<i", 2)
    head += b"".join(name + b"\0" + kind + b"\0" + struct.pack("<i", len(data)) + data for name, kind, data in attributes) + b"\0"
    line = struct.pack("<e", grey) * (width * len(names))
    first = len(head) + 8 * height
    offsets = b"".join(struct.pack("<Q", first + row * (8 + len(line))) for row in range(height))
    return head + offsets + b"".join(struct.pack("<ii", row, len(line)) + line for row in range(height))


WRITERS = {".png": png, ".exr": exr}
