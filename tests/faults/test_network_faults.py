"""A line that breaks, between real processes: every command ends in a sentence, everything else goes on by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.faulty_line import page
from faults.studio import Studio, eventually
from faults.twins import TWIN, cases

#: kind of fault, what it answers, words of the sentence, how often the command asks
SENTENCES: dict[str, tuple[str, bytes, str, int]] = {
    "reset": (
        "reset",
        b"",
        "cannot be reached (the connection broke; tried 5 times). Check the address (is it an https:// address?)",
        5,
    ),
    "no HTTP": ("garbage", b"SSH-2.0-OpenSSH_9.2\r\n", "cannot be reached (what answers does not speak HTTP; tried 5 times)", 5),
    "500": ("answer", page("500 Oops"), "answered 500 Oops, and not in Conductor's words. Something between (a proxy", 5),
    "429": ("answer", page("429 Slow", b"", "Retry-After: 0"), "answered 429 Slow, and not in Conductor's words", 5),
    "another web server": ("answer", page("404 Not Found"), "answered 404 Not Found, and not in Conductor's words", 1),
    "its front page": ("answer", page("200 OK"), "answered something that is not JSON", 1),
    "a redirect": ("answer", page("302 Found", b"", "Location: http://127.0.0.1:9/"), "answered 302 Found", 1),
}


@pytest.fixture(scope="module")
def line(make_module_studio: Callable[..., Studio]) -> Studio:
    """Give one studio for all that needs none of its own."""
    return make_module_studio(idle_seconds=30)


@pytest.fixture
def shared(line: Studio, tmp_path: Path) -> Iterator[Studio]:
    """Give that studio with files that no other test has sent."""
    line.show = tmp_path / "show"
    line.show.mkdir()
    line.texture.write_bytes(os.urandom(300_000))
    yield line
    line.people.heal()


@pytest.mark.parametrize(
    ("kind", "answer", "words", "asked"), cases(SENTENCES, "reset", "500", "another web server", "its front page")
)
def test_what_a_command_says(line: Studio, kind: Any, answer: bytes, words: str, asked: int) -> None:
    """Bounded attempts, then 3 and one sentence with the address and the next step; the page itself is never quoted."""
    fault = line.people.add(kind, answer=answer)
    try:
        ran = line.ann("jobs", code=3)
    finally:
        line.people.heal()
    sentence = ran.err.splitlines()[-1]
    assert sentence.startswith(line.people.url)
    assert words in sentence
    assert fault.hits == asked
    assert "secret" not in ran.err
    assert ("Waiting for the service since" in ran.err) == (asked > 1)


def test_nobody_listens(line: Studio) -> None:
    """A service that does not run is told with its address, after five attempts; the wait is told at its beginning."""
    line.people.refuse()
    try:
        first, last = line.ann("jobs", code=3).err.splitlines()
    finally:
        line.people.accept()
    assert re.fullmatch(r"Waiting for the service since \d\d:\d\d:\d\d: \S+ cannot be reached \(connection refused\)\.", first)
    assert f"{line.people.url} cannot be reached (connection refused; tried 5 times). Check the address" in last


def test_a_name_that_nobody_knows(line: Studio) -> None:
    """A wrong host name is told as that."""
    ran = line.ann("login", "https://farm.invalid", "--token-file", line.data / "owner-token", code=3)
    assert "https://farm.invalid cannot be reached (its name is not known; tried 5 times)" in ran.err


def test_a_wrong_token(line: Studio) -> None:
    """A token that the service does not know is told at once, kept nowhere, and quoted nowhere."""
    wrong = "cdr_" + "wrong" * 8
    (line.folder / "wrong").write_text(wrong)
    asked = line.people.count("GET /api/v1/me")
    ran = line.ann("login", line.people.url, "--token-file", line.folder / "wrong", code=4)
    assert ran.err.count("\n") == 1
    assert "token" in ran.err
    assert "conductor login" in ran.err
    assert wrong not in ran.err + line.ann.written() + (line.ann.home / "config" / "credentials.json").read_text() + line.logs()
    assert line.people.count("GET /api/v1/me") == asked + 1
    line.ann("jobs")


EXPIRED = "UPDATE token SET expires = created WHERE kind = 'user'"
REVOKED = "UPDATE token SET revoked = created WHERE kind = 'user'"


@pytest.mark.parametrize("change", [pytest.param(EXPIRED, id="expired"), pytest.param(REVOKED, id="revoked", marks=TWIN)])
def test_a_token_that_ends_midway(studio: Studio, change: str) -> None:
    """The upload waits and says for what; after a new login it goes on by itself, and no object is sent twice."""
    studio.people.add("silent", "PUT .*/manifest")
    going = studio.ann.start(*studio.words("1-2", "--wait"))
    eventually(lambda: studio.people.count("PUT .*/manifest"))
    studio.change_tokens(change)
    studio.people.heal()
    ran = studio.ann.end(going)
    assert (ran.code, "conductor login" in ran.err) == (4, True)
    assert studio.ann("jobs", code=4).err.count("\n") == 1
    waiting = studio.ann.submission()
    assert (waiting["error"]["kind"], waiting["error"]["waiting"]) == ("Unauthorized", True)
    studio.kill()
    studio.renew_token()
    studio.start()
    studio.log_in(studio.ann)
    eventually(lambda: studio.at_home() == studio.expected(1, 2))
    assert studio.people.count("PUT .*/objects/") == 2
    studio.check_no_secret()


def _jobs_words(studio: Studio) -> tuple[object, ...]:
    # project named, so that the command itself asks the service as little as can be
    return studio.words("1-2", "--wait", "-p", "default")


GOING_ON: dict[str, tuple[str, bytes]] = {
    "accepts and is silent": ("silent", b""),
    "reset": ("reset", b""),
    "no HTTP": ("garbage", b"\x15\x03\x01\x00\x02\x02\x28"),
    "500": ("answer", page("500 Internal Server Error")),
    "502": ("answer", page("502 Bad Gateway")),
    "429 with Retry-After": ("answer", page("429 Too Many Requests", b"", "Retry-After: 2")),
    "429 without": ("answer", page("429 Too Many Requests")),
    "another web server": ("answer", page("404 Not Found")),
    "its front page": ("answer", page("200 OK")),
}


@pytest.mark.parametrize(("kind", "answer"), cases(GOING_ON, "accepts and is silent", "500", "its front page"))
def test_an_upload_goes_on(shared: Studio, kind: Any, answer: bytes) -> None:
    """While the service is away the submission waits, says for what and since when, and goes on when it is back."""
    fault = shared.people.add(kind, "POST .*/jobs|PUT .*/objects/", answer=answer)
    going = shared.ann.start(*_jobs_words(shared))
    if kind == "silent":
        eventually(lambda: fault.hits)
    else:
        error = eventually(lambda: (shared.ann.known_submission() or {}).get("error"))
        assert (error["kind"], error["waiting"]) == ("ServiceUnreachable", True)
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", error["since"])
        assert shared.people.url in error["message"]
        assert re.search(r"waiting since \d\d:\d\d:\d\d: ", shared.ann("agent", "--status").out)
    shared.people.heal()
    ran = shared.ann.end(going)
    assert ran.code == 0, ran
    assert shared.at_home() == shared.expected(1, 2)
    shared.check_no_secret()


@pytest.mark.parametrize(("kind", "answer"), cases(GOING_ON, "accepts and is silent", "reset", "another web server"))
def test_a_followed_job_goes_on(shared: Studio, kind: Any, answer: bytes) -> None:
    """Whatever stands in the service's place while frames come home, nothing is given up and each frame comes home once."""
    fault = shared.people.add(kind, "GET .*/(jobs|objects)/", answer=answer)
    shared.ann(*shared.words("1-2", "-p", "default"))
    eventually(lambda: shared.newest()["state"] == "success")
    eventually(lambda: fault.hits >= (1 if kind == "silent" else 2))
    assert all(name.startswith(".") for name in shared.at_home())
    shared.people.heal()
    eventually(lambda: shared.at_home() == shared.expected(1, 2))
    shared.check_no_secret()


