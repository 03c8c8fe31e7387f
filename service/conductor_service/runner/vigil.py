"""Watch over a running task: hear what it says, and end it when it breaks a limit or somebody wants it ended."""

from __future__ import annotations

import contextlib
import queue
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from conductor_core.submission import Limits

from conductor_service.runner.causes import failure_of_exit
from conductor_service.runner.conversation import Conversation, Ended, Inbox, Ordered, Said
from conductor_service.runner.errors import RunnerError, TaskFailed
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.processes import ProcessTree

#: memory, disk and time-outs are looked at this often; each look costs well under a millisecond
_TICK_SECONDS = 1.0
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
    free_disk: Callable[[], int]
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Charge:
    """The task that is being watched over."""

    #: attempt id; an order for another one is too late
    attempt: str
    limits: Limits
    log: LogBook | None


class Vigil:
    """Wait for a process's words; whenever it raises, the process tree is dead."""

    def __init__(self, tree: ProcessTree, conversation: Conversation, watch: Watch) -> None:
        self.tree = tree
        self.conversation = conversation
        self._watch = watch
        self._next_tick = 0.0
        self.begin(Charge("", Limits(), None))

    def begin(self, charge: Charge) -> None:
        """Start counting anew, for the next task of the same process."""
        now = self._watch.clock()
        self._attempt, self._limits, self._log = charge.attempt, charge.limits, charge.log
        self._started = self._last_life = now
        self.tree.reset_peak()

    def hear(self, *, until: float | None = None) -> Said | Ended | None:
        """Return the next thing the process says, or None at the time `until`.

        Raises:
            TaskFailed: it broke a limit.
            TaskEnded: somebody ordered its end.
        """
        while True:
            now = self._watch.clock()
            if now >= self._next_tick:
                self._next_tick = now + _TICK_SECONDS
                self._check(now)
            if until is not None and now >= until:
                return None
            wait = self._next_tick - now if until is None else min(self._next_tick, until) - now
            try:
                event = self._watch.inbox.get(timeout=max(wait, 0.001))
            except queue.Empty:
                continue
            if isinstance(event, Ordered):
                if event.attempt not in ("", self._attempt):
                    continue
                self.end()
                raise TaskEnded(event)
            self._last_life = self._watch.clock()
            return event

    def note_life(self) -> None:
        """Count silence from now: the process was not asked for anything meanwhile."""
        self._last_life = self._watch.clock()

    def failure_of_end(self) -> TaskFailed:
        """Return why the process ended, once `Ended` was heard."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.tree.wait(_END_SECONDS)
        self.end()
        code = self.tree.wait()
        return failure_of_exit(
            code,
            last_lines=self._log.last_lines() if self._log else "",
            peak_memory=self.tree.peak_memory,
            memory_limit=self._watch.resources.memory,
        )

    def end(self) -> None:
        """Kill the tree and read what it still said."""
        self.tree.kill()
        self.conversation.join()

    def _check(self, now: float) -> None:
        usage = self.tree.measure()
        limits, resources = self._limits, self._watch.resources
        life = max(self._last_life, self._log.last_write) if self._log else self._last_life
        if limits.task_seconds and now - self._started > limits.task_seconds:
            self._fail("time-out", f"The task ran longer than its limit of {limits.task_seconds} s.")
        if limits.silence_seconds and now - life > limits.silence_seconds:
            self._fail("no-progress", f"No progress, log or output for {limits.silence_seconds} s.")
        if resources.memory and usage.memory > resources.memory:
            self._fail("out-of-memory", f"The task used more than its {resources.memory >> 20:,} MiB of memory.")
        if usage.processes > resources.processes:
            self._fail("crashed", f"The task started more than {resources.processes} processes.")
        if self._watch.free_disk() < resources.free_disk:
            self._fail("disk-full", "The instance's disk is nearly full.")

    def _fail(self, cause: str, message: str) -> None:
        self.end()
        words = self._log.last_lines() if self._log else ""
        raise TaskFailed(cause, f"{message}\n{words}".rstrip())
