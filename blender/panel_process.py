# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel in a process of its own: started here, and answered by a timer on Blender's main thread.

Threads move lines between pipes and queues and touch nothing of Blender's. The protocol is that of
`conductor_plugins.remote_host`.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from conductor_core.agent_start import own_program
from conductor_core.errors import ConductorError
from conductor_core.user_folders import user_folders

#: seconds between two looks at what the panel asks, and how long one look may take
INTERVAL = 1 / 50
BUDGET = 0.015
_CALLS = ("scene", "steps", "environment", "save", "snapshot", "remember", "reveal")

_panel: PanelProcess | None = None


def start(say: Callable[[str], None]) -> None:
    """Start the panel's process; what it dies of is said by `say`.

    Raises:
        ConductorError: there is no Python of ours to start it with, or the system refuses.
    """
    import bpy

    global _panel
    _panel = PanelProcess(say)
    bpy.app.timers.register(answer, first_interval=0.0, persistent=True)


def is_open() -> bool:
    """Tell whether there is a panel's process."""
    return _panel is not None and _panel.alive()


def raise_panel() -> None:
    """Bring the panel to the front."""
    if _panel is not None:
        _panel.tell("raise")


def scene_changed() -> None:
    """Tell the panel that another file is open, or that this one was saved."""
    if _panel is not None:
        _panel.tell("scene")


def close() -> None:
    """Close the panel and stop answering."""
    import bpy

    global _panel
    if _panel is not None:
        _panel.end()
    _panel = None
    if bpy.app.timers.is_registered(answer):
        bpy.app.timers.unregister(answer)


def answer() -> float | None:
    """Answer what the panel asked since the last time; return when to come again, None once it is closed."""
    global _panel
    if _panel is None:
        return None
    if _panel.answer(BUDGET):
        return INTERVAL
    _panel.end()
    _panel = None
    return None


class PanelProcess:
    """One panel, with its pipes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        from .host import BlenderHost

        self._host = BlenderHost()
        self._say = say
        self._scans: dict[int, Iterator[Any]] = {}
        self._asked: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: list[str] = []
        python, environment = own_program(user_folders())
        try:
            self._process = subprocess.Popen(
                [python, "-m", "conductor_plugins.panel_process"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as exc:
            raise ConductorError(f"{python} cannot be started ({exc.strerror}).", "Install Conductor again.") from exc
        for work, pipe in ((self._hear, "stdout"), (self._speak, "stdin"), (self._note, "stderr")):
            threading.Thread(target=work, args=(getattr(self._process, pipe),), name=f"conductor {pipe}", daemon=True).start()

    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def tell(self, word: str) -> None:
        """Send a word that wants no answer."""
        self._answers.put({"tell": word})

    def answer(self, budget: float) -> bool:
        """Answer for so many seconds of the main thread; False once the panel is closed."""
        until = time.perf_counter() + budget
        while time.perf_counter() < until:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                return True
            if asked is None:
                if self._process.wait() and self._errors:
                    self._say(f"The panel could not be opened: {self._errors[-1]}")
                return False
            self._answers.put(self._one(asked, until))
        return True

    def end(self) -> None:
        """Close the panel's window and let its process end."""
        self._scans.clear()
        self.tell("close")
        self._answers.put(None)

    def _one(self, asked: dict[str, Any], until: float) -> dict[str, Any]:
        from conductor_plugins.host import HostRefused
        from conductor_plugins.wire import decode

        number, call, arguments = asked["id"], asked["call"], decode(asked["with"])
        try:
            return {"id": number, "answer": self._call(number, call, arguments, until)}
        except (HostRefused, ConductorError) as exc:
            return {"id": number, "refused": str(exc)}

    def _call(self, number: int, call: str, arguments: tuple[Any, ...], until: float) -> Any:
        if call == "dependencies":
            self._scans.clear()  # one panel scans one thing at a time: what it gave up is let go
            self._scans[number] = self._host.dependencies(*arguments)
            return number
        if call == "next":
            return self._next(arguments[0], until)
        if call not in _CALLS:
            raise ConductorError(f"The panel asks for {call!r}, which this Blender does not know.", "Install Conductor again.")
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
            if time.perf_counter() >= until:
                return found
        return None

    def _hear(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._asked.put(json.loads(line))
        self._asked.put(None)

    def _speak(self, pipe: IO[str]) -> None:
        from conductor_plugins.wire import encode

        while (message := self._answers.get()) is not None:
            if "answer" in message:
                message = {**message, "answer": encode(message["answer"])}
            try:
                pipe.write(json.dumps(message) + "\n")
                pipe.flush()
            except (OSError, ValueError):  # the panel is closed
                break
        try:
            pipe.close()
        except OSError:
            return

    def _note(self, pipe: IO[str]) -> None:
        for line in pipe:
            if line.strip():
                self._errors = [*self._errors[-20:], line.strip()]
                print(f"Conductor's panel: {line.rstrip()}")
