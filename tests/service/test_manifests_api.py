"""Manifests over HTTP: known by name to the project that sent them, and the ground for the next."""

from __future__ import annotations

from typing import Any

import pytest
from conductor_core.documents import to_json
from conductor_core.manifest import Entry, Manifest, make_manifest
from conductor_core.paths import Flavour
from conductor_service.models import PresenceLease, Project
from sqlalchemy import select

KNOWN = "/projects/default/manifests/known"


def _entry(studio: Any, name: str, data: bytes) -> Entry:
    return Entry(f"/job/{name}", digest=studio.upload(data), size=len(data), mode=0o644, mtime_ns=1)


def _committed(studio: Any) -> Manifest:
    manifest = make_manifest(Flavour.POSIX, [_entry(studio, name, name.encode()) for name in "abcd"])
    answer = studio.ask("PUT", f"/jobs/{studio.submit()['id']}/manifest", content=manifest.to_bytes())
    assert answer.status_code == 200
    return manifest


def _put_from(studio: Any, base: str, *parts: dict[str, Any], job: str = "") -> Any:
    return studio.ask("PUT", f"/jobs/{job or studio.submit()['id']}/manifest/from/{base}", json={"parts": list(parts)})


def test_a_manifest_is_known_to_its_project_alone(studio: Any) -> None:
    """With the number of its objects, and leased as a whole; to another project or account it is as if it were not there."""
    digest = _committed(studio).digest()
    unknown = f"sha256:{5:064x}"
    with studio.farm.database.write() as unit:
        account = unit.session.scalars(select(Project.account_id)).first()
        unit.session.add(Project(account_id=account, name="second", created=unit.now))
    asked = {"manifests": [digest, unknown], "digests": [unknown, studio.upload(b"a")]}
    assert studio.ask("POST", KNOWN, json=asked).json() == {"known": {digest: 4}, "missing": [unknown]}
    with studio.farm.database.read() as session:
        assert digest in set(session.scalars(select(PresenceLease.digest)))
    assert studio.ask("POST", "/projects/second/manifests/known", json=asked).json()["known"] == {}
    assert studio.ask("POST", KNOWN, json=asked, token=studio.second_token()).json()["known"] == {}


def test_a_manifest_is_told_by_what_stays(studio: Any) -> None:
    """The same again by its name, and an edited one by runs of the former and what is new between them."""
    base = _committed(studio)
    whole = _put_from(studio, base.digest(), {"first": 0, "end": 4})
    assert (whole.status_code, whole.json()["manifest"]) == (200, base.digest())
    assert whole.json()["job"]["uploading"] is False
    fresh = _entry(studio, "b", b"edited")
    job = studio.submit()["id"]
    parts = ({"first": 0, "end": 1, "entries": [to_json(fresh)]}, {"first": 2, "end": 3})
    expected = make_manifest(Flavour.POSIX, [base.entries[0], fresh, base.entries[2]])
    for _ in range(2):  # as after a lost answer
        answer = _put_from(studio, base.digest(), *parts, job=job)
        assert (answer.status_code, answer.json()["manifest"]) == (200, expected.digest())
    assert b"".join(studio.store.read(expected.digest())) == expected.to_bytes()


def test_what_the_store_lacks_is_named(studio: Any) -> None:
    """An object that the store has lost is missing at the commit, so that it is sent again, however the manifest is told."""
    base = _committed(studio)
    studio.store.delete(base.entries[1].digest)
    answer = _put_from(studio, base.digest(), {"first": 0, "end": 4})
    assert (answer.status_code, answer.json()["error"]["missing"]) == (409, [base.entries[1].digest])


def test_nothing_is_got_by_knowing_a_name(studio: Any) -> None:
    """A manifest that no job of the project has is not there to be built on, and an object that was not sent is missing."""
    base = _committed(studio)
    assert _put_from(studio, f"sha256:{5:064x}", {"first": 0, "end": 1}).status_code == 404
    foreign = to_json(Entry("/job/x", digest=f"sha256:{7:064x}", size=1))
    answer = _put_from(studio, base.digest(), {"first": 0, "end": 4, "entries": [foreign]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "objects-missing")
    rival = studio.second_token()
    job = studio.submit()["id"]
    path = f"/jobs/{job}/manifest/from/{base.digest()}"
    assert studio.ask("PUT", path, json={"parts": [{"first": 0, "end": 4}]}, token=rival).status_code == 404


@pytest.mark.parametrize(
    "parts",
    [
        [{"first": 0, "end": 5}],
        [{"first": -1, "end": 2}],
        [{"first": 2, "end": 1}],
        [{"first": 2, "end": 4}, {"first": 1, "end": 2}],
        [{"first": 0, "end": 2}, {"first": 1, "end": 4}],
        [{"first": 0, "end": 4, "entries": [{"path": "/job/a", "kind": "directory"}]}],
        [{"first": 0, "end": 4, "entries": [{"path": "/job/d/inside", "kind": "directory"}]}],
        [{"first": "0", "end": 4}],
    ],
    ids=["beyond", "negative", "backwards", "unsorted", "twice", "a path twice", "inside a file", "no number"],
)
def test_what_cannot_be_put_together_is_refused(studio: Any, parts: list[dict[str, Any]]) -> None:
    """Runs that are not the base's, or come twice, and entries that do not fit between: 400, and nothing is committed."""
    base = _committed(studio)
    job = studio.submit()
    answer = _put_from(studio, base.digest(), *parts, job=job["id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), answer.text
    assert studio.get(f"/jobs/{job['id']}")["uploading"] is True


def test_too_many_at_once(studio: Any) -> None:
    """A question has its bounds."""
    answer = studio.ask("POST", KNOWN, json={"manifests": [f"sha256:{n:064x}" for n in range(101)]})
    assert answer.status_code == 400


def test_the_store_is_asked_while_no_connection_is_held(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store asks the database itself: many who commit at once would else wait for each other's connections."""
    base = _committed(studio)
    held: list[int] = []
    kind = type(studio.farm.store)
    size = kind.size

    def counted(store: Any, digest: Any) -> Any:
        held.append(studio.farm.database.engine.pool.checkedout())
        return size(store, digest)

    monkeypatch.setattr(kind, "size", counted)
    assert _put_from(studio, base.digest(), {"first": 0, "end": 4}).status_code == 200
    assert held
    assert set(held) == {0}
