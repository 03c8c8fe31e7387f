"""`conductor transfers`: what this machine sends and fetches, paused and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from conductor_core.agent_client import connect
from conductor_core.cli.progress import Status, count_words, line_of, size_words
from conductor_core.cli.session import Session, json_option, pass_session, print_json


@click.command("transfers")
@click.argument("verb", type=click.Choice(["pause", "resume"]), required=False)
@click.argument("job", default="")
@json_option
@pass_session
def transfers_command(session: Session, /, verb: str | None, job: str, as_json: bool) -> None:
    """Show what this machine sends and fetches; pause it, or let it go on: all of it, or one job.

    What is paused lets go of the line and stays paused, also when the machine is started again, until you resume it; then it
    goes on with what is missing. What a job renders is not touched: for that there are hold and resume. Limits by time of day
    are in settings.yaml (transfer, docs/cli.md).

    \b
    Examples:
      conductor transfers
      conductor transfers pause            the line is wanted for a review
      conductor transfers resume
      conductor transfers pause 12         only job 12

    Exit codes: 0 done, 3 the agent cannot be reached, 7 this machine neither sends nor fetches anything of that job.
    """
    if verb is None:
        _show(session, as_json)
        return
    answer = session.agent.pause(job) if verb == "pause" else session.agent.resume(job)
    if as_json:
        print_json(answer)
        return
    what = f"Transfers of job {job}" if job else "All transfers"
    click.echo(f"{what} {'are paused.' if verb == 'pause' else 'go on.'}")
    if verb == "resume" and job and answer["paused"]:
        click.echo("But all transfers are paused; to let them go on: conductor transfers resume")
    elif verb == "resume" and not job and answer["paused_jobs"]:
        click.echo("Jobs that were paused by themselves stay so; to let one go on: conductor transfers resume JOB")


def _show(session: Session, as_json: bool) -> None:
    agent = connect(start=False, folders=session.folders)
    known, submissions, downloads = agent.transfers(), agent.submissions(), agent.downloads()
    sent = [s for s in submissions if s["unfinished"]]
    fetched = [d for d in downloads if not d["complete"]]
    if as_json:
        print_json({**known, "submissions": sent, "downloads": fetched})
        return
    click.echo(_rules(known))
    for submission in sent:
        name = f"job {submission['number']}" if submission["number"] else f"submission {submission['id']}"
        click.echo(f"  to the farm  {name}: {line_of(Status(submission)) or 'looking at the files'}")
    for download in fetched:
        words = line_of(Status(download=download)) or "nothing to bring home yet"
        click.echo(f"  home         job {download['number'] or download['job']}: {words}")
    if not sent and not fetched:
        click.echo("  nothing to send and nothing to bring home")
    for line in _ahead_lines(known["ahead"]):
        click.echo(f"  {line}")


def _ahead_lines(ahead: Mapping[str, Any]) -> list[str]:
    """Return what is done ahead of the next submission."""
    if ahead["wish"] == "off" or not ahead["scenes"]:
        return []
    words = [f"{count_words(ahead['scenes'], 'scene')} watched", f"{count_words(ahead['hashed'], 'changed file')} read ahead"]
    if ahead["wish"] == "upload":
        words.append(f"{ahead['sent']:,} sent ahead")
    if ahead["waiting"]:
        words.append(f"{ahead['waiting']:,} waiting" + (f": {ahead['reason']}" if ahead["reason"] else ""))
    return [", ".join(words), *([ahead["problem"]] if ahead["problem"] else [])]


def _rules(known: Mapping[str, Any]) -> str:
    """Return what holds for all transfers, in a line."""
    limits = known["limits"]
    words = [
        f"{name} at most {size_words(limits[way])}/s" for way, name in (("upload", "up"), ("download", "down")) if limits[way]
    ]
    rules = ", ".join(words) or "no limits"
    return f"All paused ({rules}); to let them go on: conductor transfers resume" if known["paused"] else f"Transfers: {rules}"
