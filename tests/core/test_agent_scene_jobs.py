"""The jobs of a scene: found again after everything was closed, shown at once, moved, and looked at."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from conductor_core.agent.journal import Journal
from conductor_core.agent.journal_schema import prepare
from conductor_core.agent.live_jobs import OLD, OLD_ENDED, LiveJobs
from conductor_core.agent_answers import SceneJob
from conductor_core.agent_client import AgentClient
from conductor_core.api.answers import Job
from conductor_core.errors import AgentError, ServiceUnreachable
from core.artists_desk import Desk, submitted

Eventually = Callable[..., Any]


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _scene(desk: Desk) -> str:
    return str(desk.project / "shot.blend")


def _submit(desk: Desk, client: AgentClient, eventually: Eventually, identity: str = "s1", **changes: Any) -> None:
    submitted(client, client.submit(desk.submission(identity, **changes), desk.files()), eventually)


def _job(desk: Desk, client: AgentClient) -> SceneJob:
    return client.scene_jobs(_scene(desk))[0]


def test_from_submission_to_the_last_frame_at_home(desk: Desk, eventually: Eventually) -> None:
    """A panel that was opened anew finds the job by its scene, with all that it has to show."""
    client = desk.start()
    client.offer()
    _submit(desk, client, eventually)
    job = eventually(lambda: found if (found := _job(desk, client)).state else None)
    assert (job.id, job.title, job.scene, job.upload_state) == ("s1", "shot", _scene(desk), "submitted")
    assert (job.job, job.number, job.state, job.page) == ("job-1", 1, "pending", f"{desk.fake.url}/#/jobs/1")
    assert (job.bytes_to_send, job.bytes_sent, job.cost, job.problem) == (4005, 4005, "0.1000", "")
    assert (job.frames["ready"], job.files_total, job.last_frame) == (2, 0, "")
    first, second = desk.home / "shot_0001.exr", desk.home / "shot_0002.exr"
    for frame in (second, first):
        desk.fake.publish("job-1", str(frame), b"pixels")
        eventually(lambda frame=frame: _job(desk, client).last_frame == str(frame))
    desk.fake.set_state("job-1", "success")
    job = eventually(lambda: found if (found := _job(desk, client)).state == "success" else None)
    assert (job.files_home, job.files_total, job.last_frame) == (2, 2, str(first))


def test_only_those_of_the_scene_the_newest_first(desk: Desk, eventually: Eventually) -> None:
    """Other scenes' jobs are not among them, nor more than were asked for."""
    client = desk.start()
    for identity in ("s1", "s2", "s3"):
        _submit(desk, client, eventually, identity)
    _submit(desk, client, eventually, "other", scene=str(desk.project / "copy.png"))
    assert [job.id for job in client.scene_jobs(_scene(desk))] == ["s3", "s2", "s1"]
    assert [job.id for job in client.scene_jobs(_scene(desk), limit=2)] == ["s3", "s2"]
    assert client.scene_jobs(str(desk.project / "none.blend")) == []
    with pytest.raises(AgentError, match="absolute"):
        client.scene_jobs("shot.blend")


def test_names_that_are_no_plain_text(desk: Desk, eventually: Eventually) -> None:
    """A scene with spaces, signs and umlauts in its name finds its job too."""
    scene = desk.project / "Größe & Maß +1%20?#.blend"
    scene.write_bytes(b"scene")
    client = desk.start()
    _submit(desk, client, eventually, scene=str(scene))
    assert [job.id for job in client.scene_jobs(str(scene))] == ["s1"]


def test_what_is_known_survives_a_restart_while_the_service_is_away(desk: Desk, eventually: Eventually) -> None:
    """Started anew without the service, the agent still knows the job, its frames at home, and says that nobody answers."""
    client = desk.start()
    _submit(desk, client, eventually)
    frame = desk.home / "shot_0001.exr"
    desk.fake.publish("job-1", str(frame), b"pixels")
    desk.fake.set_state("job-1", "running")
    eventually(lambda: _job(desk, client).last_frame)
    eventually(lambda: client.downloads()[0]["state"] == "running")
    desk.stop()
    desk.fake.fault = lambda *_: "drop"
    client = desk.start()
    job = eventually(lambda: found if (found := _job(desk, client)).problem else None)
    assert (job.job, job.number, job.state, job.last_frame) == ("job-1", 1, "running", str(frame))
    assert "cannot be reached" in job.problem
    desk.fake.fault = lambda *_: None
    eventually(lambda: not _job(desk, client).problem, 30)
    assert _job(desk, client).frames


def test_while_it_uploads(desk: Desk, eventually: Eventually) -> None:
    """A submission that waits for the service says for what, and can only be cancelled, which kills its job."""
    desk.fake.fault = lambda method, _: "drop" if method == "PUT" else None
    client = desk.start()
    client.submit(desk.submission(), desk.files())
    job = eventually(lambda: found if (found := _job(desk, client)).problem else None)
    assert (job.upload_state, job.verbs, job.state) == ("uploading", ("kill",), "")
    assert "cannot be reached" in job.problem
    with pytest.raises(AgentError, match="still on its way"):
        client.move("s1", "hold")
    job = client.move("s1", "kill")
    assert (job.upload_state, job.verbs, job.problem) == ("failed", (), "The submission was cancelled.")
    eventually(lambda: desk.fake.jobs["job-1"]["state"] == "killed")
    with pytest.raises(AgentError, match="Submit it again"):
        client.move("s1", "retry")