def test_cut_in_the_middle_of_a_body(studio: Studio) -> None:
    """Upload, download, manifest, inputs, outputs, log: what was cut is sent again, what came is not asked for again."""
    people, runners = studio.people, studio.runners
    people.add("cut-request", "PUT .*/objects/", times=2, size=100_000)
    people.add("cut-request", "PUT .*/manifest", times=1, size=100)
    people.add("cut-response", "GET .*/objects/", times=2, size=100_000)
    runners.add("cut-response", "GET .*/manifest", times=1, size=50)
    runners.add("cut-response", "GET .*/objects/", times=2, size=100)
    runners.add("cut-request", "PUT .*/objects/", times=2, size=100_000)
    runners.add("cut-request", "PUT .*/log", times=1, size=5)
    runners.add("cut-request", "POST .*/outputs", times=1, size=50)
    assert studio.ann(*studio.words("1-2", "--wait")).out.endswith("Job 1: success.\n")
    assert studio.at_home() == studio.expected(1, 2)
    assert all(fault.hits == fault.times for fault in (*people.faults, *runners.faults))
    fetched = sum(seen.received for seen in people.seen if re.match("GET .*/objects/", seen.line))
    assert fetched == sum(map(len, studio.expected(1, 2).values()))
    assert [a["state"] for n in (1, 2) for a in studio.attempts(n)] == ["success"] * 2
    assert "Traceback" not in studio.logs()
    studio.check_no_secret()


