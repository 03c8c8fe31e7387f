"""The clean-up of the store: what is needed stays, whatever happens in between; what is not goes in the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conductor_core.digest import Digest, digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.errors import TransferError
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import compaction, garbage, objects, store_at_rest
from conductor_service.garbage import Rules
from conductor_service.gc_command import gc_command
from conductor_service.marking import Marks
from conductor_service.models import Discarded, Pack, PackedObject, StoredManifest
from conductor_service.store import FolderStore, ObjectMissing, ObjectUnreadable, StoreUnreachable
from conductor_service.store.s3_line import S3Refused
from conductor_service.store_at_rest import Manners, NoService
from sqlalchemy import select

HOUR = 3601
LEASE = int(objects.LEASE.total_seconds()) + 1
OLD = Rules(timedelta(days=30))
SMALL = [f"small {i}".encode() * 50 for i in range(6)]


def pack(bodies: Sequence[bytes]) -> bytes:
    return b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]))  # type: ignore[misc]


def send(studio: Any, bodies: Sequence[bytes]) -> str:
    """Send bodies as a pack; return its name in the store."""
    assert studio.ask("POST", "/projects/default/packs", content=pack(bodies)).status_code == 201
    return digest_of(pack(bodies))


def submit(studio: Any, bodies: Sequence[bytes]) -> dict[str, Any]:
    """Make a job of files that are there."""
    job = studio.submit()
    entries = [Entry(f"/job/{i}", digest=digest_of(b), size=len(b), mode=0o644, mtime_ns=1) for i, b in enumerate(bodies)]
    body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
    answer = studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def missing(studio: Any, bodies: Sequence[bytes]) -> list[bytes]:
    digests = [digest_of(b) for b in bodies]
    lacking = studio.ask("POST", "/projects/default/objects/missing", json={"digests": digests}).json()["missing"]
    return [b for b in bodies if digest_of(b) in lacking]


def collect(studio: Any, rules: Rules = Rules()) -> garbage.Gone:
    """Clean up once; return what objects went."""
    database, shelf = studio.farm.database, studio.farm.shelf
    garbage.forget_manifests(database, rules)
    gone = garbage.forget_objects(database)
    compaction.drop_empty(database)
    compaction.compact(database, shelf)
    garbage.delete_discarded(database, shelf)
    return gone


def read(studio: Any, body: bytes) -> bytes:
    return b"".join(studio.farm.store.read(digest_of(body)))


def test_an_upload_of_several_days_is_left_alone(studio: Any) -> None:
    """What was sent at first, or ahead of the click, is still there when the last file is: no clean-up takes it meanwhile."""
    send(studio, SMALL)
    studio.upload(b"a texture")
    for _ in range(3):
        studio.clock.pass_time(86400)
        assert collect(studio).objects == 0
    submit(studio, [*SMALL, b"a texture"])


def test_what_nothing_needs_goes(studio: Any) -> None:
    """What was sent and never submitted is missing after its lease, and out of the store an hour later; the rest stays."""
    job = submit(studio, [b"a texture"]) if studio.upload(b"a texture") else {}
    studio.upload(b"left")
    assert collect(studio).objects == 0, "what was called present is leased"
    studio.clock.pass_time(LEASE)
    assert collect(studio) == garbage.Gone(objects=1, size=4)
    assert Digest(digest_of(b"left")) in set(studio.store.digests()), "somebody may be reading it"
    assert missing(studio, [b"left", b"a texture"]) == [b"left"]
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(b'left')}").status_code == 404
    studio.clock.pass_time(HOUR)
    collect(studio)
    manifest = studio.farm.database
    with manifest.read() as session:
        names = set(session.scalars(select(StoredManifest.digest)))
    assert set(studio.store.digests()) == {digest_of(b"a texture"), *names}
    assert job["state"] == "pending"


def test_the_service_deletes_what_was_forgotten(studio: Any) -> None:
    """Nobody has to run the clean-up twice."""
    studio.upload(b"left")
    studio.clock.pass_time(LEASE)
    collect(studio)
    studio.clock.pass_time(HOUR)
    studio.scheduler.tick()
    assert list(studio.store.digests()) == []


def test_what_is_sent_again_is_there_again(studio: Any) -> None:
    """An object that was removed is new when it is sent again, before its bytes are gone or after, and stays."""
    for wait in (0, HOUR):
        studio.upload(b"left")
        studio.clock.pass_time(LEASE)
        assert collect(studio).objects == 1
        studio.clock.pass_time(wait)
        if wait:
            collect(studio)
        studio.upload(b"left")
        assert missing(studio, [b"left"]) == []
        studio.clock.pass_time(HOUR)
        collect(studio)
        assert read(studio, b"left") == b"left"


def test_an_upload_between_forgetting_and_deleting(studio: Any) -> None:
    """Bytes that came again, and whose transaction is still to come, are not deleted under its hands."""
    studio.upload(b"left")
    studio.clock.pass_time(LEASE)
    collect(studio)
    studio.clock.pass_time(LEASE)
    studio.farm.store.write(digest_of(b"left"), [b"left"], 4)
    collect(studio)
    with studio.farm.database.write() as unit:
        project = studio.get("/me")["projects"][0]["id"]
        objects.grant(unit, project, digest_of(b"left"), 4)
    assert read(studio, b"left") == b"left"
    collect(studio)
    assert read(studio, b"left") == b"left"


@pytest.fixture
def taken(studio: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a clean-up that looked at old bytes before delete the new ones, once each, before a row needs them."""
    kind = type(studio.store)
    write, write_whole = kind.write, kind.write_whole
    met: list[str] = []

    def meet(store: Any, digest: Digest) -> None:
        if digest not in met:
            met.append(digest)
            store.delete(digest)

    def written(store: Any, digest: Digest, chunks: Any, size: int) -> bool:
        new = bool(write(store, digest, chunks, size))
        meet(store, digest)
        return new

    def written_whole(store: Any, data: bytes | bytearray) -> Digest:
        digest = Digest(write_whole(store, data))
        meet(store, digest)
        return digest

    monkeypatch.setattr(kind, "write", written)
    monkeypatch.setattr(kind, "write_whole", written_whole)
    return met


