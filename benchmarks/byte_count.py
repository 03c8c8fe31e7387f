"""A TCP proxy on loopback that counts what clients send through it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from urllib.parse import urlsplit

#: seconds without a byte after which nothing more is under way
_STILL = 0.5


class ByteCount:
    """Pass on what comes, both ways, until the block ends."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._lock = threading.Lock()
        #: bytes that came from clients
        self.sent = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ByteCount:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

    def settle(self) -> None:
        """Wait until nothing comes any more."""
        before = -1
        while before != self.sent:
            before = self.sent
            time.sleep(_STILL)

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._port or 80))
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, count: bool) -> None:
        buffer = memoryview(bytearray(1 << 18))
        with contextlib.suppress(OSError):
            while got := source.recv_into(buffer):
                if count:
                    with self._lock:
                        self.sent += got
                target.sendall(buffer[:got])
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
