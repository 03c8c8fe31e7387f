"""Bodies that come slowly, stop, or are far too large: the service goes on serving everybody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from anyio import CapacityLimiter
from conductor_core.digest import digest_of
from conductor_core.documents import to_json
from conductor_service.api import make_app
from conductor_service.api.bodies import Intake


def client_of(studio: Any, intake: Intake | None = None) -> httpx.AsyncClient:
    """Return a client of the studio's service that may have many requests open."""
    transport = httpx.ASGITransport(make_app(studio.farm, intake=intake), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {studio.token}"}
    )


async def held_back(data: bytes, go_on: asyncio.Event) -> AsyncIterator[bytes]:
    """Send half of a body, and the rest when it is allowed to."""
    yield data[: len(data) // 2]
    await go_on.wait()
    yield data[len(data) // 2 :]


def put(client: httpx.AsyncClient, path: Callable[[str], str], data: bytes, go_on: asyncio.Event, **params: Any) -> Any:
    headers = {"Content-Length": str(len(data)), **params.pop("headers", {})}
    return client.put(path(digest_of(data)), content=held_back(data, go_on), headers=headers, **params)


def as_person(digest: str) -> str:
    return f"/api/v1/projects/default/objects/{digest}"


def test_slow_uploads_keep_nobody_waiting(studio: Any) -> None:
    """However many people upload slowly, runners report and upload, others ask; and every upload ends well."""
    studio.job()
    runner = studio.runner()
    assignment = runner.take()
    attempt = assignment["attempt"]
    as_runner = {"headers": {"Authorization": f"Bearer {runner.token}"}, "params": {"fence": attempt["fence"]}}

    async def scenario() -> list[int]:
        slow, at_once = asyncio.Event(), asyncio.Event()
        at_once.set()
        async with client_of(studio) as client:
            uploads = [asyncio.create_task(put(client, as_person, b"texture %d" % i, slow)) for i in range(60)]
            await asyncio.sleep(0.2)
            async with asyncio.timeout(10):
                beat = f"/api/v1/runner/attempts/{attempt['id']}/beat"
                said = {"fence": attempt["fence"], "progress": 0.5}
                assert (await client.post(beat, json=said, headers=as_runner["headers"])).json()["action"] == "go-on"
                assert (await client.get("/api/v1/jobs")).status_code == 200
                path = f"/api/v1/runner/attempts/{attempt['id']}/objects/{{}}".format
                assert (await put(client, path, b"picture", at_once, **as_runner)).status_code == 201
            assert not any(task.done() for task in uploads)
            slow.set()
            return [(await task).status_code for task in uploads]

    assert asyncio.run(scenario()) == [201] * 60


def test_a_silent_sender_is_given_up(studio: Any) -> None:
    """An upload whose sender falls silent is refused, nothing of it is kept, and its place goes to the next."""

    async def scenario() -> tuple[int, int]:
        never, at_once = asyncio.Event(), asyncio.Event()
        at_once.set()
        intake = Intake(people=CapacityLimiter(1), silence_seconds=0.1)
        async with client_of(studio, intake) as client, asyncio.timeout(10):
            stalled, good = await asyncio.gather(
                put(client, as_person, b"stalled", never), put(client, as_person, b"good", at_once)
            )
            return stalled.status_code, good.status_code

    assert asyncio.run(scenario()) == (503, 201)
    assert studio.store.size(digest_of(b"stalled")) is None


@pytest.mark.parametrize("size", [4097, 1 << 20])
def test_nobody_unknown_fills_the_memory(studio: Any, size: int) -> None:
    """Sign-in, the only route without a token, takes as many bytes as a token can have, and no more."""
    answer = studio.http.request("POST", "/api/v1/session", content=b'"' + b"x" * size)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")


TEXTS: dict[str, Callable[[str], bytes]] = {
    "half a pair, as bytes": lambda text: text.encode().replace(b"a job", b"\xed\xa0\x80"),
    "half a pair, escaped": lambda text: text.encode().replace(b"a job", b"\\ud800"),
    "a byte of no character": lambda text: text.encode().replace(b"a job", b"\xff"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
}


@pytest.mark.parametrize("encode", TEXTS.values(), ids=TEXTS.keys())
def test_a_body_is_utf_8(studio: Any, encode: Callable[[str], bytes]) -> None:
    """Text that could not be written again, or of another encoding, is refused as malformed, and no job is made of it."""
    text = json.dumps(to_json(studio.commands()))
    assert "a job" in text
    answer = studio.ask("POST", "/projects/default/jobs", content=encode(text))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), answer.text
    assert studio.get("/jobs")["jobs"] == []
