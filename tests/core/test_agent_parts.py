"""The parts of the agent: journal, patience, lock, channel."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent.channel import Channel
from conductor_core.agent.connections import Connections
from conductor_core.agent.downloads import Downloads
from conductor_core.agent.follower import Follower
from conductor_core.agent.journal import FETCH_ATTEMPTS, IN_SHORT, Journal
from conductor_core.agent.journal_downloads import WAITED_FOR
from conductor_core.agent.journal_rows import NewOutput, Tally
from conductor_core.agent.lock import AgentLock
from conductor_core.agent.patience import LONGEST_WAIT, Patience
from conductor_core.api.client import ServiceClient
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.errors import AgentError, FileVanished, InvalidDocument, ServiceUnreachable, Unauthorized
from conductor_core.transfer.hash_cache import HashCache

S = "http://127.0.0.1:1"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite", clock=lambda: 100.0)
    yield journal
    journal.close()


def _output(seq: int, path: str, digest: str = "sha256:0") -> NewOutput:
    return NewOutput(path, seq, digest, 10, 0o644, 5)


def test_a_submission_is_kept_once(journal: Journal) -> None:
    """The same id again is the same submission, with the first request."""
    journal.add_submission("s", S, {"files": ["a"]})
    journal.add_submission("s", S, {"files": ["b"]})
    assert [s.id for s in journal.submissions()] == ["s"]
    assert journal.request("s") == {"files": ["a"]}
    assert journal.submission("none") is None


def test_a_look_at_submissions_does_not_read_their_requests(journal: Journal, tmp_path: Path) -> None:
    """The agent looks twice a second, and a request has megabytes: damage in one is met by those who need it only."""
    journal.add_submission("s", S, {"files": ["a"]})
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("UPDATE submissions SET request = '{', manifest = '{'")
    plans = [other.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in (IN_SHORT, f"{IN_SHORT} WHERE id = 's'")]
    other.close()
    assert all("COVERING INDEX" in str(plan) for plan in plans)
    assert [s.id for s in (*journal.submissions(), *journal.submissions_to_do())] == ["s", "s"]
    assert journal.submission("s") is not None
    with pytest.raises(ValueError, match="Expecting"):
        journal.request("s")


def test_who_asks_again_is_not_told_what_was_known_before(journal: Journal) -> None:
    """A catch-up that began before somebody asked for the job again does not end what was asked: files may have come since."""
    journal.add_download(S, "j")
    before = journal.downloads()[0]
    journal.add_download(S, "j")
    again = journal.downloads()[0]
    journal.set_job_state(before, number=7, project="p", state="success")
    assert [(row.state, row.number) for row in journal.downloads()] == [("", 7)]
    journal.set_job_state(again, number=7, project="p", state="success")
    assert journal.downloads()[0].state == "success"


def test_files_of_a_job_are_counted(journal: Journal) -> None:
    """What `GET /v1/downloads` tells is counted by the database."""
    journal.add_download(S, "j")
    row = journal.downloads()[0]
    assert journal.tally(S, "j") == Tally()
    journal.add_outputs(row, [_output(n, f"/{n}") for n in range(1, 6)])
    one, two, three, four, _ = journal.outputs_to_do(S)
    journal.set_home([(one, "placed", "/1")])
    journal.set_home([(two, "beside", "/2.conductor-1")])
    journal.set_fetch_error(three, "broken", final=True)
    journal.set_fetch_error(four, "again")
    found = Tally(total=5, home=2, failed=1, pending=2, bytes=20, beside=("/2.conductor-1",), errors=("broken", "again"))
    assert journal.tally(S, "j") == found
    assert journal.services_to_do() == [S]


def test_a_cancelled_submission_stays_cancelled(journal: Journal) -> None:
    """A stage that ends after the cancelling does not bring a submission back, and follows nothing."""
    journal.add_submission("s", S, {})
    journal.set_failed("s", {"kind": "TransferCancelled"}, {})
    journal.set_manifest("s", b"{}", {})
    assert not journal.set_state("s", "committing", {})
    row = journal.submission("s")
    assert row is not None
    journal.set_submitted(row, {}, download=True)
    row = journal.submission("s")
    assert row is not None
    assert (row.state, row.kill, journal.manifest("s")) == ("failed", True, None)
    assert journal.downloads() == []
    assert [s.id for s in journal.submissions_to_do()] == ["s"]
    journal.set_killed("s")
    assert journal.submissions_to_do() == []


def test_a_later_version_of_a_file_replaces_the_earlier(journal: Journal) -> None:
    """Outputs of one path are one file: the latest; an older page that comes late changes nothing."""
    journal.add_download(S, "j")
    row = journal.downloads()[0]
    journal.add_outputs(row, [_output(1, "/a"), _output(2, "/b")])
    first = journal.outputs_to_do(S)[0]
    journal.set_home([(first, "placed", "/a")])
    journal.add_outputs(row, [_output(3, "/a", "sha256:1")])
    journal.add_outputs(row, [_output(1, "/a")])
    assert [(o.path, o.seq, o.digest) for o in journal.outputs_to_do(S)] == [("/b", 2, "sha256:0"), ("/a", 3, "sha256:1")]
    assert journal.downloads()[0].seq == 3
    journal.set_home([(first, "placed", "/a")])  # the fetch of the first version ends late
    assert [o.seq for o in journal.outputs_to_do(S)] == [2, 3]


def test_what_is_on_its_way_is_not_looked_at_again(journal: Journal) -> None:
    """Files to come are told without those that are being fetched; of these, the ones are told of which there is a later version."""
    journal.add_download(S, "j")
    row = journal.downloads()[0]
    journal.add_outputs(row, [_output(n, f"/{n}") for n in range(1, 6)])
    going = journal.outputs_to_do(S, 2)
    assert [o.seq for o in journal.outputs_to_do(S, 2, besides=[o.path for o in going])] == [3, 4]
    assert journal.outdated(going) == []
    journal.add_outputs(row, [_output(6, "/2", "sha256:1")])
    assert [o.seq for o in journal.outdated(going)] == [2]
    journal.stop_following(S, "j")
    assert journal.outdated(going) == going


def test_files_that_wait_are_not_in_the_way_of_others(journal: Journal, tmp_path: Path) -> None:
    """However many at the front wait for their next try, those behind them come."""
    journal.add_download(S, "j")
    journal.add_outputs(journal.downloads()[0], [_output(n, f"/{n}") for n in range(1, 31)])
    cache = HashCache(tmp_path / "hashes.sqlite")
    patience = Patience(first_wait=1000.0)
    downloads = Downloads(journal, _nowhere, cache, threads=1, patience=patience)
    try:
        assert [o.seq for o in downloads._ready(S, ["/2"], limit=4)] == [1, 3, 4, 5]
        for row in journal.outputs_to_do(S, 20):
            patience.failed((row.service, row.job, row.path))
        assert [o.seq for o in downloads._ready(S, ["/21"], limit=4)] == list(range(22, 31))
    finally:
        downloads.stop()
        cache.close()


def _nowhere(_service: str) -> ServiceClient:
    raise ServiceUnreachable("There is no service here.", "")


def test_a_file_is_given_up_on_after_its_attempts(journal: Journal) -> None:
    """A file's own errors are counted, and asking for the job again begins anew."""
    journal.add_download(S, "j")
    journal.add_outputs(journal.downloads()[0], [_output(1, "/a")])
    for _ in range(FETCH_ATTEMPTS):
        journal.set_fetch_error(journal.outputs_to_do(S)[0], "why")
    assert journal.outputs_to_do(S) == []
    assert journal.outputs(S, "j")[0].state == "failed"
    journal.add_download(S, "j")
    assert journal.outputs_to_do(S)[0].attempts == 0


