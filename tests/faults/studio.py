"""A studio of real processes (service, agent, runners), with lines between them and disks under them that fail on order."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from conductor_core.digest import digest_of, hex_of
from conductor_service.embedded import EmbeddedService, start_service, stop_service
from faults.faulty_line import Proxy
from faults.private_names import with_names

KINDS = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]
#: quick to notice what ends and what is idle; one instance, so that tests know who does what
SETTINGS: dict[str, Any] = {
    "idle_seconds": 1,
    "heartbeat_seconds": 1,
    "lease_seconds": 20,
    "instance_types": KINDS,
    "find_software": False,
    "fleet": {"max_instances": 1},
}


@dataclass
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Artist:
    """Somebody at a terminal, with a home (and so an agent) of their own."""

    home: Path
    #: everything that commands printed
    said: list[str] = field(default_factory=list)

    def start(self, *words: object, out: Path | None = None) -> subprocess.Popen[str]:
        """Type a command and do not wait for it; what it prints goes to `out`, or is given at its end."""
        command = [sys.executable, "-m", "conductor_core.cli", *map(str, words)]
        environment = {**os.environ, "CONDUCTOR_HOME": str(self.home)}
        with out.open("wb") if out else contextlib.nullcontext(subprocess.PIPE) as stdout:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment
            )

    def end(self, process: subprocess.Popen[str], seconds: float = 180) -> Ran:
        """Wait for a command's end."""
        out, err = process.communicate(timeout=seconds)
        out = out or ""
        self.said += [out, err]
        assert "Traceback" not in out + err, out + err
        return Ran(process.returncode, out, err)

    def __call__(self, *words: object, code: int = 0) -> Ran:
        """Type a command and check its exit code."""
        ran = self.end(self.start(*words))
        assert ran.code == code, ran
        return ran

    def submission(self) -> Any:
        """Return the newest submission as the agent tells it."""
        return self("agent", "--status", "--json").json["submissions"][0]

    def known_submission(self) -> Any:
        """Return the same, None while there is no agent or submission yet."""
        ran = self.end(self.start("agent", "--status", "--json"))
        found = ran.json["submissions"] if ran.code == 0 else []
        return found[0] if found else None

    def start_agent(self) -> bool:
        """Start the agent; tell whether it runs: a former one may still be ending."""
        return self.end(self.start("agent", "--start")).code == 0

    def written(self) -> str:
        """Return all that is on disk of this artist's agent, but for the file that holds the token."""
        files = [p for p in self.home.rglob("*") if p.is_file() and p.name != "credentials.json"]
        return "".join(data.decode("latin-1") for data in _contents(files).values())


