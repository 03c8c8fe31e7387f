"""Software and plug-ins: the farm has them, and they are not older than the scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conductor_core.errors import ConductorError
from conductor_core.steps import check_version, parse_software
from conductor_core.submission import Software
from conductor_core.versions import serving_version, version_key

from conductor_plugins.form.build import plug_ins_of, read_plug_in
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import setting
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("software-unreadable")
def software_unreadable(situation: Situation) -> Iterator[Problem]:
    """Refuse what is no name with a version."""
    if situation.form.software and _read(situation.form.software) is None:
        yield Problem(
            ERROR,
            f"{situation.form.software!r} is no software: it wants a name and a version.",
            "Write it like blender@4.5.",
            "software",
            Fix("Use the scene's", setting(software="")),
        )


@validator("software-older-than-scene")
def software_older_than_scene(situation: Situation) -> Iterator[Problem]:
    """Refuse software that is older than what saved the scene: it could not open it, or would crash."""
    software = _chosen(situation)
    if software is not None and _too_old(situation, software):
        yield Problem(
            ERROR,
            f"The scene was saved by {_named(situation.scene.software.name, situation.scene.saved_by)}, which "
            f"{_named(software.name, software.version)} is too old to open.",
            "Render with a newer one, or save the scene with the older.",
            "software",
            _other(situation, software.name, newer=True),
        )


@validator("software-not-on-farm")
def software_not_on_farm(situation: Situation) -> Iterator[Problem]:
    """Refuse software that no machine of the farm has."""
    software = _chosen(situation)
    if situation.offer is None or software is None:
        return
    versions = [p.version for p in situation.offer.software if p.name == software.name]
    if serving_version(software.version, versions) is not None:
        return
    has = f"It has {', '.join(sorted(versions, key=version_key))}." if versions else f"It has no {software.name} at all."
    yield Problem(
        ERROR,
        f"The farm does not have {_named(software.name, software.version)}.",
        f"{has} Choose another, or ask your administrator for it.",
        "software",
        _other(situation, software.name, newer=False),
    )


@validator("plug-ins")
def plug_ins(situation: Situation) -> Iterator[Problem]:
    """Refuse plug-ins that the farm does not have, or not in this version: frames without them would be wrong, or none."""
    chosen = plug_ins_of(situation)
    for text in dict.fromkeys(chosen):
        package = read_plug_in(text)
        without = setting(plug_ins=tuple(other for other in chosen if other != text))
        if package is None:
            what = f"{text!r} is no plug-in: it wants a name and a version."
            yield Problem(ERROR, what, "Write it like mtoa@5.4.", "plug_ins", Fix("Render without it", without))
        elif situation.offer is not None:
            versions = [p.version for p in situation.offer.software if p.name == package.name]
            if serving_version(package.version, versions) is None:
                yield _lacking_plug_in(text, package, versions, chosen)


@validator("plug-in-of-other-software")
def plug_in_of_other_software(situation: Situation) -> Iterator[Problem]:
    """Warn of a plug-in that belongs to other software than what renders."""
    software, chosen = _chosen(situation), plug_ins_of(situation)
    owners = {p.name: p.plug_in_of for p in situation.offer.software} if situation.offer else {}
    for text in dict.fromkeys(chosen):
        package = read_plug_in(text)
        owner = owners.get(package.name, "") if package else ""
        if software is not None and owner and owner != software.name:
            yield Problem(
                WARNING,
                f"{text} is a plug-in of {owner.capitalize()}, and the scene is rendered by {software.name.capitalize()}.",
                "Take it off the list.",
                "plug_ins",
                Fix("Take it off", setting(plug_ins=tuple(other for other in chosen if other != text))),
            )


def _lacking_plug_in(text: str, package: Software, versions: Iterable[str], chosen: tuple[str, ...]) -> Problem:
    there_are = sorted(versions, key=version_key)
    best = serving_version(package.version.partition(".")[0], there_are) if there_are else None
    if best is not None:
        instead = tuple(f"{package.name}@{best}" if other == text else other for other in chosen)
        fix = Fix(f"Use {best}", setting(plug_ins=tuple(dict.fromkeys(instead))))
    else:
        fix = Fix("Render without it", setting(plug_ins=tuple(other for other in chosen if other != text)))
    return Problem(
        ERROR,
        f"The farm does not have the plug-in {package.name} {package.version}".rstrip() + ", which the scene uses.",
        (f"It has {', '.join(there_are)}. " if there_are else "") + "Ask your administrator for it, or do without.",
        "plug_ins",
        fix,
    )


def _read(text: str) -> Software | None:
    try:
        return parse_software(text)
    except ConductorError:
        return None


def _chosen(situation: Situation) -> Software | None:
    return _read(situation.form.software) if situation.form.software else situation.scene.software


def _too_old(situation: Situation, software: Software) -> bool:
    try:
        check_version(situation.scene.path, Software(situation.scene.software.name, situation.scene.saved_by), software)
    except ConductorError:
        return True
    return False


def _other(situation: Situation, name: str, *, newer: bool) -> Fix | None:
    """Return the fix that takes the version of the farm that is nearest to the scene's and can open it; None: there is none."""
    versions = [p.version for p in situation.offer.software if p.name == name] if situation.offer else []
    there = situation.offer is None or serving_version(situation.scene.software.version, versions) is not None
    if newer and there and situation.form.software and not _too_old(situation, situation.scene.software):
        return Fix("Use the scene's", setting(software=""))
    fitting = sorted((v for v in versions if not _too_old(situation, Software(name, v))), key=version_key)
    here = version_key(situation.scene.software.version)
    best = next((v for v in fitting if version_key(v) >= here), fitting[-1] if fitting else None)
    return Fix(f"Use {name} {best}", setting(software=f"{name}@{best}")) if best else None


def _named(name: str, version: str) -> str:
    return f"{name.capitalize()} {version}"
