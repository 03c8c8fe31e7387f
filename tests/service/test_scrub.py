"""`conductor scrub`: damage is found, named by who needs it, and repaired by the next submission."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes
from conductor_core.manifest import Entry, make_manifest, parse_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import compaction, garbage, objects, scrubbing
from conductor_service.scrub_command import paced, scrub_command
from conductor_service.scrubbing import Place, Scrub
from conductor_service.store import FolderStore, StoreUnreachable
from sqlalchemy import event

BODIES = [b"wood" * 100, b"stone" * 100, b"a large texture" * 1000]
PACK = b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in BODIES[:2]]))  # type: ignore[misc]


@pytest.fixture
def folder(make_studio: Any, tmp_path: Path) -> tuple[Any, Callable[[bytes], Path], Callable[[], Any]]:
    """A service with a job of two files in a pack and one by itself; where an object lies; and the command."""
    make_studio.store = FolderStore(tmp_path / "data" / "store")
    studio = make_studio()
    send(studio)
    job = studio.submit()
    entries = [Entry(f"/job/{i}.tex", digest=digest_of(b), size=len(b), mode=0o644, mtime_ns=1) for i, b in enumerate(BODIES)]
    body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
    assert studio.ask("PUT", f"/jobs/{job['id']}/manifest", content=body).status_code == 200

    def file(data: bytes) -> Path:
        name = digest_of(data)[7:]
        return tmp_path / "data" / "store" / "objects" / name[:2] / name

    def run(*words: str) -> Any:
        return CliRunner().invoke(scrub_command, ["--data", str(tmp_path / "data"), *words])

    return studio, file, run


def send(studio: Any) -> None:
    assert studio.ask("POST", "/projects/default/packs", content=PACK).status_code == 201
    studio.upload(BODIES[2])


def test_all_is_well(folder: Any) -> None:
    """Nothing is said of a store that is well, and nothing is changed."""
    studio, _, run = folder
    before = set(studio.store.digests())
    done = run()
    assert (done.exit_code, done.output) == (0, "4 objects read, 0 damaged or gone.\n")
    assert set(studio.store.digests()) == before


def test_damage_is_named_and_repaired(folder: Any) -> None:
    """A member of a pack and an object by itself: each is named with its file and job, is missing, and can be sent again."""
    studio, file, run = folder
    file(PACK).write_bytes(PACK[:-1] + b"!")
    file(BODIES[2]).write_bytes(b"another texture" * 1000)
    done = run()
    assert done.exit_code == 10
    for number in (1, 2):
        assert f"Object {digest_of(BODIES[number])} " in done.output
        assert f"needed: /job/{number}.tex of job 1" in done.output
    assert "The next submission that needs it sends it again" in done.output
    assert done.output.endswith("4 objects read, 2 damaged or gone.\n")
    asked = {"digests": [digest_of(b) for b in BODIES]}
    missing = studio.ask("POST", "/projects/default/objects/missing", json=asked).json()["missing"]
    assert missing == [digest_of(b) for b in BODIES[1:]]
    send(studio)
    assert studio.ask("POST", "/projects/default/objects/missing", json=asked).json()["missing"] == []
    assert run().exit_code == 0
    for body in BODIES:
        assert b"".join(studio.farm.store.read(digest_of(body))) == body


def test_what_is_gone_is_named(folder: Any) -> None:
    """A pack that is gone is named by all its members."""
    _, file, run = folder
    file(PACK).unlink()
    file(BODIES[2]).unlink()
    done = run()
    assert done.exit_code == 10
    assert done.output.count("is not in the store") == 3
    assert run().output == "1 objects read, 0 damaged or gone.\n", "what is known to be lost is not looked for again"


@pytest.mark.parametrize("packs", [True, False], ids=["packs", "by itself"])
def test_a_store_that_is_away_is_not_judged(folder: Any, packs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer ends the reading; nothing is called lost."""
    studio, _, run = folder

    def away(*_: Any) -> Any:
        raise StoreUnreachable("https://s3", "timed out")

    monkeypatch.setattr(studio.farm.shelf, "read", away)
    with pytest.raises(StoreUnreachable):
        list(Scrub(studio.farm.database, studio.farm.shelf, lambda _: None).steps(Place(packs)))
    monkeypatch.undo()
    assert run().output == "4 objects read, 0 damaged or gone.\n"


