"""A store that takes its time: whoever wants to write to the database meanwhile does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from conductor_core.digest import Digest, digest_of
from conductor_core.errors import TransferError
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import compaction, garbage, objects, removals
from conductor_service.errors import Busy
from conductor_service.models import Discarded, Project, Token
from conductor_service.pack_filing import PackFiling
from conductor_service.pack_index import take_pack
from conductor_service.removals import CLAIM
from conductor_service.scrubbing import Place, Scrub
from conductor_service.store import ObjectDamaged, StoreUnreachable
from sqlalchemy import select, update

BODIES = [f"body {i}".encode() * 50 for i in range(4)]
FILLING = b"x" * 50_000
LEASE = objects.LEASE + timedelta(seconds=1)
#: seconds; nobody waits for as long where all is well
LONG = 60


def pack_of(*bodies: bytes) -> bytes:
    return b"".join(write_pack([Member(digest_of(b), len(b), lambda b=b: [b]) for b in bodies]))  # type: ignore[misc]


class SlowStore:
    """A store of which one kind of call does not end before somebody lets it; it tells when somebody waits for it."""

    def __init__(self, inner: Any, slow: str) -> None:
        self._inner, self._slow = inner, slow
        self.asked, self.let = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        return self._slowly(call) if name == self._slow else call

    def _slowly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*args: Any) -> Any:
            self.asked.set()
            assert self.let.wait(LONG)
            return call(*args)

        return slow


class Site:
    """A service's database and store, with something for every clean-up to do."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.database, self.shelf = studio, studio.farm.database, studio.farm.shelf
        with self.database.read() as session:
            self.project = session.scalars(select(Project.id)).one()

    def age(self) -> None:
        self.studio.clock.pass_time(LEASE.total_seconds())

    def forget(self) -> None:
        """Have an object to be deleted."""
        self.studio.upload(BODIES[0])
        self.age()
        garbage.forget_objects(self.database)
        self.studio.clock.pass_time(3601)

    def leave(self) -> None:
        """Have bytes that no row knows."""
        self.shelf.write(digest_of(BODIES[0]), [BODIES[0]], len(BODIES[0]))
        self.studio.clock.pass_time(3601)

    def wear(self) -> None:
        """Have a pack of which little is needed."""
        take_pack(PackFiling(self.database), self.shelf, self.project, pack_of(*BODIES, FILLING))
        self.age()
        objects.ask(self.database, self.shelf, self.project, [digest_of(b) for b in BODIES])
        garbage.forget_objects(self.database)

    def lose(self) -> None:
        """Have an object that the store has lost."""
        self.studio.upload(BODIES[0])
        self.shelf.delete(digest_of(BODIES[0]))

    def damage(self) -> None:
        """Have an object that is damaged."""
        self.studio.upload(BODIES[0])
        self.shelf._objects[digest_of(BODIES[0])] = BODIES[0][:-1] + b"!"

    def delete(self, shelf: Any) -> int:
        return garbage.delete_discarded(self.database, shelf)

    def sweep(self, shelf: Any) -> int:
        return objects.sweep(self.database, shelf)

    def compact(self, shelf: Any) -> int:
        return compaction.compact(self.database, shelf)

    def ask(self, shelf: Any) -> int:
        return len(objects.ask(self.database, shelf, self.project, [digest_of(BODIES[0])]))

    def confirm(self, shelf: Any) -> int:
        with pytest.raises(Busy):
            objects.confirm(self.database, shelf, digest_of(BODIES[0]), len(BODIES[0]))
        return 1

    def scrub(self, shelf: Any) -> int:
        return sum(len(step.found) for step in Scrub(self.database, shelf, lambda _: None).steps(Place()))


@pytest.fixture(scope="module")
def shared(fresh_studios: Any) -> Iterator[Site]:
    maker = fresh_studios()
    site = Site(maker())
    with site.database.write() as unit:  # all these tests together last for more than a year
        unit.session.execute(update(Token).values(expires=unit.now + timedelta(days=36500)))
    yield site
    maker.close()


