"""The whole life of tasks under everything that can happen to them, against a model written apart from the code."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from conductor_core.submission import Retries
from conductor_service.audit import Place, audit
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

TASKS, CHUNK = 3, 2
FAILURES, PREEMPTIONS = 1, 2  # what the submission forgives
LEASE, FIRST_LEASE = 60, 20  # seconds
ELSEWHERE = 30  # seconds for which a task that failed on an instance waits for another
STEPS = 25
NUMBER = st.integers(0, 99)
#: lives to play through; CI has time for some more, and whoever changes the states plays hundreds
EXAMPLES = int(os.environ.get("CONDUCTOR_TEST_LIVES") or (20 if os.environ.get("CI") == "true" else 8))
#: state and cause that a runner reports
SAID = [
    *(("success", None), ("failed", "crashed"), ("failed", "missing-file"), ("failed", "licence"), ("failed", "licence")),
    *(("killed", "preempted"), ("killed", None)),
]
#: seconds of a wait for a licence: the first, the longest, and how long none at all may come
FIRST, LONGEST, PATIENCE = 30, 1800, 43_200
FINISHED = {"success", "failed", "preempted", "killed", "skipped"}


@dataclass
class Try:
    """An attempt, as the model sees it."""

    assignment: dict[str, Any]
    runner: str
    task: str
    #: whether the answer that it was given by came to the runner
    known: bool = True
    #: running, dying (killed, not confirmed), over
    life: str = "running"
    outcome: str = ""
    cause: str = ""
    #: when its lease runs out
    until: float = 0.0
    #: by the seconds that have passed
    ended: float = 0.0
    generation: int = 1
    log: bytes = b""


@dataclass
class Modelled:
    """A task, as the model sees it."""

    state: str
    frames: tuple[int, ...]
    failures: int = 0
    preemptions: int = 0
    holds: set[str] = field(default_factory=set)
    #: for the scout frames, until somebody lets it go
    waits: bool = False
    generation: int = 1
    #: generation and frame
    outputs: set[tuple[int, int]] = field(default_factory=set)
    #: generation and frame, of what need not be rendered again
    complete: set[tuple[int, int]] = field(default_factory=set)
    tries: list[Try] = field(default_factory=list)

    @property
    def done(self) -> list[int]:
        """The frames that need not be rendered again."""
        return [f for f in self.frames if (self.generation, f) in self.complete]


@dataclass
class Want:
    """That the job got no licence, as the model sees it; times by the seconds that have passed."""

    since: float
    until: float
    tries: int = 0
    pause: float = 0.0
    probe: Try | None = None


class TaskLife(RuleBasedStateMachine):
    """Duplicates, late, reordered and lost reports, losses, clocks that are set, restarts and people's verbs, in any order."""

    maker: Any

    def __init__(self) -> None:
        super().__init__()
        self.make = self.maker()
        self.studio = self.make(idle_seconds=10**7)
        self.job: Any = None
        self.tasks: dict[str, Modelled] = {}
        self.tries: list[Try] = []
        self.runners: dict[str, Any] = {}
        self.everyone: dict[str, Any] = {}
        #: when each instance was launched, by the seconds that have passed
        self.launched: dict[str, float] = {}
        self.want: Want | None = None
        #: a clock that was set while the service was down: what was there then cannot be billed to the second
        self.unsure: set[str] = set()

    @initialize(scouts=st.sampled_from(["", "", "2", "fml:2", "1-3", "1-6"]))
    def submit(self, scouts: str) -> None:
        asked = self.studio.commands(f"1-{TASKS * CHUNK}", chunk=CHUNK, max_instances=2, retries=Retries(FAILURES, PREEMPTIONS))
        self.job = self.studio.job(replace(asked, steps=(replace(asked.steps[0], scouts=scouts),)))
        first = {"": {0, 1, 2}, "2": {0}, "fml:2": {0, 2}, "1-3": {0, 1}, "1-6": {0, 1, 2}}[scouts]
        for shown in self.studio.tasks(self.job):
            task = Modelled("ready", tuple(shown["frames"]), waits=shown["index"] not in first)
            if task.waits:
                self.holds(task, "scout")
            self.tasks[shown["id"]] = task
        self.meet()

    def teardown(self) -> None:
        farm = self.studio.farm
        place = Place(farm.database.engine, self.studio.store, farm.settings.data_folder, served=True)
        findings = list(audit(place, farm.clock(), deep=True))
        self.make.close()
        assert findings == []

    def now(self) -> float:
        return float(self.studio.clock.elapsed)

    def tick(self) -> None:
        """Let the scheduler act."""
        self.studio.scheduler.tick()
        for launched in self.studio.fleet.orders:
            self.launched.setdefault(launched, self.now())

    def meet(self) -> None:
        """Let the scheduler act, and know every runner there is."""
        self.tick()
        self.runners = {r.id: r for r in self.studio.runners()}
        self.everyone.update(self.runners)

    # what the model expects

    def waiting(self, task: Modelled) -> str:
        return "holding" if task.holds else "ready"

    def lost(self, attempt: Try, outcome: str = "lost") -> None:
        task = self.tasks[attempt.task]
        if attempt.life == "running" and len(task.done) == len(task.frames):
            attempt.outcome = outcome  # the machine went when nothing was left to do
            self.goes_to(task, "success")
        elif attempt.life == "running":
            task.preemptions += 1
            attempt.outcome = outcome
            spent = task.preemptions > PREEMPTIONS
            self.goes_to(task, ("preempted" if outcome == "preempted" else "failed") if spent else self.waiting(task))
        attempt.life = "over"

    def goes_to(self, task: Modelled, state: str) -> None:
        task.state = state
        if state in FINISHED:
            task.holds.clear()

    def gone(self, attempt: Try, answer: Any) -> bool:
        """Tell whether nobody listens to a runner any more, and see that it is told so."""
        if attempt.runner in self.runners:
            return False
        assert answer.status_code == 401
        return True

    # what runners do

    @rule(which=st.integers(0, 1), says=st.booleans(), arrives=st.booleans())
    def ask_for_work(self, which: int, says: bool, arrives: bool) -> None:
        """A runner asks; with what it holds or without. The answer may get lost on its way."""
        if len(self.runners) <= which:
            self.meet()
        if len(self.runners) <= which:
            return
        runner = list(self.runners.values())[which]
        own = [t for t in self.tries if t.runner == runner.id and t.life == "running"]
        answer = runner.next(held=[t.assignment["attempt"]["id"] for t in own if t.known]) if says else runner.next()
        again = next((t for t in own if not t.known), None) if says else None
        if again is not None:
            assert answer.json()["attempt"] == again.assignment["attempt"], "what got lost is sent again"
            again.known = arrives
            return
        free = [
            key for key, task in self.tasks.items() if task.state == "ready" and not any(t.life == "dying" for t in task.tries)
        ]
        fresh = [key for key in free if not self.tasks[key].failures]
        fresh += [key for key in free if self.tasks[key].failures and not self.failed_on(runner, self.tasks[key])]
        rest = [key for key in free if key not in fresh and not self.rather_elsewhere(runner, self.tasks[key])]
        if self.unsure and not fresh and free:
            rest = [answer.json()["task"]["id"]] if answer.status_code == 200 else []
            assert set(rest) <= set(free)
        if not fresh and not rest:
            assert answer.status_code == 204
            return
        if self.want and self.unsure:  # when the wait is over, a clock that was set has decided
            if answer.status_code == 204:
                return
            self.want.until = min(self.want.until, self.now())
        if self.want and self.want.until > self.now():
            assert answer.status_code == 204, "who gets no licence is not asked to try before its time"
            return
        self.given(answer, runner, (fresh or rest)[0], arrives)

    def failed_on(self, runner: Any, task: Modelled) -> bool:
        """Tell whether a task's last try failed on this instance: it comes last there."""
        last = task.tries[-1] if task.tries and task.failures else None
        return last is not None and (last.runner, last.outcome, last.generation) == (runner.id, "failed", task.generation)

    def rather_elsewhere(self, runner: Any, task: Modelled) -> bool:
        """Tell whether a task still waits for another instance than the one on which it failed."""
        siblings = any(key != runner.id for key in self.studio.fleet.orders)
        return self.failed_on(runner, task) and siblings and task.tries[-1].ended > self.now() - ELSEWHERE

    def given(self, answer: Any, runner: Any, key: str, arrives: bool) -> None:
        assert answer.status_code == 200, answer.text
        assignment, task = answer.json(), self.tasks[key]
        assert assignment["task"]["id"] == key, "tasks are handed out in their order, those that failed here last"
        if len(task.done) == len(task.frames):
            task.complete.clear()  # all frames were there, and something beside them was not
        assert assignment["task"]["frames"] == [f for f in task.frames if f not in task.done]
        assert assignment["attempt"]["fence"] == len(task.tries) + 1
        attempt = Try(assignment, runner.id, key, arrives, until=self.now() + FIRST_LEASE, generation=task.generation)
        task.tries.append(attempt)
        task.state = "running"
        self.tries.append(attempt)
        if self.want:
            self.want.since += max(0.0, self.now() - self.want.until) if self.want.tries else 0.0
            self.want.probe, self.want.until = attempt, self.now() + self.want.pause

    def lacks(self, attempt: Try) -> bool:
        """Let an attempt get no licence; return whether its task waits for one."""
        now = self.now()
        if self.want is None:
            self.want = Want(now, now)
        elif now - self.want.since >= PATIENCE and not any(t.life == "running" for t in self.tries if t is not attempt):
            for task in self.tasks.values():
                task.state = "failed" if task.state == "ready" else task.state
            self.want = None
            return False
        if self.want.probe is attempt or self.want.until <= now:
            self.want.tries += 1
            self.want.probe, self.want.pause = None, min(FIRST << (self.want.tries - 1), LONGEST)
            self.want.until = now + self.want.pause
        return True

    def rendered(self, attempt: Try) -> None:
        """Let something of an attempt be accepted: it has a licence."""
        if self.want is None:
            return
        self.want.since = self.now()
        if self.want.probe is attempt:
            self.want.tries, self.want.probe = 0, None
        if self.want.tries == 0:
            self.want.until = self.now()

    def some_try(self, which: int) -> Try | None:
        known = [t for t in self.tries if t.known]
        return known[which % len(known)] if known else None

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, progress=st.sampled_from([0.1, 0.9]))
    def beat(self, which: int, progress: float) -> None:
        attempt = self.some_try(which)
        if attempt is None:
            return
        answer = self.everyone[attempt.runner].beat(attempt.assignment, progress=progress)
        if self.gone(attempt, answer):
            return
        if attempt.life == "running":
            assert answer.json()["action"] == "go-on"
            if self.now() + LEASE - attempt.until >= 5:
                attempt.until = self.now() + LEASE
        elif attempt.outcome == "killed":
            assert answer.json()["action"] == "kill"
        else:
            assert answer.status_code == 409

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, said=st.sampled_from(SAID), times=st.integers(1, 2))
    def finish(self, which: int, said: tuple[str, str | None], times: int) -> None:
        """An attempt ends; the answer may get lost, so that the runner says it again."""
        attempt = self.some_try(which)
        for _ in range(times if attempt else 0):
            assert attempt is not None
            done = list(self.tasks[attempt.task].done)
            answer = self.everyone[attempt.runner].finish(attempt.assignment, said[0], cause=said[1], frames_done=done)
            if self.gone(attempt, answer):
                return
            if attempt.life == "running":
                assert answer.status_code == 200, answer.text
                self.ends(attempt, *said)
            else:
                assert answer.status_code == (200 if self.said_before(attempt, *said) else 409), (attempt, answer.text)
                attempt.life = "over"  # if it was killed, nothing of it runs any more

    def said_before(self, attempt: Try, said: str, cause: str | None) -> bool:
        """Tell whether an attempt that has ended ended by these words, or was killed by somebody."""
        outcome = "preempted" if cause == "preempted" else {"killed": "lost"}.get(said, said)
        unbelieved = attempt.cause == "bad-output" and said == "success"
        return attempt.outcome in ("killed", outcome) or unbelieved

    def ends(self, attempt: Try, said: str, cause: str | None) -> None:
        task = self.tasks[attempt.task]
        if said == "killed":
            self.lost(attempt, "preempted" if cause == "preempted" else "lost")
            return
        if said == "success":
            task.complete |= {key for key in task.outputs if key[0] == task.generation}
        if said == "success" and len(task.done) < len(task.frames):
            said, cause = "failed", "bad-output"
        attempt.life, attempt.outcome, attempt.cause, attempt.ended = "over", said, cause or "", self.now()
        if cause == "licence":
            waits = self.lacks(attempt)
            self.goes_to(task, self.waiting(task) if waits else "failed")
            return
        if said == "success":
            self.rendered(attempt)
        task.failures += said == "failed"
        spent = said == "failed" and (task.failures > FAILURES or cause == "missing-file")
        self.goes_to(task, "success" if said == "success" else "failed" if spent else self.waiting(task))

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, place=st.integers(0, CHUNK - 1), content=st.sampled_from([b"one", b"other"]))
    def publish(self, which: int, place: int, content: bytes) -> None:
        attempt = self.some_try(which)
        if attempt is None:
            return
        runner, task = self.everyone[attempt.runner], self.tasks[attempt.task]
        frame = task.frames[place]
        stored = runner.store(attempt.assignment, content)
        far_ahead = int(self.studio.clock.now.timestamp() * 1e9) + 10**15  # the runner's clock is wrong
        answer = runner.publish(attempt.assignment, self.studio.record(attempt.assignment, frame, content, mtime_ns=far_ahead))
        if self.gone(attempt, answer):
            return
        if attempt.life != "running":
            assert (stored.status_code, answer.status_code) == (409, 409)
            return
        assert answer.status_code == 200, answer.text
        task.outputs.add((task.generation, frame))
        task.complete.add((task.generation, frame))
        self.rendered(attempt)

    @precondition(lambda self: self.tries)
    @rule(which=NUMBER, at=st.sampled_from([0, 5, 10]), said=st.sampled_from([b"hello", b"there"]))
    def log(self, which: int, at: int, said: bytes) -> None:
        """Pieces of a log come in any order, again, and after the end: what does not fit says where to go on."""
        attempt = self.some_try(which)
        if attempt is None:
            return
        path = f"/attempts/{attempt.assignment['attempt']['id']}/log"
        asked = {"offset": at, "fence": attempt.assignment["attempt"]["fence"]}
        answer = self.everyone[attempt.runner].ask("PUT", path, params=asked, content=said)
        if self.gone(attempt, answer):
            return
        fits = at == len(attempt.log)
        attempt.log += said if fits else b""
        assert (answer.status_code, answer.headers["X-Log-Size"]) == (200 if fits else 409, str(len(attempt.log)))

    @precondition(lambda self: any(t.known and t.life == "running" for t in self.tries))
    @rule(which=NUMBER, seconds=st.sampled_from([1, 30, 65]), asks=st.integers(0, 1))
    def gets_no_licence(self, which: int, seconds: int, asks: int) -> None:
        """An attempt gets no licence, and after a while somebody asks for work: chance alone seldom has it in this order."""
        running = [t for t in self.tries if t.known and t.life == "running"]
        self.finish(self.place_of(running[which % len(running)]), ("failed", "licence"), 1)
        self.time_passes(seconds)
        self.ask_for_work(asks, True, True)

    def place_of(self, attempt: Try) -> int:
        """Return the number by which `some_try` gives an attempt."""
        return [t for t in self.tries if t.known].index(attempt)

    # what happens to them

    @rule(seconds=st.sampled_from([1, 25, 65]))
    def time_passes(self, seconds: int) -> None:
        for _ in range(-(-seconds // 5)):
            self.studio.clock.pass_time(min(5, seconds))
            for runner in self.runners.values():
                self.studio.farm.seen[runner.id] = self.studio.farm.clock()  # they go on polling
            self.tick()
        for attempt in self.tries:
            if attempt.life != "over" and attempt.until <= self.now():
                self.lost(attempt)
        self.forget_the_gone()

    @rule(seconds=st.sampled_from([-3600, -90, -25, -1, 25, 90, 3600]), noticed=st.booleans())
    def clock_is_set(self, seconds: int, noticed: bool) -> None:
        """Somebody sets the system's clock; no time passes, and the model does not care."""
        self.studio.clock.set(seconds)
        if noticed:
            self.tick()

    @rule()
    def machine_sleeps(self) -> None:
        """The service's machine sleeps for hours: nobody could beat."""
        self.studio.clock.pass_time(8 * 3600)
        self.wakes_up()

    @precondition(lambda self: self.runners)
    @rule(which=NUMBER)
    def machine_vanishes(self, which: int) -> None:
        gone = list(self.runners)[which % len(self.runners)]
        self.studio.fleet.vanish(gone)
        self.tick()
        for attempt in self.tries:
            if attempt.runner == gone and attempt.life != "over":
                self.lost(attempt)
        self.meet()

    @rule()
    def service_restarts(self) -> None:
        if self.studio.farm.clock.drift():
            self.unsure |= set(self.launched)
        self.studio = self.make(idle_seconds=10**7)
        for runner in self.everyone.values():
            runner.http = self.studio.http
        self.wakes_up()

    def wakes_up(self) -> None:
        """The service is back: every lease has its full time again."""
        self.tick()
        for attempt in self.tries:
            if attempt.life != "over":
                attempt.until = self.now() + LEASE
        self.forget_the_gone()

    def forget_the_gone(self) -> None:
        self.runners = {key: r for key, r in self.runners.items() if key in self.studio.fleet.orders}
        retired = [r for r in self.runners.values() if r.hello().status_code != 200]
        assert not retired

    # what people do

    @rule(
        chosen=st.sets(st.integers(0, TASKS - 1), min_size=1),
        verb=st.sampled_from(["hold", "resume", "release", "kill", "retry"]),
    )
    def somebody_says(self, chosen: set[int], verb: str) -> None:
        keys = [list(self.tasks)[index] for index in sorted(chosen)]
        answer = self.studio.verb(self.job, verb, tasks=keys)
        ready = [key for key in keys if self.tasks[key].state == "ready"]
        moved = [key for key in keys if self.follows(self.tasks[key], verb)]
        if verb == "retry" and self.want and (moved or ready):
            moved += ready if self.want.tries else []
            self.want = None
        if moved and verb == "release":
            for key in keys:  # those that are over, too: a retry does not hold them again
                self.tasks[key].waits = False
        if moved:
            assert (answer.status_code, answer.json().get("changed")) == (200, len(moved)), answer.text
        else:
            assert answer.status_code == 409
            assert verb not in answer.json()["error"]["allowed"]

    def follows(self, task: Modelled, verb: str) -> bool:
        """Let a verb act on a modelled task, and tell whether it changed anything."""
        over = task.state in FINISHED
        if verb == "hold" and not over and "user" not in task.holds:
            self.holds(task, "user")
            return True
        if verb == "resume" and "user" in task.holds:
            self.lets_go(task, "user")
            return True
        if verb == "release" and "scout" in task.holds:
            self.lets_go(task, "scout")
            return True
        if verb == "kill" and not over:
            if task.state == "running":
                task.tries[-1].life, task.tries[-1].outcome = "dying", "killed"
            self.goes_to(task, "killed")
            return True
        if verb == "retry" and over:
            task.generation += task.state == "success"
            task.failures, task.preemptions = 0, 0
            task.holds = {"scout"} if task.waits else set()
            task.state = self.waiting(task)
            return True
        return False

    def holds(self, task: Modelled, name: str) -> None:
        task.holds.add(name)
        task.state = task.state if task.state == "running" else "holding"

    def lets_go(self, task: Modelled, name: str) -> None:
        task.holds.discard(name)
        task.state = task.state if task.state == "running" else self.waiting(task)

    # what must always hold

    @invariant()
    def verbs_are_those_that_change_something(self) -> None:
        job = self.studio.get(f"/jobs/{self.job['id']}")
        self.learn_the_wait(job["licence"])
        holds = Counter(name for task in self.tasks.values() for name in task.holds)
        still_open = [task for task in self.tasks.values() if task.state not in FINISHED]
        expected = {
            "hold": len(still_open) > holds["user"],
            "resume": holds["user"] > 0,
            "release": holds["scout"] > 0,
            "kill": bool(still_open),
            "retry": any(task.state in FINISHED - {"success"} for task in self.tasks.values()) or self.lacking() > 0,
        }
        assert job["verbs"] == [verb for verb, allowed in expected.items() if allowed]
        assert job["scouts"]["held"] == holds["scout"]
        shown, want = job["licence"], self.want
        told = (shown["waiting"], shown["tries"], shown["trying"]) if shown else None
        assert told == ((self.lacking(), want.tries, want.probe is not None) if want and self.lacking() else None)

    def lacking(self) -> int:
        """Return how many tasks wait for a licence."""
        return sum(task.state == "ready" for task in self.tasks.values()) if self.want and self.want.tries else 0

    def learn_the_wait(self, shown: dict[str, Any] | None) -> None:
        """Take over how often it was tried where a clock that was set while the service was down has decided that."""
        if self.unsure and self.want:
            self.want.tries = shown["tries"] if shown else 0 if self.lacking() else self.want.tries

    @invariant()
    def states_agree(self) -> None:
        shown = {t["id"]: t for t in self.studio.tasks(self.job)}
        assert {k: t["state"] for k, t in shown.items()} == {k: t.state for k, t in self.tasks.items()}
        assert {k: {h["name"] for h in t["holds"]} for k, t in shown.items()} == {k: t.holds for k, t in self.tasks.items()}
        assert {k: t["frames_done"] for k, t in shown.items()} == {k: t.done for k, t in self.tasks.items()}

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
        soon = (self.studio.clock.now.timestamp() + 3601 * STEPS) * 1e9
        assert all(o["mtime_ns"] < soon for o in outputs), "a runner's clock makes no file of the future"

    @invariant()
    def one_attempt_at_a_time(self) -> None:
        current = [a for i in self.studio.get("/instances")["instances"] for a in i["current"]]
        assert sorted(current) == sorted(t.assignment["attempt"]["id"] for t in self.tries if t.life == "running")

    @invariant()
    def only_time_that_passed_is_billed(self) -> None:
        for shown in self.studio.get("/instances?all=true")["instances"]:
            passed = self.now() - self.launched[shown["id"]]
            billed = float(shown["minutes"]) * 60
            assert billed >= 0
            if shown["id"] in self.unsure:
                continue
            assert billed <= passed + 1
            assert shown["ended"] or billed >= passed - 1


def test_task_life(fresh_studios: Any) -> None:
    """Whatever happens in whatever order, states, outputs and job agree with the model, and nothing sticks."""

    class Life(TaskLife):
        maker = staticmethod(fresh_studios)

    calm = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Life, settings=calm)
