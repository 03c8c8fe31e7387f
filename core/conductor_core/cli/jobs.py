"""`conductor jobs` and `conductor job`."""

from __future__ import annotations

import os
from typing import Any

import click

from conductor_core.api.answers import Job, Task
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.progress import NoDisplay, licence_words, open_display
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.tables import print_table
from conductor_core.cli.watch import Watch, check_ended
from conductor_core.frames import format_frames

#: files that a job does without and that are named each
_NAMED = 10


@click.command("jobs")
@click.option("--project", "-p", help="Only of this project.")
@click.option("--state", help="Only in this state: uploading, pending, running, holding, success, failed, killed.")
@click.option("--scene", metavar="PATH", help="Only of this scene file.")
@click.option("--metadata", metavar="KEY=VALUE", multiple=True, help="Only with this; several times for all of several.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--before", type=int, metavar="NUMBER", help="Only jobs before this number: the next page.")
@json_option
@pass_session
def jobs_command(session: Session, /, scene: str | None, as_json: bool, **which: Any) -> None:
    """List jobs, newest first.

    In a pipe the columns are separated by tabs.

    \b
    Examples:
      conductor jobs
      conductor jobs --state running --project dragons
      conductor jobs --metadata shot=010 --metadata department=fx
      conductor jobs --scene shot.blend
      conductor jobs --json --limit 1000

    Exit codes: 0 listed, 3 service unreachable, 4 not logged in.
    """
    jobs = session.client.jobs(scene=os.path.abspath(scene) if scene else None, **which)
    if as_json:
        print_json({"jobs": jobs})
        return
    columns = ("job", "state", "frames", "title", "project", "by", "cost", "created")
    print_table(
        columns, [(j.number, j.state, _done(j), j.title, j.project, j.submitted_by or "", j.cost, j.created) for j in jobs]
    )


@click.command("job")
@click.argument("job")
@click.option("--wait", is_flag=True, help="Stay until it has ended, showing its progress.")
@click.option("--tasks", "with_tasks", is_flag=True, help="List its tasks too.")
@json_option
@pass_session
def job_command(session: Session, /, job: str, wait: bool, with_tasks: bool, as_json: bool) -> None:
    """Show one job, by its number; with --wait, stay with it.

    \b
    Examples:
      conductor job 12
      conductor job 12 --wait && echo rendered
      conductor job 12 --tasks --json

    \b
    Exit codes:
      0  shown; with --wait: it succeeded
      1  it failed or was killed (--wait)
      3  the service cannot be reached
      4  not logged in
      7  there is no such job
    """
    found = session.client.job(job)
    if wait:
        found = _wait(session, found, as_json)
    tasks = session.client.tasks(found.id) if with_tasks else ()
    if as_json:
        print_json({"job": found, "tasks": tasks} if with_tasks else found)
    else:
        _show(found, tasks)
    if wait:
        check_ended(found, None)


def _wait(session: Session, job: Job, as_json: bool) -> Job:
    try:
        if as_json:
            return Watch(session.client, NoDisplay(), None).job(job.id)[0]
        with open_display() as display:
            return Watch(session.client, display, None, session.client.cost(job=job.number).currency).job(job.id)[0]
    except KeyboardInterrupt:
        again = f"conductor job {job.number} --wait"
        raise Ended(ExitCode.INTERRUPTED, f"Job {job.number} goes on. Come back to it: {again}") from None


def _show(job: Job, tasks: tuple[Task, ...]) -> None:
    click.echo(f"Job {job.number}  {job.title}")
    lines = [
        ("state", job.state),
        ("project", job.project),
        ("frames", ", ".join(f"{count} {state}" for state, count in job.frames.items() if count) or "none"),
        ("submitted", f"{job.created} by {job.submitted_by or 'unknown'}"),
        ("finished", job.finished or "not yet"),
        ("machines", job.instance_type + (" (preemptible)" if job.preemptible else "")),
        ("priority", str(job.priority)),
        ("cost so far", f"{job.cost} ({job.billed_minutes} min)"),
    ]
    if job.scouts.total:
        held = f", {job.scouts.held} tasks held until: conductor release {job.number}" if job.scouts.held else ""
        lines.append(("scouts", f"{job.scouts.done} of {job.scouts.total} done{held}"))
    if job.licence is not None:
        lines.append(("licence", licence_words(job)))
    lines += [(f"step {s.name}", f"{s.frames}: {s.state}") for s in job.steps]
    lines += [(name, value) for name, value in job.metadata.items()]
    lines += _without(job)
    for name, value in lines:
        click.echo(f"  {name:<12} {value}")
    if tasks:
        columns = ("frames", "step", "state", "progress", "attempts", "cause", "message")
        print_table(columns, [_task_row(t) for t in tasks])


def _without(job: Job) -> list[tuple[str, str]]:
    """Return what the artist left at home and why, and what was not there: for whoever wonders about the pictures."""
    if job.submission is None:
        return []
    excluded, missing = job.submission.excluded, job.submission.allowed_missing
    lines = [("left out", f"{exclusion.path}: {exclusion.reason}") for exclusion in excluded[:_NAMED]]
    lines += [("missing", path) for path in missing[:_NAMED]]
    more = max(0, len(excluded) - _NAMED) + max(0, len(missing) - _NAMED)
    return [*lines, ("", f"and {more:,} more")] if more else lines


def _task_row(task: Task) -> tuple[object, ...]:
    percent = f"{task.progress:.0%}" if task.state == "running" else ""
    return (
        format_frames(task.frames), task.step, task.state, percent, task.attempts_made, task.cause or "", task.message or "",
    )  # fmt: skip


def _done(job: Job) -> str:
    return f"{job.frames.get('success', 0)}/{sum(job.frames.values())}"
