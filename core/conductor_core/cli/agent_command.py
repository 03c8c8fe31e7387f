"""`conductor agent`: the program in the background that moves files."""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import click

from conductor_core.agent.run import Agent, run_agent
from conductor_core.agent_client import connect
from conductor_core.agent_start import LOG_FILE, record_agent_command
from conductor_core.cli.progress import Status, line_of
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.errors import AgentError
from conductor_core.user_folders import UserFolders, private_folder

#: bytes of a log file, and how many are kept
LOG_SIZE, LOGS = 4 << 20, 3


@click.command("agent")
@click.option("--start", "wish", flag_value="start", help="Start it in the background, if it does not run.")
@click.option("--status", "wish", flag_value="status", help="Show what it does.")
@click.option("--stop", "wish", flag_value="stop", help="End it now; what is unfinished goes on after its next start.")
@click.option("--stop-when-idle", "wish", flag_value="idle", help="End it when it has nothing left to do.")
@click.option("--verbose", is_flag=True, help="Log each request.")
@json_option
@pass_session
def agent_command(session: Session, /, wish: str | None, verbose: bool, as_json: bool) -> None:
    """Run the agent, or speak to it.

    The agent hashes, uploads and downloads, one per user and machine. `conductor submit` and the panels start it when
    they need it, so you rarely need this command. Killed at any moment, it goes on after its next start. It ends by
    itself when it has been idle for long (agent.idle_minutes in settings.yaml). Without an option it runs here, in the
    foreground.

    \b
    Examples:
      conductor agent --status
      conductor agent --stop
      conductor agent                 in the foreground, to watch its log

    Exit codes: 0 done, or one runs already; 3 it does not run (--status, --stop) or does not start.
    """
    if wish is None:
        _run(session, verbose)
    elif wish == "start":
        status = session.agent.status()
        click.echo(f"The agent runs (process {status['pid']}).")
    elif wish == "status":
        _show(session, as_json)
    else:
        connect(start=False, folders=session.folders).quit(now=wish == "stop")
        click.echo("The agent ends." if wish == "stop" else "The agent ends when it has nothing left to do.")


def _run(session: Session, verbose: bool) -> None:
    record_agent_command(session.folders)
    _log_to_file(session.folders, verbose)
    if not run_agent(session.folders, session.settings.agent, ready=_end_on_signals):
        click.echo("An agent of yours runs already.", err=True)


def _end_on_signals(agent: Agent) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: agent.stop())
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal does not end an upload


def _log_to_file(folders: UserFolders, verbose: bool) -> None:
    private_folder(folders.state)
    path = folders.state / LOG_FILE
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(path, maxBytes=LOG_SIZE, backupCount=LOGS, encoding="utf-8")
    ]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    # ours alone: requests and urllib3 log whole URLs
    log = logging.getLogger("conductor")
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)


def _show(session: Session, as_json: bool) -> None:
    agent = connect(start=False, folders=session.folders)
    try:
        status, submissions, downloads = agent.status(), agent.submissions(), agent.downloads()
    except AgentError as exc:
        raise AgentError("The agent does not run.", "Start it: conductor agent --start") from exc
    if as_json:
        print_json({**status, "submissions": submissions, "downloads": downloads})
        return
    click.echo(f"agent {status['version']}, process {status['pid']}, service {status['service'] or 'none: log in first'}")
    for submission in submissions[:10]:
        click.echo(f"  {_submission_words(submission)}")
    for download in downloads[-10:]:
        words = line_of(Status(download=download)) or "nothing to bring home yet"
        click.echo(f"  download of job {download['number'] or download['job']}: {words}")


def _submission_words(submission: Mapping[str, Any]) -> str:
    name = f"job {submission['number']}" if submission["number"] else f"submission {submission['id']}"
    error = submission.get("error")
    reason = f": {error['message']}" if error and submission["state"] == "failed" else ""
    words = line_of(Status(submission))
    return f"{name} {submission['state']}{f': {words}' if words else ''}{reason}"
