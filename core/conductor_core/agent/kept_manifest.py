"""A submission's manifest as the journal keeps it: of two hundred thousand files 12 MB in place of 67, written and read piece by piece.

zlib of lines of JSON: the flavour, then rows `[path, kind, digest, size, mode, mtime_ns, target]`, a thousand to a line
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator

from conductor_core.errors import InvalidDocument
from conductor_core.manifest import Entry, Manifest, read_manifest
from conductor_core.paths import Flavour

#: entries in one line
_LINE = 1000
#: bytes that are unpacked at once
_BLOCK = 256 << 10


def packed(manifest: Manifest) -> bytes:
    """Return a manifest as the journal keeps it."""
    pack = zlib.compressobj(1)
    kept = io.BytesIO()
    for line in _lines(manifest):
        kept.write(pack.compress(line.encode()))
    kept.write(pack.flush())
    return kept.getvalue()


def unpacked(kept: bytes) -> Manifest:
    """Return the manifest in `packed`, or in its canonical bytes, as agents kept it before.

    Raises:
        InvalidDocument: it is damaged.
    """
    if kept.startswith(b"{"):
        return read_manifest(kept)
    try:
        lines = map(json.loads, _split(kept))
        flavour = Flavour(next(lines, None))
        return Manifest(flavour, tuple(Entry(*row) for rows in lines for row in rows))
    except (zlib.error, ValueError, TypeError) as exc:
        raise InvalidDocument("Manifest", "(whole)", f"was damaged in the agent's journal ({exc})") from exc


def _lines(manifest: Manifest) -> Iterator[str]:
    yield json.dumps(manifest.flavour.value) + "\n"
    for first in range(0, len(manifest.entries), _LINE):
        some = manifest.entries[first : first + _LINE]
        rows = [(e.path, e.kind, e.digest, e.size, e.mode, e.mtime_ns, e.target) for e in some]
        yield json.dumps(rows, separators=(",", ":")) + "\n"


def _split(kept: bytes) -> Iterator[bytes]:
    unpack = zlib.decompressobj()
    begun = b""
    data = kept
    while data and not unpack.eof:
        *whole, begun = (begun + unpack.decompress(data, _BLOCK)).split(b"\n")
        yield from whole
        data = unpack.unconsumed_tail
    yield from filter(None, (begun + unpack.flush()).split(b"\n"))
    if not unpack.eof:
        raise ValueError("it ends too early")
