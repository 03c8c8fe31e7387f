"""`conductor audit`: nothing is found where nothing is wrong, and each kind of fault is, and only that one."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import tomllib
from conductor_core.digest import Digest, digest_of, hex_of
from conductor_core.submission import Output, Retries, Step
from conductor_core.transfer.packs import Member, write_pack
from conductor_service.audit import KINDS, Finding, FolderShelf, Place, audit, kinds, store
from conductor_service.database import read_only_engine
from conductor_service.door import Why, move
from conductor_service.farm import open_farm
from conductor_service.models import Task
from conductor_service.one_service import sole_service
from conductor_service.settings import Settings
from conductor_service.states import TaskState
from conductor_service.store import MemoryStore
from sqlalchemy import select

COMMAND = (sys.executable, "-m", "conductor_service.audit")
NOWHERE = "sha256:" + "0" * 64
SMALL = [b"wood" * 100, b"stone" * 100]
PACK = b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in SMALL]))  # type: ignore[misc]
PNG = b"\x89PNG\r\n\x1a\n and so on"


@dataclass
class Site:
    """The data folder of a service that was busy when it was killed."""

    data: Path
    now: datetime

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Do something to the database that the service would never do."""
        connection = sqlite3.connect(self.data / "conductor.sqlite")
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def one(self, query: str) -> Any:
        return self.sql(query)[0][0]

    def object_file(self, digest: str) -> Path:
        return self.data / "store" / "objects" / hex_of(Digest(digest))[:2] / hex_of(Digest(digest))

    def findings(self, *, deep: bool = True) -> list[Finding]:
        engine = read_only_engine(self.data / "conductor.sqlite")
        try:
            place = Place(engine, FolderShelf(self.data / "store"), self.data, served=False)
            return list(audit(place, self.now, deep=deep))
        finally:
            engine.dispose()


def submission_of_two_steps(commands: Callable[..., Any]) -> Any:
    """Return a job of a step with two chunks of two frames, and a step after it."""
    made = commands("1-4", chunk=2, max_instances=1, retries=Retries(2, 2))
    main = made.steps[0]
    comp = Step("comp", "1-2", kind="command", outputs=(Output("/job/comp/c.####.png"),), command=("true",), after=("main",))
    return replace(made, steps=(main, comp))


def publish_frame(studio: Any, runner: Any, work: Any, frame: int, **place: str) -> str:
    data = f"picture of frame {frame} of {work['step']['name']}".encode()
    runner.store(work, data)
    answer = runner.publish(work, studio.record(work, frame, data, **place))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outputs"][0]["id"])


def render_first_job(studio: Any) -> None:
    """A whole job: a preview, an attempt that fails half-way, a step that waited; then its instance vanishes."""
    studio.job(submission_of_two_steps(studio.commands))
    runner = studio.runner()
    work = runner.take()
    picture = publish_frame(studio, runner, work, 1)
    publish_frame(studio, runner, work, 2)
    studio.clock.pass_time(3)
    runner.finish(work)
    preview = f"/attempts/{work['attempt']['id']}/outputs/{picture}/preview"
    assert runner.ask("PUT", preview, params={"fence": work["attempt"]["fence"]}, content=PNG).status_code == 200
    work = runner.take()
    publish_frame(studio, runner, work, 3)
    studio.clock.pass_time(3)
    runner.finish(work, "failed", cause="crashed", frames_done=[3])
    work = runner.take()
    publish_frame(studio, runner, work, 4)
    runner.finish(work)
    for _ in range(2):
        work = runner.take()
        frame = work["task"]["frames"][0]
        publish_frame(studio, runner, work, frame, path=f"/job/comp/c.{frame:04d}.png")
        studio.clock.pass_time(2)
        assert runner.finish(work).status_code == 200
    assert studio.state({"id": "1"}) == "success"
    studio.fleet.vanish(runner.id)
    studio.scheduler.tick()


