"""The host's end of the two pipes of `conductor_plugins.remote_host`: what the panel asks is answered on the host's main thread.

Threads move lines between pipes and queues and touch nothing of the host's; `answer` is called by a timer of the host's.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from conductor_core.errors import ConductorError

from conductor_plugins.host import Host, HostRefused

_CALLS = ("scene", "steps", "environment", "save", "snapshot", "remember", "reveal")


class HostServer:
    """Answer one panel in another process."""

    def __init__(self, host: Host, lines: IO[str], out: IO[str]) -> None:
        """Read questions from `lines`, write answers to `out`; both are closed in the end."""
        self._host = host
        self._scans: dict[int, Iterator[Any]] = {}
        self._asked: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        for work, pipe in ((self._hear, lines), (self._speak, out)):
            threading.Thread(target=work, args=(pipe,), name="conductor panel", daemon=True).start()

    def tell(self, word: str) -> None:
        """Send a word that wants no answer: `raise`, `scene`, `close`."""
        self._answers.put({"tell": word})

    def answer(self, budget: float) -> bool:
        """Answer for so many seconds of the main thread, one question at least; False once the panel is gone."""
        until = time.perf_counter() + budget
        while True:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return True
            if asked is None:
                self._asked.put(None)  # gone it stays
                return False
            self._answers.put(self._one(asked, until))
            if time.perf_counter() >= until:
                return True

    def close(self) -> None:
        """Have the panel close its window and end."""
        self._scans.clear()
        self.tell("close")
        self._answers.put(None)

    def _one(self, asked: dict[str, Any], until: float) -> dict[str, Any]:
        from conductor_plugins.wire import decode

        number = asked["id"]
        try:
            return {"id": number, "answer": self._call(number, asked["call"], decode(asked["with"]), until)}
        except (HostRefused, ConductorError) as exc:
            return {"id": number, "refused": str(exc)}

    def _call(self, number: int, call: str, arguments: tuple[Any, ...], until: float) -> Any:
        if call == "dependencies":
            self._scans[number] = iter(self._host.dependencies(*arguments))
            return number
        if call == "next":
            return self._next(arguments[0], until)
        if call == "leave":
            return self._scans.pop(arguments[0], None) is not None
        if call not in _CALLS:
            raise HostRefused(f"The panel asks for {call!r}, which is not known here. Install Conductor again.")
        return getattr(self._host, call)(*arguments)

    def _next(self, scan: int, until: float) -> list[Any] | None:
        """Return as many findings as there is time for, None after the last."""
        found: list[Any] = []
        pieces = self._scans.get(scan)
        while pieces is not None:
            piece = next(pieces, None)
            if piece is None:
                del self._scans[scan]
                return found or None
            found += piece
            if found and time.perf_counter() >= until:
                return found
        return None

    def _hear(self, pipe: IO[str]) -> None:
        try:
            with pipe:
                for line in pipe:
                    self._asked.put(json.loads(line))
        except (OSError, ValueError):
            pass  # the pipe broke, or a line was cut: there is no more to come
        self._asked.put(None)

    def _speak(self, pipe: IO[str]) -> None:
        from conductor_plugins.wire import encode

        while (message := self._answers.get()) is not None:
            if "answer" in message:
                message = {**message, "answer": encode(message["answer"])}
            try:
                pipe.write(json.dumps(message) + "\n")
                pipe.flush()
            except (OSError, ValueError):  # the panel is gone
                break
        try:
            pipe.close()
        except OSError:
            return
