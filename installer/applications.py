"""install.py for artists and TDs: `hosts` lists the applications, `install` leads them to Conductor, `remove` takes it back."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from installer import record as records
from installer.changes import Change, OwnFile, missing_folders, remove_folders, write_aside
from installer.core import Application, Machine
from installer.errors import InstallError
from installer.payload import VERSIONS, Payload, drop_old, put
from installer.pointers import pointer, studio_variables
from installer.record import Entry, Record

LAUNCHERS = "launchers"
#: folders in a location → the names of what we put there
_OURS = {
    VERSIONS: re.compile(r"\.?\d[\w.]*-[0-9a-f]{12}(\.[0-9a-f]{32})?"),
    "env": re.compile(r"pip|[0-9a-f]{12}"),
    "bin": re.compile(r"conductor(\.bat)?"),
    LAUNCHERS: re.compile(r"conductor\.(sh|bat)"),
}
#: what is on its way out
_DOOMED = re.compile(r"\.(qt|site|pip|[0-9a-f]{12}|\.?\d[\w.]*-[0-9a-f]{12}(\.[0-9a-f]{32})?)\.[0-9a-f]{32}")


@dataclass(frozen=True)
class Plan:
    """What an installation will do."""

    location: Path
    #: this user's own folder, where it is noted what was changed: the location may be a share that nobody may write to
    notes: Path
    payload: Payload
    #: folder of the payload, there or not yet
    target: Path
    #: applications with the change that leads each to us; of a studio's shared location: none
    changes: tuple[tuple[Application, Change], ...]
    #: sentences on applications that cannot be led to us
    left_out: tuple[str, ...] = ()
    #: folders that were made on the way to the location
    new_folders: tuple[Path, ...] = ()

    def to_do(self) -> tuple[tuple[Application, Change], ...]:
        """Return the changes that are not made yet; one file for several versions of an application is one change."""
        seen: dict[Path, tuple[Application, Change]] = {}
        for application, change in self.changes:
            if not change.is_made():
                seen.setdefault(change.path, (application, change))
        return tuple(seen.values())


def choose(found: Sequence[Application], wanted: Sequence[str]) -> tuple[Application, ...]:
    """Return the applications that words like `blender` or `maya@2025` name; all of them for no words.

    Raises:
        InstallError: a word names none that was found.
    """
    if not wanted:
        return tuple(found)
    chosen: dict[str, Application] = {}
    for word in wanted:
        name, _, version = word.lower().partition("@")
        named = [a for a in found if a.host == name and (not version or a.version.startswith(version))]
        if not named:
            there = ", ".join(f"{a.host}@{a.version}" for a in found) or "none"
            raise InstallError(f"{word!r} is not an application that was found here; there are: {there}.")
        chosen.update({a.program: a for a in named})
    return tuple(chosen.values())


def plan_install(applications: Iterable[Application], payload: Payload, location: Path, machine: Machine, *, notes: Path) -> Plan:
    """Decide what leads these applications to Conductor."""
    target = location / VERSIONS / payload.name()
    ours = {entry.change.path for entry in records.read(notes).entries}
    changes: list[tuple[Application, Change]] = []
    left_out: list[str] = []
    for application in applications:
        if not application.series:
            left_out.append(f"{application.program}: it does not tell its version, so its user folder is not known.")
            continue
        # what the payload will hold is what the clone holds now
        if not (payload.clone / application.host).is_dir():
            left_out.append(f"{application.title}: this version of Conductor has no part for it yet.")
            continue
        change = pointer(application, target, machine, shipped=payload.clone)
        if isinstance(change, OwnFile) and change.path.exists() and not change.is_made() and change.path not in ours:
            left_out.append(f"{application.title}: {change.path} is there and was not made by this installer; move it away.")
            continue
        changes.append((application, change))
    return Plan(location, notes, payload, target, tuple(changes), tuple(left_out))


def note_location(notes: Path, location: Path, *, shared: bool) -> None:
    """Note where it is installed to before anything is: a run that is killed can be taken back, wherever it went.

    A location that was there with something in it may be a studio's: it is pointed to, and stays when the pointers go.
    """
    record = records.read(notes)
    kept = tuple(folder for folder in record.locations if folder != location)
    new = missing_folders(location)
    mine = location in record.locations or bool(new) or not any(location.iterdir())
    if not shared:
        new = tuple(dict.fromkeys((*new, *missing_folders(notes))))
        mine_too = (location,) if mine and location != notes else ()
        changed = replace(record, locations=(*kept, *mine_too), folders=tuple(dict.fromkeys((*record.folders, *new))))
    else:
        changed = replace(record, locations=kept)
    if changed != record:
        notes.mkdir(parents=True, exist_ok=True)
        records.write(notes, changed)


def execute_install(plan: Plan) -> Record:
    """Do it: the payload first, then each pointer, noted before it is written, so that `remove` finds it whatever happens."""
    before = records.read(plan.notes)
    new = (*plan.new_folders, *(missing_folders(plan.notes) if plan.changes else ()))
    if plan.changes:
        plan.notes.mkdir(parents=True, exist_ok=True)
    put(plan.payload, plan.location)
    record = replace(before, folders=tuple(dict.fromkeys((*before.folders, *new))))
    for application, change in plan.changes:
        kept = record.without({change.path})
        entry = Entry(application.host, application.title, change, str(plan.target))
        folders = dict.fromkeys((*kept.folders, *missing_folders(change.path.parent)))
        record = replace(kept, entries=(*kept.entries, entry), folders=tuple(folders))
        records.write(plan.notes, record)
        if not change.is_made():
            change.make()
    if plan.changes:
        former = next((e.target for e in before.entries if e.target != str(plan.target)), before.former)
        record = replace(record, former="" if former == str(plan.target) else former)
        records.write(plan.notes, record)
    if plan.changes and plan.location == plan.notes:
        used = {Path(target).name for target in (record.former, *(e.target for e in record.entries)) if target}
        drop_old(plan.location, {plan.target.name, *used})
    return record


def write_launchers(plan: Plan, hosts: Sequence[str]) -> list[Path]:
    """Write what a studio's launcher sources, for a location that everybody reads: no file of a user is touched."""
    folder = plan.location / LAUNCHERS
    folder.mkdir(parents=True, exist_ok=True)
    variables: dict[str, str] = {}
    for host in hosts:
        variables.update(studio_variables(host, plan.target))
    written = {folder / "conductor.sh": _shell(variables), folder / "conductor.bat": _batch(variables, plan.location)}
    for file, text in written.items():
        write_aside(file, text.encode())
    return list(written)


