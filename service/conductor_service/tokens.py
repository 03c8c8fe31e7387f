"""Tokens: 256 random bits that the database knows by their hash only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from conductor_service.database import Unit
from conductor_service.models import Membership, Token, User

TokenKind = Literal["user", "session", "instance"]
PREFIX = "cdr_"
#: how long a token of each kind is good; a runner's for as long as an instance may conceivably live
LIFETIMES: dict[TokenKind, timedelta] = {
    "user": timedelta(days=365),
    "session": timedelta(days=14),
    "instance": timedelta(days=60),
}
#: a token may be believed this long without asking the database; revoking empties the memory of this process at once
BELIEVED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from."""

    kind: TokenKind
    token_id: str
    account_id: str
    expires: datetime
    user_id: str = ""
    #: shown in histories
    name: str = ""
    role: str = ""
    instance_id: str = ""


def new_secret() -> str:
    """Return a fresh token."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return what the database keeps of a token. No salt: 256 random bits cannot be guessed from a table."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(unit: Unit, kind: TokenKind, *, account_id: str, user_id: str = "", instance_id: str = "") -> str:
    """Make a token and return its secret, which is not to be had again."""
    secret = new_secret()
    unit.session.add(
        Token(
            kind=kind,
            hash=hash_of(secret),
            account_id=account_id,
            user_id=user_id or None,
            instance_id=instance_id or None,
            created=unit.now,
            expires=unit.now + LIFETIMES[kind],
        )
    )
    return secret


def principal_of(session: Session, secret: str, now: datetime) -> Principal | None:
    """Return whose token it is; None for an unknown, expired or revoked one."""
    query = (
        select(Token, User.name, Membership.role)
        .outerjoin(User, User.id == Token.user_id)
        .outerjoin(Membership, (Membership.user_id == Token.user_id) & (Membership.account_id == Token.account_id))
        .where(Token.hash == hash_of(secret))
    )
    row = session.execute(query).first()
    if row is None:
        return None
    token, name, role = row
    if token.revoked is not None or token.expires <= now:
        return None
    return Principal(
        kind=cast(TokenKind, token.kind),
        token_id=token.id,
        account_id=token.account_id,
        expires=token.expires,
        user_id=token.user_id or "",
        name=name or "",
        role=role or "",
        instance_id=token.instance_id or "",
    )


class Gatekeeper:
    """Tell whose token it is, remembering good ones for a few seconds: runners and pages ask often."""

    def __init__(self, look_up: Callable[[str], Principal | None], monotonic: Callable[[], float]) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Principal]] = {}

    def remembered(self, secret: str) -> Principal | None:
        """Return the principal if it was looked up a moment ago."""
        until, principal = self._known.get(hash_of(secret), (0.0, None))
        return principal if self._monotonic() < until else None

    def principal(self, secret: str) -> Principal | None:
        """Ask the database whose token it is."""
        principal = self._look_up(secret)
        if principal is not None:
            if len(self._known) > 10_000:
                self.forget()
            self._known[hash_of(secret)] = (self._monotonic() + BELIEVED_SECONDS, principal)
        return principal

    def forget(self) -> None:
        """Believe nothing without asking; called when a token was revoked."""
        self._known = {}


def revoke_instance(unit: Unit, instance_id: str) -> None:
    """End all tokens of an instance."""
    _revoke(unit, Token.instance_id == instance_id)


def revoke_user(unit: Unit, user_id: str) -> None:
    """End all tokens of a person, sessions included: whoever had the token may have signed in with it."""
    _revoke(unit, Token.user_id == user_id)


def revoke(unit: Unit, token_id: str) -> None:
    """End one token."""
    _revoke(unit, Token.id == token_id)


def _revoke(unit: Unit, which: ColumnElement[bool]) -> None:
    unit.session.execute(
        update(Token).where(which, Token.revoked.is_(None)).values(revoked=unit.now),
        execution_options={"synchronize_session": False},
    )
