"""Finding, starting and speaking to the agent: real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conductor_core import __version__
from conductor_core.agent_client import AgentClient, connect, read_channel
from conductor_core.agent_start import COMMAND_FILE, agent_command, record_agent_command
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.errors import AgentError, AgentGone
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission
from conductor_core.user_folders import UserFolders, user_folders

Eventually = Callable[..., Any]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UserFolders]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    folders = user_folders()
    yield folders
    try:
        agent = connect(start=False)
        process = psutil.Process(agent.status()["pid"])
        agent.quit(now=True)
        process.wait(10)
    except (AgentError, psutil.NoSuchProcess):
        pass


def _submission(home: Path, scene: Path) -> Submission:
    step = Step("main", "1-2", outputs=(Output(str(home / "f_#.exr")),))
    software = Software("blender", "4.5")
    return Submission("s1", "show", "shot", str(scene), local_flavour(), software, (step,), "small")


def test_nothing_runs(folders: UserFolders) -> None:
    """Without an agent, and not to start one, the error says how to start it."""
    with pytest.raises(AgentError, match="conductor agent --start"):
        connect(start=False)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"port": "x"}', b'{"port": 9, "token": "t", "pid": 0}'])
def test_a_stale_channel_file_does_not_count(folders: UserFolders, content: bytes) -> None:
    """What a killed agent left behind is not taken for an agent."""
    folders.state.mkdir(parents=True)
    (folders.state / "agent.json").write_bytes(content)
    with pytest.raises(AgentError):
        connect(start=False)


def test_started_found_and_ended(folders: UserFolders, eventually: Eventually) -> None:
    """The first call starts the agent, the second finds it, a second agent ends by itself, and `quit` ends it."""
    half = folders.state / ".agent.json.0123456789abcdef0123456789abcdef"
    folders.state.mkdir(parents=True)
    half.write_bytes(b"of an agent that was killed")
    agent = connect()
    assert not half.exists()
    pid = agent.status()["pid"]
    assert pid != os.getpid()
    assert connect().status()["pid"] == pid
    second = subprocess.run(
        [sys.executable, "-m", "conductor_core.cli", "agent"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (second.returncode, "runs already" in second.stderr) == (0, True)
    agent.quit(now=True)
    eventually(lambda: not psutil.pid_exists(pid))
    assert read_channel(folders) is None


class _Answers(socketserver.BaseRequestHandler):
    """Whoever listens on an agent's port: takes the request and answers what the test says, or nothing for long."""

    answer: bytes | None = None
    closing = threading.Event()

    def handle(self) -> None:
        self.request.recv(65536)
        if self.answer is None:
            self.closing.wait(30)
        else:
            self.request.sendall(self.answer)


def _http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


STRANGERS: dict[str, tuple[bytes | None, type[AgentError], str]] = {
    "another agent": (_http(401, b'{"error": {"message": "The token is not the one."}}'), AgentGone, "token"),
    "somebody else": (_http(403, b"<html>"), AgentGone, "did not say why"),
    "one that hangs up": (b"", AgentGone, "does not answer"),
    "one that speaks no HTTP": (b"hello\r\n", AgentGone, "does not answer"),
    "one that says no": (_http(409, b'{"error": {"message": "Not now.", "next": "Later."}}'), AgentError, "Not now. Later."),
    "nonsense": (_http(200, b"<html>"), AgentError, "does not answer"),
    "no object": (_http(200, b"[]"), AgentError, "something else"),
    "one that hangs": (None, AgentError, "TimeoutError"),
}


@pytest.mark.parametrize(("answer", "kind", "said"), STRANGERS.values(), ids=STRANGERS.keys())
def test_who_is_gone_and_who_only_says_no(answer: bytes | None, kind: type[AgentError], said: str) -> None:
    """Whoever is not our agent any more may be looked for anew; our agent's own no, or its silence, is no reason to."""
    closing = threading.Event()
    handler = type("Handler", (_Answers,), {"answer": answer, "closing": closing})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with pytest.raises(AgentError) as caught:
            AgentClient(server.server_address[1], "t", timeout=0.5 if answer is None else 20.0).status()
        closing.set()
        server.shutdown()
    assert (type(caught.value), said in str(caught.value)) == (kind, True)


