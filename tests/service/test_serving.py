"""A service behind a real socket: streams, long polls, odd requests, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from conductor_core.digest import digest_of
from conductor_service.errors import ApiError
from conductor_service.one_service import AlreadyServed, is_served, sole_service
from conductor_service.serving import CannotListen, Serving, listen, run, service_file, service_url
from conductor_service.settings import Settings


class Served:
    """A studio with a server thread around it."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        self.socket = listen("127.0.0.1", 0)
        self.url = service_url(studio.farm.settings, self.socket.getsockname()[1])
        ready = threading.Event()
        serving = Serving(studio.farm, studio.fleet, self.socket, self.url)
        self.thread = threading.Thread(target=run, args=(serving,), kwargs={"ready": ready.set, "signals": False})
        self.thread.start()
        assert ready.wait(20)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {studio.token}"

    def stop(self) -> float:
        """End the service, and return the seconds that it took."""
        started = time.monotonic()
        self.studio.farm.signals.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.session.close()
        return time.monotonic() - started

    def runner(self) -> Callable[..., requests.Response]:
        """Return what asks, as the runner of the instance that was ordered, which has said hello."""
        for _ in range(100):
            if self.studio.fleet.orders:
                break
            time.sleep(0.02)
        order = next(iter(self.studio.fleet.orders.values()))

        def ask(route: str, **body: Any) -> requests.Response:
            headers = {"Authorization": f"Bearer {order.token}"}
            return requests.post(f"{self.url}/api/v1/runner/{route}", json=body, headers=headers, timeout=30)

        assert ask("hello").status_code == 200
        return ask

    def events(self, query: str = "", **headers: str) -> Iterator[tuple[int, str, Any]]:
        """Yield (number, kind, data) of the stream for as long as somebody listens."""
        answer = self.session.get(f"{self.url}/api/v1/events{query}", stream=True, timeout=20, headers=headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        with answer:
            number, kind = 0, ""
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                field, _, value = line.partition(": ")
                if field == "id":
                    number = int(value)
                elif field == "event":
                    kind = value
                elif field == "data":
                    yield number, kind, json.loads(value)
                elif line == ": connected":
                    yield 0, "connected", None


@pytest.fixture
def served(studio: Any) -> Iterator[Served]:
    """Give a service behind a socket."""
    made = Served(studio)
    yield made
    if made.thread.is_alive():
        made.stop()


def test_events_come_as_they_happen(served: Served) -> None:
    """Whoever listens to a job hears of its tasks and of itself, in order, and of no other job."""
    job, other = served.studio.job(), served.studio.job()
    stream = served.events(f"?job={job['number']}")
    assert next(stream)[1] == "connected"
    served.studio.verb(other, "hold")
    served.studio.verb(job, "kill")
    heard = [next(stream) for _ in range(4)]
    assert [kind for _, kind, _ in heard] == ["task", "task", "task", "job"]
    assert [data["state"] for _, _, data in heard] == ["killed"] * 4
    assert heard[0][2]["job"] == heard[3][2]["id"] == job["id"]
    assert "submission" not in heard[3][2]
    numbers = [number for number, _, _ in heard]
    assert numbers == sorted(set(numbers))


def test_events_are_resumed_without_gap(served: Served) -> None:
    """After a break, the stream goes on behind the number that was seen last, by header or by query."""
    served.studio.job()
    stream = served.events("?after=0")
    next(stream)
    first = next(stream)
    rest = [next(stream)[0] for _ in range(3)]
    for again in (served.events(**{"Last-Event-ID": str(first[0])}), served.events(f"?after={first[0]}")):
        next(again)
        assert [next(again)[0] for _ in range(3)] == rest
    assert served.session.get(f"{served.url}/api/v1/events?after=x", timeout=5).status_code == 400


def test_events_of_a_project_and_of_instances(served: Served) -> None:
    """A project's stream has its jobs; instances are told to who listens to the account."""
    everything, project = served.events(), served.events("?project=default")
    next(everything)
    next(project)
    served.studio.job(served.studio.commands("1"))
    heard = {next(project)[1] for _ in range(2)}  # the job may be told of twice; what comes of one look comes once
    assert heard == {"task", "job"} or (heard == {"job"} and next(project)[1] == "task")
    kinds = {"connected"}
    while "instance" not in kinds:
        kinds.add(next(everything)[1])
    assert kinds <= {"connected", "job", "task", "instance"}


def test_a_poll_is_answered_when_work_comes(served: Served) -> None:
    """A runner that waits gets its task at once when there is one, and nothing when its time is up."""
    served.studio.job(served.studio.commands("1"))
    runner = served.runner()
    assert runner("next", wait_seconds=0).status_code == 200
    answers: list[requests.Response] = []

    def poll() -> None:
        answers.append(runner("next", wait_seconds=20))

    waiting = threading.Thread(target=poll)
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    served.studio.job(served.studio.commands("1"))
    waiting.join(5)
    assert [a.status_code for a in answers] == [200]


def test_a_poll_that_is_woken_is_not_heard_of(served: Served) -> None:
    """To wake a runner that waits is no sign of life: the bill of one that died meanwhile would go on."""
    served.studio.job(served.studio.commands("1"))
    farm, runner = served.studio.farm, served.runner()
    assert runner("next", wait_seconds=0).status_code == 200
    waiting = threading.Thread(target=runner, args=("next",), kwargs={"wait_seconds": 20})
    waiting.start()
    time.sleep(0.3)
    heard = dict(farm.seen)
    assert heard
    served.studio.clock.pass_time(1)
    farm.signals.work.send()
    time.sleep(0.3)
    assert waiting.is_alive()
    assert farm.seen == heard
    served.studio.job(served.studio.commands("1"))
    waiting.join(5)


def test_an_upload_must_say_its_size(served: Served) -> None:
    """A body of unknown length is refused before it is read."""
    path = f"{served.url}/api/v1/projects/default/objects/{digest_of(b'x')}"
    answer = served.session.put(path, data=iter([b"x"]), timeout=5)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "Content-Length")


