"""Many small objects in one answer: of the project's own only, whole and in order."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.transfer import bundle
from conductor_core.transfer.bundle import read_bundle
from conductor_core.transfer.packs import Member, write_pack
from conductor_service.models import Project
from conductor_service.store import MemoryStore
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


@pytest.mark.parametrize("limit", ["MOST_OBJECTS", "LARGEST_OBJECT", "MOST_BYTES"])
def test_a_bundle_is_bounded(studio: Any, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Too many, too large, or too much together: refused before a byte is read."""
    monkeypatch.setattr(f"conductor_service.api.objects.{limit}", 1)
    assert getattr(bundle, limit) > 1
    for content in (b"ab", b"cd"):
        studio.upload(content)
    answer = studio.ask("POST", PATH, json={"digests": [digest_of(b"ab"), digest_of(b"cd")]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
