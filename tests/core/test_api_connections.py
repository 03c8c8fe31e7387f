"""Connections bear slow lines, and find out about dead ones; both over real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from conductor_core.api import connections, transport
from conductor_core.api.transport import Address, RetryPolicy, Transport
from conductor_core.errors import ServiceUnreachable

#: more than the buffers of both ends take
SIZE = 12 << 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class SlowReader:
    """A server that lets each body wait for a while before it reads it; connections are kept."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.connections = 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(ConnectionError):
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    if not (block := peer.recv(1 << 16)):
                        return
                    data += block
                left = SIZE - len(data.split(b"\r\n\r\n", 1)[1])
                threading.Event().wait(self._seconds)
                while left:
                    if not (block := peer.recv(min(left, 1 << 16))):
                        return
                    left -= len(block)
                peer.sendall(ANSWER)
                data = b""


@pytest.fixture
def slow() -> Iterator[SlowReader]:
    server = SlowReader(seconds=1.0)
    yield server
    server.close()


def test_a_slow_line_is_borne(slow: SlowReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block may take longer to send than a connection to make, the first time and on a connection that is kept."""
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.2)
    client = Transport(Address(slow.url), "token", retries=RetryPolicy(attempts=1))
    for _ in range(2):
        assert client.call("PUT", "/x", body=lambda: b"x" * SIZE).status_code == 200
    assert slow.connections == 1
    client.close()


def test_a_line_that_takes_nothing_is_given_up(slow: SlowReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that nobody takes for as long as that is a broken connection, which is told and tried again."""
    monkeypatch.setattr(connections, "SEND_TIMEOUT", 0.2)
    client = Transport(Address(slow.url), "token", retries=RetryPolicy(attempts=2, first_wait=0.0))
    with pytest.raises(ServiceUnreachable, match="no answer in time; tried 2 times"):
        client.call("PUT", "/x", body=lambda: b"x" * SIZE)
    assert slow.connections == 2
    client.close()


def test_a_studio_s_proxy_changes_nothing(slow: SlowReader) -> None:
    """By way of a proxy, connections bear slow lines as without one."""
    session = requests.Session()
    session.mount("http://", connections.PatientAdapter())
    proxies = {"http": slow.url}
    for _ in range(2):
        answer = session.put("http://farm.invalid/x", data=b"x" * SIZE, proxies=proxies, timeout=(0.2, 30.0))
        assert answer.status_code == 200
    assert slow.connections == 1
    session.close()


#: run where the network is one of its own: the address of the service goes away under an open connection, and comes back
MOVED = """
import socket, subprocess, threading
from conductor_core.api import connections
from conductor_core.api.transport import Address, Timing, Transport

def ip(*words):
    subprocess.run(["ip", *words], check=True)

connections.IDLE, connections.ASKED_EVERY, connections.ASKED, connections.SEND_TIMEOUT = 1, 1, 2, 3.0
ip("link", "set", "lo", "up")
ip("addr", "add", "10.9.9.2/32", "dev", "lo")
listener = socket.create_server(("10.9.9.2", 0))
asked, told = [], []

def serve():
    while True:
        peer, _ = listener.accept()
        asked.append(peer)
        peer.recv(1 << 16)
        if len(asked) == 1:
            ip("addr", "del", "10.9.9.2/32", "dev", "lo")
        else:
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")

def sleep(_seconds):
    ip("addr", "add", "10.9.9.2/32", "dev", "lo")

threading.Thread(target=serve, daemon=True).start()
address = Address(f"http://10.9.9.2:{listener.getsockname()[1]}", allow_plain_http=True)
client = Transport(address, "token", timing=Timing(sleep=sleep, waiting=told.append))
assert client.call("GET", "/x", read_timeout=3600.0).status_code == 200
print(len(asked), len(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a network of its own")
def test_a_connection_that_died_in_silence_is_found_out(tmp_path: Path, require: Callable[[object, str], None]) -> None:
    """Whoever waits for an answer while the network changes hears of it long before the answer's own time is over."""
    script = tmp_path / "moved.py"
    script.write_text(MOVED)
    words = ["unshare", "--net", "sh", "-c", "command -v ip"]
    try:
        able = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        able = False
    require(able, "no network of its own can be made here (unshare, ip)")
    ran = subprocess.run(
        ["unshare", "--net", sys.executable, script], capture_output=True, text=True, check=False, timeout=120, env=os.environ
    )
    assert (ran.returncode, ran.stdout) == (0, "2 1\n"), ran.stderr
