"""What all jobs of a project, or of an account, have published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from conductor_core.documents import to_json
from conductor_service import published
from conductor_service.models import Project
from service.conftest import commands
from sqlalchemy import select


def _rendered(studio: Any, project: str = "default", frames: str = "1-2") -> dict[str, Any]:
    submission = replace(commands(frames, chunk=9), project=project)
    answer = studio.ask("POST", f"/projects/{project}/jobs", json=to_json(submission))
    job: dict[str, Any] = answer.json()
    studio.upload(b"a texture", project)
    studio.commit(job)
    runner = next(iter(studio.runners()))
    runner.render(runner.take())
    return job


@pytest.fixture
def two_projects(studio: Any) -> Any:
    """Give a studio with a second project, and a job in each."""
    with studio.farm.database.write() as unit:
        account = unit.session.scalars(select(Project.account_id)).one()
        unit.session.add(Project(account_id=account, name="other", created=unit.now))
    return studio


def test_outputs_of_all_jobs(two_projects: Any) -> None:
    """By rising number, with number and project of their job; of one project, or of all."""
    first, second = _rendered(two_projects), _rendered(two_projects, "other")
    everything = two_projects.get("/outputs")
    told = [(o["project"], o["number"], o["job"]) for o in everything["outputs"]]
    expected = [("default", 1, first["id"])] * 2 + [("other", 2, second["id"])] * 2
    assert sorted(told) == sorted(expected)
    assert [o["seq"] for o in everything["outputs"]] == sorted(o["seq"] for o in everything["outputs"])
    assert (everything["seq"], everything["more"]) == (everything["outputs"][-1]["seq"], False)
    mine = two_projects.get("/outputs", params={"project": "other"})
    assert {o["project"] for o in mine["outputs"]} == {"other"}
    assert two_projects.ask("GET", "/outputs", params={"project": "none"}).status_code == 404


def test_outputs_come_in_pages(two_projects: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks for what comes after the last; numbers of others are passed over, however many."""
    _rendered(two_projects, "other", "1-4")
    _rendered(two_projects)
    mine = [o["path"] for o in two_projects.get("/outputs", params={"project": "default"})["outputs"]]
    for window in (2, 50_000):
        monkeypatch.setattr(published, "WINDOW", window)
        found, after, more = [], 0, True
        while more:
            page = two_projects.get("/outputs", params={"project": "default", "after": after, "limit": 1})
            assert len(page["outputs"]) <= 1
            assert page["seq"] > after or not page["more"]
            found += page["outputs"]
            after, more = page["seq"], page["more"]
        assert [o["path"] for o in found] == mine


def test_an_account_sees_its_own_only(two_projects: Any) -> None:
    """Another account's agents are told nothing."""
    _rendered(two_projects)
    answer = two_projects.ask("GET", "/outputs", token=two_projects.second_token())
    assert answer.json()["outputs"] == []
