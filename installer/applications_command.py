"""`install.py hosts|install|remove`: what is said and asked at the terminal."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from installer import record as records
from installer.agent_environment import (
    end_agent,
    environment,
    lead_to,
    make_packages,
    note_for_user,
    packer,
    python_of,
    write_command,
)
from installer.applications import (
    Plan,
    choose,
    entries_to_remove,
    execute_install,
    execute_remove,
    note_location,
    plan_install,
    write_launchers,
)
from installer.changes import missing_folders
from installer.core import Application, find_applications, installation_folder, pointer_file, this_machine
from installer.environments import make
from installer.payload import Payload
from installer.places import here

_ADAPTERS = ("maya", "nuke", "houdini", "blender")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands for artists and TDs."""
    words = "blender, maya@2025 … [all that are found]"
    hosts = commands.add_parser("hosts", help="list the applications that are found here, and which are led to Conductor")
    hosts.set_defaults(run=_hosts)
    install = commands.add_parser("install", help="install Conductor for the applications of this user, or of a studio")
    install.add_argument("applications", nargs="*", metavar="APPLICATION", help=words)
    _add_location(install)
    install.add_argument(
        "--studio",
        action="store_true",
        help="for everybody who reads --location: no file of a user is touched, launchers lead there",
    )
    install.add_argument(
        "--without-agent", action="store_true", help="no environment for agent and CLI: it is there by other means"
    )
    install.add_argument("--without-qt", action="store_true", help="no Qt for Blender: the panel is a program of its own")
    install.add_argument("--dry-run", action="store_true", help="show each change, and make none")
    install.set_defaults(run=_install)
    remove = commands.add_parser("remove", help="take Conductor out of applications again; out of the last: all of it")
    remove.add_argument("applications", nargs="*", metavar="APPLICATION", help=words.replace("found", "installed"))
    _add_location(remove)
    remove.add_argument("--studio", action="store_true", help="the shared --location itself, for everybody")
    remove.add_argument("--dry-run", action="store_true", help="show each change, and make none")
    remove.set_defaults(run=_remove)


def _add_location(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--location", type=Path, metavar="FOLDER", help=f"where it is installed [{installation_folder()}]")


def _location(arguments: argparse.Namespace) -> Path:
    return Path(arguments.location).absolute() if arguments.location else installation_folder()


def _hosts(_: argparse.Namespace) -> int:
    machine = this_machine()
    found = find_applications(machine)
    led = {entry.change.path for entry in records.read(installation_folder()).entries if entry.change.is_made()}
    if not found:
        print("No Maya, Nuke, Houdini or Blender was found in its standard places, by its variables, or on the PATH.")
    for application in found:
        # several versions may read one file
        is_led = bool(application.series) and machine.local(pointer_file(application, machine)) in led
        print(f"{application.title:<18} {'installed' if is_led else '-':<10} {application.program}")
    return 0


def _install(arguments: argparse.Namespace) -> int:
    places, location = here(), _location(arguments)
    machine = this_machine()
    payload = Payload(places.repo)
    found: Iterable[Application] = () if arguments.studio else choose(find_applications(machine), arguments.applications)
    env = environment(places, location)
    qt = not arguments.without_qt
    new_folders = missing_folders(location)
    if not arguments.dry_run:
        note_location(installation_folder(), location, shared=arguments.studio)
        location.mkdir(parents=True, exist_ok=True)
        unpacker = packer(location) if arguments.without_agent else env
        make(unpacker)
        payload = Payload(places.repo, make_packages(places, location, python_of(unpacker), qt=qt))
    plan = plan_install(found, payload, location, machine, notes=installation_folder())
    _show(plan, arguments, new_environment=not arguments.without_agent and not env.is_ready())
    if arguments.dry_run:
        print("\nNothing was changed (--dry-run).")
        return 0
    execute_install(replace(plan, new_folders=new_folders))
    if arguments.studio:
        hosts = [host for host in _ADAPTERS if (places.repo / host).is_dir()]
        print(f"\nSource in your launchers: {'  '.join(map(str, write_launchers(plan, hosts)))}")
    if not arguments.without_agent:
        lead_to(python_of(env), plan.target)
        program = write_command(location, python_of(env))
        if not arguments.studio:
            note_for_user(python_of(env))
        print(
            f"\nInstalled. Applications that are open must be started anew.\nSign in once: {shlex.quote(str(program))} login URL"
        )
        print(f"Is all well?  {shlex.quote(str(program))} doctor")
    return 0


def _show(plan: Plan, arguments: argparse.Namespace, *, new_environment: bool) -> None:
    if not plan.target.exists():
        print(f"copy     {plan.payload.clone}  ->  {plan.target}")
    if arguments.dry_run:
        _show_packages(plan.location, qt=not arguments.without_qt, pip=arguments.without_agent)
    if new_environment:
        print(f"make     {plan.location / 'env'}  (Python packages for agent and CLI, about 400 MB)")
        print(f"write    {plan.location / 'bin'}")
    for application, change in plan.to_do():
        print(f"{change.describe()}  ({application.title})")
    done = len(plan.changes) - len(plan.to_do())
    if done and not plan.to_do():
        print(f"{done} application{'s are' if done > 1 else ' is'} led to this version already.")
    for sentence in plan.left_out:
        print(f"left out {sentence}")
    if arguments.studio and arguments.applications:
        print("--studio is for all applications; those named are not looked at.")


def _show_packages(location: Path, *, qt: bool, pip: bool) -> None:
    """Say which folders of packages will be made."""
    folders = {"env/pip": "pip, which unpacks them" if pip else "", "site": "qtpy and what it needs", "qt": "Qt" if qt else ""}
    for folder, what in folders.items():
        if what and not (location / folder / "conductor-ready").exists():
            print(f"make     {location / folder}  ({what})")


def _remove(arguments: argparse.Namespace) -> int:
    notes = _location(arguments) if arguments.studio else installation_folder()
    record = records.read(notes)
    entries = () if arguments.studio else entries_to_remove(record, arguments.applications)
    everything = len(entries) == len(record.entries)
    if everything and not notes.exists():
        print(f"Conductor is not installed at {notes}.")
        return 0
    for entry in entries:
        print(f"take back  {entry.change.path}  ({entry.title})")
    if everything:
        for folder in (*record.locations, notes):
            print(f"remove     {folder}")
    if arguments.dry_run:
        print("\nNothing was changed (--dry-run).")
        return 0
    if everything:
        for folder in (*record.locations, notes):
            end_agent(folder)
    execute_remove(notes, entries)
    if everything:
        print("\nConductor is gone. Your login and settings, and what the agent remembers, stay.")
    return 0
