"""A line of 30 ms: a TCP proxy in a process of its own, so that it takes nothing from the threads that are measured."""

from __future__ import annotations

import multiprocessing
import socket
import threading
import time
from collections import deque
from multiprocessing.connection import Connection

#: seconds added to each way
DELAY = 0.015


class LongLine:
    """Holds what goes through it for `DELAY`, each way; any amount may be under way."""

    def __init__(self, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        told, tells = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(port, tells), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{told.recv()}"

    def __enter__(self) -> LongLine:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.join()


def _run(port: int, tells: Connection) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    tells.send(listener.getsockname()[1])
    while True:
        near = listener.accept()[0]
        far = socket.create_connection(("127.0.0.1", port))
        for source, target in ((near, far), (far, near)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            held: deque[tuple[float, bytes]] = deque()
            ready = threading.Condition()
            threading.Thread(target=_take, args=(source, held, ready), daemon=True).start()
            threading.Thread(target=_give, args=(target, held, ready), daemon=True).start()


def _take(source: socket.socket, held: deque[tuple[float, bytes]], ready: threading.Condition) -> None:
    block = b"-"
    while block:
        try:
            block = source.recv(1 << 18)
        except OSError:
            block = b""
        with ready:
            held.append((time.monotonic() + DELAY, block))
            ready.notify()


def _give(target: socket.socket, held: deque[tuple[float, bytes]], ready: threading.Condition) -> None:
    block = b"-"
    while block:
        with ready:
            while not held:
                ready.wait()
            due, block = held.popleft()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            target.sendall(block) if block else target.shutdown(socket.SHUT_WR)
        except OSError:
            return
