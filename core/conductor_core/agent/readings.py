"""Our own reading of a scene's file, asked for by a panel: made by a process of its own.

A scene may have gigabytes, and a studio's reader may do anything: neither may slow down the agent, nor take it along. The
process is ended when it takes too long, says too much, or when the same panel asks anew.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from conductor_core.documents import to_json
from conductor_core.errors import AgentError

#: seconds that one reading may take
READING_LIMIT = 300.0
#: bytes of a report; with more it could not be shown anyway
LARGEST = 64 << 20
#: readings at once: each takes a processor of the artist's machine
AT_ONCE = 2

#: without it, Windows would open a terminal for a child of a program that has none
_CREATE_NO_WINDOW = 0x08000000
_COMMAND = (sys.executable, "-m", "conductor_core.agent.reading_process")
_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Question:
    """Which scene is to be read, and how."""

    scene: str
    #: (): the scene's own range
    frames: tuple[int, ...] = ()
    project_root: str = ""
    #: of the host's process; none: the agent's own
    variables: Mapping[str, str] = field(default_factory=dict)
    panel: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be read anyway."""
        if not os.path.isabs(self.scene):
            raise ValueError("must have the absolute path of a file as its scene")


class Readings:
    """Have scenes read; safe to share between threads."""

    def __init__(
        self,
        config: Path,
        *,
        limit: float = READING_LIMIT,
        largest: int = LARGEST,
        command: tuple[str, ...] = _COMMAND,
        at_once: int = AT_ONCE,
    ) -> None:
        self._config = config
        self._limit = limit
        self._largest = largest
        self._command = command
        self._lock = threading.Lock()
        self._places = threading.Semaphore(at_once)
        self._running: dict[subprocess.Popen[bytes], str] = {}
        #: panel → number of what it asked for last
        self._newest: dict[str, int] = {}
        self._number = 0
        self._stopped = False

    def read(self, question: Question, more: Mapping[str, Any] | None = None) -> bytes:
        """Return a report in lines of JSON, or one that says why there is none.

        `more`: what the process is told beside the question (`reading_process`).

        Raises:
            AgentError: the panel has asked anew meanwhile, or the agent ends.
        """
        number = self._announce(question.panel)
        with self._places:
            if not self._is_wanted(question.panel, number):
                raise AgentError("This reading of the scene was given up: a newer one was asked for.")
            try:
                lines, problem = self._read(question, number, more or {})
            except OSError as exc:
                lines, problem = b"", f"The scene cannot be read by a process of its own ({exc.strerror or exc})."
        if not self._is_wanted(question.panel, number):
            raise AgentError("This reading of the scene was given up: a newer one was asked for.")
        return json.dumps({"problem": problem}).encode() if problem else lines

    def give_up(self, panel: str) -> None:
        """End what a panel asked for: nobody waits for it any more."""
        self._announce(panel)

    def stop(self) -> None:
        """End all readings."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _announce(self, panel: str) -> int:
        """Note that a panel asks anew: what it asked for before is ended."""
        with self._lock:
            self._number += 1
            if panel:
                self._newest[panel] = self._number
                while len(self._newest) > 100:
                    del self._newest[next(iter(self._newest))]
                for process, whose in self._running.items():
                    if whose == panel:
                        process.kill()
            return self._number

    def _is_wanted(self, panel: str, number: int) -> bool:
        with self._lock:
            return not self._stopped and self._newest.get(panel, number) == number

    def _read(self, question: Question, number: int, more: Mapping[str, Any]) -> tuple[bytes, str]:
        """Return the lines of a report, or why there are none."""
        wish = json.dumps({**to_json(question), **more, "config": str(self._config), "seconds": self._limit + 10}).encode()
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as asked:
            asked.write(wish)
            asked.seek(0)
            process = subprocess.Popen(
                self._command,
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                creationflags=_CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
            with self._lock:
                self._running[process] = question.panel
            # asked anew, or stopped, before anybody could see this process
            if not self._is_wanted(question.panel, number):
                process.kill()
            late = threading.Event()
            timer = threading.Timer(self._limit, _end, (process, late.set))
            timer.daemon = True
            timer.start()
            try:
                assert process.stdout is not None
                with process.stdout as stdout:
                    lines = stdout.read(self._largest + 1)
                if len(lines) > self._largest:
                    process.kill()
                code = process.wait()
            finally:
                timer.cancel()
                with self._lock:
                    del self._running[process]
            if late.is_set():
                return b"", f"Reading it took longer than {self._limit:.0f} s, and was given up."
            if len(lines) > self._largest:
                return b"", f"There is more to say of it than {self._largest >> 20} MB."
            return (lines, "") if code == 0 else (b"", f"Reading it ended in a failure{_last_words(said)}.")


def _end(process: subprocess.Popen[bytes], note: Callable[[], Any]) -> None:
    note()
    process.kill()


def _last_words(said: IO[bytes]) -> str:
    """Return what a process said last, as the end of a sentence."""
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - 4096))
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if lines:
        _LOG.warning("the reading of a scene failed: %s", "\n".join(lines[-20:]))
    return f" ({lines[-1][:300].rstrip('.')})" if lines else ""
