"""Long work in the store is done a few seconds at a time, and what fails does not keep the rest from being done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_service.housework import SECONDS, Housework
from conductor_service.models import Discarded
from conductor_service.store import StoreUnreachable
from sqlalchemy import func, select

BODIES = [f"body {i}".encode() for i in range(250)]


def test_it_goes_on_where_it_was() -> None:
    """Each time it works for some seconds, in order; what is left is not begun a second time."""
    now = [0.0]
    done: list[str] = []

    def steps(name: str, count: int) -> Iterator[None]:
        for number in range(count):
            now[0] += SECONDS / 2
            done.append(f"{name}{number}")
            yield

    work = Housework(lambda: now[0])
    for _ in range(2):
        work.begin(("a", steps("a", 3)), ("b", steps("b", 1)))
    work.go_on()
    assert done == ["a0", "a1"]
    work.go_on()
    assert done == ["a0", "a1", "a2", "b0"]
    work.go_on()
    assert len(done) == 4
    work.begin(("c", steps("c", 9)))
    work.go_on()
    work.forget()
    work.go_on()
    assert done[4:] == ["c0", "c1"]


def test_one_that_fails_does_not_end_the_next(caplog: pytest.LogCaptureFixture) -> None:
    """It is told of, and what comes after it is done; nothing is begun once the service stops."""
    done: list[int] = []
    stopping: list[bool] = []

    def fails() -> Iterator[None]:
        raise StoreUnreachable("https://s3", "timed out")
        yield

    def counts() -> Iterator[None]:
        for number in range(2):
            done.append(number)
            yield

    work = Housework(lambda: 0.0, lambda: bool(stopping))
    work.begin(("Deleting", fails()), ("the next", counts()))
    work.go_on()
    assert done == [0, 1]
    assert "Deleting failed" in caplog.text
    assert "timed out" in caplog.text
    stopping.append(True)
    work.begin(("a third", counts()))
    work.go_on()
    assert done == [0, 1]


def test_leases_run_out_while_much_is_deleted(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that takes its time over hundreds of deletions has the scheduler look at everything else in between."""
    for body in BODIES:
        studio.store.write(digest_of(body), [body], len(body))
    studio.scheduler.tick()
    studio.clock.pass_time(3 * 3600)
    with studio.farm.database.write() as unit:
        unit.session.add_all(Discarded(digest=digest_of(b), since=unit.now - timedelta(hours=2)) for b in BODIES)
    kind = type(studio.store)
    delete = kind.delete

    def slow(store: Any, digest: Digest) -> None:
        studio.clock.pass_time(0.1)
        delete(store, digest)

    monkeypatch.setattr(kind, "delete", slow)
    left: list[int] = []
    while not left or left[-1]:
        studio.scheduler.tick()
        with studio.farm.database.read() as session:
            left.append(session.scalar(select(func.count()).select_from(Discarded)) or 0)
    assert left == [150, 50, 0]
    assert list(studio.store.digests()) == []
