"""An artist's machine for tests: folders, a project, and an agent that can be stopped and started."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_core.agent.run import GRACE, Agent
from conductor_core.agent_client import AgentClient
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.settings import AgentSettings
from conductor_core.api.transport import Address, RetryPolicy
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission
from conductor_core.user_folders import UserFolders

Eventually = Callable[..., Any]


class Desk:
    """An artist's machine: folders, a project, and an agent that can be stopped and started."""

    def __init__(self, root: Path, fake: Any) -> None:
        self.folders = UserFolders(root / "config", root / "state", root / "cache")
        self.fake = fake
        self.project = root / "project"
        self.home = root / "renders"
        self.project.mkdir()
        (self.project / "shot.blend").write_bytes(b"scene")
        (self.project / "wood.png").write_bytes(b"wood" * 1000)
        (self.project / "copy.png").write_bytes(b"wood" * 1000)
        (self.project / "empty.txt").write_bytes(b"")
        for file in self.project.iterdir():
            os.utime(file, (1_700_000_000, 1_700_000_000))
        self.log_in()
        self.agent: Agent | None = None
        self.grace = GRACE
        self.settings = AgentSettings()

    def log_in(self, token: str = "") -> None:
        write_profile(self.folders.config, Profile((Login(Address(self.fake.url), token or self.fake.token),)))

    def start(self) -> AgentClient:
        retries = RetryPolicy(attempts=1, first_wait=0.01, longest_wait=0.02)
        self.agent = Agent(self.folders, self.settings, retries=retries, first_wait=0.1, grace=self.grace)
        self.thread = threading.Thread(target=self.agent.run, daemon=True)
        self.thread.start()
        return AgentClient(self.agent.channel.port, self.agent._token)

    def stop(self) -> None:
        if self.agent is not None:
            self.agent.stop()
            self.thread.join(self.grace + 15)
            assert not self.thread.is_alive()
            self.agent = None

    def files(self) -> list[str]:
        return sorted(str(f) for f in self.project.iterdir())

    def submission(self, identity: str = "s1", **changes: Any) -> Submission:
        step = Step("main", "1-2", outputs=(Output(str(self.home / "shot_####.exr")),))
        values: dict[str, Any] = {
            "id": identity, "project": "show", "title": "shot", "scene": str(self.project / "shot.blend"),
            "flavour": local_flavour(), "software": Software("blender", "4.5"), "steps": (step,), "instance_type": "small",
        }  # fmt: skip
        return Submission(**{**values, **changes})


def submitted(client: AgentClient, identity: str, eventually: Eventually) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        now = client.submission(identity)
        return now if now["state"] in ("submitted", "failed") else None

    found = eventually(ended)
    assert isinstance(found, dict)
    return found
