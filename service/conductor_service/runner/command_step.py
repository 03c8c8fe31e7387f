"""Run a command step: one command per task, whose stdout may speak Open Job Description's progress lines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from conductor_service.runner.conversation import UNHEARD, Conversation, Ended, Said
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.isolation import Launch
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.printed import PrintedProgress, printed_by
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.vigil import Charge, Vigil, Watch

#: OpenJD 2023-09, "Stdout/Stderr messages"; env messages mean nothing to a single command
_OPENJD = re.compile(rb"openjd_(progress|status|fail): ?(.*)")


def openjd_message(line: bytes) -> Mapping[str, Any] | None:
    """Return an `openjd_…:` line as a message, or None for a line that is log."""
    match = _OPENJD.match(line)
    if match is None:
        return None
    kind, text = match[1].decode(), match[2].decode(errors="replace").replace("\0", "").strip()
    if kind != "progress":
        return {"event": kind, "message": text}
    try:
        percent = float(text)
    except ValueError:
        return None
    return {"event": "progress", "fraction": min(max(percent / 100.0, 0.0), 1.0)} if math.isfinite(percent) else None


class CommandRun:
    """One run of a command; after `complete` returned or raised, its process tree is gone."""

    def __init__(self, launch: Launch, watch: Watch, log: LogBook, charge: Charge, program: str = "") -> None:
        """Start it; what `program` is known to print of its progress is read, too."""
        self._log = log
        self._inbox = watch.inbox
        self._printed = PrintedProgress(printed_by(program), self._on_printed)
        self._tree = ProcessTree(launch, stdin=False)
        self._vigil = Vigil(self._tree, Conversation(self._tree, watch.inbox, self._on_log, openjd_message), watch)
        self._vigil.begin(charge)

    @property
    def peak_memory(self) -> int:
        return self._tree.peak_memory

    def _on_log(self, data: bytes) -> None:
        self._log.write(data)
        self._printed.feed(data)

    def _on_printed(self, fraction: float, _line: str) -> None:
        if self._inbox.qsize() < UNHEARD:
            self._inbox.put(Said({"event": "progress", "fraction": fraction}))

    def complete(self, on_progress: Callable[[float, str], None]) -> None:
        """Wait for the command's end.

        Raises:
            TaskFailed: it ended with a code other than 0, said `openjd_fail`, or broke a limit.
            TaskEnded: somebody ordered its end.
        """
        said_fail = status = ""
        fraction = 0.0
        while not isinstance(heard := self._vigil.hear(), Ended):
            if heard is None:
                continue
            kind = heard.message["event"]
            if kind == "fail":
                said_fail = str(heard.message["message"])
            elif kind == "status":
                status = str(heard.message["message"])[:200]
            else:
                fraction = float(heard.message["fraction"])
            on_progress(fraction, status)
        failure = self._vigil.failure_of_end()
        if said_fail:
            raise TaskFailed(failure.cause, f"{said_fail}\n{self._log.last_lines()}", exit_code=failure.exit_code)
        if failure.exit_code != 0 or self._vigil.over_limit() is not None:
            raise failure
