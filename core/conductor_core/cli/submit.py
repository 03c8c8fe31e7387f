"""`conductor submit`: ask the host, check, hand over to the agent, and watch if wanted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from rich.console import Console

from conductor_core.agent_client import SceneReading
from conductor_core.cli.command_files import files_of_command
from conductor_core.cli.company import read_exclusions, read_scripts
from conductor_core.cli.describe import existing_scene
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.looking import Look, Question, look_at
from conductor_core.cli.output_places import check_not_read, check_one_file, check_writable
from conductor_core.cli.progress import NoDisplay, open_display
from conductor_core.cli.scan import ask_host
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.step_wishes import StepWishes
from conductor_core.cli.submission_form import (
    Wishes,
    by_command,
    command_places,
    command_submission,
    frames_beyond,
    output_pattern,
    parse_environment,
    parse_pair,
    scene_submission,
    words_of,
)
from conductor_core.cli.submit_options import submission_options
from conductor_core.cli.watch import Watch, check_ended
from conductor_core.documents import to_json
from conductor_core.exclusions import Exclusions
from conductor_core.feeding import fed_in
from conductor_core.formats.studio import load_readers
from conductor_core.host import SceneDescription
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.report import Missing
from conductor_core.submission import Notifications, Submission


@click.command("submit", context_settings={"max_content_width": 100})
@click.argument("scene", required=False, metavar="[SCENE]")
@submission_options
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
      conductor submit shot.blend --scouts fml:3 --startup setup.py --notify mika@studio.example
      conductor submit --command "/show/tools/bake.sh {frame}" -f 1-8 --output /show/cache/bake_####.vdb
      conductor submit shot.ma --command "Render -r arnold -s {first} -e {last} {scene}" --chunk-size 5

    \b
    Exit codes:
      0  submitted; with --wait: rendered, and every file is home
      1  the job failed or was killed (--wait)
      2  the command line, settings or frame range cannot be understood, or the scene cannot be rendered like that
      3  the service or the agent cannot be reached
      4  not logged in, or without the right
      5  files are missing (and no --allow-missing)
      6  a file could not be read, sent or brought home, or an output folder cannot be written
      8  the service refuses: unknown project, instance type, software, plug-in
      9  the host could not be asked about the scene: with --host, or where our own reading failed as well
    """
    if scene is None and command is None:
        raise click.UsageError("Give a SCENE, or --command, or both: a scene that the command renders.")
    wishes = _wishes(session, options, base=os.path.dirname(os.path.abspath(scene)) if scene else os.getcwd())
    wishes, needed = _with_scripts(wishes, options)
    extra = [*(os.path.abspath(f) for f in options["files"]), *needed]
    submission, found, reading = _job(session, scene, command, wishes, options)
    check_one_file(submission)
    submission, read = _command_files(submission, options)
    files = list(dict.fromkeys((*found, *read, *extra)))
    if options["download"]:
        check_writable(submission)
    if options["dry_run"]:
        print_json({"submission": to_json(submission), "files": files})
        return
    _hand_over(session, submission, files, options, reading=reading and replace(reading, named=(*read, *extra)))


def _job(
    session: Session, scene: str | None, command: str | None, wishes: Wishes, options: Mapping[str, Any]
) -> tuple[Submission, tuple[str, ...], SceneReading | None]:
    """Return the submission of a scene, a command, or a scene that a command renders; and the files that the scene reads,
    with how it is read to find those that no scout frame needs.
    """
    if scene is None:
        return command_submission(command or "", wishes), (), None
    submission, found, reading = _scene_job(session, scene, wishes, options, by_scene=command is None)
    if command is None:
        return submission, found, reading
    return by_command(submission, words_of(command)), found, None  # of a program nobody knows what it reads for a frame


def _scene_job(
    session: Session, scene: str, wishes: Wishes, options: Mapping[str, Any], *, by_scene: bool = True
) -> tuple[Submission, tuple[str, ...], SceneReading]:
    """Look at a scene; return its submission, the files that it reads, and how it was read.

    Not `by_scene`: a program of the artist's renders it.
    """
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
        more = frames_beyond(_description(look), wishes)
        question = replace(question, frames=more) if more else question
        look = look_at(question, session.settings.hosts) if more else look
    description = _description(look)
    for note in look.notes:
        click.echo(note, err=True)
    left = Exclusions(wishes.excluded, local_flavour())
    if not by_scene:
        description = replace(description, steps=tuple(replace(step, command=()) for step in description.steps))
    submission = scene_submission(path, description, wishes, allowed_missing=())
    fed = fed_in(submission.steps)
    missing = [m for m in description.report.missing if not (left.covers(m.path) or fed.maker_of(m.path))]
    _check_missing(missing, allowed=options["allow_missing"])
    submission = replace(submission, allowed_missing=tuple(m.path for m in missing))
    files = tuple(file for file in description.report.files() if not left.covers(file))
    check_not_read(submission, (path, *files))
    return submission, files, question.reading(options["readers"])


