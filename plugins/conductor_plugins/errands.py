"""Calls that take time, made in threads; what they return comes back to Qt's thread.

Worker threads touch neither Qt's widgets nor the host; the answer travels as a queued signal, so that `then` runs where the
`Errands` object lives. An errand whose owner is closed is forgotten: its answer is dropped.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

from conductor_core.errors import ConductorError
from qtpy.QtCore import QObject, Qt, Signal


class Errands(QObject):
    """Run calls in threads, at most one at a time of each name: a newer one of that name replaces what waits."""

    _came_back = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._came_back.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._latest: dict[str, int] = {}
        self._open = True

    def run(
        self, name: str, call: Callable[[], Any], then: Callable[[Any], None], failed: Callable[[ConductorError], None]
    ) -> None:
        """Call `call` in a thread, then `then(answer)` or `failed(error)` here, unless one of the same name was run since."""
        number = self._latest[name] = self._latest.get(name, 0) + 1
        worker = threading.Thread(
            target=self._work, args=(name, number, call, then, failed), name=f"conductor {name}", daemon=True
        )
        worker.start()

    def close(self) -> None:
        """Drop every answer that is still to come."""
        self._open = False

    def _work(
        self,
        name: str,
        number: int,
        call: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[ConductorError], None],
    ) -> None:
        receiver: Callable[[Any], None] = then
        try:
            answer = call()
        except ConductorError as exc:
            answer, receiver = exc, failed
        except Exception as exc:  # noqa: BLE001 - the worker's border: whoever waits must hear that nothing will come
            traceback.print_exc()
            what = f"Conductor made a mistake ({name}: {type(exc).__name__}: {exc})."
            answer, receiver = ConductorError(what, "Try again; the host's console says more."), failed
        try:
            self._came_back.emit((name, number, receiver, answer))
        except RuntimeError:  # the object is deleted: the panel and maybe the host are gone
            return

    def _deliver(self, came: tuple[str, int, Callable[[Any], None], Any]) -> None:
        name, number, receiver, answer = came
        if self._open and self._latest.get(name) == number:
            receiver(answer)
