"""Jobs over HTTP: submitted once, checked at the door, listed newest first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from alembic import command
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import MAX_METADATA, Software, Step, Submission
from conductor_service import database
from conductor_service.catalogue import InstanceType, Package
from conductor_service.models import Job


def post(studio: Any, submission: Submission, **changes: Any) -> Any:
    return studio.ask("POST", "/projects/default/jobs", json={**to_json(submission), **changes})


def test_the_same_submission_is_the_same_job(studio: Any) -> None:
    """A submission sent twice, as after a broken connection, makes one job: 201, then 200."""
    submission = studio.commands()
    first, second = post(studio, submission), post(studio, submission)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(studio.get("/jobs")["jobs"]) == 1


def test_a_job_shows_what_was_asked_for(studio: Any) -> None:
    """The job has the submission as it was sent, its steps, and counts by frames and tasks."""
    submission = studio.commands("1-10", chunk=4, metadata={"shot": "010"}, priority=70)
    job = post(studio, submission).json()
    assert job["submission"] == to_json(submission)
    assert [(s["name"], s["frames"], s["state"]) for s in job["steps"]] == [("main", "1-10", "uploading")]
    assert (job["frames"]["pending"], job["tasks"]["pending"]) == (10, 3)
    assert (job["metadata"], job["priority"], job["submitted_by"], job["cost"]) == ({"shot": "010"}, 70, "Ada", "0.0000")
    assert [t["frames"] for t in studio.tasks(job)] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instance_type": "huge"}, "instance_type"),
        ({"software": {"name": "maya", "version": "2025"}}, "software"),
        ({"project": "other"}, "project"),
        ({"priority": 101}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"steps": []}, "steps"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_field_is_named(studio: Any, changes: dict[str, Any], field: str) -> None:
    """400 names the field, and says what there is instead where there is a catalogue."""
    answer = post(studio, studio.commands(), **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (400, "invalid", field)
    assert studio.get("/jobs") == {"jobs": []}


def test_a_wrong_frame_range_is_named(studio: Any) -> None:
    """A frame range that cannot be read is answered with the step and the part that is wrong."""
    submission = studio.commands()
    wrong = to_json(replace(submission.steps[0], frames="1-x"))
    answer = post(studio, submission, steps=[wrong])
    assert answer.status_code == 400
    assert "steps[0].frames" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([("1-20000", 1)], 201),
        ([("1-20001", 1)], 400),
        ([("1-100000", 5)], 201),
        ([("1-100000", 5), ("1", 1)], 400),
    ],
    ids=["most", "one too many", "chunks", "over several steps"],
)
def test_a_job_has_a_largest_size(studio: Any, steps: list[tuple[str, int]], status: int) -> None:
    """More tasks than the service can change at once are refused with their number and what to do instead."""
    step = studio.commands().steps[0]
    given = [replace(step, name=f"s{i}", frames=frames, chunk_size=size) for i, (frames, size) in enumerate(steps)]
    answer = post(studio, studio.commands(), steps=[to_json(s) for s in given])
    assert answer.status_code == status, answer.text
    if status == 400:
        error = answer.json()["error"]
        assert error["field"] == "steps"
        assert "20,001 tasks, a job may have 20,000" in error["message"]
        assert "chunk_size" in error["next"]


def test_a_manifest_with_missing_objects_is_refused_until_they_are_there(studio: Any) -> None:
    """409 names every object that lacks; after the upload the same manifest is taken, and again is no error."""
    job = studio.submit()
    lacking = "sha256:" + "1" * 64
    there = studio.upload(b"a texture")
    entries = [
        Entry("/job/a.png", digest=there, size=9, mode=0o644, mtime_ns=1),
        Entry("/job/b.png", digest=lacking, size=3, mode=0o644, mtime_ns=1),
    ]
    body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "objects-missing")
    assert answer.json()["error"]["missing"] == [lacking]
    assert studio.state(job) == "uploading"
    body = canonical_bytes(make_manifest(Flavour.POSIX, entries[:1]))
    for _ in range(2):
        answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
        assert (answer.status_code, answer.json()["state"]) == (200, "pending")


def test_a_job_has_one_manifest(studio: Any) -> None:
    """Once committed, the files of a job are fixed."""
    job = studio.job()
    body = canonical_bytes(make_manifest(Flavour.POSIX, []))
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "not-allowed-now")
    assert (error["allowed"], error["next"]) == ([], "Submit a new job.")


def test_a_killed_upload_commits_nothing(studio: Any) -> None:
    """A job that was killed while it was uploading takes no manifest, until somebody retries it."""
    job = studio.submit()
    assert studio.verb(job, "kill").json()["job"]["state"] == "killed"
    body = canonical_bytes(make_manifest(Flavour.POSIX, []))
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
    assert answer.json()["error"]["allowed"] == ["retry"]
    assert studio.verb(job, "retry").json()["job"]["state"] == "uploading"
    assert studio.commit(job)["state"] == "pending"


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        (b"{}", "flavour"),
        (canonical_bytes(make_manifest(Flavour.WINDOWS, [])), "flavour"),
        (b"no json", "(whole)"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(studio: Any, manifest: bytes, field: str) -> None:
    """A manifest of another flavour or another form is 400."""
    answer = studio.ask("PUT", f"/jobs/{studio.submit()['id']}/manifest", content=manifest)
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["error"]["message"] or answer.json()["error"]["field"] == field


def test_the_scene_must_be_in_the_manifest(studio: Any) -> None:
    """A job with a scene needs the scene file among its files."""
    step = Step("Layer", "1", kind="frames")
    submission = replace(studio.commands(), scene="/job/shot.blend", steps=(step,))
    job = post(studio, submission).json()
    data = b"a texture"
    entry = Entry("/job/texture.png", digest=studio.upload(data), size=len(data), mode=0o644, mtime_ns=1)
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=canonical_bytes(make_manifest(Flavour.POSIX, [entry])))
    assert (answer.status_code, "/job/shot.blend" in answer.text) == (400, True)
    both = [entry, replace(entry, path="/job/shot.blend")]
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=canonical_bytes(make_manifest(Flavour.POSIX, both)))
    assert answer.status_code == 200


def test_jobs_are_listed_newest_first(studio: Any) -> None:
    """The list is cut by limit, goes on before a number, and can be narrowed to states and a project."""
    for _ in range(3):
        studio.submit()
    studio.job()
    assert [j["number"] for j in studio.get("/jobs?limit=2")["jobs"]] == [4, 3]
    assert [j["number"] for j in studio.get("/jobs?limit=2&before=3")["jobs"]] == [2, 1]
    assert [j["number"] for j in studio.get("/jobs?state=pending")["jobs"]] == [4]
    assert [j["number"] for j in studio.get("/jobs?state=pending,uploading&project=default&limit=1")["jobs"]] == [4]
    assert "submission" not in studio.get("/jobs")["jobs"][0]
    assert studio.ask("GET", "/jobs?state=idle").status_code == 400
    assert studio.ask("GET", "/jobs?limit=0").json()["error"]["field"] == "limit"


def test_jobs_are_found_by_their_metadata(studio: Any) -> None:
    """Jobs that have all pairs asked for, exactly; a pair may hold any character, an equals sign too."""
    of_shots = [{"shot": "010", "unit": "fx"}, {"shot": "010", "unit": "light"}, {"shot": "0100"}, {"a=b": "c=ü & d"}, {}]
    for metadata in of_shots:
        studio.submit(studio.commands(metadata=metadata))

    def numbers(*pairs: str, **more: Any) -> list[int]:
        return [j["number"] for j in studio.get("/jobs", params={"metadata": list(pairs), **more})["jobs"]]

    assert numbers("shot=010") == [2, 1]
    assert numbers("shot=010", "unit=fx") == [1]
    assert numbers("shot=010", limit=1, before=2) == [1]
    assert numbers("a=b=c=ü & d") == [4]
    assert numbers("shot=01") == numbers("Shot=010") == numbers("shot=") == []
    error = studio.ask("GET", "/jobs?metadata=shot").json()["error"]
    assert (error["code"], error["field"], "shot=010" in error["next"]) == ("invalid", "metadata", True)
    rival = studio.second_token()
    assert studio.get("/jobs?metadata=shot=010", token=rival) == {"jobs": []}


@pytest.mark.parametrize("pairs", [["a=b"] * 3000, ["a" + "=" * 20_000]], ids=["many pairs", "a pair with many readings"])
def test_a_question_that_no_database_takes_is_refused(studio: Any, pairs: list[str]) -> None:
    """It is not told as a database that is busy, of which the same is asked again and again."""
    answer = studio.ask("GET", "/jobs", params={"metadata": pairs})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "metadata")


def test_a_job_has_no_more_metadata_than_the_database_takes_in_a_moment(studio: Any) -> None:
    """Each pair is written in the one transaction that may write: ten thousands of them would hold up the whole farm."""
    pairs = {f"k{n}": "v" for n in range(MAX_METADATA + 1)}
    error = post(studio, studio.commands(metadata=pairs)).json()["error"]
    assert (error["code"], error["field"]) == ("invalid", "metadata")
    pairs.popitem()
    assert post(studio, studio.commands(metadata=pairs)).status_code == 201


def test_jobs_are_found_by_their_scene(studio: Any) -> None:
    """However the path of a scene is written, and on Windows in whatever case, it finds the scene's jobs and no others."""
    step = Step("Layer", "1", kind="frames")
    scenes = [
        ("/job/shot.blend", Flavour.POSIX),
        ("/job/Shot.blend", Flavour.POSIX),
        ("C:\\job\\shot.blend", Flavour.WINDOWS),
    ]
    for scene, flavour in scenes:
        studio.submit(replace(studio.commands(), scene=scene, flavour=flavour, steps=(step,)))

    def numbers(scene: str) -> list[int]:
        return [j["number"] for j in studio.get("/jobs", params={"scene": scene})["jobs"]]

    assert numbers("/job/shot.blend") == numbers("/job//./shot.blend") == [1]
    assert numbers("c:/JOB/shot.blend") == [3]
    assert numbers("/job") == []
    assert studio.ask("GET", "/jobs?scene=shot.blend").json()["error"]["field"] == "scene"
    assert studio.get("/jobs/1")["scene"] == "/job/shot.blend"


