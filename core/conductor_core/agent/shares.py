"""Which files are this agent's to bring home, of what several agents share; the service gives each file to one of them.

A claim is for efficiency alone. Where the service cannot be asked, or a claim ran out, two agents bring the same bytes to the
same place, which `transfer.download` is made for.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence

from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_rows import OutputRow
from conductor_core.agent.loads import LOAD_BYTES, LOAD_FILES
from conductor_core.api.client import ServiceClient
from conductor_core.errors import ConductorError, NotFound
from conductor_core.transfer.long_paths import on_disk

#: files in one question
QUESTION = 2000
#: seconds after which a claim is asked for again; the service lets it run out after twice as long
RENEWED_AFTER = 45.0
#: seconds until those that others hold are asked about again
PAUSE = 2.0

_LOG = logging.getLogger("conductor.agent")

#: service and name of a share
ShareKey = tuple[str, str]


class Shares:
    """Claim files; safe to share between threads."""

    def __init__(
        self, journal: Journal, connect: Callable[[str], ServiceClient], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._journal = journal
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        #: when each output was last granted
        self._granted: dict[ShareKey, dict[int, float]] = {}
        self._not_before: dict[ShareKey, float] = {}
        self._asking: set[ShareKey] = set()
        #: services that are too old to share between agents
        self._unshared: set[str] = set()

    def mine(self, key: ShareKey, row: OutputRow) -> bool:
        """Tell whether this agent may bring a file home now."""
        with self._lock:
            granted = self._granted.get(key, {}).get(row.seq)
            return key[0] in self._unshared or (granted is not None and self._clock() - granted < RENEWED_AFTER)

    def begin(self, key: ShareKey, *, waiting: int, going: Collection[int]) -> bool:
        """Tell whether to `ask` now, and note that it is done.

        `waiting` are claimed and not yet begun: who has enough of them leaves the rest to others. `going` are being brought.
        """
        with self._lock:
            now = self._clock()
            granted = self._granted.get(key, {})
            old = any(now - granted[seq] > RENEWED_AFTER for seq in going if seq in granted)
            if (
                key in self._asking
                or key[0] in self._unshared
                or now < self._not_before.get(key, 0.0)
                or not (old or not waiting)
            ):
                return False
            self._asking.add(key)
            return True

    def ask(self, key: ShareKey, rows: Sequence[OutputRow], going: Collection[int]) -> None:
        """Claim some of `rows`, in their order, and renew the claims of what is going on; note what others brought home."""
        service, share = key
        try:
            wanted = [*going, *(row.seq for row in rows)][:QUESTION]
            answer = self._connect(service).claim(share, self._journal.holder(), outputs=wanted, most=len(going) + _enough(rows))
            now = self._clock()
            with self._lock:
                granted = self._granted.setdefault(key, {})
                for seq in [seq for seq, at in granted.items() if now - at > RENEWED_AFTER and seq not in going]:
                    del granted[seq]
                granted.update(dict.fromkeys(answer.granted, now))
                self._not_before[key] = now if set(answer.granted) - set(going) or answer.home else now + PAUSE
            home = {row.seq for row in rows if row.seq in set(answer.home)}
            # told as home by who is not here any more, or by this very agent before its folder went: it is brought again
            gone = {row.seq for row in rows if row.seq in home and not os.path.exists(on_disk(row.path))}
            home -= gone
            with self._lock:
                self._granted.setdefault(key, {}).update(dict.fromkeys(gone, now))
            self._journal.set_home((row, "elsewhere", row.path) for row in rows if row.seq in home)
        except NotFound:
            self._unshared.add(service)
            _LOG.warning("%s is too old to share downloads between agents: each brings all of them.", service)
        except ConductorError as exc:
            self._not_before[key] = self._clock() + PAUSE
            _LOG.info("%s: what is shared as %r is asked about again: %s", service, share, exc)
        finally:
            with self._lock:
                self._asking.discard(key)

    def ended(self, key: ShareKey, load: Sequence[OutputRow], home: Sequence[OutputRow]) -> None:
        """Tell the service what is home, for all who share, and give up what is not; it finds out itself if this is not heard."""
        service, share = key
        there = [row.seq for row in home]
        left = [row.seq for row in load if row.seq not in set(there)]
        with self._lock:
            granted = self._granted.get(key, {})
            for row in load:
                granted.pop(row.seq, None)
            if service in self._unshared:
                return
        try:
            self._connect(service).claim(share, self._journal.holder(), home=there, released=left)
        except ConductorError as exc:
            _LOG.info("%s: what is home of %r was not heard: %s", service, share, exc)


def _enough(rows: Sequence[OutputRow]) -> int:
    """Return how many to claim at once: a load of small ones, or a few large ones."""
    total = 0
    for count, row in enumerate(rows[:LOAD_FILES], 1):
        total += row.size
        if total > LOAD_BYTES:
            return count
    return min(len(rows), LOAD_FILES)