def _lies_in(path: str, folder: str) -> bool:
    flavour = local_flavour()
    return ClientPath.parse(path, flavour).is_within(ClientPath.parse(folder, flavour))


def _command_files(submission: Submission, options: Mapping[str, Any]) -> tuple[Submission, tuple[str, ...]]:
    """Return the files that the submission's commands name, and the submission with those that may be missing."""
    left = Exclusions(submission.excluded, local_flavour())
    named = [os.path.abspath(file) for file in options["files"]]
    files: list[str] = []
    missing: list[Missing] = []
    for words, tasks, outputs in command_places(submission):
        found = files_of_command(words, tasks, outputs)
        files += [file for file in found.files if file != submission.scene and not left.covers(file)]
        missing += [one for one in found.missing if not left.covers(one.path)]
        for folder in found.folders:
            if not any(_lies_in(one, folder) for one in named):
                click.echo(f"{folder} is a folder: what the command reads of it goes along by --file.", err=True)
    _check_missing(missing, allowed=options["allow_missing"], owner="command")
    check_not_read(submission, files)
    return replace(submission, allowed_missing=(*submission.allowed_missing, *(m.path for m in missing))), tuple(files)


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
        retries_preemption=options["retries_preemption"],
        task_minutes=options["task_minutes"],
        scouts=options["scouts"],
        steps=options["steps"],
        outputs=tuple(output_pattern(o, base) for o in options["outputs"]),
        by_step=StepWishes(options["step_frames"], options["step_chunk_sizes"], options["step_scouts"], options["step_outputs"]),
        base=base,
        software=options["software"],
        plug_ins=options["plug_ins"],
        notifications=Notifications(options["notify"], options["notify_on"] or Notifications().on),
        excluded=read_exclusions(options["exclude"]),
        environment=(
            *parse_environment(options["env"], "exclusive", "--env"),
            *parse_environment(options["env_append"], "append", "--env-append"),
            *parse_environment(options["env_prepend"], "prepend", "--env-prepend"),
        ),
        metadata=tuple(parse_pair(text, "--metadata") for text in options["metadata"]),
    )


def _with_scripts(wishes: Wishes, options: Mapping[str, Any]) -> tuple[Wishes, tuple[str, ...]]:
    """Return the wishes with the scripts that go along, and the files that these need."""
    scripts, files = read_scripts(options)
    return replace(wishes, scripts=scripts), files


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


def _check_missing(missing: Sequence[Missing], *, allowed: bool, owner: str = "scene") -> None:
    if not missing:
        return
    lines = "\n".join(_missing_line(m) for m in missing)
    count = f"{len(missing)} file{'s' if len(missing) > 1 else ''} of the {owner} {'are' if len(missing) > 1 else 'is'} missing"
    if not allowed:
        raise Ended(
            ExitCode.MISSING_FILES,
            f"{count}:\n{lines}\n",
            "Restore them, or go on without: --allow-missing, or --exclude PATH=REASON for one.",
        )
    click.echo(f"{count}, and allowed to be:\n{lines}", err=True)


def _missing_line(missing: Missing) -> str:
    written = "" if missing.as_written == missing.path else f", written {missing.as_written}"
    return f"  {missing.path}\n      {missing.kind} of {missing.referrer}{written}: {missing.reason}"


def _hand_over(
    session: Session, submission: Submission, files: list[str], options: Mapping[str, Any], *, reading: SceneReading | None
) -> None:
    currency = session.client.cost(project=submission.project).currency if options["wait"] else ""
    if submission.notifications.emails and not session.client.catalogue().sends_email:
        click.echo(
            f"{session.login.address.service} sends no e-mails: nobody is told, unless its administrator names a mail server.",
            err=True,
        )
    service = session.login.address.service
    identity = session.agent.submit(submission, files, download=bool(options["download"]), service=service, reading=reading)
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