def test_jobs_from_before_the_marks_are_found(make_studio: Any) -> None:
    """A database of an older version is brought up to date with what its jobs are found by."""
    studio = make_studio()
    job = studio.submit(studio.commands(metadata={"shot": "010"}))
    with studio.farm.database.write() as unit:
        row = unit.session.get_one(Job, job["id"])
        row.submission = json.dumps({**json.loads(row.submission), "of_another_time": True})
    with studio.farm.database.engine.connect() as connection:
        config = database._migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.commit()
    assert [j["number"] for j in make_studio().get("/jobs?metadata=shot=010")["jobs"]] == [1]


def test_a_job_is_found_by_id_and_number(studio: Any) -> None:
    """People say numbers, programs say ids."""
    job = studio.submit()
    assert studio.get("/jobs/1")["id"] == studio.get(f"/jobs/{job['id']}")["id"] == job["id"]
    assert studio.ask("GET", "/jobs/2").status_code == 404
    assert studio.ask("GET", "/jobs/none").status_code == 404


def test_software_is_resolved_when_the_job_is_made(make_studio: Any) -> None:
    """The runner gets the package that the version came to, whole."""
    studio = make_studio()
    studio.job(studio.commands("1", software=Software("command", "1")))
    assert studio.runner().take()["software"]["version"] == "1.0"


