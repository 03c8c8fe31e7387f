"""An attempt in hand: what worker, courier and publisher know of it together."""

from __future__ import annotations

import threading
from pathlib import Path

from conductor_core.paths import ClientPath

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.conversation import Inbox, Ordered
from conductor_service.runner.errors import StaleAttempt, TaskFailed
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.service import Beat


class Holding:
    """One attempt from its assignment until the service knows its end.

    The worker writes `beat` and `inbox`, the courier `shipped` and `beaten`, the publisher the rest; each is a single
    assignment of an immutable value, which needs no lock. Shipping the log does: both courier and publisher do it.
    """

    def __init__(self, assignment: Assignment, log: LogBook, folder: Path) -> None:
        self.assignment = assignment
        self.ref = assignment.attempt
        self.log = log
        #: taken outputs lie here until they are published and previewed
        self.folder = folder
        self.beat = Beat()
        self.inbox: Inbox | None = None
        #: the last order, if there was one
        self.ordered: Ordered | None = None
        #: beat last sent, and when
        self.beaten: tuple[Beat, float] = (Beat(), 0.0)
        self.shipping = threading.Lock()
        #: bytes of the log that the service holds, and when they last grew
        self.shipped = 0
        self.shipped_at = 0.0
        #: the lease is gone: nothing more may be said or published
        self.stale = False
        #: the service knows its end, or will never
        self.ended = False
        self.failure: TaskFailed | None = None
        self.frames_done: tuple[int, ...] = ()
        #: what was accepted in doubt
        self.warnings: tuple[str, ...] = ()
        #: outputs that were looked at, and how each is spelled
        self._places: dict[ClientPath, str] = {}
        #: frames of which a file could not be published
        self.spoilt: frozenset[int] = frozenset()

    def order(self, order: Ordered) -> None:
        """Have the task ended, if it is still running."""
        if order.why == "stale":
            self.stale = True
        self.ordered = order
        if self.inbox is not None:
            self.inbox.put(order)

    def listen(self, inbox: Inbox) -> None:
        """Have orders come to `inbox` from now on, one that came earlier (while files were fetched) too."""
        self.inbox = inbox
        if self.ordered is not None:
            inbox.put(self.ordered)

    def require_place(self, path: ClientPath) -> None:
        """Refuse an output that would take another one's place at home: Windows does not tell their names apart.

        Raises:
            TaskFailed: (bad-output) it would.
        """
        twin = self._places.setdefault(path, path.text)
        if twin != path.text:
            raise TaskFailed("bad-output", f"{path} and {twin} are one file on the artist's machine. Give one another name.")

    def require_licence(self) -> None:
        """Refuse pictures that the software made without a licence: they have a watermark.

        Raises:
            TaskFailed: (licence) it said so.
        """
        if lacking := self.log.licence.lacking():
            raise TaskFailed("licence", lacking)

    def require_ours(self) -> None:
        """Break off work for an attempt that is over: reading a large file takes minutes.

        Raises:
            StaleAttempt: its lease is gone.
            TaskFailed: (user) somebody killed it.
        """
        if self.stale:
            raise StaleAttempt(self.ref.id)
        if self.ordered is not None and self.ordered.why == "kill":
            raise TaskFailed("user", self.ordered.reason)
