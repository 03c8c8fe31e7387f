"""The clean-up and the scrub against a model of their own, with crashes anywhere in them: nothing needed is lost, and all else goes in the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from conductor_core.digest import Digest, digest_of
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.transfer.packs import Member, write_pack
from conductor_service import compaction, garbage, jobs, objects
from conductor_service.database import Unit
from conductor_service.door import Why
from conductor_service.equipment import Equipment, equip
from conductor_service.errors import Busy
from conductor_service.garbage import Rules
from conductor_service.manifests import NamedManifest
from conductor_service.models import Discarded, Job, Pack, Project, StoredManifest
from conductor_service.pack_filing import PackFiling
from conductor_service.pack_index import take_pack
from conductor_service.scrubbing import Place, Scrub
from conductor_service.tokens import Principal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

#: small enough that packs wear, and different in length
BODIES = [f"body {i}".encode() * (3 + 40 * (i % 4)) for i in range(10)]
DAY = 86400
OLD = Rules(timedelta(days=30))
EXAMPLES = int(os.environ.get("CONDUCTOR_TEST_LIVES") or (20 if os.environ.get("CI") == "true" else 12))
SOME = st.lists(st.sampled_from(range(len(BODIES))), min_size=1, max_size=5, unique=True)


class Crashed(BaseException):
    """The process died here."""


class Fuse:
    """Let a process die at its n-th step; a step is a transaction, or a change of the store."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Crashed


class BurningStore:
    """A store that may die before or after each change."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, digest: Digest, chunks: Any, size: int) -> bool:
        self._fuse.burn()
        new = bool(self._inner.write(digest, chunks, size))
        self._fuse.burn()
        return new

    def write_whole(self, data: bytes | bytearray) -> Digest:
        self._fuse.burn()
        digest = Digest(self._inner.write_whole(data))
        self._fuse.burn()
        return digest

    def delete(self, digest: Digest) -> None:
        self._fuse.burn()
        self._inner.delete(digest)
        self._fuse.burn()

    def set_aside(self, digest: Digest) -> None:
        self._fuse.burn()
        self._inner.set_aside(digest)
        self._fuse.burn()


class BurningDatabase:
    """A database whose user may die before a transaction, in it (nothing of it stays), or after it."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextlib.contextmanager
    def write(self) -> Iterator[Unit]:
        self._fuse.burn()
        with self._inner.write() as unit:
            yield unit
            self._fuse.burn()
        self._fuse.burn()


