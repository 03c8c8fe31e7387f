"""E-mails about jobs, to a real mail server: written with the change, sent once, whoever is down meanwhile."""

from __future__ import annotations

import contextlib
import email
import email.policy
import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import pytest
import requests
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from conductor_core.documents import to_json
from conductor_core.errors import InvalidDocument, SettingsError
from conductor_core.paths import Flavour
from conductor_core.submission import (
    MAX_EMAILS,
    Notifications,
    Occasion,
    Retries,
    Software,
    Step,
    Submission,
    validate_submission,
)
from conductor_service import verbs
from conductor_service.email_settings import EmailSettings
from conductor_service.embedded import start_service, stop_service
from conductor_service.jobs import find_job
from conductor_service.letters import Letter, News, write_letter
from conductor_service.models import Notification
from conductor_service.notices import MOST_TRIES
from conductor_service.post import UNWRITABLE, Outgoing, Postman
from conductor_service.settings import load_settings
from conductor_service.states import TaskState, Verb
from hypothesis import given
from hypothesis import strategies as st

ADA, BEN = "ada@studio.example", "ben@studio.example"
SECRET = "mail and pigeons"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
STEP = Step("main", "1", kind="command", command=("true",))
SUBMISSION = Submission("1", "default", "a job", "", Flavour.POSIX, Software("command", "1.0"), (STEP,), "small")
ALL: tuple[Occasion, ...] = ("scouts", "success", "failed", "killed")


@dataclass
class Inbox:
    """What a mail server took, and what it refuses: address → answer."""

    taken: list[EmailMessage] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    #: answers to the next texts, instead of taking them
    stumbles: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        if self.stumbles:
            return self.stumbles.pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.SMTP)
        assert isinstance(message, EmailMessage)
        assert message["To"] == envelope.rcpt_tos[0]
        assert len(envelope.rcpt_tos) == 1
        self.encrypted.append(session.ssl is not None)
        self.taken.append(message)
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == SECRET.encode(), handled=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def mail_server(inbox: Inbox, port: int, **options: Any) -> Iterator[None]:
    """Run a mail server for as long as the block lasts."""
    controller = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=60, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    return folder


@dataclass
class Desk:
    """A service that sends its e-mails to a server of this test."""

    studio: Any
    inbox: Inbox
    port: int

    @property
    def postman(self) -> Postman:
        return Postman(self.studio.farm, service_url="https://farm.example")

    def job(self, *on: Occasion, emails: tuple[str, ...] = (ADA,), scouts: str = "", **changes: Any) -> Any:
        """Make a job of two frames."""
        asked = self.studio.commands("1-2", max_instances=1, **changes)
        step = replace(asked.steps[0], scouts=scouts)
        return self.studio.job(replace(asked, steps=(step,), notifications=Notifications(emails, on or ALL)))

    def rows(self) -> list[Notification]:
        with self.studio.farm.database.read() as session:
            return list(session.scalars(sa.select(Notification).order_by(Notification.created, Notification.address)))

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.inbox.taken]


@pytest.fixture
def desk(make_studio: Any) -> Desk:
    """Give a service whose mail server is not there yet."""
    port = free_port()
    mail = EmailSettings("127.0.0.1", port, "none", sender="Conductor <farm@studio.example>", timeout_seconds=60)
    return Desk(make_studio(email=mail), Inbox(), port)


# what is told, and when


def test_the_end_of_a_job_is_told(desk: Desk) -> None:
    """Who asked for it gets one plain mail with what came of the job and the address of its page."""
    desk.job("success", title="Shot 010 “fog”", emails=(ADA, BEN, ADA))
    runner = desk.studio.runner()
    for _ in range(2):
        runner.render(runner.take())
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
        desk.postman.deliver()
    assert sorted(str(m["To"]) for m in desk.inbox.taken) == [ADA, BEN], "each once, and nobody sees the other"
    message = desk.inbox.taken[0]
    assert message["Subject"] == "[Conductor] job 1 is done: Shot 010 “fog”"
    assert message["From"] == "Conductor <farm@studio.example>"
    assert (message.get_content_type(), message["Auto-Submitted"]) == ("text/plain", "auto-generated")
    text = message.get_content()
    assert "it has ended well; 2 of 2 frames are rendered." in text
    assert "https://farm.example/#/jobs/1" in text.splitlines()


