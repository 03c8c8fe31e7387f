"""What a submission would cost: from the past, by the bill's own rules, and near what it does cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from conductor_core.agent_answers import Estimate
from conductor_core.documents import to_json
from conductor_core.paths import Flavour
from conductor_core.submission import Software, Step, Submission
from conductor_service.catalogue import InstanceType
from conductor_service.estimating import Farmland, Past, Sample, pace_of, plan_estimate
from conductor_service.metering import MINIMUM_MINUTES
from hypothesis import given
from hypothesis import strategies as st

SMALL = InstanceType("small", "0.10", cores=2)
LARGE = InstanceType("large", "0.40", cores=8, preemptible_price_per_hour="0.10")
BARE = InstanceType("bare", "1.00")
SUBMISSION = Submission("1", "default", "a job", "", Flavour.POSIX, Software("command", "1.0"), (), "large")
GPU = InstanceType("gpu", "2.00", cores=8, gpu="L40")
TYPES = {kind.name: kind for kind in (SMALL, LARGE, BARE, GPU)}


def sample(seconds: float, *, step: str = "main", kind: str = "small", frames: int = 1) -> Sample:
    return Sample(kind, step, frames, seconds * frames)


def ask(studio: Any, submission: Submission, project: str = "default", **more: Any) -> Any:
    return studio.ask("POST", f"/projects/{project}/estimate", json=to_json(submission), **more)


def estimated(studio: Any, submission: Submission) -> dict[str, Any]:
    answer = ask(studio, submission)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def render_all(studio: Any, seconds: float) -> None:
    """Have all instances render all there is, each frame in its seconds, and go when they are idle."""
    runners = studio.runners()
    while True:
        asked = [(runner, runner.next()) for runner in runners]
        work = [(runner, answer.json()) for runner, answer in asked if answer.status_code == 200]
        if not work:
            break
        for _ in range(20):
            studio.clock.pass_time(seconds * len(work[0][1]["task"]["frames"]) / 20)
            for runner, assignment in work:
                runner.beat(assignment)
            studio.scheduler.tick()
        for runner, assignment in work:
            runner.render(assignment)
    while studio.fleet.orders:
        studio.clock.pass_time(9)
        studio.scheduler.tick()
        for runner in runners:
            if runner.next().status_code == 410:
                runner.ask("POST", "/goodbye")
                studio.fleet.orders.pop(runner.id, None)


@pytest.mark.parametrize(
    ("past", "kind", "expected"),
    [
        (Past((sample(9), sample(10), sample(40))), SMALL, (10, "scene", 3)),
        (Past((sample(10, frames=5), sample(30, frames=2))), SMALL, (20, "scene", 7)),
        (Past((sample(10), sample(99, step="fog"))), SMALL, (10, "scene", 1)),
        (Past((sample(99, step="fog"),), (sample(10),)), SMALL, (99, "scene", 1)),
        (Past((sample(40), sample(11, kind="large"))), LARGE, (11, "scene", 1)),
        (Past((sample(40),), (sample(3, kind="large"),)), LARGE, (10, "scene", 1)),
        (Past((sample(40, kind="bare"),), (sample(3, kind="large"),)), LARGE, (3, "project", 1)),
        (Past((sample(40),), (sample(3, kind="bare"),)), BARE, (3, "project", 1)),
        (Past((sample(40, kind="gpu"),), (sample(3),)), SMALL, (3, "project", 1)),
        (Past((sample(40),)), GPU, (0, "none", 0)),
        (Past((sample(40, kind="gone"),)), SMALL, (0, "none", 0)),
        (Past(), SMALL, (0, "none", 0)),
    ],
    ids=[
        "the median", "frames of chunks", "the step itself", "another step of the scene", "the same machine", "scaled by cores",
        "cores not known", "of the project", "from a GPU", "to a GPU", "a machine that is gone", "nothing",
    ],
)  # fmt: skip
def test_the_past_that_is_most_alike_counts(past: Past, kind: InstanceType, expected: tuple[float, str, int]) -> None:
    """The scene before the project, the step before others, the same machine before others, which are scaled by their cores."""
    pace = pace_of("main", kind, past, TYPES)
    assert (pace.frame_seconds, pace.basis, pace.samples) == expected


@given(
    frames=st.integers(1, 60),
    chunk=st.integers(1, 7),
    scouts=st.sampled_from(["", "1", "fml:3", "auto:99"]),
    limit=st.integers(1, 9),
    wanted=st.integers(0, 9),
    seconds=st.floats(0.01, 4000),
)
def test_an_estimate_is_a_bill_in_advance(frames: int, chunk: int, scouts: str, limit: int, wanted: int, seconds: float) -> None:
    """It never is below ten minutes a machine, nor below the minutes of work; preemptible machines are as much cheaper as they are."""
    step = Step("main", f"1-{frames}", chunk_size=chunk, kind="command", command=("x",), scouts=scouts)
    asked = replace(SUBMISSION, steps=(step,), max_instances=wanted, instance_type="large")
    past = Past((sample(seconds, kind="large"),))
    land = Farmland(LARGE, limit, 5.0, 60.0, "EUR")
    found = plan_estimate(asked, land, past, TYPES)
    at_once = min(limit, wanted or limit, -(-frames // chunk))
    assert 1 <= found.instances <= (2 * at_once if scouts else at_once), "one that idles while scouts are rendered goes"
    assert found.billed_minutes >= max(MINIMUM_MINUTES * found.instances, int(frames * seconds / 60))
    assert found.wall_seconds >= round(frames * seconds / at_once, 1)
    assert abs(Decimal(found.cost) - found.billed_minutes * Decimal("0.40") / 60) <= Decimal("0.001")
    cheap = plan_estimate(replace(asked, preemptible=True), land, past, TYPES)
    assert abs(4 * Decimal(cheap.cost) - Decimal(found.cost)) <= Decimal("0.003")
    assert replace(cheap, cost=found.cost) == found


def test_a_farm_without_a_past_says_so(studio: Any) -> None:
    """Nothing is made up: no seconds, no money, but how many machines there would be."""
    found = estimated(studio, studio.commands("1-3", max_instances=2))
    assert found == to_json(Estimate(0.0, "none", 0, "", "EUR", 0.0, 2, 0))


@pytest.mark.parametrize("scouts", ["", "fml:2"])
@pytest.mark.parametrize("preemptible", [False, True])
def test_an_estimate_is_near_the_bill(make_studio: Any, preemptible: bool, scouts: str) -> None:
    """A scene that is submitted again costs, and takes, what was said before: within a minute of each machine's."""
    studio = make_studio(instance_types=(replace(LARGE, name="small"),))
    scene = studio.commands("1-12", chunk=2, max_instances=2, preemptible=preemptible)
    studio.job(scene)
    render_all(studio, 100)
    again = replace(scene, id="again", steps=(replace(scene.steps[0], scouts=scouts),))
    found = estimated(studio, again)
    began = studio.clock.elapsed
    job = studio.job(again)
    if scouts:
        studio.verb(job, "release")
    render_all(studio, 100)
    shown = studio.get("/jobs/2")
    assert (found["basis"], found["samples"], found["instances"]) == ("scene", 12, 2)
    assert found["frame_seconds"] == pytest.approx(100, abs=1)
    assert found["billed_minutes"] == pytest.approx(shown["billed_minutes"], abs=2)
    assert float(found["cost"]) == pytest.approx(float(shown["cost"]), rel=0.1)
    assert found["wall_seconds"] == pytest.approx(studio.clock.elapsed - began - 63, abs=10)