def test_the_catalogue_is_shown_without_paths(studio: Any) -> None:
    """People see names, versions and prices; where software lies on instances is not their business."""
    catalogue = studio.get("/catalogue")
    assert any({"name": "command", "version": "1.0"}.items() <= s.items() for s in catalogue["software"])
    assert all(s.keys() == {"name", "version", "description", "plug_in_of"} for s in catalogue["software"])
    assert [t["price_per_hour"] for t in catalogue["instance_types"]] == ["0.10", "0.20", "0.40"]


def test_the_catalogue_says_what_panels_ask_for(make_studio: Any) -> None:
    """Preemptible machines have their own price, or the usual one; a plug-in says of what it is one."""
    cheap = InstanceType("cheap", "1.00", preemptible_price_per_hour="0.30")
    mtoa = Package("mtoa", "5.4", "command", plug_in_of="maya")
    catalogue = make_studio(instance_types=(cheap,), software=(mtoa,)).get("/catalogue")
    prices = {t["name"]: (t["price_per_hour"], t["preemptible_price_per_hour"]) for t in catalogue["instance_types"]}
    assert (prices["cheap"], prices["small"]) == (("1.00", "0.30"), ("0.10", "0.10"))
    assert {s["name"]: s["plug_in_of"] for s in catalogue["software"]} == {"command": "", "mtoa": "maya"}
