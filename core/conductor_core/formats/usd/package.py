"""The layers and files in a `.usdz`: a zip whose entries are stored as they are, so each is read in place.

https://openusd.org/release/spec_usdz.html: no compression, no encryption; the first layer is the one that is opened.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from typing import BinaryIO

from conductor_core.sequences import has_tile_token

LAYERS = (".usd", ".usda", ".usdc")
NESTED = re.compile(r"(?P<package>.+?\.usdz)\[(?P<inner>.+)\]\Z", re.IGNORECASE)
_TILE = re.compile(r"<(?:UDIM|UVTILE)>", re.IGNORECASE)
_LOCAL = struct.Struct("<4s22xHH")
#: entries that one package may have
_ENTRIES = 1_000_000


class PackageDamaged(Exception):
    """Carry what is wrong with a package."""


class Package:
    """An open package; it may lie in another."""

    def __init__(self, stream: BinaryIO, name: str = "") -> None:
        self._stream = stream
        #: within the package that it lies in
        self._name = name
        self._nested: dict[str, Package] = {}
        try:
            with zipfile.ZipFile(stream) as archive:
                self._entries = {info.filename: info for info in archive.infolist()[:_ENTRIES]}
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, OverflowError) as exc:
            raise PackageDamaged(f"its table of contents cannot be read ({exc})") from exc

    @property
    def first(self) -> str:
        """The layer that is opened; "" where there is none."""
        return next((name for name in self._entries if name.lower().endswith(LAYERS)), "")

    def entry(self, path: str) -> str:
        """Return the name of the entry at a path, of tiles the pattern; "" where there is none."""
        name = posixpath.normpath(path.replace("\\", "/"))
        if has_tile_token(name):
            before, after = _TILE.split(name, maxsplit=1)
            return name if any(n.startswith(before) and n.endswith(after) for n in self._entries) else ""
        return name if name in self._entries else ""

    def named(self, entry: str) -> str:
        """Return the name of an entry as the outermost package finds it: `a.usdz[b.usd]`."""
        return f"{self._name}[{entry}]" if self._name else entry

    def find(self, name: str) -> tuple[Package, str]:
        """Return where an entry lies that may be in a package in this one; of a package, its first layer; "" if there is none.

        Raises:
            PackageDamaged: a package on the way is no package.
        """
        nested = NESTED.match(name)
        entry = self.entry(nested["package"] if nested else name)
        if not entry.lower().endswith(".usdz"):
            return self, entry
        if entry not in self._nested:
            self._nested[entry] = Package(self.open(entry), self.named(entry))
        within = self._nested[entry]
        if not nested:
            return within, within.first
        return within, within.entry(nested["inner"])

    def open(self, name: str) -> BinaryIO:
        """Return an entry as a stream.

        Raises:
            PackageDamaged: it is packed, or lies beyond the end.
        """
        info = self._entries[name]
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise PackageDamaged(f"{name} is packed or locked within it, which USD does not read")
        self._stream.seek(info.header_offset)
        header = self._stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
            raise PackageDamaged(f"{name} is damaged within it")
        _, of_name, of_extra = _LOCAL.unpack(header)
        start = info.header_offset + _LOCAL.size + of_name + of_extra
        end = self._stream.seek(0, io.SEEK_END)
        if start + info.file_size > end:
            raise PackageDamaged(f"{name} is cut off")
        return io.BufferedReader(_Window(self._stream, start, info.file_size), 1 << 16)


class _Window(io.RawIOBase):
    """A part of a stream as a stream."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream = stream
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        length = max(0, min(len(buffer), self._size - self._at))
        self._stream.seek(self._start + self._at)
        data = self._stream.read(length)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