def begin_second_job(studio: Any) -> None:
    """A job at work: one task killed, one tried again and running, one held, one ready."""
    job = studio.job(studio.commands("1-4", max_instances=1, retries=Retries(2, 2)))
    keys = [t["id"] for t in studio.tasks(job)]
    studio.verb(job, "hold", tasks=[keys[2]], reason="look at it first")
    runner = studio.runner()
    killed = runner.take()
    studio.verb(job, "kill", tasks=[keys[0]])
    studio.clock.pass_time(1)
    runner.finish(killed, "killed", cause="user")
    studio.verb(job, "hold", tasks=[keys[3]])  # what failed here comes last
    runner.finish(runner.take(), "failed", cause="crashed")
    runner.beat(runner.take())
    studio.verb(job, "resume", tasks=[keys[3]])
    assert studio.states(job) == ["killed", "running", "holding", "ready"]


@pytest.fixture(scope="module")
def killed(studios_on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The folder of a service with a history, as it lay there at one instant of its life."""
    maker = studios_on_disk()
    studio = maker(idle_seconds=10**6)
    render_first_job(studio)
    begin_second_job(studio)
    studio.submit()
    assert studio.ask("POST", "/projects/default/packs", content=PACK).status_code == 201
    data = tmp_path_factory.mktemp("killed") / "data"
    shutil.copytree(studio.farm.settings.data_folder, data)
    now = studio.clock.now
    maker.close()
    assert (data / "conductor.sqlite-wal").stat().st_size, "a crash leaves a write-ahead log"
    return Site(data, now)


@pytest.fixture
def site(killed: Site, tmp_path: Path) -> Site:
    """A copy of it, to be damaged."""
    return Site(Path(shutil.copytree(killed.data, tmp_path / "data")), killed.now)


def test_a_busy_database_is_clean(site: Site) -> None:
    """Whatever a service is in the middle of is no fault, also when it was killed there."""
    assert site.findings() == []


Plant = Callable[[Site], str]


def statement(text: str, subject: str) -> Plant:
    """Return a fault of one statement; `subject` is a query for what the finding is about."""

    def plant(site: Site) -> str:
        named = site.one(subject)
        site.sql(text.replace(":id", f"'{named.split(' ')[-1]}'"))
        return str(named)

    return plant


def task(state: str, job: int, index: int) -> str:
    return (
        f"SELECT 'task ' || task.id FROM task JOIN job ON job.id = job_id WHERE number = {job} AND \"index\" = {index}"
        f" AND task.state = '{state}'"
    )


def attempt(job: int, index: int, number: int) -> str:
    return (
        "SELECT 'attempt ' || attempt.id FROM attempt JOIN task ON task.id = task_id JOIN job ON job.id = attempt.job_id"
        f' WHERE job.number = {job} AND "index" = {index} AND attempt.number = {number}'
    )


ENDED_INSTANCE = "SELECT 'instance ' || id FROM instance WHERE state = 'ended'"
AN_OUTPUT = "SELECT 'output ' || id FROM output WHERE path = '/job/out/f.0004.png'"
MANIFEST = "SELECT 'manifest ' || digest FROM manifest"
#: what is found about a task whose id the statement needs, as one word
HOLD = "INSERT INTO hold VALUES (:id, 'user', 'Ada', '', '2026-01-01 00:00:00.000000')"


def lose_the_running_attempt(site: Site) -> str:
    named = site.one(task("running", 2, 1))
    changes = "state = 'lost', ended = started, released = started, milliseconds = 0"
    site.sql(f"UPDATE attempt SET {changes} WHERE task_id = ? AND state = 'running'", named.split()[-1])
    return str(named)


def forbid_a_move(site: Site) -> str:
    named = site.one(task("killed", 2, 0))
    key = named.split()[-1]
    site.sql("UPDATE transition SET \"after\" = 'skipped' WHERE task_id = ? AND version = 3", key)
    site.sql("UPDATE transition SET \"before\" = 'skipped' WHERE task_id = ? AND version = 4", key)
    return str(named)


def publish_twice(site: Site) -> str:
    """Take the database's own guard against it away, and copy an output."""
    made = site.one("SELECT sql FROM sqlite_master WHERE name = 'output'")
    unguarded = re.sub(r",\s*CONSTRAINT \w+ UNIQUE \(task_id, generation, path\)", "", made)
    assert unguarded != made
    connection = sqlite3.connect(site.data / "conductor.sqlite")
    connection.execute("PRAGMA legacy_alter_table = ON")
    connection.execute("ALTER TABLE output RENAME TO before")
    connection.execute(unguarded)
    connection.execute("INSERT INTO output SELECT * FROM before")
    connection.execute("DROP TABLE before")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(output)") if row[1] not in ("seq", "id")]
    names = ", ".join(columns)
    connection.execute(f"INSERT INTO output (id, {names}) SELECT 'twin', {names} FROM output WHERE path = '/job/out/f.0004.png'")
    connection.commit()
    connection.close()
    return str(site.one(task("success", 1, 1)))


def forget_an_object(site: Site) -> str:
    digest = digest_of(b"a texture")
    site.sql("DELETE FROM project_object WHERE object_id = (SELECT id FROM object WHERE digest = ?)", digest)
    for table in ("presence_lease", "object"):
        site.sql(f"DELETE FROM {table} WHERE digest = ?", digest)
    return str(site.one(MANIFEST))


def damage_the_database(site: Site) -> str:
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    file = site.data / "conductor.sqlite"
    page = site.one("SELECT rootpage FROM sqlite_master WHERE name = 'ix_transition_task_id'")
    size = site.one("PRAGMA page_size")
    with file.open("r+b") as stream:
        stream.seek((page - 1) * size + 200)
        stream.write(b"\xa5" * (size - 300))
    return "database"


def a_picture(site: Site) -> str:
    return str(site.one("SELECT digest FROM output WHERE path = '/job/out/f.0004.png'"))


def unlink_an_object(site: Site) -> str:
    site.object_file(a_picture(site)).unlink()
    return f"object {a_picture(site)}"


def cut_an_object(site: Site) -> str:
    os.truncate(site.object_file(a_picture(site)), 3)
    return f"object {a_picture(site)}"


def change_an_object(site: Site) -> str:
    file = site.object_file(a_picture(site))
    file.write_bytes(b"P" + file.read_bytes()[1:])
    return f"object {a_picture(site)}"


def leave_an_orphan(site: Site) -> str:
    digest = digest_of(b"nobody's")
    file = site.object_file(digest)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"nobody's")
    long_ago = site.now.timestamp() - 3700
    os.utime(file, (long_ago, long_ago))
    return f"object {digest}"