def test_answers_that_are_lost(studio: Studio) -> None:
    """What the service did and could not say is said again: one job, one version of each frame, one log."""
    people = ("POST .*/jobs", "POST .*/objects/missing", "PUT .*/objects/", "PUT .*/manifest")
    runners = (
        "POST .*/hello",
        "POST .*/next",
        "GET .*/manifest",
        "PUT .*/objects/",
        "POST .*/outputs",
        "PUT .*/log",
        "POST .*/finish",
    )
    faults = [studio.people.add("answer-lost", match, times=1) for match in people]
    faults += [studio.runners.add("answer-lost", match, times=1) for match in runners]
    studio.ann(*studio.words("1-2", "--wait"))
    assert [fault.match for fault in faults if not fault.hits] == []
    assert studio.at_home() == studio.expected(1, 2)
    assert [j["number"] for j in studio.ann("jobs", "--json").json["jobs"]] == [1]
    assert [o["frame"] for o in studio.direct("/jobs/1/outputs")["outputs"]] == [1, 2]


def test_a_line_that_trickles(studio: Studio) -> None:
    """A slow line is slow and nothing else."""
    studio.people.add("slow", "GET .*/objects/", size=30_000)
    studio.runners.add("slow", "GET .*/objects/", size=30_000)
    studio.ann(*studio.words("1-2", "--wait"))
    assert studio.at_home() == studio.expected(1, 2)


def test_a_service_that_is_killed_while_it_is_watched(studio: Studio) -> None:
    """`--wait` says that it waits for the service, and since when; it, the agent and the runner go on when it is back."""
    screen = studio.folder / "screen"
    going = studio.ann.start(*studio.words("1-4", "--wait", "--title", "watched", slow=1), out=screen)
    eventually(lambda: studio.runners.count("PUT .*/objects/"))
    studio.kill()
    eventually(lambda: "The job goes on without us." in screen.read_text())  # after one round of a command's attempts
    studio.start()
    ran = studio.ann.end(going)
    assert ran.code == 0, ran
    said = r"waiting for the service since \d\d:\d\d:\d\d: \S+ cannot be reached \(.*\)\. The job goes on without us\."
    shown = screen.read_text()
    assert re.search(said, re.sub(r"Check the address[^.]*\. ?", "", shown).replace("; tried 5 times", "")), shown
    assert studio.at_home() == studio.expected(1, 2, 3, 4)
    assert [len(studio.attempts(n)) for n in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_a_service_that_is_not_there_at_the_start(studio: Studio) -> None:
    """An agent that starts while the service is away takes what was handed over and sends it when the service comes."""
    studio.ann("agent", "--start")
    studio.people.add("silent", "POST .*/jobs")
    going = studio.ann.start(*_jobs_words(studio), "--background")
    assert studio.ann.end(going).code == 0
    studio.ann("agent", "--stop")
    studio.kill()
    studio.people.heal()
    studio.people.refuse()
    eventually(lambda: studio.ann.start_agent())
    eventually(lambda: (studio.ann.known_submission() or {}).get("error"))
    studio.start()
    studio.people.accept()
    eventually(lambda: studio.at_home() == studio.expected(1, 2))
