"""The runner's client over real HTTP, against a small server that answers what a test tells it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.errors import Conflict, Forbidden, NotFound, Refused, ServiceError, ServiceUnreachable, Unauthorized
from conductor_service.runner.assignment import AttemptRef
from conductor_service.runner.errors import Retired, StaleAttempt, service_is_gone
from conductor_service.runner.exact_bytes import Changed
from conductor_service.runner.http_service import HttpRunnerService, Patience
from conductor_service.runner.service import Beat, HostFacts, OutputRecord, Verdict

ATTEMPT = AttemptRef("a1", 7, 1)


class Answer:
    """What the server says next."""

    def __init__(self, status: int, body: object = None, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.status = status
        self.data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.headers = headers or {}
        self.cut = cut


class Script:
    """A server that gives its answers in turn and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.connections: set[Any] = set()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                script.asked.append((self.command, self.path, body))
                script.headers.append(dict(self.headers))
                script.connections.add(self.client_address)
                answer = script.answers.pop(0)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                if answer.cut:
                    self.wfile.write(answer.data[: len(answer.data) // 2])
                    self.wfile.flush()
                    self.connection.close()
                    self.close_connection = True
                    return
                self.wfile.write(answer.data)

            do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def script() -> Iterator[Script]:
    """Give a running server."""
    found = Script()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


class Clock:
    """Time that goes by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, seconds: float = 20.0) -> Patience:
        return Patience(seconds, lambda: self.now, self.sleep, lambda: 1.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(script: Script, clock: Clock) -> Iterator[HttpRunnerService]:
    found = HttpRunnerService(script.url, "cdr_secret", patience=clock.patience())
    yield found
    found.close()


def test_the_calls_of_an_attempt(script: Script, service: HttpRunnerService, tmp_path: Path) -> None:
    """Each route is asked as docs/api.md has it, with token and fence, over one connection."""
    file = tmp_path / "x.exr"
    file.write_bytes(b"pixels")
    digest = digest_of(b"pixels")
    script.answers = [
        Answer(200, {"instance": "i", "lease_seconds": 60, "heartbeat_seconds": 5}),
        Answer(204),
        Answer(200, {"action": "kill", "reason": "no"}),
        Answer(200, {"size": 5}),
        Answer(200, b"{}"),
        Answer(200, b"pixels"),
        Answer(201, {}),
        Answer(200, {"outputs": [{"id": "o1", "path": "/a"}]}),
        Answer(200, {}),
        Answer(200, {}),
        Answer(200, {}),
    ]
    assert service.hello(HostFacts("h", 2, 5, "1")).heartbeat_seconds == 5
    assert service.next(wait_seconds=1, sessions=("s",), held=("a0",)) is None
    orders = service.beat(ATTEMPT, Beat(0.5, 3, "half", 9))
    assert (orders.action, orders.reason) == ("kill", "no")
    assert service.append_log(ATTEMPT, 0, b"hello") == 5
    assert service.manifest(ATTEMPT, "m1") == b"{}"
    assert b"".join(service.fetch_object(ATTEMPT, digest)) == b"pixels"
    service.store_object(ATTEMPT, digest, file, 6)
    record = OutputRecord("/a", digest, 6, 0o644, 1, "s", 3, 8, 4, ("Z",))
    assert service.publish(ATTEMPT, (record,)) == {"/a": "o1"}
    service.store_preview(ATTEMPT, "o1", b"png")
    service.finish(ATTEMPT, Verdict("success", frames_done=(3,)))
    service.goodbye()
    base = "/api/v1/runner"
    assert [(m, p) for m, p, _ in script.asked] == [
        ("POST", f"{base}/hello"),
        ("POST", f"{base}/next"),
        ("POST", f"{base}/attempts/a1/beat"),
        ("PUT", f"{base}/attempts/a1/log?offset=0&fence=7"),
        ("GET", f"{base}/attempts/a1/manifest?fence=7&digest=m1"),
        ("GET", f"{base}/attempts/a1/objects/{digest}?fence=7"),
        ("PUT", f"{base}/attempts/a1/objects/{digest}?fence=7"),
        ("POST", f"{base}/attempts/a1/outputs"),
        ("PUT", f"{base}/attempts/a1/outputs/o1/preview?fence=7"),
        ("POST", f"{base}/attempts/a1/finish"),
        ("POST", f"{base}/goodbye"),
    ]
    assert all(h["Authorization"] == "Bearer cdr_secret" for h in script.headers)
    assert json.loads(script.asked[2][2]) == {"fence": 7, "progress": 0.5, "frame": 3, "status": "half", "peak_memory": 9}
    assert script.asked[6][2] == b"pixels"
    assert json.loads(script.asked[7][2])["outputs"][0]["layers"] == ["Z"]
    assert json.loads(script.asked[9][2])["frames_done"] == [3]
    assert len(script.connections) == 1


def error(status: int, code: str = "x", headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"error": {"code": code, "message": "what", "next": "do"}}, headers)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401), Unauthorized),
        (error(403), Forbidden),
        (error(404), NotFound),
        (error(400), Refused),
        (error(422, "wrong-content"), Refused),
        (error(409, "stale-attempt"), StaleAttempt),
        (error(409, "not-allowed-now"), Conflict),
        (error(410, "retire"), Retired),
    ],
    ids=["401", "403", "404", "400", "422", "stale", "conflict", "410"],
)
def test_a_no_is_not_asked_again(script: Script, service: HttpRunnerService, answer: Answer, kind: type[Exception]) -> None:
    """Each refusal is an error of its own kind, at once."""
    script.answers = [answer]
    with pytest.raises(kind):
        service.finish(ATTEMPT, Verdict("success"))
    assert len(script.asked) == 1


PAGE = {"Content-Type": "text/html"}
STRANGERS = {
    "200": Answer(200, b"<html>", PAGE),
    "302": Answer(302, b"", {"Location": "http://127.0.0.1:9/"}),
    "400": Answer(400, b"<html>", PAGE),
    "401": Answer(401, b"<html>", PAGE),
    "404": Answer(404, {"detail": "Not Found"}),
    "410": Answer(410, b"<html>", PAGE),
    "502": Answer(502, b"<html>", PAGE),
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_s_answer_is_no_answer(
    script: Script, service: HttpRunnerService, clock: Clock, answer: Answer, tmp_path: Path
) -> None:
    """What another web server says at that address is neither a receipt nor a no: it is waited for the service itself."""
    (tmp_path / "x").write_bytes(b"pixels")
    script.answers = [answer, Answer(201, {})]
    service.store_object(ATTEMPT, digest_of(b"pixels"), tmp_path / "x", 6)
    assert [body for _, _, body in script.asked] == [b"pixels"] * 2
    script.answers = [answer] * 99
    with pytest.raises(ServiceUnreachable, match="is not the service"):
        service.finish(ATTEMPT, Verdict("success"))
    assert service.silence_seconds() >= 20


def test_a_file_that_grows_is_sent_as_it_was_taken(script: Script, service: HttpRunnerService, tmp_path: Path) -> None:
    """A task that still holds it open cannot have the instance send terabytes; with each try the same bytes go."""
    (tmp_path / "x").write_bytes(b"pixels")
    os.truncate(tmp_path / "x", 1 << 42)
    script.answers = [Answer(503, {"error": {"code": "busy", "message": "later"}}), Answer(201, {})]
    service.store_object(ATTEMPT, digest_of(b"pixels"), tmp_path / "x", 6)
    assert [body for _, _, body in script.asked] == [b"pixels"] * 2


def test_a_file_that_shrinks_is_not_sent_again_and_again(script: Script, service: HttpRunnerService, tmp_path: Path) -> None:
    """What lacks its end will lack it with each try: the caller hears of it at once."""
    (tmp_path / "x").write_bytes(b"pix")
    with pytest.raises(Changed):
        service.store_object(ATTEMPT, digest_of(b"pixels"), tmp_path / "x", 6)


def test_trouble_is_asked_again_with_growing_pauses(script: Script, service: HttpRunnerService, clock: Clock) -> None:
    """500, 429 with its Retry-After, and a connection cut in the middle are all got over."""
    script.answers = [
        error(500),
        error(429, headers={"Retry-After": "3"}),
        Answer(200, {"outputs": []}, cut=True),
        Answer(200, {"outputs": []}),
    ]
    assert service.publish(ATTEMPT, ()) == {}
    assert clock.slept == [0.2, 3.0, 0.8]


def test_the_patience_ends(script: Script, service: HttpRunnerService, clock: Clock) -> None:
    """A service that answers nothing but trouble is given up after the time that was set."""
    script.answers = [error(503) for _ in range(99)]
    with pytest.raises(ServiceUnreachable, match="503"):
        service.finish(ATTEMPT, Verdict("success"))
    assert 20 <= clock.now < 30
    assert service.silence_seconds() == clock.now


def test_a_call_that_fails_alone_is_given_up_alone(script: Script, service: HttpRunnerService, clock: Clock) -> None:
    """Answers to other calls do not prolong a call's own patience, and show that the service itself is not gone."""
    calls = 0

    def sleep(seconds: float) -> None:
        nonlocal calls
        calls += 1
        clock.now += seconds
        script.answers = [Answer(200, {"action": "go-on"}), error(500)]
        service.beat(ATTEMPT, Beat())

    service._patience = replace(clock.patience(), sleep=sleep)
    script.answers = [error(500)]
    with pytest.raises(ServiceError, match="500") as caught:
        service.publish(ATTEMPT, ())
    assert not service_is_gone(caught.value)
    assert 20 <= clock.now < 30
    assert calls < 20


def test_texts_of_a_task_are_sent_as_json_that_any_service_reads(script: Script, service: HttpRunnerService) -> None:
    """Half of a surrogate pair, as a file's name or a hostile status may have it, never reaches the service."""
    script.answers = [Answer(200, {"action": "go-on"}), Answer(200, {})]
    service.beat(ATTEMPT, Beat(status="fr\udcffame ä"))
    service.finish(ATTEMPT, Verdict("failed", "crashed", message="\ud800"))
    assert json.loads(script.asked[0][2].decode())["status"] == "fr?ame ä"
    assert json.loads(script.asked[1][2].decode())["message"] == "?"
    assert script.headers[0]["Content-Type"] == "application/json"


def test_nobody_there(clock: Clock) -> None:
    """No connection is ServiceUnreachable; a beat does not wait, since the next one says the same."""
    nobody = HttpRunnerService("http://127.0.0.1:9", "t", patience=clock.patience())
    with pytest.raises(ServiceUnreachable):
        nobody.beat(ATTEMPT, Beat())
    assert clock.slept == []
    with pytest.raises(ServiceUnreachable, match="does not answer"):
        nobody.goodbye()
    assert len(clock.slept) == 2
    nobody.close()


def test_a_log_at_another_offset_says_its_size(script: Script, service: HttpRunnerService) -> None:
    """409 with X-Log-Size is an answer: shipping goes on from there."""
    script.answers = [error(409, "not-allowed-now", {"X-Log-Size": "3"})]
    assert service.append_log(ATTEMPT, 10, b"x") == 3


def test_an_object_cut_in_the_middle_is_an_error(script: Script, service: HttpRunnerService) -> None:
    """The caller hears of it, and nothing passes for the whole."""
    script.answers = [Answer(200, b"x" * 10_000, cut=True)]
    with pytest.raises(ServiceUnreachable, match="broke off"):
        b"".join(service.fetch_object(ATTEMPT, digest_of(b"")))


def test_each_thread_has_its_own_connection(script: Script, service: HttpRunnerService) -> None:
    """Worker, courier and publisher never share one."""
    script.answers = [Answer(200, {}) for _ in range(4)]

    def twice(call: Callable[[], None]) -> None:
        call()
        call()

    threads = [threading.Thread(target=twice, args=(service.goodbye,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(script.connections) == 2
