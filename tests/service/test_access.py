"""Every route wants a token, of the right kind, of the right account."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from conductor_service import tokens
from conductor_service.api.app import make_app
from conductor_service.one_service import sole_service
from conductor_service.serve import serve_command
from fastapi.routing import APIRoute

OPEN = {("POST", "/api/v1/session")}
FILLING = {"digest": "sha256:" + "0" * 64, "verb": "hold"}


def routes(studio: Any) -> list[tuple[str, str]]:
    """Return (method, path with its parameters filled in) of every route under /api."""
    found: list[tuple[str, str]] = []
    for route in all_routes(make_app(studio.farm)):
        path = re.sub(r"{(\w+)}", lambda m: FILLING.get(m[1], "nothing"), route.path)
        found += [(method, path) for method in sorted(route.methods or ()) if path.startswith("/api")]
    return found


def all_routes(app: Any) -> list[APIRoute]:
    """Return the application's routes, those of included routers too."""
    found: list[APIRoute] = []
    todo = list(app.routes)
    while todo:
        route = todo.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        todo += list(getattr(getattr(route, "original_router", None), "routes", ()))
    return found


def test_every_route_refuses_who_has_no_token(studio: Any) -> None:
    """Without a token, and with a wrong one, every route of the API but sign-in answers 401."""
    checked = [r for r in routes(studio) if r not in OPEN]
    assert len(checked) >= 28
    for method, path in checked:
        for headers in ({}, {"Authorization": "Bearer cdr_wrong"}, {"Authorization": "Basic abc"}):
            answer = studio.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), (method, path)


