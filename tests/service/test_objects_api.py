"""Objects over HTTP: verified on the way in, whole or by range on the way out."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.errors import ContentMismatch
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_service import objects, removals
from conductor_service.models import Project, ProjectObject, StoredObject
from conductor_service.store import FolderStore, MemoryStore, StoreFull
from sqlalchemy import select

PNG = b"\x89PNG\r\n\x1a\n a small picture"


def test_an_object_is_new_once(studio: Any) -> None:
    """The first upload answers 201, the same again 200, and nothing is missing any more."""
    data = b"wood" * 1000
    digest = digest_of(data)
    path = f"/projects/default/objects/{digest}"
    missing = {"digests": [digest, digest]}
    assert studio.ask("POST", "/projects/default/objects/missing", json=missing).json() == {"missing": [digest]}
    assert studio.ask("PUT", path, content=data).status_code == 201
    assert studio.ask("PUT", path, content=data).status_code == 200
    assert studio.ask("POST", "/projects/default/objects/missing", json=missing).json() == {"missing": []}
    assert studio.ask("GET", path).content == data


def test_what_is_being_removed_is_refused_before_it_is_written(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends it is told to wait at once, not after all its bytes."""
    digest = digest_of(b"a large film")
    with studio.farm.database.write() as unit:
        claim = removals.claim_for_good(unit, digest)
    assert claim is not None

    def written(*_: Any) -> bool:
        raise AssertionError("it is written")

    with monkeypatch.context() as patch:
        patch.setattr(type(studio.store), "write", written)
        answer = studio.ask("PUT", f"/projects/default/objects/{digest}", content=b"a large film")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    with studio.farm.database.write() as unit:
        removals.release(unit, claim)
    assert studio.upload(b"a large film") == digest


class FarStore(MemoryStore):
    """A store that answers when it is asked for several objects at once."""

    looks_at_once = 200

    def __init__(self) -> None:
        super().__init__()
        self.together = threading.Barrier(8)

    def size(self, digest: Digest) -> int | None:
        self.together.wait(60)
        return super().size(digest)


def test_a_store_over_a_network_is_asked_at_once(studio: Any) -> None:
    """Two hundred objects are not looked for one after another; what is gone is found as elsewhere."""
    bodies = [f"far {i}".encode() for i in range(8)]
    names = [studio.upload(body) for body in bodies]
    far = FarStore()
    for body in bodies:
        far.write(digest_of(body), [body], len(body))
    with studio.farm.database.read() as session:
        project_id = session.scalars(select(Project.id)).one()
    assert objects.ask(studio.farm.database, far, project_id, names) == []
    far.together = threading.Barrier(1)
    far.delete(digest_of(bodies[3]))
    assert objects.ask(studio.farm.database, far, project_id, names) == [names[3]]


class SmallStore(MemoryStore):
    """A store with room for ten bytes more, whatever it is asked to write."""

    def check_room(self, needed: int) -> None:
        if needed > 10:
            raise StoreFull("/store", needed, 10)


def test_what_does_not_fit_is_refused_before_it_is_sent(make_studio: Any) -> None:
    """Asked with sizes, and again at the upload, a full store says how much is lacking; what is there needs no room."""
    make_studio.store = SmallStore()
    studio = make_studio()
    small, large = digest_of(b"small"), digest_of(b"something large")
    missing = "/projects/default/objects/missing"
    for answer in (
        studio.ask("POST", missing, json={"digests": [small, large], "sizes": [5, 15]}),
        studio.ask("POST", missing, json={"digests": [large, large], "sizes": [15, 15]}),
        studio.ask("PUT", f"/projects/default/objects/{large}", content=b"something large"),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], answer.headers["Retry-After"]) == (503, "busy", "3")
        assert re.fullmatch(r"/store: the store has no room left: (20|15) bytes are needed, 10 are free\.", error["message"])
        assert error["next"].startswith("Its operator must make room there")
    assert answer.headers["Connection"] == "close"
    studio.upload(b"small")
    assert studio.ask("POST", missing, json={"digests": [small, small], "sizes": [5, 5]}).json() == {"missing": []}
    assert studio.ask("POST", missing, json={"digests": [large]}).json() == {"missing": [large]}


