"""What an e-mail about a job says: plain text, made when it happens, from what is true then. Pure functions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from conductor_core.submission import Occasion

from conductor_service.states import ENDED, TaskState

#: of titles and messages: a mail is no log
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class News:
    """What is told of."""

    occasion: Occasion
    number: int
    title: str
    project: str
    #: how many of each state
    frames: Mapping[TaskState, int]
    scouts: Mapping[TaskState, int]
    #: tasks that wait for the scouts
    held: int = 0
    #: what went wrong first; empty: nothing is known
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail's subject and text; the address of the job's page is added when it is sent."""

    subject: str
    text: str


_SUBJECTS: Mapping[Occasion, str] = {
    "scouts": "the scout frames of job {number} are there: {title}",
    "success": "job {number} is done: {title}",
    "failed": "job {number} has failed: {title}",
    "killed": "job {number} was killed: {title}",
}


def write_letter(news: News) -> Letter:
    """Return what to write."""
    title = one_line(news.title)
    subject = _SUBJECTS[news.occasion].format(number=news.number, title=title)
    said = {"scouts": _scouts, "success": _success, "failed": _failed, "killed": _killed}[news.occasion](news)
    return Letter(f"[Conductor] {subject}", f"Job {news.number}, “{title}”, of project {one_line(news.project)}: {said}\n")


def one_line(text: str) -> str:
    """Return text without line breaks or control characters, cut where it is long: nothing in it can become a header."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    words = " ".join(plain.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _counted(news: News) -> str:
    whole = sum(news.frames.values())
    done = news.frames.get(TaskState.SUCCESS, 0)
    others = [f"{count} {state.value}" for state, count in news.frames.items() if count and state is not TaskState.SUCCESS]
    return f"{done} of {whole} frames are rendered" + (f" ({', '.join(others)})" if others else "")


def _scouts(news: News) -> str:
    ended = sum(count for state, count in news.scouts.items() if state in ENDED)
    good = news.scouts.get(TaskState.SUCCESS, 0)
    said = f"its scout frames have ended; {good} of {ended} {'task' if ended == 1 else 'tasks'} succeeded."
    if later := sum(news.scouts.values()) - ended:
        said += f" {later} more scout {'task comes' if later == 1 else 'tasks come'} after a step that waits itself."
    if news.held:
        rest = "1 more task waits" if news.held == 1 else f"{news.held} more tasks wait"
        said += f"\n\n{rest} until somebody has looked at the scout frames. To render the rest: Release on the job's page or"
        said += f" in the panel, or conductor release {news.number}"
    return said


def _success(news: News) -> str:
    return f"it has ended well; {_counted(news)}."


def _failed(news: News) -> str:
    first = f"\n\nThe first failure: {one_line(news.failure)}" if news.failure else ""
    again = f"\n\nTo render again what failed: conductor retry {news.number}"
    return f"it has ended, and not all of it succeeded; {_counted(news)}.{first}{again}"


def _killed(news: News) -> str:
    return f"it was killed; {_counted(news)}."
