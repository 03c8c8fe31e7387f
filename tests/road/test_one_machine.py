"""Several agents, services and users on one machine: none sees another's channel, cache or token."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from road.household import Household
from road.people import Person

USERS = (20_001, 20_002)


@pytest.fixture
def settled() -> Iterator[Callable[[Person], Household]]:
    """Give the making of households, which end with the test."""
    made: list[Household] = []

    def settle(person: Person) -> Household:
        person.home.mkdir(parents=True)
        household = Household(person)
        if person.user is not None:
            for path in (person.home, household.settings):
                os.chown(path, person.user, person.user)
        made.append(household)
        household.serve()
        household.render()
        return household

    yield settle
    for household in made:
        household.close()


@pytest.fixture
def hotel(require: Callable[[object, str], None]) -> Iterator[Path]:
    """Give a folder for homes that every user may enter; other users can be played by root alone."""
    require(sys.platform == "linux" and os.geteuid() == 0, "only root can play other users")
    folder = Path(tempfile.mkdtemp(prefix="hotel-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_two_agents_and_two_services_of_one_user(settled: Callable[[Person], Household], tmp_path: Path) -> None:
    """Each with a folder of its own: own ports, tokens and jobs; a token of one opens nothing of the other."""
    here, there = settled(Person(tmp_path / "a")), settled(Person(tmp_path / "b"))
    assert here.url != there.url
    assert here.channel()["port"] != there.channel()["port"]
    assert not set(here.secrets().values()) & set(there.secrets().values())
    for own, other in ((here, there), (there, here)):
        assert [j["number"] for j in own.person.json("jobs")["jobs"]] == [1]
        assert _status(f"http://127.0.0.1:{other.channel()['port']}/v1/status", other.channel()["token"]) == 200
        for place, secret in own.secrets().items():
            assert _status(f"http://127.0.0.1:{other.channel()['port']}/v1/status", secret) == 401, place
            assert _status(f"{other.url}/api/v1/me", secret) == 401, place
            assert _status(f"{other.url}/api/v1/runner/hello", secret, "POST") == 401, place
    here.person.conductor("agent", "--stop")
    assert there.person.json("agent", "--status")["pid"] == there.channel()["pid"]


def test_what_is_taken_is_said(settled: Callable[[Person], Household], tmp_path: Path) -> None:
    """A second service in the same folder or on the same port, and a second agent, end at once with a sentence."""
    first = settled(Person(tmp_path / "a"))
    serve = ("serve", "--settings", first.settings)
    again = first.person.conductor(*serve, "--data", first.data, "--port", "0", code=2)
    assert "Another service" in again or "in use" in again, again
    assert str(first.data) in again
    port = first.url.rpartition(":")[2]
    taken = first.person.conductor(*serve, "--data", tmp_path / "other", "--port", port, code=2)
    assert port in taken, taken
    assert "Traceback" not in again + taken
    agent = subprocess.run(
        first.person.words("-m", "conductor_core.cli", "agent"),
        env=first.person.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (agent.returncode, agent.stderr.strip()) == (0, "An agent of yours runs already.")


def test_two_users_of_one_machine(settled: Callable[[Person], Household], hotel: Path) -> None:
    """With readable homes and no umask at all, nothing that Conductor keeps of one user can be seen by the other."""
    anna, bert = (settled(Person(hotel / name, user)) for name, user in zip(("anna", "bert"), USERS, strict=True))
    for own, other in ((anna, bert), (bert, anna)):
        _check_modes(own)
        _check_closed(own, other.person)
        assert _status(f"http://127.0.0.1:{own.channel()['port']}/v1/status", "") == 401
        for secret in other.secrets().values():
            assert _status(f"http://127.0.0.1:{own.channel()['port']}/v1/status", secret) == 401
            assert _status(f"{own.url}/api/v1/me", secret) == 401
    _check_command_lines({**anna.secrets(), **bert.secrets()})


def _kept(household: Household) -> list[Path]:
    """Return the outermost folders that Conductor made in a home: settings, state, cache, and the service's data."""
    home = household.person.home
    kept = [
        home / ".config" / "conductor",
        home / ".local" / "state" / "conductor",
        home / ".cache" / "conductor",
        household.data,
    ]
    assert all(folder.is_dir() for folder in kept), kept
    return kept


def _check_modes(household: Household) -> None:
    """See that each of those folders is for its user alone, and each secret in it too, whatever lies above it."""
    for folder in _kept(household):
        facts = folder.stat()
        assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o700, household.person.user), folder
    secrets = set(household.secrets().values())
    for folder in _kept(household):
        for file in (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
            if any(secret.encode() in file.read_bytes() for secret in secrets):
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def _check_closed(household: Household, stranger: Person) -> None:
    """Let a stranger try to list and open everything there, by its exact path."""
    script = """
import json, os, sys
opened = []
for path in json.loads(sys.argv[1]):
    for attempt in (os.listdir, lambda p: open(p, "rb").read(1), os.stat):
        try:
            attempt(path)
        except OSError:
            continue
        opened.append(path)
print(json.dumps(opened))
"""
    inside = [str(p) for folder in _kept(household) for p in folder.rglob("*")]
    assert len(inside) > 20
    assert json.loads(stranger.run("-c", script, json.dumps(inside))) == []


def _check_command_lines(secrets: dict[str, str]) -> None:
    """See that no process of anybody carries a secret where every user can read it."""
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        assert not [place for place, secret in secrets.items() if secret in line], line


def _status(url: str, token: str, method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, url, headers=headers, json={} if method == "POST" else None, timeout=30).status_code
