"""The rows of instances: how one begins, how one ends, and until when it is known to have been there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from conductor_service import leases
from conductor_service.catalogue import Catalogue
from conductor_service.database import Unit
from conductor_service.models import Attempt, Instance, OutputFile, new_id
from conductor_service.planning import Kind
from conductor_service.states import AttemptState
from conductor_service.tokens import revoke_instance


def new_instance(unit: Unit, kind: Kind, catalogue: Catalogue) -> Instance:
    """Write down an instance that is about to be launched, at the price of now."""
    instance = Instance(
        id=new_id(),
        account_id=kind.account,
        type=kind.type,
        preemptible=kind.preemptible,
        price_per_hour=catalogue.instance_types[kind.type].price(preemptible=kind.preemptible),
        state="launching",
        launched=unit.now,
        host={},
    )
    unit.session.add(instance)
    unit.session.flush()
    unit.instance_changed(instance)
    return instance


def signs_of_life(session: Session, instance_id: str) -> list[datetime]:
    """Return when an instance last took a task, ended one, and published a file: it was there then, whoever heard of it since.

    What it does is written at once, and when it was heard of only every minute.
    """
    here = Attempt.instance_id == instance_id
    said = Attempt.state.in_([AttemptState.SUCCESS, AttemptState.FAILED])
    same = (OutputFile.task_id == Attempt.task_id) & (OutputFile.attempt_id == Attempt.id)
    signs = (
        select(func.max(Attempt.started)).where(here),
        select(func.max(Attempt.ended)).where(here, said),
        select(func.max(OutputFile.created)).join(Attempt, same).where(here, Attempt.released.is_(None)),
    )
    return [at for at in map(session.scalar, signs) if at is not None]


def end_instance(unit: Unit, instance: Instance, reason: str, at: datetime | None = None) -> None:
    """Write down that an instance is gone, `at` a time before now perhaps, and give up what ran there.

    Nothing happens if it has ended.
    """
    if instance.ended is not None:
        return
    instance.state = "ended"
    instance.ended = unit.now if at is None else min(at, unit.now)
    instance.end_reason = reason
    instance.idle_since = None
    revoke_instance(unit, instance.id)
    leases.lose_all(unit, instance.id, reason, instance.ended)
    instance.idle_since = None
    unit.instance_changed(instance)
