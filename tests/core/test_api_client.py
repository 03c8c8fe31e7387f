"""The typed calls, against a service in memory."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from conductor_core.api.answers import Job, read_answer
from conductor_core.api.client import ProjectObjects, ServiceClient
from conductor_core.api.events import Event, parse_events
from conductor_core.api.transport import RetryPolicy, Timing
from conductor_core.digest import digest_of
from conductor_core.errors import Conflict, InvalidDocument, NotFound, Refused, ServiceUnreachable
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Software, Step, Submission

_DATA = b"0123456789" * 1000


@pytest.fixture
def client(fake_service: Any) -> Any:
    timing = Timing(sleep=lambda _: None)
    with ServiceClient(fake_service.url, fake_service.token, retries=RetryPolicy(attempts=3), timing=timing) as client:
        yield client


def _submission(identity: str = "s1") -> Submission:
    step = Step("main", "1-2")
    return Submission(identity, "show", "shot", "/s.blend", Flavour.POSIX, Software("blender", "4.5"), (step,), "small")


def test_me_and_catalogue(client: ServiceClient) -> None:
    """Who I am and what I can ask for come as values."""
    assert client.me().projects[0].name == "show"
    assert client.catalogue().instance_types[0].price_per_hour == "0.10"


def test_a_job_from_submission_to_commit(client: ServiceClient, fake_service: Any) -> None:
    """A submission becomes a job once, its manifest is refused until every object is there, and then taken."""
    job = client.create_job(_submission())
    assert client.create_job(_submission()).id == job.id
    assert job.submission == _submission()
    digest = digest_of(_DATA)
    manifest = make_manifest(Flavour.POSIX, [Entry("/s.blend", digest=digest, size=len(_DATA))])
    assert client.missing("show", {digest: len(_DATA)}) == {digest}
    with pytest.raises(Conflict) as caught:
        client.put_manifest(job.id, manifest)
    assert caught.value.missing == (digest,)
    assert client.put_object("show", digest, lambda: io.BytesIO(_DATA))
    assert not client.put_object("show", digest, lambda: _DATA)
    assert client.put_manifest(job.id, manifest).state == "pending"


def test_wrong_content_is_refused(client: ServiceClient) -> None:
    """Bytes that do not hash to their name are refused by the service, with the code that says so."""
    with pytest.raises(Refused) as caught:
        client.put_object("show", digest_of(b"other"), lambda: _DATA)
    assert caught.value.code == "wrong-content"


def test_a_body_is_opened_afresh_for_each_attempt(client: ServiceClient, fake_service: Any) -> None:
    """A connection that drops in an upload is tried again with all of the bytes."""
    faults = ["drop"]
    fake_service.fault = lambda method, _: faults.pop() if faults and method == "PUT" else None
    opened: list[io.BytesIO] = []

    def body() -> io.BytesIO:
        opened.append(io.BytesIO(_DATA))
        return opened[-1]

    assert client.put_object("show", digest_of(_DATA), body)
    assert len(opened) == 2


@pytest.mark.parametrize("offset", [0, 1, 9999])
def test_an_object_is_read_from_an_offset(client: ServiceClient, fake_service: Any, offset: int) -> None:
    """Range gives the rest of the bytes."""
    fake_service.objects[digest_of(_DATA)] = _DATA
    with client.object_bytes("show", digest_of(_DATA), offset=offset) as blocks:
        assert b"".join(blocks) == _DATA[offset:]


def test_a_server_that_ignores_range(client: ServiceClient, fake_service: Any) -> None:
    """Of a 200 to a Range request, what we have already is passed over."""
    fake_service.fault = lambda *_: (200, {}, _DATA)
    with client.object_bytes("show", digest_of(_DATA), offset=15) as blocks:
        assert b"".join(blocks) == _DATA[15:]


def test_a_body_cut_in_the_middle_is_an_error(client: ServiceClient, fake_service: Any) -> None:
    """A connection that breaks in the middle of a file never passes for its end."""
    fake_service.objects[digest_of(_DATA)] = _DATA
    fake_service.cuts = [100]
    with (
        client.object_bytes("show", digest_of(_DATA)) as blocks,
        pytest.raises(ServiceUnreachable, match="in the middle of a file"),
    ):
        list(blocks)


def test_project_objects_is_the_store_of_one_project(client: ServiceClient, fake_service: Any) -> None:
    """What transfer needs of a store is bound to one project."""
    objects = ProjectObjects(client, "a project/with slash")
    assert objects.put(digest_of(_DATA), lambda: _DATA)
    assert objects.missing({digest_of(_DATA): len(_DATA)}) == frozenset()
    with objects.read(digest_of(_DATA), 3) as blocks:
        assert b"".join(blocks) == _DATA[3:]
    assert "/projects/a%20project%2Fwith%20slash/objects/" in fake_service.requests[0][1]


def test_jobs_tasks_and_the_rest(client: ServiceClient, fake_service: Any) -> None:
    """Every reading call gives values."""
    job = client.create_job(_submission())
    fake_service.publish(job.id, "/out/a.exr", b"pixels")
    assert [j.number for j in client.jobs(limit=5)] == [1]
    assert client.job(1).title == "shot"
    assert client.job("job-1").steps[0].name == "main"
    tasks = client.tasks(1)
    attempts = client.task(tasks[1].id).attempts
    assert attempts is not None
    assert attempts[0].cause == "crashed"
    assert client.outputs(job.id)[0].path == "/out/a.exr"
    assert client.outputs(job.id, after=1) == ()
    assert client.log("a2", offset=4, limit=3) == (b"log", 8)
    assert client.preview("o1").startswith(b"\x89PNG")
    assert len(client.instances()) == 1
    assert len(client.instances(ended=True)) == 2
    assert client.cost(project="show").jobs[0].amount == "0.0834"
    with pytest.raises(NotFound):
        client.job(99)


def test_moves(client: ServiceClient, fake_service: Any) -> None:
    """A move says how many tasks it changed; one that is forbidden says what is allowed."""
    job = client.create_job(_submission())
    changed, now = client.move(job.number, "kill", tasks=["t"], states=["failed"], reason="why")
    assert (changed, now.state) == (1, "killed")
    assert fake_service.jobs["job-1"]["moves"] == [("kill", {"reason": "why", "tasks": ["t"], "states": ["failed"]})]
    with pytest.raises(Conflict) as caught:
        client.move(job.number, "hold")
    assert caught.value.allowed == ("retry",)


def test_an_answer_that_is_no_json(client: ServiceClient, fake_service: Any) -> None:
    """A 200 from something that is not the service is not taken for one."""
    fake_service.fault = lambda *_: (200, {"Content-Type": "text/html"}, b"<html>")
    with pytest.raises(ServiceUnreachable, match="not JSON"):
        client.me()


def test_a_service_that_takes_a_question_and_is_silent(
    client: ServiceClient, fake_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that is not answered in its time is asked again, and given up on in words."""
    answered = threading.Event()
    monkeypatch.setattr("conductor_core.api.calls.QUESTION_TIMEOUT", 0.05)
    fake_service.fault = lambda *_: "drop" if answered.wait(20) else None
    with pytest.raises(ServiceUnreachable, match=r"no answer in time; tried \d times"):
        client.me()
    answered.set()


