"""The whole life of jobs, from the submission on: uploads, steps that wait for steps, people's verbs, restarts; by a model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Retries, Step
from conductor_service.audit import Place, audit
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

#: a diamond: two steps wait for the first, and the last for both; names, frames and what comes before
STEPS = (("sim", "1-2", ()), ("left", "1", ("sim",)), ("right", "1-2", ("sim",)), ("comp", "1", ("left", "right")))
#: the steps that may have scouts, and the indices of the tasks that are none then
SCOUTED = {"sim": {1}, "right": {0}}
VERBS = ["hold", "resume", "release", "kill", "retry"]
ENDS = {"success", "failed", "killed", "skipped"}
NUMBER = st.integers(0, 99)
EXAMPLES = int(os.environ.get("CONDUCTOR_TEST_LIVES") or (20 if os.environ.get("CI") == "true" else 8))


@dataclass
class Piece:
    """A task: what happened to it. How it waits is not kept, it follows."""

    step: str
    #: success, failed, killed; empty while it is still to be done
    end: str = ""
    running: bool = False
    #: killed, and its runner has not said yet that all is dead
    dying: bool = False
    held: bool = False
    #: is a scout; waits for those of its step until somebody lets it go
    scout: bool = False
    waits: bool = False
    failures: int = 0


@dataclass
class Modelled:
    """A job: its tasks, and which manifest was committed."""

    id: str
    number: int
    asked: Any
    pieces: dict[str, Piece] = field(default_factory=dict)
    manifest: int | None = None

    def states(self) -> dict[str, str]:
        """Return the state of each task: each follows from its own facts and those of the steps before."""
        found: dict[str, str] = {}
        by_step: dict[str, set[str]] = {}
        for name, _, after in STEPS:
            before = [by_step[a] for a in after]
            doomed = any(b <= ENDS and b != {"success"} for b in before)
            free = self.manifest is not None and all(b == {"success"} for b in before)
            mine = {key: _state(p, doomed, free, self.scouted(p)) for key, p in self.pieces.items() if p.step == name}
            by_step[name] = set(mine.values())
            found |= mine
        for key, piece in self.pieces.items():
            piece.held = piece.held and found[key] not in ENDS
        return found

    def scouted(self, piece: Piece) -> bool:
        """Tell whether a task is held for the scout frames, if it has not ended."""
        return piece.waits and self.manifest is not None

    def holds(self) -> dict[str, set[str]]:
        """Return the names of each task's holds."""
        states = self.states()
        found = {}
        for key, piece in self.pieces.items():
            scouted = self.scouted(piece) and states[key] not in ENDS
            found[key] = {name for name, there in (("user", piece.held), ("scout", scouted)) if there}
        return found

    def state(self) -> str:
        """Return the job's state."""
        there = set(self.states().values())
        if there <= ENDS:
            order = ["failed", "killed", "skipped", "success"]
            worst = next(s for s in order if s in there)
            return "failed" if worst == "skipped" else worst
        if self.manifest is None:
            return "uploading"
        if "running" in there:
            return "running"
        if "holding" in there and "ready" not in there:
            return "holding"
        return "running" if there & {"success", "failed"} else "pending"


def _state(piece: Piece, doomed: bool, free: bool, scouted: bool) -> str:
    if piece.end:
        return piece.end
    if piece.running:
        return "running"
    if doomed:
        return "skipped"
    return "holding" if piece.held or scouted else "ready" if free else "pending"


