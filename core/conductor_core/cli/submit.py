"""`conductor submit`: ask the host, check, hand over to the agent, and watch if wanted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.console import Console

from conductor_core.cli.describe import existing_scene
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.looking import Look, Question, look_at
from conductor_core.cli.output_places import check_not_read, check_writable
from conductor_core.cli.progress import NoDisplay, open_display
from conductor_core.cli.scan import ask_host
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.submission_form import (
    Wishes,
    command_submission,
    output_pattern,
    parse_environment,
    parse_pair,
    scene_submission,
)
from conductor_core.cli.watch import Watch, check_ended
from conductor_core.documents import to_json
from conductor_core.formats.studio import load_readers
from conductor_core.host import SceneDescription
from conductor_core.report import Missing, ScanReport
from conductor_core.submission import Submission


@click.command("submit", context_settings={"max_content_width": 100})
@click.argument("scene", required=False, metavar="[SCENE]")
@click.option(
    "--command",
    metavar="TEXT",
    help="Instead of a scene: a program with its words, run once per task. {frame}, {frames}, {first} and {last} are replaced.",
)
@click.option("--project", "-p", default="", help="Project name. Default: submit.project of settings.yaml, or your only one.")
@click.option("--frames", "-f", default="", help="Frames: 1-10, 1-100x5, 1,5,9-12. Default: the scene's own range.")
@click.option("--chunk-size", type=click.IntRange(1), help="Frames per task.  [default: 1]")
@click.option(
    "--instance-type", "-t", default="", help="Kind of machine. Default: submit.instance_type of settings.yaml, or the only one."
)
@click.option("--max-instances", type=click.IntRange(0), default=0, help="Machines to use at once; 0: as many as you may have.")
@click.option("--preemptible/--on-demand", default=None, help="Cheaper machines that may be taken away.")
@click.option("--title", default="", help="What the job is called. Default: the name of the scene.")
@click.option("--priority", type=click.IntRange(0, 100), help="Higher comes first.  [default: 50]")
@click.option("--retries", type=click.IntRange(0), default=1, show_default=True, help="How often a failed task is tried again.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="NAME",
    help="Scene, layer or write node to render, several times for several. Default: those enabled.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FOLDER/PATTERN",
    help="Write there instead of where the scene says; # for the frame: out/shot_####.exr",
)
@click.option(
    "--software", default="", metavar="NAME@VERSION", help="Render with this package. Default: what the scene was asked with."
)
@click.option(
    "--file", "files", multiple=True, metavar="PATH", type=click.Path(exists=True), help="Send this file or folder too."
)
@click.option("--project-root", default="", metavar="FOLDER", help="The project's folder, where the scene is not inside of it.")
@click.option("--readers", multiple=True, metavar="FOLDER", help="Load the readers of a studio from this folder too.")
@click.option(
    "--host/--no-host",
    "ask_host",
    default=None,
    help="Insist that the host is asked, or read the file only.  [default: asked where it is here]",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Set a variable on the instance, and while the scene is read.")
@click.option("--env-append", multiple=True, metavar="NAME=VALUE", help="Append to a variable, such as a path list.")
@click.option("--env-prepend", multiple=True, metavar="NAME=VALUE", help="Prepend to a variable.")
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="Note on the job, to find and bill it by.")
@click.option("--allow-missing", is_flag=True, help="Submit even though files are missing.")
@click.option("--download/--no-download", default=True, help="Bring frames home as they finish.  [default: download]")
@click.option("--wait", is_flag=True, help="Stay until the job has ended and its frames are home.")
@click.option("--background", is_flag=True, help="Do not even wait for the upload: the agent goes on by itself.")
@click.option("--dry-run", is_flag=True, help="Print the submission and its files as JSON, and send nothing.")
@json_option
@pass_session
def submit_command(session: Session, /, scene: str | None, command: str | None, **options: Any) -> None:
    """Render a scene on the farm.

    The scene is read without its application; where the host is here (Blender), it is opened there in the background and
    asked as well. Files that are missing are listed with who wants them, before anything is sent. The agent then sends what the farm does not have yet, and the frames are brought
    home, to the paths that the scene names, as they finish.

    Without --wait this returns when everything is sent; with --background at once. Ctrl-C never stops a job: it goes on,
    and so do upload and download; come back with `conductor job N --wait`.

    \b
    Examples:
      conductor submit shot.blend --frames 1-100 --wait
      conductor submit shot.blend -p dragons -t large -f 1-100x10 --title "shot 10, every tenth"
      conductor submit shot.blend --frames 7 --output ~/tests/seven_####.exr
      conductor submit comp.nk --frames 1001-1100 --step Write1 --software nuke@15.1
      conductor submit --command "bash /show/tools/bake.sh {frame}" -f 1-8 \\
          --file /show/tools/bake.sh --output /show/cache/bake_####.vdb

    \b
    Exit codes:
      0  submitted; with --wait: rendered, and every file is home
      1  the job failed or was killed (--wait)
      2  the command line, settings or frame range cannot be understood, or the scene cannot be rendered like that
      3  the service or the agent cannot be reached
      4  not logged in, or without the right
      5  files are missing (and no --allow-missing)
      6  a file could not be read, sent or brought home, or an output folder cannot be written
      8  the service refuses: unknown project, instance type, software
      9  the host could not be asked about the scene: with --host, or where our own reading failed as well
    """
    if (scene is None) == (command is None):
        raise click.UsageError("Give either a SCENE or --command.")
    wishes = _wishes(session, options, base=os.path.dirname(os.path.abspath(scene)) if scene else os.getcwd())
    extra = [os.path.abspath(f) for f in options["files"]]
    if scene is not None:
        submission, found = _scene_job(session, scene, wishes, options)
        files = [*found, *extra]
    else:
        submission = command_submission(command or "", wishes)
        files = extra
    if options["download"]:
        check_writable(submission)
    if options["dry_run"]:
        print_json({"submission": to_json(submission), "files": files})
        return
    _hand_over(session, submission, files, options)


def _scene_job(session: Session, scene: str, wishes: Wishes, options: Mapping[str, Any]) -> tuple[Submission, tuple[str, ...]]:
    """Look at a scene; return its submission, and the files that it reads."""
    path = existing_scene(scene)
    question = Question(
        path,
        wishes.frames,
        project_root=os.path.abspath(options["project_root"]) if options["project_root"] else "",
        # what is set on the instance is what paths mean there
        variables={variable.name: variable.value for variable in wishes.environment if variable.policy == "exclusive"},
        ask_host=ask_host(options["ask_host"]),
    )
    for problem in load_readers(options["readers"], session.settings):
        click.echo(problem, err=True)
    with _status("Looking at the scene …", quiet=options["as_json"]):
        look = look_at(question, session.settings.hosts)
    description = _description(look)
    for note in look.notes:
        click.echo(note, err=True)
    _check_missing(description.report, allowed=options["allow_missing"])
    allowed = tuple(m.path for m in description.report.missing)
    submission = scene_submission(path, description, wishes, allowed_missing=allowed)
    files = tuple(description.report.files())
    check_not_read(submission, (path, *files))
    return submission, files


def _description(look: Look) -> SceneDescription:
    """Return what can be rendered; what the host itself cannot open, it cannot render either."""
    if look.host_failed is not None:
        raise look.host_failed
    if look.description is None:
        raise Ended(
            ExitCode.USAGE,
            f"{look.report.scene} is no scene that can be rendered by itself ({look.report.format}).",
            "Submit the scene that reads it, or give the program that renders it with --command.",
        )
    return look.description


def _wishes(session: Session, options: Mapping[str, Any], *, base: str) -> Wishes:
    settings = session.settings.submit
    preemptible = settings.preemptible if options["preemptible"] is None else bool(options["preemptible"])
    dry = bool(options["dry_run"])
    return Wishes(
        project=options["project"] or settings.project or _only_project(session, dry=dry),
        instance_type=options["instance_type"] or settings.instance_type or _only_instance_type(session, dry=dry),
        frames=options["frames"],
        chunk_size=options["chunk_size"] or settings.chunk_size,
        title=options["title"],
        priority=settings.priority if options["priority"] is None else options["priority"],
        preemptible=preemptible,
        max_instances=options["max_instances"],
        retries=options["retries"],
        steps=options["steps"],
        outputs=tuple(output_pattern(os.path.expanduser(o), base) for o in options["outputs"]),
        software=options["software"],
        environment=(
            *parse_environment(options["env"], "exclusive", "--env"),
            *parse_environment(options["env_append"], "append", "--env-append"),
            *parse_environment(options["env_prepend"], "prepend", "--env-prepend"),
        ),
        metadata=tuple(parse_pair(text, "--metadata") for text in options["metadata"]),
    )


def _only_project(session: Session, *, dry: bool) -> str:
    projects = session.client.me().projects
    if len(projects) == 1:
        return projects[0].name
    if dry and not projects:
        return ""
    names = ", ".join(p.name for p in projects) or "none"
    raise Ended(ExitCode.USAGE, "Which project is this for?", f"Say --project NAME; you are in: {names}.")


def _only_instance_type(session: Session, *, dry: bool) -> str:
    types = session.client.catalogue().instance_types
    if len(types) == 1:
        return types[0].name
    if dry and not types:
        return ""
    lines = "".join(f"\n  {t.name}  {t.description}  {t.price_per_hour} per hour" for t in types)
    raise Ended(ExitCode.USAGE, "Which kind of machine?", f"Say --instance-type NAME:{lines}")


def _check_missing(report: ScanReport, *, allowed: bool) -> None:
    if not report.missing:
        return
    lines = "\n".join(_missing_line(m) for m in report.missing)
    count = f"{len(report.missing)} file{'s' if len(report.missing) > 1 else ''} of the scene {'are' if len(report.missing) > 1 else 'is'} missing"
    if not allowed:
        raise Ended(ExitCode.MISSING_FILES, f"{count}:\n{lines}\n", "Restore them, or go on without them: --allow-missing")
    click.echo(f"{count}, and allowed to be:\n{lines}", err=True)


def _missing_line(missing: Missing) -> str:
    written = "" if missing.as_written == missing.path else f", written {missing.as_written}"
    return f"  {missing.path}\n      {missing.kind} of {missing.referrer}{written}: {missing.reason}"


def _hand_over(session: Session, submission: Submission, files: list[str], options: Mapping[str, Any]) -> None:
    currency = session.client.cost(project=submission.project).currency if options["wait"] else ""
    identity = session.agent.submit(submission, files, download=bool(options["download"]), service=session.login.address.service)
    if options["background"]:
        if options["as_json"]:
            print_json({"submission": identity})
        else:
            click.echo(f"The agent has it (submission {identity}); see: conductor agent --status")
        return
    number = 0
    try:
        with _display(options) as display:
            watch = Watch(session.client, display, session.agent, currency, again=session.agent_again)
            now = watch.submission(identity)
            number = int(now["number"])
            job = download = None
            if options["wait"]:
                watch.agent = session.agent if options["download"] else None
                job, download = watch.job(str(now["job"]))
    except KeyboardInterrupt:
        raise Ended(ExitCode.INTERRUPTED, _interrupted(number, bool(options["download"]))) from None
    if options["as_json"]:
        print_json({**now, "job_state": job.state if job else None, "download": download})
    elif job is None:
        click.echo(f"Job {number} is submitted. Watch it: conductor job {number} --wait")
    else:
        click.echo(f"Job {number}: {job.state}.")
    for path in (download or {}).get("kept_beside", ()):
        click.echo(f"Newer work was there, so the frame lies beside it: {path}", err=True)
    if job is not None:
        check_ended(job, download)


def _interrupted(number: int, download: bool) -> str:
    if not number:
        return "The upload goes on in the background, and the job after it. See: conductor agent --status"
    home = f", and bring its frames home: conductor download {number}" if not download else ", and so do its downloads"
    return f"Job {number} goes on{home}. Come back to it: conductor job {number} --wait"


@contextlib.contextmanager
def _display(options: Mapping[str, Any]) -> Iterator[Any]:
    if options["as_json"]:
        yield NoDisplay()
    else:
        with open_display() as display:
            yield display


@contextlib.contextmanager
def _status(text: str, *, quiet: bool) -> Iterator[None]:
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
    else:
        with console.status(text):
            yield