def leave_a_file_aside(site: Site) -> str:
    (site.data / "store" / "tmp" / "4f2a").write_bytes(b"half")
    return "file 4f2a"


def set_an_object_aside(site: Site) -> str:
    (site.data / "store" / "damaged").mkdir()
    (site.data / "store" / "damaged" / ("0" * 64)).write_bytes(b"x")
    return f"object {NOWHERE}"


FAULTS: dict[str, Plant] = {
    "database-damaged": damage_the_database,
    "migration": statement("UPDATE alembic_version SET version_num = '0000'", "SELECT 'database'"),
    "broken-reference": statement("UPDATE membership SET user_id = 'nobody'", "SELECT 'membership row 1'"),
    "job-state": statement("UPDATE job SET state = 'failed' WHERE id = :id", "SELECT 'job ' || id FROM job WHERE number = 1"),
    "job-finished": statement("UPDATE job SET finished = NULL WHERE id = :id", "SELECT 'job ' || id FROM job WHERE number = 1"),
    "job-scouts": statement("UPDATE job SET scouts_ended = 0 WHERE id = :id", "SELECT 'job ' || id FROM job WHERE number = 1"),
    "task-attempt": statement("UPDATE task SET attempts_made = 7 WHERE id = :id", task("success", 1, 1)),
    "task-fence": statement("UPDATE task SET fence = fence + 1 WHERE id = :id", task("running", 2, 1)),
    "running-without-attempt": lose_the_running_attempt,
    "hold-on-ended": statement(HOLD, task("success", 1, 0)),
    "holding-without-hold": statement("DELETE FROM hold WHERE task_id = :id", task("holding", 2, 2)),
    "hold-without-effect": statement(HOLD, task("ready", 2, 3)),
    "scout-hold-missing": statement("UPDATE task SET awaits_release = 1 WHERE id = :id", task("ready", 2, 3)),
    "upload-hold-astray": statement(HOLD.replace("'user'", "'upload'"), task("holding", 2, 2)),
    "scout-hold-astray": statement(HOLD.replace("'user'", "'scout'"), task("holding", 2, 2)),
    "task-version": statement("UPDATE task SET version = version + 1 WHERE id = :id", task("ready", 2, 3)),
    "history-forbidden": forbid_a_move,
    "history-broken": statement(
        "UPDATE transition SET \"after\" = 'failed' WHERE task_id = :id AND \"after\" = 'success'", task("success", 1, 0)
    ),
    "attempt-astray": statement(
        "UPDATE attempt SET state = 'running', ended = NULL, milliseconds = 0 WHERE id = :id", attempt(2, 0, 1)
    ),
    "attempt-on-ended-instance": statement("UPDATE attempt SET released = NULL WHERE id = :id", attempt(1, 0, 1)),
    "attempts-overlap": statement(
        "UPDATE attempt SET released = NULL WHERE task_id = :id AND state = 'failed'", task("running", 2, 1)
    ),
    "attempt-end": statement("UPDATE attempt SET ended = NULL WHERE id = :id", attempt(2, 1, 1)),
    "attempt-times": statement("UPDATE attempt SET milliseconds = 3600000 WHERE id = :id", attempt(1, 1, 1)),
    "instance-end": statement("UPDATE instance SET ended = NULL WHERE id = :id", ENDED_INSTANCE),
    "instance-times": statement("UPDATE instance SET ready = '2026-03-01 00:00:00.000000' WHERE id = :id", ENDED_INSTANCE),
    "token-alive": statement(
        "UPDATE token SET revoked = NULL WHERE id = :id",
        "SELECT 'token ' || token.id FROM token JOIN instance ON instance.id = instance_id WHERE state = 'ended'",
    ),
    "output-object": statement(f"UPDATE output SET digest = '{NOWHERE}' WHERE id = :id", AN_OUTPUT),
    "output-size": statement("UPDATE output SET size = size + 1 WHERE id = :id", AN_OUTPUT),
    "preview-object": statement(f"UPDATE output SET preview = '{NOWHERE}' WHERE id = :id", AN_OUTPUT),
    "project-file-object": statement(
        f"UPDATE project_file SET digest = '{NOWHERE}' WHERE id = :id",
        "SELECT 'project_file ' || id FROM project_file WHERE path = '/job/out/f.0004.png'",
    ),
    "output-stale": statement("UPDATE output SET created = '2026-03-01 00:00:00.000000' WHERE id = :id", AN_OUTPUT),
    "output-twice": publish_twice,
    "frames-done": statement("UPDATE task SET frames_done = '[2]' WHERE id = :id", task("running", 2, 1)),
    "manifest-missing": statement(
        f"INSERT INTO manifest (digest, size, entries, created) VALUES ('{NOWHERE}', 1, 1, '2026-01-01 00:00:00.000000')",
        f"SELECT 'manifest {NOWHERE}'",
    ),
    "manifest-names": forget_an_object,
    "manifest-rows": statement("DELETE FROM manifest_object", MANIFEST),
    "right-names": statement(
        "INSERT INTO project_object (project_id, object_id, created) SELECT id, 999, created FROM project LIMIT 1",
        "SELECT 'project ' || id || ' object 999' FROM project LIMIT 1",
    ),
    "object-missing": unlink_an_object,
    "object-size": cut_an_object,
    "object-content": change_an_object,
    "pack-place": statement(
        'UPDATE packed_object SET "offset" = 10000 WHERE object_id = (SELECT id FROM object WHERE digest = :id)',
        f"SELECT 'object {digest_of(SMALL[0])}'",
    ),
    "object-orphan": leave_an_orphan,
    "store-leftover": leave_a_file_aside,
    "store-damaged": set_an_object_aside,
}


