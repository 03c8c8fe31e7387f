"""`conductor download`: bring the files of a job, or of a project, home."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from conductor_core.agent_client import AgentClient
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.progress import Display, NoDisplay, Status, open_display
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.watch import LOOK_EVERY, Watch, ask_agent, check_ended
from conductor_core.transfer.places import check_names

_GOES_ON = "The download goes on in the background. See: conductor agent --status"


@click.command("download", context_settings={"max_content_width": 100})
@click.argument("job", required=False)
@click.option(
    "--project", "-p", metavar="NAME", help="All that the jobs of this project have published, the newest of each file."
)
@click.option(
    "--to",
    metavar="FOLDER",
    help="Write to this folder, instead of where the artist chose. What lies below the output folders keeps its way.",
)
@click.option(
    "--name",
    metavar="PATTERN",
    help="Call files so: {step}/{name}, {step}/{stem}.{frame:04}{ext} … Slashes make folders.",
)
@click.option(
    "--under", multiple=True, metavar="FOLDER", help="Of a project: only files published in this folder. May come again."
)
@click.option("--watch", is_flag=True, help="Go on for ever: the agent brings home whatever is published from now on too.")
@click.option("--share", default="", metavar="NAME", help="Agents that name the same share bring each file once between them.")
@click.option("--stop", is_flag=True, help="Bring no more home of JOB, or of the project with this KEY; what is home stays.")
@click.option("--background", is_flag=True, help="Do not wait: the agent goes on by itself.")
@json_option
@pass_session
def download_command(session: Session, /, job: str | None, **options: Any) -> None:
    """Bring files home: those there are and those to come, to the paths that the artist chose, or to a folder of yours.

    Every file is verified, and put in place in one step. What broke off goes on from where it was. A file that is newer
    than its rendered version is never touched: the frame is placed beside it as name.conductor-JOB.ext, and named here.
    Files are only ever written to the output folders that the job was submitted with, or to the folder that you name. What
    could not be brought home before is tried again.

    \b
    Of a project, or with --watch and no project of the whole account, say where files may be written:
      --to FOLDER     there, each at its whole path below
      --under FOLDER  at the paths that the artists chose, as far as they lie in these folders

    \b
    Patterns have {path} {folder} {name} {stem} {ext} {step} {frame} {frame:04} {job} {project}.

    \b
    Examples:
      conductor download 12
      conductor download 12 --to ~/dailies --name "{step}/{name}"
      conductor download --project dragons --to /mnt/backup
      conductor download --watch --under /show/renders --share farm-store
      conductor download 12 --background

    \b
    Exit codes:
      0  everything is home
      1  everything is home, but the job failed or was killed
      2  the options do not fit together
      3  the service or the agent cannot be reached
      4  not logged in
      6  a file could not be brought home; the message says why
      7  there is no such job or project
    """
    _check(job, options)
    if options["stop"]:
        _stop(session, str(job))
    elif job is not None:
        _bring_job(session, job, options)
    else:
        _bring_project(session, options)


def _check(job: str | None, options: Mapping[str, Any]) -> None:
    """Refuse options that do not fit together."""
    of_project = options["project"] is not None or options["watch"]
    if job is None and not of_project:
        raise click.UsageError("Give a JOB, or --project, or --watch for all of the account.")
    if job is not None and (of_project or options["under"]):
        raise click.UsageError("--project, --under and --watch are for projects; a job is followed to its end anyway.")
    if of_project and not (options["to"] or options["under"]):
        raise click.UsageError("Say where files may be written: --to FOLDER, or --under FOLDER for the artists' own paths.")


def _places(options: Mapping[str, Any]) -> dict[str, str | None]:
    """Return folder and names as the agent wants them; the folder is made, so that one that cannot be is told at once."""
    to = options["to"]
    if options["name"]:
        check_names(options["name"])
    if to:
        to = os.path.abspath(os.path.expanduser(to))
        try:
            os.makedirs(to, exist_ok=True)
        except OSError as exc:
            raise Ended(
                ExitCode.TRANSFER_FAILED, f"{to} cannot be made ({exc.strerror or exc}).", "Name another folder: --to FOLDER"
            ) from exc
    return {"to": to, "name": options["name"]}


def _stop(session: Session, job: str) -> None:
    found = session.client.job(job).id if job.isdigit() else job
    session.agent.unfollow(found)
    click.echo("Nothing more of it is brought home; what is home stays.")


def _bring_job(session: Session, job: str, options: Mapping[str, Any]) -> None:
    found = session.client.job(job)
    session.agent.follow(found.id, service=session.login.address.service, share=options["share"], **_places(options))
    if options["background"]:
        click.echo(f"The agent brings the files of job {found.number} home.")
        return

    def wait(display: Display) -> Any:
        return Watch(session.client, display, session.agent, again=session.agent_again).job(found.id)

    ended, state = _waited(wait, as_json=options["as_json"])
    _tell(state or {}, as_json=options["as_json"])
    check_ended(ended, state)


def _bring_project(session: Session, options: Mapping[str, Any]) -> None:
    project = options["project"] or ""
    if project and project not in {name for p in session.client.me().projects for name in (p.name, p.id)}:
        raise Ended(ExitCode.NOT_FOUND, f"There is no project {project!r}.", "See those that you are in: conductor login")
    under = [os.path.abspath(os.path.expanduser(folder)) for folder in options["under"]]
    wish = {**_places(options), "under": under, "share": options["share"]}
    key = session.agent.follow_project(project, service=session.login.address.service, watch=options["watch"], **wish)
    what = f"of project {project}" if project else "of all projects"
    if options["background"]:
        click.echo(f"The agent brings the files {what} home ({key}). No more: conductor download --stop {key}")
        return
    if options["watch"]:
        click.echo(
            f"Whatever is published {what} comes home, also after this ends. No more: conductor download --stop {key}", err=True
        )

    def wait(display: Display) -> dict[str, Any]:
        return _until_home(session.agent, display, key, again=session.agent_again)

    state = _waited(wait, as_json=options["as_json"])
    _tell(state, as_json=options["as_json"])
    if state["errors"] and not state["failed"] and not state["complete"]:
        raise Ended(ExitCode.TRANSFER_FAILED, state["errors"][0])
    if state["failed"]:
        raise Ended(
            ExitCode.TRANSFER_FAILED,
            f"{state['failed']} files are not home. {state['errors'][0]}",
            "Then try again, in the same words.",
        )


def _until_home(agent: AgentClient, display: Display, key: str, *, again: Callable[[], AgentClient]) -> dict[str, Any]:
    """Show what comes home until all of it has, and return what the agent says of it; one that is watched never ends."""
    while True:
        found, agent = ask_agent(agent, lambda asked: asked.downloads(key), again=again)
        if not found:
            raise Ended(ExitCode.TRANSFER_FAILED, "It was stopped: nothing more of it is brought home.")
        display.show(Status(download=found[0]))
        if found[0]["complete"]:
            return found[0]
        time.sleep(LOOK_EVERY)


def _waited(wait: Callable[[Display], Any], *, as_json: bool) -> Any:
    try:
        if as_json:
            return wait(NoDisplay())
        with open_display() as display:
            return wait(display)
    except KeyboardInterrupt:
        raise Ended(ExitCode.INTERRUPTED, _GOES_ON) from None


def _tell(state: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(state or None)
    for path in state.get("kept_beside", ()):
        click.echo(f"Newer work was there, so the frame lies beside it: {path}", err=True)
