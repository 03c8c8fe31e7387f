"""`conductor download`: bring a job's files home."""

from __future__ import annotations

import click

from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.progress import NoDisplay, open_display
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.watch import Watch, check_ended


@click.command("download")
@click.argument("job")
@click.option("--background", is_flag=True, help="Do not wait: the agent goes on by itself.")
@json_option
@pass_session
def download_command(session: Session, /, job: str, background: bool, as_json: bool) -> None:
    """Bring a job's frames home, those there are and those to come, to the paths that the artist chose.

    Every file is verified, and put in place in one step. What broke off goes on from where it was. A file that is newer
    than its rendered version is never touched: the frame is placed beside it as name.conductor-JOB.ext, and named here.
    Files are only ever written to the output folders that the job was submitted with. What could not be brought home
    before is tried again.

    \b
    Examples:
      conductor download 12
      conductor download 12 --background

    \b
    Exit codes:
      0  everything is home
      1  everything is home, but the job failed or was killed
      3  the service or the agent cannot be reached
      4  not logged in
      6  a file could not be brought home; the message says why
      7  there is no such job
    """
    found = session.client.job(job)
    session.agent.follow(found.id, service=session.login.address.service)
    if background:
        click.echo(f"The agent brings the files of job {found.number} home.")
        return
    try:
        if as_json:
            ended, state = Watch(session.client, NoDisplay(), session.agent, again=session.agent_again).job(found.id)
        else:
            with open_display() as display:
                ended, state = Watch(session.client, display, session.agent, again=session.agent_again).job(found.id)
    except KeyboardInterrupt:
        raise Ended(ExitCode.INTERRUPTED, "The download goes on in the background. See: conductor agent --status") from None
    if as_json:
        print_json(state)
    for path in (state or {}).get("kept_beside", ()):
        click.echo(f"Newer work was there, so the frame lies beside it: {path}", err=True)
    check_ended(ended, state)
