"""Long work beside the scheduler's own: a few seconds of it at a time, so that leases run out and machines come up on time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator

from conductor_core.errors import TransferError

log = logging.getLogger(__name__)

#: after which the rest waits for the next time; a step that is under way comes to its end
SECONDS = 5.0


class Housework:
    """What is to be done, in its order, each as steps."""

    def __init__(self, elapsed: Callable[[], float], stopping: Callable[[], bool] = lambda: False) -> None:
        """Prepare; once it is `stopping`, nothing more is begun."""
        self._elapsed, self._stopping = elapsed, stopping
        self._left: deque[tuple[str, Iterator[object]]] = deque()

    def begin(self, *work: tuple[str, Iterator[object]]) -> None:
        """Take on work, each with its name; not while there is some left from before."""
        if not self._left:
            self._left.extend(work)

    def forget(self) -> None:
        """Leave the rest undone."""
        self._left.clear()

    def go_on(self) -> None:
        """Work for some seconds. A store that fails ends what failed, and not what comes after it."""
        begun = self._elapsed()
        while self._left and not self._stopping() and self._elapsed() - begun < SECONDS:
            name, steps = self._left[0]
            try:
                next(steps)
            except StopIteration:
                self._left.popleft()
            except TransferError as exc:
                self._left.popleft()
                log.warning("%s failed, and is tried again later: %s", name, exc)
