"""The service's settings: a YAML file with a schema; whatever it does not say has a default fit for one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from conductor_core.documents import from_json
from conductor_core.errors import InvalidDocument, SettingsError

from conductor_service.catalogue import InstanceType, Package
from conductor_service.email_settings import EmailSettings
from conductor_service.licence_settings import LicenceSettings
from conductor_service.store_settings import StoreSettings
from conductor_service.yaml_files import misfit, read_yaml, with_text_numbers


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Where instances come from."""

    kind: Literal["local"] = "local"
    #: instances of this fleet at once, over all accounts
    max_instances: int = 2
    #: an instance that has not said hello after this long is given up; seconds
    launch_seconds: int = 120
    #: a runner that the service has not answered for this long ends itself; seconds
    patience_seconds: int = 300

    def __post_init__(self) -> None:
        """Refuse limits that nothing could run under."""
        _positive(self, "max_instances", "launch_seconds", "patience_seconds")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; times in seconds, sizes in bytes."""

    #: folder of everything that the service keeps
    data: str = "conductor-data"
    host: str = "127.0.0.1"
    #: 0: any free port (service.json in the data folder tells which)
    port: int = 8088
    tls_certificate: str = ""
    tls_key: str = ""
    #: certificate of the authority that signed it, for runners to trust; empty: the certificate signs itself
    tls_ca: str = ""
    #: address that clients and runners use, where it differs from host and port
    public_url: str = ""
    #: catalogue files, added to the one that comes along; a later entry replaces an earlier one of the same name
    catalogue: tuple[str, ...] = ()
    #: laid over the catalogue files, for those who want one file only
    instance_types: tuple[InstanceType, ...] = ()
    software: tuple[Package, ...] = ()
    #: also offer the Blenders that are on this machine
    find_software: bool = True
    #: instances that an account may have at once
    account_instance_limit: int = 100
    #: an attempt whose runner is silent for this long is lost
    lease_seconds: int = 60
    heartbeat_seconds: int = 5
    #: an instance without work is shut down after this long
    idle_seconds: int = 60
    max_object_bytes: int = 1 << 40
    #: of one attempt
    max_log_bytes: int = 64 << 20
    #: events older than this are deleted
    event_days: int = 7
    store: StoreSettings = field(default_factory=StoreSettings)
    fleet: FleetSettings = field(default_factory=FleetSettings)
    email: EmailSettings = field(default_factory=EmailSettings)
    licence: LicenceSettings = field(default_factory=LicenceSettings)

    def __post_init__(self) -> None:
        """Refuse values that contradict each other."""
        _positive(self, "account_instance_limit", "lease_seconds", "heartbeat_seconds", "max_object_bytes", "max_log_bytes")
        _positive(self, "event_days")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is not between 0 and 65535")
        if self.idle_seconds < 0:
            raise ValueError("idle_seconds is negative")
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ValueError("lease_seconds must be at least twice heartbeat_seconds, or one lost beat ends a lease")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key go together: one of them is missing")

    @property
    def data_folder(self) -> Path:
        """The data folder as a path."""
        return Path(self.data).expanduser().absolute()


def _positive(value: object, *names: str) -> None:
    for name in names:
        if getattr(value, name) <= 0:
            raise ValueError(f"{name} must be more than 0")


def load_settings(path: Path | None, *, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a file (None: defaults), with `overrides` (of the command line) over them.

    Paths in the file are relative to its own folder.

    Raises:
        SettingsError: a field is unknown, of the wrong type, or contradicts another.
    """
    name = str(path) if path else "the command line"
    data = with_text_numbers(read_yaml(path)) if path else {}
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    try:
        settings = from_json(Settings, data, document=name)
        settings = _relative_to(settings, path.absolute().parent) if path else settings
        return replace(settings, **given)
    except InvalidDocument as exc:
        raise misfit(name, exc) from exc
    except ValueError as exc:
        raise SettingsError(name, "(whole)", str(exc)) from exc


def _relative_to(settings: Settings, folder: Path) -> Settings:
    def absolute(text: str) -> str:
        return str(folder / Path(text).expanduser()) if text else ""

    return replace(
        settings,
        data=absolute(settings.data),
        tls_certificate=absolute(settings.tls_certificate),
        tls_key=absolute(settings.tls_key),
        tls_ca=absolute(settings.tls_ca),
        catalogue=tuple(absolute(c) for c in settings.catalogue),
        store=replace(
            settings.store,
            credentials_file=absolute(settings.store.credentials_file),
            ca_file=absolute(settings.store.ca_file),
        ),
        email=replace(
            settings.email,
            ca_file=absolute(settings.email.ca_file),
            password_file=absolute(settings.email.password_file),
        ),
    )
