"""The environment: variables that agree, names that every system takes, and secrets that stay where they are."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.environment import EnvironmentVariable, check_variable, merge_environment
from conductor_core.errors import EnvironmentConflict, InvalidDocument

from conductor_plugins.form.job_environment import job_environment
from conductor_plugins.form.replication import SOURCE, replicated_in, stays_here, used_variables
from conductor_plugins.form.secrets import is_secret, masked
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import adding, removing
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("environment-names")
def environment_names(situation: Situation) -> Iterator[Problem]:
    """Refuse names and values that no system takes."""
    wrong: dict[str, list[EnvironmentVariable]] = {}
    for variable in situation.form.environment:
        try:
            check_variable(variable)
        except InvalidDocument as exc:
            wrong.setdefault(f"{variable.name or 'A variable'}: {exc.reason}.", []).append(variable)
    for what, variables in wrong.items():
        yield Problem(
            ERROR, what, "Correct it, or remove it.", "environment", Fix("Remove it", removing("environment", *variables))
        )


@validator("environment-conflicts")
def environment_conflicts(situation: Situation) -> Iterator[Problem]:
    """Refuse variables of which two say different things."""
    by_name: dict[str, list[EnvironmentVariable]] = {}
    for variable in job_environment(situation):
        by_name.setdefault(variable.name, []).append(variable)
    for name, variables in by_name.items():
        try:
            merge_environment([variables], separator=":")
        except EnvironmentConflict:
            here = any(variable.source == SOURCE for variable in variables)
            mine = [v for v in situation.form.environment if v.name == name]
            off = adding("not_replicated", name) if here else removing("environment", *mine[:-1])
            label = "Do not send this workstation's" if here else "Keep the last"
            yield Problem(
                ERROR,
                _both(name, variables),
                "Remove one of them, or have both join a list.",
                "environment",
                Fix(label, off) if here or len(mine) > 1 else None,
            )
        except InvalidDocument:
            continue  # another validator says so


@validator("secret-environment")
def secret_environment(situation: Situation) -> Iterator[Problem]:
    """Warn of what looks like a secret and was set by hand: everybody who administers the farm can read it."""
    secret: dict[str, list[EnvironmentVariable]] = {}
    for variable in situation.form.environment:
        if variable.value and is_secret(variable.name, variable.value):
            secret.setdefault(variable.name, []).append(variable)
    for name, variables in secret.items():
        yield Problem(
            WARNING,
            f"The variable {name} looks like a secret; who administers the farm can read what a job sets.",
            "Remove it, unless the render needs it.",
            "environment",
            Fix("Remove it", removing("environment", *variables)),
        )


@validator("variable-stays-here")
def variable_stays_here(situation: Situation) -> Iterator[Problem]:
    """Warn of a variable that paths of the scene are written with and that does not go along: there they mean nothing."""
    if situation.report is None:
        return
    used = used_variables(situation.report)
    by_hand = {variable.name for variable in situation.form.environment}
    secret = {r.variable.name for r in replicated_in(situation) if r.secret}
    for name in sorted(used & set(situation.environment) - by_hand):
        why, fix = "", None
        if name in situation.form.not_replicated:
            why, fix = "you have said so", Fix("Send it", removing("not_replicated", name))
        elif name in secret:
            why = "it looks like a secret"
        elif stays_here(name):
            why = "it is this machine's own, and another there"
        if why:
            yield Problem(
                WARNING,
                f"Paths of the scene are written with ${name}, which stays on this workstation: {why}.",
                "Write the paths without it, or set it for the job.",
                "not_replicated" if fix else "environment",
                fix,
            )


def _both(name: str, variables: list[EnvironmentVariable]) -> str:
    """Return who wants what; the value of a secret is nobody's business here either."""
    verbs = {"exclusive": "sets", "append": "appends", "prepend": "prepends"}
    shown = (masked(v.value) if is_secret(name, v.value) else repr(v.value) for v in variables)
    wishes = (f"{v.source} {verbs[v.policy]} {value}" for v, value in zip(variables, shown, strict=True))
    return f"The variable {name} cannot be all of this: {', '.join(wishes)}."
