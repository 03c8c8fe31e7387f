"""Every state against every verb and every move: what is allowed is done, what is not answers 409 with what is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from conductor_core.submission import Retries, Step
from conductor_service.door import Why, move
from conductor_service.errors import NotAllowedNow
from conductor_service.models import Task
from conductor_service.states import TaskState, derive_job_state

ORDER = ["pending", "ready", "running", "holding", "success", "failed", "preempted", "killed", "skipped"]
WAITING = ["pending", "ready", "holding"]
#: written down here once more, so that a slip in the table of the service shows
MOVES = {
    "pending": ["ready", "holding", "killed", "skipped"],
    # failed: where no licence has come for as long as anybody waits for one
    "ready": ["pending", "running", "holding", "failed", "killed", "skipped"],
    "running": ["ready", "holding", "success", "failed", "preempted", "killed"],
    "holding": ["pending", "ready", "killed", "skipped"],
    **dict.fromkeys(["success", "failed", "preempted", "killed", "skipped"], WAITING),
}
#: where a verb leads a task from each state
VERBS = {
    "pending": {"hold": "holding", "kill": "killed"},
    "ready": {"hold": "holding", "kill": "killed"},
    "running": {"hold": "running", "kill": "killed"},
    "holding": {"resume": "ready", "kill": "killed"},
    "success": {"retry": "ready"},
    "failed": {"retry": "ready"},
    "preempted": {"retry": "ready"},
    "killed": {"retry": "ready"},
    "skipped": {"retry": "skipped"},
}
NAMES = ["hold", "resume", "release", "kill", "retry"]


def _submit(studio: Any, *steps: tuple[str, tuple[str, ...]], commit: bool = True) -> Any:
    made = tuple(Step(name, "1", kind="command", command=("true",), after=after) for name, after in steps or (("main", ()),))
    submission = replace(studio.commands(), steps=made, retries=Retries(0, 0))
    return studio.job(submission) if commit else studio.submit(submission)


def _pending(studio: Any) -> Any:
    return _submit(studio, commit=False)


def _running(studio: Any) -> Any:
    job = _submit(studio)
    studio.runner().take()
    return job


def _holding(studio: Any) -> Any:
    job = _submit(studio)
    studio.verb(job, "hold")
    return job


def _finished(state: str, cause: str | None = None) -> Callable[[Any], Any]:
    def reach(studio: Any) -> Any:
        job = _submit(studio)
        runner = studio.runner()
        assert runner.finish(runner.take(), state, cause=cause).status_code == 200
        return job

    return reach


def _killed(studio: Any) -> Any:
    job = _submit(studio)
    studio.verb(job, "kill")
    return job


def _skipped(studio: Any) -> Any:
    job = _submit(studio, ("first", ()), ("main", ("first",)))
    studio.verb(job, "kill", tasks=[studio.tasks(job)[0]["id"]])
    return job


REACH: dict[str, Callable[[Any], Any]] = {
    "pending": _pending,
    "ready": _submit,
    "running": _running,
    "holding": _holding,
    "success": _finished("success"),
    "failed": _finished("failed", "crashed"),
    "preempted": _finished("killed", "preempted"),
    "killed": _killed,
    "skipped": _skipped,
}
EVERY_STATE = pytest.mark.parametrize("state", ORDER)


def reached(studio: Any, state: str) -> tuple[Any, str]:
    """Bring the last task of a job into a state, as life does; return the job and the task's id."""
    job = REACH[state](studio)
    task = studio.tasks(job)[-1]
    assert task["state"] == state
    return job, task["id"]


def state_of(studio: Any, task: str) -> str:
    return str(studio.get(f"/tasks/{task}")["state"])


def test_there_are_no_other_states_and_verbs() -> None:
    """The tables of this test are whole."""
    assert [s.value for s in TaskState] == ORDER
    assert list(MOVES) == list(VERBS) == ORDER


@EVERY_STATE
def test_verbs_that_do_not_fit_answer_409(state: str, studio: Any) -> None:
    """Over the API, each verb that a state does not follow is refused with those that it does; nothing has changed."""
    job, task = reached(studio, state)
    before = studio.get(f"/tasks/{task}")
    for verb in set(NAMES) - set(VERBS[state]):
        answer = studio.verb(job, verb, tasks=[task])
        assert answer.status_code == 409, (verb, answer.text)
        error = answer.json()["error"]
        assert (error["code"], error["allowed"]) == ("not-allowed-now", [v for v in NAMES if v in VERBS[state]])
        assert all(allowed in error["next"] for allowed in error["allowed"])
    assert studio.get(f"/tasks/{task}") == before


@pytest.mark.parametrize(("state", "verb"), [(s, v) for s in ORDER for v in VERBS[s] if s != "skipped"])
def test_verbs_that_fit_are_followed(state: str, verb: str, studio: Any) -> None:
    """Over the API, each verb leads a task where it should, and counts one change; said again it is refused."""
    job, task = reached(studio, state)
    answer = studio.verb(job, verb, tasks=[task])
    assert (answer.status_code, answer.json().get("changed")) == (200, 1), answer.text
    assert state_of(studio, task) == VERBS[state][verb]
    again = studio.verb(job, verb, tasks=[task])
    assert (again.status_code, verb in again.json()["error"]["allowed"]) == (409, False)