class Life(RuleBasedStateMachine):
    """Uploads, questions, jobs and clean-ups in any order."""

    new_studio: Callable[[], Any]

    @initialize()
    def start(self) -> None:
        """Start a service with a store in memory."""
        self.maker = type(self).new_studio()
        self.studio: Any = self.maker()
        self.fuse = Fuse()
        self.database: Any = BurningDatabase(self.studio.farm.database, self.fuse)
        self.shelf: Any = BurningStore(self.studio.farm.shelf, self.fuse)
        with self.studio.farm.database.read() as session:
            project = session.scalars(select(Project)).one()
        self.project, self.who = project.id, Principal("user", "", project.account_id, self.studio.clock(), name="Ada")
        #: by the model: until when each body was promised, the bodies of each job, and when it ended
        self.promised: dict[int, datetime] = {}
        self.jobs: dict[str, tuple[set[int], datetime | None]] = {}
        self.gone: set[str] = set()
        #: bodies whose bytes were damaged, and that were not sent again since
        self.damaged: set[int] = set()

    def teardown(self) -> None:
        """Let all go, and see that it does."""
        if not hasattr(self, "studio"):
            return
        for job in self.jobs:
            self._end(job)
        for _ in range(4):
            self.studio.clock.pass_time(40 * DAY)
            self.fuse.left = None
            self._collect(OLD)
            objects.sweep(self.studio.farm.database, self.studio.farm.shelf)
        assert list(self.studio.store.digests()) == []
        with self.studio.farm.database.read() as session:
            assert session.scalars(select(Pack.id)).all() == []
            assert session.scalars(select(Discarded.digest)).all() == []
        self.maker.close()

    @rule(bodies=SOME, step=st.none() | st.integers(0, 4))
    def send_pack(self, bodies: list[int], step: int | None) -> None:
        """Send a pack, and be cut off perhaps."""
        members = [Member(digest_of(BODIES[b]), len(BODIES[b]), lambda b=b: [BODIES[b]]) for b in bodies]  # type: ignore[misc]
        with self._dying(step) as done:
            take_pack(PackFiling(self.database), self.shelf, self.project, b"".join(write_pack(members)))
        if done:
            self._promise(bodies)

    @rule(body=st.sampled_from(range(len(BODIES))), step=st.none() | st.integers(0, 4))
    def send_one(self, body: int, step: int | None) -> None:
        """Send an object by itself, and be cut off perhaps."""
        digest = digest_of(BODIES[body])
        with self._dying(step) as done:
            self.shelf.write(digest, [BODIES[body]], len(BODIES[body]))
            with self.database.write() as unit:
                objects.grant(unit, self.project, digest, len(BODIES[body]))
                objects.keep(unit, self.project, [digest])
            objects.confirm(self.database, self.shelf, digest, len(BODIES[body]))
        if done:
            self._promise([body])

    @rule(bodies=SOME)
    def ask(self, bodies: list[int]) -> None:
        """What is called present is promised."""
        digests = {digest_of(BODIES[b]): b for b in bodies}
        missing = objects.ask(self.database, self.shelf, self.project, list(digests))
        self._promise([b for d, b in digests.items() if d not in missing])

    @rule(bodies=SOME)
    def submit(self, bodies: list[int]) -> None:
        """Make a job, if all is there."""
        entries = [Entry(f"/{b}", digest=digest_of(BODIES[b]), size=len(BODIES[b]), mode=420, mtime_ns=1) for b in bodies]
        manifest = make_manifest(Flavour.POSIX, entries)
        data = manifest.to_bytes()
        if objects.ask(self.database, self.shelf, self.project, [e.digest for e in entries]):
            return
        self.shelf.write(digest_of(data), [data], len(data))
        with self.database.write() as unit:
            submission = replace(self.studio.commands("1"), title=str(bodies))
            equipment: Equipment = equip(submission, self.studio.farm.catalogue)
            project = unit.session.get_one(Project, self.project)
            job, _ = jobs.create_job(unit, self.who, project, submission, equipment)
            jobs.commit_manifest(unit, job, NamedManifest.of(manifest, data), why=Why("test"))
        self.jobs[job.id] = (set(bodies), None)
        self.gone.discard(manifest.digest())
        self._promise(bodies)

    @precondition(lambda self: self.jobs)
    @rule(choice=st.integers(0, 100))
    def end(self, choice: int) -> None:
        """End a job."""
        self._end(sorted(self.jobs)[choice % len(self.jobs)])

    @rule(seconds=st.sampled_from([600, 3700, 2 * 3700, 10 * DAY, 31 * DAY]))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.studio.clock.pass_time(seconds)

    @rule(old=st.booleans(), step=st.none() | st.integers(0, 25))
    def collect(self, old: bool, step: int | None) -> None:
        """Clean up, and be cut off perhaps."""
        with self._dying(step):
            self._collect(OLD if old else Rules())

    @rule(bodies=SOME, step=st.integers(0, 12), packed=st.booleans())
    def something_comes_in_between(self, bodies: list[int], step: int, packed: bool) -> None:
        """Clean up to a step, let a pack or an object be sent by another process, and go on: as if both ran at once."""
        with self._in_between(step, bodies, packed=packed):
            self._collect(OLD)

    @rule(body=st.sampled_from(range(len(BODIES))), step=st.integers(2, 4), packed=st.booleans())
    def something_comes_again_while_it_goes(self, body: int, step: int, packed: bool) -> None:
        """Whoever sends an object again while it is deleted is told to wait, or keeps what he sent."""
        if packed:
            self.send_pack([body], None)
        else:
            self.send_one(body, None)
        self.studio.clock.pass_time(8 * DAY)
        garbage.forget_objects(self.database)
        compaction.drop_empty(self.database)
        self.studio.clock.pass_time(3700)
        with self._in_between(step, [body], packed=packed):
            garbage.delete_discarded(self.database, self.shelf)

    @rule(body=st.sampled_from(range(len(BODIES))), step=st.none() | st.integers(0, 8))
    def damage(self, body: int, step: int | None) -> None:
        """Let a disk change bytes, read all, and be cut off perhaps; then read all again."""
        self._damage(body)
        with self._dying(step):
            self._scrub()
        self._scrub()

    @rule(bodies=SOME, step=st.integers(0, 8), packed=st.booleans())
    def something_comes_while_damage_is_found(self, bodies: list[int], step: int, packed: bool) -> None:
        """Whoever sends an object again while it is set aside is told to wait, or keeps what he sent."""
        self._damage(bodies[0])
        with self._in_between(step, bodies, packed=packed):
            self._scrub()
        self._scrub()

    @rule(body=st.sampled_from(range(len(BODIES))))
    def away_and_back(self, body: int) -> None:
        """What is lost while a disk is away is there again when it is back, and read."""
        kept = dict(self.studio.store._objects)
        with self.studio.farm.database.read() as session:
            there = objects.present(session, self.project, [digest_of(b) for b in BODIES])
        self.studio.store._objects.clear()
        objects.ask(self.database, self.shelf, self.project, [digest_of(BODIES[body])])
        self.studio.store._objects.update(kept)
        self._scrub()
        with self.studio.farm.database.read() as session:
            assert there <= objects.present(session, self.project, [digest_of(b) for b in BODIES])

    def _damage(self, body: int) -> None:
        """Change the bytes of an object, where it lies."""
        digest = digest_of(BODIES[body])
        spot = self.studio.farm.store.unchecked._index.spot(digest)
        held = self.studio.store._objects
        if spot is None and digest in held:
            held[digest] = BODIES[body][:-1] + b"!"
        elif spot is not None and spot.pack in held:
            pack, at = bytearray(held[spot.pack]), spot.offset
            pack[at] ^= 1
            held[spot.pack] = bytes(pack)
        self.damaged.add(body)

    def _scrub(self) -> None:
        for _ in Scrub(self.database, self.shelf, lambda _: None).steps(Place()):
            pass

    @contextlib.contextmanager
    def _in_between(self, step: int, bodies: list[int], *, packed: bool) -> Iterator[None]:
        """Let bodies be sent at a step of what is in the block."""
        before = self.fuse.burn
        left = step

        def burn() -> None:
            nonlocal left
            left -= 1
            if left == -1 and not self.studio.farm.database.writes_here():
                self.fuse.burn = before  # type: ignore[method-assign]
                self.studio.clock.pass_time(1)
                if packed:
                    self.send_pack(bodies, None)
                else:
                    self.send_one(bodies[0], None)

        self.fuse.burn = burn  # type: ignore[method-assign]
        try:
            yield
        finally:
            self.fuse.burn = before  # type: ignore[method-assign]

    @invariant()
    def what_is_needed_is_there(self) -> None:
        """Every promised object and every file of a job that counts can be read, whole."""
        if not hasattr(self, "studio"):
            return
        now = self.studio.clock()
        needed = {b for b, until in self.promised.items() if until >= now}
        for bodies, ended in self.jobs.values():
            if ended is None or ended > now - timedelta(days=30):
                needed |= bodies
        for body in needed - self.damaged:
            assert b"".join(self.studio.farm.store.read(digest_of(BODIES[body]))) == BODIES[body]

    @invariant()
    def what_is_called_present_can_be_read(self) -> None:
        """The database's word is true."""
        if not hasattr(self, "studio"):
            return
        digests = {digest_of(b): b for b in BODIES}
        with self.studio.farm.database.read() as session:
            there = objects.present(session, self.project, list(digests))
            manifests = session.scalars(select(StoredManifest.digest).where(StoredManifest.removed.is_(None))).all()
        for digest in there:
            assert b"".join(self.studio.farm.store.read(Digest(digest))) == digests[Digest(digest)]
        for manifest in manifests:
            assert digest_of(b"".join(self.studio.farm.store.read(Digest(manifest)))) == manifest

    def _promise(self, bodies: Sequence[int]) -> None:
        self.damaged -= set(bodies)
        self.promised.update(dict.fromkeys(bodies, self.studio.clock() + objects.LEASE / 2))

    def _end(self, job: str) -> None:
        bodies, ended = self.jobs[job]
        if ended is None:
            with self.studio.farm.database.write() as unit:
                unit.session.get_one(Job, job).finished = unit.now
            self.jobs[job] = (bodies, self.studio.clock())

    def _collect(self, rules: Rules) -> None:
        garbage.forget_manifests(self.database, rules)
        garbage.forget_objects(self.database)
        compaction.drop_empty(self.database)
        compaction.compact(self.database, self.shelf)
        garbage.delete_discarded(self.database, self.shelf)

    @contextlib.contextmanager
    def _dying(self, step: int | None) -> Iterator[list[bool]]:
        """Die at a step of what is in the block, or be told to come again; give what is true once it was done."""
        done: list[bool] = []
        self.fuse.left = step
        try:
            yield done
        except (Crashed, Busy):
            return
        finally:
            self.fuse.left = None
        done.append(True)


def test_nothing_needed_is_lost_and_all_else_goes(fresh_studios: Any) -> None:
    """Whatever is sent, asked, submitted, ended, and cut off in whichever order."""

    class Lives(Life):
        new_studio = staticmethod(fresh_studios)

    calm = settings(
        max_examples=EXAMPLES,
        stateful_step_count=25,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Lives, settings=calm)
