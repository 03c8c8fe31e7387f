"""The environment that a job asks for: what the artist has set, and what is replicated beside it."""

from __future__ import annotations

from dataclasses import replace

from conductor_core.environment import EnvironmentVariable

from conductor_plugins.form.replication import replicated_in
from conductor_plugins.form.situation import Situation

#: source of what the artist has set, named in conflicts
BY_HAND = "the form"


def job_environment(situation: Situation) -> tuple[EnvironmentVariable, ...]:
    """Return the variables of the job: what is set by hand stands in the place of what would be replicated under its name."""
    by_hand = tuple(replace(v, source=v.source or BY_HAND) for v in situation.form.environment)
    whole = {v.name for v in by_hand if v.policy == "exclusive"} | set(situation.form.not_replicated)
    here = (r.variable for r in replicated_in(situation) if not r.secret and r.variable.name not in whole)
    return (*here, *by_hand)
