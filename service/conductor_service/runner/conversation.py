"""Talk with a process in JSON lines: its words, its log and its end come as events into one inbox."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import select
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal

from conductor_service.runner.processes import ProcessTree

#: a longer line is no message
_LINE_BYTES = 1 << 20
_READ_BYTES = 1 << 16
#: progress comes at most this often; a renderer may say it per tile
_PROGRESS_SECONDS = 0.25
#: what is said beyond this without being heard is dropped: a server that floods harms only itself
UNHEARD = 1000
#: a log that is behind by a full pipe is read in milliseconds; one that never ends is not waited for longer than a second
_LOOK_SECONDS = 0.003
_CATCH_UP_LOOKS = 300


@dataclass(frozen=True, slots=True)
class Said:
    """The process said a message."""

    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """The process closed its stdout; all of its log is read."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Somebody wants the task ended: a person by the service, the service's silence, or the end of the instance."""

    why: Literal["kill", "stale", "stop", "service-gone"]
    reason: str = ""
    #: the attempt that is meant; empty: whichever runs
    attempt: str = ""


Event = Said | Ended | Ordered
Inbox = queue.SimpleQueue[Event]
LineReader = Callable[[bytes], Mapping[str, Any] | None]


def json_message(line: bytes) -> Mapping[str, Any] | None:
    """Return the message of a line, or None for a line that is log."""
    if not line.startswith(b"{"):
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):  # the latter: brackets nested without end
        return None
    return data if isinstance(data, dict) and isinstance(data.get("event"), str) else None


class Conversation:
    """Read a process's stdout as messages and its stderr as log, each in a thread of its own."""

    def __init__(self, tree: ProcessTree, inbox: Inbox, log: Callable[[bytes], None], read: LineReader = json_message) -> None:
        self._tree = tree
        self._inbox = inbox
        self._log = log
        self._read = read
        #: held from reading some log until it is written down
        self._logging = threading.Lock()
        self._log_thread = threading.Thread(target=self._read_log, args=(tree.stderr,), daemon=True, name="log")
        self._word_thread = threading.Thread(target=self._read_words, args=(tree.stdout,), daemon=True, name="words")
        self._log_thread.start()
        self._word_thread.start()

    def send(self, data: bytes | memoryview) -> int:
        """Send as many bytes as the process's stdin takes now, and return how many; those to one that is gone are lost."""
        try:
            os.set_blocking(self._tree.stdin.fileno(), False)
            return self._tree.stdin.write(data) or 0
        except (OSError, ValueError):
            return len(data)

    def wait_for_room(self, seconds: float) -> None:
        """Wait until the process's stdin takes more, or nobody is there to read it, or the time is over."""
        with contextlib.suppress(OSError, ValueError):
            poll = select.poll()
            poll.register(self._tree.stdin, select.POLLOUT)
            poll.poll(seconds * 1000)

    def hang_up(self) -> None:
        """Close the process's stdin, which tells it to end."""
        with contextlib.suppress(OSError):
            self._tree.stdin.close()

    def join(self, seconds: float = 5.0) -> None:
        """Wait until all that the process said is read."""
        self._word_thread.join(seconds)
        if not self._word_thread.is_alive():
            self._tree.close()

    def catch_up(self) -> None:
        """Read what was printed before the last message: log and messages come by two pipes, and the log may be behind."""
        for _ in range(_CATCH_UP_LOOKS):
            with self._logging:
                if not _waiting_in(self._tree.stderr):
                    return
            time.sleep(_LOOK_SECONDS)

    def _read_log(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            poll = select.poll()
            poll.register(stream, select.POLLIN)
            while True:
                poll.poll()
                with self._logging:
                    data = stream.read(_READ_BYTES)
                    if not data:
                        return
                    self._log(data)

    def _read_words(self, stream: IO[bytes]) -> None:
        last_progress = -1.0
        with contextlib.suppress(OSError, ValueError):
            for line in _lines(stream):
                message = self._read(line)
                if message is None:
                    self._log(line)
                    continue
                if message.get("event") == "progress":
                    now = time.monotonic()
                    if now - last_progress < _PROGRESS_SECONDS:
                        continue
                    last_progress = now
                if self._inbox.qsize() < UNHEARD:
                    self._inbox.put(Said(message))
        self._log_thread.join()
        self._inbox.put(Ended())


def _waiting_in(pipe: IO[bytes]) -> bool:
    """Tell whether a pipe holds bytes that nobody has read."""
    with contextlib.suppress(OSError, ValueError):
        return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, b"\0" * 4), sys.byteorder) > 0
    return False


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines of an unbuffered stream; one without an end comes in pieces."""
    rest = b""
    while data := stream.read(_READ_BYTES):
        pieces = (rest + data).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            yield piece + b"\n"
        if len(rest) > _LINE_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest
