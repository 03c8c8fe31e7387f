"""The runner as a process: `python -m conductor_service.runner`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conductor_service.runner.__main__ import main
from conductor_service.runner.work_folder import WorkFolder


def options(folder: Path, **changes: str) -> list[str]:
    """Return a whole command line, with changes."""
    (folder / "token").write_text("cdr_x\n")
    given = {
        "service": "http://127.0.0.1:9",
        "token-file": str(folder / "token"),
        "instance": "i1",
        "work-folder": str(folder / "work"),
    }
    given |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [word for name, value in given.items() for word in (f"--{name}", value)]


STARTS: dict[str, tuple[dict[str, str], str]] = {
    "plain http elsewhere": ({"service": "http://farm.studio"}, "in clear text"),
    "no token": ({"token_file": "/no/such/file"}, "/no/such/file"),
    "nobody there": ({"dead_after": "0.1", "isolation": "rewrite"}, "does not answer"),
}


@pytest.mark.parametrize(("changes", "text"), STARTS.values(), ids=STARTS.keys())
def test_a_start_that_fails_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], text: str
) -> None:
    """Exit code 1, and what to do about it."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main(options(tmp_path, **changes)) == 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert text in capsys.readouterr().err


def test_two_runners_do_not_share_a_work_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one says so."""
    work = WorkFolder(tmp_path / "work")
    work.open()
    assert main(options(tmp_path, isolation="rewrite")) == 1
    work.close()
    assert "Another runner" in capsys.readouterr().err


def test_the_help_reads_like_a_manual(capsys: pytest.CaptureFixture[str]) -> None:
    """Every option is told."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "--isolation" in text
    assert "Exit codes" in text


class Front:
    """A service that has no work: it lets runners wait, and can vanish."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone = False
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                front.asked.append(self.path)
                if self.path.endswith("/next"):
                    time.sleep(0.2)
                if front.gone:
                    self.close_connection = True
                    return
                data = b"" if self.path.endswith("/next") else json.dumps(HELLO).encode()
                self.send_response(200 if data else 204)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


HELLO = {"instance": "i1", "lease_seconds": 60, "heartbeat_seconds": 5}


@pytest.fixture
def front() -> Iterator[Front]:
    """Give a service without work."""
    found = Front()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_sigterm_while_waiting_ends_it_politely(tmp_path: Path, front: Front) -> None:
    """A runner that waits for work says goodbye on SIGTERM and exits with 0."""
    runner = start(tmp_path, front.url)
    wait_for(lambda: any(path.endswith("/next") for path in front.asked))
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(20) == 0
    assert front.asked[-1].endswith("/goodbye")
    assert sorted(p.name for p in (tmp_path / "work").iterdir()) == ["cache", "lock"]


def test_a_service_that_is_gone_ends_it(tmp_path: Path, front: Front) -> None:
    """An instance that nobody asks for ends itself: exit code 3."""
    runner = start(tmp_path, front.url, "--dead-after", "2")
    wait_for(lambda: any(path.endswith("/next") for path in front.asked))
    front.gone = True
    assert runner.wait(30) == 3


def start(folder: Path, url: str, *more: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "conductor_service.runner", *options(folder, service=url, isolation="rewrite"), *more]
    with (folder / "runner.log").open("wb") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
