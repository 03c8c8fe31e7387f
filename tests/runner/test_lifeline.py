"""The supervisor that takes the place of a process namespace: nothing a command starts outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from conductor_service.runner import lifeline
from conductor_service.runner.isolation import Launch
from conductor_service.runner.processes import ProcessTree

SCRIPT = Path(lifeline.__file__)


def run(*command: str, parent: int = 0) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(SCRIPT), str(parent or os.getpid()), *command]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)


def sleepers(mark: str) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [""])[-1] == mark]


def test_it_ends_as_its_command_ends() -> None:
    """The exit code is passed on, and a signal as 128 and its number."""
    assert run("/bin/sh", "-c", "echo out; exit 7").returncode == 7
    assert run("/bin/sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM
    assert run("/bin/echo", "words").stdout == "words\n"


def test_strays_end_with_the_command() -> None:
    """A daemon in a session of its own is adopted, and killed when the command is through."""
    run("/bin/sh", "-c", "setsid sleep 91.125 </dev/null >/dev/null 2>&1 & sleep 0.1")
    assert sleepers("91.125") == []


def test_sigterm_ends_all() -> None:
    """Asked to end, it kills what runs, however that ignores signals."""
    script = "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 92.125; sleep 1\" & sleep 92.125"
    words = [sys.executable, str(SCRIPT), str(os.getpid()), "/bin/sh", "-c", script]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while len(sleepers("92.125")) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
    assert sleepers("92.125") == []


def test_it_does_not_start_when_the_runner_is_gone_already() -> None:
    """Whoever started it died in between: nothing is run."""
    done = run("/bin/echo", "words", parent=1)
    assert (done.returncode, done.stdout) == (1, "")


def test_descendants_are_found() -> None:
    """Children and their children."""
    with subprocess.Popen(["/bin/sh", "-c", "sleep 93.125 & wait"], stdin=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not sleepers("93.125") and time.monotonic() < deadline:
            time.sleep(0.02)
        found = lifeline._descendants(os.getpid())
        assert {process.pid, *(p.pid for p in sleepers("93.125"))} <= found
        for pid in lifeline._descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(10)


def test_killed_by_force_it_takes_its_command_along() -> None:
    """kill -9 of the supervisor itself: the command dies with it, and the rest of the tree when the runner ends it."""
    argv = (sys.executable, str(SCRIPT), str(os.getpid()), "/bin/sh", "-c", "sleep 94.125 & exec sleep 95.125")
    tree = ProcessTree(Launch(argv, dict(os.environ)))
    deadline = time.monotonic() + 10
    while not (sleepers("94.125") and sleepers("95.125")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(tree.pid, signal.SIGKILL)
    tree.wait(10)
    while sleepers("95.125") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sleepers("95.125") == []
    tree.kill()
    tree.close()
    while sleepers("94.125") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sleepers("94.125") == []


def test_a_program_that_is_not_there_is_named() -> None:
    """A command that cannot be started ends with 127 and a sentence."""
    done = run("/no/such/program")
    assert (done.returncode, done.stderr) == (127, "/no/such/program cannot be started: No such file or directory\n")