def test_a_scene_is_judged_by_its_own_jobs(studio: Any) -> None:
    """A scene's own frames count before those of other jobs of the project; of another account's nobody hears."""
    slow = studio.commands("1-2", max_instances=1, title="slow")
    studio.job(slow)
    render_all(studio, 900)
    quick = studio.commands("1-2", max_instances=1, title="quick")
    found = estimated(studio, quick)
    assert (found["basis"], found["frame_seconds"]) == ("project", 900)
    studio.job(quick)
    render_all(studio, 30)
    found = estimated(studio, quick)
    assert (found["basis"], found["frame_seconds"], found["samples"]) == ("scene", 30, 2)
    assert ask(studio, quick, token=studio.second_token()).json()["basis"] == "none"


def test_each_step_has_its_own_pace(studio: Any) -> None:
    """A step of many quick frames says nothing of a slow one beside it, however many there are of it."""
    command = Step("quick", "1-60", kind="command", command=("true",))
    scene = replace(studio.commands(max_instances=1), steps=(command, replace(command, name="slow", frames="1-2")))
    studio.job(scene)
    runner = studio.runner()
    for _ in range(62):
        assignment = runner.take()
        studio.clock.pass_time(10 if assignment["step"]["name"] == "quick" else 50)
        runner.finish(assignment)
    one = replace(scene, steps=(replace(command, name="slow", frames="1-9"),))
    assert estimated(studio, one)["frame_seconds"] == 50
    assert estimated(studio, replace(one, steps=(command,)))["frame_seconds"] == 10
    assert estimated(studio, replace(one, steps=(replace(command, name="new"),)))["frame_seconds"] == 10, "the median of all"


def test_what_is_no_submission_is_refused_as_ever(studio: Any) -> None:
    """The field is named as it would be at the submission; a project of others is not there; nothing is kept."""
    asked = studio.commands()
    assert ask(studio, replace(asked, instance_type="huge")).json()["error"]["field"] == "instance_type"
    assert ask(studio, replace(asked, priority=101)).json()["error"]["field"] == "priority"
    assert ask(studio, asked, "nothing").status_code == 404
    assert studio.ask("POST", "/projects/default/estimate", json={}).status_code == 400
    assert studio.get("/jobs") == {"jobs": []}
