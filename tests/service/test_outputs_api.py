"""Outputs: accepted once, only where the step may write, and part of the project from then on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.submission import Output
from conductor_service import events
from conductor_service.models import Job, ProjectFile
from sqlalchemy import select

PNG = b"\x89PNG\r\n\x1a\n rest"


def facts(data: bytes, path: str, frame: int | None = 1, **changes: Any) -> dict[str, Any]:
    return {"path": path, "digest": digest_of(data), "size": len(data), "step": "main", "frame": frame, **changes}


@pytest.fixture
def at_work(studio: Any) -> Any:
    """Give a runner with an assignment whose bytes `b"x"` are stored."""
    studio.job(studio.commands("1-3", chunk=3))
    runner = studio.runner()
    assignment = runner.take()
    assert runner.store(assignment, b"x").status_code == 201
    return runner, assignment


@pytest.mark.parametrize(
    "path",
    [
        "/job/out2/f.png",
        "/job/f.png",
        "/job/out",
        "/job/out/../texture.png",
        "relative.png",
        "/etc/passwd",
        "/job/out/\0.png",
        "C:\\job\\out\\f.png",
    ],
)
def test_a_path_outside_the_outputs_is_refused(at_work: Any, path: str) -> None:
    """A task publishes only in the folders of its step's outputs: by components, `..` and near-names included."""
    runner, assignment = at_work
    answer = runner.publish(assignment, facts(b"x", path))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "path")


@pytest.mark.parametrize(
    ("changes", "status", "what"),
    [
        ({"frame": 7}, 400, "frame"),
        ({"step": "other"}, 400, "step"),
        ({"digest": "sha256:" + "0" * 64}, 409, "objects-missing"),
        ({"digest": "x"}, 400, "digest"),
        ({"size": -1}, 400, "size"),
    ],
    ids=["frame", "step", "bytes not sent", "digest", "size"],
)
def test_a_record_that_is_not_the_tasks_is_refused(at_work: Any, changes: dict[str, Any], status: int, what: str) -> None:
    """Frames, steps and bytes that the task does not have cannot be published."""
    runner, assignment = at_work
    answer = runner.publish(assignment, {**facts(b"x", "/job/out/f.0001.png"), **changes})
    assert answer.status_code == status
    assert what in answer.text


def test_one_wrong_record_publishes_none(studio: Any, at_work: Any) -> None:
    """A call is published whole or not at all."""
    runner, assignment = at_work
    good, bad = facts(b"x", "/job/out/f.0001.png"), facts(b"x", "/etc/f.png")
    assert runner.publish(assignment, good, bad).status_code == 400
    assert studio.get("/jobs/1/outputs") == {"outputs": []}


def test_the_same_again_is_the_same(studio: Any, at_work: Any) -> None:
    """A publication that is repeated, by this attempt or a later one of the same task, is answered with what there is."""
    runner, assignment = at_work
    first = runner.publish(assignment, facts(b"x", "/job/out/f.0001.png")).json()
    assert runner.publish(assignment, facts(b"x", "/job/out/f.0001.png")).json() == first
    runner.finish(assignment, "failed", cause="crashed")
    again = runner.take()
    runner.store(again, b"another rendering")
    assert runner.publish(again, facts(b"another rendering", "/job/out/f.0001.png")).json() == first
    assert len(studio.get("/jobs/1/outputs")["outputs"]) == 1


def test_outputs_are_files_of_the_project(studio: Any, at_work: Any) -> None:
    """What a job rendered need not be uploaded for the next job, and each rendering is a version of its path."""
    runner, assignment = at_work
    runner.publish(assignment, facts(b"x", "/job/out/f.0001.png"), facts(b"x", "/job/out/sub/g.png", None))
    answer = studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest_of(b"x")]})
    assert answer.json() == {"missing": []}
    runner.finish(assignment)
    studio.verb({"id": "1"}, "retry", states=["success"])
    again = runner.take()
    runner.publish(again, facts(b"x", "/job/out/f.0001.png"))
    with studio.farm.database.read() as session:
        files = session.scalars(select(ProjectFile).order_by(ProjectFile.path, ProjectFile.version)).all()
    assert [(f.path, f.version) for f in files] == [
        ("/job/out/f.0001.png", 1),
        ("/job/out/f.0001.png", 2),
        ("/job/out/sub/g.png", 1),
    ]