def test_bytes_that_a_clean_up_takes_while_they_come_in(studio: Any, taken: list[str]) -> None:
    """Whoever sent them is told to send them again, and nothing is called present that is not."""
    path = f"/projects/default/objects/{digest_of(b'left')}"
    answer = studio.ask("PUT", path, content=b"left")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert missing(studio, [b"left"]) == [b"left"]
    studio.upload(b"left")
    assert missing(studio, [b"left"]) == []
    assert read(studio, b"left") == b"left"


def test_an_upload_that_a_clean_up_takes_at_its_end(studio: Any, taken: list[str]) -> None:
    """Its parts are kept: ended again, it is there."""
    data = b"large" * 100
    begun = {"digest": digest_of(data), "size": len(data)}
    path = f"/projects/default/uploads/{studio.ask('POST', '/projects/default/uploads', json=begun).json()['upload']}"
    headers = {"X-Content-Sha256": digest_of(data)[7:]}
    assert studio.ask("PUT", f"{path}/parts/1", content=data, headers=headers).status_code == 200
    assert studio.ask("POST", f"{path}/complete").json()["error"]["code"] == "busy"
    assert studio.ask("POST", f"{path}/complete").status_code == 200
    assert read(studio, data) == data


def test_what_the_service_has_in_hand_it_writes_again(studio: Any, taken: list[str]) -> None:
    """A pack and a manifest that a clean-up takes while they come in are there all the same."""
    name = send(studio, SMALL)
    submit(studio, SMALL)
    work = studio.runner().take()
    assert set(taken) == {name, work["manifest"]}
    assert [read(studio, b) for b in SMALL] == SMALL
    assert b"".join(studio.farm.store.read(Digest(work["manifest"])))