@pytest.mark.parametrize("sizes", [[1], [1, -1]], ids=["one for two", "negative"])
def test_sizes_that_cannot_be(studio: Any, sizes: list[int]) -> None:
    """Sizes that are not those of the digests are refused."""
    digests = [digest_of(b"a"), digest_of(b"b")]
    answer = studio.ask("POST", "/projects/default/objects/missing", json={"digests": digests, "sizes": sizes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert "sizes" in answer.json()["error"]["message"]


def test_wrong_content_is_not_kept(studio: Any) -> None:
    """Bytes that do not hash to their name are refused with 422, and are nowhere afterwards."""
    digest = digest_of(b"right")
    answer = studio.ask("PUT", f"/projects/default/objects/{digest}", content=b"wrong")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "wrong-content")
    assert studio.store.size(digest) is None
    assert studio.ask("GET", f"/projects/default/objects/{digest}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status", "body", "content_range"),
    [
        ({}, 200, b"0123456789", None),
        ({"Range": "bytes=4-"}, 206, b"456789", "bytes 4-9/10"),
        ({"Range": "bytes=4-6"}, 206, b"456", "bytes 4-6/10"),
        ({"Range": "bytes=4-99"}, 206, b"456789", "bytes 4-9/10"),
        ({"Range": "bytes=10-"}, 416, b"", "bytes */10"),
        ({"Range": "lines=1-2"}, 200, b"0123456789", None),
    ],
    ids=["whole", "from", "middle", "past the end", "nothing left", "unknown unit"],
)
def test_ranges(studio: Any, headers: dict[str, str], status: int, body: bytes, content_range: str | None) -> None:
    """A download that broke off goes on where it stopped (RFC 9110, 14)."""
    digest = studio.upload(b"0123456789")
    answer = studio.ask("GET", f"/projects/default/objects/{digest}", headers=headers)
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, body, content_range)


def test_a_large_object_goes_through_in_pieces(studio: Any) -> None:
    """Bodies are larger than a piece, and end anywhere."""
    data = bytes(range(256)) * 4096 * 3 + b"rest"
    digest = studio.upload(data)
    assert studio.ask("GET", f"/projects/default/objects/{digest}").content == data
    part = studio.ask("GET", f"/projects/default/objects/{digest}", headers={"Range": f"bytes={len(data) - 5}-"})
    assert part.content == data[-5:]


def test_what_the_store_lost_is_missing(studio: Any) -> None:
    """An object that is in the database but not in the store is asked for again: the next submission repairs it."""
    digest = studio.upload(b"lost")
    studio.store.delete(digest)
    answer = studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest]})
    assert answer.json() == {"missing": [digest]}
    assert studio.ask("GET", f"/projects/default/objects/{digest}").status_code == 404
    studio.upload(b"lost")
    assert studio.ask("GET", f"/projects/default/objects/{digest}").content == b"lost"


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"X" + b[1:]], ids=["cut short", "changed"])
def test_what_is_damaged_is_missing(make_studio: Any, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Damage in the store reaches nobody as an object, and the next submission that needs it sends it again."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    data = b"a plate" * 1000
    digest = Digest(studio.upload(data))
    file = tmp_path / "store" / "objects" / digest[7:9] / digest[7:]

    def missing() -> Any:
        return studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest]}).json()["missing"]

    assert missing() == []
    file.write_bytes(damage(data))
    with pytest.raises(ContentMismatch, match=digest):
        b"".join(studio.farm.store.read(digest))
    assert missing() == [digest]
    studio.upload(data)
    assert studio.ask("GET", f"/projects/default/objects/{digest}").content == data
    file.write_bytes(data[:-1])
    assert missing() == [digest], "its length alone tells"


def test_a_damaged_manifest_is_a_clear_refusal(make_studio: Any, tmp_path: Path) -> None:
    """A runner that asks for a manifest that the disk has changed hears that it is not there, never a wrong one."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    studio.job()
    runner = studio.runner()
    assignment = runner.take()
    digest = assignment["manifest"]
    (tmp_path / "store" / "objects" / digest[7:9] / digest[7:]).write_bytes(b"{}")
    attempt = assignment["attempt"]
    answer = runner.ask("GET", f"/attempts/{attempt['id']}/manifest", params={"fence": attempt["fence"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")


@pytest.mark.parametrize("damage", [lambda f: f.write_bytes(PNG[:-1] + b"!"), Path.unlink], ids=["changed", "missing"])
def test_a_preview_that_the_store_lost(make_studio: Any, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """Whoever asks for it hears which file it was of and what makes a new one, and never sees a wrong picture."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    studio.job()
    runner = studio.runner()
    assignment = runner.take()
    runner.render(assignment)
    output = studio.get("/jobs/1/outputs")["outputs"][0]
    attempt = assignment["attempt"]
    path = f"/attempts/{attempt['id']}/outputs/{output['id']}/preview"
    assert runner.ask("PUT", path, params={"fence": attempt["fence"]}, content=PNG).status_code == 200
    digest = digest_of(PNG)
    damage(tmp_path / "store" / "objects" / digest[7:9] / digest[7:])
    answer = studio.ask("GET", f"/outputs/{output['id']}/preview")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "not-found")
    assert error["message"] == f"The preview of {output['path']} is lost: the store no longer has it."
    assert "Retrying its frame" in error["next"]


