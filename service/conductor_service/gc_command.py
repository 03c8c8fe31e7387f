"""`conductor gc`: the command around the clean-up."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import func, select

from conductor_service import compaction, garbage, objects, removals
from conductor_service.garbage import Rules
from conductor_service.marking import Marks
from conductor_service.models import Discarded
from conductor_service.store_at_rest import StoreAtRest, store_at_rest

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a clean-up did, or would do."""

    #: manifests whose files are not kept any more
    manifests: int
    #: objects that nothing needs, and their bytes
    objects: int
    bytes: int
    #: packs that are rewritten because less than half of them is needed
    packs: int
    #: objects and packs that were deleted from the store
    deleted: int
    #: those that wait until nobody reads them any more
    waiting: int


@click.command("gc")
@click.option("--data", metavar="FOLDER", help="The service's data folder [conductor-data in this folder].")
@click.option("--settings", "settings_file", type=_FILE, metavar="FILE", help="The service's settings, which name the folder.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option(
    "--inputs-older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Also remove files of jobs that ended longer ago than this; a retry then asks to submit again. [keep them all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, and nothing else.")
def gc_command(data: str | None, settings_file: Path | None, dry_run: bool, inputs_older_than: int | None, as_json: bool) -> None:
    """Remove from a service's store what nothing needs any more.

    Needed is what a job's scene and files are made of, what was rendered, its previews, and what was sent, or
    called present, within the last week. It may run while the service runs, or while it is stopped; cut off at any moment, it is run again.

    What nothing needs is missing at once, and deleted about an hour later, by the service or by the next `conductor gc`: who
    reads it now reads it to its end. Packs of small files of which less than half is needed are rewritten.

    \b
    Examples:
      conductor gc --data /srv/conductor --dry-run
      conductor gc --settings /srv/conductor/settings.yaml --inputs-older-than 90

    \b
    Exit codes:
      0  done
      2  the folder is no service's data folder, is of another version, or the settings cannot be understood
      6  the store has no room, or cannot be written; what was done is done, the rest waits for the next time
    """
    rules = Rules(None if inputs_older_than is None else timedelta(days=inputs_older_than))
    with store_at_rest(data, settings_file) as place:
        done = _would(place, rules) if dry_run else _collect(place, rules)
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    would = "would be " if dry_run else ""
    click.echo(
        f"{done.manifests} manifests and {done.objects} objects of {_size(done.bytes)} {would}removed, {done.packs} packs {would}rewritten."
    )
    click.echo(
        f"{done.deleted} objects and packs {would}deleted from the store now, {done.waiting} more when nobody reads them any more."
    )


def _collect(place: StoreAtRest, rules: Rules) -> Summary:
    manifests = garbage.forget_manifests(place.database, rules)
    gone = garbage.forget_objects(place.database)
    compaction.drop_empty(place.database)
    packs = compaction.compact(place.database, place.shelf)
    deleted = garbage.delete_discarded(place.database, place.shelf)
    if not place.swept:
        deleted += objects.sweep(place.database, place.shelf)
    with place.database.read() as session:
        waiting = session.scalar(select(func.count()).select_from(Discarded)) or 0
    return Summary(manifests, gone.objects, gone.size, packs, deleted, waiting)


def _would(place: StoreAtRest, rules: Rules) -> Summary:
    now = place.database.clock()
    with place.database.read() as session:
        manifests = frozenset(garbage.unneeded_manifests(session, now, rules))
        old = select(func.count()).select_from(Discarded).where(removals.is_due(now, now - garbage.GRACE))
        ready, waiting = session.scalar(old) or 0, session.scalar(select(func.count()).select_from(Discarded)) or 0
    with Marks(place.database.engine, now, without=manifests) as marks:
        sizes = [size for page in marks.unmarked() for _, size in page]
        discarded = marks.to_discard()
        packs = len(compaction.worn(marks.rows, marked=marks.table))
    return Summary(len(manifests), len(sizes), sum(sizes), packs, ready, waiting - ready + discarded + packs)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