@pytest.fixture
def site(shared: Site) -> Site:
    """Give a service with an empty store."""
    for _ in range(2):
        shared.age()
        garbage.forget_objects(shared.database)
        compaction.drop_empty(shared.database)
        shared.studio.clock.pass_time(3601)
        shared.delete(shared.shelf)
    shared.sweep(shared.shelf)
    assert list(shared.shelf.digests()) == []
    return shared


@pytest.mark.parametrize(
    ("prepare", "act", "slow"),
    [
        (Site.forget, Site.delete, "written"),
        (Site.forget, Site.delete, "delete"),
        (Site.leave, Site.sweep, "written"),
        (Site.leave, Site.sweep, "delete"),
        (Site.wear, Site.compact, "read"),
        (Site.wear, Site.compact, "write"),
        (Site.lose, Site.ask, "size"),
        (Site.lose, Site.confirm, "size"),
        (Site.lose, Site.scrub, "read"),
        (Site.damage, Site.scrub, "written"),
        (Site.damage, Site.scrub, "set_aside"),
    ],
    ids=lambda given: given if isinstance(given, str) else given.__name__,
)
def test_nobody_waits_for_the_store(
    site: Site, prepare: Callable[[Site], None], act: Callable[[Site, Any], int], slow: str
) -> None:
    """While the store is asked to look, delete, read, write or set aside, the database takes what others write."""
    prepare(site)
    shelf = SlowStore(site.shelf, slow)
    done: list[int] = []
    at_work = threading.Thread(target=lambda: done.append(act(site, shelf)))
    at_work.start()
    try:
        assert shelf.asked.wait(LONG)
        writer = threading.Thread(target=_write, args=(site,))
        writer.start()
        writer.join(LONG)
        waited = writer.is_alive()
    finally:
        shelf.let.set()
        at_work.join(LONG)
    writer.join(LONG)
    assert not waited
    assert done == [1]


def _write(site: Site) -> None:
    with site.database.write() as unit:
        objects.forget_leases(unit, unit.now)


@pytest.mark.parametrize(("prepare", "act"), [(Site.forget, Site.delete), (Site.leave, Site.sweep)], ids=["known", "unknown"])
def test_who_sends_what_is_being_deleted_is_told_to_wait(site: Site, prepare: Any, act: Any) -> None:
    """In the middle of a deletion nothing comes to need its bytes; once it is over, what is sent again stays."""
    prepare(site)
    shelf = SlowStore(site.shelf, "delete")
    at_work = threading.Thread(target=act, args=(site, shelf))
    at_work.start()
    try:
        assert shelf.asked.wait(LONG)
        path = f"/projects/default/objects/{digest_of(BODIES[0])}"
        answer = site.studio.ask("PUT", path, content=BODIES[0])
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
        assert answer.headers["Retry-After"] == "1"
    finally:
        shelf.let.set()
        at_work.join(LONG)
    site.studio.upload(BODIES[0])
    site.studio.clock.pass_time(3601)
    act(site, site.shelf)
    assert site.ask(site.shelf) == 0
    assert b"".join(site.studio.farm.store.read(digest_of(BODIES[0]))) == BODIES[0]


