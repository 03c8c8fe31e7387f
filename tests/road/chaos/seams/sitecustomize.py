"""Loaded by every Python that the harness starts with this folder on its path: dies by SIGKILL at a seam, once.

`CHAOS_SEAMS` names seams, one a line: a word of the command line, module, function in it, `before`, `after` or `given` (after a
call that returned something), and the file that notes that it has happened.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
import time
from typing import Any


def _die(note: str) -> None:
    """Die, unless somebody did here before."""
    try:
        handle = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return
    said = {"at": time.time(), "instance": os.environ.get("CONDUCTOR_INSTANCE", ""), "pid": os.getpid()}
    os.write(handle, json.dumps(said).encode())
    os.kill(os.getpid(), signal.SIGKILL)


def _arm(module: str, name: str, when: str, note: str) -> None:
    """Put death around a function."""
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, last)

    @functools.wraps(original)
    def deadly(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            _die(note)
        result = original(*arguments, **named)
        if when == "after" or (when == "given" and result is not None):
            _die(note)
        return result

    setattr(owner, last, deadly)


for line in os.environ.get("CHAOS_SEAMS", "").splitlines():
    word, *rest = line.split()
    if word in sys.orig_argv:
        _arm(*rest)
