"""What a rendered file says of itself: its size in pixels and its layers, from the header alone.

OpenEXR: https://openexr.com/en/latest/OpenEXRFileLayout.html; PNG: https://www.w3.org/TR/png-3/#11IHDR
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_EXR = b"\x76\x2f\x31\x01"
_MULTI_PART = 0x1000
_PNG = b"\x89PNG\r\n\x1a\n"
#: headers of deep multilayer files stay far below this
_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """Size and layers of an image file; zeros and nothing where its header could not be read."""

    width: int = 0
    height: int = 0
    layers: tuple[str, ...] = ()


def picture(path: str) -> Picture:
    """Read the header of an EXR or PNG file."""
    with open(path, "rb") as file:
        head = file.read(_MOST)
    try:
        if head.startswith(_EXR):
            return _exr(head)
        if head.startswith(_PNG):
            return Picture(*struct.unpack_from(">II", head, 16))
    except (struct.error, ValueError, IndexError):
        return Picture()
    return Picture()


def _exr(head: bytes) -> Picture:
    multi_part = struct.unpack_from("<I", head, 4)[0] & _MULTI_PART
    width = height = 0
    layers: dict[str, None] = {}
    part = ""
    for name, value in _attributes(head, 8, many=bool(multi_part)):
        if name == "name":
            part = value.decode("utf-8", "replace")
        elif name == "dataWindow" and not width:
            left, bottom, right, top = struct.unpack("<4i", value)
            width, height = right - left + 1, top - bottom + 1
        elif name == "channels":
            layers.update(dict.fromkeys(_layer(c) for c in _channels(value)))
    named = tuple(layer for layer in layers if layer) or ((part,) if part else ())
    return Picture(width, height, named)


def _attributes(head: bytes, at: int, *, many: bool) -> Iterator[tuple[str, bytes]]:
    """Yield (name, value) of all parts; an empty name ends a part, a second one the parts of a multi-part file."""
    while True:
        name, at = _text(head, at)
        if not name:
            if not many or head[at : at + 1] in (b"\0", b""):
                return
            continue
        _kind, at = _text(head, at)
        (size,) = struct.unpack_from("<i", head, at)
        at += 4
        yield name, head[at : at + size]
        at += size


def _channels(value: bytes) -> Iterator[str]:
    at = 0
    while True:
        name, at = _text(value, at)
        if not name:
            return
        yield name
        at += 16


def _layer(channel: str) -> str:
    return channel.rpartition(".")[0]


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8", "replace"), end + 1
