"""What jobs are found by: their scene, and each of their metadata.

A mark is a digest, so that any path and any value fits into an index, and is asked for by equality only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from conductor_core.errors import PathError
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Submission
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from conductor_service.errors import Invalid
from conductor_service.models import Job, JobMark

#: in what is asked for at once: each becomes a condition, or a value, of one statement
MAX_PAIRS, MAX_EQUALS = 20, 100


def marks_of(submission: Submission) -> frozenset[str]:
    """Return every mark of a job."""
    return marks_for(submission.scene, submission.flavour, submission.metadata)


def marks_for(scene: str, flavour: Flavour, metadata: Mapping[str, str]) -> frozenset[str]:
    """Return every mark of a job of this scene (empty: of none), with these metadata."""
    marks = {_mark("metadata", key, value) for key, value in metadata.items()}
    if scene:
        marks.add(scene_mark(scene, flavour))
    return frozenset(marks)


def scene_mark(scene: str, flavour: Flavour) -> str:
    """Return the mark of a scene: the same for each way to write its path.

    Raises:
        PathError: it is no absolute path of this flavour.
    """
    return _mark("scene", *ClientPath.parse(scene, flavour).key)


def of_scene(scene: str) -> ColumnElement[bool]:
    r"""Return the condition for jobs of a scene; its path tells whether it is one of Windows.

    Raises:
        Invalid: it is no absolute path.
    """
    marks = []
    for flavour in Flavour:
        try:
            marks.append(scene_mark(scene, flavour))
        except PathError:
            continue
    if not marks:
        raise Invalid("scene", f"{scene!r} is not an absolute path", "Give it as the job's submission does.")
    return _any_of(marks)


def with_metadata(pair: str) -> ColumnElement[bool]:
    """Return the condition for jobs with `KEY=VALUE` among their metadata; a key may have `=` in it.

    Raises:
        Invalid: there is no `=`, or more than could be parted at each.
    """
    places = [place for place, letter in enumerate(pair) if letter == "="]
    if not places:
        raise Invalid("metadata", f"is {pair!r}, which is not KEY=VALUE", "Ask for example for metadata=shot=010.")
    if len(places) > MAX_EQUALS:
        raise Invalid("metadata", f"has {len(places)} equals signs; {MAX_EQUALS} may be asked for")
    return _any_of([_mark("metadata", pair[:place], pair[place + 1 :]) for place in places])


def jobs_of_scene(project_id: str, submission: Submission) -> Select[str]:
    """Return the query for the ids of a project's jobs of the same scene."""
    mark = scene_mark(submission.scene, submission.flavour)
    return select(Job.id).where(Job.project_id == project_id, _any_of([mark]))


def mark_job(session: Session, job_id: str, submission: Submission) -> None:
    """Write the marks of a new job down."""
    session.add_all(JobMark(mark=mark, job_id=job_id) for mark in sorted(marks_of(submission)))


def _any_of(marks: Sequence[str]) -> ColumnElement[bool]:
    return Job.id.in_(select(JobMark.job_id).where(JobMark.mark.in_(marks)))


def _mark(*words: str) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
