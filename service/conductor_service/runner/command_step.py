"""Run a command step: one command per task, whose stdout may speak Open Job Description's progress lines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conductor_core.frames import format_frames

from conductor_service.runner.conversation import Conversation, Ended
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.isolation import Launch
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.vigil import Charge, Vigil, Watch

#: OpenJD 2023-09, "Stdout/Stderr messages"; env messages mean nothing to a single command
_OPENJD = re.compile(rb"openjd_(progress|status|fail): ?(.*)")
_TOKEN = re.compile(r"\{(?:(frames)|(frame|first|last)(?::0?(\d{1,2})d?)?)\}")


def fill_command(command: Sequence[str], frames: Sequence[int]) -> tuple[str, ...]:
    """Return argv for a task, with `{frame}`, `{frames}`, `{first}` and `{last}` replaced in each word.

    `{frame}` is the first of several, `{frame:04d}` the same with four digits; any other text in braces stays as it is.
    """
    numbers = {"frame": frames[0], "first": min(frames), "last": max(frames)}

    def filled(match: re.Match[str]) -> str:
        return format_frames(frames) if match[1] else f"{numbers[match[2]]:0{int(match[3] or 0)}d}"

    return tuple(_TOKEN.sub(filled, word) for word in command)


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

    def __init__(self, launch: Launch, watch: Watch, log: LogBook, charge: Charge) -> None:
        self._log = log
        self._tree = ProcessTree(launch, stdin=False)
        self._vigil = Vigil(self._tree, Conversation(self._tree, watch.inbox, log.write, openjd_message), watch)
        self._vigil.begin(charge)

    @property
    def peak_memory(self) -> int:
        return self._tree.peak_memory

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