def test_an_output_that_a_clean_up_takes_while_it_comes_in(studio: Any, taken: list[str]) -> None:
    """A runner is told to send it again; a preview is written again."""
    send(studio, SMALL)
    submit(studio, SMALL)
    runner = studio.runner()
    work = runner.take()
    assert runner.store(work, b"picture").status_code == 503
    assert runner.store(work, b"picture").status_code in (200, 201)
    output = runner.publish(work, studio.record(work, 1, b"picture")).json()["outputs"][0]["id"]
    attempt, png = work["attempt"], b"\x89PNG\r\n\x1a\n a picture"
    path = f"/attempts/{attempt['id']}/outputs/{output}/preview"
    assert runner.ask("PUT", path, params={"fence": attempt["fence"]}, content=png).status_code == 200
    assert studio.ask("GET", f"/outputs/{output}/preview").content == png


def test_inputs_of_old_jobs(studio: Any) -> None:
    """Files of jobs that ended long ago go if the operator says so; outputs stay; a retry says what to do; submitted again, it runs."""
    send(studio, SMALL)
    job = submit(studio, SMALL)
    shared = submit(studio, SMALL[:1])
    studio.verb(job, "kill")
    studio.clock.pass_time(31 * 86400)
    assert collect(studio).objects == 0, "by itself no job's file goes"
    gone = collect(studio, OLD)
    assert gone.objects == len(SMALL), "five files, and the manifest"
    assert missing(studio, SMALL) == SMALL[1:]
    answer = studio.verb(job, "retry")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "not-allowed-now")
    assert error["message"].startswith(f"The files of job {job['number']} were removed from the store on 2026-02-01")
    assert error["next"] == "Submit the scene again: what the store lacks is uploaded."
    assert studio.state(shared) == "pending"
    send(studio, SMALL[1:])
    submit(studio, SMALL)
    assert studio.verb(job, "retry").status_code == 200, "the files are there again, for the old job as well"
    assert collect(studio, OLD).objects == 0


def test_a_pack_of_which_nothing_is_needed_goes(studio: Any) -> None:
    """Its members go one by one, the pack with the last."""
    name = send(studio, SMALL)
    studio.clock.pass_time(LEASE)
    assert collect(studio).objects == len(SMALL)
    studio.clock.pass_time(HOUR)
    collect(studio)
    assert name not in set(studio.store.digests())
    with studio.farm.database.read() as session:
        assert session.scalars(select(Pack.id)).all() == []


def test_worn_packs_are_rewritten(studio: Any) -> None:
    """Of packs that are under half alive, what lives goes into one new pack; who reads the old one reads to the end."""
    names = {send(studio, [*SMALL[:3], b"x" * 5000]), send(studio, [*SMALL[3:], b"y" * 5000])}
    submit(studio, SMALL)
    reader = studio.farm.store.read(digest_of(SMALL[0]))
    studio.clock.pass_time(LEASE)
    assert collect(studio).objects == 2
    with studio.farm.database.read() as session:
        (new,) = session.scalars(select(Pack.digest)).all()
    assert new not in names
    assert b"".join(reader) == SMALL[0]
    studio.clock.pass_time(HOUR)
    collect(studio)
    assert not names & set(studio.store.digests())
    assert [read(studio, b) for b in SMALL] == SMALL
    collect(studio)
    with studio.farm.database.read() as session:
        assert session.scalars(select(Pack.digest)).all() == [new], "what is mostly alive is left alone"
        assert session.scalars(select(Discarded.digest)).all() == []


def test_what_is_damaged_is_not_copied_on(studio: Any) -> None:
    """A member that a worn pack no longer has whole is noted as lost, and is sent again by the next submission."""
    name = Digest(send(studio, [*SMALL, b"x" * 50_000]))
    submit(studio, SMALL)
    studio.clock.pass_time(LEASE)
    data = bytearray(b"".join(studio.store.read(name)))
    data[data.index(SMALL[2])] ^= 1
    studio.store._objects[name] = bytes(data)
    collect(studio)
    assert missing(studio, SMALL) == [SMALL[2]]
    assert [read(studio, b) for b in SMALL[:2] + SMALL[3:]] == SMALL[:2] + SMALL[3:]


