"""The log of an attempt: written to disk while it grows, read from there to be shipped, bounded in both."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from conductor_service.runner.licence_words import LicenceSigns

#: what is kept from the start of a log; a renderer that prints more than this has nothing new to say
HEAD_BYTES = 32 << 20
#: what is kept from the end of a longer one, where the reason of a failure stands
TAIL_BYTES = 64 << 10
_TAIL_LINES = 12


class LogBook:
    """Take log bytes from any thread; give them out by offset.

    A longer log than `head_bytes`, or than the disk takes, loses its middle: a line says how much, and the last `TAIL_BYTES`
    follow when it is closed. Nothing here raises for a full disk.
    """

    def __init__(self, file: Path, *, clock: Callable[[], float], head_bytes: int = HEAD_BYTES) -> None:
        self._stream = os.open(file, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file = file
        self._clock = clock
        self._head_bytes = head_bytes
        self._lock = threading.Lock()
        self._tail = bytearray()
        self._left_out = 0
        self._closed = self._discarded = False
        self.size = 0
        self.last_write = clock()
        #: what the software printed about licences
        self.licence = LicenceSigns(clock)

    def write(self, data: bytes) -> None:
        """Append bytes that the software printed."""
        self.licence.read(data)
        self._take(data)

    def _take(self, data: bytes) -> None:
        with self._lock:
            if self._closed:
                return
            self.last_write = self._clock()
            room = 0 if self._left_out else max(self._head_bytes - self.size, 0)
            if room:
                self._append(data[:room])
            self._left_out += max(len(data) - room, 0)
            self._tail += data
            if len(self._tail) > 2 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]

    def say(self, sentence: str) -> None:
        """Append a line of the runner's own."""
        self._take(f"[conductor] {sentence}\n".encode(errors="replace"))

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset`."""
        with self._lock:
            return b"" if self._discarded else os.pread(self._stream, limit, offset)

    def last_lines(self) -> str:
        """Return the last lines, for the message of an attempt that failed."""
        with self._lock:
            text = bytes(self._tail[-TAIL_BYTES:]).decode(errors="replace")
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        return "\n".join(line[:500] for line in lines[-_TAIL_LINES:])

    def close(self) -> None:
        """Take nothing more; put the end after the head where the middle is left out. Reading goes on."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._left_out:
                tail = bytes(self._tail[-min(TAIL_BYTES, self._left_out) :])
                cut = self._left_out - len(tail)
                self._append(f"\n[conductor] … {cut} bytes of log are left out here …\n".encode() + tail)

    def discard(self) -> None:
        """Remove the file; the log is shipped, or nobody wants it."""
        self.close()
        with self._lock:
            if not self._discarded:
                self._discarded = True
                os.close(self._stream)
                self._file.unlink(missing_ok=True)

    def _append(self, data: bytes) -> None:
        """Write what the disk takes; a log that does not fit is cut, since the task and its end matter more than its words."""
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._stream, view, self.size)
                self.size += written
                view = view[written:]
        except OSError:
            self._left_out += len(view)