def test_every_kind_has_its_fault() -> None:
    """No kind is looked for that was never seen to be found."""
    assert set(FAULTS) == set(KINDS)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(kind: str, site: Site) -> None:
    """One fault of a kind gives findings of that kind about that thing, with a sentence and a next step."""
    subject = FAULTS[kind](site)
    findings = site.findings()
    assert {(f.kind, f.subject) for f in findings} == {(kind, subject)}
    assert len(findings) == 1 or kind == "database-damaged"
    assert all(f.sentence.endswith(".") and f.next_step and not f.in_flight for f in findings)


def test_content_is_read_by_deep_only(site: Site) -> None:
    """Without `--deep` no object's bytes are read: a change of the same length is not seen."""
    change_an_object(site)
    assert site.findings(deep=False) == []


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (Path.unlink, {"object-missing"}),
        (lambda f: f.write_bytes(PACK[:-1]), {"object-size"}),
        (lambda f: f.write_bytes(PACK[:-1] + b"!"), {"object-content"}),
    ],
    ids=["missing", "cut", "changed"],
)
def test_a_damaged_pack_is_named_by_its_objects(site: Site, damage: Callable[[Path], object], kinds: set[str]) -> None:
    """Of a pack that is gone or cut all objects are named, of one that was changed those that were."""
    damage(site.object_file(digest_of(PACK)))
    findings = site.findings()
    assert {f.kind for f in findings} == kinds
    named = SMALL[1:] if kinds == {"object-content"} else SMALL
    assert {f.subject for f in findings} == {f"object {digest_of(b)}" for b in named}
    assert all("pack" in f.sentence for f in findings)


