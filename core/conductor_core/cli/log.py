"""`conductor log`: what the renderer said."""

from __future__ import annotations

import sys
import time

import click

from conductor_core.api.answers import Attempt, Task
from conductor_core.api.client import ServiceClient
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.frames import format_frames

#: bytes in one question
PAGE = 1 << 20
#: seconds between two looks with --follow
LOOK_EVERY = 1.0


@click.command("log")
@click.argument("job")
@click.option(
    "--frame",
    type=int,
    help="The task that renders this frame. Default: the first failed one, else one that runs, else the last.",
)
@click.option("--step", default="", help="The step, where a job has several.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Its N-th attempt. Default: the last.")
@click.option("--follow", is_flag=True, help="Stay and print what comes, until the attempt ends.")
@json_option
@pass_session
def log_command(
    session: Session, /, job: str, frame: int | None, step: str, attempt: int | None, follow: bool, as_json: bool
) -> None:
    """Print the log of a task's attempt.

    \b
    Examples:
      conductor log 12                      why did it fail?
      conductor log 12 --frame 7
      conductor log 12 --frame 7 --attempt 1 > first.log
      conductor log 12 --frame 7 --json     its attempts: cause, exit code, memory

    Exit codes: 0 printed, 3 service unreachable, 4 not logged in, 7 there is no such job, frame or attempt.
    """
    client = session.client
    task = client.task(choose_task(client.tasks(job), frame, step).id)
    if as_json:
        print_json(task)
        return
    chosen = choose_attempt(task, attempt)
    words = f"frames {format_frames(task.frames)}, attempt {chosen.number}: {chosen.state}"
    click.echo(f"# {words}" + (f" ({chosen.cause}: {chosen.message})" if chosen.cause else ""), err=True)
    _print(client, task, chosen, follow)


def choose_task(tasks: tuple[Task, ...], frame: int | None, step: str) -> Task:
    """Return the task that is meant.

    Raises:
        Ended: there is none.
    """
    fitting = [t for t in tasks if (not step or t.step == step) and (frame is None or frame in t.frames)]
    for state in ("failed", "running"):
        for task in fitting if frame is None else ():
            if task.state == state:
                return task
    if not fitting:
        what = (
            "The job has no task" + (f" for frame {frame}" if frame is not None else "") + (f" in step {step!r}" if step else "")
        )
        raise Ended(ExitCode.NOT_FOUND, f"{what}.", "See its tasks: conductor job N --tasks")
    tried = [t for t in fitting if t.attempts_made]
    return (tried or fitting)[-1]


def choose_attempt(task: Task, number: int | None) -> Attempt:
    """Return the attempt that is meant, the last where none is named.

    Raises:
        Ended: there is none.
    """
    attempts = sorted(task.attempts or (), key=lambda a: a.number)
    found = [a for a in attempts if number is None or a.number == number]
    if not found:
        what = f"Frames {format_frames(task.frames)} have " + (f"no attempt {number}" if attempts else "not been tried yet")
        raise Ended(ExitCode.NOT_FOUND, f"{what}.", f"There are {len(attempts)}.")
    return found[-1]


def _print(client: ServiceClient, task: Task, attempt: Attempt, follow: bool) -> None:
    offset = 0
    while True:
        data, size = client.log(attempt.id, offset=offset, limit=PAGE)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        offset += len(data)
        if data and offset < size:
            continue
        if not follow or _ended(client, task, attempt):
            return
        time.sleep(LOOK_EVERY)


def _ended(client: ServiceClient, task: Task, attempt: Attempt) -> bool:
    now = client.task(task.id).attempts or ()
    return all(a.ended for a in now if a.id == attempt.id)
