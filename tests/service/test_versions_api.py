"""Changed files at the service: what to differ from, what that is made of, and a difference that becomes an object."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.transfer.delta import write_delta
from conductor_core.transfer.signatures import read_signature, signature
from conductor_core.transfer.sketch import SKETCHED, path_keys, sketch
from conductor_service import losses, versions
from conductor_service.models import Project, SentVersion, new_id
from conductor_service.signatures import Signatures
from conductor_service.store import MemoryStore
from sqlalchemy import select

OLD = random.Random(7).randbytes(SKETCHED + 50_000)
NEW = OLD[:9_000] + b"a node inserted near the top" + OLD[9_000:]
OTHER = random.Random(8).randbytes(SKETCHED + 50_000)


def told(data: bytes, path: str = "/show/shot_v001.ma") -> dict[str, Any]:
    """Return what a client tells of a file that it is about to send."""
    names = sketch(io.BytesIO(data), len(data))
    return {"digest": digest_of(data), "size": len(data), "keys": list(path_keys(path)), "sketch": list(names)}


def ask(studio: Any, *files: dict[str, Any], project: str = "default") -> list[list[str]]:
    """Ask what the files may have much in common with."""
    answer = studio.ask("POST", f"/projects/{project}/objects/bases", json={"files": list(files)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["bases"])


def sent(studio: Any, data: bytes, path: str = "/show/shot_v001.ma", project: str = "default") -> str:
    """Send a file as a client does, and return its digest."""
    ask(studio, told(data, path), project=project)
    return str(studio.upload(data, project))


def delta(new: bytes, old: bytes) -> bytes:
    """Return what `new` has other than `old`."""
    index = read_signature(digest_of(old), signature(digest_of(old), len(old), io.BytesIO(old)))
    into = io.BytesIO()
    assert write_delta(io.BytesIO(new), len(new), index, into, most=1 << 30, check=lambda: None)
    return into.getvalue()


def put(studio: Any, data: bytes, body: bytes, base: str, *, size: int | None = None, project: str = "default") -> Any:
    """Put an object as a difference."""
    query = {"base": base, "size": len(data) if size is None else size}
    path = f"/projects/{project}/objects/{digest_of(data)}/delta"
    return studio.ask("PUT", path, params=query, content=body)


def another_project(studio: Any) -> str:
    """Make another project of the account, and return its name."""
    name = f"other-{new_id()[:8]}"
    with studio.farm.database.write() as unit:
        account = unit.session.scalars(select(Project.account_id)).first()
        unit.session.add(Project(id=new_id(), account_id=account, name=name, created=unit.now))
    return name


@pytest.fixture(scope="module")
def shared(fresh_studios: Any) -> Iterator[Any]:
    """Give one service for tests that leave nothing in it, or take a project of their own."""
    maker = fresh_studios()
    yield maker()
    maker.close()


def test_a_difference_becomes_the_object(studio: Any) -> None:
    """From the question to the object: the signature of the base, a small body, the whole file in the store, and leased."""
    base = sent(studio, OLD)
    assert ask(studio, told(NEW)) == [[base]]
    listed = studio.ask("GET", f"/projects/default/objects/{base}/signature")
    index = read_signature(Digest(base), iter([listed.content]))
    into = io.BytesIO()
    write_delta(io.BytesIO(NEW), len(NEW), index, into, most=len(NEW), check=lambda: None)
    assert len(into.getvalue()) + len(listed.content) < 0.02 * len(NEW)
    assert put(studio, NEW, into.getvalue(), base).status_code == 201
    assert put(studio, NEW, into.getvalue(), base).status_code == 200
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(NEW)}").content == NEW
    missing = {"digests": [digest_of(NEW)]}
    assert studio.ask("POST", "/projects/default/objects/missing", json=missing).json() == {"missing": []}


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ((OLD, "/show/a.ma"), (NEW, "/show/a.ma"), True),
        ((OLD, "/show/a_v1.ma"), (NEW, "/show/a_v2.ma"), True),
        ((OLD, "/show/a.ma"), (NEW, "/elsewhere/b.ma"), True),
        ((OLD, "/show/a.ma"), (OTHER, "/show/a.ma"), False),
        ((OLD, "/show/a.ma"), (OTHER, "/show/b.ma"), False),
        ((OLD, "/show/a.ma"), (OLD, "/show/b.ma"), False),
        ((OLD[:2_000_000], "/show/a.ma"), (NEW[:2_100_000], "/show/a.ma"), True),
        ((OLD[:2_000_000], "/show/a.ma"), (NEW[:2_100_000], "/show/b.ma"), False),
        ((OLD[:1_500_000], "/show/a.ma"), (NEW, "/show/a.ma"), False),
    ],
    ids=[
        "same path", "next version", "renamed and edited", "simulated anew", "another file", "the same", "small, same path",
        "small, renamed", "too small a base",
    ],
)  # fmt: skip
def test_what_is_found(shared: Any, before: tuple[bytes, str], now: tuple[bytes, str], found: bool) -> None:
    """A base is found by path, by version and by likeness; where there is nothing in common, none is named."""
    project = another_project(shared)
    base = sent(shared, *before, project=project)
    assert ask(shared, told(*now), project=project) == [[base] if found else []]


@pytest.mark.parametrize(
    ("now", "named"),
    [((OTHER, "/show/a.ma"), True), ((OTHER, "/show/b.ma"), False), ((OTHER + OTHER[: SKETCHED // 4], "/show/a.ma"), False)],
    ids=["same path and size", "another path", "another size"],
)
def test_what_may_be_the_same_in_another_order(shared: Any, now: tuple[bytes, str], named: bool) -> None:
    """A former file of the same path and about the same size is named as doubtful where sketches say nothing; no other is."""
    project = another_project(shared)
    base = sent(shared, OLD, "/show/a.ma", project=project)
    answer = shared.ask("POST", f"/projects/{project}/objects/bases", json={"files": [told(*now)]}).json()
    assert answer == {"bases": [[]], "doubtful": [[base] if named else []]}


def test_an_upload_that_broke_off_costs_no_base(studio: Any) -> None:
    """Announced and never sent, a version does not stand in the way of the one before it."""
    base = sent(studio, OLD[:2_000_000], "/show/a.ma")
    for number in range(3):
        assert ask(studio, told(NEW[: 2_000_000 + number], "/show/a.ma")) == [[base]]


def test_the_newest_version_is_the_first_choice(studio: Any) -> None:
    """Of many versions, the last that was sent is the likeliest."""
    first = sent(studio, OLD[:2_000_000], "/show/a.ma")
    second = sent(studio, OLD[:2_000_001], "/show/a.ma")
    assert ask(studio, told(OLD[:2_000_002], "/show/a.ma")) == [[second, first]]


def test_other_projects_are_not_there(studio: Any) -> None:
    """What another project has is never named, listed or differed from: a digest gives nobody a file."""
    other = another_project(studio)
    base = sent(studio, OLD, project=other)
    assert ask(studio, told(NEW)) == [[]]
    assert studio.ask("GET", f"/projects/default/objects/{base}/signature").status_code == 404
    assert put(studio, NEW, delta(NEW, OLD), base).status_code == 404
    assert studio.store.size(digest_of(NEW)) is None
    # nor does the other learn anything by having been asked about it here
    assert ask(studio, told(NEW), project=other) == [[base]]


def test_what_the_store_lost_is_no_base(studio: Any) -> None:
    """An object that was found to be lost is not named until it was sent again; before it is found out, it has no signature."""
    base = sent(studio, OLD)
    studio.store.delete(base)
    assert studio.ask("GET", f"/projects/default/objects/{base}/signature").status_code == 404
    assert put(studio, NEW, delta(NEW, OLD), base).status_code == 404
    assert studio.ask("GET", f"/projects/default/objects/{base}").status_code == 404
    with studio.farm.database.write() as unit:
        losses.lose(unit, [base])
    assert ask(studio, told(NEW)) == [[]]
    studio.upload(OLD)
    assert ask(studio, told(NEW)) == [[base]]


def test_strangers_and_runners(studio: Any) -> None:
    """Without a person's token there is nothing."""
    base = sent(studio, OLD)
    for method, path in (("POST", "bases"), ("GET", f"{base}/signature"), ("PUT", f"{base}/delta?base={base}&size=1")):
        answer = studio.ask(method, f"/projects/default/objects/{path}", token="nobody")
        assert answer.status_code == 401
    assert studio.ask("GET", f"/projects/nothing/objects/{base}/signature").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": b""}, 400, "invalid"),
        ({"body": b"no delta"}, 400, "invalid"),
        ({"body": delta(OTHER, OLD)}, 400, "invalid"),
        ({"body": delta(NEW[:-1] + b"?", OLD)}, 422, "wrong-content"),
        ({"base": "sha256:" + "0" * 64}, 404, "not-found"),
        ({"base": "sha256:../../etc"}, 400, "invalid"),
        ({"size": len(NEW) - 1}, 400, "invalid"),
        ({"size": -1}, 413, "too-large"),
        ({"size": 1 << 50}, 413, "too-large"),
    ],
    ids=["empty", "no delta", "of another file", "wrong content", "no such base", "no digest", "size", "negative", "huge"],
)
def test_what_is_not_right_is_not_kept(shared: Any, change: dict[str, Any], status: int, code: str) -> None:
    """Whatever is wrong with a difference, it is refused in words, and the object is nowhere afterwards."""
    base = sent(shared, OLD)
    body, size = change.get("body", delta(NEW, OLD)), change.get("size", len(NEW))
    answer = put(shared, NEW, body, change.get("base", base), size=size)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert shared.store.size(digest_of(NEW)) is None
    assert shared.ask("GET", f"/projects/default/objects/{digest_of(NEW)}").status_code == 404


