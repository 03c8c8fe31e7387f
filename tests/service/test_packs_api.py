"""Packs over HTTP: many objects in one body, verified, kept as one, and given back one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packs import Member, head_size, pack_head, write_pack
from conductor_service import objects
from conductor_service.models import Pack, PackedObject, Project, StoredObject
from conductor_service.store import FolderStore, ObjectDamaged, StoreFull
from sqlalchemy import func, select

BODIES = [b"wood", b"", b"stone" * 1000]
PACKS = "/projects/default/packs"


def pack(bodies: Sequence[bytes] = BODIES) -> bytes:
    """Return a pack of these bodies."""
    return b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]))  # type: ignore[misc]


def missing(studio: Any, bodies: Sequence[bytes] = BODIES) -> list[str]:
    digests = [digest_of(b) for b in bodies]
    return list(studio.ask("POST", "/projects/default/objects/missing", json={"digests": digests}).json()["missing"])


def test_members_are_objects_like_others(studio: Any) -> None:
    """Each member is present, and is given whole or by range; the store has one object for them all."""
    answer = studio.ask("POST", PACKS, content=pack())
    assert (answer.status_code, answer.json()) == (201, {"members": 3, "size": len(pack())})
    assert missing(studio) == []
    for body in BODIES:
        path = f"/projects/default/objects/{digest_of(body)}"
        assert studio.ask("GET", path).content == body
        if body:
            part = studio.ask("GET", path, headers={"Range": "bytes=2-3"})
            assert (part.status_code, part.content) == (206, body[2:4])
            assert studio.ask("GET", path, headers={"Range": "bytes=3-"}).content == body[3:]
    assert list(studio.store.digests()) == [digest_of(pack())]


def test_a_job_is_rendered_from_a_pack(studio: Any) -> None:
    """A manifest may name members, and runners get them."""
    studio.ask("POST", PACKS, content=pack())
    entries = [Entry(f"/job/{i}", digest=digest_of(b), size=len(b), mode=0o644, mtime_ns=1) for i, b in enumerate(BODIES)]
    job = studio.submit()
    body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
    assert studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body).status_code == 200
    runner = studio.runner()
    attempt = runner.take()["attempt"]
    path = f"/attempts/{attempt['id']}/objects/{digest_of(BODIES[2])}"
    assert runner.ask("GET", path, params={"fence": attempt["fence"]}).content == BODIES[2]


@pytest.mark.parametrize(
    ("content", "status", "code", "words"),
    [
        pytest.param(
            pack_head([(digest_of(b"wood"), 4), (digest_of(b"stone"), 5)]) + b"woodsteel",
            422,
            "wrong-content",
            digest_of(b"stone"),
            id="a member is not its name",
        ),
        pytest.param(pack()[:-1], 400, "invalid", "breaks off", id="cut"),
        pytest.param(pack() + b"!", 400, "invalid", "goes on behind its end", id="more"),
        pytest.param(b"x" * 100, 400, "invalid", "does not begin", id="no pack"),
        pytest.param(b"x" * ((8 << 20) + 1), 413, "too-large", "", id="too large"),
        pytest.param(pack_head([(digest_of(b"w"), 9 << 20)]), 400, "invalid", "larger", id="says that it is too large"),
    ],
)
def test_a_wrong_pack_leaves_nothing(studio: Any, content: bytes, status: int, code: str, words: str) -> None:
    """One wrong member refuses all; the answer names it, and neither store nor database has any of it."""
    answer = studio.ask("POST", PACKS, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert words in answer.json()["error"]["message"]
    assert list(studio.store.digests()) == []
    assert missing(studio, [b"wood"]) == [digest_of(b"wood")]
    with studio.farm.database.read() as session:
        assert session.scalar(select(func.count()).select_from(StoredObject)) == 0


@pytest.mark.parametrize(
    ("project", "room", "status"), [("other", True, 404), ("default", False, 503)], ids=["no project", "no room"]
)
def test_a_pack_that_has_no_place_is_not_read(
    studio: Any, monkeypatch: pytest.MonkeyPatch, project: str, room: bool, status: int
) -> None:
    """It is refused before its first byte."""

    def full(_store: Any, needed: int) -> None:
        if not room:
            raise StoreFull("/store", needed, 0)

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield pack()

    read: list[bool] = []
    monkeypatch.setattr(type(studio.store), "check_room", full)
    answer = studio.ask("POST", f"/projects/{project}/packs", content=body(), headers={"Content-Length": str(len(pack()))})
    assert (answer.status_code, read) == (status, [])


def test_a_pack_gives_rights_to_its_project_alone(studio: Any) -> None:
    """Another account neither sees the members nor may send packs here."""
    rival = studio.second_token()
    assert studio.ask("POST", PACKS, content=pack()).status_code == 201
    digest = digest_of(b"wood")
    asked = studio.ask("POST", "/projects/default/objects/missing", json={"digests": [digest]}, token=rival)
    assert asked.json() == {"missing": [digest]}
    assert studio.ask("GET", f"/projects/default/objects/{digest}", token=rival).status_code == 404
    assert studio.ask("POST", "/projects/other/packs", content=pack()).status_code == 404
    assert studio.ask("POST", PACKS, content=pack(), token="con_nobody").status_code == 401
    assert studio.ask("POST", PACKS, content=pack(), token=rival).status_code == 201
    assert studio.ask("GET", f"/projects/default/objects/{digest}", token=rival).content == b"wood"


def test_the_same_again_changes_nothing(studio: Any) -> None:
    """A pack whose answer was lost is sent again; one with other members beside known ones is as good."""
    for content in (pack(), pack(), pack([*BODIES, b"glass"])):
        assert studio.ask("POST", PACKS, content=content).status_code == 201
    assert missing(studio, [*BODIES, b"glass"]) == []
    for body in (*BODIES, b"glass"):
        assert studio.ask("GET", f"/projects/default/objects/{digest_of(body)}").content == body


def test_an_object_by_itself_and_in_a_pack(studio: Any) -> None:
    """Sent by itself after a pack, or before it, it is given as it was sent last."""
    studio.upload(b"wood")
    studio.ask("POST", PACKS, content=pack())
    studio.store.delete(digest_of(b"wood"))
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(b'wood')}").content == b"wood"
    studio.upload(b"wood")
    studio.store.delete(digest_of(pack()))
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(b'wood')}").content == b"wood"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "cut": lambda f: f.write_bytes(f.read_bytes()[:-1]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_pack_that_the_store_lost(make_studio: Any, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """All its members are missing with the next question, before one of them is read; they can be sent again."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    studio.ask("POST", PACKS, content=pack())
    name = digest_of(pack())
    damage(tmp_path / "store" / "objects" / name[7:9] / name[7:])
    assert missing(studio, [b"wood"]) == [digest_of(b"wood")]
    assert missing(studio) == [digest_of(b) for b in BODIES]
    studio.ask("POST", PACKS, content=pack())
    assert missing(studio) == []
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(b'wood')}").content == b"wood"