def test_a_manifest_that_cannot_be_read_is_named(site: Site) -> None:
    """A damaged manifest does not end the audit."""
    digest = site.one(MANIFEST).split()[-1]
    file = site.object_file(digest)
    file.write_bytes(b"[" + file.read_bytes()[1:])
    assert [f.kind for f in site.findings()] == ["manifest-rows", "object-content"]


#: of what cannot be read: the statement that makes it so, and kinds that then cannot be checked
UNREADABLE: dict[str, tuple[str, set[str]]] = {
    "a state that is none": ("UPDATE task SET state = 'rendering' WHERE state = 'ready'", {"job-state", "frames-done"}),
    "a move that is none": ("UPDATE transition SET \"after\" = 'nowhere' WHERE version = 2", {"history-forbidden"}),
    "a time that is none": ("UPDATE attempt SET started = 'yesterday'", {"attempt-times"}),
    "frames that are no JSON": ("UPDATE task SET frames = '[1,'", {"frames-done"}),
    "frames that are no list": ("UPDATE task SET frames = '1'", {"frames-done"}),
    "frames of another type": ("UPDATE task SET frames = 1", {"frames-done"}),
    "a submission that is no JSON": ("UPDATE job SET submission = '{\"'", {"frames-done"}),
    "a submission that is none": ("UPDATE job SET submission = '{}'", {"frames-done"}),
    "a table that is gone": ("DROP TABLE hold", {"hold-on-ended", "holding-without-hold", "hold-without-effect"}),
}


@pytest.mark.parametrize(("damage", "unreadable"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_does_not_end_the_audit(site: Site, damage: str, unreadable: set[str]) -> None:
    """The kinds that come upon it say so and count as wrong; all others are looked for, and the JSON is whole."""
    subject = unlink_an_object(site)
    site.sql(damage)
    done = run("--data", str(site.data), "--deep", "--json")
    assert (done.returncode, done.stderr) == (10, "")
    told = json.loads(done.stdout)
    unchecked = [f for f in told["findings"] if f["sentence"].startswith("This kind cannot be checked to its end: ")]
    assert {f["kind"] for f in unchecked} >= unreadable
    assert {f["subject"] for f in unchecked} == {"database"}
    assert [f["subject"] for f in told["findings"] if f["kind"] == "object-missing"] == [subject]
    assert told["wrong"] == len(told["findings"])


def test_what_is_no_digest_is_not_in_the_store(site: Site) -> None:
    """An object whose name is no digest is named, and those after it are looked at."""
    site.sql("INSERT INTO object (digest, size, created) VALUES ('nonsense', 5, '2026-01-01 00:00:00.000000')")
    subject = change_an_object(site)
    assert [(f.kind, f.subject) for f in site.findings()] == [("object-missing", "object nonsense"), ("object-content", subject)]


class WatchingShelf(FolderShelf):
    """A store at whose every look the service writes, and begins its write-ahead log anew."""

    def __init__(self, data: Path) -> None:
        super().__init__(data / "store")
        self._database = data / "conductor.sqlite"
        #: of each look, whether somebody kept the log from beginning anew
        self.held: list[bool] = []

    def look(self) -> None:
        connection = sqlite3.connect(self._database, timeout=0)
        with connection:
            connection.execute("UPDATE account SET name = name || '.'")
        self.held.append(bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]))
        connection.close()

    def size(self, digest: Digest) -> int | None:
        self.look()
        return super().size(digest)

    def read(self, digest: Digest) -> Iterator[bytes]:
        self.look()
        yield from super().read(digest)

    def digests(self) -> Iterator[Digest]:
        for digest in super().digests():
            yield digest
            self.look()


