"""The options of `conductor submit`, in the order of its help: what, where, with what, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click

from conductor_core.submission import Occasion

_OPTIONS = (
    click.option(
        "--command",
        metavar="TEXT",
        help="A program with its words, run once per task, instead of a scene or to render it. {frame:04}, {frames}, {first} and {last} are replaced; {scene} and {step} too.",
    ),
    click.option("--project", "-p", default="", help="Project name. Default: submit.project of settings.yaml, or your only one."),
    click.option("--frames", "-f", default="", help="Frames: 1-10, 1-100x5, 1,5,9-12. Default: the scene's own range."),
    click.option(
        "--scouts",
        default="",
        metavar="SPEC",
        help="Render these first, and hold the others until they are released: 1,50,100, auto:3 or fml:3.",
    ),
    click.option("--chunk-size", type=click.IntRange(1), help="Frames per task.  [default: 1]"),
    click.option(
        "--instance-type",
        "-t",
        default="",
        help="Kind of machine. Default: submit.instance_type of settings.yaml, or the only one.",
    ),
    click.option(
        "--max-instances", type=click.IntRange(0), default=0, help="Machines to use at once; 0: as many as you may have."
    ),
    click.option("--preemptible/--on-demand", default=None, help="Cheaper machines that may be taken away."),
    click.option("--title", default="", help="What the job is called. Default: the name of the scene."),
    click.option("--priority", type=click.IntRange(0, 100), help="Higher comes first.  [default: 50]"),
    click.option(
        "--retries", type=click.IntRange(0), default=1, show_default=True, help="How often a task that failed is tried again."
    ),
    click.option(
        "--retries-preemption",
        type=click.IntRange(0),
        default=5,
        show_default=True,
        help="How often a task is tried again whose machine was taken away.",
    ),
    click.option(
        "--task-minutes", type=click.IntRange(0), default=0, help="Give a task up that takes longer than this; 0: no limit."
    ),
    click.option(
        "--step",
        "steps",
        multiple=True,
        metavar="NAME",
        help="Scene, layer or write node to render, several times for several. Default: those enabled.",
    ),
    click.option("--step-frames", multiple=True, metavar="NAME=FRAMES", help="Frames of this step alone."),
    click.option(
        "--step-chunk-size", "step_chunk_sizes", multiple=True, metavar="NAME=N", help="Frames per task of this step alone."
    ),
    click.option("--step-scouts", multiple=True, metavar="NAME=SPEC", help="Scout frames of this step alone."),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="FOLDER/PATTERN",
        help="Write there instead of where the scene says; # for the frame: out/shot_####.exr",
    ),
    click.option(
        "--step-output",
        "step_outputs",
        multiple=True,
        metavar="NAME=FOLDER/PATTERN",
        help="The same for one step of several; again for its second output.",
    ),
    click.option(
        "--software", default="", metavar="NAME@VERSION", help="Render with this package. Default: what the scene was asked with."
    ),
    click.option(
        "--plug-in",
        "plug_ins",
        multiple=True,
        metavar="NAME@VERSION",
        help="A package that the software needs too, such as mtoa@5.4.",
    ),
    click.option(
        "--file", "files", multiple=True, metavar="PATH", type=click.Path(exists=True), help="Send this file or folder too."
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATH=REASON",
        help="Leave this file, folder or pattern at home; the job shows the reason.",
    ),
    click.option(
        "--project-root", default="", metavar="FOLDER", help="The project's folder, where the scene is not inside of it."
    ),
    click.option("--readers", multiple=True, metavar="FOLDER", help="Load the readers of a studio from this folder too."),
    click.option(
        "--host/--no-host",
        "ask_host",
        default=None,
        help="Insist that the host is asked, or read the file only.  [default: asked where it is here]",
    ),
    click.option(
        "--env", multiple=True, metavar="NAME=VALUE", help="Set a variable on the instance, and while the scene is read."
    ),
    click.option("--env-append", multiple=True, metavar="NAME=VALUE", help="Append to a variable, such as a path list."),
    click.option("--env-prepend", multiple=True, metavar="NAME=VALUE", help="Prepend to a variable."),
    click.option(
        "--plug-in-folder",
        "plug_in_folders",
        multiple=True,
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        help="Send a folder of scripts and plug-ins, and have the software look there.",
    ),
    click.option(
        "--startup",
        multiple=True,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="Send a Python file that the software runs once the scene is loaded.",
    ),
    click.option(
        "--before-task",
        default="",
        metavar="TEXT",
        help="A program with its words, run before each task; files that it names are sent. {frame} and its like are replaced.",
    ),
    click.option("--after-task", default="", metavar="TEXT", help="The same after each task whose frames were rendered."),
    click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="Note on the job, to find and bill it by."),
    click.option("--notify", multiple=True, metavar="EMAIL", help="Write to this address about the job."),
    click.option(
        "--notify-on",
        multiple=True,
        metavar="OCCASION",
        type=click.Choice(get_args(Occasion)),
        help="When to write: scouts, success, failed, killed.  [default: all but killed]",
    ),
    click.option("--allow-missing", is_flag=True, help="Submit even though files are missing."),
    click.option("--download/--no-download", default=True, help="Bring frames home as they finish.  [default: download]"),
    click.option("--wait", is_flag=True, help="Stay until the job has ended and its frames are home."),
    click.option("--background", is_flag=True, help="Do not even wait for the upload: the agent goes on by itself."),
    click.option("--dry-run", is_flag=True, help="Print the submission and its files as JSON, and send nothing."),
)


def submission_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all options that a submission is made of."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
