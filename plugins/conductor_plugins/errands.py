"""Calls that take time, made in threads; what they return comes back to Qt's thread.

Worker threads touch neither Qt nor the host, not even to emit a signal: the panel may be deleted at that very moment, and then a
signal takes the host down. They leave their answers in a queue, which Qt's thread looks into as long as something is under way.
An errand whose owner is closed is forgotten: its answer is dropped.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conductor_core.errors import ConductorError
from qtpy.QtCore import QObject, QTimer

#: milliseconds between two looks into the queue
_OFTEN = 10


@dataclass(frozen=True)
class _Errand:
    name: str
    #: of those of this name
    number: int
    call: Callable[[], Any]
    then: Callable[[Any], None]
    failed: Callable[[ConductorError], None]


class Errands(QObject):
    """Run calls in threads; of several of one name the newest counts, and what the others return is dropped."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers: queue.SimpleQueue[tuple[_Errand, Any, bool]] = queue.SimpleQueue()
        self._latest: dict[str, int] = {}
        self._under_way = 0
        self._open = True
        self._timer = QTimer(self)
        self._timer.setInterval(_OFTEN)
        self._timer.timeout.connect(self._deliver)

    def run(
        self, name: str, call: Callable[[], Any], then: Callable[[Any], None], failed: Callable[[ConductorError], None]
    ) -> None:
        """Call `call` in a thread, then `then(answer)` or `failed(error)` here, unless one of the same name was run since."""
        if not self._open:
            return
        number = self._latest[name] = self._latest.get(name, 0) + 1
        errand = _Errand(name, number, call, then, failed)
        worker = threading.Thread(target=_work, args=(errand, self._answers), name=f"conductor {name}", daemon=True)
        self._under_way += 1
        self._timer.start()
        worker.start()

    def close(self) -> None:
        """Drop every answer that is still to come."""
        self._open = False
        self._timer.stop()

    def _deliver(self) -> None:
        """Hand one answer over; the next has its turn after the host has had one."""
        try:
            errand, answer, good = self._answers.get_nowait()
        except queue.Empty:
            return
        self._under_way -= 1
        if not self._under_way:
            self._timer.stop()
        if self._latest.get(errand.name) == errand.number:
            (errand.then if good else errand.failed)(answer)


def _work(errand: _Errand, answers: queue.SimpleQueue[tuple[_Errand, Any, bool]]) -> None:
    good = False
    answer: Any
    try:
        answer, good = errand.call(), True
    except ConductorError as exc:
        answer = exc
    except Exception as exc:  # noqa: BLE001 - the worker's border: whoever waits must hear that nothing will come
        traceback.print_exc()
        what = f"Conductor made a mistake ({errand.name}: {type(exc).__name__}: {exc})."
        answer = ConductorError(what, "Try again; the host's console says more.")
    answers.put((errand, answer, good))
