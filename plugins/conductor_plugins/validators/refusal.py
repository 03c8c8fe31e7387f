"""What no validator has said, and of which no submission can be made all the same: Submit is never refused without a problem."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_plugins.form.build import submission_of
from conductor_plugins.form.errors import FormError
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.validator import ERROR, Problem


def refusals(situation: Situation) -> Iterator[Problem]:
    """Yield why no submission can be made, if none can; while the agent has not answered, nothing is asked for in vain."""
    try:
        submission_of(situation, identity="preview")
    except FormError as exc:
        if situation.offer is not None or exc.field not in ("project", "instance_type"):
            yield Problem(ERROR, exc.what, exc.next_step, field=exc.field, validator="refused")
