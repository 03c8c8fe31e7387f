"""Uploads in parts over HTTP: taken up again, seen to be what they are called, published once, and nobody else's business."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_service import uploads
from conductor_service.models import Upload
from conductor_service.store import FolderStore, MemoryStore, StoreFull, parts
from sqlalchemy import select

PART = 1000
DATA = os.urandom(3 * PART + 17)
UPLOADS = "/projects/default/uploads"


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "part_bytes", lambda _size: PART)


@pytest.fixture
def studio(make_studio: Any, tmp_path: Path) -> Any:
    """Give a service whose objects are files; the other kinds of store have the conformance suite."""
    make_studio.store = FolderStore(tmp_path / "store")
    return make_studio()


def begin(studio: Any, data: bytes = DATA, **request: Any) -> Any:
    answer = studio.ask("POST", UPLOADS, json={"digest": digest_of(data), "size": len(data)}, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(studio: Any, upload: str, number: int, data: bytes = DATA, **request: Any) -> Any:
    part = data[(number - 1) * PART : number * PART]
    headers = {"X-Content-Sha256": hashlib.sha256(part).hexdigest()}
    return studio.ask("PUT", f"{UPLOADS}/{upload}/parts/{number}", content=part, headers=headers, **request)


def end(studio: Any, upload: str, **request: Any) -> Any:
    return studio.ask("POST", f"{UPLOADS}/{upload}/complete", **request)


def send_all(studio: Any, data: bytes = DATA) -> str:
    upload = str(begin(studio, data)["upload"])
    for number in range(1, -(-len(data) // PART) + 1):
        assert send(studio, upload, number, data).status_code == 200
    return upload


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_object_in_parts(studio: Any) -> None:
    """Begun, sent in any order, ended: the object is the project's, and the upload is over."""
    found = begin(studio)
    assert (found["part_bytes"], found["have"], found["direct"]) == (PART, [], False)
    for number in (4, 2, 1, 3):
        assert send(studio, found["upload"], number).json() == {"number": number}
    assert end(studio, found["upload"]).status_code == 201
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}").content == DATA
    missing = {"digests": [digest_of(DATA)]}
    assert studio.ask("POST", "/projects/default/objects/missing", json=missing).json() == {"missing": []}
    assert error(end(studio, found["upload"])) == (404, "not-found")
    assert list(studio.farm.uploads.parts.kept()) == []
    upload = send_all(studio)
    assert end(studio, upload).status_code == 200, "it is there already"


def test_it_goes_on_where_it_stopped(make_studio: Any, tmp_path: Path) -> None:
    """The same digest again is the same upload, with the parts that came, also after the service was killed."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    first = begin(studio)
    send(studio, first["upload"], 1)
    send(studio, first["upload"], 3)
    studio = make_studio()
    again = begin(studio)
    assert (again["upload"], again["have"]) == (first["upload"], [1, 3])
    answer = end(studio, first["upload"])
    assert error(answer) == (409, "parts-missing")
    assert answer.json()["error"]["parts"] == [2, 4]
    send(studio, first["upload"], 2)
    send(studio, first["upload"], 4)
    assert end(studio, first["upload"]).status_code == 201


def test_a_crash_before_the_end_is_answered(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between publishing and saying so, the upload is ended again, and nothing is sent again."""
    upload = send_all(studio)

    def crash(*_: Any) -> Any:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(uploads.Uploads, "_give", crash)
        assert end(studio, upload).status_code == 500
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}").status_code == 404
    assert begin(studio)["have"] == [1, 2, 3, 4]
    assert end(studio, upload).status_code == 201
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}").content == DATA


def test_a_wrong_part_is_refused(studio: Any) -> None:
    """Bytes that do not hash to what was announced are refused, and the part is still to come."""
    upload = begin(studio)["upload"]
    path = f"{UPLOADS}/{upload}/parts/1"
    headers = {"X-Content-Sha256": hashlib.sha256(b"other").hexdigest()}
    assert error(studio.ask("PUT", path, content=DATA[:PART], headers=headers)) == (422, "wrong-content")
    assert begin(studio)["have"] == []


