"""Scout frames start as soon as their own files are there; everything else waits for the last file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Submission
from conductor_service import jobs


@pytest.fixture
def submission(studio: Any) -> Submission:
    """Give a job of five frames with one scout frame."""
    asked: Submission = studio.commands("1-5", max_instances=1)
    return replace(asked, steps=(replace(asked.steps[0], scouts="3"),))


def manifest(studio: Any, *frames: int, size: int = 4) -> Manifest:
    entries = []
    for frame in frames:
        data = b"%04d" % frame if size == 4 else b"other"
        entries.append(Entry(f"/job/plate.{frame}.exr", "file", studio.upload(data), size=len(data), mode=0o644))
    return make_manifest(Flavour.POSIX, entries)


def put(studio: Any, job: Any, files: Manifest, only: str = "") -> httpx.Response:
    path = f"/jobs/{job['id']}/manifest" + (f"/{only}" if only else "")
    answer: httpx.Response = studio.ask("PUT", path, content=files.to_bytes())
    return answer


def held(studio: Any, job: Any) -> list[int]:
    return [t["frames"][0] for t in studio.tasks(job) if "upload" in {h["name"] for h in t["holds"]}]


def test_scouts_go_before_the_last_file_is_there(studio: Any, submission: Submission) -> None:
    """The scout frame is rendered with its own files while the rest is sent; then all is as if it had come at once."""
    job = studio.submit(submission)
    first, whole = manifest(studio, 3), manifest(studio, 1, 2, 3, 4, 5)
    answer = put(studio, job, first, "scouts")
    assert (answer.status_code, answer.json()["uploading"], answer.json()["state"]) == (200, True, "pending")
    assert held(studio, job) == [1, 2, 4, 5]
    runner = studio.runner()
    scout = runner.take()
    assert (scout["task"]["frames"], scout["manifest"]) == ([3], first.digest())
    assert runner.next(held=[scout["attempt"]["id"]]).status_code == 204
    answer = put(studio, job, whole)
    assert (answer.status_code, answer.json()["uploading"]) == (200, False)
    assert held(studio, job) == []
    assert studio.verb(job, "release").status_code == 200
    runner.render(scout)
    for frame in (1, 2, 4, 5):
        assignment = runner.take()
        assert (assignment["task"]["frames"], assignment["manifest"]) == ([frame], whole.digest())
        assert assignment["session"] != scout["session"]
        runner.render(assignment)
    assert studio.state(job) == "success"


def test_the_last_file_comes_while_a_scout_is_given_out(studio: Any, submission: Submission) -> None:
    """A runner that asks for the scouts' manifest is told that it is another now: it gives the frame back, which has not failed."""
    job = studio.submit(submission)
    first, whole = manifest(studio, 3), manifest(studio, 1, 2, 3)
    put(studio, job, first, "scouts")
    runner = studio.runner()
    scout = runner.take()
    path, asked = f"/attempts/{scout['attempt']['id']}/manifest", {"fence": scout["attempt"]["fence"]}
    assert runner.ask("GET", path, params={**asked, "digest": first.digest()}).content == first.to_bytes()
    assert put(studio, job, whole).status_code == 200
    answer = runner.ask("GET", path, params={**asked, "digest": first.digest()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-allowed-now")
    assert runner.ask("GET", path, params=asked).content == whole.to_bytes(), "an older runner does not say which"
    assert runner.finish(scout, "killed").status_code == 200
    again = runner.take()
    assert (again["task"]["frames"], again["manifest"], again["attempt"]["last_try"]) == ([3], whole.digest(), False)
    runner.render(again)
    assert studio.states(job)[2] == "success"


def test_nothing_but_scouts_goes_early(studio: Any, submission: Submission) -> None:
    """Neither a release nor a resume, nor a retry of what was killed, starts a frame whose files may be missing."""
    job = studio.submit(submission)
    put(studio, job, manifest(studio, 3), "scouts")
    assert studio.verb(job, "release").status_code == 200
    assert studio.verb(job, "hold").status_code == 200
    assert studio.verb(job, "resume").status_code == 200
    assert studio.states(job) == ["holding", "holding", "ready", "holding", "holding"]
    assert studio.verb(job, "kill").status_code == 200
    assert studio.verb(job, "retry").status_code == 200
    assert studio.states(job) == ["holding", "holding", "ready", "holding", "holding"]
    assert put(studio, job, manifest(studio, 1, 2, 3, 4, 5)).status_code == 200
    assert set(studio.states(job)) == {"ready"}


def test_a_job_killed_meanwhile_can_be_tried_again(studio: Any, submission: Submission) -> None:
    """Its files come to the end all the same, and a retry renders it."""
    job = studio.submit(submission)
    put(studio, job, manifest(studio, 3), "scouts")
    studio.verb(job, "kill")
    assert put(studio, job, manifest(studio, 1, 3)).status_code == 200
    assert set(studio.states(job)) == {"killed"}
    studio.verb(job, "retry")
    assert studio.states(job) == ["holding", "holding", "ready", "holding", "holding"]
    assert held(studio, job) == []


def test_the_whole_has_what_the_scouts_were_given(studio: Any, submission: Submission) -> None:
    """A file that lacks, or is another, is refused by name; and what was committed stays."""
    job = studio.submit(submission)
    put(studio, job, manifest(studio, 2, 3), "scouts")
    for other in (manifest(studio, 1, 3), manifest(studio, 2, 3, size=5)):
        answer = put(studio, job, other)
        assert answer.status_code == 400
        assert "/job/plate.2.exr" in answer.json()["error"]["message"]
    assert held(studio, job) == [1, 2, 4, 5]


def test_the_store_is_not_read_while_others_wait_to_write(
    studio: Any, submission: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the scouts were given is read before the commit; scouts' files that come between the two make it try again."""
    read = type(studio.store).read
    waiting: list[bool] = []

    def watched(store: Any, *asked: Any) -> Any:
        waiting.append(studio.farm.database.writes_here())
        return read(store, *asked)

    monkeypatch.setattr(type(studio.store), "read", watched)
    job = studio.submit(submission)
    put(studio, job, manifest(studio, 3), "scouts")
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "check_grows", lambda *_: None)
        answer = put(studio, job, manifest(studio, 3, 4))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert put(studio, job, manifest(studio, 3, 4)).status_code == 200
    assert set(waiting) == {False}


@pytest.mark.parametrize("scouts", [True, False], ids=["scouts", "whole"])
def test_said_twice_is_said_once(studio: Any, submission: Submission, scouts: bool) -> None:
    """A manifest whose answer was lost is sent again; another one for the scouts is refused."""
    job = studio.submit(submission)
    only = "scouts" if scouts else ""
    for _ in range(2):
        assert put(studio, job, manifest(studio, 3), only).status_code == 200
    assert studio.get(f"/jobs/{job['id']}")["uploading"] is scouts
    assert put(studio, job, manifest(studio, 2, 3), "scouts").status_code == 409


def test_scouts_may_need_all(studio: Any, submission: Submission) -> None:
    """The same manifest, first for the scouts and then for all, lets all go."""
    job = studio.submit(submission)
    for only in ("scouts", ""):
        assert put(studio, job, manifest(studio, 1, 2, 3, 4, 5), only).status_code == 200
    assert held(studio, job) == []


def test_a_job_without_scouts(studio: Any) -> None:
    """There is nothing that could go early."""
    answer = put(studio, studio.submit(studio.commands("1-3")), manifest(studio, 1), "scouts")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "scouts")
