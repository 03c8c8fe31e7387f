"""What the agent brings home, against a service in memory: small files together, elsewhere if wished, whole projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.journal_rows import OutputRow
from conductor_core.agent.loads import LOAD_BYTES, LOAD_FILES, plan_loads
from conductor_core.transfer.bundle import LARGEST_OBJECT
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _many(desk: Desk, count: int, *, job: str = "job-1") -> dict[str, bytes]:
    """Publish so many files while nobody asks, and return them."""
    files = {f"pass_{n % 3}/shot_{n:04}.exr": b"pixels %d" % n * 20 for n in range(count)}
    for name, data in files.items():
        desk.fake.publish(job, str(desk.home / name), data)
    return files


def test_small_files_come_together(desk: Desk, eventually: Eventually) -> None:
    """Hundreds of small files come in a few answers, and not in one for each; every one is right."""
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 300)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    alone = [path for method, path in desk.fake.requests if method == "GET" and "/objects/" in path]
    assert len(desk.fake.bundles) + len(alone) < 20
    assert client.downloads()[0]["done"] == 300


def test_an_older_service_is_asked_for_each(desk: Desk, eventually: Eventually) -> None:
    """A service that does not bundle is asked once whether it does, and then for one file after the other."""
    asked: list[str] = []
    none = (405, {"Content-Type": "application/json"}, b'{"error": {"code": "invalid", "message": "no such route", "next": ""}}')
    desk.fake.fault = lambda _, path: asked.append(path) or none if path.endswith("/bundle") else None  # type: ignore[func-returns-value]
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 20)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    assert len(asked) == 1


def test_a_bundle_that_breaks_is_gone_on_from(desk: Desk, eventually: Eventually) -> None:
    """What came before the break is not asked for again."""
    desk.fake.cuts = [5000, 5000]
    client = desk.start()
    submitted(client, client.submit(desk.submission(), desk.files(), download=False), eventually)
    files = _many(desk, 100)
    desk.fake.set_state("job-1", "success")
    client.follow("job-1")
    eventually(lambda: client.downloads()[0]["complete"])
    assert _files(desk.home) == files
    asked = [len(sizes) for sizes in desk.fake.bundles]
    assert asked[0] == 100
    assert asked[1] < 100


def _row(number: int, size: int, *, job: str = "j", project: str = "") -> OutputRow:
    return OutputRow("s", job, f"/f{number}", number, "sha256:0", size, 0, 0, "pending", "", 0, "", project=project)


def test_loads_are_small_and_in_order() -> None:
    """Small ones of one job together up to a bound, large ones alone, all at the place of their first."""
    rows = [_row(1, 10), _row(2, LARGEST_OBJECT + 1), _row(3, 10), _row(4, 10, job="k"), _row(5, 10, project="p"), _row(6, 10)]
    assert [[r.seq for r in load] for load in plan_loads(rows)] == [[1, 3, 6], [2], [4], [5]]
    assert [len(load) for load in plan_loads([_row(n, 1) for n in range(LOAD_FILES + 1)])] == [LOAD_FILES, 1]
    assert max(sum(r.size for r in load) for load in plan_loads([_row(n, LARGEST_OBJECT) for n in range(40)])) <= LOAD_BYTES
    assert [len(load) for load in plan_loads(rows, together=False)] == [1] * 6
