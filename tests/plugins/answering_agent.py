"""An agent that answers from values, for tests of widgets; what tests end to end has the real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from conductor_core.agent_answers import (
    Check,
    CheckedFile,
    Estimate,
    InstanceType,
    Offer,
    OwnReading,
    Package,
    Preset,
    SceneJob,
)
from conductor_core.agent_client import SceneReading
from conductor_core.errors import AgentError
from conductor_core.submission import Exclusion, Submission

OFFER = Offer(
    service="https://farm.test",
    user="mika",
    email="mika@studio.test",
    role="user",
    account="Studio",
    projects=("dragons", "tests"),
    currency="EUR",
    instance_types=(
        InstanceType("small", "for look-dev", cores=4, memory_gb=16, price_per_hour="0.20", preemptible_price_per_hour="0.06"),
        InstanceType("large", "for finals", cores=32, memory_gb=128, price_per_hour="1.60"),
        InstanceType("gpu", "for GPU renderers", cores=8, memory_gb=64, gpu="RTX 6000", price_per_hour="2.40"),
    ),
    software=(Package("memory", "1.0"), Package("blender", "4.5.15"), Package("mtoa", "5.4", plug_in_of="maya")),
    sends_email=True,
    dashboard="https://farm.test/",
)
ESTIMATE = Estimate(30.0, "scene", 12, cost="0.40", currency="EUR", wall_seconds=310.0, instances=2, billed_minutes=20)


@dataclass
class AnsweringAgent:
    """What it answers are its fields; what it was asked to do is noted."""

    offered: Offer = OFFER
    estimated: Estimate = ESTIMATE
    reading: OwnReading = field(default_factory=lambda: OwnReading(None, "there is no reader for this scene"))
    statuses: Mapping[str, str] = field(default_factory=dict)
    kept: list[Preset] = field(default_factory=list)
    jobs: list[SceneJob] = field(default_factory=list)
    #: (submission, files, snapshots)
    submitted: list[tuple[Submission, tuple[str, ...], Mapping[str, str]]] = field(default_factory=list)
    #: of each submission, how its scene is to be read
    scenes_read: list[SceneReading | None] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    picture: bytes = b""
    folder: Path = field(default_factory=Path)
    #: every call fails with it
    broken: AgentError | None = None
    _checks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def offer(self) -> Offer:
        self._try()
        return self.offered

    def own_reading(self, scene: str, frames: Sequence[int], *, project_root: str, variables: Mapping[str, str]) -> OwnReading:
        self._try()
        return self.reading

    def start_check(self, files: Sequence[str], *, project: str, excluded: Sequence[Exclusion] = ()) -> str:
        self._try()
        self._checks[f"check-{len(self._checks)}"] = tuple(files)
        return f"check-{len(self._checks) - 1}"

    def check(self, identity: str, *, after: int = 0) -> Check:
        self._try()
        files = [self._checked(path) for path in self._checks[identity]]
        new = sum(f.size for f in files if f.status == "new")
        total = sum(f.size for f in files)
        return Check(identity, True, len(files), len(files), total, new, tuple(files[after:]), next=len(files))

    def estimate(self, submission: Submission) -> Estimate:
        self._try()
        return self.estimated

    def snapshot_file(self, submission: str, scene: str) -> str:
        return str(self.folder / f"{submission}-{Path(scene).name}")

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
        self._try()
        self.submitted.append((submission, tuple(files), snapshots or {}))
        self.scenes_read.append(reading)
        self.jobs.insert(0, SceneJob(submission.id, submission.title, submission.scene, "uploading", 100, 40))
        return submission.id

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        self._try()
        return [job for job in self.jobs if job.scene == scene][:limit]

    def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
        self._try()
        self.moves.append((submission, verb))
        job = next(job for job in self.jobs if job.id == submission)
        return replace(job, state={"hold": "holding", "kill": "killed"}.get(verb, "running"))

    def preview(self, submission: str) -> bytes:
        self._try()
        return self.picture

    def presets(self, *, project: str) -> list[Preset]:
        self._try()
        return list(self.kept)

    def save_preset(self, name: str, values: Mapping[str, Any], *, scope: str, project: str) -> Preset:
        self._try()
        self.remove_preset(name, scope=scope, project=project)
        self.kept.append(Preset(name, cast("Literal['personal', 'project', 'studio']", scope), dict(values)))
        return self.kept[-1]

    def remove_preset(self, name: str, *, scope: str, project: str) -> None:
        self._try()
        self.kept[:] = [p for p in self.kept if (p.name, p.scope) != (name, scope)]

    def _checked(self, path: str) -> CheckedFile:
        size = Path(path).stat().st_size if Path(path).is_file() else 0
        return CheckedFile(path, size, self.statuses.get(path, "new" if size else "missing"))  # type: ignore[arg-type]

    def _try(self) -> None:
        if self.broken is not None:
            raise self.broken
