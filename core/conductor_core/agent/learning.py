"""Have the hash cache learn what came home once in a while, and not with each load.

The cache has one row for each folder (`transfer/hash_cache.py`): a folder of 100,000 frames would be read and written anew with each
load of some hundred. What is not learnt yet, or lost by a kill, is read once more by whoever needs it: it takes time, and is never wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from conductor_core.digest import Digest
from conductor_core.transfer.hash_cache import FileState, HashCache

#: files of one load from which on more are likely to come at once; what comes of fewer is learnt with it
LARGE = 256
#: files after which they are learnt, though more are coming: their names are held in memory
MOST = 8192


class Learning:
    """What came home, for the cache; safe to share between threads."""

    def __init__(self, cache: HashCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._came: dict[str, tuple[FileState, Digest]] = {}
        #: when the first of them came, in monotonic seconds: the cache counts their age from there
        self._began = 0.0

    def digests(self, states: Mapping[str, FileState]) -> dict[str, Digest]:
        """Return the digest of each path whose state is the one it was hashed in."""
        return self._cache.digests(states)

    def learn(self, hashed: Mapping[str, tuple[FileState, Digest]]) -> None:
        """Keep what the files of a load hash to; for now, if it is a large one."""
        with self._lock:
            if not self._came:
                self._began = time.monotonic()
            self._came.update(hashed)
            settle = len(hashed) < LARGE or len(self._came) >= MOST
        if settle:
            self.settle()

    def settle(self) -> None:
        """Have the cache learn all of it: nothing more is on its way."""
        with self._lock:
            came, self._came = self._came, {}
            began = self._began
        if came:
            self._cache.learn(came, began=began)
