"""One call to the service: retries, refusals, plain HTTP, secrets."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from conductor_core import errors
from conductor_core.api.transport import NOT_OURS, Address, BearerToken, RetryPolicy, Timing, Transport, check_address

_ERROR = {"Content-Type": "application/json"}


class _Sleeps:
    """Keep what was slept, and sleep none of it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def timing(self) -> Timing:
        return Timing(clock=lambda: 1_000.0, sleep=self.seconds.append, uniform=lambda low, high: high)


@pytest.fixture
def sleeps() -> _Sleeps:
    return _Sleeps()


def _transport(fake: Any, sleeps: _Sleeps, attempts: int = 4) -> Transport:
    retries = RetryPolicy(attempts=attempts, first_wait=1.0, longest_wait=5.0)
    return Transport(Address(fake.url), fake.token, retries=retries, timing=sleeps.timing())


def _refusal(status: int, **said: Any) -> tuple[int, dict[str, str], bytes]:
    return status, _ERROR, json.dumps({"error": {"code": "x", "message": "It is so.", "next": "Do that.", **said}}).encode()


@pytest.mark.parametrize("fault", [_refusal(503), _refusal(500), _refusal(429), "drop"], ids=["503", "500", "429", "dropped"])
def test_a_passing_fault_is_retried_with_growing_waits(fake_service: Any, sleeps: _Sleeps, fault: Any) -> None:
    """A call that fails three times for a passing reason succeeds at the fourth, with longer and longer waits."""
    faults = [fault] * 3
    fake_service.fault = lambda *_: faults.pop() if faults else None
    assert _transport(fake_service, sleeps).call("GET", "/api/v1/me").status_code == 200
    assert sleeps.seconds == [1.0, 2.0, 4.0]


def test_retries_end(fake_service: Any, sleeps: _Sleeps) -> None:
    """A service that only ever answers 503 is given up on, with its own sentence."""
    fake_service.fault = lambda *_: _refusal(503)
    with pytest.raises(errors.ServiceUnreachable, match=r"It is so\. Do that") as caught:
        _transport(fake_service, sleeps).call("GET", "/api/v1/me")
    assert caught.value.status == 503
    assert len(fake_service.requests) == 4


def test_each_wait_is_told(fake_service: Any, sleeps: _Sleeps) -> None:
    """Whoever looks at a screen hears why nothing happens, before each wait."""
    told: list[str] = []
    faults: list[Any] = ["drop", _refusal(503)]
    fake_service.fault = lambda *_: faults.pop() if faults else None
    timing = replace(sleeps.timing(), waiting=told.append)
    Transport(Address(fake_service.url), fake_service.token, timing=timing).call("GET", "/api/v1/me")
    assert told == ["It is so.", f"{fake_service.url} cannot be reached (the connection broke)."]


@pytest.mark.parametrize(
    ("value", "waited"),
    [("3", 3.0), ("900", 5.0), ("Thu, 01 Jan 1970 00:16:44 GMT", 4.0), ("soon", 1.0)],
    ids=["seconds", "cut to the longest wait", "date", "nonsense"],
)
def test_retry_after_is_honoured(fake_service: Any, sleeps: _Sleeps, value: str, waited: float) -> None:
    """The server's Retry-After decides the wait, within our own limit."""
    faults = [(429, {"Retry-After": value}, b"")]
    fake_service.fault = lambda *_: faults.pop() if faults else None
    _transport(fake_service, sleeps).call("GET", "/api/v1/me")
    assert sleeps.seconds == [waited]


def test_nobody_there(sleeps: _Sleeps) -> None:
    """A refused connection becomes one sentence that names the address, after all attempts."""
    transport = Transport(Address("http://127.0.0.1:9"), "t", retries=RetryPolicy(attempts=2), timing=sleeps.timing())
    with pytest.raises(
        errors.ServiceUnreachable, match=r"127\.0\.0\.1:9 cannot be reached \(connection refused; tried 2 times\)"
    ):
        transport.call("GET", "/")
    assert len(sleeps.seconds) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.Refused), (401, errors.Unauthorized), (403, errors.Forbidden), (404, errors.NotFound), (422, errors.Refused)],
)
def test_refusals_become_our_errors(fake_service: Any, sleeps: _Sleeps, status: int, kind: type[errors.ServiceError]) -> None:
    """Each refusal is raised once, as its own kind, with the service's words."""
    fake_service.fault = lambda *_: _refusal(status)
    with pytest.raises(kind, match=r"It is so\. Do that") as caught:
        _transport(fake_service, sleeps).call("GET", "/api/v1/me")
    assert (caught.value.status, caught.value.code, sleeps.seconds) == (status, "x", [])


