"""A person with a service of their own: started, used and ended by the commands that people type."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from typing import Any

import yaml
from road.people import Person

KINDS = [{"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60"}]


class Household:
    """A person with a service of their own, an agent, and a job that has been rendered."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.data = person.home / "farm"
        self.log = person.home / "farm.log"
        self.settings = person.home / "settings.yaml"
        self.settings.write_text(yaml.safe_dump({"idle_seconds": 600, "instance_types": KINDS, "find_software": False}))
        self.service: subprocess.Popen[bytes] | None = None
        self.url = ""

    def serve(self, *options: object) -> None:
        """Start the service, where it was before if it was anywhere, and wait until it is ready."""
        words = ("-m", "conductor_core.cli", "serve", "--data", self.data, "--settings", self.settings, "--stop-instances")
        port = self.url.rpartition(":")[2] or "0"
        (self.data / "service.json").unlink(missing_ok=True)
        self.service = self.person.start(*words, "--port", port, *options, log=self.log)
        deadline = time.monotonic() + 90
        while not (self.data / "service.json").exists():
            assert self.service.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        self.url = json.loads((self.data / "service.json").read_text())["url"]

    def render(self) -> None:
        """Log in, and have two frames made and brought home."""
        self.person.conductor("login", self.url, "--token-file", self.data / "owner-token")
        show = self.person.home / "show"
        show.mkdir()
        (show / "bake.sh").write_text(f'printf "frame %s" "$1" > "{show}/out/bake_$1.txt"\n')
        if self.person.user is not None:
            for path in (show, show / "bake.sh"):
                os.chown(path, self.person.user, self.person.user)
        done = self.person.json(
            "submit", "--command", f"sh {show}/bake.sh {{frame}}", "-f", "1-2", "--file", show / "bake.sh", "-t", "local",
            "--output", show / "out" / "bake_#.txt", "--wait",
        )  # fmt: skip
        assert (done["number"], done["job_state"]) == (1, "success")
        assert {p.name: p.read_text() for p in (show / "out").iterdir()} == {f"bake_{n}.txt": f"frame {n}" for n in (1, 2)}

    def channel(self) -> dict[str, Any]:
        """Return the agent's port and token."""
        found = list(self.person.home.rglob("agent.json"))
        assert len(found) == 1, found
        return dict(json.loads(found[0].read_text()))

    def secrets(self) -> dict[str, str]:
        """Return every secret that this person's programs keep, by its place."""
        channel = self.channel()
        runners = list((self.data / "instances").glob("*/token"))
        assert runners, "an instance is still there"
        return {
            "agent": channel["token"],
            "owner": (self.data / "owner-token").read_text().strip(),
            **{str(file): file.read_text().strip() for file in runners},
        }

    def close(self) -> None:
        """End agent and service."""
        with contextlib.suppress(AssertionError):
            self.person.conductor("agent", "--stop")
        self.stop_serving()

    def stop_serving(self) -> None:
        """End the service and its instances."""
        if self.service is not None:
            self.service.terminate()
            self.service.wait(60)
            self.service = None