def test_every_route_belongs_to_one_kind_of_token(studio: Any) -> None:
    """A person's token opens no runner's route, and an instance's token no person's."""
    studio.job()
    runner = studio.runner()
    for method, path in routes(studio):
        if (method, path) in OPEN:
            continue
        wrong = studio.token if path.startswith("/api/v1/runner") else runner.token
        answer = studio.http.request(method, path, headers={"Authorization": f"Bearer {wrong}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), (method, path)


def test_what_belongs_to_others_is_not_there(studio: Any) -> None:
    """Another account's token finds nothing of this one: 404, not 403, since that would say that it exists."""
    job = studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.render(assignment)
    output = studio.get(f"/jobs/{job['id']}/outputs")["outputs"][0]
    rival = studio.second_token()
    task, attempt = assignment["task"]["id"], assignment["attempt"]["id"]
    for method, path in [
        ("GET", f"/jobs/{job['id']}"),
        ("GET", "/jobs/1"),
        ("GET", "/jobs/1/tasks"),
        ("GET", "/jobs/1/outputs"),
        ("POST", f"/jobs/{job['id']}/kill"),
        ("GET", f"/tasks/{task}"),
        ("GET", f"/attempts/{attempt}/log"),
        ("GET", f"/outputs/{output['id']}/preview"),
        ("GET", f"/projects/default/objects/{output['digest']}"),
        ("GET", f"/events?job={job['id']}"),
        ("GET", f"/cost?job={job['id']}"),
        ("POST", f"/jobs/{job['id']}/release"),
    ]:
        answer = studio.ask(method, path, token=rival, json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found"), path
    assert studio.get("/jobs", token=rival) == {"jobs": []}
    assert studio.get("/instances?all=true", token=rival) == {"instances": []}
    assert studio.get("/cost", token=rival)["total"] == "0.0000"


def test_what_was_rendered_is_known_to_its_project_alone(studio: Any) -> None:
    """Of the objects asked for those are named that the project's own jobs made; an upload, and another account's, are not."""
    studio.job()
    runner = studio.runner()
    runner.render(runner.take())
    rendered = studio.get("/jobs/1/outputs")["outputs"][0]["digest"]
    uploaded = studio.upload(b"a texture")
    ask = {"digests": [uploaded, rendered, "sha256:" + "0" * 64, rendered]}
    known = "/projects/default/objects/known"
    assert studio.ask("POST", known, json=ask).json() == {"rendered": [rendered]}
    rival = studio.second_token()
    assert studio.ask("POST", known, json=ask, token=rival).json() == {"rendered": []}
    same = b"picture of frame 1"
    assert studio.ask("PUT", f"/projects/default/objects/{rendered}", content=same, token=rival).status_code == 201
    assert studio.ask("POST", known, json=ask, token=rival).json() == {"rendered": []}
    assert studio.ask("POST", "/projects/nothing/objects/known", json=ask).status_code == 404
    assert studio.ask("POST", known, json={"digests": ["md5:0"]}).status_code == 400
    studio.store.delete(rendered)
    assert studio.ask("POST", known, json=ask).json() == {"rendered": []}, "what the store has lost is not there"


def test_knowing_a_digest_gets_nobody_a_file(studio: Any) -> None:
    """An object of another project is missing to this one until it has sent the bytes itself; then it is there."""
    digest = studio.upload(b"secret plate")
    rival = studio.second_token()
    ask = {"digests": [digest]}
    assert studio.ask("POST", "/projects/default/objects/missing", json=ask).json() == {"missing": []}
    answer = studio.ask("POST", "/projects/default/objects/missing", json=ask, token=rival)
    assert answer.json() == {"missing": [digest]}
    assert studio.ask("PUT", f"/projects/default/objects/{digest}", content=b"a guess", token=rival).status_code == 422
    assert studio.ask("GET", f"/projects/default/objects/{digest}", token=rival).status_code == 404
    assert studio.ask("PUT", f"/projects/default/objects/{digest}", content=b"secret plate", token=rival).status_code == 201
    assert studio.ask("GET", f"/projects/default/objects/{digest}", token=rival).content == b"secret plate"


@pytest.mark.parametrize("after", [366 * 24 * 3600, 365 * 24 * 3600])
def test_a_token_expires(studio: Any, after: float) -> None:
    """A token is good until its expiry, and not from then on."""
    studio.clock.pass_time(365 * 24 * 3600 - 1)
    assert studio.ask("GET", "/me").status_code == 200
    studio.clock.pass_time(after - 365 * 24 * 3600 + 1)
    assert studio.ask("GET", "/me").status_code == 401


def test_a_revoked_token_is_worth_nothing(studio: Any) -> None:
    """Revoking takes effect at once, although tokens are remembered for a few seconds."""
    assert studio.ask("GET", "/me").status_code == 200
    with studio.farm.database.write() as unit:
        who = tokens.principal_of(unit.session, studio.token, unit.now)
        assert who is not None
        tokens.revoke(unit, who.token_id)
    studio.farm.gatekeeper.forget()
    assert studio.ask("GET", "/me").status_code == 401


def test_the_database_never_sees_a_token(studio: Any) -> None:
    """Of tokens only hashes are kept: the database's files do not contain them."""
    folder = studio.farm.settings.data_folder
    for file in folder.glob("conductor.sqlite*"):
        assert studio.token.encode() not in file.read_bytes()


def sign_in(studio: Any) -> None:
    answer = studio.http.request("POST", "/api/v1/session", json={"token": studio.token})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "conductor_session=" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert studio.token not in cookie


def test_the_dashboard_signs_in_with_a_token(studio: Any) -> None:
    """A person's token becomes a cookie of its own, that reads at once and changes things only with our page's header."""
    job = studio.job()
    sign_in(studio)
    assert studio.http.request("GET", "/api/v1/me").json()["user"]["name"] == "Ada"
    kill = f"/api/v1/jobs/{job['id']}/kill"
    assert studio.http.request("POST", kill, json={}).status_code == 403
    assert studio.http.request("POST", kill, json={}, headers={"X-Conductor": "1"}).status_code == 200


def test_the_dashboard_signs_out(studio: Any) -> None:
    """After sign-out the cookie is worth nothing, and the person's own token is as good as before."""
    sign_in(studio)
    cookie = dict(studio.http.cookies)
    assert studio.http.request("DELETE", "/api/v1/session", headers={"X-Conductor": "1"}).status_code == 200
    studio.http.cookies.clear()
    header = "; ".join(f"{k}={v}" for k, v in cookie.items())
    assert studio.http.request("GET", "/api/v1/me", headers={"Cookie": header}).status_code == 401
    assert studio.ask("GET", "/me").status_code == 200


@pytest.mark.parametrize("how", ["signed out", "expired"])
def test_a_stream_ends_with_its_session(studio: Any, how: str) -> None:
    """Whoever signed out, or whose session ran out, hears of nothing more; a stream whose token is good goes on."""

    async def scenario() -> None:
        transport = httpx.ASGITransport(make_app(studio.farm))
        mine, good = (httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") for _ in range(2))
        async with mine, good, asyncio.timeout(60):
            await mine.post("/api/v1/session", json={"token": studio.token})
            # The whole of a stream is there when it has ended.
            stream = asyncio.create_task(mine.get("/api/v1/events?after=0"))
            other = asyncio.create_task(good.get("/api/v1/events?after=0", headers={"Authorization": f"Bearer {studio.token}"}))
            await asyncio.sleep(0.5)
            if how == "signed out":
                await mine.delete("/api/v1/session", headers={"X-Conductor": "1"})
            studio.clock.pass_time(16 if how == "signed out" else tokens.LIFETIMES["session"].total_seconds())
            while not stream.done():  # on a loaded machine it may not have listened yet
                studio.farm.signals.events.send()
                await asyncio.sleep(0.2)
            assert (await stream).status_code == 200
            await asyncio.sleep(0.5)
            assert not other.done()
            studio.farm.signals.close()
            await other

    asyncio.run(scenario())


def test_only_a_persons_good_token_signs_in(studio: Any) -> None:
    """A wrong token and a runner's token open no session."""
    studio.job()
    runner = studio.runner()
    assert studio.http.request("POST", "/api/v1/session", json={"token": "cdr_wrong"}).status_code == 401
    assert studio.http.request("POST", "/api/v1/session", json={"token": runner.token}).status_code == 403


def test_the_first_start_makes_one_owner(make_studio: Any) -> None:
    """The first start writes the owner's token to a private file; a second start makes nobody, and the token still works."""
    first = make_studio()
    file = first.farm.settings.data_folder / "owner-token"
    assert file.stat().st_mode & 0o777 == 0o600
    token = file.read_text().strip()
    second = make_studio()
    assert file.read_text().strip() == token
    me = second.get("/me")
    assert (me["role"], me["user"]["name"], [p["name"] for p in me["projects"]]) == ("owner", "Ada", ["default"])
    assert me["account"]["instance_limit"] == 100


def test_a_lost_token_is_replaced(make_studio: Any) -> None:
    """`serve --new-owner-token` ends the owner's token and sessions, writes a new one, and does no harm to runners."""
    first = make_studio()
    first.job()
    runner = first.runner()
    sign_in(first)
    cookie = "; ".join(f"{name}={value}" for name, value in first.http.cookies.items())
    folder, old = first.farm.settings.data_folder, first.token
    make_studio.close()
    done = CliRunner().invoke(serve_command, ["--data", str(folder), "--new-owner-token"])
    assert done.exit_code == 0, done.output
    second = make_studio()
    assert (folder / "owner-token").stat().st_mode & 0o777 == 0o600
    assert second.token != old
    assert second.token not in done.output
    assert str(folder / "owner-token") in done.output
    assert second.get("/me")["user"]["name"] == "Ada"
    assert second.ask("GET", "/me", token=old).status_code == 401
    assert second.http.request("GET", "/api/v1/me", headers={"Cookie": cookie}).status_code == 401
    runner.http = second.http
    assert runner.hello().status_code == 200


def test_a_token_is_not_replaced_under_a_running_service(studio: Any) -> None:
    """A service that runs believes tokens for some seconds: it must be stopped first, and the message says so."""
    folder = studio.farm.settings.data_folder
    with sole_service(folder):
        done = CliRunner().invoke(serve_command, ["--data", str(folder), "--new-owner-token"])
    assert (done.exit_code, "Stop it first" in done.output) == (1, True)
    assert studio.ask("GET", "/me").status_code == 200


def test_lifetimes_are_bounded() -> None:
    """No kind of token lives for ever."""
    assert all(timedelta() < life <= timedelta(days=365) for life in tokens.LIFETIMES.values())