class JobLife(RuleBasedStateMachine):
    """Submissions, manifests and verbs, once, twice and in any order, while a runner works and the service restarts."""

    maker: Any

    def __init__(self) -> None:
        super().__init__()
        self.make = self.maker()
        self.studio = self.make(idle_seconds=10**6)
        self.jobs: list[Modelled] = []
        self.runner: Any = None
        #: what the runner works on, or thinks it does
        self.taken: list[tuple[Any, Piece]] = []

    def teardown(self) -> None:
        farm = self.studio.farm
        place = Place(farm.database.engine, self.studio.store, farm.settings.data_folder, served=True)
        findings = list(audit(place, farm.clock(), deep=True))
        self.make.close()
        assert findings == []

    # from the artist's side

    @precondition(lambda self: len(self.jobs) < 2)
    @rule(scouted=st.booleans())
    def submit(self, scouted: bool) -> None:
        command = Step("", "1", kind="command", command=("true",))
        steps = tuple(replace(command, name=name, frames=frames, after=after) for name, frames, after in STEPS)
        if scouted:  # the first frame of the first step, the last of another; two steps have none
            steps = (replace(steps[0], scouts="1"), steps[1], replace(steps[2], scouts="2"), steps[3])
        asked = replace(self.studio.commands(), steps=steps, retries=Retries(1, 1), max_instances=1)
        shown = self.studio.submit(asked)
        job = Modelled(shown["id"], shown["number"], asked)
        assert job.number == len(self.jobs) + 1
        for task in self.studio.tasks(shown):
            piece = job.pieces[task["id"]] = Piece(task["step"])
            of_step = SCOUTED.get(piece.step) if scouted else None
            piece.waits = of_step is not None and task["frames"][0] - 1 in of_step
            piece.scout = of_step is not None and not piece.waits
        self.jobs.append(job)

    @precondition(lambda self: self.jobs)
    @rule(which=NUMBER)
    def submit_again(self, which: int) -> None:
        """The answer was lost, so the agent says it again: it is the same job."""
        job = self.some_job(which)
        answer = self.studio.ask("POST", "/projects/default/jobs", json=to_json(job.asked))
        assert (answer.status_code, answer.json()["id"], answer.json()["number"]) == (200, job.id, job.number)

    @precondition(lambda self: self.jobs)
    @rule(which=NUMBER, number=st.sampled_from([0, 0, 0, 1]), sent=st.sampled_from([True, True, False]))
    def commit(self, which: int, number: int, sent: bool) -> None:
        """A manifest comes: the first, the same again, another; with its files in the store or without."""
        job = self.some_job(which)
        data = f"texture {job.number} {number}".encode()
        if sent:
            self.studio.upload(data)
        entry = Entry("/job/texture.png", digest=digest_of(data), size=len(data), mode=0o644, mtime_ns=1)
        there = self.studio.ask("POST", "/projects/default/objects/missing", json={"digests": [entry.digest]})
        lacking = there.json()["missing"] == [entry.digest]
        body = canonical_bytes(make_manifest(Flavour.POSIX, [entry]))
        answer = self.studio.ask("PUT", f"/jobs/{job.id}/manifest", content=body)
        if job.manifest == number:
            assert answer.status_code == 200
        elif job.manifest is not None or job.state() == "killed":
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-allowed-now")
            assert answer.json()["error"]["allowed"] == ([] if job.manifest is not None else ["retry"])
        elif lacking:
            assert (answer.status_code, answer.json()["error"]["missing"]) == (409, [entry.digest])
        else:
            assert answer.status_code == 200, answer.text
            job.manifest = number

    @precondition(lambda self: self.jobs)
    @rule(
        which=NUMBER,
        verb=st.sampled_from(VERBS),
        steps=st.none() | st.none() | st.sets(st.sampled_from([s[0] for s in STEPS]), min_size=1),
    )
    def somebody_says(self, which: int, verb: str, steps: set[str] | None) -> None:
        job = self.some_job(which)
        keys = [key for key, p in job.pieces.items() if steps is None or p.step in steps]
        answer = self.studio.verb({"id": job.id}, verb, **({} if steps is None else {"tasks": keys}))
        trial = deepcopy(job)
        changed = self.follow(trial, verb, keys, named=steps is not None)
        if changed:
            assert (answer.status_code, answer.json().get("changed")) == (200, changed), answer.text
            self.follow(job, verb, keys, named=steps is not None)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-allowed-now")
            assert verb not in answer.json()["error"]["allowed"]

    def follow(self, job: Modelled, verb: str, keys: list[str], *, named: bool) -> int:
        """Let a verb act on the model, and return how many tasks it changed."""
        states = job.states()
        pieces = job.pieces
        still_open = [key for key in keys if states[key] not in ENDS]
        if verb == "hold":
            chosen = [key for key in still_open if not pieces[key].held]
            for key in chosen:
                pieces[key].held = True
        elif verb == "resume":
            chosen = [key for key in keys if pieces[key].held]
            for key in chosen:
                pieces[key].held = False
        elif verb == "release":
            chosen = [key for key in still_open if job.scouted(pieces[key])]
            for key in keys if chosen else ():
                pieces[key].waits = False
        elif verb == "kill":
            chosen = still_open
            for key in chosen:
                pieces[key].dying = pieces[key].dying or pieces[key].running
                pieces[key].end, pieces[key].running, pieces[key].held = "killed", False, False
        else:
            chosen = [key for key in keys if states[key] in ENDS and (named or states[key] != "success")]
            for key in chosen:
                pieces[key].end, pieces[key].failures = "", 0
            after = job.states()
            chosen = [key for key in chosen if after[key] != "skipped"]
        return len(chosen)

    def some_job(self, which: int) -> Modelled:
        return self.jobs[which % len(self.jobs)]

    # on the instance

    @rule()
    def take(self) -> None:
        if self.runner is None:
            self.runner = next(iter(self.studio.runners()), None)
        if self.runner is None:
            return
        answer = self.runner.next()
        expected = next(self.work(), None)
        if expected is None:
            assert answer.status_code == 204
            return
        assert answer.json()["task"]["id"] == expected[0], (
            "the oldest job first, its scouts, then its tasks in their order, those that failed last"
        )
        expected[1].running = True
        self.taken.append((answer.json(), expected[1]))

    def work(self) -> Iterator[tuple[str, Piece]]:
        """Give what the runner may get, in order: what failed there comes last, and not at all while others could take it."""
        alone = len(self.studio.fleet.orders) == 1
        for job in self.jobs:
            ready = [(k, job.pieces[k]) for k, state in job.states().items() if state == "ready" and not job.pieces[k].dying]
            ready.sort(key=lambda each: not each[1].scout)
            yield from (each for each in ready if not each[1].failures)
            yield from (each for each in ready if each[1].failures and alone)

    @precondition(lambda self: self.taken)
    @rule(which=NUMBER, said=st.sampled_from(["success", "success", "failed"]))
    def finish(self, which: int, said: str) -> None:
        work, piece = self.taken.pop(which % len(self.taken))
        assert self.runner.finish(work, said, cause="crashed").status_code == 200
        if piece.dying:
            piece.dying = False
            return
        piece.running = False
        piece.failures += said == "failed"
        piece.end = said if said == "success" or piece.failures > 1 else ""
        piece.held = piece.held and not piece.end

    @rule()
    def service_restarts(self) -> None:
        self.studio = self.make(idle_seconds=10**6)
        if self.runner is not None:
            self.runner.http = self.studio.http
        self.studio.scheduler.tick()

    # what must always hold

    @invariant()
    def states_agree(self) -> None:
        for job in self.jobs:
            shown = self.studio.tasks({"id": job.id})
            assert {t["id"]: t["state"] for t in shown} == job.states()
            assert {t["id"]: {h["name"] for h in t["holds"]} for t in shown} == job.holds()

    @invariant()
    def jobs_agree(self) -> None:
        listed = {j["id"]: j for j in self.studio.get("/jobs")["jobs"]}
        assert {key: j["state"] for key, j in listed.items()} == {job.id: job.state() for job in self.jobs}
        for job in self.jobs:
            assert listed[job.id]["uploading"] is (job.manifest is None)
            assert (listed[job.id]["finished"] is not None) is (set(job.states().values()) <= ENDS)


def test_job_life(fresh_studios: Any) -> None:
    """Whatever is said in whatever order, jobs and tasks agree with the model, and the audit finds nothing."""

    class Life(JobLife):
        maker = staticmethod(fresh_studios)

    calm = settings(
        max_examples=EXAMPLES,
        stateful_step_count=25,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Life, settings=calm)
