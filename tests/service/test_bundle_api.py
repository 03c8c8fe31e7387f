"""Many small objects in one answer: of the project's own only, whole and in order."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.transfer import bundle
from conductor_core.transfer.bundle import read_bundle
from conductor_core.transfer.packs import Member, write_pack
from conductor_service.bundles import GAP_BYTES, RUN_BYTES, plan_runs
from conductor_service.models import Project, ProjectObject, StoredObject
from conductor_service.store import MemoryStore, Spot
from sqlalchemy import select

PATH = "/projects/default/objects/bundle"


def _read(answer: Any, *contents: bytes) -> list[bundle.Content | None]:
    assert answer.status_code == 200
    return [content for _, content in read_bundle({digest_of(c): len(c) for c in contents}, [answer.content])]


def test_objects_come_together_in_their_order(studio: Any) -> None:
    """As asked for; one that the project does not have is told as that."""
    contents = [b"frame %d" % n * 50 for n in range(5)]
    for content in contents[:4]:
        studio.upload(content)
    asked = [contents[n] for n in (2, 4, 0, 3)]
    answer = studio.ask("POST", PATH, json={"digests": [digest_of(c) for c in asked]})
    assert _read(answer, *asked) == [contents[2], None, contents[0], contents[3]]
    assert _read(studio.ask("POST", PATH, json={"digests": []})) == []


def test_a_digest_gets_nobody_a_file(studio: Any) -> None:
    """What another project has is not to be had, and neither is anything without a login."""
    studio.upload(b"theirs")
    with studio.farm.database.write() as unit:
        account = unit.session.scalars(select(Project.account_id)).one()
        unit.session.add(Project(account_id=account, name="other", created=unit.now))
    answer = studio.ask("POST", "/projects/other/objects/bundle", json={"digests": [digest_of(b"theirs")]})
    assert _read(answer, b"theirs") == [None]
    assert studio.http.request("POST", f"/api/v1{PATH}", json={"digests": []}).status_code == 401
    answer = studio.ask("POST", PATH, json={"digests": [digest_of(b"theirs")]}, token=studio.second_token())
    assert _read(answer, b"theirs") == [None]
    assert studio.ask("POST", "/projects/none/objects/bundle", json={"digests": []}).status_code == 404


def test_a_damaged_object_is_not_to_be_had(make_studio: Any) -> None:
    """Its bytes are never sent; the others come all the same."""
    store = make_studio.store = MemoryStore()
    studio = make_studio()
    for content in (b"first", b"second", b"third"):
        studio.upload(content)
    store._objects[digest_of(b"second")] = b"SECOND"
    answer = studio.ask("POST", PATH, json={"digests": [digest_of(c) for c in (b"first", b"second", b"third")]})
    assert _read(answer, b"first", b"second", b"third") == [b"first", None, b"third"]


def test_objects_come_out_of_packs(make_studio: Any) -> None:
    """What was sent in packs is given whole; a pack that was lost or damaged takes nothing with it but its own."""
    store = make_studio.store = MemoryStore()
    studio = make_studio()
    contents = [b"frame %d" % n * 50 for n in range(6)]
    packs = []
    for some in (contents[:2], contents[2:4]):
        pack = b"".join(write_pack([Member(digest_of(c), len(c), functools.partial(list, [c])) for c in some]))
        assert studio.ask("POST", "/projects/default/packs", content=pack).status_code in (200, 201)
        packs.append((digest_of(pack), pack))
    for content in contents[4:]:
        studio.upload(content)
    question = {"digests": [digest_of(c) for c in contents]}
    assert _read(studio.ask("POST", PATH, json=question), *contents) == contents
    store._objects[packs[0][0]] = packs[0][1].replace(b"frame 1", b"FRAME 1")
    store.delete(packs[1][0])
    found = _read(studio.ask("POST", PATH, json=question), *contents)
    assert found == [contents[0], None, None, None, *contents[4:]] or found == [None, None, None, None, *contents[4:]]


def test_objects_side_by_side_are_read_in_one_go(make_studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred objects of a pack are one question to the store; those of other projects among them are not given."""
    store = make_studio.store = MemoryStore()
    studio = make_studio()
    contents = [b"frame %d" % n * 50 for n in range(100)]
    pack = b"".join(write_pack([Member(digest_of(c), len(c), functools.partial(list, [c])) for c in contents]))
    assert studio.ask("POST", "/projects/default/packs", content=pack).status_code in (200, 201)
    with studio.farm.database.write() as unit:
        number = select(StoredObject.id).where(StoredObject.digest == digest_of(contents[50])).scalar_subquery()
        hidden = unit.session.scalars(select(ProjectObject).where(ProjectObject.object_id == number)).one()
        unit.session.delete(hidden)
    reads: list[tuple[str, int, int | None]] = []
    read = store.read
    monkeypatch.setattr(store, "read", lambda *where: reads.append(where) or read(*where))  # type: ignore[func-returns-value]
    found = _read(studio.ask("POST", PATH, json={"digests": [digest_of(c) for c in contents]}), *contents)
    assert found == [None if n == 50 else content for n, content in enumerate(contents)]
    assert [where[0] for where in reads] == [digest_of(pack)] * 2  # before and behind the one that is not given


_PACK, _OTHER = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)


def _spot(offset: int, size: int = 10, pack: Digest = _PACK) -> Spot:
    return Spot(pack, 1 << 30, offset, size)


@pytest.mark.parametrize(
    ("places", "runs"),
    [
        ([_spot(0), _spot(10), _spot(20)], [3]),
        ([_spot(0), _spot(10 + GAP_BYTES), _spot(21 + 2 * GAP_BYTES)], [2, 1]),
        ([_spot(10), _spot(0)], [1, 1]),
        ([_spot(0), _spot(0)], [1, 1]),
        ([_spot(0), _spot(10, pack=_OTHER), _spot(10)], [1, 1, 1]),
        ([_spot(0), None, _spot(10), None, None], [1, 1, 1, 1, 1]),
        ([_spot(0, RUN_BYTES - 10), _spot(RUN_BYTES - 10), _spot(RUN_BYTES)], [2, 1]),
        ([], []),
    ],
    ids=["side by side", "a hole", "backwards", "the same", "another pack", "by themselves", "too much", "nothing"],
)
def test_what_is_read_in_one_go(places: list[Spot | None], runs: list[int]) -> None:
    """Only what lies in its order in one pack, with no large hole, and not more than may be held in memory."""
    wanted = [Digest(f"sha256:{n:064}") for n in range(len(places))]
    found = list(plan_runs(wanted, {d: spot for d, spot in zip(wanted, places, strict=True) if spot}))
    assert [len(run.digests) for run in found] == runs
    assert [digest for run in found for digest in run.digests] == wanted
    assert [spot for run in found for spot in run.spots] == [spot for spot in places if spot]


@pytest.mark.parametrize("limit", ["MOST_OBJECTS", "LARGEST_OBJECT", "MOST_BYTES"])
def test_a_bundle_is_bounded(studio: Any, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Too many, too large, or too much together: refused before a byte is read."""
    monkeypatch.setattr(f"conductor_service.api.objects.{limit}", 1)
    assert getattr(bundle, limit) > 1
    for content in (b"ab", b"cd"):
        studio.upload(content)
    answer = studio.ask("POST", PATH, json={"digests": [digest_of(b"ab"), digest_of(b"cd")]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