def test_a_skipped_task_is_tried_again_with_what_comes_first(studio: Any) -> None:
    """Alone it would be skipped again at once: that is no change, and the answer says what to retry."""
    job, task = reached(studio, "skipped")
    versions = [t["version"] for t in studio.tasks(job)]
    answer = studio.verb(job, "retry", tasks=[task])
    error = answer.json()["error"]
    assert (answer.status_code, error["allowed"]) == (409, [])
    assert "retry the step before them" in error["next"]
    assert [t["version"] for t in studio.tasks(job)] == versions
    assert studio.verb(job, "retry").json()["changed"] == 2
    assert studio.states(job) == ["ready", "pending"]


@EVERY_STATE
@pytest.mark.parametrize("to", ORDER)
def test_the_door_lets_through_what_the_table_has(state: str, to: str, doors: dict[str, tuple[Any, str]]) -> None:
    """Each move that the table has is made; each other is a 409 that lists those of that state, and nothing has changed."""
    studio, task = doors[state]

    class Undone(Exception):
        """Ends the transaction, so that the next move finds the task where it was."""

    def go() -> None:
        with studio.farm.database.write() as unit:
            row = unit.session.get_one(Task, task)
            move(unit, [row], TaskState(to), Why("test"))
            assert row.state.value == to
            raise Undone

    if to in MOVES[state]:
        with pytest.raises(Undone):
            go()
    else:
        with pytest.raises(NotAllowedNow) as caught:
            go()
        assert caught.value.status == 409
        assert caught.value.document()["error"]["allowed"] == MOVES[state]
    assert state_of(studio, task) == state


@pytest.fixture(scope="module")
def doors(fresh_studios: Any) -> Any:
    """Give, for each state, a service and the id of a task in that state; made when it is asked for."""
    makers = []

    class Doors(dict[str, tuple[Any, str]]):
        def __missing__(self, state: str) -> tuple[Any, str]:
            makers.append(fresh_studios())
            studio = makers[-1]()
            self[state] = studio, reached(studio, state)[1]
            return self[state]

    yield Doors()
    for maker in makers:
        maker.close()


@EVERY_STATE
def test_every_state_leads_on_to_success(state: str, studio: Any) -> None:
    """From wherever a task is, an event or a verb leads on, and in the end the job succeeds: nothing sticks."""
    job, task = reached(studio, state)
    runners = {r.id: r for r in studio.runners()}
    if state == "pending":
        studio.commit(job)
    elif state == "running":
        runner = next(iter(runners.values()))
        assert runner.finish(studio_assignment(runner)).status_code == 200
    elif state == "holding":
        studio.verb(job, "resume")
    elif state != "ready":
        studio.verb(job, "retry", **({"states": ["success"]} if state == "success" else {}))
        assert state_of(studio, task) in ("ready", "pending")
    for _ in studio.tasks(job):
        for runner in studio.runners():
            answer = runner.next()
            if answer.status_code == 200:
                runner.finish(answer.json())
    assert (state_of(studio, task), studio.state(job)) == ("success", "success")


def studio_assignment(runner: Any) -> Any:
    """Return what the runner works on: what it does not say that it holds is sent again."""
    return runner.take(held=[])


ENDED = {"success", "failed", "preempted", "killed", "skipped"}
BAD = {"failed", "preempted"}
#: what each state of a job means, said of each by itself; `there` are the states that its tasks are in
JOB_STATES: dict[str, Callable[[bool, Collection[str]], bool]] = {
    "success": lambda _, there: set(there) == {"success"},
    "failed": lambda _, there: (
        ENDED.issuperset(there) and bool(BAD.intersection(there) or {"skipped"} == set(there) - {"success"})
    ),
    "killed": lambda _, there: ENDED.issuperset(there) and "killed" in there and BAD.isdisjoint(there),
    "uploading": lambda uploading, there: uploading and not ENDED.issuperset(there),
    "holding": lambda uploading, there: not uploading and "holding" in there and {"ready", "running"}.isdisjoint(there),
    "running": lambda uploading, there: (
        not uploading
        and (
            "running" in there
            or ("ready" in there and not {"success", *BAD}.isdisjoint(there))
            or ("pending" in there and "holding" not in there and not {"success", *BAD}.isdisjoint(there))
        )
    ),
    "pending": lambda uploading, there: (
        not uploading
        and {"running", "success", *BAD}.isdisjoint(there)
        and ("ready" in there or ("pending" in there and "holding" not in there))
    ),
}


@pytest.mark.parametrize("uploading", [False, True], ids=["committed", "uploading"])
def test_the_derived_state_is_the_one_whose_meaning_fits(uploading: bool) -> None:
    """For every set of states that tasks can be in, exactly one meaning fits, and it is the derived one."""
    for size in range(1, len(ORDER) + 1):
        for there in combinations(ORDER, size):
            fitting = [name for name, means in JOB_STATES.items() if means(uploading, there)]
            derived = derive_job_state(uploading=uploading, tasks={TaskState(s): 1 for s in there})
            assert fitting == [derived.value], there