class _Dead(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("failure", [_Dead(), StoreUnreachable("https://s3", "timed out")], ids=["killed", "no answer"])
def test_a_deletion_that_was_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """It may still come to pass: its bytes are nobody's for some minutes, and are then deleted by the next clean-up, or needed."""
    site.forget()

    def fails(_digest: Digest) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(site.shelf, "delete", fails)
        with pytest.raises((_Dead, TransferError)):
            site.delete(site.shelf)
    path = f"/projects/default/objects/{digest_of(BODIES[0])}"
    assert site.studio.ask("PUT", path, content=BODIES[0]).status_code == 503
    assert site.delete(site.shelf) == 0, "it is not claimed twice"
    site.studio.clock.pass_time(CLAIM.total_seconds())
    assert site.studio.ask("PUT", path, content=BODIES[0]).status_code in (200, 201)
    site.studio.clock.pass_time(3601)
    assert site.delete(site.shelf) == 0
    with site.database.read() as session:
        assert session.scalars(select(Discarded.digest)).all() == []


def test_what_a_store_that_fails_had_still_to_delete(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not begun is deleted by the next clean-up, and may be sent again at once."""
    for body in BODIES:
        site.studio.upload(body)
    site.age()
    garbage.forget_objects(site.database)
    site.studio.clock.pass_time(3601)
    names = sorted(digest_of(b) for b in BODIES)
    written = type(site.shelf).written

    def fails(store: Any, digest: Digest) -> Any:
        if digest == names[1]:
            raise StoreUnreachable("https://s3", "timed out")
        return written(store, digest)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.shelf), "written", fails)
        with pytest.raises(StoreUnreachable):
            site.delete(site.shelf)
    assert sorted(site.shelf.digests()) == names[1:]
    again = next(b for b in BODIES if digest_of(b) == names[2])
    site.studio.upload(again)
    assert site.delete(site.shelf) == 2
    assert list(site.shelf.digests()) == [names[2]]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), PermissionError(13, "Permission denied")], ids=["ctrl-c", "no right"])
def test_a_deletion_that_ends_in_another_way(site: Site, monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """However it ends, what was not begun may be sent again at once."""
    site.forget()

    def fails(_digest: Digest) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(site.shelf, "written", fails)
        with pytest.raises(type(failure)):
            site.delete(site.shelf)
    site.studio.upload(BODIES[0])
    assert site.ask(site.shelf) == 0


def test_who_reads_damaged_bytes_to_their_end_takes_nothing_away(site: Site) -> None:
    """Of two who read them one sets them aside; what is sent anew before the other comes to the end stays."""
    site.damage()
    store, name = site.studio.farm.store, digest_of(BODIES[0])
    first, second = store.read(name), store.read(name)
    with pytest.raises(ObjectDamaged):
        list(first)
    assert store.size(name) is None
    site.studio.upload(BODIES[0])
    with pytest.raises(ObjectDamaged):
        list(second)
    assert b"".join(store.read(name)) == BODIES[0]
    assert site.ask(site.shelf) == 0


def test_a_deletion_after_its_claim_has_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean-up that slept in its middle sees what it did: what came to be needed meanwhile is missing, and can be sent again."""
    site.forget()
    delete = type(site.shelf).delete

    def late(store: Any, digest: Digest) -> None:
        site.studio.clock.pass_time(CLAIM.total_seconds() + 1)
        site.studio.upload(BODIES[0])
        delete(store, digest)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.shelf), "delete", late)
        site.delete(site.shelf)
    assert site.ask(site.shelf) == 1
    site.studio.upload(BODIES[0])
    assert site.ask(site.shelf) == 0


def test_damage_that_is_set_aside_for_too_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends the object again meanwhile is not told that it is there when it went with the damaged bytes."""
    site.damage()
    set_aside = type(site.shelf).set_aside

    def late(store: Any, digest: Digest) -> None:
        site.studio.clock.pass_time(CLAIM.total_seconds() + 1)
        site.studio.upload(BODIES[0])
        set_aside(store, digest)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.shelf), "set_aside", late)
        site.scrub(site.shelf)
    assert site.ask(site.shelf) == 1
    site.studio.upload(BODIES[0])
    assert site.ask(site.shelf) == 0


def test_a_deletion_does_not_go_on_for_ever(site: Site) -> None:
    """What it has not come to before its claim grows old is left for the next one."""
    site.forget()
    now = iter([0.0, removals._ACT_SECONDS + 1])
    assert garbage.delete_discarded(site.database, site.shelf, elapsed=lambda: next(now)) == 0
    assert site.delete(site.shelf) == 1