def test_a_disk_that_was_away_comes_back(folder: Any) -> None:
    """A pack that is not there when it is read is named, and still found when it is there again: no clean-up takes it."""
    studio, file, run = folder
    aside = file(PACK).with_suffix(".away")
    file(PACK).rename(aside)
    assert run().exit_code == 10
    compaction.drop_empty(studio.farm.database)
    studio.clock.pass_time(2 * 3601)
    aside.rename(file(PACK))
    garbage.delete_discarded(studio.farm.database, studio.farm.shelf)
    assert _missing(studio) == BODIES[:2]
    assert run().output == "2 objects that were lost are there again.\n4 objects read, 0 damaged or gone.\n"
    assert _missing(studio) == []
    for body in BODIES:
        assert b"".join(studio.farm.store.read(digest_of(body))) == body


def test_a_job_s_files_are_read_once_to_name_them(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of them are damaged: a job may have a hundred thousand."""
    _, file, run = folder
    read: list[bytes] = []
    parse = parse_manifest
    monkeypatch.setattr(scrubbing, "parse_manifest", lambda data: read.append(data) or parse(data))  # type: ignore[func-returns-value]
    file(PACK).unlink()
    file(BODIES[2]).unlink()
    output = run().output
    assert [f"/job/{i}.tex of job 1" in output for i in range(3)] == [True] * 3
    assert len(read) == 1


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "back"])
def test_a_pack_of_many_holds_nobody_up(make_studio: Any, tmp_path: Path, gone: bool) -> None:
    """Whether its members are lost or are there again: that is noted by few statements, however many they are."""
    make_studio.store = FolderStore(tmp_path / "data" / "store")
    studio = make_studio()
    bodies = [f"leaf {i}".encode() for i in range(300)]
    pack = b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]))  # type: ignore[misc]
    assert studio.ask("POST", "/projects/default/packs", content=pack).status_code == 201
    database, shelf = studio.farm.database, studio.farm.shelf
    path = tmp_path / "data" / "store" / "objects" / digest_of(pack)[7:9] / digest_of(pack)[7:]
    path.rename(tmp_path / "away")
    if not gone:
        objects.note_missing(database, shelf, {}, {digest_of(pack): len(pack)})
        (tmp_path / "away").rename(path)
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if database.writes_here():
            written.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    steps = list(Scrub(database, shelf, lambda _: None).steps(Place()))
    event.remove(database.engine, "before_cursor_execute", note)
    assert (sum(len(s.found) for s in steps), sum(s.again for s in steps)) == ((300, 0) if gone else (0, 300))
    assert 0 < len(written) < 20


def _missing(studio: Any) -> list[bytes]:
    asked = {"digests": [digest_of(b) for b in BODIES]}
    lacking = studio.ask("POST", "/projects/default/objects/missing", json=asked).json()["missing"]
    return [b for b in BODIES if digest_of(b) in lacking]


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "damaged"])
def test_an_object_that_was_away(folder: Any, whole: bool) -> None:
    """An object by itself that was lost counts as there when it is, and its content is its name; not before."""
    studio, file, run = folder
    file(BODIES[2]).unlink()
    assert run().exit_code == 10
    file(BODIES[2]).write_bytes(BODIES[2] if whole else BODIES[2][:-1] + b"!")
    done = run()
    assert done.exit_code == 0
    assert done.output.startswith("1 objects that were lost are there again.\n") is whole
    assert _missing(studio) == ([] if whole else [BODIES[2]])
    send(studio)
    assert _missing(studio) == []


def test_it_goes_on_where_it_was(folder: Any) -> None:
    """From any place on, exactly the rest is read; a note that is damaged begins anew."""
    studio, _, run = folder
    scrub = Scrub(studio.farm.database, studio.farm.shelf, lambda _: None)
    steps = list(scrub.steps(Place()))
    for number, step in enumerate(steps):
        assert list(scrub.steps(step.place)) == steps[number + 1 :]
    note = studio.farm.settings.data_folder / "scrub.json"
    note.write_text('{"in_packs": false, "after": "sha256:f')
    assert run().output == "4 objects read, 0 damaged or gone.\n"
    note.write_text('{"in_packs": false, "after": "sha256:g"}')
    assert run().output == "Going on where the last run was cut off.\n0 objects read, 0 damaged or gone.\n"
    assert not note.exists()


def test_it_keeps_to_its_rate() -> None:
    """Bytes take as long as they should; a pause is not made up for by a rush."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pace = paced(100.0, elapsed=lambda: now, sleep=sleep)
    for _ in range(10):
        pace(50)
    assert now == pytest.approx(5.0)
    now += 60
    for _ in range(10):
        pace(50)
    assert now == pytest.approx(69.0)