LOOKS = ["object-missing", "object-size", "object-content", "object-orphan", "manifest-rows"]


@pytest.mark.parametrize("kind", LOOKS)
def test_the_log_begins_anew_while_the_store_is_read(kind: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the store takes, no state of the database is held meanwhile, also when there is something to say."""
    FAULTS[kind](site)
    monkeypatch.setattr(kinds, "KINDS", {kind: KINDS[kind]})
    for module in (kinds, store):
        monkeypatch.setattr(module, "BATCH", 2)
    shelf = WatchingShelf(site.data)
    engine = read_only_engine(site.data / "conductor.sqlite")
    found = list(audit(Place(engine, shelf, site.data, served=True), site.now, deep=True))
    engine.dispose()
    assert [f.kind for f in found] == [kind]
    assert shelf.held
    assert not any(shelf.held)


def test_no_page_is_left_out(site: Site) -> None:
    """More objects than one page has are looked at, each once."""
    names = [digest_of(b"%d" % number) for number in range(2 * kinds.BATCH + 1)]
    site.sql(
        "INSERT INTO object (digest, size, created) SELECT value, 1, '2026-01-01 00:00:00.000000' FROM json_each(?)",
        json.dumps(names),
    )
    found = site.findings()
    assert {f.kind for f in found} == {"object-missing"}
    assert sorted(f.subject for f in found) == sorted(f"object {name}" for name in names)


def test_a_file_that_is_no_database_is_damaged(site: Site) -> None:
    """A database whose very beginning is gone is a finding, and no crash."""
    site.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with (site.data / "conductor.sqlite").open("r+b") as stream:
        stream.write(b"\xa5" * 4096)
    assert [f.kind for f in site.findings()] == ["database-damaged"]


def test_any_folder_name_will_do(killed: Site, tmp_path: Path) -> None:
    """What means something in an address means nothing in the name of a folder, neither to the audit nor to the service."""
    data = Path(shutil.copytree(killed.data, tmp_path / "a b#c?d%20é" / "data"))
    assert Site(data, killed.now).findings() == []
    farm = open_farm(Settings(data=str(data), find_software=False))
    with farm.database.read() as session:
        assert len(session.scalars(select(Task)).all()) > 3
    farm.close()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def unchanged(site: Site) -> Iterator[None]:
    """See that no file of the data folder changes, comes or goes."""

    def picture() -> dict[str, tuple[int, bytes]]:
        files = sorted(p for p in site.data.rglob("*") if p.is_file() and not p.name.endswith(("-shm", "-wal")))
        return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}

    before = picture()
    yield
    assert picture() == before


@pytest.mark.usefixtures("unchanged")
def test_the_command_finds_nothing(site: Site) -> None:
    """A clean folder ends with 0, and nothing in it has changed."""
    done = run("--data", str(site.data), "--deep")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 findings" in done.stdout


def test_the_command_names_what_is_wrong(site: Site) -> None:
    """Findings end the command with 10; as JSON they are one document."""
    subject = unlink_an_object(site)
    plain = run("--data", str(site.data))
    assert (plain.returncode, plain.stderr) == (10, "")
    assert "object-missing" in plain.stdout
    assert "it is output /job/out/f.0004.png of job 1" in plain.stdout
    told = json.loads(run("--data", str(site.data), "--json").stdout)
    assert [(f["kind"], f["subject"]) for f in told["findings"]] == [("object-missing", subject)]
    assert (told["wrong"], told["maybe_in_flight"], told["served"], told["deep"]) == (1, 0, False, False)


def test_a_folder_of_no_service_is_refused(tmp_path: Path) -> None:
    """A wrong folder is named, and nothing is made there."""
    done = run("--data", str(tmp_path / "elsewhere"))
    assert done.returncode == 2
    assert str(tmp_path / "elsewhere") in done.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_the_manual_lists_every_kind() -> None:
    """`--kinds` says of each kind what it is and what to do."""
    shown = run("--kinds").stdout
    assert all(f"\n{name}" in f"\n{shown}" for name in KINDS)
    manual = run("--help").stdout
    assert "Examples:" in manual
    assert "Exit codes:" in manual
    listed = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert [name for name in KINDS if f"`{name}`" not in listed] == []


def test_beside_a_running_service_young_files_may_be_in_flight(site: Site) -> None:
    """What is being written is told from what was left over by its age, and does not count; without a service it does."""
    leave_a_file_aside(site)
    with sole_service(site.data):
        done = run("--data", str(site.data), "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["served"], told["wrong"], told["maybe_in_flight"]) == (0, True, 0, 1)
        assert [(f["kind"], f["in_flight"]) for f in told["findings"]] == [("store-leftover", True)]
        assert "(maybe in flight)" in run("--data", str(site.data)).stdout
        old = time.time() - 3700
        os.utime(site.data / "store" / "tmp" / "4f2a", (old, old))
        assert run("--data", str(site.data)).returncode == 10
    assert run("--data", str(site.data)).returncode == 10


def test_bytes_whose_transaction_is_still_to_come_are_no_orphans(site: Site) -> None:
    """Bytes go to the store before the database knows them: they are nobody's only when an hour has gone by."""
    leave_an_orphan(site)
    now = site.now.timestamp()
    os.utime(site.object_file(digest_of(b"nobody's")), (now - 3500, now - 3500))
    assert site.findings() == []


def test_an_audit_beside_a_writer_sees_whole_transactions(make_studio: Any) -> None:
    """Checks read while the service writes: each sees one state, and a half-done change is none of its business."""
    make_studio.store = MemoryStore(make_studio.clock)
    studio = make_studio()
    job = studio.job()
    place = Place(studio.farm.database.engine, studio.store, studio.farm.settings.data_folder, served=True)
    with studio.farm.database.write() as unit:
        for row in unit.session.scalars(select(Task).where(Task.job_id == job["id"])):
            move(unit, [row], TaskState.KILLED, Why("test"))
        assert list(audit(place, studio.clock.now, deep=True)) == []
    assert studio.state(job) == "killed"
    assert list(audit(place, studio.clock.now, deep=True)) == []


def test_the_command_is_one_of_conductor() -> None:
    """`conductor audit` is an entry point that leads to the command."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["conductor.commands"]["audit"].partition(":")
    assert getattr(importlib.import_module(module), name).name == "audit"


#: of what the audit may not read: a path below the data folder, its mode, and what is named
FORBIDDEN: dict[str, tuple[str, int, str]] = {
    "the data folder": (".", 0o000, "conductor.sqlite"),
    "the database": ("conductor.sqlite", 0o000, "conductor.sqlite"),
    "the place of the database's log": (".", 0o500, "conductor.sqlite"),
    "the service's lock": ("service.lock", 0o000, "service.lock"),
    "the store": ("store/objects", 0o000, "store/objects"),
}


@pytest.mark.parametrize(("path", "mode", "named"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_may_not_be_read_is_no_fault_of_the_data(
    site: Site, tmp_path: Path, without_privileges: list[str], path: str, mode: int, named: str
) -> None:
    """Another user's audit ends with 2, the file's name and whose audit it must be; nothing is called damaged."""
    site.sql("PRAGMA user_version")
    (site.data / "service.lock").touch()
    (site.data / "conductor.sqlite-shm").unlink(missing_ok=True)
    (site.data / path).chmod(mode)
    try:
        done = subprocess.run(
            [*without_privileges, *COMMAND, "--data", str(site.data)], capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        (site.data / path).chmod(0o700)
    assert (done.returncode, "Traceback" in done.stderr, "damaged" in done.stdout) == (2, False, False), done
    assert f"{site.data / named}" in done.stderr
    assert "Run the audit as the service's user" in done.stderr
