"""What the preview says: a planned submission as rows, tasks, commands and JSON. No Qt; it is made in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conductor_core.documents import to_json
from conductor_core.frames import FrameSet, format_frames, scout_frames
from conductor_core.submission import Submission
from conductor_core.task_words import fill_words

from conductor_plugins.form.build import Planned, planned
from conductor_plugins.form.secrets import is_secret, masked
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.command_words import joined_words
from conductor_plugins.panel.figures import count, size_text


@dataclass(frozen=True)
class Task:
    """What one instance takes at a time."""

    step: str
    frames: tuple[int, ...]
    #: it runs first, and all that are none hold until they are released
    scout: bool


@dataclass(frozen=True)
class Preview:
    """All that the preview shows; secrets are masked in every text of it."""

    planned: Planned
    #: group, name and value; a group's name stands with its first row
    summary: tuple[tuple[str, str, str], ...]
    tasks: tuple[Task, ...]
    commands: str
    json: str


def preview_of(situation: Situation, identity: str) -> Preview:
    """Return what would be sent.

    Raises:
        FormError: nothing can be sent as the form stands.
    """
    plan = planned(situation, identity=identity)
    job = shown(plan.submission)
    tasks = tuple(sorted(_tasks(job), key=lambda task: not task.scout))
    return Preview(
        plan,
        tuple(_summary(situation, plan, job, tasks)),
        tasks,
        _commands(job, tasks),
        json.dumps(to_json(job), indent=2, ensure_ascii=False),
    )


def shown(submission: Submission) -> Submission:
    """Return a submission without the values of its secrets."""
    environment = tuple(replace(v, value=masked(v.value)) if is_secret(v.name, v.value) else v for v in submission.environment)
    metadata = {key: masked(value) if is_secret(key, value) else value for key, value in submission.metadata.items()}
    return replace(submission, environment=environment, metadata=metadata)


def _tasks(job: Submission) -> Iterator[Task]:
    for step in job.steps:
        frames = FrameSet.parse(step.frames)
        scouts = frozenset(scout_frames(step.scouts, frames.frames))
        for chunk in frames.chunks(step.chunk_size):
            yield Task(step.name, chunk, not scouts.isdisjoint(chunk))


def _summary(situation: Situation, plan: Planned, job: Submission, tasks: tuple[Task, ...]) -> Iterator[tuple[str, str, str]]:
    scouts = sum(task.scout for task in tasks)
    yield from (("Job", "Title", job.title), ("", "Project", job.project), ("", "Scene", job.scene))
    for number, step in enumerate(job.steps):
        frames = FrameSet.parse(step.frames)
        of = f"{step.frames}: {count(len(frames), 'frame')}, {step.chunk_size} a task"
        yield ("" if number else "Steps", step.name, of + (f", scouts {step.scouts}" if step.scouts else ""))
        yield from (("", "", f"writes {output.path}") for output in step.outputs)
    held = f", {scouts:,} of them first and the rest held until you release them" if scouts else ""
    yield ("Tasks", "", f"{len(tasks):,}{held}")
    yield ("Machines", "Instance type", job.instance_type + (", preemptible" if job.preemptible else ""))
    most = f"{job.max_instances:,} at most" if job.max_instances else "as many as the account may have"
    limit = f"; {job.limits.task_seconds // 60} minutes a task at most" if job.limits.task_seconds else ""
    yield ("", "Instances", f"{most}; priority {job.priority}{limit}")
    yield ("", "Retries", f"{job.retries.failure} after a failure, {job.retries.preemption} after a preemption")
    yield ("Software", job.software.name, job.software.version)
    yield from (("", package.name, package.version) for package in job.plug_ins)
    yield from _files(situation, plan, job)
    for number, variable in enumerate(job.environment):
        yield ("" if number else "Environment", variable.name, f"{variable.value}   ({variable.policy}, {variable.source})")
    yield from _company(job)


def _files(situation: Situation, plan: Planned, job: Submission) -> Iterator[tuple[str, str, str]]:
    check = situation.check
    if check is None:
        yield ("Files", "", f"{count(len(plan.files), 'path')}, not compared with the store yet")
    else:
        sent = f"{size_text(check.bytes_to_send)} of {size_text(check.bytes_total)} to send"
        yield ("Files", "", f"{count(check.files_total, 'file')}, {sent}" + ("" if check.done else " so far"))
    named = {*job.scripts.plug_in_folders, *job.scripts.startup}
    yield from (("", "added", path) for path in plan.extra_files if path not in named)
    yield from (("", "excluded", f"{exclusion.path}: {exclusion.reason}") for exclusion in job.excluded)
    yield from (("", "missing, allowed", path) for path in job.allowed_missing[:20])
    if len(job.allowed_missing) > 20:
        yield ("", "", f"and {len(job.allowed_missing) - 20:,} more")
    yield ("", "Frames", "come home as they finish" if plan.download else "stay on the farm")


def _company(job: Submission) -> Iterator[tuple[str, str, str]]:
    scripts = job.scripts
    rows = [
        *(("plug-in folder", path) for path in scripts.plug_in_folders),
        *(("startup", path) for path in scripts.startup),
        *(("before each task", joined_words(words)) for words in [scripts.before_task] if words),
        *(("after each task", joined_words(words)) for words in [scripts.after_task] if words),
    ]
    yield from (("" if number else "Scripts", *row) for number, row in enumerate(rows))
    yield from (("" if number else "Metadata", *pair) for number, pair in enumerate(job.metadata.items()))
    if job.notifications.emails:
        yield ("Notifications", ", ".join(job.notifications.emails), f"on {', '.join(job.notifications.on) or 'nothing'}")


def _commands(job: Submission, tasks: tuple[Task, ...]) -> str:
    """Return what an instance does for the first task of each step, line by line."""
    scene = job.scene.replace("\\", "/").rsplit("/", 1)[-1]
    parts: list[str] = []
    for step in job.steps:
        task = next(task for task in tasks if task.step == step.name)
        lines = [f"# step {step.name}, {'scout ' if task.scout else ''}task with {_frames(task.frames)}"]
        if job.scripts.before_task:
            lines.append(joined_words(fill_words(job.scripts.before_task, task.frames)))
        if step.kind == "command":
            lines.append(joined_words(fill_words(step.command, task.frames)))
        else:
            lines.append(f"# {job.software.name} {job.software.version} loads {scene} once on each instance,")
            lines += [f"#   runs {path}" for path in job.scripts.startup]
            lines.append(f"#   and renders {_frames(task.frames)}")
            lines += [f"#   into {output.path}" for output in step.outputs]
        if job.scripts.after_task:
            lines.append(joined_words(fill_words(job.scripts.after_task, task.frames)))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _frames(frames: tuple[int, ...]) -> str:
    return f"frame{'' if len(frames) == 1 else 's'} {format_frames(frames)}"
