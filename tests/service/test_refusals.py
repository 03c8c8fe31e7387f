"""What goes wrong inside is answered in the same form as what is wrong with a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import TransferError
from conductor_service.store import MemoryStore, ObjectMissing, StoreFull, StoreUnwritable
from sqlalchemy.exc import OperationalError


class SickStore(MemoryStore):
    """A store that fails in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def size(self, digest: Digest) -> int | None:
        return 1

    def read(self, digest: Digest, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        raise self.error

    def write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> bool:
        for _ in chunks:
            pass
        raise self.error


NAME = digest_of(b"x")


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (StoreFull("/store"), 503, "busy", "3"),
        (StoreUnwritable("/store", "read-only"), 503, "busy", "3"),
        (TransferError("/store", "the disk is broken"), 500, "internal", None),
        (OperationalError("UPDATE", {}, Exception("database is locked")), 503, "busy", "2"),
        (RuntimeError("secret detail"), 500, "internal", None),
    ],
    ids=["full", "read-only", "broken", "database locked", "unforeseen"],
)
def test_a_sick_store_is_said(make_studio: Any, error: Exception, status: int, code: str, retry: str | None) -> None:
    """A full disk asks to come back later; what nobody foresaw says nothing of the inside, and the log says all."""
    make_studio.store = SickStore(error)
    studio = make_studio()
    answer = studio.ask("PUT", f"/projects/default/objects/{NAME}", content=b"x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == retry
    assert "secret detail" not in answer.text


def test_an_object_that_vanished_is_404(make_studio: Any) -> None:
    """An object that is lost between looking and reading is not there."""
    studio = make_studio()
    studio.upload(b"x")
    studio.http.close()
    make_studio.store = SickStore(ObjectMissing(NAME))
    studio = make_studio()
    answer = studio.ask("GET", f"/projects/default/objects/{NAME}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7"])
def test_a_body_of_the_wrong_form_is_400(studio: Any, body: bytes) -> None:
    """JSON that is no object is refused with a document, not with a traceback."""
    for path in ("/projects/default/jobs", "/projects/default/objects/missing"):
        answer = studio.ask("POST", path, content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_a_retired_runner_cannot_say_hello(studio: Any) -> None:
    """An instance that has ended stays ended."""
    studio.job()
    runner = studio.runner()
    assert runner.hello().status_code == 200
    studio.scheduler.end(runner.id, "test")
    assert runner.hello().status_code == 401


def test_a_runner_that_never_said_hello_gets_nothing(studio: Any) -> None:
    """Work is given only to instances that are up."""
    studio.job()
    studio.scheduler.tick()
    order = next(iter(studio.fleet.orders.values()))
    answer = studio.http.request(
        "POST", "/api/v1/runner/next", json={"wait_seconds": 0}, headers={"Authorization": f"Bearer {order.token}"}
    )
    assert answer.status_code == 204
