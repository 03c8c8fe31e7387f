"""A submission's way in the terminal: upload bar, frames by state, files home, cost so far.

On a terminal it is drawn by rich and redrawn in place; anywhere else it is a plain line whenever something changed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from conductor_core.api.answers import Job
from conductor_core.cli.clock import clock_words_of

#: order and colour of frame states
FRAME_STATES = {
    "success": "green",
    "running": "cyan",
    "ready": "white",
    "pending": "bright_black",
    "holding": "yellow",
    "preempted": "magenta",
    "failed": "red",
    "killed": "red",
    "skipped": "bright_black",
}
#: seconds between two plain lines
PLAIN_EVERY = 5.0
_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Status:
    """All that is known of a submission at one instant; None where it is not that far."""

    #: as the agent tells it (docs/api.md, `GET /v1/submissions/{id}`)
    submission: Mapping[str, Any] | None = None
    job: Job | None = None
    #: as the agent tells it (`GET /v1/downloads`)
    download: Mapping[str, Any] | None = None
    currency: str = ""
    #: why nothing newer is known; empty where all is as new as can be
    waiting: str = ""


class Display(Protocol):
    """Where progress is shown."""

    def show(self, status: Status) -> None:
        """Show how far it is now."""


class NoDisplay:
    """Show nothing, for `--json`."""

    def show(self, status: Status) -> None:
        """Show nothing."""


class RichDisplay:
    """Redraw in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, status: Status) -> None:
        """Redraw."""
        self._live.update(render(status))


class PlainDisplay:
    """Print a line when something changed, and not too often; the first and the last of a stage always."""

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._last = ""
        self._stage = ""
        self._at = 0.0

    def show(self, status: Status) -> None:
        """Print what changed."""
        line, stage = line_of(status), _stage(status)
        now = self._clock()
        if line and line != self._last and (stage != self._stage or now - self._at >= PLAIN_EVERY):
            self._write(line)
            self._last, self._stage, self._at = line, stage, now


@contextlib.contextmanager
def open_display(console: Console | None = None) -> Iterator[Display]:
    """Give the display that fits the console: rich on a terminal, plain lines elsewhere."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        yield PlainDisplay(lambda line: console.print(line, soft_wrap=True, markup=False))
        return
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        yield RichDisplay(live)


def line_of(status: Status) -> str:
    """Return the whole status as one line, empty while nothing is known."""
    if status.waiting:
        return status.waiting
    parts = []
    if status.job is None and status.submission is not None:
        parts.append(_upload_words(status.submission))
    if status.job is not None:
        parts.append(f"job {status.job.number} {status.job.state}")
        parts.append("frames: " + (_frame_words(status.job) or "none"))
        parts.append(_scout_words(status.job))
        parts.append(licence_words(status.job))
    if status.download is not None:
        parts.append(": ".join((_home_words(status.download), *_first_error(status.download))))
    if status.job is not None:
        parts.append(_cost_words(status))
    return " · ".join(filter(None, parts))


def render(status: Status) -> RenderableType:
    """Return the whole status as a rich table."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=8)
    table.add_column(width=_WIDTH)
    table.add_column()
    rows: list[RenderableType] = [table]
    if status.submission is not None:
        total, done = _upload_numbers(status.submission)
        table.add_row("upload", ProgressBar(total=total, completed=done, width=_WIDTH), "")
        rows.append(Text("          " + (_upload_words(status.submission) or "looking at the files"), style="bright_black"))
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", min_width=8)
        table.add_column(width=_WIDTH)
        table.add_column()
        rows.append(table)
    if status.job is not None:
        table.add_row("frames", _frame_bar(status.job), _frame_words(status.job))
    if status.download is not None and _home_words(status.download):
        total, done = int(status.download.get("total", 0)), int(status.download.get("done", 0))
        table.add_row("home", ProgressBar(total=max(total, 1), completed=done, width=_WIDTH), _home_words(status.download))
    if status.job is not None:
        table.add_row(
            "job", Text(f"{status.job.number} {status.job.title}", overflow="ellipsis", no_wrap=True), _cost_words(status)
        )
    notes = [
        status.waiting,
        _scout_words(status.job) if status.job else "",
        licence_words(status.job) if status.job else "",
        *(_first_error(status.download) if status.download else ()),
    ]
    rows += [Text(note, style="yellow") for note in notes if note]
    return Group(*rows)


def _scout_words(job: Job) -> str:
    """Return what a job whose other tasks wait for its scout frames waits for; "" where none does."""
    if job.ended() or not job.scouts.held:
        return ""
    held = count_words(job.scouts.held, "task")
    if job.scouts.done < job.scouts.total:
        return f"{held} wait for the scout frames"
    return f"the scout frames are done; to let {held} go: conductor release {job.number}"


def licence_words(job: Job) -> str:
    """Return what a job that gets no licence waits for; "" where it does not wait."""
    if job.ended() or job.licence is None:
        return ""
    wait = job.licence
    when = "one is being asked for now" if wait.trying else f"the next try is at {wait.next_try}"
    who = f"{count_words(wait.waiting, 'task')} {'waits' if wait.waiting == 1 else 'wait'}"
    return f"{who} for a licence; {when}; to ask at once: conductor retry {job.number}"


