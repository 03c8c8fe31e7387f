"""`conductor hold`, `resume`, `release`, `kill` and `retry`: the moves of a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.errors import Conflict
from conductor_core.frames import FrameSet

_CODES = """

    Exit codes: 0 done, 2 the frame range cannot be understood, 3 service unreachable, 4 not allowed (to you, or in the
    state that the tasks are in: the message says what is), 7 there is no such job or frame.
    """


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        pass_session,
        json_option,
        click.option("--reason", default="", help="Shown to everybody beside the tasks."),
        click.option(
            "--state", "states", multiple=True, help="Only tasks in this state, such as failed; several times for several."
        ),
        click.option("--step", default="", help="Only tasks of this step."),
        click.option("--frames", "-f", default="", help="Only tasks that render these frames. Default: all."),
        click.argument("job"),
    ):
        function = decorate(function)
    return function


@click.command("hold")
@_options
def hold_command(session: Session, /, **options: Any) -> None:
    """Hold a job, or some of its tasks: what runs is finished, nothing new is started.

    \b
    Examples:
      conductor hold 12 --reason "waiting for the new rig"
      conductor hold 12 --frames 50-100
    """
    _move(session, "hold", **options)


@click.command("resume")
@_options
def resume_command(session: Session, /, **options: Any) -> None:
    """Take back a hold.

    \b
    Examples:
      conductor resume 12
      conductor resume 12 --frames 50-100
    """
    _move(session, "resume", **options)


@click.command("release")
@_options
def release_command(session: Session, /, **options: Any) -> None:
    """Let a job go on after its scout frames: what waited for somebody to look at them is rendered.

    A hold of somebody's stays; `conductor resume` takes that back.

    \b
    Examples:
      conductor release 12
      conductor release 12 --frames 1-50
    """
    _move(session, "release", **options)


@click.command("kill")
@_options
def kill_command(session: Session, /, **options: Any) -> None:
    """Stop a job, or some of its tasks, now: what runs is stopped, frames that are done stay.

    \b
    Examples:
      conductor kill 12
      conductor kill 12 --frames 7 --reason "hangs"
    """
    _move(session, "kill", **options)


@click.command("retry")
@_options
def retry_command(session: Session, /, **options: Any) -> None:
    """Render again what failed or was killed.

    \b
    Examples:
      conductor retry 12
      conductor retry 12 --state failed
      conductor retry 12 --frames 7
    """
    _move(session, "retry", **options)


for _command in (hold_command, resume_command, release_command, kill_command, retry_command):
    _command.help = (_command.help or "") + _CODES


def _move(
    session: Session,
    verb: str,
    *,
    job: str,
    frames: str,
    step: str,
    states: tuple[str, ...],
    reason: str,
    as_json: bool,
) -> None:
    client = session.client
    tasks = None
    if frames or step:
        wanted = set(FrameSet.parse(frames)) if frames else None
        tasks = [
            t.id for t in client.tasks(job) if (wanted is None or wanted.intersection(t.frames)) and (not step or t.step == step)
        ]
        if not tasks:
            raise Ended(ExitCode.NOT_FOUND, f"Job {job} has no task for that.", f"See its tasks: conductor job {job} --tasks")
    try:
        changed, now = client.move(job, verb, tasks=tasks, states=list(states) or None, reason=reason)
    except Conflict as exc:
        allowed = f" Allowed now: {', '.join(exc.allowed)}." if exc.allowed and not exc.next_step else ""
        raise Ended(ExitCode.NOT_ALLOWED, exc.what + allowed, exc.next_step) from exc
    if as_json:
        print_json({"changed": changed, "job": now})
    else:
        click.echo(f"Job {now.number}: {changed} task{'' if changed == 1 else 's'} changed by {verb}; the job is {now.state}.")