def test_a_failure_says_what_failed_first(desk: Desk) -> None:
    """The mail has the counts, the first failure, and what to do."""
    desk.job("failed", retries=Retries(0, 0))
    runner = desk.studio.runner()
    runner.finish(runner.take(), "failed", cause="out-of-memory", message="needed\n9 GB")
    runner.render(runner.take())
    [row] = desk.rows()
    assert row.subject == "[Conductor] job 1 has failed: a job"
    assert "1 of 2 frames are rendered (1 failed)" in row.text
    assert "The first failure: frame 1: out-of-memory: needed 9 GB" in row.text
    assert "conductor retry 1" in row.text


def test_scouts_are_told_of_once_they_have_ended(desk: Desk) -> None:
    """When the last scout has ended, well or not, somebody is asked to look; again when scouts are rendered again."""
    job = desk.job(scouts="1")
    runner = desk.studio.runner()
    runner.render(runner.take())
    [row] = desk.rows()
    assert row.subject == "[Conductor] the scout frames of job 1 are there: a job"
    assert "1 of 1 task succeeded" in row.text
    assert "1 more task waits" in row.text
    assert "conductor release 1" in row.text
    desk.studio.verb(job, "retry", states=["success"])
    runner.render(runner.take())
    desk.studio.verb(job, "release")
    runner.render(runner.take())
    assert [r.occasion for r in desk.rows()] == ["scouts", "scouts", "success"]


def test_scouts_of_a_later_step_keep_nobody_waiting_for_a_mail(desk: Desk) -> None:
    """Where nothing but a release moves a job on, somebody is told, though a later step has scouts that cannot run yet."""
    asked = desk.studio.commands("1-2", max_instances=1)
    sim, comp = (replace(asked.steps[0], name=name, scouts="1") for name in ("sim", "comp"))
    steps = (sim, replace(comp, after=("sim",)))
    job = desk.studio.submit(replace(asked, steps=steps, notifications=Notifications((ADA,), ALL)))
    desk.studio.verb(job, "hold", tasks=[t["id"] for t in desk.studio.tasks(job) if not t["scout"]])
    desk.studio.commit(job)
    desk.studio.verb(job, "resume")
    assert desk.rows() == []
    runner = desk.studio.runner()
    runner.render(runner.take())
    [row] = desk.rows()
    assert "1 of 1 task succeeded" in row.text
    assert "1 more scout task comes after a step that waits itself" in row.text
    assert "2 more tasks wait" in row.text
    sims = [t["id"] for t in desk.studio.tasks(job) if t["step"] == "sim"]
    desk.studio.verb(job, "release", tasks=sims)
    for _ in range(2):
        runner.render(runner.take())
    assert [r.occasion for r in desk.rows()] == ["scouts", "scouts"]
    assert "2 of 2 tasks succeeded" in desk.rows()[1].text


@pytest.mark.parametrize(
    ("on", "told"),
    [(ALL, ["killed", "success"]), (("success",), ["success"]), (("failed", "scouts"), [])],
    ids=["all", "one", "others"],
)
def test_only_what_was_asked_for_is_told(desk: Desk, on: tuple[Occasion, ...], told: list[str]) -> None:
    """A job that ends twice is told of twice, if its occasions were asked for; one without scouts never of scouts."""
    job = desk.job(*on)
    desk.studio.verb(job, "kill")
    desk.studio.verb(job, "retry")
    runner = desk.studio.runner()
    for _ in range(2):
        runner.render(runner.take())
    assert [row.occasion for row in desk.rows()] == told


def test_when_all_frames_are_scouts_only_the_end_is_told(desk: Desk) -> None:
    """There is nothing to release: one mail is enough."""
    desk.job(scouts="auto:9")
    runner = desk.studio.runner()
    for _ in range(2):
        runner.render(runner.take())
    assert [row.occasion for row in desk.rows()] == ["success"]


def test_what_is_undone_is_not_told(desk: Desk) -> None:
    """The mail is of the same transaction as the change: if that is undone, so is the mail."""
    job = desk.job()
    with contextlib.suppress(RuntimeError), desk.studio.farm.database.write() as unit:
        found = find_job(unit.session, desk.studio.get("/me")["account"]["id"], job["id"])
        verbs.apply(unit, found, Verb.KILL, verbs.Wish(), actor="Ada")
        raise RuntimeError("half-way")
    assert desk.rows() == []


