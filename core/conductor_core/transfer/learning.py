"""Have the hash cache learn what is read, or came home, in steps that grow with what it has learnt.

The cache has one row for each folder (`hash_cache.py`): each step writes the rows of its folders anew. In steps of one batch, thirty
thousand files in one folder took the cache eight times as long as reading them. What is not learnt yet, or lost by a kill, is read
once more by whoever needs it: it takes time, and is never wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from conductor_core.digest import Digest
from conductor_core.transfer.file_state import FileState, Moment
from conductor_core.transfer.hash_cache import HashCache

#: files, or bytes, after which the cache learns of them: what is read again after a power cut; and most files at once, since their
#: names are held in memory
LEARN_FILES, LEARN_BYTES = 2048, 512 << 20
MOST_LEARNT = 16_384


class Learning:
    """What is known of files, for the cache; safe to share between threads."""

    def __init__(self, cache: HashCache, *, few: int = 0) -> None:
        """What comes in loads of fewer than `few` files is learnt at once: no more are likely to follow soon."""
        self._cache = cache
        self._few = few
        self._lock = threading.Lock()
        #: those that were read, and those that we gave their names ourselves
        self._held: tuple[dict[str, tuple[FileState, Digest]], ...] = ({}, {})
        self._bytes = 0
        self._learnt = 0
        #: before the first of them was opened
        self._began: Moment | None = None

    def __enter__(self) -> Learning:
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self.settle()  # where it ends early, too: nobody should read that twice

    def now(self) -> Moment:
        """Return this instant, as files are to be judged by it."""
        return self._cache.now()

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        """Return the digest of each path whose state is the one it was hashed in."""
        return self._cache.digests(states)

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]], *, began: Moment, placed: bool = False) -> None:
        """Keep what a load of files hash to, of which none was opened or named before `began`; for now, until there are enough."""
        now = self.now()
        with self._lock:
            # each load looks at the clocks: the machine may sleep, and have its clock set, between two of them
            self._began = began.earliest(now if self._began is None else self._began.earliest(now))
            self._held[placed].update(hashed)
            self._bytes += sum(state.size for state, _ in hashed.values())
            count = sum(map(len, self._held))
            enough = count >= max(LEARN_FILES, min(self._learnt // 2, MOST_LEARNT)) or self._bytes >= LEARN_BYTES
        if enough or len(hashed) < self._few:
            self._learn()

    def settle(self) -> None:
        """Have the cache learn all of it: nothing more is on its way."""
        self._learn()
        with self._lock:
            self._learnt = 0

    def _learn(self) -> None:
        with self._lock:
            held, began = self._held, self._began
            self._held, self._bytes, self._began = ({}, {}), 0, None
            self._learnt += sum(map(len, held))
        for placed, some in enumerate(held):
            if some:
                self._cache.learn(some, began=began, placed=bool(placed))