@pytest.mark.parametrize(
    ("verb", "state", "verbs"),
    [
        ("hold", "holding", ("resume", "kill")),
        ("resume", "pending", ("hold", "kill")),
        ("release", "pending", ("hold", "kill")),
        ("kill", "killed", ("retry",)),
        ("retry", "pending", ("hold", "kill")),
    ],
)
def test_moves(desk: Desk, eventually: Eventually, verb: str, state: str, verbs: tuple[str, ...]) -> None:
    """Each move goes to the service with its reason, and what it answers is shown at once."""
    client = desk.start()
    _submit(desk, client, eventually)
    job = client.move("s1", verb, reason="lunch")
    assert (job.state, job.verbs) == (state, verbs)
    assert _job(desk, client).state == state
    assert desk.fake.jobs["job-1"]["moves"] == [(verb, {"reason": "lunch"})]


def test_a_move_that_is_not_allowed(desk: Desk, eventually: Eventually) -> None:
    """The service's own words are passed on; what is no move, or of no submission, is refused."""
    client = desk.start()
    _submit(desk, client, eventually)
    client.move("s1", "kill")
    with pytest.raises(AgentError, match="The job is killed"):
        client.move("s1", "hold")
    with pytest.raises(AgentError, match="must be one of hold"):
        client.move("s1", "explode")
    with pytest.raises(AgentError, match="knows no such thing"):
        client.move("nobody", "hold")


def test_the_newest_preview(desk: Desk, eventually: Eventually) -> None:
    """There is none at first; then it comes through, and is fetched once for each output."""
    client = desk.start()
    _submit(desk, client, eventually)
    assert client.preview("s1") == b""
    answer = desk.fake.job_answer
    desk.fake.job_answer = lambda job: {**answer(job), "last_output": "o7"}
    desk.fake.set_state("job-1", "running")
    assert eventually(lambda: client.preview("s1")) == b"\x89PNG"
    assert client.preview("s1") == b"\x89PNG"
    assert [path for _, path in desk.fake.requests if "preview" in path] == ["/api/v1/outputs/o7/preview"]
    with pytest.raises(AgentError, match="knows no such thing"):
        client.preview("nobody")


def test_the_journal_of_an_earlier_version(tmp_path: Path) -> None:
    """Its submissions are found by their scene, what is damaged in it stands in nobody's way, and an earlier agent can go on."""
    path = tmp_path / "journal.sqlite"
    old = sqlite3.connect(path)
    old.executescript(_OLD_JOURNAL)
    old.close()
    for _ in range(2):
        journal = Journal(path)
        assert {r.id: (r.scene, r.title) for r in journal.submissions()} == {"s": ("/p/shot.ma", "shot"), "broken": ("", "")}
        assert journal.last_home("http://f", "j") == "/p/f_1.exr"
        journal.close()
    old = sqlite3.connect(path)
    old.execute("INSERT INTO submissions (id, created, service, request, state) VALUES ('new', 3, 'f', '{}', 'hashing')")
    query = "SELECT id, service, state, job, number, counts, error, kill FROM submissions INDEXED BY submissions_in_short"
    assert len(old.execute(query).fetchall()) == 3
    old.close()


class _Power:
    """A database whose computer loses its power at the statement of a number."""

    def __init__(self, database: sqlite3.Connection, lasts: int) -> None:
        self._database = database
        self.left = lasts

    def executescript(self, script: str) -> None:
        self._database.executescript(script)

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self._database.execute(statement, values)


def test_a_journal_that_is_brought_up_to_date_survives_whenever_that_ends(tmp_path: Path) -> None:
    """Killed between any two of its steps, the next start does it, and nothing of the journal is lost."""
    for lasts in itertools.count():
        path = tmp_path / f"{lasts}.sqlite"
        database = sqlite3.connect(path, isolation_level=None)
        database.executescript(_OLD_JOURNAL)
        power = _Power(database, lasts)
        with contextlib.suppress(KeyboardInterrupt):
            prepare(cast("sqlite3.Connection", power))
        database.close()
        journal = Journal(path)
        assert {r.id: (r.scene, r.title) for r in journal.submissions()} == {"s": ("/p/shot.ma", "shot"), "broken": ("", "")}
        assert journal.last_home("http://f", "j") == "/p/f_1.exr"
        journal.close()
        if power.left:
            break
    assert lasts > 8