def test_a_damaged_base_makes_no_wrong_object(make_studio: Any) -> None:
    """The store's disk changed a byte of the base: what is assembled of it is refused, and the whole is sent."""
    studio = make_studio()
    base = sent(studio, OLD)
    studio.store._objects[base] = OLD[:5_000] + b"?" + OLD[5_001:]
    answer = put(studio, NEW, delta(NEW, OLD), base)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "wrong-content")
    assert studio.store.size(digest_of(NEW)) is None
    studio.upload(NEW)
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(NEW)}").content == NEW


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:1"},
        {"size": -1},
        {"keys": ["short"]},
        {"keys": ["0" * 32] * 5},
        {"sketch": ["0" * 17]},
        {"sketch": ["0" * 16] * 65},
        {"path": "/show/a.ma"},
    ],
    ids=["digest", "size", "key", "keys", "name", "names", "unknown field"],
)
def test_a_question_is_bounded(shared: Any, change: dict[str, Any]) -> None:
    """A question that is none is refused, and nothing of it is remembered."""
    path = f"/projects/{another_project(shared)}/objects/bases"
    with shared.farm.database.read() as session:
        before = len(session.scalars(select(SentVersion.key)).all())
    answer = shared.ask("POST", path, json={"files": [{**told(NEW), **change}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    too_many = {"files": [{"digest": digest_of(b""), "size": 0}] * (versions.MOST_FILES + 1)}
    assert shared.ask("POST", path, json=too_many).status_code == 400
    with shared.farm.database.read() as session:
        assert len(session.scalars(select(SentVersion.key)).all()) == before


def test_what_never_came_is_forgotten(studio: Any) -> None:
    """What was announced is remembered for a day; what was sent, as long as the project has it."""
    sent(studio, OLD, "/show/a.ma")
    ask(studio, told(OTHER, "/show/b.ma"))
    for hours, left in ((23, {digest_of(OLD), digest_of(OTHER)}), (25, {digest_of(OLD)})):
        with studio.farm.database.write() as unit:
            versions.forget(unit, unit.now + timedelta(hours=hours) - versions.UNSENT_KEPT)
        with studio.farm.database.read() as session:
            assert set(session.scalars(select(SentVersion.digest))) == left


def test_what_another_project_sent_is_forgotten(studio: Any) -> None:
    """That another project has an object does not keep what this one announced and never sent."""
    sent(studio, OLD, "/show/a.ma")
    with studio.farm.database.write() as unit:
        mine = unit.session.scalars(select(Project)).one()
        other = Project(account_id=mine.account_id, name="other", created=unit.now)
        unit.session.add(other)
        unit.session.flush()
        unit.session.add(SentVersion(project_id=other.id, key="k", digest=digest_of(OLD), former=None, created=unit.now))
        expected = mine.id
    with studio.farm.database.write() as unit:
        versions.forget(unit, unit.now + timedelta(hours=25) - versions.UNSENT_KEPT)
    with studio.farm.database.read() as session:
        assert set(session.scalars(select(SentVersion.project_id))) == {expected}


class CountingStore(MemoryStore):
    """A store that counts how often an object is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, digest: Any, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        self.reads += 1
        return super().read(digest, offset, length)


def test_an_object_is_cut_once(make_studio: Any) -> None:
    """The list of chunks is kept; one that a disk damaged is made anew, and old ones make room."""
    make_studio.store = store = CountingStore()
    studio = make_studio()
    base = sent(studio, OLD)
    path = f"/projects/default/objects/{base}/signature"
    first = studio.ask("GET", path).content
    assert studio.ask("GET", path).content == first
    assert store.reads == 1
    (kept,) = (studio.farm.settings.data_folder / "signatures" / "kept").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_bytes(first[:-9] + b"?" + first[-8:])
    assert studio.ask("GET", path).content == first
    kept.write_bytes(first[:100])
    assert studio.ask("GET", path).content == first
    assert store.reads == 3


def test_lists_of_chunks_make_room(studio: Any, tmp_path: Any) -> None:
    """Those that nobody asked for in the longest time go first, however large the store."""
    folder = tmp_path / "signatures"
    small = Signatures(folder, room=3_000)
    for data in (OLD[:500_000], OTHER[:500_000]):
        digest = studio.upload(data)
        assert b"".join(small.blocks(studio.farm.store, digest, len(data)))
    small.make_room()
    (kept,) = (folder / "kept").iterdir()
    assert kept.name.startswith(digest_of(OTHER[:500_000]).removeprefix("sha256:"))
    assert not list((folder / "tmp").iterdir())