def test_a_lacking_field_is_named() -> None:
    """An answer that lacks a field is an error that names it."""
    with pytest.raises(InvalidDocument, match="'number'"):
        read_answer(Job, {"id": "x"})
    with pytest.raises(InvalidDocument, match="must be an object"):
        read_answer(Job, [])


def test_events_resume_after_a_break(client: ServiceClient, fake_service: Any) -> None:
    """After a break the stream goes on behind the last event, and says that it is connected anew."""
    fake_service.tell("job", {"id": "1"})
    events = client.events(job="1")
    assert [next(events).kind for _ in range(2)] == ["connected", "job"]
    fake_service.tell("break", None)
    fake_service.tell("output", {"id": "2"})
    seen = [next(events) for _ in range(2)]
    assert [e.kind for e in seen] == ["connected", "output"]
    assert seen[1].data == {"id": "2"}
    assert fake_service.headers[-1]["Last-Event-ID"] == "1"
    events.close()  # type: ignore[attr-defined]


def test_events_stop_when_told(client: ServiceClient, fake_service: Any) -> None:
    """A listener that is told to stop ends at the next comment line."""
    stop: list[bool] = []
    seen = []
    for event in client.events(stopped=lambda: bool(stop)):
        seen.append(event.kind)
        stop.append(True)
    assert seen == ["connected"]


def test_events_of_a_service_that_breaks_off_each_time(client: ServiceClient, fake_service: Any) -> None:
    """A stream that only ever breaks ends in an error instead of a busy loop."""
    fake_service.fault = lambda *_: (200, {"Content-Type": "text/event-stream"}, b"event: x\n")
    with pytest.raises(ServiceUnreachable, match="breaking off"):
        list(client.events())


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("id: 1\nevent: job\ndata: {}\n\n", [Event("job", "1", {})]),
        ("data: [1,\ndata: 2]\n\n", [Event("message", "", [1, 2])]),
        (": comment\n\nevent: job\n\n", []),
        ("id: 7\n\ndata:1\n\n", [Event("message", "7", 1)]),
        ("data: 1", []),
    ],
    ids=["plain", "several data lines", "no data", "id stays", "unfinished"],
)
def test_parsing_events(text: str, events: list[Event]) -> None:
    """Events are read as the specification says."""
    assert list(parse_events(text.split("\n"))) == events