def test_a_file_whose_place_cannot_be_written_is_told_and_tried_on(journal: Journal) -> None:
    """After its attempts nobody waits for it any longer, and it stays to be done until it is home."""
    journal.add_download(S, "j")
    journal.add_outputs(journal.downloads()[0], [_output(1, "/a")])
    for _ in range(FETCH_ATTEMPTS + 1):
        journal.set_fetch_error(journal.outputs_to_do(S)[0], "the disk is full", passing=True)
    tally = journal.tally(S, "j")
    assert (tally.failed, tally.pending, tally.errors) == (1, 0, ("the disk is full",))
    assert journal.services_to_do() == [S]
    journal.set_home([(journal.outputs_to_do(S)[0], "placed", "/a")])
    assert (journal.tally(S, "j").home, journal.services_to_do()) == (1, [])


def test_a_transaction_is_all_or_nothing(journal: Journal) -> None:
    """A page of outputs with one that cannot be kept is not kept in part."""
    journal.add_download(S, "j")
    bad: Any = NewOutput("/b", 2, None, 10)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        journal.add_outputs(journal.downloads()[0], [_output(1, "/a"), bad])
    assert journal.outputs(S, "j") == []
    assert journal.downloads()[0].seq == 0


def test_old_things_are_forgotten(journal: Journal) -> None:
    """What ended long ago goes, what is unfinished stays."""
    journal.add_submission("done", S, {})
    journal.set_state("done", "submitted", {})
    journal.add_submission("open", S, {})
    for job in ("open", "coming", "home"):
        journal.add_download(S, job)
    for row in journal.downloads():
        journal.add_outputs(row, [_output(1, "/a")])
        journal.set_job_state(row, number=1, project="p", state="running" if row.job == "open" else "success")
    journal.set_home([(journal.outputs(S, "home")[0], "placed", "/a")])
    journal.forget_before(100.0)
    assert (len(journal.submissions()), len(journal.downloads())) == (2, 3)
    journal.forget_before(101.0)
    assert [s.id for s in journal.submissions()] == ["open"]
    assert [d.job for d in journal.downloads()] == ["coming", "open"]
    assert journal.outputs(S, "home") == []
    journal.forget_before(101.0 + WAITED_FOR)
    assert (journal.downloads(), journal.outputs(S, "open")) == ([], [])