class Studio:
    """A service with its runners, and the lines to it: one for people, one for runners."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.data = folder, folder / "service"
        self.people, self.runners = Proxy(), Proxy()
        self._settings = {**SETTINGS, "public_url": self.runners.url, **settings}
        self.service: EmbeddedService | None = None
        #: what service and runners look names up in, where that is not the system's own
        self.names: Path | None = None
        #: folder of the jobs' files; each test of several that share a studio has its own
        self.show = folder / "show"
        self.ann = Artist(folder / "ann")
        #: tokens of before
        self.secrets: list[str] = []

    @property
    def token(self) -> str:
        return (self.data / "owner-token").read_text().strip()

    def start(self) -> None:
        """Start the service, at its old port where it had one."""
        self.service = with_names(self.names, lambda: start_service(self.data, self._settings))
        self.people.upstream = self.runners.upstream = int((self.data / "last-port").read_text())

    def rename_for_runners(self, host: str) -> None:
        """Have runners look for the service under another name."""
        self._settings["public_url"] = f"http://{host}:{self.runners.port}"

    def stop(self) -> None:
        """End the service and its instances."""
        if self.service is not None:
            stop_service(self.service)
            self.service = None

    def kill(self) -> None:
        """Kill the service; its instances go on."""
        assert self.service is not None
        self.service.process.kill()
        self.service.process.wait()
        self.service = None

    def direct(self, path: str) -> Any:
        """Ask the service itself, past the faulty lines."""
        url = f"http://127.0.0.1:{self.people.upstream}/api/v1{path}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def direct_job(self, number: int) -> Any:
        return self.direct(f"/jobs/{number}")

    def newest(self) -> Any:
        """Return the newest job, None while there is none."""
        return next(iter(self.direct("/jobs?limit=1")["jobs"]), None)

    def ended_instances(self) -> list[str]:
        """Return the instances that have ended."""
        return [i["id"] for i in self.direct("/instances?all=true")["instances"] if i["state"] == "ended"]

    def attempts(self, frame: int, job: int = 1) -> list[Any]:
        """Return the attempts at a frame."""
        return list(self.ann("log", job, "--frame", frame, "--json").json["attempts"])

    def change_tokens(self, statement: str) -> None:
        """Change the tokens behind the back of a service that was killed: its own way is `--new-owner-token`."""
        self.kill()
        database = sqlite3.connect(self.data / "conductor.sqlite")
        with database:
            assert database.execute(statement).rowcount == 1
        database.close()
        self.start()

    def renew_token(self) -> None:
        """Have a service that does not run make a new token for its owner."""
        words = ("serve", "--data", self.data, "--settings", self.data / "settings.yaml", "--new-owner-token")
        self.secrets.append(self.token)
        self.ann(*words)

    def check_no_secret(self) -> None:
        """Look for tokens in everything that was printed, logged or kept, but for the files that are for them."""
        kept = "".join(self.ann.said) + self.ann.written() + self.logs()
        assert not [secret for secret in (self.token, *self.secrets) if secret in kept]

    def log_in(self, artist: Artist) -> Artist:
        artist("login", self.people.url, "--token-file", self.data / "owner-token")
        return artist

    def stored(self, data: bytes) -> Path:
        """Return the file in the store that has these bytes."""
        name = hex_of(digest_of(data))
        return self.data / "store" / "objects" / name[:2] / name

    @property
    def texture(self) -> Path:
        """The one large file of this studio's jobs."""
        return self.show / "wood.tex"

    @property
    def renders(self) -> Path:
        return self.show / "renders"

    def words(self, frames: str = "1-2", *more: object, size: int = 1_100_000, slow: int = 0) -> tuple[object, ...]:
        """Return the words that submit a job: each frame is the texture and the frame's number, and takes `slow` seconds."""
        tool = self.show / "bake.sh"
        tool.parent.mkdir(exist_ok=True)
        out = f"{self.renders}/bake_$1.bin"
        tool.write_text(f'sleep {slow}; cat "{self.texture}" > "{out}" && printf "frame %s" "$1" >> "{out}" && echo baked\n')
        if not self.texture.exists():
            self.texture.write_bytes(random.Random(size).randbytes(size))
        names = ("--file", tool, "--file", self.texture, "--output", self.renders / "bake_#.bin", "-t", "local")
        return ("submit", "--command", f"sh {tool} {{frame}}", "-f", frames, *names, *more)

    def frame(self, number: int) -> bytes:
        """Return what a frame must be."""
        return self.texture.read_bytes() + f"frame {number}".encode()

    def at_home(self) -> dict[str, bytes]:
        """Return the frames in the artist's folder; a half file would be among them."""
        return {p.name: data for p, data in _contents(self.renders.iterdir()).items()} if self.renders.exists() else {}

    def expected(self, *frames: int) -> dict[str, bytes]:
        """Return what must be in the artist's folder."""
        return {f"bake_{n}.bin": self.frame(n) for n in frames}

    def logs(self) -> str:
        """Return what service and runners logged, for a failure's message and to look for secrets."""
        files = [self.data / "service.log", *(self.data / "instances").glob("*.log")]
        return "".join(p.read_text(errors="replace") for p in files if p.exists())

    def close(self) -> None:
        for home in (p for p in self.folder.iterdir() if (p / "state" / "agent.json").exists()):
            pid = json.loads((home / "state" / "agent.json").read_text())["pid"]
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        self.people.heal()
        self.runners.heal()
        if self.service is None:
            self.start()
        self.stop()
        self.people.refuse()
        self.runners.refuse()


def eventually(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    """Wait until a condition holds and return what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def _contents(files: Iterable[Path]) -> dict[Path, bytes]:
    """Return what is in files; one that is renamed or removed meanwhile is not there."""
    found = {}
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            found[file] = file.read_bytes()
    return found