_OLD_JOURNAL = """
CREATE TABLE submissions (
    id TEXT PRIMARY KEY, created REAL NOT NULL, service TEXT NOT NULL, request BLOB NOT NULL, state TEXT NOT NULL,
    job TEXT NOT NULL DEFAULT '', number INTEGER NOT NULL DEFAULT 0, manifest BLOB, counts BLOB NOT NULL DEFAULT '{}',
    error BLOB, kill INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE outputs (
    service TEXT NOT NULL, job TEXT NOT NULL, path TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL,
    size INTEGER NOT NULL, mode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    placed TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (service, job, path)
);
CREATE INDEX submissions_in_short ON submissions (id, created, service, state, job, number, counts, error, kill);
INSERT INTO submissions (id, created, service, request, state)
VALUES ('s', 1, 'f', '{"submission": {"scene": "/p/shot.ma", "title": "shot"}}', 'submitted'), ('broken', 2, 'f', '{', 'failed');
INSERT INTO outputs (service, job, path, seq, digest, size, mode, mtime_ns, state, placed)
VALUES ('http://f', 'j', '/p/f_1.exr', 1, 'd', 1, 0, 0, 'done', '/p/f_1.exr'),
       ('http://f', 'j', '/p/f_2.exr', 2, 'd', 1, 0, 0, 'pending', '');
"""


class Service:
    """A service that is asked about jobs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = "running"
        self.away = False
        self.hang = threading.Event()
        self.hang.set()

    def job(self, identity: str) -> Job:
        self.asked.append(identity)
        self.hang.wait(60)
        if self.away:
            raise ServiceUnreachable("It is away.", "Wait.")
        return Job(identity, 1, "shot", "show", self.state, {}, {})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


KEY = ("http://f", "j")


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.hang.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(service: Service, clock: Clock) -> Iterator[LiveJobs]:
    live = LiveJobs(lambda _: service, clock=clock, moment=0.05)  # type: ignore[arg-type,return-value]
    yield live
    service.hang.set()
    live.stop()


def _state(live: LiveJobs) -> str:
    job = live.look([KEY])[KEY].job
    return job.state if job else ""


def test_a_job_is_asked_about_when_it_is_old(live: LiveJobs, service: Service, clock: Clock, eventually: Eventually) -> None:
    """Within moments it is not asked about again, after that it is; one that has ended is asked about less often."""
    eventually(lambda: _state(live) == "running")
    assert (_state(live), service.asked) == ("running", ["j"])
    service.state, clock.now = "success", clock.now + OLD + 0.1
    eventually(lambda: _state(live) == "success")
    clock.now += OLD + 0.1
    assert (_state(live), len(service.asked)) == ("success", 2)
    clock.now += OLD_ENDED
    live.look([KEY])
    eventually(lambda: len(service.asked) == 3)


def test_nobody_waits_for_a_service_that_hangs(live: LiveJobs, service: Service, eventually: Eventually) -> None:
    """The answer comes without the job, however long the service takes, and it is asked once meanwhile."""
    service.hang.clear()
    assert [_state(live) for _ in range(3)] == ["", "", ""]
    assert service.asked == ["j"]
    service.hang.set()
    eventually(lambda: _state(live) == "running")


def test_a_service_that_goes_away_leaves_what_was_known(
    live: LiveJobs, service: Service, clock: Clock, eventually: Eventually
) -> None:
    """The last that was heard stays, with the sentence; when it is back the sentence goes."""
    eventually(lambda: _state(live) == "running")
    service.away, clock.now = True, clock.now + OLD + 0.1
    seen = eventually(lambda: found if (found := live.look([KEY])[KEY]).problem else None)
    assert (seen.job.state, seen.problem) == ("running", "It is away. Wait.")
    service.away, clock.now = False, clock.now + OLD + 0.1
    eventually(lambda: not live.look([KEY])[KEY].problem)


def test_an_answer_that_makes_no_sense_is_told(live: LiveJobs, service: Service, eventually: Eventually) -> None:
    """A defect ends no question for ever: it is said, and asked again later."""
    service.job = lambda _: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    seen = eventually(lambda: found if (found := live.look([KEY])[KEY]).problem else None)
    assert (seen.job, "agent.log" in seen.problem) == (None, True)


def test_what_the_downloads_hear_need_not_be_asked(live: LiveJobs, service: Service) -> None:
    """News of a followed job is taken up at once."""
    live.hear("http://f", Job("j", 1, "shot", "show", "holding", {}, {}))
    assert (_state(live), service.asked) == ("holding", [])


def _of(state: str) -> Job:
    return Job("j", 1, "shot", "show", state, {}, {})


def test_an_answer_that_is_late_does_not_undo_a_move(live: LiveJobs, service: Service, eventually: Eventually) -> None:
    """A job that was asked about before it was moved is as the move left it, whoever asked, and however late the answer comes."""
    service.hang.clear()
    live.look([KEY])
    eventually(lambda: service.asked)
    followed = live.asking("http://f")
    live.hear("http://f", _of("killed"))
    service.hang.set()
    followed(_of("pending"))
    live.stop()
    assert _state(live) == "killed"


def test_of_two_answers_the_later_question_counts(live: LiveJobs) -> None:
    """The earlier one's answer may come behind it; what is asked after a move is taken up again."""
    live.hear("http://f", _of("killed"))
    earlier, later = live.asking("http://f"), live.asking("http://f")
    later(_of("running"))
    earlier(_of("pending"))
    assert _state(live) == "running"
