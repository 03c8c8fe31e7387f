"""A stale attempt can publish nothing: a real token and a real old fence, tried on every route of the runner."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from conductor_core.digest import digest_of
from road.chaos import leftovers
from road.chaos.renderers import Fake
from road.chaos.world import Submitted, World, open_world, wait_for

pytestmark = [pytest.mark.xdist_group("rendering"), pytest.mark.skipif(sys.platform != "linux", reason="runners need Linux")]

PNG = b"\x89PNG\r\n\x1a\n of a stale attempt"
EVIL = b"of a stale attempt"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """Give a world of which everything is this test's."""
    with open_world(tmp_path, Fake()) as found:
        yield found


class Stale:
    """The voice of an attempt that lost its task, as its instance has it."""

    def __init__(self, world: World, attempt: sqlite3.Row) -> None:
        self._root = f"{world.service.url}/api/v1/runner/attempts/{attempt['id']}"
        token = (world.ledger / attempt["instance_id"] / "token").read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}"}
        self.fence = attempt["fence"]

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        """Return status and error code."""
        answer = requests.request(method, self._root + path, headers=self._headers, timeout=30, **request)
        code = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
        return answer.status_code, code


def test_nothing_of_a_stale_attempt_lands_anywhere(fresh: World) -> None:
    """Every route refuses it, no row and no object changes; its runner, woken again, goes on with other work."""
    world = fresh
    job = world.submit("stale", range(1, 5), chunk=4)
    wait_for("a frame is accepted", lambda: _outputs(world))
    (runner,) = world.instances.runners()
    family = [runner, *runner.children(recursive=True)]
    _signal(family, signal.SIGSTOP)
    first = _attempts(world)[0]
    wait_for("another instance has the task", lambda: len(_attempts(world)) > 1)
    wait_for("all is accepted from there", lambda: len(_outputs(world)) == len(job.frames))
    before = _snapshot(world)
    stale = Stale(world, first)
    for fence in (stale.fence, stale.fence + 1):
        _try_all(stale, fence, job, world)
    assert _snapshot(world) == before
    assert world.database("SELECT kind FROM late_report WHERE attempt_id = ?", first["id"])
    _signal(family, signal.SIGCONT)
    wait_for("all is home", lambda: all(job.home(frame).exists() for frame in job.frames))
    wait_for("its instances end", lambda: not leftovers.unended(world))
    assert [job.home(frame).read_bytes() for frame in job.frames] == [world.renderer.expected(job.seed, f) for f in job.frames]
    assert len(_outputs(world)) == len(job.frames)
    wait_for("nothing is left", lambda: not leftovers.find(world))


def _try_all(stale: Stale, fence: int, job: Submitted, world: World) -> None:
    """Ask for everything an attempt may ask for, and say everything it may say."""
    refused = (409, "stale-attempt")
    query = {"fence": str(fence)}
    digest = digest_of(EVIL)
    known = world.database("SELECT digest FROM manifest_object JOIN object ON object.id = object_id")[0]["digest"]
    output = _outputs(world)[-1]
    record = {"path": str(job.home(4)), "digest": digest, "size": len(EVIL), "step": "beauty", "frame": 4}
    accepted = {**record, "digest": output["digest"], "size": output["size"]}
    assert stale.ask("GET", "/manifest", params=query) == refused
    assert stale.ask("GET", f"/objects/{known}", params=query) == refused
    assert stale.ask("PUT", f"/objects/{digest}", params=query, data=EVIL) == refused
    assert stale.ask("POST", "/outputs", json={"fence": fence, "outputs": [record]}) == refused
    assert stale.ask("POST", "/outputs", json={"fence": fence, "outputs": [accepted]}) == refused
    assert stale.ask("POST", "/beat", json={"fence": fence, "progress": 0.9}) == refused
    for state, cause in (("success", ""), ("failed", "crashed"), ("killed", "preempted")):
        body = {"fence": fence, "state": state, "cause": cause, "frames_done": list(job.frames)}
        assert stale.ask("POST", "/finish", json=body) == refused
    # that it is lost is on record already: to say so again changes nothing
    lost = stale.ask("POST", "/finish", json={"fence": fence, "state": "killed", "frames_done": list(job.frames)})
    assert lost == (refused if fence != stale.fence else (200, ""))
    # last words and pictures may come after an attempt's end: of what was its own
    preview = stale.ask("PUT", f"/outputs/{output['id']}/preview", params=query, data=PNG)
    assert preview == (refused if fence != stale.fence else (404, "not-found"))


def _attempts(world: World) -> list[sqlite3.Row]:
    return world.database("SELECT * FROM attempt ORDER BY number")


def _outputs(world: World) -> list[sqlite3.Row]:
    return world.database("SELECT * FROM output ORDER BY seq")


def _snapshot(world: World) -> dict[str, Any]:
    """Return all that publishing could change: rows without the new attempt's progress, and every file of the store."""
    tables = ("output", "project_file", "project_object", "object", "manifest")
    rows: dict[str, Any] = {table: [tuple(row) for row in world.database(f"SELECT * FROM {table}")] for table in tables}
    rows["output"] = [row["id"] for row in _outputs(world)]
    rows["object"] = [
        row["digest"] for row in world.database("SELECT digest FROM object") if not _is_preview(world, row["digest"])
    ]
    rows["stale"] = [tuple(row) for row in world.database("SELECT state, ended, progress, frame FROM attempt WHERE number = 1")]
    store = world.data / "store"
    rows["store"] = sorted(p.name for p in store.rglob("*") if p.is_file() and not _is_preview(world, f"sha256:{p.name}"))
    return rows


def _is_preview(world: World, digest: str) -> bool:
    return bool(world.database("SELECT id FROM output WHERE preview = ?", digest))


def _signal(family: list[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # a short-lived one of its children has ended by itself
            process.send_signal(number)
