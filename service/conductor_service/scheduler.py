"""The loop that keeps the fleet and the leases right: look, plan (`planning.py`), do.

Tasks are not handed out here but when a runner asks (`hand_out.py`); this loop only sees to it that there are runners.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from conductor_service import claims, clock_steps, events, garbage, leases, licences, notices, objects, versions
from conductor_service.database import Unit
from conductor_service.demands import demands
from conductor_service.endings import AT_ONCE, AtOnce, Endings
from conductor_service.farm import Farm
from conductor_service.fleets import Fleet, LaunchFailed, LaunchOrder
from conductor_service.housework import Housework
from conductor_service.instances import end_instance, new_instance, signs_of_life
from conductor_service.models import Account, Attempt, Instance
from conductor_service.moments import Moments
from conductor_service.planning import NOTICED_LATE, FleetPlan, Kind, Live, Rules, plan_fleet
from conductor_service.tokens import issue, revoke_instance

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
#: work often comes in bursts: look once for all of it
PAUSE_SECONDS = 0.05
HOUSEKEEPING = timedelta(minutes=5)
#: a task's progress is of no use to a reader who comes back later than this: the next one, or the end, tells more
PROGRESS_KEPT = timedelta(minutes=5)
#: how often it is written down when instances were last heard of
HEARD = timedelta(minutes=1)
#: a process that ended is not a stranger as long as its goodbye is younger than this
FAREWELL = timedelta(seconds=15)
_LONGEST_PAUSE_SECONDS = 30
#: what an instance may take to end, and a little more; the fleet itself kills after its patience
_LONGEST_ENDING_SECONDS = 120


class Scheduler:
    """Keep one farm's fleet."""

    def __init__(self, farm: Farm, fleet: Fleet, *, service_url: str, endings: Endings | None = None) -> None:
        self._farm = farm
        self._fleet = fleet
        self._endings = endings or AtOnce()
        self._service_url = service_url
        self._stopping = threading.Event()
        self._moments = Moments()
        self._housework = Housework(farm.monotonic, self._stopping.is_set)
        #: waits for a licence that were over at the last look
        self._due: frozenset[tuple[str, datetime]] = frozenset()

    def run(self) -> None:
        """Tick until `stop`: every second, and at once when work comes up."""
        while not self._stopping.is_set():
            try:
                self.tick()
            except Exception:  # the loop must outlive a full disk or a provider's outage; the next tick tries again
                log.exception("The scheduler failed; it tries again in a second.")
            self._stopping.wait(PAUSE_SECONDS)
            self._farm.signals.schedule.wait(TICK_SECONDS)
            self._farm.signals.schedule.clear()
        self._note_heard()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping.set()
        self._farm.signals.schedule.set()

    def tick(self) -> None:
        """Look, plan and do once."""
        self._follow_the_clock()
        now = self._farm.clock()
        self._allow_for_gaps(now)
        self._forget_the_ended()
        there = {i.instance_id for i in self._fleet.instances()}
        with self._farm.database.read() as session:
            plan = self._plan(session, there, now)
            due = licences.due(session, now)
            late = session.scalars(select(Attempt.id).where(Attempt.released.is_(None), Attempt.expires <= now).limit(1)).first()
        if late is not None:
            with self._farm.database.write() as unit:
                leases.expire(unit, now, self._farm.lease)
        if due - self._due:
            self._farm.signals.work.send()
        self._due = due
        if plan:
            self.execute(plan)
        if self._moments.note is None or now - self._moments.note >= HEARD:
            self._moments.note = now
            self._note_heard()
        self._keep_house(now)
        self._housework.go_on()

    def execute(self, plan: FleetPlan) -> None:
        """Do what a plan says."""
        for stranger in plan.strangers:
            if not self._endings.under_way(stranger):
                log.warning("Instance %s is none of ours, or has ended: terminating it.", stranger)
                self._endings.begin(stranger, partial(self._fleet.terminate, stranger))
        for instance_id, reason in plan.end:
            self._endings.begin(instance_id, partial(self.end, instance_id, reason))
        self._forget_the_ended()
        if plan.retire:
            with self._farm.database.write() as unit:
                self._retire(unit, plan.retire)
        again = [i for i in plan.again if not self._endings.under_way(i)]
        orders = [order for instance_id in again if (order := self._order_again(instance_id))]
        if plan.launch:
            with self._farm.database.write() as unit:
                orders += [self._insert(unit, kind) for kind in plan.launch]
        for order in orders:
            self._launch(order)

    def end(self, instance_id: str, reason: str) -> None:
        """Terminate an instance, then give up what ran there: nothing is leased again before the old run is dead."""
        self._fleet.terminate(instance_id)
        with self._farm.database.write() as unit:
            instance = unit.session.get_one(Instance, instance_id)
            at = unit.now
            if reason in NOTICED_LATE:
                at = max([self._last_heard(instance), *signs_of_life(unit.session, instance_id)])
            end_instance(unit, instance, reason, at)
        self._farm.gatekeeper.forget()  # its token is worth nothing from now on, not only once the ending is noticed

    def end_all(self) -> None:
        """End every instance, for a service that is to leave nothing behind."""
        with self._farm.database.read() as session:
            ids = session.scalars(select(Instance.id).where(Instance.ended.is_(None))).all()
        for start in range(0, len(ids), AT_ONCE):
            for instance_id in ids[start : start + AT_ONCE]:
                self._endings.begin(instance_id, partial(self.end, instance_id, "the service was stopped"))
            self._endings.wait(_LONGEST_ENDING_SECONDS)
        for left in self._fleet.instances():
            self._fleet.terminate(left.instance_id)

    def _follow_the_clock(self) -> None:
        """Move all times along when somebody has set the system's clock: no lease runs out by it, nobody is billed for it."""
        step = self._farm.clock.drift()
        if abs(step) < clock_steps.STEP:
            return
        log.warning("The system's clock was set by %+.0f s; all that is under way moves along.", step.total_seconds())
        self._note_heard()
        clock_steps.follow(self._farm.database, self._farm.clock, step)
        self._farm.seen.clear()  # requests write here all the time: nobody could tell which of these times have moved
        self._farm.gatekeeper.forget()
        self._moments.move(step)
        self._moments.patience = self._farm.clock()
        self._moments.sweep = self._farm.clock() + objects.PRESENCE
        self._housework.forget()

    def _allow_for_gaps(self, now: datetime) -> None:
        """Lengthen the leases when nobody could beat: at the start, and after this machine slept."""
        last, self._moments.tick = self._moments.tick, now
        if last is not None and now - last < max(self._farm.lease / 2, timedelta(seconds=10)):
            return
        self._moments.patience = now
        with self._farm.database.write() as unit:
            leases.grace(unit, self._farm.lease)

    def _last_heard(self, instance: Instance) -> datetime:
        known = (self._farm.seen.get(instance.id), instance.heard, instance.ready)
        return max((at for at in known if at is not None), default=instance.launched)

    def _note_heard(self) -> None:
        """Write down when instances were last heard of: bills end there when they are found gone after a power cut."""
        seen = dict(self._farm.seen)
        if not seen:
            return
        with self._farm.database.write() as unit:
            there = unit.session.scalars(select(Instance).where(Instance.ended.is_(None))).all()
            for instance in there:
                instance.heard = seen.get(instance.id, instance.heard)
        for gone in seen.keys() - {i.id for i in there}:
            self._farm.seen.pop(gone, None)
            self._moments.launches.pop(gone, None)

    def _plan(self, session: Session, there: set[str], now: datetime) -> FleetPlan:
        instances = session.scalars(select(Instance).where(Instance.ended.is_(None))).all()
        busy = set(session.scalars(select(Attempt.instance_id).where(Attempt.released.is_(None))))
        live = [self._live(i, i.id in there, i.id in busy, now) for i in instances]
        wanted = [d for d in demands(session, now) if d.kind.type in self._farm.catalogue.instance_types]
        gone = there - {i.id for i in instances}
        return plan_fleet(live, wanted, self._rules(session), strangers=self._strangers(session, gone, now), now=now)

    def _live(self, row: Instance, exists: bool, busy: bool, now: datetime) -> Live:
        return Live(
            id=row.id,
            kind=Kind(row.account_id, row.type, row.preemptible),
            state=row.state,
            launched=row.launched,
            seen=max(self._last_heard(row), self._moments.patience or now),
            idle_since=None if busy else row.idle_since,
            retired=row.retired,
            exists=exists,
        )

    def _strangers(self, session: Session, gone: set[str], now: datetime) -> list[str]:
        if not gone:
            return []
        leaving = select(Instance.id).where(Instance.id.in_(gone), Instance.ended.between(now - FAREWELL, now))
        return sorted(gone - set(session.scalars(leaving)))

    def _rules(self, session: Session) -> Rules:
        settings = self._farm.settings
        return Rules(
            account_limits=dict(session.execute(select(Account.id, Account.instance_limit)).all()),
            fleet_limit=settings.fleet.max_instances,
            idle=timedelta(seconds=settings.idle_seconds),
            silence=max(3 * self._farm.lease, timedelta(seconds=30)),
            launch=timedelta(seconds=settings.fleet.launch_seconds),
        )

    def _retire(self, unit: Unit, ids: Sequence[str]) -> None:
        """Ask idle instances to shut down; one that was given work meanwhile stays."""
        rows = unit.session.scalars(
            select(Instance).where(
                Instance.id.in_(ids),
                Instance.ended.is_(None),
                ~exists().where(Attempt.instance_id == Instance.id, Attempt.released.is_(None)),
            )
        )
        for instance in rows:
            instance.retired = unit.now
            unit.instance_changed(instance)
            unit.work = True

    def _insert(self, unit: Unit, kind: Kind) -> LaunchOrder:
        instance = new_instance(unit, kind, self._farm.catalogue)
        token = issue(unit, "instance", account_id=kind.account, instance_id=instance.id)
        return LaunchOrder(instance.id, kind.type, kind.preemptible, self._service_url, token)

    def _order_again(self, instance_id: str) -> LaunchOrder | None:
        """Return the order for an instance that is not there, with a new token; None while it is too soon."""
        tries, not_before = self._moments.launches.get(instance_id, (0, self._farm.clock()))
        if self._farm.clock() < not_before:
            return None
        self._moments.launches[instance_id] = (tries, not_before)
        with self._farm.database.write() as unit:
            instance = unit.session.get_one(Instance, instance_id)
            revoke_instance(unit, instance_id)
            token = issue(unit, "instance", account_id=instance.account_id, instance_id=instance_id)
        self._farm.gatekeeper.forget()
        return LaunchOrder(instance_id, instance.type, instance.preemptible, self._service_url, token)

    def _launch(self, order: LaunchOrder) -> None:
        tries = self._moments.launches.get(order.instance_id, (0, None))[0] + 1
        pause = min(2**tries, _LONGEST_PAUSE_SECONDS)
        self._moments.launches[order.instance_id] = (tries, self._farm.clock() + timedelta(seconds=pause))
        try:
            self._fleet.launch(order)
        except LaunchFailed as exc:
            log.warning("%s", exc)

    def _forget_the_ended(self) -> None:
        for instance_id in self._endings.over():
            self._moments.launches.pop(instance_id, None)
            self._farm.seen.pop(instance_id, None)

    def _keep_house(self, now: datetime) -> None:
        last, sweep = self._moments.housekeeping, self._moments.sweep
        if last is not None and now - last < HOUSEKEEPING:
            return
        self._moments.housekeeping = now
        with self._farm.database.write() as unit:
            events.prune(unit, now - timedelta(days=self._farm.settings.event_days))
            events.prune_progress(unit, now - PROGRESS_KEPT)
            objects.forget_leases(unit, now)
            claims.forget_claims(unit)
            notices.prune(unit, now - notices.KEPT)
            licences.prune(unit)
        if sweep is None or now >= sweep:
            with self._farm.database.write() as unit:
                versions.forget(unit, now - versions.UNSENT_KEPT)
            self._housework.begin(*self._cleaning())

    def _cleaning(self) -> Iterator[tuple[str, Iterator[object]]]:
        """Yield what is to be done in the store: it may hold a hundred thousand objects to delete, and be slow."""
        database, shelf = self._farm.database, self._farm.shelf
        yield "Deleting what nothing needs", garbage.deleting_discarded(database, shelf)
        if self._farm.settings.store.kind == "folder":  # a bucket is slow to list
            yield "Deleting what nothing knows", objects.sweeping(database, shelf)
        yield "Deleting what was never sent to its end", (sweep() for sweep in [self._farm.uploads.sweep])
