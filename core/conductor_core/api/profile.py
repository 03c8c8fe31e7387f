"""Which services this user is logged in to: addresses and tokens, in a file for this user alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conductor_core.api.client import ServiceClient
from conductor_core.api.transport import Address, RetryPolicy, Timing, check_address
from conductor_core.errors import SettingsError, Unauthorized
from conductor_core.user_folders import write_private

FILE = "credentials.json"


@dataclass(frozen=True, slots=True)
class Login:
    """One service and this user's token for it."""

    address: Address
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """All logins of a user; the first is the one that is meant where none is named."""

    logins: tuple[Login, ...] = ()

    def login(self, service: str = "") -> Login:
        """Return the login for `service`, or the default one.

        Raises:
            Unauthorized: this user is not logged in there.
        """
        wanted = service.rstrip("/")
        for login in self.logins:
            if not wanted or login.address.service == wanted:
                return login
        where = wanted or "any service"
        raise Unauthorized(f"You are not logged in to {where}.", f"Run: conductor login {wanted or 'https://…'}", status=401)

    def with_login(self, login: Login) -> Profile:
        """Return a profile in which `login` is the default."""
        address = replace(login.address, service=check_address(login.address))
        rest = tuple(k for k in self.logins if k.address.service != address.service)
        return Profile((replace(login, address=address), *rest))

    def without(self, service: str) -> Profile:
        """Return a profile that has forgotten `service`."""
        return Profile(tuple(k for k in self.logins if k.address.service != service.rstrip("/")))


def read_profile(config: Path) -> Profile:
    """Read the profile of the settings folder `config`; nobody logged in gives an empty one.

    Raises:
        SettingsError: the file is damaged.
    """
    path = config / FILE
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Profile()
    except ValueError as exc:
        raise SettingsError(str(path), "the file", f"is not JSON ({exc}); delete it and log in again") from None
    try:
        return Profile(tuple(_login(entry) for entry in data["logins"]))
    except (KeyError, TypeError, AttributeError):
        raise SettingsError(str(path), "logins", "is not as `conductor login` writes it; delete it and log in again") from None


def write_profile(config: Path, profile: Profile) -> None:
    """Write the profile in one step, readable by this user alone (0600)."""
    logins = [
        {
            "service": k.address.service,
            "token": k.token,
            "allow_plain_http": k.address.allow_plain_http,
            "ca": k.address.ca,
        }
        for k in profile.logins
    ]
    write_private(config / FILE, json.dumps({"logins": logins}, indent=1).encode())


def connect(login: Login, *, retries: RetryPolicy = RetryPolicy(), timing: Timing = Timing()) -> ServiceClient:
    """Return a client for `login`; nothing is sent yet."""
    return ServiceClient(login.address, login.token, retries=retries, timing=timing)


def _login(entry: Any) -> Login:
    address = Address(str(entry["service"]), bool(entry.get("allow_plain_http", False)), str(entry.get("ca", "")))
    return Login(address, str(entry["token"]))
