"""In which state each file was when it was read: what was found in it is true of that state alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

#: size in bytes, and nanoseconds since the epoch
State = tuple[int, int]
#: of a file that was another before than after it was read: no file has it
_RESTLESS: State = (-1, -1)


class ReadStates:
    """The files that scans have read, with size and time."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    @contextlib.contextmanager
    def of(self, file: str) -> Iterator[None]:
        """Note the state of a file that is read within.

        Raises:
            OSError: it is not there.
        """
        before = _state(file)
        try:
            yield
        finally:
            after = _RESTLESS
            with contextlib.suppress(OSError):
                after = _state(file)
            known = self._states.setdefault(file, before)
            if not known == before == after:
                self._states[file] = _RESTLESS

    def keep_only(self, files: Iterable[str]) -> None:
        """Forget all files but these."""
        kept = frozenset(files)
        self._states = {file: state for file, state in self._states.items() if file in kept}

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return of each file its path, where it really lies ("": there), and its size and time; -1 where these changed meanwhile."""
        return [(file, _elsewhere(file), *state) for file, state in self._states.items()]


def _elsewhere(file: str) -> str:
    real = os.path.realpath(file)
    return "" if real == file else real


def _state(file: str) -> State:
    found = os.stat(file)
    return found.st_size, found.st_mtime_ns