def test_a_service_without_a_mail_server_writes_none(studio: Any) -> None:
    """Nothing heaps up to be sent on the day when somebody sets one; the catalogue says that there is none."""
    asked = replace(studio.commands(), notifications=Notifications((ADA,), ("killed",)))
    studio.verb(studio.job(asked), "kill")
    with studio.farm.database.read() as session:
        assert session.scalars(sa.select(Notification)).all() == []
    assert studio.get("/catalogue")["sends_email"] is False


def test_the_catalogue_says_that_e_mails_are_sent(desk: Desk) -> None:
    """The panel offers notifications where there are any."""
    assert desk.studio.get("/catalogue")["sends_email"] is True


# a server that is down, refuses, stumbles


def test_a_server_that_is_down_is_tried_again(desk: Desk) -> None:
    """It is asked again after a minute, then later and later; when it is back the mail arrives once."""
    desk.studio.verb(desk.job(), "kill")
    desk.postman.deliver()
    [row] = desk.rows()
    assert (row.tries, row.sent, "refused" in row.error.lower()) == (1, None, True)
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
        assert desk.inbox.taken == [], "not yet"
        desk.studio.clock.pass_time(60)
        for _ in range(2):
            desk.postman.deliver()
    assert desk.subjects() == ["[Conductor] job 1 was killed: a job"]
    assert desk.rows()[0].sent is not None


