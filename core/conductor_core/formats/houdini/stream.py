"""Bytes of a file in their order, with a buffer that stays small whatever the file holds."""

from __future__ import annotations

from typing import IO, NamedTuple

_CHUNK = 1 << 20


class Taken(NamedTuple):
    """Bytes that were asked for: how many there were, and as many of them as could be kept."""

    kept: bytes
    length: int
    #: whether the file had all that was asked for
    whole: bool


class ByteStream:
    """A file that is read once, from its start to its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._buffer = bytearray()
        self._done = False
        #: bytes before the next one
        self.position = 0

    def peek(self, size: int) -> bytes:
        """Return the next bytes without taking them; fewer at the end of the file."""
        while len(self._buffer) < size and not self._done:
            self._fill()
        return bytes(self._buffer[:size])

    def take(self, size: int, *, keep: int) -> Taken:
        """Take the next `size` bytes and keep the first `keep` of them."""
        kept = bytearray()
        left = size
        while left > 0:
            if not self._buffer and not self._fill():
                break
            step = min(left, len(self._buffer))
            kept += self._buffer[: max(0, min(step, keep - len(kept)))]
            self._drop(step)
            left -= step
        return Taken(bytes(kept), size - left, left == 0)

    def take_until(self, marker: bytes, *, keep: int) -> Taken:
        """Take what stands before the next `marker` (which stays), or all that is left."""
        kept = bytearray()
        length = 0
        while True:
            found = self._buffer.find(marker)
            if found < 0 and self._done:
                found = len(self._buffer)
            step = found if found >= 0 else max(0, len(self._buffer) - len(marker) + 1)
            kept += self._buffer[: max(0, min(step, keep - len(kept)))]
            self._drop(step)
            length += step
            if found >= 0:
                return Taken(bytes(kept), length, bool(self._buffer))
            self._fill()

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self.position += size

    def _fill(self) -> bool:
        data = b"" if self._done else self._file.read(_CHUNK)
        self._buffer += data
        self._done = self._done or not data
        return bool(data)
