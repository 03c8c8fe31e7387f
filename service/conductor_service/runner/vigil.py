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
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.processes import ProcessTree

#: memory and time-outs are looked at this often; each look costs well under a millisecond
_TICK_SECONDS = 1.0
#: a disk takes more than a gigabyte in a second: it is looked at more often, which costs microseconds
_DISK_SECONDS = 0.1
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


class Vigil:
    """Wait for a process's words; whenever it raises, the process tree is dead."""

    def __init__(self, tree: ProcessTree, conversation: Conversation, watch: Watch) -> None:
        self.tree = tree
        self.conversation = conversation
        self._watch = watch
        self._next_tick = self._next_disk = 0.0
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
            self._look(now)
            if until is not None and now >= until:
                return None
            wait = min(self._next_disk, until or self._next_disk) - now
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
        return self._over_limit(code) or failure_of_exit(
            code,
            last_lines=self._log.last_lines() if self._log else "",
            peak_memory=self.tree.peak_memory,
            memory_limit=self._watch.resources.memory,
        )

    def end(self) -> None:
        """Kill the tree and read what it still said."""
        self.tree.kill()
        self.conversation.join()

    def over_limit(self) -> TaskFailed | None:
        """Return what the kernel had to do to a process of the tree, whatever became of the others; None: nothing."""
        return self._over_limit(None)

    def _look(self, now: float) -> None:
        if now >= self._next_tick:
            self._next_tick = now + _TICK_SECONDS
            self._check(now)
        if now >= self._next_disk:
            self._next_disk = now + _DISK_SECONDS
            self._check_disk()

    def _check_disk(self) -> None:
        room, resources = self._watch.room(), self._watch.resources
        if room.bytes < resources.free_disk:
            self._fail("disk-full", "The instance's disk is nearly full.")
        if room.files < resources.free_files:
            self._fail("disk-full", "The instance's disk has hardly any room for more files (inodes).")

    def _over_limit(self, code: int | None) -> TaskFailed | None:
        toll, limits = self.tree.group.toll(), self._watch.resources
        if toll is None or not (toll.killed or toll.refused):
            return None
        words = f"\n{self._log.last_lines()}" if self._log else ""
        if toll.killed:
            self.tree.peak_memory = max(self.tree.peak_memory, toll.peak)
            limit = f"its limit of {limits.memory >> 20:,} MiB" if limits.memory else "the instance has"
            text = f"The task needed more memory than {limit} (peak {toll.peak >> 20:,} MiB): the kernel ended it."
            return TaskFailed("out-of-memory", text + words, exit_code=code)
        text = f"The task started more than {limits.processes:,} processes and threads."
        return TaskFailed("crashed", text + words, exit_code=code)

    def _check(self, now: float) -> None:
        usage = self.tree.measure()
        limits, resources = self._limits, self._watch.resources
        if (over := self._over_limit(None)) is not None:
            self.end()
            raise over
        measured = self.tree.group.toll() is None
        life = max(self._last_life, self._log.last_write) if self._log else self._last_life
        if limits.task_seconds and now - self._started > limits.task_seconds:
            self._fail("time-out", f"The task ran longer than its limit of {limits.task_seconds} s.")
        if limits.silence_seconds and now - life > limits.silence_seconds:
            self._fail("no-progress", f"No progress, log or output for {limits.silence_seconds} s.")
        if measured and resources.memory and usage.memory > resources.memory:
            self._fail("out-of-memory", f"The task used more than its {resources.memory >> 20:,} MiB of memory.")
        if usage.processes > resources.processes:
            self._fail("crashed", f"The task started more than {resources.processes} processes.")

    def _fail(self, cause: str, message: str) -> None:
        self.end()
        words = self._log.last_lines() if self._log else ""
        raise TaskFailed(cause, f"{message}\n{words}".rstrip())