def size_words(count: int) -> str:
    """Return bytes as a person reads them."""
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def count_words(number: int, thing: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _upload_numbers(submission: Mapping[str, Any]) -> tuple[int, int]:
    """Return what there is to do and what is done, as a bar shows it: empty while nothing is known, full at the end."""
    if submission["state"] == "hashing":
        return max(int(submission["bytes_total"]), 1), int(submission["bytes_hashed"])
    if submission["state"] == "submitted":
        return 1, 1
    to_send, sent = int(submission["bytes_to_send"]), int(submission["bytes_sent"])
    if _asks(submission):
        return max(int(submission["bytes_total"]), 1), sent
    return (to_send, sent) if to_send else (1, int(_knows_what_to_send(submission)))


def _asks(submission: Mapping[str, Any]) -> bool:
    """Tell whether the service is still being asked which files it has: what is known of that is not the whole."""
    return bool(submission["state"] == "uploading" and submission.get("objects_unsure"))  # an older agent says none


def _knows_what_to_send(submission: Mapping[str, Any]) -> bool:
    """Tell whether the service was asked which files it has; no count is worth telling before."""
    known = submission["state"] in ("committing", "submitted")
    return known or (not _asks(submission) and bool(submission["objects_present"] or submission["bytes_to_send"]))


def _upload_words(submission: Mapping[str, Any]) -> str:
    state, error = submission["state"], submission.get("error")
    if error and error.get("waiting"):
        since = f" since {clock_words_of(str(error['since']))}" if error.get("since") else ""
        return f"waiting{since}: {error['message']}"
    if submission.get("paused"):
        return f"paused{_sent_words(submission)}; to let it go on: conductor transfers resume"
    count, total = int(submission["files"]), size_words(submission["bytes_total"])
    files = count_words(count, "file")
    if state == "hashing":
        left = left_words(submission.get("hash_seconds_left"))
        return f"reading {files}: {size_words(submission['bytes_hashed'])} of {total}{left}" if count else ""
    if not count:
        words = "" if state == "failed" else "no files to send"
    elif _knows_what_to_send(submission):
        words = f"{files}, {submission['objects_present']} already there, "
        words += (
            f"{_sent_words(submission).removeprefix(', ')}{_speed_words(submission)}"
            if submission["bytes_to_send"]
            else "nothing to send"
        )
        saved = submission.get("bytes_saved")  # an older agent says none
        words += f", {size_words(saved)} of changed files were there" if saved else ""
    else:
        words = f"{files}, {total}{_sent_words(submission)}"
    return " · ".join(filter(None, (words, state if state in ("committing", "failed") else "")))


def _sent_words(submission: Mapping[str, Any]) -> str:
    sent, to_send = size_words(submission["bytes_sent"]), size_words(submission["bytes_to_send"])
    if _asks(submission):
        return f", {sent} sent so far" if submission["bytes_sent"] else ""
    return f", {sent} of {to_send} sent" if submission["bytes_to_send"] else ""


def _speed_words(submission: Mapping[str, Any]) -> str:
    if submission["state"] != "uploading" or not submission.get("send_rate"):
        return ""
    return f", {size_words(round(submission['send_rate']))}/s{left_words(submission.get('send_seconds_left'))}"


def left_words(seconds: float | None) -> str:
    """Return `, about 5 min left`; nothing where nobody knows, or it is no time at all."""
    if not seconds:
        return ""
    if seconds < 55:
        return ", less than a minute left"
    minutes = round(seconds / 60)
    return f", about {minutes} min left" if minutes < 100 else f", about {round(seconds / 3600)} h left"


def _frame_words(job: Job) -> str:
    return ", ".join(f"{job.frames[state]} {state}" for state in FRAME_STATES if job.frames.get(state))


def _frame_bar(job: Job) -> Text:
    """Return a bar in which each state has its share, and each state that occurs at least one cell."""
    total = sum(job.frames.values())
    bar = Text()
    if not total:
        return bar.append("─" * _WIDTH, style="bright_black")
    left = _WIDTH
    present = [(state, job.frames[state]) for state in FRAME_STATES if job.frames.get(state)]
    for index, (state, count) in enumerate(present):
        rest = len(present) - index - 1
        cells = left if not rest else min(max(1, round(count / total * _WIDTH)), left - rest)
        bar.append("━" * cells, style=FRAME_STATES[state])
        left -= cells
    return bar


def _home_words(download: Mapping[str, Any]) -> str:
    total, words = int(download["total"]), []
    if total:
        words.append(f"{download['done']} of {count_words(total, 'file')} home, {size_words(int(download['bytes']))}")
    if download.get("kept_beside"):
        words.append(f"{len(download['kept_beside'])} placed beside newer work")
    if download.get("paused"):
        words.append("paused")
    if download.get("errors"):
        words.append(f"{len(download['errors'])} with errors")
    return ", ".join(words)


def _first_error(download: Mapping[str, Any]) -> list[str]:
    return [str(error) for error in download.get("errors") or ()][:1]


def _cost_words(status: Status) -> str:
    job = status.job
    assert job is not None
    return f"cost so far {job.cost} {status.currency}".rstrip() + f" ({job.billed_minutes} min)"


def _stage(status: Status) -> str:
    if status.job is not None:
        done = status.download or {}
        return f"{status.job.state} {bool(done.get('complete'))} {bool(status.waiting)} {_first_error(done)}"
    return "" if status.submission is None else str(status.submission["state"]) + str(bool(status.submission.get("error")))
