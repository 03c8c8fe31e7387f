"""Two real agents beside a real service: what is rendered comes home once, and the death of one costs nobody a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_service.embedded import EmbeddedService, embedded_service

FRAMES = 24


class Machine:
    """A machine with an agent of its own."""

    def __init__(self, home: Path, service: EmbeddedService) -> None:
        self.environment = {**os.environ, "CONDUCTOR_HOME": str(home)}
        self("login", service.url, "--token-file", service.token_file)

    def __call__(self, *words: object) -> str:
        command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=120, check=False)
        assert ran.returncode == 0, (ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self("agent", "--status", "--json")))

    def watched(self) -> dict[str, Any]:
        return next(d for d in self.status()["downloads"] if d["watch"])


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    kinds = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]
    with embedded_service(tmp_path / "service", {"idle_seconds": 5, "instance_types": kinds}) as service:
        pair = (Machine(tmp_path / "one", service), Machine(tmp_path / "two", service))
        yield pair
        for machine in pair:
            subprocess.run(
                [sys.executable, "-m", "conductor_core.cli", "agent", "--stop"],
                env=machine.environment,
                capture_output=True,
                check=False,
            )


def _wait(condition: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.3)


def _render(machine: Machine, out: Path, name: str) -> None:
    """Have a job write all frames at once, and bring none of them home by itself."""
    tool = out.parent / f"{name}.sh"
    tool.write_text("".join(f'echo "{name} {n}" > "{out}/{name}_{n}.txt"\n' for n in range(1, FRAMES + 1)))
    words = ("--no-download", "--chunk-size", FRAMES, "--wait", "--frames", f"1-{FRAMES}", "--output", out / f"{name}_#.txt")
    machine("submit", "-t", "local", "--command", f"sh {tool}", "--file", tool, *words)


def test_two_agents_bring_each_file_once(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    """Frames of jobs that nobody follows come to the artists' folders, each by one of two servers; one is killed in between."""
    out = tmp_path / "show" / "renders"
    out.mkdir(parents=True)
    for machine in machines:
        machine("download", "--watch", "--under", out, "--share", "servers", "--background")
    _render(machines[0], out, "a")
    _wait(lambda: len(list(out.glob("a_*.txt"))) == FRAMES)
    _wait(lambda: all(machine.watched()["done"] == FRAMES for machine in machines))
    assert sum(machine.watched()["by_others"] for machine in machines) == FRAMES
    os.kill(machines[1].status()["pid"], signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    _render(machines[0], out, "b")
    _wait(lambda: machines[0].watched()["done"] == 2 * FRAMES)
    found = {path.name: path.read_text() for path in out.glob("*.txt")}
    assert found == {f"{j}_{n}.txt": f"{j} {n}\n" for j in "ab" for n in range(1, FRAMES + 1)}
    assert not list(out.glob(".*"))