@pytest.mark.parametrize(("ahead", "kept"), [(-3600, -3600), (3600, 0), (10**9, 0)], ids=["past", "an hour ahead", "far ahead"])
def test_no_output_is_from_the_future(studio: Any, at_work: Any, ahead: int, kept: int) -> None:
    """A task sets what time it likes on its files; none is said to be newer than its publication, so none wins over later work."""
    runner, assignment = at_work
    published = int(studio.clock.now.timestamp()) * 10**9
    runner.publish(assignment, facts(b"x", "/job/out/f.png", mtime_ns=published + ahead * 10**9))
    found = studio.get("/jobs/1/outputs")["outputs"]
    assert [o["mtime_ns"] for o in found] == [published + kept * 10**9]


def test_outputs_are_followed_by_number(studio: Any, at_work: Any) -> None:
    """A downloader asks for what came after the last number it saw, and misses nothing."""
    runner, assignment = at_work
    for frame in (1, 2, 3):
        runner.publish(assignment, facts(b"x", f"/job/out/f.{frame:04d}.png", frame))
    first = studio.get("/jobs/1/outputs?limit=2")["outputs"]
    rest = studio.get(f"/jobs/1/outputs?after={first[-1]['seq']}")["outputs"]
    assert [o["frame"] for o in first + rest] == [1, 2, 3]
    assert [o["seq"] for o in first + rest] == sorted(o["seq"] for o in first + rest)


def test_previews_come_after_the_attempt(studio: Any, at_work: Any) -> None:
    """A preview is 404 until it is made; it may come after the task ended, from the attempt that published alone."""
    runner, assignment = at_work
    output = runner.publish(assignment, facts(b"x", "/job/out/f.0001.png")).json()["outputs"][0]["id"]
    runner.finish(assignment)
    assert studio.ask("GET", f"/outputs/{output}/preview").status_code == 404
    attempt = assignment["attempt"]
    path = f"/attempts/{attempt['id']}/outputs/{output}/preview"
    assert runner.ask("PUT", path, params={"fence": 1}, content=b"GIF").status_code == 400
    assert runner.ask("PUT", path, params={"fence": 9}, content=PNG).status_code == 409
    none = f"/attempts/{attempt['id']}/outputs/none/preview"
    assert runner.ask("PUT", none, params={"fence": 1}, content=PNG).status_code == 404
    assert runner.ask("PUT", path, params={"fence": 1}, content=PNG).status_code == 200
    answer = studio.ask("GET", f"/outputs/{output}/preview")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert studio.get("/jobs/1/outputs")["outputs"][0]["preview"] is True


def test_a_picture_for_anothers_output_is_not_even_stored(studio: Any, at_work: Any) -> None:
    """An attempt whose task went on without it leaves no byte in the store by way of a preview."""
    runner, old = at_work
    runner.finish(old, "failed", cause="crashed")
    new = runner.take()
    runner.store(new, b"x")
    output = runner.publish(new, facts(b"x", "/job/out/f.0001.png")).json()["outputs"][0]["id"]
    before = set(studio.farm.store.digests())
    path = f"/attempts/{old['attempt']['id']}/outputs/{output}/preview"
    answer = runner.ask("PUT", path, params={"fence": old["attempt"]["fence"]}, content=PNG)
    assert answer.status_code == 404
    assert set(studio.farm.store.digests()) == before


def test_a_job_shows_its_newest_picture(studio: Any, at_work: Any) -> None:
    """Previews come in any order; the job's picture is that of the newest output that has one."""
    runner, assignment = at_work
    records = [facts(b"x", f"/job/out/f.{frame:04d}.png", frame) for frame in (1, 2, 3)]
    first, second, third = (o["id"] for o in runner.publish(assignment, *records).json()["outputs"])
    for output, shown in ((second, second), (first, second), (third, third)):
        path = f"/attempts/{assignment['attempt']['id']}/outputs/{output}/preview"
        assert runner.ask("PUT", path, params={"fence": 1}, content=PNG).status_code == 200
        assert studio.get("/jobs/1")["last_output"] == shown