def test_the_journal_survives_kill_9(tmp_path: Path) -> None:
    """What a call returned from is there after the process was killed in the next instant."""
    script = (
        "import os, sys; from pathlib import Path; from conductor_core.agent.journal import Journal\n"
        "j = Journal(Path(sys.argv[1])); j.add_submission('s', 'x', {'n': 1}); j.set_cursor('x', '7'); os.kill(os.getpid(), 9)"
    )
    core = str(Path(__file__).resolve().parents[2] / "core")
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "j.sqlite")], check=False, env={**os.environ, "PYTHONPATH": core}
    )
    journal = Journal(tmp_path / "j.sqlite")
    assert (journal.request("s"), journal.cursor("x"), journal.cursor("y")) == ({"n": 1}, "7", "")
    journal.close()


def test_patience_grows_and_is_forgotten() -> None:
    """Waits double up to a limit; success, or a change of the world, ends them."""
    now = [0.0]
    patience = Patience(clock=lambda: now[0], uniform=lambda _low, high: high)
    assert patience.ready("k")
    assert [patience.failed("k") for _ in range(8)] == [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT]
    assert not patience.ready("k")
    assert patience.ready("other")
    now[0] = LONGEST_WAIT
    assert patience.ready("k")
    patience.failed("k")
    patience.worked("k")
    assert patience.ready("k")
    patience.failed("k")
    patience.failed(("s", "j", "/a"))
    patience.failed(("s", "other"))
    patience.forget("s", "j")
    assert [patience.ready(k) for k in ("k", ("s", "j", "/a"), ("s", "other"))] == [False, True, False]
    patience.forget()
    assert patience.ready("k")


def test_who_asks_waits_for_nothing(tmp_path: Path) -> None:
    """Somebody who asks for a job has its service asked at once, also when all of its files had to wait after an outage."""
    patience = Patience(clock=lambda: 0.0)
    journal, cache = Journal(tmp_path / "j.sqlite"), HashCache(tmp_path / "c.sqlite")
    keys = (("s",), ("s", "j"), ("s", "j", "/a"), ("s", "other"), ("another",))
    for key in keys:
        patience.failed(key)
    downloads = Downloads(journal, _nobody, cache, threads=1, patience=patience)
    downloads.hurry("s", "j")
    assert [patience.ready(key) for key in keys] == [True, True, True, False, False]
    downloads.stop()
    journal.close()
    cache.close()


def _nobody(service: str) -> ServiceClient:
    raise AssertionError(f"{service} need not be asked")


def test_one_agent_per_user(tmp_path: Path) -> None:
    """The lock is held once, and free again when its holder lets go or dies."""
    one, two = AgentLock(tmp_path / "s" / "lock"), AgentLock(tmp_path / "s" / "lock")
    assert one.take()
    assert not two.take()
    one.release()
    one.release()
    assert two.take()
    two.release()


def test_connections_follow_the_login(tmp_path: Path) -> None:
    """Each service has one client, until its login changes; who is not logged in is told so."""
    changes: list[int] = []
    connections = Connections(tmp_path, changed=lambda: changes.append(1))
    connections.watch()
    with pytest.raises(Unauthorized):
        connections.default_service()
    write_profile(tmp_path, Profile((Login(Address(S), "one"),)))
    connections.watch()
    assert connections.default_service() == S
    client = connections.client(S)
    assert connections.client(S) is client
    write_profile(tmp_path, Profile((Login(Address(S), "another"),)))
    connections.watch()
    assert connections.client(S) is not client
    assert changes == [1]
    with pytest.raises(Unauthorized):
        connections.client("https://other.example")
    client.close()
    connections.close()


