"""The first start: an account with its owner and a project; the owner's token in a private file, and a new one for it."""

from __future__ import annotations

from pathlib import Path

from conductor_core.user_folders import write_private
from sqlalchemy import select

from conductor_service.database import Database, Unit
from conductor_service.models import Account, Membership, Project, User, new_id
from conductor_service.tokens import issue, revoke_user

FIRST_ACCOUNT = "studio"
FIRST_PROJECT = "default"
OWNER = "owner"


def token_file(data: Path) -> Path:
    """Return where the first start leaves the owner's token."""
    return data / "owner-token"


def ensure_owner(database: Database, data: Path, *, instance_limit: int, owner_name: str) -> bool:
    """Make account, owner and project where there is no account yet; return whether they were made.

    The token is written before the transaction commits: after a crash in between, the next start writes another one,
    whereas an account whose token nobody has could not be entered.
    """
    with database.write() as unit:
        if unit.session.scalars(select(Account.id).limit(1)).first() is not None:
            return False
        account = Account(id=new_id(), name=FIRST_ACCOUNT, instance_limit=instance_limit, created=unit.now)
        owner = User(id=new_id(), name=owner_name, created=unit.now)
        unit.session.add_all([account, owner])
        unit.session.flush()
        unit.session.add(Membership(account_id=account.id, user_id=owner.id, role=OWNER))
        unit.session.add(Project(account_id=account.id, name=FIRST_PROJECT, created=unit.now))
        _issue_token(unit, data, account.id, owner.id)
    return True


def replace_owner_token(database: Database, data: Path) -> None:
    """Revoke all tokens and sessions of the first account's owner, and write a new token over the old one.

    The account must be there. A crash in the middle leaves the old token valid; this can be done again at any time.
    """
    with database.write() as unit:
        query = select(Membership).join(Account, Account.id == Membership.account_id).where(Membership.role == OWNER)
        owner = unit.session.scalars(query.order_by(Account.created, Account.id).limit(1)).one()
        revoke_user(unit, owner.user_id)
        _issue_token(unit, data, owner.account_id, owner.user_id)


def _issue_token(unit: Unit, data: Path, account_id: str, user_id: str) -> None:
    secret = issue(unit, "user", account_id=account_id, user_id=user_id)
    unit.session.flush()
    write_private(token_file(data), f"{secret}\n".encode())
