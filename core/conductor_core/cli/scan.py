"""`conductor scan`: what a scene needs, as a tree or as JSON."""

from __future__ import annotations

import os
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from conductor_core.cli.describe import existing_scene
from conductor_core.cli.explaining import Explaining, explanation_tree
from conductor_core.cli.looking import AskHost, Look, Question, look_at
from conductor_core.cli.report_tree import TERMINAL_LINES, report_tree
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.submission_form import parse_pair
from conductor_core.discovery.crosscheck import disagreement
from conductor_core.formats.studio import load_readers

#: columns in a pipe or file, so that no path is cut
PIPE_WIDTH = 10_000


@click.command("scan", context_settings={"max_content_width": 100})
@click.argument("scene", metavar="FILE")
@click.option("--frames", "-f", default="", help="Look for the files of these frames only. Default: the scene's own range.")
@click.option(
    "--project-root",
    default="",
    metavar="FOLDER",
    help="The project's folder, where the scene is not inside of it (Maya's project, Houdini's $JOB).",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Read the scene as if this variable were set.")
@click.option("--readers", multiple=True, metavar="FOLDER", help="Load the readers of a studio from this folder too.")
@click.option(
    "--host/--no-host",
    "ask_host",
    default=None,
    help="Insist that the host is asked, or read the file only, in milliseconds.  [default: asked where it is here]",
)
@click.option(
    "--explain", default="", metavar="PATTERN", help="Show which reader said what of each text, path or node like this."
)
@json_option
@pass_session
def scan_command(session: Session, /, scene: str, **options: Any) -> None:
    """Show what a scene needs, and what of that is missing.

    The file is read without its application, and so is each file that it points to; its format is told by what is in it.
    Where the host is here (Blender), it is asked too, and what only one of the two sees is marked. Nothing is sent
    anywhere. Everything that looks like a path ends in one of five lists: found, missing, unresolved (it cannot be
    evaluated), written (outputs), ignored (with the reason).

    \b
    Examples:
      conductor scan shot.ma
      conductor scan comp.nk --frames 1001-1008 --json --no-host > report.json
      conductor scan shot.hip --env JOB=/show/dragons --project-root /show/dragons
      conductor scan shot.ma --explain "*wood*"

    \b
    Exit codes:
      0  scanned, whether or not something is missing
      2  no reader or host knows the format, the file is damaged, or frames or --env cannot be understood
      5  there is no such file
      6  the file cannot be read
      9  the host could not be asked: with --host, or where our own reading failed as well
    """
    path = existing_scene(scene)
    question = Question(
        path,
        options["frames"],
        project_root=os.path.abspath(options["project_root"]) if options["project_root"] else "",
        variables=dict(parse_pair(text, "--env") for text in options["env"]),
        ask_host=ask_host(options["ask_host"]),
    )
    for problem in load_readers(options["readers"], session.settings):
        click.echo(problem, err=True)
    explaining = Explaining(options["explain"])
    look = look_at(question, session.settings.hosts, listen=explaining if options["explain"] else None)
    if options["explain"]:
        explaining.hear_host(look.report)
    for note in look.notes:
        click.echo(note, err=True)
    if options["as_json"]:
        print_json({"findings": explaining.found} if options["explain"] else look.report)
    elif options["explain"]:
        _console().print(explanation_tree(explaining))
    else:
        _print_look(look)


def ask_host(wish: bool | None) -> AskHost:
    """Return what `--host`, `--no-host` or neither means."""
    if wish is None:
        return "auto"
    return "always" if wish else "never"


def _print_look(look: Look) -> None:
    console = _console()
    console.print(report_tree(look.report, lines=TERMINAL_LINES if console.is_terminal else None))
    counted = disagreement(look.report)
    if counted.host_only or counted.file_only:
        console.print(
            f"[magenta]The host and our own reading disagree: {counted.host_only} that only the host sees, "
            f"{counted.file_only} that only our reading sees.[/magenta]"
        )
    for step in look.description.steps if look.description else ():
        if step.problem:
            console.print(f"[red]Step {escape(repr(step.name))} {escape(step.problem)}: it cannot be rendered.[/red]")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)
