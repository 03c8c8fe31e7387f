"""From the place in a submission that is wrong to the field of the form that it came from."""

from __future__ import annotations

import json
from typing import Any

from conductor_core.documents import to_json
from conductor_core.errors import InvalidDocument
from conductor_core.submission import Submission

from conductor_plugins.form.errors import FormError

#: beginning of a place in a submission → field of the form, longer ones first
_FIELDS = {
    "retries.failure": "retries_failure",
    "retries.preemption": "retries_preemption",
    "limits": "task_minutes",
    "scene": "",
    "id": "",
    "client": "",
    "flavour": "",
    "allowed_missing": "allow_missing",
}
#: how a sentence begins
_WORDS = {
    "retries_failure": "Retries on failure",
    "retries_preemption": "Retries on preemption",
    "max_instances": "Maximum instances",
    "instance_type": "The instance type",
    "plug_ins": "Plug-ins",
    "task_minutes": "Minutes per task",
}


def refused(exc: InvalidDocument, submission: Submission) -> FormError:
    """Return what a form says of a submission that `validate_submission` refuses."""
    if exc.field == "(whole)":
        return _not_unicode(submission)
    field = _field(exc.field)
    place = exc.field
    if place.startswith("steps["):
        number, _, rest = place.removeprefix("steps[").partition("]")
        place = f"Step {submission.steps[int(number)].name!r}: {rest.lstrip('.')}"
    elif exc.field == field or field in _WORDS:
        place = _WORDS.get(field, field.replace("_", " ").capitalize())
    return FormError(field or "", f"{place} {exc.reason}.", "Correct it." if field else "")


def _field(place: str) -> str:
    for beginning, field in _FIELDS.items():
        if place == beginning or place.startswith((f"{beginning}.", f"{beginning}[")):
            return field
    return place.partition(".")[0].partition("[")[0]


def _not_unicode(submission: Submission) -> FormError:
    """Name the field whose text cannot be sent: file systems and environments may hold bytes that are no text."""
    document: dict[str, Any] = to_json(submission)
    for place, value in document.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as exc:
            around = exc.object[max(0, exc.start - 20) : exc.start + 20]
            what = f"There is text that is not Unicode in {place.replace('_', ' ')}: …{around!a}…"
            return FormError(_field(place), what, "Rename the file, or write the text anew.")
    return FormError("", "The submission has text that is not Unicode.")