@pytest.mark.parametrize(
    "failure",
    [
        StoreUnreachable("https://s3", "timed out"),
        S3Refused("https://s3", 403, "AccessDenied", ""),
        ObjectUnreadable(digest_of(b""), "Input/output error"),
        ObjectMissing(digest_of(b"")),
    ],
    ids=["away", "no right", "unreadable", "no disk"],
)
def test_packs_of_a_store_that_is_away_stay(studio: Any, failure: TransferError, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worn pack that cannot be read just now is neither lost nor deleted; it is rewritten when it can be read."""
    send(studio, [*SMALL, b"x" * 50_000])
    submit(studio, SMALL)
    studio.clock.pass_time(LEASE)

    def away(*_: Any) -> Any:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(studio.farm.shelf, "read", away)
        collect(studio)
    studio.clock.pass_time(HOUR)
    collect(studio)
    studio.clock.pass_time(HOUR)
    collect(studio)
    assert missing(studio, SMALL) == []
    assert [read(studio, b) for b in SMALL] == SMALL


def test_an_object_by_itself_goes_when_a_pack_has_it(studio: Any) -> None:
    """Bytes are not kept twice."""
    studio.upload(SMALL[0])
    name = send(studio, SMALL)
    studio.clock.pass_time(HOUR)
    submit(studio, SMALL)
    collect(studio)
    assert digest_of(SMALL[0]) not in set(studio.store.digests())
    assert name in set(studio.store.digests())
    assert read(studio, SMALL[0]) == SMALL[0]


def test_a_known_manifest_keeps_all_that_it_names(studio: Any) -> None:
    """One lease on a manifest's digest holds every file of it, also of a job that ended long ago."""
    send(studio, SMALL)
    job = submit(studio, SMALL)
    studio.verb(job, "kill")
    studio.clock.pass_time(40 * 86400)
    with studio.farm.database.write() as unit:
        manifest = unit.session.scalars(select(StoredManifest.digest)).one()
        project = studio.get("/me")["projects"][0]["id"]
        objects.keep_manifest(unit, project, manifest)
    assert collect(studio, OLD).objects == 0
    studio.clock.pass_time(LEASE)
    assert collect(studio, OLD).objects == len(SMALL) + 1


def test_outputs_and_previews_stay(studio: Any) -> None:
    """What was rendered is nobody's to remove."""
    job = studio.job(studio.commands("1-2", chunk=2))
    runner = studio.runner()
    work = runner.take()
    runner.render(work)
    output = studio.get("/jobs/1/outputs")["outputs"][0]
    attempt = work["attempt"]
    png = b"\x89PNG\r\n\x1a\n a picture"
    path = f"/attempts/{attempt['id']}/outputs/{output['id']}/preview"
    assert runner.ask("PUT", path, params={"fence": attempt["fence"]}, content=png).status_code == 200
    studio.clock.pass_time(100 * 86400)
    for _ in range(2):
        collect(studio, OLD)
        studio.clock.pass_time(HOUR)
    assert studio.state(job) == "success"
    assert studio.ask("GET", f"/projects/default/objects/{output['digest']}").content == b"picture of frame 1"
    assert studio.ask("GET", f"/outputs/{output['id']}/preview").content == png
    with pytest.raises(ObjectMissing):
        read(studio, b"a texture")


def test_a_commit_between_marking_and_forgetting(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became needed after it was found unneeded is looked at again, and stays."""
    send(studio, SMALL)
    studio.clock.pass_time(LEASE)
    marked = Marks.unmarked

    def late(self: Marks) -> Any:
        pages = list(marked(self))
        submit(studio, SMALL[:2])
        studio.clock.pass_time(LEASE)
        return iter(pages)

    monkeypatch.setattr(Marks, "unmarked", late)
    assert collect(studio).objects == len(SMALL) - 2
    assert [read(studio, b) for b in SMALL[:2]] == SMALL[:2]
    with studio.farm.database.read() as session:
        assert len(session.scalars(select(PackedObject.object_id)).all()) == 2


def test_the_command(make_studio: Any, tmp_path: Path) -> None:
    """A dry run says what goes and changes nothing; a run beside the service does it; the folder must be a service's."""
    make_studio.store = FolderStore(tmp_path / "data" / "store")
    make_studio.clock.now = datetime.now(UTC) - timedelta(days=10)
    studio = make_studio()
    send(studio, [*SMALL, b"x" * 5000])
    submit(studio, SMALL[:2])
    before = set(studio.store.digests())

    def run(*words: str) -> Any:
        done = CliRunner().invoke(gc_command, ["--data", str(tmp_path / "data"), "--json", *words], catch_exceptions=False)
        return json.loads(done.output)

    would = {"manifests": 0, "objects": 5, "bytes": sum(map(len, SMALL[2:])) + 5000, "packs": 1, "deleted": 0, "waiting": 1}
    assert run("--dry-run") == would
    assert run("--dry-run") == would
    assert set(studio.store.digests()) == before
    assert run() == would
    assert run() == {**would, "objects": 0, "bytes": 0, "packs": 0, "waiting": 1}
    assert [read(studio, b) for b in SMALL[:2]] == SMALL[:2]
    spoken = CliRunner().invoke(gc_command, ["--data", str(tmp_path / "data")]).output
    assert spoken.startswith("0 manifests and 0 objects of 0.0 MB removed, 0 packs rewritten.\n")
    with pytest.raises(NoService, match="There is no database in"):
        CliRunner().invoke(gc_command, ["--data", str(tmp_path)], catch_exceptions=False)


def test_the_command_lets_the_service_write(make_studio: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean-up in another process rests as long as it wrote, again and again, and the service writes meanwhile."""
    make_studio.store = FolderStore(tmp_path / "data" / "store")
    make_studio.clock.now = datetime.now(UTC) - timedelta(days=10)
    studio = make_studio()
    for body in SMALL:
        studio.upload(body)
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        with studio.farm.database.write() as unit:  # fails where the database is held on
            objects.forget_leases(unit, unit.now)

    monkeypatch.setattr(store_at_rest, "Manners", lambda: Manners(rest))
    monkeypatch.setattr(garbage, "_BATCH", 2)
    monkeypatch.setattr(store_at_rest, "_PEN_SECONDS", 0.0)
    words = ["--data", str(tmp_path / "data"), "--json"]
    assert json.loads(CliRunner().invoke(gc_command, words, catch_exceptions=False).output)["objects"] == len(SMALL)
    assert len(rests) >= len(SMALL) / 2
    assert min(rests) >= 0.15


def test_manners() -> None:
    """Short writes wait for nothing until they add up; one long one waits as long as it held others up."""
    rests: list[float] = []
    manners = Manners(rests.append)
    for held in (0.125, 0.0625, 0.0625, 3.0, 0.125):
        manners.rest(held)
    assert rests == [0.25, 3.0]


def test_a_read_finds_what_was_moved_after_its_size_was_asked(studio: Any) -> None:
    """Between the two questions its pack was rewritten, and deleted."""
    send(studio, [*SMALL, b"x" * 50_000])
    submit(studio, SMALL)
    digest = digest_of(SMALL[0])
    studio.clock.pass_time(LEASE)
    packed = studio.farm.store._inner
    assert packed.size(digest) == len(SMALL[0])
    collect(studio)
    studio.clock.pass_time(HOUR)
    collect(studio)
    assert b"".join(packed.read(digest)) == SMALL[0]
    assert missing(studio, SMALL) == []