def test_nobody_listens() -> None:
    """A port that was let go of is an agent that is gone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AgentGone, match="conductor agent --start"):
        AgentClient(port, "t").status()


def test_kill_9_loses_nothing(folders: UserFolders, fake_service: Any, tmp_path: Path, eventually: Eventually) -> None:
    """Killed in the middle of an upload and again in the middle of a download, it finishes both after its next start."""
    write_profile(folders.config, Profile((Login(Address(fake_service.url), fake_service.token),)))
    scene, home = tmp_path / "shot.blend", tmp_path / "renders"
    scene.write_bytes(b"scene")
    os.utime(scene, (1_700_000_000, 1_700_000_000))
    fake_service.fault = lambda method, _: "drop" if method == "PUT" else None
    identity = connect().submit(_submission(home, scene), [str(scene)])
    eventually(lambda: fake_service.jobs)
    _kill(folders)
    fake_service.fault = lambda *_: None
    agent = connect()
    eventually(lambda: agent.submission(identity)["state"] == "submitted")
    fake_service.fault = lambda _, path: "drop" if "/objects/" in path else None
    fake_service.publish("job-1", str(home / "f_1.exr"), b"pixels")
    fake_service.set_state("job-1", "success")
    eventually(lambda: agent.downloads()[0]["total"] == 1)
    _kill(folders)
    fake_service.fault = lambda *_: None
    agent = connect()
    eventually(lambda: agent.downloads()[0]["complete"])
    assert [p.name for p in home.iterdir()] == ["f_1.exr"]
    assert (home / "f_1.exr").read_bytes() == b"pixels"
    assert len(fake_service.jobs) == 1


def test_an_agent_of_another_version_is_replaced(folders: UserFolders) -> None:
    """After an update the old agent is asked to end, and the new one started."""
    old = subprocess.Popen(
        [sys.executable, "-c", _OLD_AGENT, str(folders.state)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while read_channel(folders) is None:
        time.sleep(0.02)
    try:
        status = connect().status()
        assert (status["version"], status["pid"] == old.pid) == (__version__, False)
        assert old.wait(20) == 0
    finally:
        old.kill()
        old.wait()


#: as much of an agent as an update has to replace
_OLD_AGENT = """
import http.server, json, os, pathlib, sys
state = pathlib.Path(sys.argv[1]); state.mkdir(parents=True, exist_ok=True)
class Old(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"version": "0.0.1", "pid": os.getpid()}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        self.send_response(202); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"{}")
        self.wfile.flush(); (state / "agent.json").unlink(); os._exit(0)
    def log_message(self, *a): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Old)