def test_conflict_carries_its_lists(fake_service: Any, sleeps: _Sleeps) -> None:
    """A 409 tells the allowed moves and the missing objects."""
    fake_service.fault = lambda *_: _refusal(409, allowed=["hold"], missing=["sha256:aa"])
    with pytest.raises(errors.Conflict) as caught:
        _transport(fake_service, sleeps).call("POST", "/x")
    assert (caught.value.allowed, caught.value.missing) == (("hold",), ("sha256:aa",))


@pytest.mark.parametrize(
    "fault",
    [
        (404, {"Content-Type": "text/html"}, b"<html>secret proxy page</html>"),
        (404, _ERROR, b"<html>secret proxy page"),
        (302, {"Location": "http://elsewhere/"}, b"secret proxy page"),
    ],
    ids=["html", "html that says it is JSON", "redirect"],
)
def test_a_proxys_page_is_not_dumped(fake_service: Any, sleeps: _Sleeps, fault: Any) -> None:
    """What is not ours is named by its status and never quoted; the token follows no redirect."""
    fake_service.fault = lambda *_: fault
    with pytest.raises(errors.ServiceUnreachable, match="not in Conductor's words") as caught:
        _transport(fake_service, sleeps).call("GET", "/api/v1/me")
    assert caught.value.code == NOT_OURS, "it is not the service's no: whoever waits for the service goes on waiting"
    assert "secret" not in str(caught.value)
    assert len(fake_service.requests) == 1


@pytest.mark.parametrize(
    ("service", "allow", "fine"),
    [
        ("https://farm.example", False, True),
        ("https://farm.example/", False, True),
        ("http://127.0.0.1:80", False, True),
        ("http://localhost:80", False, True),
        ("http://[::1]:80", False, True),
        ("http://farm.example", False, False),
        ("http://farm.example", True, True),
        ("http://127.evil.example", False, False),
        ("ftp://farm.example", False, False),
        ("farm.example", False, False),
        ("https://ann:pw@farm.example", False, False),
        ("https://farm.example?token=x", False, False),
    ],
)
def test_plain_http_is_refused_beyond_loopback(service: str, allow: bool, fine: bool) -> None:
    """A token goes over plain HTTP to this machine only, unless it was agreed to."""
    if fine:
        assert check_address(Address(service, allow)) == service.rstrip("/")
    else:
        with pytest.raises(errors.ServiceError) as caught:
            check_address(Address(service, allow))
        assert "pw" not in str(caught.value)


def test_the_token_is_only_in_its_header(fake_service: Any, sleeps: _Sleeps, caplog: pytest.LogCaptureFixture) -> None:
    """The token is in the header of the request, and in no URL, log or repr."""
    caplog.set_level(logging.DEBUG)
    transport = _transport(fake_service, sleeps)
    transport.call("GET", "/api/v1/me")
    assert fake_service.headers[0]["Authorization"] == f"Bearer {fake_service.token}"
    shown = repr(transport) + repr(BearerToken(fake_service.token)) + caplog.text + str(fake_service.requests)
    assert fake_service.token not in shown


def test_tls_that_does_not_verify_is_not_retried(sleeps: _Sleeps, fake_service: Any) -> None:
    """A TLS failure is told at once, as what it is."""
    transport = Transport(Address(fake_service.url.replace("http", "https")), "t", timing=sleeps.timing())
    with pytest.raises(errors.ServiceUnreachable, match="TLS"):
        transport.call("GET", "/")
    assert sleeps.seconds == []


def test_a_request_that_cannot_be_made_is_told(fake_service: Any, sleeps: _Sleeps) -> None:
    """A header that HTTP can't carry is an error of its own, not a retry."""
    with pytest.raises(errors.ServiceError, match="could not be made"):
        _transport(fake_service, sleeps).call("GET", "/", headers={"X": "a\nb"})
