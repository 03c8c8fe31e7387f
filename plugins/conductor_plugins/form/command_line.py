"""A planned submission as the command that does the same: `conductor submit …`, for scripts, mails and colleagues.

It says everything, since a default may be another one in the settings of whoever runs it. What it cannot say is what is not
in the scene's file yet: the command renders the scene as it was saved.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator

from conductor_core.environment import EnvironmentVariable
from conductor_core.paths import Flavour
from conductor_core.submission import Notifications, Step, Submission

from conductor_plugins.form.build import Planned
from conductor_plugins.form.secrets import is_secret, masked

_OPTIONS = {"exclusive": "--env", "append": "--env-append", "prepend": "--env-prepend"}
#: what `cmd.exe` takes for its own where no quotes protect it
_CMD_SIGNS = re.compile(r'([()%!^"<>&|])')


def cli_command(planned: Planned, *, show_secrets: bool = True) -> str:
    """Return the command, quoted for the shell of the artist's system (`cmd.exe` on Windows).

    Args:
        planned: what Submit would do.
        show_secrets: whether values that look like secrets are in it: True to be run, False to be shown.
    """
    words = ["conductor", "submit", *_words(planned, show_secrets=show_secrets)]
    quote = _quoted_for_cmd if planned.submission.flavour is Flavour.WINDOWS else shlex.quote
    return " ".join(quote(word) for word in words)


def _words(planned: Planned, *, show_secrets: bool) -> Iterator[str]:
    job = planned.submission
    yield job.scene
    yield from ("--project", job.project, "--title", job.title)
    yield from _step_words(planned)
    yield from ("--instance-type", job.instance_type, "--preemptible" if job.preemptible else "--on-demand")
    numbers = {
        "--retries": job.retries.failure,
        "--retries-preemption": job.retries.preemption,
        "--max-instances": job.max_instances,
        "--priority": job.priority,
        "--task-minutes": job.limits.task_seconds // 60,
    }
    for option, number in numbers.items():
        yield from (option, str(number))
    yield from ("--software", f"{job.software.name}@{job.software.version}")
    yield from _each("--plug-in", (f"{p.name}@{p.version}" for p in job.plug_ins))
    if planned.project_root:
        yield from ("--project-root", planned.project_root)
    yield from _each("--file", _by_hand(planned))
    yield from _each("--exclude", (f"{e.path}={e.reason}" for e in job.excluded))
    if job.allowed_missing:
        yield "--allow-missing"
    if not planned.download:
        yield "--no-download"
    for variable in job.environment:
        yield from (_OPTIONS[variable.policy], f"{variable.name}={_value(variable, show_secrets=show_secrets)}")
    yield from _script_words(job)
    yield from _each("--metadata", (f"{key}={value}" for key, value in job.metadata.items()))
    yield from _notification_words(job.notifications)


def _step_words(planned: Planned) -> Iterator[str]:
    """Yield the steps: what is the same in all of them once, the rest for each."""
    steps = planned.submission.steps
    yield from _each("--step", (step.name for step in steps))
    yield from _shared("--frames", "--step-frames", steps, lambda step: step.frames)
    yield from _shared("--chunk-size", "--step-chunk-size", steps, lambda step: str(step.chunk_size))
    yield from _shared("--scouts", "--step-scouts", steps, lambda step: step.scouts)
    for name, patterns in planned.moved_outputs:
        yield from _each("--step-output", (f"{name}={pattern}" for pattern in patterns))


def _shared(option: str, step_option: str, steps: Iterable[Step], value: Callable[[Step], str]) -> Iterator[str]:
    values = {step.name: value(step) for step in steps}
    if len(set(values.values())) == 1:
        yield from _each(option, filter(None, set(values.values())))
    else:
        yield from _each(step_option, (f"{name}={text}" for name, text in values.items() if text))


def _script_words(job: Submission) -> Iterator[str]:
    yield from _each("--plug-in-folder", job.scripts.plug_in_folders)
    yield from _each("--startup", job.scripts.startup)
    for option, words in {"--before-task": job.scripts.before_task, "--after-task": job.scripts.after_task}.items():
        if words:
            yield from (option, shlex.join(words))


def _notification_words(notifications: Notifications) -> Iterator[str]:
    if notifications.emails or notifications != Notifications():
        yield from _each("--notify", notifications.emails)
        yield from _each("--notify-on", notifications.on)


def _by_hand(planned: Planned) -> Iterator[str]:
    """Yield the files that neither the scan nor the options for scripts bring along."""
    scripts = planned.submission.scripts
    brought = {*scripts.plug_in_folders, *scripts.startup}
    yield from (file for file in planned.extra_files if file not in brought)


def _value(variable: EnvironmentVariable, *, show_secrets: bool) -> str:
    hidden = not show_secrets and is_secret(variable.name, variable.value)
    return masked(variable.value) if hidden else variable.value


def _each(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)


def _quoted_for_cmd(word: str) -> str:
    """Return a word as `cmd.exe` and then the program's own start-up code take it apart.

    Where a word has a quote or a percent sign in it, cmd's own quoting cannot protect it, and each sign is escaped by itself.
    https://learn.microsoft.com/en-us/archive/blogs/twistylittlepassagesallalike/everyone-quotes-command-line-arguments-the-wrong-way
    """
    quoted = subprocess.list2cmdline([word])
    if '"' in word or "%" in word:
        return _CMD_SIGNS.sub(r"^\1", quoted)
    if quoted.startswith('"') or not _CMD_SIGNS.search(quoted):
        return quoted
    backslashes = len(quoted) - len(quoted.rstrip("\\"))  # doubled, or the last would escape the quote
    return f'"{quoted}{chr(92) * backslashes}"'
