"""The whole life of tasks under everything that can happen to them, against a model written apart from the code."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from conductor_core.digest import digest_of
from conductor_core.submission import Retries
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

FRAMES = 3
FAILURES, PREEMPTIONS = 1, 2  # what the submission forgives
NUMBER = st.integers(0, 99)
#: lives to play through; CI has time for some more, and whoever changes the states plays hundreds
EXAMPLES = int(os.environ.get("CONDUCTOR_TEST_LIVES") or (20 if os.environ.get("CI") == "true" else 8))
FINISHED = {"success", "failed", "preempted", "killed", "skipped"}


@dataclass
class Try:
    """An attempt, as the model sees it."""

    assignment: dict[str, Any]
    runner: str
    task: str
    #: running, dying (killed, not confirmed), over
    life: str = "running"
    outcome: str = ""
    #: when its lease runs out
    until: float = 0.0


@dataclass
class Modelled:
    """A task, as the model sees it."""

    state: str
    failures: int = 0
    preemptions: int = 0
    held: bool = False
    generation: int = 1
    outputs: set[int] = field(default_factory=set)
    tries: list[Try] = field(default_factory=list)


class TaskLife(RuleBasedStateMachine):
    """Duplicates, late reports, losses, restarts and people's verbs, in any order."""

    maker: Any

    def __init__(self) -> None:
        super().__init__()
        self.make = self.maker()
        self.studio = self.make(idle_seconds=10**6)
        retries = Retries(FAILURES, PREEMPTIONS)
        self.job = self.studio.job(self.studio.commands(f"1-{FRAMES}", max_instances=2, retries=retries))
        self.tasks = {t["id"]: Modelled("ready") for t in self.studio.tasks(self.job)}
        self.tries: list[Try] = []
        self.runners: dict[str, Any] = {}
        self.meet()

    def teardown(self) -> None:
        self.make.close()

    def now(self) -> float:
        return float(self.studio.clock.now.timestamp())

    def meet(self) -> None:
        """Let the scheduler act, and know every runner there is."""
        self.runners = {r.id: r for r in self.studio.runners()}

    # what the model expects

    def waiting(self, task: Modelled) -> str:
        return "holding" if task.held else "ready"

    def lost(self, attempt: Try, outcome: str = "lost") -> None:
        task = self.tasks[attempt.task]
        if attempt.life == "running":
            task.preemptions += 1
            attempt.outcome = outcome
            spent = task.preemptions > PREEMPTIONS
            task.state = ("preempted" if outcome == "preempted" else "failed") if spent else self.waiting(task)
            task.held = task.held and not spent
        attempt.life = "over"

    # what runners do

    @rule(which=st.integers(0, 1))
    def ask_for_work(self, which: int) -> None:
        if len(self.runners) <= which:
            self.meet()
        if len(self.runners) <= which:
            return
        runner = list(self.runners.values())[which]
        free = [
            key for key, task in self.tasks.items() if task.state == "ready" and not any(t.life == "dying" for t in task.tries)
        ]
        answer = runner.next()
        if not free:
            assert answer.status_code == 204
            return
        assert answer.status_code == 200, answer.text
        assignment = answer.json()
        key = assignment["task"]["id"]
        assert key == free[0], "tasks are handed out in their order"
        attempt = Try(assignment, runner.id, key, until=self.now() + 20)
        assert assignment["attempt"]["fence"] == len(self.tasks[key].tries) + 1
        self.tasks[key].tries.append(attempt)
        self.tasks[key].state = "running"
        self.tries.append(attempt)

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, progress=st.sampled_from([0.1, 0.9]))
    def beat(self, which: int, progress: float) -> None:
        attempt = self.tries[which % len(self.tries)]
        if attempt.runner not in self.runners:
            return
        answer = self.runners[attempt.runner].beat(attempt.assignment, progress=progress)
        if attempt.life == "running":
            assert answer.json()["action"] == "go-on"
            if self.now() + 60 - attempt.until >= 5:
                attempt.until = self.now() + 60
        elif attempt.outcome == "killed":
            assert answer.json()["action"] == "kill"
        else:
            assert answer.status_code == 409

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, said=st.sampled_from(["success", "failed", "preempted", "stopped"]))
    def finish(self, which: int, said: str) -> None:
        attempt = self.tries[which % len(self.tries)]
        if attempt.runner not in self.runners:
            return
        body = {"preempted": ("killed", "preempted"), "stopped": ("killed", None)}.get(said, (said, "crashed"))
        answer = self.runners[attempt.runner].finish(attempt.assignment, body[0], cause=body[1])
        believed = self.tasks[attempt.task].generation in self.tasks[attempt.task].outputs
        if said == "success" and not believed and (attempt.life == "running" or attempt.outcome == "failed"):
            said = "failed"  # without its picture a success is none
        outcome = {"stopped": "lost"}.get(said, said)
        if attempt.life != "running":
            expected = 200 if attempt.outcome in ("killed", outcome) else 409
            assert answer.status_code == expected, (attempt, answer.text)
            attempt.life = "over" if attempt.outcome == "killed" else attempt.life
            return
        assert answer.status_code == 200, answer.text
        if outcome in ("preempted", "lost"):
            self.lost(attempt, outcome)
            return
        task = self.tasks[attempt.task]
        attempt.life, attempt.outcome = "over", outcome
        task.failures += outcome == "failed"
        spent = outcome == "failed" and task.failures > FAILURES
        task.state = "success" if outcome == "success" else "failed" if spent else self.waiting(task)
        task.held = task.held and task.state == "holding"

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, content=st.sampled_from([b"one", b"other"]))
    def publish(self, which: int, content: bytes) -> None:
        attempt = self.tries[which % len(self.tries)]
        if attempt.runner not in self.runners:
            return
        runner, frame = self.runners[attempt.runner], attempt.assignment["task"]["frames"][0]
        stored = runner.store(attempt.assignment, content)
        facts = {"path": f"/job/out/f.{frame:04d}.png", "digest": digest_of(content), "size": len(content)}
        answer = runner.publish(attempt.assignment, {**facts, "frame": frame, "step": "main"})
        if attempt.life != "running":
            assert (stored.status_code, answer.status_code) == (409, 409)
            return
        assert answer.status_code == 200, answer.text
        self.tasks[attempt.task].outputs.add(self.tasks[attempt.task].generation)

    # what happens to them

    @rule(seconds=st.sampled_from([1, 25, 65]))
    def time_passes(self, seconds: int) -> None:
        for _ in range(-(-seconds // 5)):
            self.studio.clock.pass_time(min(5, seconds))
            for runner in self.runners.values():
                self.studio.farm.seen[runner.id] = self.studio.clock.now  # they go on polling
            self.studio.scheduler.tick()
        for attempt in self.tries:
            if attempt.life != "over" and attempt.until <= self.now():
                self.lost(attempt)
        self.forget_the_gone()

    @precondition(lambda self: self.runners)
    @rule(which=NUMBER)
    def machine_vanishes(self, which: int) -> None:
        gone = list(self.runners)[which % len(self.runners)]
        self.studio.fleet.vanish(gone)
        self.studio.scheduler.tick()
        for attempt in self.tries:
            if attempt.runner == gone and attempt.life != "over":
                self.lost(attempt)
        self.meet()

    @rule()
    def service_restarts(self) -> None:
        self.studio = self.make(idle_seconds=10**6)
        for runner in self.runners.values():
            runner.http = self.studio.http
        self.studio.scheduler.tick()
        for attempt in self.tries:
            if attempt.life != "over":
                attempt.until = max(attempt.until, self.now() + 60)
        self.forget_the_gone()

    def forget_the_gone(self) -> None:
        self.runners = {key: r for key, r in self.runners.items() if key in self.studio.fleet.orders}
        retired = [r for r in self.runners.values() if r.hello().status_code != 200]
        assert not retired

    # what people do

    @rule(chosen=st.sets(st.integers(0, FRAMES - 1), min_size=1), verb=st.sampled_from(["hold", "resume", "kill", "retry"]))
    def somebody_says(self, chosen: set[int], verb: str) -> None:
        keys = [list(self.tasks)[index] for index in sorted(chosen)]
        answer = self.studio.verb(self.job, verb, tasks=keys)
        moved = [key for key in keys if self.follows(self.tasks[key], verb)]
        if moved:
            assert (answer.status_code, answer.json().get("changed")) == (200, len(moved)), answer.text
        else:
            assert answer.status_code == 409
            assert verb not in answer.json()["error"]["allowed"]

    def follows(self, task: Modelled, verb: str) -> bool:
        """Let a verb act on a modelled task, and tell whether it changed anything."""
        over = task.state in FINISHED
        if verb == "hold" and not over and not task.held:
            task.held = True
            task.state = task.state if task.state == "running" else "holding"
            return True
        if verb == "resume" and task.held:
            task.held = False
            task.state = task.state if task.state == "running" else "ready"
            return True
        if verb == "kill" and not over:
            if task.state == "running":
                task.tries[-1].life, task.tries[-1].outcome = "dying", "killed"
            task.state, task.held = "killed", False
            return True
        if verb == "retry" and over:
            task.generation += task.state == "success"
            task.state, task.failures, task.preemptions = "ready", 0, 0
            return True
        return False

    # what must always hold

    @invariant()
    def states_agree(self) -> None:
        shown = {t["id"]: t for t in self.studio.tasks(self.job)}
        assert {k: t["state"] for k, t in shown.items()} == {k: t.state for k, t in self.tasks.items()}
        assert {k: bool(t["holds"]) for k, t in shown.items()} == {k: t.held for k, t in self.tasks.items()}

    @invariant()
    def the_job_agrees(self) -> None:
        states = Counter(t.state for t in self.tasks.values())
        job = self.studio.get(f"/jobs/{self.job['id']}")
        assert {k: n for k, n in job["tasks"].items() if n} == dict(states)
        if set(states) <= FINISHED:
            bad = states["failed"] + states["preempted"]
            expected = "failed" if bad else "killed" if states["killed"] else "success"
        elif states["running"]:
            expected = "running"
        elif states["holding"] and not states["ready"]:
            expected = "holding"
        else:
            expected = "running" if states["success"] + states["failed"] + states["preempted"] else "pending"
        assert job["state"] == expected
        assert (job["finished"] is not None) == (set(states) <= FINISHED)

    @invariant()
    def each_frame_is_published_once(self) -> None:
        """Per generation that somebody asked for, a frame has one accepted output, whatever was rendered twice."""
        outputs = self.studio.get(f"/jobs/{self.job['id']}/outputs")["outputs"]
        expected = {key: len(task.outputs) for key, task in self.tasks.items() if task.outputs}
        assert Counter(o["task"] for o in outputs) == expected

    @invariant()
    def one_attempt_at_a_time(self) -> None:
        current = [a for i in self.studio.get("/instances")["instances"] for a in i["current"]]
        assert sorted(current) == sorted(t.assignment["attempt"]["id"] for t in self.tries if t.life == "running")


def test_task_life(fresh_studios: Any) -> None:
    """Whatever happens in whatever order, states, outputs and job agree with the model, and nothing sticks."""

    class Life(TaskLife):
        maker = staticmethod(fresh_studios)

    calm = settings(
        max_examples=EXAMPLES,
        stateful_step_count=25,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Life, settings=calm)
