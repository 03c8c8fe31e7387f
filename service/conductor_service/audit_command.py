"""`conductor audit`: the command around the checks."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click
from conductor_core.cli.exit_codes import ExitCode
from conductor_core.errors import ConductorError
from sqlalchemy.exc import OperationalError

from conductor_service.audit import KINDS, BucketShelf, Finding, FolderShelf, Place, Shelf, audit
from conductor_service.clock import utc_now
from conductor_service.database import read_only_engine
from conductor_service.one_service import is_served
from conductor_service.settings import load_settings
from conductor_service.store_settings import StoreSettings
from conductor_service.stores import read_bucket

_FILE = click.Path(dir_okay=False, path_type=Path)


class NothingToAudit(ConductorError):
    """The folder is not a service's data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"There is no database in {data}.", "Name the data folder of a service with --data or --settings.")


class Unreadable(ConductorError):
    """The database, or something beside it, is there and cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read ({reason}).",
            "Run the audit as the service's user, who may write beside the database: reading its log needs that.",
        )


@click.command("audit")
@click.option("--data", metavar="FOLDER", help="The service's data folder [conductor-data in this folder].")
@click.option("--settings", "settings_file", type=_FILE, metavar="FILE", help="The service's settings, which name the folder.")
@click.option("--deep", is_flag=True, help="Read every object and check that its bytes hash to its name.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, and nothing else.")
@click.option("--kinds", "list_kinds", is_flag=True, help="List what is looked for, with what to do about each, and end.")
@click.pass_context
def audit_command(
    ctx: click.Context, data: str | None, settings_file: Path | None, deep: bool, as_json: bool, list_kinds: bool
) -> None:
    """Check a service's database and store against each other.

    Nothing is changed: the database is opened read-only, and the store is only read. It may run while the service runs or
    while it is stopped, and needs neither a login nor the service itself, but the right to read the data folder.

    Each finding has a kind, the thing it is about, a sentence, and what to do next. What a service at work may just be in
    the middle of (a file that is being written, by its age) is shown as `maybe in flight` and counts for nothing: run the
    audit again.

    Without --deep objects are looked up and measured, not read: a store of terabytes takes seconds. --deep reads them all. A
    store in a bucket is listed once, under its prefix; uploads that are under way there are not looked at.

    \b
    Examples:
      conductor audit --data /srv/conductor
      conductor audit --settings /srv/conductor/settings.yaml --deep --json > findings.json
      conductor audit --kinds

    \b
    Exit codes:
      0   nothing is wrong
      2   the folder is no service's data folder or may not be read, or the settings cannot be understood
      6   the bucket's server does not answer, or gives no right
      10  something is wrong
    """
    if list_kinds:
        ctx.exit(_list_kinds())
    settings = load_settings(settings_file, overrides={"data": data})
    folder = settings.data_folder
    try:
        ctx.exit(_audit(folder, settings.store, deep=deep, as_json=as_json))
    except PermissionError as exc:
        raise Unreadable(Path(exc.filename or folder), exc.strerror or str(exc)) from exc


def _audit(folder: Path, store: StoreSettings, *, deep: bool, as_json: bool) -> ExitCode:
    database = folder / "conductor.sqlite"
    try:
        database.open("rb").close()  # SQLite does not tell what it may not read from what is damaged
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NothingToAudit(folder) from None
    engine = read_only_engine(database)
    try:
        with _shelf(folder, store) as shelf:
            return _report(Place(engine, shelf, folder, is_served(folder)), store, deep=deep, as_json=as_json)
    except OperationalError as exc:
        raise Unreadable(database, str(exc.orig)) from exc
    finally:
        engine.dispose()


@contextlib.contextmanager
def _shelf(folder: Path, store: StoreSettings) -> Iterator[Shelf]:
    """Give what is looked at: the folder, or the bucket by a list of its keys."""
    if store.kind == "folder":
        yield FolderShelf(folder / "store")
        return
    with contextlib.closing(BucketShelf(read_bucket(store))) as shelf:
        yield shelf


def _report(place: Place, store: StoreSettings, *, deep: bool, as_json: bool) -> ExitCode:
    findings = audit(place, utc_now(), deep=deep)
    wrong, doubtful = _print_json(findings, place, deep=deep) if as_json else _print(findings, place)
    if not as_json:
        if store.kind == "s3":
            click.echo(f"Looked at in {store.address}: objects, and what was set aside. Uploads under way are not looked at.")
        looked = f"{len(KINDS) - (0 if deep else sum(k.deep for k in KINDS.values()))} kinds of faults looked for"
        maybe = f", and {doubtful} that may be in flight" if doubtful else ""
        click.echo(f"{place.data}: {wrong} finding{'' if wrong == 1 else 's'}{maybe}; {looked}.")
    return ExitCode.FAULTS_FOUND if wrong else ExitCode.OK


def _print(findings: Iterable[Finding], place: Place) -> tuple[int, int]:
    """Print findings as they come; return how many there are, and how many may be in flight."""
    counts = [0, 0]
    for finding in findings:
        counts[finding.in_flight] += 1
        doubt = " (maybe in flight)" if finding.in_flight else ""
        click.echo(f"{finding.kind}{doubt}  {finding.sentence}\n    {finding.next_step}")
    if place.served and any(counts):
        click.echo("The service is at work on this folder meanwhile.")
    return counts[0], counts[1]


def _print_json(findings: Iterator[Finding], place: Place, *, deep: bool) -> tuple[int, int]:
    """Print one JSON document, a finding at a time: there may be millions."""
    counts = [0, 0]
    sys.stdout.write(
        f'{{"data": {json.dumps(str(place.data))}, "served": {json.dumps(place.served)}, "deep": {json.dumps(deep)},'
    )
    sys.stdout.write(' "findings": [')
    for number, finding in enumerate(findings):
        counts[finding.in_flight] += 1
        sys.stdout.write((",\n" if number else "\n") + json.dumps(asdict(finding)))
    sys.stdout.write(f'], "wrong": {counts[0]}, "maybe_in_flight": {counts[1]}}}\n')
    return counts[0], counts[1]


def _list_kinds() -> ExitCode:
    for one in KINDS.values():
        click.echo(f"{one.name}{' (--deep)' if one.deep else ''}\n    {one.about}.\n    {one.next_step}")
    return ExitCode.OK
