"""What the panel asks, from its client through the agent to a real service and back, with a command job in the place of a host."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conductor_core.agent_answers import SceneJob
from conductor_core.agent_client import AgentClient, connect
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.errors import AgentError
from conductor_core.paths import local_flavour
from conductor_core.submission import Output, Software, Step, Submission, new_submission_id
from conductor_core.user_folders import user_folders
from conductor_service.embedded import embedded_service

Eventually = Callable[..., Any]


class Studio:
    """A scene with changes that are not saved, a tool that renders it, and an agent."""

    def __init__(self, folder: Path) -> None:
        self.scene, self.tool, self.out = folder / "shot.ma", folder / "tools" / "bake.sh", folder / "renders"
        self.tool.parent.mkdir(parents=True)
        self.scene.write_text("saved")
        self.tool.write_text(f'sleep "$2"; printf "%s %s" "$(cat {self.scene})" "$1" > "{self.out}/bake_$1.txt"\n')
        for file in (self.scene, self.tool):
            os.utime(file, (1_700_000_000, 1_700_000_000))

    def files(self) -> list[str]:
        return [str(self.scene), str(self.tool)]

    def submission(self, *, seconds: int = 0, scouts: str = "", project: str) -> Submission:
        command = ("sh", str(self.tool), "{frame}", str(seconds))
        outputs = (Output(str(self.out / "bake_#.txt"), "other"),)
        step = Step("bake", "1-2", kind="command", outputs=outputs, command=command, scouts=scouts)
        return Submission(
            new_submission_id(), project, "shot", str(self.scene), local_flavour(), Software("command", "1"), (step,), "local"
        )

    def submit(self, agent: AgentClient, submission: Submission) -> str:
        file = Path(agent.snapshot_file(submission.id, submission.scene))
        file.write_text("as it was")
        identity = agent.submit(submission, self.files(), snapshots={submission.scene: str(file)})
        self.scene.write_text("saved again")
        return identity


@pytest.fixture
def eventually() -> Eventually:
    """Give a function that waits until a condition holds and returns what it gave."""

    def wait(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError("it did not happen in time")

    return wait


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path / "show")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentClient]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    kinds = [
        {"name": "local", "description": "here", "cores": 1, "memory_gb": 1, "price_per_hour": "0.60",
         "preemptible_price_per_hour": "0.20"}
    ]  # fmt: skip
    with embedded_service(tmp_path / "service", {"idle_seconds": 5, "instance_types": kinds}) as service:
        token = Path(service.token_file).read_text().strip()
        write_profile(user_folders().config, Profile((Login(Address(service.url), token),)))
        yield connect()
        with contextlib.suppress(AgentError, psutil.NoSuchProcess):
            agent = connect(start=False)
            process = psutil.Process(agent.status()["pid"])
            agent.quit(now=True)
            process.wait(10)


def _statuses(agent: AgentClient, files: list[str], project: str, eventually: Eventually) -> dict[str, str]:
    identity = agent.start_check(files, project=project)
    check = eventually(lambda: found if (found := agent.check(identity)).done else None)
    assert check.problem == ""
    return {os.path.basename(file.path): file.status for file in check.files}


def _job(agent: AgentClient, studio: Studio, state: str, eventually: Eventually) -> SceneJob:
    def found() -> SceneJob | None:
        jobs = agent.scene_jobs(str(studio.scene))
        return jobs[0] if jobs and jobs[0].state == state else None

    job = eventually(found)
    assert isinstance(job, SceneJob)
    return job


def test_from_the_offer_to_the_last_frame(agent: AgentClient, studio: Studio, eventually: Eventually) -> None:
    """Offer, estimate, check, snapshot, submission, progress, and what was rendered is known of as such afterwards."""
    offer = agent.offer()
    project = offer.projects[0]
    machine = next(kind for kind in offer.instance_types if kind.name == "local")
    assert (machine.price_per_hour, machine.preemptible_price_per_hour) == ("0.60", "0.20")
    assert "command" in {package.name for package in offer.software}
    assert offer.role
    submission = studio.submission(project=project)
    assert agent.estimate(submission).basis == "none"
    assert _statuses(agent, studio.files(), project, eventually) == {"shot.ma": "new", "bake.sh": "new"}
    assert studio.submit(agent, submission) == submission.id
    job = _job(agent, studio, "success", eventually)
    assert (job.id, job.number, job.problem, job.currency) == (submission.id, 1, "", offer.currency)
    job = eventually(lambda: found if (found := _job(agent, studio, "success", eventually)).files_home == 2 else None)
    assert {p.name: p.read_text() for p in studio.out.iterdir()} == {f"bake_{n}.txt": f"as it was {n}" for n in (1, 2)}
    assert job.last_frame in {str(p) for p in studio.out.iterdir()}
    frames = [str(p) for p in studio.out.iterdir()]
    found = _statuses(agent, [*frames, *studio.files(), str(studio.out / "none.txt")], project, eventually)
    # the scene was saved since: what the store has is the snapshot
    assert found == {
        "bake_1.txt": "rendered", "bake_2.txt": "rendered", "shot.ma": "new", "bake.sh": "stored", "none.txt": "missing",
    }  # fmt: skip


def test_held_resumed_and_cancelled(agent: AgentClient, studio: Studio, eventually: Eventually) -> None:
    """The panel's buttons do to the job what they say, and what is possible then is what the service says."""
    submission = studio.submission(seconds=120, project=agent.offer().projects[0])
    studio.submit(agent, submission)
    eventually(lambda: agent.scene_jobs(str(studio.scene))[0].upload_state == "submitted")
    held = agent.move(submission.id, "hold", reason="lunch")
    assert "resume" in held.verbs
    resumed = agent.move(submission.id, "resume")
    assert "hold" in resumed.verbs
    assert agent.preview(submission.id) == b""
    agent.move(submission.id, "kill")
    job = _job(agent, studio, "killed", eventually)
    assert "retry" in job.verbs
    with pytest.raises(AgentError):
        agent.move(submission.id, "hold")


def test_scouts_are_seen_and_the_others_released(agent: AgentClient, studio: Studio, eventually: Eventually) -> None:
    """The scout frame comes home while the other holds, until it is released from the panel; then both are known by their time."""
    project = agent.offer().projects[0]
    submission = studio.submission(scouts="2", project=project)
    studio.submit(agent, submission)
    eventually((studio.out / "bake_2.txt").exists)

    def ready_to_release() -> SceneJob | None:
        job = agent.scene_jobs(str(studio.scene))[0]
        return job if job.frames.get("holding") == 1 and "release" in job.verbs and job.files_home == 1 else None

    job = eventually(ready_to_release)
    assert (job.last_frame, (studio.out / "bake_1.txt").exists()) == (str(studio.out / "bake_2.txt"), False)
    agent.move(submission.id, "release")
    _job(agent, studio, "success", eventually)
    eventually((studio.out / "bake_1.txt").exists)
    estimate = agent.estimate(studio.submission(project=project))
    assert (estimate.basis, estimate.samples) == ("scene", 2)
    assert float(estimate.cost) > 0