def test_a_member_that_the_store_damaged(make_studio: Any, tmp_path: Path) -> None:
    """It reaches nobody and is missing from then on; the others of its pack are as they were."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    studio.ask("POST", PACKS, content=pack())
    name = digest_of(pack())
    data = bytearray(pack())
    data[head_size(3)] ^= 1
    (tmp_path / "store" / "objects" / name[7:9] / name[7:]).write_bytes(bytes(data))
    digest = digest_of(b"wood")
    with pytest.raises(ObjectDamaged, match=digest):
        b"".join(studio.farm.store.read(Digest(digest)))
    assert missing(studio) == [digest]
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(BODIES[2])}").content == BODIES[2]
    studio.upload(b"wood")
    assert missing(studio) == []
    assert studio.ask("GET", f"/projects/default/objects/{digest}").content == b"wood"


def test_packs_are_not_swept(studio: Any) -> None:
    """What members lie in stays as long as they are known; a pack whose transaction never came goes."""
    studio.ask("POST", PACKS, content=pack())
    studio.store.write(digest_of(b"left"), [b"left"], 4)
    studio.clock.pass_time(3602)
    studio.scheduler.tick()
    assert list(studio.store.digests()) == [digest_of(pack())]
    with studio.farm.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Pack)) == 1
        assert session.scalar(select(func.count()).select_from(PackedObject)) == 3


def test_two_questions_at_once(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another question leases between looking and leasing is present for both."""
    studio.ask("POST", PACKS, content=pack())
    studio.clock.pass_time(5000)
    held = objects.held
    asked: list[bool] = []

    def another(*words: Any) -> dict[str, bool]:
        found = held(*words)
        if not asked:
            asked.append(True)
            assert missing(studio) == []
        return found

    monkeypatch.setattr(objects, "held", another)
    with studio.farm.database.read() as session:
        project = session.scalars(select(Project.id)).one()
    assert objects.ask(studio.farm.database, studio.farm.shelf, project, [digest_of(b) for b in BODIES]) == []


def test_a_disk_that_was_away(make_studio: Any, tmp_path: Path) -> None:
    """Packs that were not to be seen for a while are asked for again, and are read all the same once they are back."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    studio.ask("POST", PACKS, content=pack())
    (tmp_path / "store" / "objects").rename(tmp_path / "away")
    assert missing(studio) == [digest_of(b) for b in BODIES]
    (tmp_path / "away").rename(tmp_path / "store" / "objects")
    assert b"".join(studio.farm.store.read(digest_of(b"wood"))) == b"wood"
    studio.ask("POST", PACKS, content=pack())
    assert missing(studio) == []
