"""The service as a process of its own in a folder: for the demo, benchmarks and tests.

Nothing outlives the `with` block: the service is asked to end with its instances, and what remains of its process tree
some seconds after that is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from conductor_core.errors import ConductorError


class ServiceDidNotStart(ConductorError):
    """`conductor serve` ended, or said nothing for too long."""

    def __init__(self, log: Path, reason: str) -> None:
        super().__init__(f"The service did not start: {reason}.", f"Its log is {log}.")


@dataclass(frozen=True, slots=True)
class EmbeddedService:
    """A running service."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def token_file(self) -> Path:
        """The file with the owner's token, which only this user can read."""
        return self.data / "owner-token"

    @property
    def token(self) -> str:
        """The owner's token."""
        return self.token_file.read_text().strip()


@contextlib.contextmanager
def embedded_service(
    data: Path, settings: Mapping[str, Any], *, start_seconds: float = 60, environment: Mapping[str, str] | None = None
) -> Iterator[EmbeddedService]:
    """Run the service in folder `data` with these settings for as long as the block lasts.

    Raises:
        ServiceDidNotStart: it ended at once, or was not ready within `start_seconds`.
    """
    service = start_service(data, settings, start_seconds=start_seconds, environment=environment)
    try:
        yield service
    finally:
        stop_service(service)


def start_service(
    data: Path, settings: Mapping[str, Any], *, start_seconds: float = 60, environment: Mapping[str, str] | None = None
) -> EmbeddedService:
    """Start the service on a free port of loopback and return when it answers.

    Raises:
        ServiceDidNotStart: it ended at once, or was not ready within `start_seconds`.
    """
    data.mkdir(parents=True, exist_ok=True)
    settings_file, ready, log = data / "settings.yaml", data / "service.json", data / "service.log"
    settings_file.write_text(yaml.safe_dump(dict(settings)))
    ready.unlink(missing_ok=True)
    words = ["--data", str(data), "--settings", str(settings_file), "--port", "0", "--stop-instances"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "conductor_core.cli", "serve", *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    deadline = time.monotonic() + start_seconds
    while not ready.exists():
        if process.poll() is not None:
            raise ServiceDidNotStart(log, f"it ended with exit code {process.returncode}: {_last_line(log)}")
        if time.monotonic() > deadline:
            process.kill()
            raise ServiceDidNotStart(log, f"it was not ready after {start_seconds:.0f} s")
        time.sleep(0.05)
    return EmbeddedService(json.loads(ready.read_text())["url"], data, process)


def stop_service(service: EmbeddedService, *, seconds: float = 30) -> None:
    """End the service and its instances, by force after `seconds`."""
    tree = _tree(service.process.pid)
    service.process.terminate()
    try:
        service.process.wait(seconds)
    except subprocess.TimeoutExpired:
        service.process.kill()
        service.process.wait()
    for left in psutil.wait_procs(tree, timeout=5)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()


def _tree(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
