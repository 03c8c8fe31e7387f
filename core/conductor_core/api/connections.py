"""How a connection behaves while nothing comes and nothing goes: a slow line is waited for, a dead one is found out.

Two things that the HTTP libraries leave to chance. The time-out for connecting is theirs for sending, too, and holds for all
of a block together: whoever sends slower than a block in five seconds would never get a file through. And a machine that was
moved to another network is told by nobody that its connections are dead: it would wait for as long as an answer may take.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from conductor_core.api.deadlines import within

#: bytes that http.client sends at once; its own 8 KiB cost a third of the line
SEND_BLOCK = 1 << 20
#: seconds that sending a block may take; less than 17 KB/s for a minute is no line
SEND_TIMEOUT = 60.0
#: seconds of silence after which the other side is asked whether it is there, between two such questions, and how many
IDLE, ASKED_EVERY, ASKED = 15, 5, 4


class PatientAdapter(HTTPAdapter):
    """Pool enough connections for the transfer threads, whose connections send large blocks and bear slow lines."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(connections, maxsize, block, blocksize=SEND_BLOCK, socket_options=_options(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pools of a studio's own proxy, whose connections are no other ones."""
        if proxy in self.proxy_manager or proxy.lower().startswith("socks"):  # SOCKS has connections of its own
            return super().proxy_manager_for(proxy, **kwargs)
        manager = super().proxy_manager_for(proxy, blocksize=SEND_BLOCK, socket_options=_options(), **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Connection(HTTPConnection):
    """A plain connection."""

    def send(self, data: Any) -> None:
        _bear(self.sock)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 answers with its own
        with within(_seconds(self.timeout), self.sock):
            return super().getresponse()


class _SecureConnection(HTTPSConnection):
    """The same with TLS."""

    def send(self, data: Any) -> None:
        _bear(self.sock)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 answers with its own
        with within(_seconds(self.timeout), self.sock):
            return super().getresponse()


def _bear(sock: socket.socket | None) -> None:
    """Give a block its own time; the answer, which is waited for later, gets its time-out from urllib3."""
    if sock is not None:
        sock.settimeout(SEND_TIMEOUT)


def _seconds(timeout: object) -> float | None:
    """Return a time-out in seconds; None where the library's own is meant."""
    return float(timeout) if isinstance(timeout, (int, float)) else None


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: dict[str, Any] = {"http": _Pool, "https": _SecurePool}


def _options() -> list[tuple[int, int, int]]:
    return [*((int(a), int(b), int(c)) for a, b, c in HTTPConnection.default_socket_options), *_keep_alive()]


def _keep_alive() -> Iterator[tuple[int, int, int]]:
    """Yield the options by which the system itself asks whether the other side is there, as far as it has them."""
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    # macOS calls the first of them otherwise
    idle = "TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE"
    for name, value in ((idle, IDLE), ("TCP_KEEPINTVL", ASKED_EVERY), ("TCP_KEEPCNT", ASKED)):
        if hasattr(socket, name):
            yield socket.IPPROTO_TCP, getattr(socket, name), value
    # Linux: how long what was sent may stay unacknowledged, for which nobody asks; it bounds the questions above, too
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        yield socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SEND_TIMEOUT * 1000)
