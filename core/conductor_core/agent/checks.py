"""The checks that panels have asked for: begun, asked about, replaced by newer ones, and dropped when nobody asks any more."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from conductor_core.agent.checking import Checking, StoreView
from conductor_core.agent_answers import Check
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.errors import AgentError
from conductor_core.exclusions import Exclusions
from conductor_core.paths import local_flavour
from conductor_core.submission import Exclusion
from conductor_core.transfer.hash_cache import HashCache

#: seconds without a question after which nobody is taken to want a check; its memory is freed
FORGOTTEN = 30.0
#: checks at once; the one that was asked about longest ago gives way
AT_ONCE = 8


@dataclass(slots=True)
class _Kept:
    checking: Checking
    panel: str
    asked: float
    thread: threading.Thread = field(init=False)


class Checks:
    """Begin checks and answer questions about them; safe to share between threads."""

    def __init__(
        self,
        connect: Callable[[str], ServiceClient],
        cache: HashCache,
        *,
        threads: int,
        opened: Callable[[str, str, Iterable[str]], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`opened` hears of each panel, project and the files that are there."""
        self._connect = connect
        self._cache = cache
        self._threads = threads
        self._opened = opened
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._numbers = itertools.count(1)
        #: an id of an agent that has ended since is not taken for one of ours
        self._prefix = secrets.token_hex(4)

    def start(self, files: Iterable[str], *, project: str, panel: str, excluded: Sequence[Exclusion] = ()) -> str:
        """Begin a check, in place of an earlier one of the same panel, and return its id.

        What is excluded is left out of folders, as it will be when they are sent.

        Raises:
            PathError: an exclusion names no place of this system.
        """
        left_out = Exclusions(excluded, local_flavour()).covers

        def store() -> StoreView:
            return ProjectObjects(self._connect(""), project)

        identity = f"{self._prefix}-{next(self._numbers)}"
        checking = Checking(
            identity,
            files,
            store=store,
            cache=self._cache,
            threads=self._threads,
            left_out=left_out,
            found=lambda there: self._opened(panel, project, there),
        )
        kept = _Kept(checking, panel, self._clock())
        kept.thread = threading.Thread(target=checking.run, name=f"check {identity}", daemon=True)
        with self._lock:
            oldest_first = sorted(self._kept.values(), key=lambda k: k.asked)
            leaving = [k for k in oldest_first if panel and k.panel == panel]
            leaving += [k for k in oldest_first if k not in leaving][: max(0, len(self._kept) - len(leaving) - AT_ONCE + 1)]
            self._drop(leaving)
            self._kept[identity] = kept
        kept.thread.start()
        return identity

    def answer(self, identity: str, after: int) -> Check:
        """Return how far a check is.

        Raises:
            AgentError: there is no such check (any more).
        """
        with self._lock:
            kept = self._kept.get(identity)
            if kept is None:
                raise AgentError(
                    "This comparison of files was dropped: nobody asked about it, or a newer one began.", "Begin it again."
                )
            kept.asked = self._clock()
        return kept.checking.answer(after)

    def step(self) -> None:
        """Drop what nobody asks about; called again and again by the agent."""
        now = self._clock()
        with self._lock:
            self._drop([kept for kept in self._kept.values() if now - kept.asked > FORGOTTEN])

    def stop(self) -> None:
        """End all checks."""
        with self._lock:
            threads = [kept.thread for kept in self._kept.values()]
            self._drop(list(self._kept.values()))
        for thread in threads:
            thread.join()

    def _drop(self, leaving: Iterable[_Kept]) -> None:
        for kept in leaving:
            kept.checking.stop()
            del self._kept[kept.checking.id]
