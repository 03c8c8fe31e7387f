"""Watch over a running task: hear what it says, and end it when it breaks a limit or somebody wants it ended."""

from __future__ import annotations

import collections
import contextlib
import json
import queue
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conductor_core.submission import Limits

from conductor_service.runner.causes import failure_of_exit
from conductor_service.runner.conversation import UNHEARD, Conversation, Ended, Inbox, Ordered, Said
from conductor_service.runner.errors import RunnerError, TaskFailed
from conductor_service.runner.guard import Guard
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.processes import ProcessTree

#: how soon time-outs, and what the guard found, are seen
_LOOK_SECONDS = 0.1
#: a server that has read nothing for so long, while its pipe is full, does not read any more
_UNREAD_SECONDS = 60.0
#: what a process has to end by itself after it closed its stdout
_END_SECONDS = 5.0


class TaskEnded(RunnerError):
    """Somebody wants the task ended.

    Attributes:
        order: who and why.
    """

    def __init__(self, order: Ordered) -> None:
        self.order = order
        super().__init__(f"The task is ended: {order.reason or order.why}.")


@dataclass(frozen=True, slots=True)
class Watch:
    """What a vigil looks at beside the process itself."""

    inbox: Inbox
    resources: ResourceLimits
    room: Callable[[], Room]
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Charge:
    """The task that is being watched over."""

    #: attempt id; an order for another one is too late
    attempt: str
    limits: Limits
    log: LogBook | None
    #: when the task began; None: with the process that is watched
    started: float | None = None


class Vigil:
    """Talk with a process; whenever a method raises, the process tree is dead."""

    def __init__(self, tree: ProcessTree, conversation: Conversation, watch: Watch) -> None:
        self.tree = tree
        self.conversation = conversation
        self._watch = watch
        #: heard while something was being said
        self._kept: collections.deque[Said | Ended] = collections.deque()
        self.begin(Charge("", Limits(), None))
        self._guard = Guard(tree, watch.resources, watch.room)

    def begin(self, charge: Charge) -> None:
        """Start counting anew, for the next task of the same process."""
        now = self._watch.clock()
        self._attempt, self._limits, self._log = charge.attempt, charge.limits, charge.log
        self._last_life = now
        self._started = now if charge.started is None else charge.started
        self.tree.reset_peak()

    def holds(self) -> bool:
        """Tell whether the tree runs and keeps its limits, looked at now: it may have had nothing to do for a while."""
        return self.tree.running() and self._guard.look() is None

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a message; one to a process that is gone is lost, and its end comes as an event.

        Raises:
            TaskFailed: it broke a limit, or does not read what it is told.
            TaskEnded: somebody ordered its end.
        """
        rest = memoryview(json.dumps(message).encode() + b"\n")
        last_read = self._watch.clock()
        while rest := rest[(sent := self.conversation.send(rest)) :]:
            now = self._watch.clock()
            last_read = now if sent else last_read
            self._look(now)
            if now - last_read > _UNREAD_SECONDS:
                self._fail("no-progress", f"The software has not read what it was told for {_UNREAD_SECONDS:.0f} s.")
            self._keep_what_comes()
            self.conversation.wait_for_room(_LOOK_SECONDS)

    def hear(self, *, until: float | None = None) -> Said | Ended | None:
        """Return the next thing the process says, or None at the time `until`.

        Raises:
            TaskFailed: it broke a limit.
            TaskEnded: somebody ordered its end.
        """
        while True:
            now = self._watch.clock()
            self._look(now)
            if self._kept:
                return self._kept.popleft()
            if until is not None and now >= until:
                return None
            wait = _LOOK_SECONDS if until is None else min(until - now, _LOOK_SECONDS)
            with contextlib.suppress(queue.Empty):
                event = self._next(max(wait, 0.001))
                self._judge_guard()
                if event is not None:
                    return event

    @property
    def memory_limit(self) -> int:
        """Return the bytes that a task may use; 0: all there is."""
        return self._watch.resources.memory

    def note_life(self) -> None:
        """Count silence from now: the process was not asked for anything meanwhile."""
        self._last_life = self._watch.clock()

    def excuse(self, seconds: float) -> None:
        """Take time off the task's own: it was kept waiting by others."""
        self._started += seconds

    def failure_of_end(self) -> TaskFailed:
        """Return why the process ended, once `Ended` was heard."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.tree.wait(_END_SECONDS)
        self.end()
        code = self.tree.wait()
        if (over := self._guard.toll_failure(code)) is not None:
            return self._with_words(over)
        return failure_of_exit(
            code,
            last_lines=self._log.last_lines() if self._log else "",
            peak_memory=self.tree.peak_memory,
            memory_limit=self._watch.resources.memory,
        )

    def end(self) -> None:
        """Kill the tree and read what it still said."""
        self._guard.stop()
        self.tree.kill()
        self.conversation.join()

    def over_limit(self) -> TaskFailed | None:
        """Return what the kernel had to do to a process of the tree, whatever became of the others; None: nothing."""
        over = self._guard.toll_failure(None)
        return self._with_words(over) if over is not None else None

    def _keep_what_comes(self) -> None:
        """Keep for `hear` what the inbox holds, within the same bounds; an order is heard at once."""
        with contextlib.suppress(queue.Empty):
            for _ in range(UNHEARD):
                event = self._next(0.0)
                if isinstance(event, Ended) or (event is not None and len(self._kept) < UNHEARD):
                    self._kept.append(event)

    def _next(self, seconds: float) -> Said | Ended | None:
        """Return what comes within `seconds`; None: an order that came too late.

        Raises:
            queue.Empty: nothing came.
            TaskEnded: an order.
        """
        inbox = self._watch.inbox
        event = inbox.get(timeout=seconds) if seconds else inbox.get_nowait()
        if isinstance(event, Ordered):
            if event.attempt not in ("", self._attempt):
                return None
            self.end()
            raise TaskEnded(event)
        self._last_life = self._watch.clock()
        return event

    def _look(self, now: float) -> None:
        self._judge_guard()
        limits = self._limits
        life = max(self._last_life, self._log.last_write) if self._log else self._last_life
        if limits.task_seconds and now - self._started > limits.task_seconds:
            self._fail("time-out", f"The task ran longer than its limit of {limits.task_seconds} s.")
        if limits.silence_seconds and now - life > limits.silence_seconds:
            self._fail("no-progress", f"No progress, log or output for {limits.silence_seconds} s.")
        if self._log is not None and (lacking := self._log.licence.lacking()):
            self._fail("licence", lacking)

    def _judge_guard(self) -> None:
        """Raise what the guard found: the end that it gave the tree is no crash."""
        if (failure := self._guard.failure) is not None:
            self._fail(failure.cause, failure.what)

    def _fail(self, cause: str, message: str) -> None:
        self.end()
        raise self._with_words(TaskFailed(cause, message))

    def _with_words(self, failure: TaskFailed) -> TaskFailed:
        """Return a failure with the last lines of the log."""
        words = self._log.last_lines() if self._log else ""
        return TaskFailed(failure.cause, f"{failure.what}\n{words}".rstrip(), exit_code=failure.exit_code)
