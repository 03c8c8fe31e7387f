"""Which transfers wait until this user lets them go on; on disk, so that a restart starts nothing."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from conductor_core.errors import JournalUnwritable
from conductor_core.user_folders import write_private

#: names that are remembered; those of jobs long gone make room
MOST = 1000

_LOG = logging.getLogger("conductor.agent")


class Pauses:
    """Remember a pause of everything and pauses of single submissions and jobs, by id; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Read what `path` remembers; a damaged file pauses nothing, and that is said in the log."""
        self._path = path
        self._lock = threading.Lock()
        self._everything, self._names = _read(path)

    def everything(self) -> bool:
        """Tell whether all transfers are paused."""
        return self._everything

    def names(self) -> tuple[str, ...]:
        """Return the ids that are paused by themselves."""
        return tuple(self._names)

    def holds(self, *names: str) -> bool:
        """Tell whether what has these ids is paused."""
        return self._everything or any(name in self._names for name in names)

    def pause(self, names: Iterable[str] | None) -> None:
        """Pause everything (None), or what has these ids; it is on disk when this returns.

        Raises:
            JournalUnwritable: it does not get there, and nothing is paused.
        """
        with self._lock:
            if names is None:
                self._keep(True, self._names)
            else:
                self._keep(self._everything, [*self._names, *(n for n in names if n not in self._names)][-MOST:])

    def resume(self, names: Iterable[str] | None) -> None:
        """Take back the pause of everything (None; those of single jobs stay), or of what has these ids.

        Raises:
            JournalUnwritable: it does not get onto the disk, and all stays paused.
        """
        with self._lock:
            if names is None:
                self._keep(False, self._names)
            else:
                going = set(names)
                self._keep(self._everything, [n for n in self._names if n not in going])

    def _keep(self, everything: bool, names: list[str]) -> None:
        try:
            write_private(self._path, json.dumps({"everything": everything, "paused": names}).encode())
        except OSError as exc:
            raise JournalUnwritable(str(self._path), exc.strerror or str(exc)) from exc
        self._everything, self._names = everything, names


def _read(path: Path) -> tuple[bool, list[str]]:
    try:
        data = json.loads(path.read_bytes())
        return data["everything"] is True, [name for name in data["paused"] if isinstance(name, str)]
    except FileNotFoundError:
        return False, []
    except (OSError, ValueError, KeyError, TypeError) as exc:
        _LOG.warning("%s cannot be read, so nothing is paused: %s", path, exc)
        return False, []
