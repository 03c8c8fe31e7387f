"""The agent's clients, one per service this user is logged in to; a new login is taken up without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from conductor_core.api.client import ServiceClient
from conductor_core.api.profile import FILE, Login, connect, read_profile
from conductor_core.api.transport import RetryPolicy

#: The agent has a patience of its own (`conductor_core.agent.patience`), so a single call gives up early.
RETRIES = RetryPolicy(attempts=3, first_wait=0.3, longest_wait=10.0)


class Connections:
    """Give the client for a service; safe to share between threads."""

    def __init__(self, config: Path, *, changed: Callable[[], None] = lambda: None, retries: RetryPolicy = RETRIES) -> None:
        self._config = config
        self._changed = changed
        self._retries = retries
        self._lock = threading.Lock()
        self._clients: dict[str, tuple[Login, ServiceClient]] = {}
        self._seen: tuple[int, int] | None = None

    def client(self, service: str) -> ServiceClient:
        """Return the client for `service` under the login of now.

        Raises:
            Unauthorized: this user is not logged in there.
            SettingsError: the file with the logins is damaged.
        """
        login = read_profile(self._config).login(service)
        with self._lock:
            known = self._clients.get(login.address.service)
            if known is None or known[0] != login:
                # the former client may still be at work in another thread: it is dropped, not closed
                known = self._clients[login.address.service] = (login, connect(login, retries=self._retries))
            return known[1]

    def default_service(self) -> str:
        """Return the service that is meant where none is named.

        Raises:
            Unauthorized: this user is not logged in anywhere.
        """
        return read_profile(self._config).login().address.service

    def watch(self) -> None:
        """Call `changed` when the logins changed since the last call."""
        try:
            found = (self._config / FILE).stat()
            seen = (found.st_mtime_ns, found.st_size)
        except OSError:
            return
        if self._seen not in (None, seen):
            self._changed()
        self._seen = seen

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for _, client in self._clients.values():
                client.close()
