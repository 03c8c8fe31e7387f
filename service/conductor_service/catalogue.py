"""What can be asked for: instance types with their prices, and software packages; YAML files.

A studio's own files are laid over `catalogue.yaml` beside this module: an entry of the same name replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from conductor_core.documents import from_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.errors import InvalidDocument
from conductor_core.submission import Software
from conductor_core.versions import serving_version, version_key

from conductor_service.errors import Invalid
from conductor_service.yaml_files import misfit, read_yaml, with_text_numbers

SHIPPED = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A kind of machine."""

    name: str
    #: decimal string, in `Catalogue.currency`
    price_per_hour: str
    description: str = ""
    cores: int = 0
    memory_gb: float = 0.0
    gpu: str = ""
    #: of the same machine where it may be taken away; empty: the same price
    preemptible_price_per_hour: str = ""

    def __post_init__(self) -> None:
        """Refuse a price that is no price."""
        _check_price("price_per_hour", self.price_per_hour)
        if self.preemptible_price_per_hour:
            _check_price("preemptible_price_per_hour", self.preemptible_price_per_hour)

    def price(self, *, preemptible: bool) -> str:
        """Return what an hour of it costs."""
        return (self.preemptible_price_per_hour if preemptible else "") or self.price_per_hour


def _check_price(name: str, text: str) -> None:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is not a decimal number") from None
    if not price.is_finite() or price < 0:
        raise ValueError(f"{name} {text!r} is not a price")


@dataclass(frozen=True, slots=True)
class Package:
    """Software as an instance starts it."""

    name: str
    version: str
    launch: Literal["bpy-module", "blender-binary", "mayapy", "nuke", "hython", "command"] = "command"
    description: str = ""
    #: interpreter or binary; empty for `command`, where the step names its own
    executable: str = ""
    #: folders that the software needs to see, read-only
    roots: tuple[str, ...] = ()
    environment: tuple[EnvironmentVariable, ...] = ()
    #: name of the package that it is a plug-in of (`maya`); empty: it stands by itself
    plug_in_of: str = ""
    #: words put before the command of a command step: what sets the package up and then runs the rest (`rez-env oiio --`,
    #: `singularity exec comp.sif`); the first is a program on the instance
    start: tuple[str, ...] = ()
    #: its tasks share the machine's network: what needs a licence server has to reach it (docs/security.md says what that gives up)
    network: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    currency: str = ""
    instance_types: tuple[InstanceType, ...] = ()
    software: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All instance types by name, and all packages."""

    instance_types: Mapping[str, InstanceType]
    packages: tuple[Package, ...]
    currency: str = "EUR"

    def instance_type(self, name: str) -> InstanceType:
        """Return the instance type of that name.

        Raises:
            Invalid: there is none; the message names what there is.
        """
        try:
            return self.instance_types[name]
        except KeyError:
            known = ", ".join(sorted(self.instance_types)) or "none"
            raise Invalid("instance_type", f"names {name!r}, which is not in the catalogue", f"There are: {known}.") from None

    def resolve(self, software: Software) -> Package:
        """Return the package for a full or partial version.

        The exact version, else the highest that begins with the components asked for, else the highest patch of the
        same major.minor, else one that says less (`2025` for `2025.3`).

        Raises:
            Invalid: none fits; the message names what there is.
        """
        return _fitting(software, [p for p in self.packages if not p.plug_in_of], "software")

    def resolve_plug_ins(self, plug_ins: Sequence[Software], software: Software) -> tuple[Package, ...]:
        """Return the packages of plug-ins, by the same rules, of those that are made for `software`.

        Raises:
            Invalid: one of them has none that fits, or is asked for twice; the message names what there is.
        """
        made_for_it = [p for p in self.packages if p.plug_in_of == software.name]
        found = [_fitting(asked, made_for_it, f"plug_ins[{n}]", f" for {software.name}") for n, asked in enumerate(plug_ins)]
        names = [p.name for p in found]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise Invalid(f"plug_ins[{number}]", f"asks for {name} again", "Ask for one version of each.")
        return tuple(found)


def _fitting(asked: Software, packages: Sequence[Package], place: str, purpose: str = "") -> Package:
    """Return the package of that name whose version fits best."""
    named = [p for p in packages if p.name == asked.name]
    version = serving_version(asked.version, (p.version for p in named))
    if version is not None:
        return next(p for p in named if p.version == version)
    known = ", ".join(f"{p.name} {p.version}" for p in packages) or "none"
    reason = f"asks for {asked.name} {asked.version}{purpose}, which is not in the catalogue"
    raise Invalid(place, reason, f"There are: {known}.")


def load_catalogue(
    paths: Iterable[Path] = (),
    *,
    instance_types: Iterable[InstanceType] = (),
    software: Iterable[Package] = (),
    found: Iterable[Package] = (),
) -> Catalogue:
    """Return the shipped catalogue over what was `found`, with the files of `paths`, then the single entries, laid over it in order.

    Raises:
        SettingsError: a file cannot be read or a field does not fit.
    """
    types: dict[str, InstanceType] = {}
    packages = {(p.name, p.version): p for p in found}
    currency = "EUR"
    given = _File("", tuple(instance_types), tuple(software))
    for file in (*(_read(path) for path in (SHIPPED, *paths)), given):
        currency = file.currency or currency
        types.update((t.name, t) for t in file.instance_types)
        packages.update(((p.name, p.version), p) for p in file.software)
    ordered = sorted(packages.values(), key=lambda p: (p.name, version_key(p.version)))
    return Catalogue(types, tuple(ordered), currency)


def _read(path: Path) -> _File:
    try:
        return from_json(_File, with_text_numbers(read_yaml(path)), document=str(path))
    except InvalidDocument as exc:
        raise misfit(str(path), exc) from exc