(state / "new").write_text(json.dumps({"port": server.server_port, "token": "t", "pid": os.getpid()}))
os.replace(state / "new", state / "agent.json")
server.serve_forever()
"""


def test_an_agent_whose_service_hangs_is_replaced(
    folders: UserFolders, fake_service: Any, tmp_path: Path, eventually: Eventually
) -> None:
    """The process ends although a call of it is never answered, and the agent that is started meanwhile comes up."""
    write_profile(folders.config, Profile((Login(Address(fake_service.url), fake_service.token),)))
    scene, answer = tmp_path / "shot.blend", threading.Event()
    scene.write_bytes(b"scene")
    os.utime(scene, (1_700_000_000, 1_700_000_000))
    fake_service.fault = lambda method, _: "drop" if method == "PUT" and answer.wait(60) else None
    try:
        old = connect()
        old.submit(_submission(tmp_path, scene), [str(scene)])
        eventually(lambda: any(method == "PUT" for method, _ in fake_service.requests))
        pid = old.status()["pid"]
        old.quit(now=True)
        eventually(lambda: read_channel(folders) is None or not _answers(old))
        assert connect().status()["pid"] != pid
        eventually(lambda: not psutil.pid_exists(pid))
    finally:
        answer.set()


def _answers(agent: AgentClient) -> bool:
    try:
        agent.status()
    except AgentError:
        return False
    return True


def test_an_agent_that_does_not_come_up(folders: UserFolders) -> None:
    """A command that starts nothing ends in an error that names the log."""
    folders.config.mkdir(parents=True)
    note = {"command": [sys.executable, "-c", "raise SystemExit('broken')"], "python_path": ""}
    (folders.config / COMMAND_FILE).write_text(json.dumps(note))
    clock = iter(range(0, 1000, 5))
    with pytest.raises(AgentError, match=r"agent-start\.log"):
        connect(sleep=lambda _: None, clock=lambda: float(next(clock)))


def test_the_recorded_command_wins(folders: UserFolders) -> None:
    """A host uses the command that `conductor` noted; a note that leads nowhere is passed over."""
    record_agent_command(folders)
    command, variables = agent_command(folders)
    assert command == [sys.executable, "-m", "conductor_core.cli", "agent"]
    assert variables["PYTHONPATH"].endswith("core")
    before = (folders.config / COMMAND_FILE).stat().st_mtime_ns
    record_agent_command(folders)
    assert (folders.config / COMMAND_FILE).stat().st_mtime_ns == before
    (folders.config / COMMAND_FILE).write_text('{"command": ["/no/such/python"]}')
    assert agent_command(folders)[0][0] == sys.executable


def test_a_host_without_a_recorded_command(folders: UserFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is no Python of ours says what to do once."""
    monkeypatch.setattr(sys, "executable", "/opt/host/bin/maya.bin")
    with pytest.raises(AgentError, match="conductor login"):
        agent_command(folders)


def test_a_command_that_cannot_be_started(folders: UserFolders, tmp_path: Path) -> None:
    """A file that is no program is an error that names the command to try."""
    program = tmp_path / "program"
    program.write_bytes(b"\x00")
    folders.config.mkdir(parents=True)
    (folders.config / COMMAND_FILE).write_text(json.dumps({"command": [str(program)]}))
    with pytest.raises(AgentError, match="cannot be started"):
        connect()


def test_an_agent_that_answers_nonsense() -> None:
    """Nobody there is an error with a next step."""
    with pytest.raises(AgentError, match="does not answer"):
        AgentClient(9, "t", timeout=1).status()


def test_a_refusal_comes_with_its_words(folders: UserFolders, tmp_path: Path) -> None:
    """What the agent refuses is told in its words: here, that nobody is logged in."""
    with pytest.raises(AgentError, match="not logged in"):
        connect().submit(_submission(tmp_path, tmp_path / "x"), [])
    with pytest.raises(AgentError, match="knows no such thing"):
        connect().submission("none")
    with pytest.raises(AgentError, match="absolute paths"):
        connect().submit(_submission(tmp_path, tmp_path / "x"), ["relative"])
    with pytest.raises(AgentError, match="job"):
        connect().follow("")
    assert connect().submissions() == []
    assert connect().downloads() == []


def test_the_token_is_not_shown() -> None:
    """A client can be printed without giving the channel away."""
    assert "secret" not in repr(AgentClient(1, "secret"))


@pytest.mark.skipif(os.name != "posix", reason="signals are posix")
def test_a_signal_ends_the_agent_cleanly(folders: UserFolders, eventually: Eventually) -> None:
    """SIGTERM, as at log-out, ends it without a stale channel file; a closed terminal does not end it."""
    pid = connect().status()["pid"]
    os.kill(pid, signal.SIGHUP)
    assert connect().status()["pid"] == pid
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not psutil.pid_exists(pid))
    assert not (folders.state / "agent.json").exists()


def _kill(folders: UserFolders) -> None:
    # the process that answers, never one that a file names: its number may be another's by now
    process = psutil.Process(connect(start=False, folders=folders).status()["pid"])
    process.kill()
    process.wait(10)
