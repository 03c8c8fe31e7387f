"""From a Houdini file to its named parts, whatever container it was saved in.

Four containers are known; cpio with octal headers and HouNC were seen in files saved by Houdini 9 to 20.5, the others are as
public code describes them:

* cpio with octal headers (`070707`, `cpio -o -H odc`): commercial .hip, the contents of assets; hexadecimal headers
  (`070701`) are read as well;
* `HouNC`/`HouLC` headers (.hipnc, .hiplc): 28 hexadecimal digits, the name and a zero; their sizes are not written plainly,
  so a part ends where the next header starts, except libraries (INDX), which say how long they are;
* MIME parts (text scenes and expanded assets, `hotl -X`): boundary `HOUDINIMIMEBOUNDARY…`, names in Content-Disposition;
* any of these packed by gzip.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, cast

from conductor_core.formats.houdini.library import INDEX_MAGIC, library_length
from conductor_core.formats.houdini.stream import ByteStream, Taken

_HOUDINI_HEADERS = (b"HouNC\x1a", b"HouLC\x1a")
_CPIO = (b"070707", b"070701", b"070702")
_GZIP = b"\x1f\x8b\x08"
_MIME = b"MIME-Version:"
_TRAILER = "TRAILER!!!"
_MARK = "NON_COMMERCIAL_FILE!!!"
#: longest name of a part that is believed; node paths are far shorter
_LONGEST_NAME = 8192
#: how much of a library's index is looked at
_INDEX = 4 << 20
_HEX = re.compile(rb"[0-9a-f]{28}")
_BOUNDARY = re.compile(rb'boundary="?([^"\r\n;]+)')
_FILENAME = re.compile(rb'filename="([^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)"', re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BASE64 = re.compile(rb"content-transfer-encoding:\s*base64", re.IGNORECASE)


#: name of a part → how many bytes of it to keep at most
Keep = Callable[[str], int]


class Part(NamedTuple):
    """A named part of the file."""

    name: str
    #: as much of it as was kept
    body: bytes
    #: whether `body` is all of it
    whole: bool


class Damage(NamedTuple):
    """Where the file stops to make sense."""

    reason: str


def is_container(head: bytes) -> bool:
    """Tell whether these first bytes are those of a container with Houdini's nodes in it."""
    head = _unpacked(head)
    if head.startswith(_HOUDINI_HEADERS):
        return True
    if head.startswith(_CPIO):
        return any(name in head[:300] for name in (b".start\0", b"node_type\0", b"hdaroot.", b".OPlibraries\0", b".variables\0"))
    return head.startswith(_MIME) and b"HOUDINIMIMEBOUNDARY" in head[:600]


def parts(file: IO[bytes], *, keep: Keep) -> Iterator[Part | Damage]:
    """Yield the parts of a container in their order; `keep` tells by a part's name how many bytes of it are wanted."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _parts(ByteStream(cast(IO[bytes], unpacked)), keep)
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            yield Damage(f"its packed data ends or breaks ({exc})")
        return
    yield from _parts(ByteStream(file), keep)


def _parts(stream: ByteStream, keep: Keep) -> Iterator[Part | Damage]:
    head = stream.peek(16)
    if head.startswith(_HOUDINI_HEADERS):
        return _houdini_parts(stream, keep)
    return _mime_parts(stream, keep) if head.startswith(_MIME) else _cpio_parts(stream, keep)


def _cpio_parts(stream: ByteStream, keep: Keep) -> Iterator[Part | Damage]:
    while head := stream.peek(110):
        sizes = _cpio_sizes(head)
        if sizes is None:
            if not head.strip(b"\0\n"):  # padding behind the last part
                return
            yield Damage(f"there is no header at byte {stream.position:,}")
            stream.take(1, keep=0)
            if not stream.take_until(head[:5] if head.startswith(b"07070") else b"07070", keep=0).whole:
                return
            continue
        header, name_size, size, step = sizes
        stream.take(header, keep=0)
        name = _name(stream.take(name_size, keep=name_size).kept)
        stream.take(-(header + name_size) % step, keep=0)
        if name == _TRAILER:
            return
        most = keep(name)
        body = stream.take(size, keep=most)
        stream.take(-size % step, keep=0)
        yield _part(name, body, most)
        if not body.whole:
            yield Damage(f"it ends within {name}")


def _cpio_sizes(head: bytes) -> tuple[int, int, int, int] | None:
    """Return the sizes of header, name and body, and to what they are padded; None where this is no header."""
    try:
        if head.startswith(b"070707"):
            sizes = 76, int(head[59:65], 8), int(head[65:76], 8), 1
        elif head.startswith((b"070701", b"070702")):
            sizes = 110, int(head[94:102], 16), int(head[54:62], 16), 4
        else:
            return None
    except ValueError:
        return None
    return sizes if 0 < sizes[1] <= _LONGEST_NAME and sizes[2] >= 0 else None


def _houdini_parts(stream: ByteStream, keep: Keep) -> Iterator[Part | Damage]:
    marker = stream.peek(6)
    while head := stream.peek(6 + 28 + _LONGEST_NAME):
        end = head.find(b"\0", 34)
        if not head.startswith(marker) or not _HEX.match(head, 6) or end < 0:
            yield Damage(f"there is no header at byte {stream.position:,}")
            stream.take(1, keep=0)
            if not stream.take_until(marker, keep=0).whole:
                return
            continue
        name = _name(head[34:end])
        stream.take(end + 1, keep=0)
        most = keep(name)
        body = _houdini_body(stream, marker, most)
        if name not in (_MARK, _TRAILER):
            yield _part(name, body._replace(whole=True), most)


def _houdini_body(stream: ByteStream, marker: bytes, keep: int) -> Taken:
    """Take a part; a library has headers of its own within, so its index tells where it ends."""
    length = library_length(stream.peek(_INDEX)) if stream.peek(4) == INDEX_MAGIC else 0
    body = stream.take(length, keep=keep)
    rest = stream.take_until(marker, keep=max(0, keep - len(body.kept)))
    return Taken(body.kept + rest.kept, body.length + rest.length, rest.whole)


def _mime_parts(stream: ByteStream, keep: Keep) -> Iterator[Part | Damage]:
    boundary = _BOUNDARY.search(stream.peek(4096))
    if boundary is None:
        yield Damage("its MIME header names no boundary")
        return
    marker = b"--" + boundary[1].strip()
    stream.take_until(marker, keep=0)
    while stream.peek(1):
        stream.take(len(marker), keep=0)
        if stream.peek(2) == b"--":
            return
        head = _BLANK_LINE.split(stream.peek(2 * _LONGEST_NAME), maxsplit=1)[0]
        found = _FILENAME.search(head)
        name = _name(re.sub(rb"\\(.)", rb"\1", found[1])) if found else ""
        most = keep(name) if name else 0
        taken = stream.take_until(marker, keep=most + len(head) + 4)
        body = _BLANK_LINE.split(taken.kept, maxsplit=1)
        if not name or len(body) < 2:
            yield Damage(f"there is no header of a part before byte {stream.position:,}")
            continue
        text = _decoded(body[1]) if _BASE64.search(head) else re.sub(rb"\r?\n\Z", b"", body[1])
        yield Part(name, text[:most], len(text) <= most and taken.length <= len(taken.kept))
        if not taken.whole:
            yield Damage(f"it ends within {name}")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _part(name: str, body: Taken, keep: int) -> Part:
    return Part(name, body.kept, body.whole and body.length <= keep)


def _name(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _unpacked(head: bytes) -> bytes:
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, 1024)
    except zlib.error:
        return b""
