"""What the panel asks the agent; `conductor_core.agent_client.AgentClient` answers it. Called from threads, never Qt's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from conductor_core.agent_answers import Check, Estimate, Offer, OwnReading, Preset, SceneJob
    from conductor_core.agent_client import SceneReading
    from conductor_core.submission import Exclusion, Submission


class Agent(Protocol):
    """This user's agent on this workstation. Each call raises `AgentError` with a sentence where it cannot be done."""

    def offer(self) -> Offer:
        """Return what can be asked for; of the last login."""
        ...

    def own_reading(self, scene: str, frames: Sequence[int], *, project_root: str, variables: Mapping[str, str]) -> OwnReading:
        """Return what our own reading of the scene's file says; takes as long as it takes."""
        ...

    def start_check(self, files: Sequence[str], *, project: str, excluded: Sequence[Exclusion] = ()) -> str:
        """Begin to compare files with what the project's store has, but for what is excluded; return the id of the check."""
        ...

    def check(self, identity: str, *, after: int = 0) -> Check:
        """Return how far a check is, and the files that are known since `after`."""
        ...

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost."""
        ...

    def snapshot_file(self, submission: str, scene: str) -> str:
        """Return where the snapshot of a scene is to be written for a submission, in a folder that is this user's alone."""
        ...

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
        """Hand over a submission and return its id.

        `snapshots`: path of the job → file that holds its content; `reading`: how the agent reads the scene, to send last what no
        scout frame needs.
        """
        ...

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        """Return the jobs of a scene that this agent knows, newest first."""
        ...

    def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
        """Hold, resume, release (its scouts), kill or retry the job of a submission; `kill` of one that uploads cancels it."""
        ...

    def preview(self, submission: str) -> bytes:
        """Return the newest preview of a job's frames as PNG; empty where there is none yet."""
        ...

    def presets(self, *, project: str) -> list[Preset]:
        """Return all presets: the studio's, the project's, this user's, in this order."""
        ...

    def save_preset(self, name: str, values: Mapping[str, Any], *, scope: str, project: str) -> Preset:
        """Keep settings under a name."""
        ...

    def remove_preset(self, name: str, *, scope: str, project: str) -> None:
        """Remove a preset."""
        ...
