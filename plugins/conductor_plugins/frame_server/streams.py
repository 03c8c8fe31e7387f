"""The server's side of the conversation: stdout is the runner's, everything that the software prints is log."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO

#: `_IOLBF` of glibc and musl (stdio.h)
_LINE_BUFFERED = 1


def take_stdout() -> IO[str]:
    """Return the original stdout and point descriptor 1 at stderr: whatever the software prints is log from here on.

    What it prints by C is pushed out line by line, as at a terminal: progress that comes after the frame is none.
    """
    for stream in (sys.stdout, sys.stderr):  # what a script prints stands in the log where it was printed
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            stream.reconfigure(line_buffering=True)
    kept = os.dup(1)
    os.dup2(2, 1)
    if sys.platform == "linux":
        _buffer_c_by_lines()
    return os.fdopen(kept, "w", encoding="utf-8", newline="\n")


def _buffer_c_by_lines() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no C library that we know: it is only about the log
        library = ctypes.CDLL(None)
        library.setvbuf(ctypes.c_void_p.in_dll(library, "stdout"), None, _LINE_BUFFERED, ctypes.c_size_t(0))


def requests(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream, read ahead by a thread so that the end of the runner is noticed in mid-frame.

    A frame can take hours; a runner that was killed must not leave its renderer behind.
    """
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        parent = os.getppid()
        for line in stream:
            lines.put(line)
        lines.put(None)
        # The pipe closes a moment before the system hands us to another parent.
        for _ in range(50):
            if os.getppid() != parent:
                os._exit(1)
            time.sleep(0.1)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while (line := lines.get()) is not None:
        yield line


def log(text: str) -> None:
    """Write a line to the log."""
    print(f"conductor: {text}", file=sys.stderr, flush=True)
