"""The first start: an account with its owner and a project, and the owner's token in a private file."""

from __future__ import annotations

from pathlib import Path

from conductor_core.user_folders import write_private
from sqlalchemy import select

from conductor_service.database import Database
from conductor_service.models import Account, Membership, Project, User, new_id
from conductor_service.tokens import issue

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
        secret = issue(unit, "user", account_id=account.id, user_id=owner.id)
        unit.session.flush()
        write_private(token_file(data), f"{secret}\n".encode())
    return True
