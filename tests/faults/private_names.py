"""Names that only the processes of one test know: a mount namespace with a hosts file of its own. It takes root."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 1 << 18


def with_names(hosts: Path | None, start: Callable[[], T]) -> T:
    """Call `start` so that what it starts reads `hosts` in place of /etc/hosts; None: as everybody."""
    if hosts is None:
        return start()

    def inside() -> T:
        # of this thread alone: what it starts inherits the namespace, the other threads stay where they are
        libc = ctypes.CDLL(None, use_errno=True)
        _check(libc.unshare(_CLONE_NEWNS))
        _check(libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
        _check(libc.mount(os.fsencode(hosts), b"/etc/hosts", None, _MS_BIND, None))
        return start()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(inside).result()


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
