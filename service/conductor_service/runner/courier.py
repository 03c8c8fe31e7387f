"""Keep leases alive and ship logs, in a thread of its own: a renderer that is busy must not cost the lease."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from conductor_core.errors import ServiceError

from conductor_service.runner.conversation import Ordered
from conductor_service.runner.errors import StaleAttempt
from conductor_service.runner.holding import Holding
from conductor_service.runner.service import RunnerService

_log = logging.getLogger(__name__)

#: how often the courier looks whether there is something to say
_ROUND_SECONDS = 0.5
#: progress is sent at most this often; a page shows nothing finer
_CHANGE_SECONDS = 1.0
_LOG_SECONDS = 2.0
_LOG_CHUNK = 256 << 10
_FLUSH_CHUNK = 1 << 20
_FLUSH_TRIES = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, by which clock."""

    heartbeat_seconds: float
    #: without any answer of the service for this long, the instance ends itself
    dead_after_seconds: float
    clock: Callable[[], float]


class Courier:
    """Beat for every attempt in hand and ship what its log has grown by."""

    def __init__(self, service: RunnerService, pace: Pace) -> None:
        self._service = service
        self._pace = pace
        self._holdings: dict[str, Holding] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="courier")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a request that is under way is waited for a little."""
        self._stopped = True
        self._wake.set()
        self._thread.join(5.0)

    def take(self, holding: Holding) -> None:
        """Start beating for an attempt whose lease is fresh."""
        now = self._pace.clock()
        holding.beaten, holding.shipped_at = (holding.beat, now), now
        with self._lock:
            self._holdings[holding.ref.id] = holding
        self._wake.set()

    def drop(self, holding: Holding) -> None:
        """Stop beating for an attempt."""
        with self._lock:
            self._holdings.pop(holding.ref.id, None)

    def held(self) -> tuple[str, ...]:
        """Return the attempts in hand."""
        with self._lock:
            return tuple(self._holdings)

    def round(self) -> None:
        """Say what is due now, for every attempt in hand."""
        with self._lock:
            holdings = list(self._holdings.values())
        for holding in holdings:
            try:
                self._beat_if_due(holding)
                self._ship_if_due(holding)
            except StaleAttempt:
                self.drop(holding)
                holding.order(Ordered("stale", "the service gave the task to another instance", holding.ref.id))
            except ServiceError as exc:
                _log.warning("attempt %s: %s", holding.ref.id, exc)
                self._check_service(holding, exc)
            except Exception:  # noqa: BLE001 - worker loop
                # Without beats every attempt of the instance would be lost.
                _log.exception("attempt %s: no beat", holding.ref.id)

    def flush_log(self, holding: Holding, sleep: Callable[[float], None]) -> None:
        """Ship the rest of a closed log; give up on it after a few tries, since the attempt's end matters more."""
        tries = 0
        while holding.shipped < holding.log.size and tries < _FLUSH_TRIES:
            try:
                if not self._ship(holding, _FLUSH_CHUNK):
                    _log.warning("attempt %s: the log ends at byte %d on this disk", holding.ref.id, holding.shipped)
                    return
            except StaleAttempt:
                raise
            except ServiceError as exc:
                tries += 1
                _log.warning("attempt %s: the log cannot be shipped yet: %s", holding.ref.id, exc)
                sleep(0.5 * 2**tries)

    def _run(self) -> None:
        while not self._stopped:
            with self._lock:
                idle = not self._holdings
            self._wake.wait(None if idle else _ROUND_SECONDS)
            self._wake.clear()
            self.round()

    def _beat_if_due(self, holding: Holding) -> None:
        now, beat = self._pace.clock(), holding.beat
        said, when = holding.beaten
        if now - when < (self._pace.heartbeat_seconds if said == beat else _CHANGE_SECONDS):
            return
        holding.beaten = (beat, now)
        orders = self._service.beat(holding.ref, beat)
        if orders.action == "kill":
            holding.order(Ordered("kill", orders.reason, holding.ref.id))

    def _ship_if_due(self, holding: Holding) -> None:
        now = self._pace.clock()
        if holding.log.size > holding.shipped and now - holding.shipped_at >= _LOG_SECONDS:
            holding.shipped_at = now
            self._ship(holding, _LOG_CHUNK)

    def _ship(self, holding: Holding, limit: int) -> bool:
        """Ship the next bytes; return whether there were any."""
        with holding.shipping:
            data = holding.log.read(holding.shipped, limit)
            if data:
                held = self._service.append_log(holding.ref, holding.shipped, data)
                holding.shipped = min(held, holding.log.size)
            return bool(data)

    def _check_service(self, holding: Holding, exc: ServiceError) -> None:
        if exc.status in (401, 403) or self._service.silence_seconds() > self._pace.dead_after_seconds:
            holding.order(Ordered("service-gone", str(exc), holding.ref.id))