def _shell(variables: Mapping[str, str]) -> str:
    lines = (f'export {n}={shlex.quote(v)}${{{n}:+":${n}"}}' for n, v in variables.items())
    return "\n".join(("# Source this before an application starts: it leads it to Conductor.", *lines, ""))


def _batch(variables: Mapping[str, str], location: Path) -> str:
    """Return it in ASCII, from its own folder: cmd reads a file by the code page, and `%` as the sign of a variable.

    A list that was empty gets no `;`: Blender 4.2 takes the variable for one folder.
    """
    lines = ["@rem Call this before an application starts: it leads it to Conductor."]
    lines.append('@for %%I in ("%~dp0..") do @set "CONDUCTOR_LOCATION=%%~fI"')
    for name, value in variables.items():
        inside = PureWindowsPath(Path(value).relative_to(location))
        lines += [f'@if defined {name} set "{name}=;%{name}%"', f'@set "{name}=%CONDUCTOR_LOCATION%\\{inside}%{name}%"']
    return "\r\n".join((*lines, ""))


def entries_to_remove(record: Record, wanted: Sequence[str]) -> tuple[Entry, ...]:
    """Return the entries that words like `blender` or `maya@2025` name; all of them for no words.

    Raises:
        InstallError: a word names none.
    """
    if not wanted:
        return record.entries
    chosen: list[Entry] = []
    for word in wanted:
        name, _, version = word.lower().partition("@")
        named = [e for e in record.entries if e.host == name and e.title.lower().startswith(f"{name} {version}".rstrip())]
        if not named:
            raise InstallError(f"Conductor is not installed for {word!r}.")
        chosen += [e for e in named if e not in chosen]
    return tuple(chosen)


def execute_remove(notes: Path, entries: Sequence[Entry]) -> Record:
    """Take changes back, and the notes of them; after the last, everything that was installed for this user goes."""
    record = records.read(notes)
    for entry in entries:
        entry.change.take_back()
        record = record.without({entry.change.path})
        records.write(notes, record)
    if not record.entries:
        for location in record.locations:
            remove_all(location)
        records.write(notes, Record())
        remove_all(notes)
        remove_folders(record.folders)
    return record


def remove_all(location: Path) -> None:
    """Remove what we have put into a location, and the location itself if nothing else is in it.

    It may be a folder with much else in it: what does not bear one of our names stays.
    """
    ours = [f for part, name in _OURS.items() for f in (location / part).glob("*") if name.fullmatch(f.name)]
    if any(f.parent.name in (VERSIONS, "env") for f in ours):
        ours += [f for f in (location / "qt", location / "site", location / "agent-command.json") if f.exists()]
    for found in ours:
        if found.is_dir() and not found.is_symlink():
            # away under another name first: what is half removed is never taken for an installation
            doomed = location / f".{found.name}.{uuid.uuid4().hex}"
            os.replace(found, doomed)
            shutil.rmtree(doomed, ignore_errors=True)
        else:
            found.unlink()
    for left in location.glob(".*"):
        if _DOOMED.fullmatch(left.name):
            shutil.rmtree(left, ignore_errors=True)
    remove_folders([*(location / part for part in _OURS), location])
