"""Guard a process tree for as long as it lives: whether or not anybody waits for its words, a scene can leave threads behind
that fill the disk, fork or eat memory between two frames, while pictures wait to be published, and between two tasks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from conductor_service.runner.causes import failure_of_toll
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.limits import ResourceLimits, Room
from conductor_service.runner.processes import ProcessTree

_log = logging.getLogger(__name__)

#: a disk takes more than a gigabyte in a second: it is looked at often, which costs microseconds
_DISK_SECONDS = 0.1
#: memory and processes are looked at less often: a look costs a millisecond for software of thirty threads
_TREE_SECONDS = 1.0


class Guard:
    """A thread that kills a tree which breaks a limit of the machine; `failure` says then which."""

    def __init__(self, tree: ProcessTree, resources: ResourceLimits, room: Callable[[], Room]) -> None:
        self.failure: TaskFailed | None = None
        self._tree = tree
        self._resources = resources
        self._room = room
        self._looking = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="guard")
        self._thread.start()

    def stop(self) -> None:
        """End the thread: the tree is gone, or about to be killed by whoever calls."""
        self._done.set()
        self._thread.join()

    def look(self) -> TaskFailed | None:
        """Look at everything now; return what was found, now or earlier."""
        with self._looking:
            self._judge(self._disk_failure() or self._tree_failure())
        return self.failure

    def toll_failure(self, code: int | None) -> TaskFailed | None:
        """Return what the kernel had to do to a process of the tree, whatever became of the others; None: nothing."""
        toll = self._tree.group.toll()
        if toll is None or not (toll.killed or toll.refused):
            return None
        if toll.killed:
            self._tree.note_peak(toll.peak)
        return failure_of_toll(toll, self._resources, measured=self._tree.peak_memory, code=code)

    def _run(self) -> None:
        next_look = time.monotonic()
        while not self._done.wait(_DISK_SECONDS) and self.failure is None and self._tree.running():
            with self._looking:
                failure = self._disk_failure()
                if failure is None and time.monotonic() >= next_look:
                    failure = self._tree_failure()
                    next_look = time.monotonic() + _TREE_SECONDS
                self._judge(failure)

    def _judge(self, failure: TaskFailed | None) -> None:
        if failure is not None and self.failure is None:
            _log.warning("the software is ended: %s", failure)
            self.failure = failure
            self._tree.kill()

    def _disk_failure(self) -> TaskFailed | None:
        resources = self._resources
        try:
            room = self._room()
        except OSError as exc:
            return TaskFailed("internal", f"The instance's work folder is gone ({exc.strerror}).")
        if room.bytes < resources.free_disk:
            return TaskFailed("disk-full", "The instance's disk is nearly full.")
        if room.files < resources.free_files:
            return TaskFailed("disk-full", "The instance's disk has hardly any room for more files (inodes).")
        return None

    def _tree_failure(self) -> TaskFailed | None:
        usage, resources = self._tree.measure(), self._resources
        if (failure := self.toll_failure(None)) is not None:
            return failure
        measured = self._tree.group.toll() is None
        if measured and resources.memory and usage.memory > resources.memory:
            return TaskFailed("out-of-memory", f"The task used more than its {resources.memory >> 20:,} MiB of memory.")
        if usage.processes > resources.processes:
            return TaskFailed("crashed", f"The task started more than {resources.processes} processes.")
        return None