class FakeCalls:
    """Answer like an agent."""

    def status(self) -> Mapping[str, Any]:
        return {"pid": 1}

    def submit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if "submission" not in request:
            raise InvalidDocument("request", "submission", "is missing")
        return {"id": "s"}

    def submission(self, identity: str) -> Mapping[str, Any] | None:
        return {"id": identity} if identity == "s" else None

    def submissions(self) -> Mapping[str, Any]:
        return {"submissions": []}

    def cancel(self, identity: str) -> Mapping[str, Any] | None:
        return self.submission(identity)

    def follow(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise ServiceUnreachable("The service is away.", "Wait.")

    def downloads(self, job: str = "") -> Mapping[str, Any]:
        if job:
            return {"downloads": [{"job": job}]}
        raise ZeroDivisionError

    def quit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"quitting": True}


@pytest.fixture
def channel() -> Iterator[Channel]:
    channel = Channel(FakeCalls(), "the-token")
    thread = threading.Thread(target=channel.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield channel
    channel.shutdown()
    channel.server_close()


def _ask(
    channel: Channel, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", channel.port, timeout=10)
    sent = {"Authorization": "Bearer the-token", **(headers or {})}
    connection.request(method, path, body, sent)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert isinstance(answer, dict)
    return response.status, answer


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/status", None, 200),
        ("GET", "/v1/submissions", None, 200),
        ("GET", "/v1/submissions/s", None, 200),
        ("GET", "/v1/submissions/other", None, 404),
        ("GET", "/v1/submissions/s/cancel", None, 404),
        ("GET", "/v1/submissions/..%2f", None, 404),
        ("GET", "/", None, 404),
        ("GET", "/v1/downloads", None, 500),
        ("GET", "/v1/downloads?job=0a-b_1", None, 200),
        ("GET", "/v1/downloads?job=..", None, 404),
        ("POST", "/v1/submissions", b'{"submission": {}}', 202),
        ("POST", "/v1/submissions", b"{}", 400),
        ("POST", "/v1/submissions", b"{", 400),
        ("POST", "/v1/submissions", b"[]", 400),
        ("POST", "/v1/submissions/s/cancel", b"", 200),
        ("POST", "/v1/submissions/s", b"", 404),
        ("POST", "/v1/downloads", b"{}", 409),
        ("POST", "/v1/quit", b"{}", 202),
    ],
)
def test_the_routes_of_the_channel(channel: Channel, method: str, path: str, body: bytes | None, status: int) -> None:
    """Each route answers with its status, and every refusal is JSON with a sentence."""
    found, answer = _ask(channel, method, path, body)
    assert found == status
    assert status < 300 or answer["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer the-token-and-more"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
    ],
    ids=["wrong token", "no token", "longer token", "a web page's name", "another port"],
)
def test_strangers_are_refused(channel: Channel, headers: dict[str, str], status: int) -> None:
    """Without the token, or under a name that is not loopback, nothing is answered."""
    assert _ask(channel, "GET", "/v1/status", headers=headers)[0] == status
    assert _ask(channel, "POST", "/v1/quit", b"{}", headers)[0] == status


def test_a_body_of_absurd_length_is_not_read(channel: Channel) -> None:
    """A length beyond the limit, or none at all, is refused at once."""
    assert _ask(channel, "POST", "/v1/quit", b"", {"Content-Length": "99999999999"})[0] == 400
    assert _ask(channel, "POST", "/v1/quit", b"", {"Content-Length": "x"})[0] == 400


def test_the_channel_is_loopback_only(channel: Channel) -> None:
    """The socket is bound to this machine's loopback."""
    assert channel.server_address[0] == "127.0.0.1"


def test_a_follower_survives_whatever_happens() -> None:
    """A service that is away, and even a defect, do not end the listening."""
    met: list[str] = []
    done = threading.Event()

    def connect(_service: str) -> Any:
        met.append("x")
        if len(met) == 1:
            raise ServiceUnreachable("away")
        follower.stop()
        done.set()
        raise FileVanished("x")

    follower = Follower(
        S, connect=connect, cursor=lambda: "", save=lambda _: None, news_of=lambda *_: None, connected=lambda _: None
    )
    follower.start()
    assert done.wait(10)
    follower.join(10)
    assert not follower.is_alive()


def test_an_agent_error_has_a_next_step() -> None:
    """Errors about the agent say what to do."""
    assert AgentError("It is away.", "Start it.").next_step == "Start it."
