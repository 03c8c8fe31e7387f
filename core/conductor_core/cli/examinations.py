"""What `conductor doctor` looks at: each examination is a function that yields findings, with what to do about the bad ones."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conductor_core import __version__
from conductor_core.agent_client import connect
from conductor_core.agent_start import agent_command
from conductor_core.api.client import ServiceClient
from conductor_core.api.profile import connect as connect_service
from conductor_core.api.profile import read_profile
from conductor_core.api.settings import read_settings
from conductor_core.api.transport import RetryPolicy
from conductor_core.applications import find_applications, this_machine
from conductor_core.applications.machine import Machine
from conductor_core.applications.user_places import pointer_file
from conductor_core.errors import ConductorError
from conductor_core.qt_check import check_qt, has_screen
from conductor_core.user_folders import UserFolders, private_folder, qt_folder

Verdict = Literal["ok", "note", "bad"]
#: bytes that settings, journal and caches want to have free
ROOM = 1 << 30
#: folders of a studio that variables name
_STUDIO = ("CONDUCTOR_READERS", "CONDUCTOR_PRESETS", "CONDUCTOR_VALIDATORS")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    what: str
    #: what to do; "" where nothing is to be done
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    folders: UserFolders
    #: address of the login to look at; "": the default one
    service: str = ""
    machine: Machine | None = None


Examination = Callable[[Patient], Iterator[Finding]]


def installation(_: Patient) -> Iterator[Finding]:
    """Say which Conductor this is."""
    python = ".".join(str(n) for n in sys.version_info[:3])
    yield Finding("ok", f"Conductor {__version__} on Python {python}, in {Path(__file__).resolve().parents[2]}.")


def folders(patient: Patient) -> Iterator[Finding]:
    """Look whether settings, state and cache can be written, are this user's alone, and have room."""
    for name, folder in (
        ("settings", patient.folders.config),
        ("state", patient.folders.state),
        ("cache", patient.folders.cache),
    ):
        try:
            private_folder(folder)
            trial = folder / f".doctor-{os.getpid()}"
            trial.write_bytes(b"x")
            trial.unlink()
        except OSError as exc:
            yield Finding("bad", f"The folder of {name}, {folder}, cannot be written ({exc.strerror}).", "See who owns it.")
            continue
        free = shutil.disk_usage(folder).free
        if free < ROOM:
            yield Finding("bad", f"The disk of {folder} has {free / 1e9:.1f} GB free.", "Make room there: 1 GB at least.")
        else:
            yield Finding("ok", f"The folder of {name}: {folder}, {free / 1e9:.0f} GB free.")


def settings(patient: Patient) -> Iterator[Finding]:
    """Read settings.yaml, and see that the folders of a studio are there."""
    try:
        found = read_settings(patient.folders.config)
    except ConductorError as exc:
        yield Finding("bad", exc.what, exc.next_step)
        return
    yield Finding("ok", f"Settings are read from {patient.folders.config}.")
    named = {("settings.yaml", folder) for folder in (*found.readers, *found.validators, *found.presets)}
    named |= {(v, f) for v in _STUDIO for f in os.environ.get(v, "").split(os.pathsep) if f}
    for source, folder in sorted(named):
        if os.path.isdir(folder):
            yield Finding("ok", f"{source} names {folder}.")
        else:
            yield Finding("bad", f"{source} names {folder}, which is no folder.", "Correct it, or have the share mounted.")


def service(patient: Patient) -> Iterator[Finding]:
    """See that the service answers, by this user's token, and offers machines and software."""
    try:
        login = read_profile(patient.folders.config).login(patient.service)
        with connect_service(login, retries=RetryPolicy(attempts=1)) as client:
            yield from _service(client, login.address.service)
    except ConductorError as exc:
        yield Finding("bad", exc.what, exc.next_step)


def _service(client: ServiceClient, address: str) -> Iterator[Finding]:
    began = time.monotonic()
    me = client.me()
    took = (time.monotonic() - began) * 1000
    yield Finding("ok", f"{address} answers in {took:.0f} ms; you are {me.user.name} ({me.role}) of {me.account.name}.")
    if not me.projects:
        yield Finding("bad", "You are in no project.", "Ask your administrator to add you to one.")
    catalogue = client.catalogue()
    if not catalogue.instance_types:
        yield Finding("bad", "The service offers no instance type.", "Its administrator adds them: docs/service.md.")
    if not catalogue.software:
        yield Finding("bad", "The service offers no software.", "Its administrator adds packages: docs/service.md.")


def agent(patient: Patient) -> Iterator[Finding]:
    """Start the agent and ask it; and see that hosts know how to start it."""
    try:
        command, _ = agent_command(patient.folders)
        yield Finding("ok", f"Hosts start the agent by {command[0]}.")
        status = connect(folders=patient.folders).status()
    except ConductorError as exc:
        yield Finding("bad", exc.what, exc.next_step)
        return
    moving = len(status.get("transfers", ()))
    yield Finding("ok", f"The agent runs (process {status['pid']}), {moving} upload{'' if moving == 1 else 's'} under way.")


def qt(_: Patient) -> Iterator[Finding]:
    """Try Qt in a process of its own: for hosts without one, and for the panel as a program."""
    folder = qt_folder()
    for title, place in (("The panel as a program", ""), ("Qt for hosts that have none", folder)):
        if place is None:
            yield Finding(
                "note", f"{title}: not installed; Blender opens the panel as a program of its own.", "install.py install"
            )
            continue
        environ = dict(os.environ) if has_screen() else {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        tried = check_qt(sys.executable, place, environ=environ)
        if tried.version:
            drawn = "" if has_screen() else ", without a screen here"
            yield Finding("ok", f"{title}: Qt {tried.version} draws by {tried.platform}{drawn}.")
        else:
            step = "Debian: apt-get install libxcb-cursor0 libxkbcommon-x11-0 libegl1" if sys.platform == "linux" else ""
            yield Finding("bad" if place == "" else "note", f"{title}: Qt cannot be used ({tried.problem}).", step)


def hosts(patient: Patient) -> Iterator[Finding]:
    """List the applications, and whether each is led to us."""
    machine = patient.machine or this_machine()
    found = find_applications(machine)
    if not found:
        yield Finding("note", "No Maya, Nuke, Houdini or Blender was found here.", "Others are found by the PATH.")
    for application in found:
        file = Path(machine.local(pointer_file(application, machine)))
        try:
            # a file by this name is ours, but for Nuke's, which is the user's: there it is the installer's mark (installer/changes.py)
            ours = file.is_file() and (application.host != "nuke" or b"# >>> conductor >>>" in file.read_bytes())
        except OSError:
            ours = False
        if ours:
            yield Finding("ok", f"{application.title} ({application.program}) is led to Conductor by {file}.")
        else:
            yield Finding(
                "note",
                f"{application.title} ({application.program}) is not led to Conductor by a file of yours.",
                f"install.py install {application.host}@{application.version}, or your studio's launcher does it.",
            )


EXAMINATIONS: tuple[tuple[str, Examination], ...] = (
    ("Conductor", installation),
    ("Folders", folders),
    ("Settings", settings),
    ("Service", service),
    ("Agent", agent),
    ("Qt", qt),
    ("Applications", hosts),
)