def test_a_server_that_stays_down_is_given_up(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Tries are bounded, and an hour apart at most; the log says which mail is given up, and why."""
    desk.studio.verb(desk.job(), "kill")
    pauses = []
    for _ in range(MOST_TRIES):
        desk.postman.deliver()
        pauses.append((desk.rows()[0].next_try - desk.studio.farm.clock()).total_seconds())
        desk.studio.clock.pass_time(3600)
    assert (pauses[:3], max(pauses)) == ([60, 120, 240], 3600)
    assert desk.rows()[0].given_up is not None
    assert f"The e-mail about job 1 to {ADA} is given up" in caplog.text
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
    assert desk.inbox.taken == []


@pytest.mark.parametrize(("answer", "for_good"), [("550 no such person", True), ("450 greylisted", False)])
def test_one_refused_address_keeps_no_other_from_its_mail(desk: Desk, answer: str, for_good: bool) -> None:
    """What the server refuses for good is given up at once, what it refuses for now is tried again; others get theirs."""
    desk.studio.verb(desk.job(emails=(ADA, BEN)), "kill")
    desk.inbox.refused[ADA] = answer
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
        ada, ben = desk.rows()
        assert (ben.sent is not None, ada.given_up is not None, answer[4:] in ada.error) == (True, for_good, True)
        desk.inbox.refused.clear()
        desk.studio.clock.pass_time(60)
        desk.postman.deliver()
    assert [str(m["To"]) for m in desk.inbox.taken] == ([BEN] if for_good else [BEN, ADA])


@pytest.mark.parametrize("answer", ["451 try later", "421 shutting down"])
def test_a_text_that_is_not_taken_now_goes_out_later(desk: Desk, answer: str) -> None:
    """A stumble of the server costs one mail a minute, and no mail a loss or a twin."""
    desk.studio.verb(desk.job(emails=(ADA, BEN)), "kill")
    desk.inbox.stumbles.append(answer)
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
        assert len(desk.inbox.taken) == 1
        desk.studio.clock.pass_time(60)
        desk.postman.deliver()
    assert sorted(str(m["To"]) for m in desk.inbox.taken) == [ADA, BEN]


def test_a_mail_that_cannot_be_marked_is_not_sent_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when the server has taken it: the postman remembers, and marks it when there is room."""
    desk.studio.verb(desk.job(), "kill")
    postman = desk.postman
    with mail_server(desk.inbox, desk.port):
        with monkeypatch.context() as full:
            full.setattr("conductor_service.notices.sent", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
            for _ in range(2):
                with pytest.raises(OSError, match="disk full"):
                    postman.deliver()
        desk.studio.clock.pass_time(3600)
        postman.deliver()
    assert len(desk.inbox.taken) == 1
    assert desk.rows()[0].sent is not None


def test_a_mail_has_the_same_name_whenever_it_is_sent(make_studio: Any, desk: Desk) -> None:
    """Killed between the server's yes and the mark, the service sends it again: under the Message-ID that it had."""
    desk.studio.verb(desk.job(), "kill")
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
        with desk.studio.farm.database.write() as unit:
            unit.session.scalars(sa.select(Notification)).one().sent = None
        desk.studio = make_studio(email=desk.studio.farm.settings.email)
        desk.postman.deliver()
    assert len({str(m["Message-ID"]) for m in desk.inbox.taken}) == 1
    assert len(desk.inbox.taken) == 2


def test_old_mails_are_forgotten(desk: Desk) -> None:
    """What was sent a month ago is deleted; what is still to be sent is not."""
    desk.studio.verb(desk.job(emails=(ADA, BEN)), "kill")
    desk.inbox.refused[BEN] = "450 later"
    with mail_server(desk.inbox, desk.port):
        desk.postman.deliver()
    desk.studio.clock.pass_time(31 * 24 * 3600)
    desk.studio.scheduler.tick()
    assert [row.address for row in desk.rows()] == [BEN]


# how it is sent


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_are_sent_encrypted_and_signed_in(
    make_studio: Any, certificate: Path, tmp_path: Path, security: Literal["starttls", "tls"], caplog: pytest.LogCaptureFixture
) -> None:
    """By STARTTLS or TLS, with user and password from a file; the password is neither in the log nor in the database."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "password").write_text(f"{SECRET}\n")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    inbox, port = Inbox(), free_port()
    options: dict[str, Any] = {"authenticator": inbox.authenticate}
    options |= (
        {"tls_context": context, "require_starttls": True, "auth_required": True}
        if security == "starttls"
        else {"ssl_context": context, "auth_require_tls": False}
    )
    mail = EmailSettings(
        "127.0.0.1",
        port,
        security,
        ca_file=str(certificate / "cert.pem"),
        user="conductor",
        password_file=str(tmp_path / "password"),
        sender="farm@studio.example",
    )
    desk = Desk(make_studio(email=mail), inbox, port)
    desk.studio.verb(desk.job(), "kill")
    with mail_server(inbox, port, **options):
        desk.postman.deliver()
        (tmp_path / "password").write_text("wrong")
        desk.studio.verb(desk.job(), "kill")
        desk.postman.deliver()
    assert (desk.subjects(), inbox.logins, inbox.encrypted) == (
        ["[Conductor] job 1 was killed: a job"],
        [b"conductor"] * len(inbox.logins),
        [security == "starttls"],  # the server notes that of STARTTLS only; by TLS it hears nothing else
    )
    assert "535" in desk.rows()[1].error
    assert SECRET not in caplog.text
    assert len(inbox.logins) > 1
    assert SECRET not in repr(desk.studio.farm.settings)


@pytest.mark.parametrize("trouble", ["no starttls", "a stranger's certificate", "no password file"])
def test_nothing_is_sent_to_whom_cannot_be_trusted(make_studio: Any, certificate: Path, tmp_path: Path, trouble: str) -> None:
    """Without TLS where it is asked for, with a certificate that does not verify, or without a password no mail goes out."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    inbox, port = Inbox(), free_port()
    ca_file = "" if trouble == "a stranger's certificate" else str(certificate / "cert.pem")
    mail = EmailSettings("127.0.0.1", port, "starttls", ca_file, sender="farm@studio.example")
    if trouble == "no password file":
        mail = replace(mail, user="conductor", password_file=str(tmp_path / "none"))
    desk = Desk(make_studio(email=mail), inbox, port)
    desk.studio.verb(desk.job(), "kill")
    with mail_server(inbox, port, **({} if trouble == "no starttls" else {"tls_context": context})):
        desk.postman.deliver()
    [row] = desk.rows()
    assert (inbox.taken, row.tries, row.sent) == ([], 1, None)
    said = {"no starttls": "STARTTLS", "a stranger's certificate": "CERTIFICATE", "no password file": str(tmp_path / "none")}
    assert said[trouble].lower() in row.error.lower()


def test_a_mail_server_that_hangs_holds_up_nobody(desk: Desk) -> None:
    """While the postman waits for a server that says nothing, jobs are changed as ever."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", desk.port))
        silent.listen()
        job = desk.job()
        desk.studio.verb(job, "kill")
        thread = threading.Thread(target=desk.postman.deliver)
        thread.start()
        connection, _ = silent.accept()
        with connection:
            assert desk.studio.verb(job, "retry").status_code == 200
            desk.studio.scheduler.tick()
            assert desk.studio.fleet.orders
            assert thread.is_alive()
        thread.join(30)
    assert not thread.is_alive()


def test_mails_survive_a_kill(tmp_path: Path) -> None:
    """A service is killed with -9 while its mail server is down; started again it sends what was to be sent, once."""
    port, inbox = free_port(), Inbox()
    mail = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "farm@studio.example"}
    settings = {"find_software": False, "email": mail}
    service = start_service(tmp_path / "data", settings)
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {service.token}"
            asked = replace(SUBMISSION, notifications=Notifications((ADA,), ("killed",)))
            made = session.post(f"{service.url}/api/v1/projects/default/jobs", json=to_json(asked), timeout=30)
            assert made.status_code == 201, made.text
            killed = session.post(f"{service.url}/api/v1/jobs/1/kill", json={}, timeout=30)
            assert killed.status_code == 200, killed.text
        service.process.kill()
        service.process.wait()
        with mail_server(inbox, port):
            service = start_service(tmp_path / "data", settings)
            _wait_until(lambda: inbox.taken)
            stop_service(service)
            service = start_service(tmp_path / "data", settings)
            stop_service(service)
    finally:
        stop_service(service)
    assert [(str(m["To"]), str(m["Subject"])) for m in inbox.taken] == [(ADA, "[Conductor] job 1 was killed: a job")]


def _wait_until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# what is in them


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
ADDRESS = st.from_regex(
    r"[^@\s,;<>\"\ud800-\udfff]{1,20}@[^@\s,;<>\"\ud800-\udfff]{1,20}\.[^@\s,;<>\".\ud800-\udfff]{1,9}", fullmatch=True
)


@given(
    title=TEXT,
    project=TEXT,
    failure=TEXT,
    occasion=st.sampled_from(ALL),
    address=ADDRESS | st.just(ADA),
)
def test_nothing_that_anybody_writes_becomes_a_header(
    title: str, project: str, failure: str, occasion: Any, address: str
) -> None:
    """Titles, messages and addresses of any letters: a mail has its own headers and no others, or cannot be written."""
    news = News(occasion, 7, title, project, {TaskState.SUCCESS: 1}, {TaskState.SUCCESS: 1}, 3, failure)
    letter: Letter = write_letter(news)
    assert len(letter.subject.splitlines()) == 1
    outgoing = Outgoing("id", 7, address, letter.subject, letter.text, START)
    try:
        data = outgoing.message("Conductor <farm@studio.example>", "studio.example", "https://farm").as_bytes(
            policy=email.policy.SMTPUTF8
        )
    except UNWRITABLE:
        return
    read = email.message_from_bytes(data, policy=email.policy.SMTPUTF8)
    own = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding"]
    assert [name for name in read if name != "MIME-Version"] == own


def test_a_job_tells_a_few() -> None:
    """Who has more to tell has a list: more addresses than that are refused by name."""
    many = tuple(f"p{n}@studio.example" for n in range(MAX_EMAILS + 1))
    validate_submission(replace(SUBMISSION, notifications=Notifications(many[1:])))
    with pytest.raises(InvalidDocument, match=r"notifications\.emails"):
        validate_submission(replace(SUBMISSION, notifications=Notifications(many)))


# settings


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("{host: mail}", "sender"),
        ("{host: mail, sender: nobody}", "sender"),
        ('{host: mail, sender: "a@b.c\\nBcc: x@y.z"}', "sender"),
        ("{host: mail, sender: a@b.c, port: 0}", "port"),
        ("{host: mail, sender: a@b.c, user: me}", "password_file"),
        ("{host: mail, sender: a@b.c, security: none, user: me, password_file: p}", "in the clear"),
        ("{host: mail, sender: a@b.c, security: ssl}", "security"),
        ("{host: mail, sender: a@b.c, password: secret}", "password"),
    ],
)
def test_settings_that_send_nothing_are_refused(tmp_path: Path, written: str, wrong: str) -> None:
    """What is wrong is named; a password in the settings themselves is no field."""
    (tmp_path / "s.yaml").write_text(f"email: {written}")
    with pytest.raises(SettingsError, match=wrong):
        load_settings(tmp_path / "s.yaml")


def test_the_password_file_is_beside_the_settings(tmp_path: Path) -> None:
    """Paths are relative to the file that they stand in, as everywhere in the settings."""
    (tmp_path / "s.yaml").write_text("email: {host: mail, sender: a@b.c, user: me, password_file: secret}")
    assert load_settings(tmp_path / "s.yaml").email.password_file == str(tmp_path / "secret")
