"""`conductor scrub`: the command around the reading of a whole store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
from conductor_core.cli.exit_codes import ExitCode
from conductor_core.user_folders import write_private

from conductor_service.scrubbing import Damage, Place, Scrub
from conductor_service.store_at_rest import StoreAtRest, store_at_rest

_FILE = click.Path(dir_okay=False, path_type=Path)
#: seconds after which it is written down how far it is
_NOTE_SECONDS = 5.0


@click.command("scrub")
@click.option("--data", metavar="FOLDER", help="The service's data folder [conductor-data in this folder].")
@click.option("--settings", "settings_file", type=_FILE, metavar="FILE", help="The service's settings, which name the folder.")
@click.option("--limit-rate", type=click.FloatRange(min=0.001), metavar="MB", help="Read at most so many megabytes per second.")
@click.option("--restart", is_flag=True, help="Begin anew, where the last run was cut off in the middle.")
@click.pass_context
def scrub_command(
    ctx: click.Context, data: str | None, settings_file: Path | None, limit_rate: float | None, restart: bool
) -> None:
    """Read all that a service's store has, and set aside what is damaged.

    What is damaged or gone is named with the files and jobs that need it. From then on it is missing: the next submission
    that needs an input sends it again, a frame is rendered again by a retry. What was lost and is there again, as on a disk that
    was away, counts as there again. It may run while the service runs, or while it is
    stopped. Cut off, it goes on where it was when it is run again.

    \b
    Examples:
      conductor scrub --data /srv/conductor
      conductor scrub --settings /srv/conductor/settings.yaml --limit-rate 50

    \b
    Exit codes:
      0   all is well
      2   the folder is no service's data folder, is of another version, or the settings cannot be understood
      6   the store does not answer, or gives no right; run it again when it does
      10  something was damaged
    """
    with store_at_rest(data, settings_file) as place:
        pace = paced(None if limit_rate is None else limit_rate * 1e6)
        ctx.exit(ExitCode.FAULTS_FOUND if _scrub(place, pace, restart=restart) else ExitCode.OK)


def _scrub(place: StoreAtRest, pace: Callable[[int], None], *, restart: bool) -> int:
    file = place.data / "scrub.json"
    at = Place() if restart else _noted(file)
    if at != Place():
        click.echo("Going on where the last run was cut off.")
    seen = found = again = 0
    noted = time.monotonic()
    for step in Scrub(place.database, place.shelf, pace).steps(at):
        seen += step.objects
        found += len(step.found)
        again += step.again
        for damage in step.found:
            _print(damage)
        if time.monotonic() - noted > _NOTE_SECONDS:
            noted = time.monotonic()
            write_private(file, json.dumps(asdict(step.place)).encode())
    file.unlink(missing_ok=True)
    if again:
        click.echo(f"{again} objects that were lost are there again.")
    click.echo(f"{seen} objects read, {found} damaged or gone.")
    return found


def _print(damage: Damage) -> None:
    click.echo(damage.sentence)
    for user in damage.needed_by:
        click.echo(f"    needed: {user}")
    if any("rendered by" in user for user in damage.needed_by):
        click.echo("    Render it again with `conductor retry JOB`; look at the store's disk.")
    else:
        click.echo("    The next submission that needs it sends it again; look at the store's disk.")


def _noted(file: Path) -> Place:
    """Return how far the last run came; what cannot be read is as good as none."""
    try:
        told = json.loads(file.read_text())
        return Place(bool(told["in_packs"]), str(told["after"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Place()


def paced(
    rate: float | None, *, elapsed: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Callable[[int], None]:
    """Return what holds its caller to a rate, in bytes per second; None: to none."""
    due = elapsed()

    def pace(count: int) -> None:
        nonlocal due
        if rate is None:
            return
        due = max(due, elapsed() - 1.0) + count / rate
        if due > elapsed():
            sleep(due - elapsed())

    return pace
