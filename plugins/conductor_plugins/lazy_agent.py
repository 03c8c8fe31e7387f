"""The agent as panels have it: found or started by the first call, found anew when it was replaced.

Each call may take as long as the agent takes to start, so it is made in a thread (`conductor_plugins.errands`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from conductor_core.errors import AgentGone

if TYPE_CHECKING:
    from conductor_core.agent_answers import Check, Estimate, Offer, OwnReading, Preset, SceneJob
    from conductor_core.agent_client import AgentClient, SceneReading
    from conductor_core.submission import Exclusion, Submission

T = TypeVar("T")


class LazyAgent:
    """This user's agent; making one costs nothing, and it may be used from any thread."""

    def __init__(self, connect: Callable[[], AgentClient] | None = None) -> None:
        self._connect = connect or _connected
        #: one per panel, so that what it asks for anew takes the place of what it asked for before
        self._panel = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._client: AgentClient | None = None

    def offer(self) -> Offer:
        """Return what can be asked for; of the last login."""
        return self._ask(lambda agent: agent.offer())

    def own_reading(self, scene: str, frames: Sequence[int], *, project_root: str, variables: Mapping[str, str]) -> OwnReading:
        """Return what our own reading of the scene's file says; takes as long as it takes."""
        return self._ask(lambda agent: agent.own_reading(scene, frames, project_root=project_root, variables=variables))

    def start_check(self, files: Sequence[str], *, project: str, excluded: Sequence[Exclusion] = ()) -> str:
        """Begin to compare files with what the project's store has; return the id of the check."""
        return self._ask(lambda agent: agent.start_check(files, project=project, excluded=excluded))

    def check(self, identity: str, *, after: int = 0) -> Check:
        """Return how far a check is, and the files that are known since `after`."""
        return self._ask(lambda agent: agent.check(identity, after=after))

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost."""
        return self._ask(lambda agent: agent.estimate(submission))

    def snapshot_file(self, submission: str, scene: str) -> str:
        """Return where the snapshot of a scene is to be written for a submission, in a folder that is this user's alone."""
        return self._ask(lambda agent: agent.snapshot_file(submission, scene))

    def submit(
        self,
        submission: Submission,
        files: Sequence[str],
        *,
        download: bool = True,
        service: str = "",
        snapshots: Mapping[str, str] | None = None,
        reading: SceneReading | None = None,
    ) -> str:
        """Hand over a submission and return its id; asked twice, it is the same submission."""
        more: dict[str, Any] = {"snapshots": snapshots, "reading": reading}
        return self._ask(lambda agent: agent.submit(submission, files, download=download, service=service, **more))

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        """Return the jobs of a scene that this agent knows, newest first."""
        return self._ask(lambda agent: agent.scene_jobs(scene, limit=limit))

    def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
        """Hold, resume, release (its scouts), kill or retry the job of a submission; `kill` of one that uploads cancels it."""
        return self._ask(lambda agent: agent.move(submission, verb, reason=reason))

    def preview(self, submission: str) -> bytes:
        """Return the newest preview of a job's frames as PNG; empty where there is none yet."""
        return self._ask(lambda agent: agent.preview(submission))

    def presets(self, *, project: str) -> list[Preset]:
        """Return all presets: the studio's, the project's, this user's, in this order."""
        return self._ask(lambda agent: agent.presets(project=project))

    def save_preset(self, name: str, values: Mapping[str, Any], *, scope: str, project: str) -> Preset:
        """Keep settings under a name."""
        return self._ask(lambda agent: agent.save_preset(name, values, scope=scope, project=project))

    def remove_preset(self, name: str, *, scope: str, project: str) -> None:
        """Remove a preset."""
        self._ask(lambda agent: agent.remove_preset(name, scope=scope, project=project))

    def _ask(self, call: Callable[[AgentClient], T]) -> T:
        """Call the agent; once more where it has ended since the last call, as it does when it was idle or updated."""
        agent = self._agent(None)
        try:
            return call(agent)
        except AgentGone:
            return call(self._agent(agent))

    def _agent(self, gone: AgentClient | None) -> AgentClient:
        """Return the agent, another one than `gone`; several threads start one."""
        with self._lock:
            if self._client is None or self._client is gone:
                self._client = replace(self._connect(), panel=self._panel)
            return self._client


def _connected() -> AgentClient:
    """Return the agent's client; HTTP is loaded in the thread that asks, and not while the panel opens."""
    from conductor_core.agent_client import connect

    return connect()
