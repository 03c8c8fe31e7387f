"""Have the C library give back what the agent no longer needs: it runs all day beside applications that want the memory.

glibc keeps an arena of its own for each of many threads, and raises the size from which on memory is given back at once to
the largest block that was ever freed (mallopt(3)): after one submission of very many files both hold tens of megabytes.
"""

from __future__ import annotations

import ctypes
import sys

#: numbers of malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: bytes of blocks that are given back as soon as they are freed: more than those that files are read in (1 MiB), which are used
#: again, and less than packs, which grow to this size and beyond
OWN_BLOCK = (1 << 20) + (128 << 10)
#: bytes at the end of the heap that are kept for what comes next
SPARE = 8 << 20
ARENAS = 2


def give_memory_back() -> bool:
    """Set this for the whole process, before it has threads; tell whether its C library is one that knows of it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none, nor needs it
        return False
    wishes = {_M_TRIM_THRESHOLD: SPARE, _M_MMAP_THRESHOLD: OWN_BLOCK, _M_ARENA_MAX: ARENAS}
    taken = [mallopt(name, value) for name, value in wishes.items()]
    return all(taken)