def test_an_upload_that_breaks_off_leaves_nothing(served: Served) -> None:
    """A connection cut in the middle of a body keeps no half object."""
    data = b"x" * 3_000_000
    digest = digest_of(data)
    with socket.create_connection(self_address(served)) as line:
        head = f"PUT /api/v1/projects/default/objects/{digest} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n"
        line.sendall(f"{head}Authorization: Bearer {served.studio.token}\r\n\r\n".encode() + data[:1_500_000])
    time.sleep(0.3)
    assert served.studio.store.size(digest) is None
    missing = served.session.post(f"{served.url}/api/v1/projects/default/objects/missing", json={"digests": [digest]}, timeout=5)
    assert missing.json() == {"missing": [digest]}


def self_address(served: Served) -> tuple[str, int]:
    host, _, port = served.url.removeprefix("http://").partition(":")
    return host, int(port)


def test_the_end_is_quick_with_streams_and_polls_open(served: Served) -> None:
    """Open streams and waiting runners do not hold up the end, and the address file is gone after it."""
    stream = served.events()
    next(stream)
    assert served.stop() < 4
    assert not service_file(served.studio.farm.settings.data_folder).exists()


def test_the_dashboard_needs_no_token(served: Served) -> None:
    """The page itself is for everyone; what it shows is not."""
    answer = requests.get(f"{served.url}/", timeout=5)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_the_address_is_left_for_tools(served: Served) -> None:
    """While it runs, service.json says where and who, to its user alone."""
    file = service_file(served.studio.farm.settings.data_folder)
    assert json.loads(file.read_text())["url"] == served.url
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_said() -> None:
    """An address that somebody has is an error with a way out."""
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(CannotListen, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(), "http://127.0.0.1:7"),
        (Settings(host="0.0.0.0"), "http://127.0.0.1:7"),
        (Settings(host="::"), "http://[::1]:7"),
        (Settings(tls_certificate="c", tls_key="k"), "https://127.0.0.1:7"),
        (Settings(public_url="https://farm.studio/"), "https://farm.studio"),
    ],
)
def test_the_address_that_others_use(settings: Settings, url: str) -> None:
    """Runners and people are given an address that they can reach, not the one that was bound."""
    assert service_url(settings, 7) == url


def test_a_data_folder_has_one_service(studio: Any) -> None:
    """A second service on the same folder is refused; after the first ends, the folder is free."""
    data = studio.farm.settings.data_folder
    with sole_service(data), pytest.raises(AlreadyServed), sole_service(data):
        pass
    with sole_service(data):
        pass


def test_who_only_looks_keeps_no_service_from_starting(studio: Any) -> None:
    """An audit takes the lock for an instant to see whether a service runs: one that starts just then tries again."""
    data = studio.farm.settings.data_folder
    with contextlib.ExitStack() as looking:
        looking.enter_context(sole_service(data))  # as good as a look, of which nobody can be in the middle
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                looking.close()

        with sole_service(data, sleep=sleep):
            assert is_served(data)
    assert len(waits) == 3
    waits.clear()
    with sole_service(data), pytest.raises(AlreadyServed), sole_service(data, sleep=waits.append):
        pass
    assert 0.5 < sum(waits) < 2


def test_an_error_without_a_next_step() -> None:
    """An error document always has its four fields."""
    assert ApiError("what").document() == {"error": {"code": "internal", "message": "what", "next": ""}}


def test_short_answers_are_not_held_back() -> None:
    """What is accepted sends at once: the body of an answer does not wait until the other side has acknowledged its head."""

    async def gone(writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def scenario() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            found.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            await gone(writer)

        bound = listen("127.0.0.1", 0)
        async with asyncio.timeout(30), await asyncio.start_server(accepted, sock=bound):
            _, writer = await asyncio.open_connection(*bound.getsockname())
            answer = await found
            await gone(writer)
        return answer

    assert asyncio.run(scenario())