def test_a_wrong_whole_is_never_published(studio: Any) -> None:
    """Parts that are right in themselves and wrong together are refused at the end; all of it is to be sent again."""
    upload = begin(studio)["upload"]
    for number in (1, 2, 3):
        send(studio, upload, number)
    last = b"x" * 17
    headers = {"X-Content-Sha256": hashlib.sha256(last).hexdigest()}
    assert studio.ask("PUT", f"{UPLOADS}/{upload}/parts/4", content=last, headers=headers).status_code == 200
    assert error(end(studio, upload)) == (422, "wrong-content")
    assert studio.store.size(digest_of(DATA)) is None
    assert begin(studio)["have"] == []
    assert end(studio, send_all(studio)).status_code == 201


def test_the_end_takes_as_long_as_it_takes(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole that is not read yet is answered 202 with how much is; asked again, it goes on from there."""
    monkeypatch.setattr(studio.farm.uploads, "_elapsed", iter(range(10_000_000)).__next__)  # every look takes a second
    monkeypatch.setattr(uploads, "_END_SECONDS", 0.5)
    upload = send_all(studio)
    answers = []
    for _ in range(20):
        answer = end(studio, upload)
        if answer.status_code != 202:
            break
        answers.append(answer.json()["verified"])
    assert answer.status_code == 201
    assert answers == sorted(answers)
    assert all(0 <= done < len(DATA) for done in answers)


@pytest.mark.parametrize(
    ("number", "content", "headers", "field"),
    [
        (0, DATA[:PART], {}, "number"),
        (5, DATA[:PART], {}, "number"),
        (1, DATA[: PART - 1], {}, "Content-Length"),
        (4, DATA[:PART], {}, "Content-Length"),
        (1, DATA[:PART], {"X-Content-Sha256": ""}, "X-Content-Sha256"),
        (1, DATA[:PART], {"X-Content-Sha256": "../../x"}, "digest"),
    ],
    ids=["part 0", "behind the last", "too short", "too long", "no hash", "no digest"],
)
def test_parts_that_cannot_be(studio: Any, number: int, content: bytes, headers: dict[str, str], field: str) -> None:
    """A part with a wrong number, length or hash is refused by the field that is wrong."""
    upload = begin(studio)["upload"]
    headers = {"X-Content-Sha256": hashlib.sha256(content).hexdigest(), **headers}
    answer = studio.ask("PUT", f"{UPLOADS}/{upload}/parts/{number}", content=content, headers=headers)
    assert error(answer) == (400, "invalid")
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"digest": digest_of(DATA), "size": 0}, 400),
        ({"digest": "sha256:x", "size": 5}, 400),
        ({"digest": digest_of(DATA)}, 400),
        ({"digest": digest_of(DATA), "size": 1 << 60}, 413),
    ],
    ids=["empty", "no digest", "no size", "too large"],
)
def test_wishes_that_cannot_be(studio: Any, wish: dict[str, Any], status: int) -> None:
    """An upload that could never be one is not begun."""
    assert studio.ask("POST", UPLOADS, json=wish).status_code == status
    assert list(studio.farm.uploads.parts.kept()) == []


def test_uploads_are_the_projects_own(studio: Any) -> None:
    """Nobody of another account sees an upload, adds to it, ends it or drops it; theirs of the same digest is another one."""
    mine = begin(studio)
    send(studio, mine["upload"], 1)
    rival = studio.second_token()
    assert send(studio, mine["upload"], 2, token=rival).status_code == 404
    assert end(studio, mine["upload"], token=rival).status_code == 404
    assert studio.ask("DELETE", f"{UPLOADS}/{mine['upload']}", token=rival).status_code == 404
    theirs = begin(studio, token=rival)
    assert theirs["upload"] != mine["upload"]
    assert theirs["have"] == []
    assert studio.ask("POST", UPLOADS, json={}, token="cdr_nobody").status_code == 401
    assert begin(studio)["have"] == [1]


def test_another_size_under_the_same_name(studio: Any) -> None:
    """One of two sizes is not true: the later word counts, and nothing of the former is kept."""
    first = begin(studio)["upload"]
    answer = studio.ask("POST", UPLOADS, json={"digest": digest_of(DATA), "size": 5})
    assert answer.json()["upload"] != first
    assert send(studio, first, 1).status_code == 404
    assert len(list(studio.farm.uploads.parts.kept())) == 1


def test_given_up(studio: Any) -> None:
    """What is given up is gone, and begins anew if it is wanted after all."""
    upload = begin(studio)["upload"]
    send(studio, upload, 1)
    assert studio.ask("DELETE", f"{UPLOADS}/{upload}").status_code == 200
    assert list(studio.farm.uploads.parts.kept()) == []
    assert send(studio, upload, 2).status_code == 404
    assert begin(studio)["have"] == []


def test_what_nobody_goes_on_with_is_swept(studio: Any) -> None:
    """A week after the last part an upload is given up; one that is used stays however old it is."""
    old, used = begin(studio)["upload"], begin(studio, b"another" * 500)["upload"]
    send(studio, old, 1)
    for _ in range(8):
        studio.clock.pass_time(24 * 3600)
        assert send(studio, used, 1, b"another" * 500).status_code == 200
        studio.farm.uploads.sweep()
    assert send(studio, used, 2, b"another" * 500).status_code == 200
    assert send(studio, old, 2).status_code == 404
    with studio.farm.database.read() as session:
        assert list(session.scalars(select(Upload.id))) == [used]


def test_what_a_crash_left_is_swept(make_studio: Any) -> None:
    """What is staged and belongs to no upload is removed, but not while its upload may still be written down."""
    studio = make_studio()
    studio.farm.uploads.parts.begin("0" * 32)
    assert studio.farm.uploads.sweep() == 0
    studio.clock.pass_time(3601)
    assert studio.farm.uploads.sweep() == 1
    assert list(studio.farm.uploads.parts.kept()) == []


def test_there_is_an_end_to_beginnings(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project cannot fill the table: beyond a limit it hears to wait, and goes on with what is begun."""
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 1)
    first = begin(studio)
    answer = studio.ask("POST", UPLOADS, json={"digest": digest_of(b"x"), "size": 1})
    assert error(answer) == (503, "busy")
    assert begin(studio) == first