def test_a_jobs_new_picture_is_told(studio: Any, at_work: Any) -> None:
    """The preview of the newest output is an event of the job."""
    runner, assignment = at_work
    (output,) = runner.publish(assignment, facts(b"x", "/job/out/f.0001.png")).json()["outputs"]
    with studio.farm.database.read() as session:
        before = events.newest(session)
    path = f"/attempts/{assignment['attempt']['id']}/outputs/{output['id']}/preview"
    assert runner.ask("PUT", path, params={"fence": 1}, content=PNG).status_code == 200
    with studio.farm.database.read() as session:
        account = session.scalars(select(Job.account_id)).one()
        told = events.after(session, before, now=studio.clock(), account_id=account).told
    assert {e.kind for e in told} == {"output", "job"}
    assert [json.loads(e.data)["last_output"] for e in told if e.kind == "job"] == [output["id"]]


def test_an_instance_sees_its_jobs_files_only(studio: Any, at_work: Any) -> None:
    """A runner fetches the manifest and the objects that it names, and nothing else, not even of the same project."""
    runner, assignment = at_work
    attempt = f"/attempts/{assignment['attempt']['id']}"
    manifest = runner.ask("GET", f"{attempt}/manifest", params={"fence": 1})
    assert digest_of(manifest.content) == assignment["manifest"]
    texture = runner.ask("GET", f"{attempt}/objects/{digest_of(b'a texture')}", params={"fence": 1})
    assert texture.content == b"a texture"
    other = studio.upload(b"another job's file")
    assert runner.ask("GET", f"{attempt}/objects/{other}", params={"fence": 1}).status_code == 404


def test_a_folder_with_the_frame_in_its_name(studio: Any) -> None:
    """Where the output's folder has a frame token, the folder above it is what may be written to."""
    submission = studio.commands("1")
    step = replace(submission.steps[0], outputs=(Output("/job/out/####/beauty.png"),))
    studio.job(replace(submission, steps=(step,)))
    runner = studio.runner()
    assignment = runner.take()
    runner.store(assignment, b"x")
    assert runner.publish(assignment, facts(b"x", "/job/out/0001/beauty.png")).status_code == 200
    assert runner.publish(assignment, facts(b"x", "/job/beauty.png")).status_code == 400


def test_a_runner_hears_nothing_of_other_projects(studio: Any) -> None:
    """Whether an output's bytes are new is said of the job's own project: what others have is nobody's business."""
    studio.job(studio.commands("1"))
    studio.farm.store.write(digest_of(b"x"), [b"x"], 1)  # as somebody else's
    runner = studio.runner()
    assignment = runner.take()
    assert [runner.store(assignment, b"x").status_code for _ in range(2)] == [201, 200]


def test_a_folder_with_a_sharp_in_its_name(studio: Any) -> None:
    """A lone # in a folder's name is no frame token: the task may write in that folder, and not beside it."""
    submission = studio.commands("1")
    step = replace(submission.steps[0], outputs=(Output("/jobs/#42/beauty_####.png"),))
    studio.job(replace(submission, steps=(step,)))
    runner = studio.runner()
    assignment = runner.take()
    assert runner.store(assignment, b"x").status_code == 201
    assert runner.publish(assignment, facts(b"x", "/jobs/#43/beauty_0001.png")).status_code == 400
    assert runner.publish(assignment, facts(b"x", "/jobs/#42/beauty_0001.png")).status_code == 200


def test_bytes_of_a_stale_attempt_give_no_right(studio: Any, at_work: Any) -> None:
    """What an attempt sends after its fence has passed on does not become the project's."""
    runner, assignment = at_work
    runner.finish(assignment, "failed", cause="crashed")
    assert runner.store(assignment, b"late").status_code == 409
    answer = studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest_of(b"late")]})
    assert answer.json() == {"missing": [digest_of(b"late")]}
