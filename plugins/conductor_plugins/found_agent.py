"""This user's agent, looked for with the first question and started where it does not run.

To start it takes seconds: the panel opens without waiting for it, and whichever thread asks first does the waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from conductor_core.agent_answers import Check, Estimate, Offer, OwnReading, Preset, SceneJob
from conductor_core.submission import Submission

from conductor_plugins.agent import Agent


class FoundAgent:
    """The agent, found anew for each call: it may have been restarted or replaced by a newer one since the last."""

    def offer(self) -> Offer:
        """Return what can be asked for."""
        return _there().offer()

    def own_reading(self, scene: str, frames: Sequence[int], *, project_root: str, variables: Mapping[str, str]) -> OwnReading:
        """Return what our own reading of the scene's file says."""
        return _there().own_reading(scene, frames, project_root=project_root, variables=variables)

    def start_check(self, files: Sequence[str], *, project: str) -> str:
        """Begin to compare files with what the store has."""
        return _there().start_check(files, project=project)

    def check(self, identity: str, *, after: int = 0) -> Check:
        """Return how far a check is."""
        return _there().check(identity, after=after)

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost."""
        return _there().estimate(submission)

    def snapshot_file(self, submission: str, scene: str) -> str:
        """Return where a snapshot is to be written."""
        return _there().snapshot_file(submission, scene)

    def submit(
        self,
        submission: Submission,
        files: Sequence[str],
        *,
        download: bool = True,
        service: str = "",
        snapshots: Mapping[str, str] | None = None,
    ) -> str:
        """Hand over a submission."""
        return _there().submit(submission, files, download=download, service=service, snapshots=snapshots)

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        """Return the jobs of a scene."""
        return _there().scene_jobs(scene, limit=limit)

    def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
        """Hold, resume, release, kill or retry a job."""
        return _there().move(submission, verb, reason=reason)

    def preview(self, submission: str) -> bytes:
        """Return the newest preview of a job."""
        return _there().preview(submission)

    def presets(self, *, project: str) -> list[Preset]:
        """Return all presets."""
        return _there().presets(project=project)

    def save_preset(self, name: str, values: Mapping[str, Any], *, scope: str, project: str) -> Preset:
        """Keep settings under a name."""
        return _there().save_preset(name, values, scope=scope, project=project)

    def remove_preset(self, name: str, *, scope: str, project: str) -> None:
        """Remove a preset."""
        _there().remove_preset(name, scope=scope, project=project)


def _there() -> Agent:
    from conductor_core.agent_client import connect  # http.client alone costs 15 ms: not before the window is there

    return cast("Agent", connect())