class SmallStore(MemoryStore):
    """A store with room for ten bytes less than our object."""

    def check_room(self, needed: int) -> None:
        if needed > len(DATA) - 10:
            raise StoreFull("/store", needed, len(DATA) - 10)


def test_what_does_not_fit_is_not_begun(make_studio: Any) -> None:
    """A store without room says so at the beginning; what has come needs no room again."""
    make_studio.store = SmallStore()
    studio = make_studio()
    wish = {"digest": digest_of(DATA), "size": len(DATA)}
    assert error(studio.ask("POST", UPLOADS, json=wish)) == (503, "busy")
    with studio.farm.database.read() as session:
        upload = str(session.scalar(select(Upload.id)))
    assert send(studio, upload, 1).status_code == 200
    assert begin(studio)["have"] == [1]


def test_what_the_store_lost_is_sent_again(make_studio: Any, tmp_path: Path) -> None:
    """Where the bytes of an upload are gone, it begins anew, and what was read of the old ones proves nothing."""
    make_studio.store = FolderStore(tmp_path / "store")
    studio = make_studio()
    upload = send_all(studio)
    (tmp_path / "store" / "parts" / upload).unlink()
    assert error(end(studio, upload)) == (404, "not-found")
    assert begin(studio)["have"] == []
    again = send_all(studio)
    assert again != upload
    assert end(studio, again).status_code == 201
    assert studio.ask("GET", f"/projects/default/objects/{digest_of(DATA)}").content == DATA


def test_the_default_parts() -> None:
    """Parts of 16 MiB: what a broken line sends twice at most."""
    assert parts.part_bytes(10 << 30) == 16 << 20
