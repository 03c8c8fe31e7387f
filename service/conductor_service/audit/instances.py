"""Instances: ended ones have ended, cannot speak any more, and have a bill that makes sense."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import or_, select

from conductor_service.audit.kinds import Ground, Seen, kind
from conductor_service.clock import iso
from conductor_service.models import Instance, Token

_ENDED = Instance.state == "ended"


@kind("instance-end", "Please report it: it is billed for as long as no end is known. Set instance.ended by hand until then.")
def instance_end(ground: Ground) -> Iterator[Seen]:
    """An instance has ended without a time of its end, or has one and has not ended."""
    for row in ground.rows(select(Instance.id, Instance.state, Instance.ended).where(Instance.ended.is_(None) == _ENDED)):
        has = "has no time of its end" if row.ended is None else f"ended at {iso(row.ended)}"
        yield Seen(f"instance {row.id}", f"Instance {row.id} is {row.state}, and {has}.")


@kind("instance-times", "Its bill follows from these times: set them right by hand, and please report it.")
def instance_times(ground: Ground) -> Iterator[Seen]:
    """An instance's times run backwards: its bill would be wrong."""
    columns = (Instance.id, Instance.launched, Instance.ready, Instance.ended)
    backwards = or_(Instance.ended < Instance.launched, Instance.ready < Instance.launched, Instance.ended < Instance.ready)
    for row in ground.rows(select(*columns).where(backwards)):
        marks = (("launched", row.launched), ("ready", row.ready), ("ended", row.ended))
        times = ", ".join(f"{name} {iso(at)}" for name, at in marks if at is not None)
        yield Seen(f"instance {row.id}", f"The times of instance {row.id} run backwards: {times}.")


@kind("token-alive", "Restart the service with this instance's fleet stopped, and please report it: the token must be revoked.")
def token_alive(ground: Ground) -> Iterator[Seen]:
    """An ended instance has a token that the service would still believe."""
    query = select(Token.id, Token.instance_id).join(Instance, Instance.id == Token.instance_id)
    for row in ground.rows(query.where(_ENDED, Token.revoked.is_(None), Token.expires > ground.now)):
        yield Seen(f"token {row.id}", f"Instance {row.instance_id} has ended, and its token {row.id} is not revoked.")