def test_nothing_stays_that_no_row_knows_of(studio: Any) -> None:
    """Bytes of a refused commit are removed after an hour, not before; what jobs, outputs and projects have stays."""
    job = studio.job(studio.commands("1"))
    runner = studio.runner()
    assignment = runner.take()
    picture = b"picture"
    runner.store(assignment, picture)
    published = runner.publish(assignment, studio.record(assignment, 1, picture)).json()["outputs"][0]["id"]
    attempt = assignment["attempt"]
    path = f"/attempts/{attempt['id']}/outputs/{published}/preview"
    assert runner.ask("PUT", path, params={"fence": attempt["fence"]}, content=PNG).status_code == 200
    known = {assignment["manifest"], digest_of(b"a texture"), digest_of(picture), digest_of(PNG)}
    assert set(studio.store.digests()) == known

    refused = make_manifest(Flavour.POSIX, [Entry("/x", digest=digest_of(b"?"), size=1, mode=0o644, mtime_ns=1)])
    other = studio.submit()
    assert studio.ask("PUT", f"/jobs/{other['id']}/manifest", content=canonical_bytes(refused)).status_code == 409
    left = set(studio.store.digests()) - known
    assert len(left) == 1
    studio.clock.pass_time(3599)
    studio.scheduler.tick()
    assert set(studio.store.digests()) == known | left
    studio.clock.pass_time(3602)
    studio.scheduler.tick()
    assert set(studio.store.digests()) == known
    with studio.farm.database.read() as session:
        assert set(session.scalars(select(StoredObject.digest))) == known
    assert studio.get(f"/jobs/{job['id']}")["last_output"] == published


@pytest.mark.parametrize("few", [1, 5000], ids=["many", "few"])
def test_of_what_is_lost_only_what_is_asked_for_counts(studio: Any, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much the store has lost, each question is answered right."""
    monkeypatch.setattr(objects, "_SLICE", few)
    digests = [studio.upload(b"%d" % number) for number in range(4)]
    for digest in digests[:2]:
        studio.store.delete(digest)
    missing = [studio.ask("POST", "/projects/default/objects/missing", json={"digests": digests[n:]}).json() for n in (1, 0, 3)]
    assert missing == [{"missing": digests[1:2]}, {"missing": digests[:2]}, {"missing": []}]


def test_present_holds_for_days(studio: Any) -> None:
    """What was called present is leased for days from each question on; most questions need not write for it."""
    digest = studio.upload(b"x")

    def leased() -> timedelta:
        studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest]})
        with studio.farm.database.read() as session:
            until = session.scalars(select(ProjectObject.leased)).one()
        assert until is not None
        return timedelta(seconds=(until - studio.clock.now).total_seconds())

    first = leased()
    for _ in range(5):
        studio.clock.pass_time(86400)
        assert timedelta(days=3) <= leased() <= first


@pytest.mark.parametrize(
    ("method", "path", "request_", "status", "code"),
    [
        ("PUT", "/projects/default/objects/sha256:12", {"content": b"x"}, 400, "invalid"),
        ("PUT", "/projects/other/objects/sha256:" + "0" * 64, {"content": b"x"}, 404, "not-found"),
        ("PUT", "/projects/default/objects/sha256:" + "0" * 64, {"content": iter([])}, 400, "invalid"),
        ("PUT", "/projects/default/objects/sha256:" + "0" * 64, {"content": b"x" * 11}, 413, "too-large"),
        ("POST", "/projects/default/objects/missing", {"json": {"digests": ["md5:1"]}}, 400, "invalid"),
        ("POST", "/projects/default/objects/missing", {"json": {"digest": []}}, 400, "invalid"),
        ("POST", "/projects/default/objects/missing", {"content": b"{"}, 400, "invalid"),
        ("POST", "/projects/default/objects/missing", {"json": {"digests": ["sha256:" + "0" * 64] * 100_001}}, 400, "invalid"),
        ("GET", "/projects/default/objects/sha256:" + "0" * 64, {}, 404, "not-found"),
        ("GET", "/nothing", {}, 404, "not-found"),
        ("DELETE", "/me", {}, 405, "invalid"),
    ],
)
def test_refusals(make_studio: Any, method: str, path: str, request_: dict[str, Any], status: int, code: str) -> None:
    """What is wrong with a request is said with its field, a status and a next step."""
    studio = make_studio(max_object_bytes=10)
    if not isinstance(request_.get("content", b""), bytes):
        request_ = {"headers": {"Content-Length": ""}}
    answer = studio.ask(method, path, **request_)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert answer.json()["error"]["message"]
