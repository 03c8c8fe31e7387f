"""Colour management: the configuration is there, and goes along with the look-up tables beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from conductor_plugins.form.build import extra_paths
from conductor_plugins.form.of_report import files_of
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import adding
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("colour-config-missing")
def colour_config_missing(situation: Situation) -> Iterator[Problem]:
    """Refuse a configuration that is not there: every colour of the frames would be another one."""
    for said, config in _configs(situation):
        if not os.path.isfile(config):
            yield Problem(
                ERROR,
                f"The colour configuration {config} ({said}) is not there: all colours would be wrong.",
                "Restore it, or choose another one in the scene or in OCIO.",
                field="environment" if said == _VARIABLE else "",
            )


@validator("colour-config-stays-here")
def colour_config_stays_here(situation: Situation) -> Iterator[Problem]:
    """Warn where the configuration is not among the files: what a scan does not see in a scene it may not send."""
    if situation.report is None:
        return
    for said, config in _configs(situation):
        if not os.path.isfile(config):
            continue
        place, folders = os.path.normcase(config), (os.path.normcase(path) for path in extra_paths(situation))
        sent = files_of(situation.report)
        if config in sent or any(_within(place, f) for f in folders) or place in map(os.path.normcase, sent):
            continue
        folder = os.path.dirname(config)
        yield Problem(
            WARNING,
            f"The colour configuration {config} ({said}) is not among the files that are sent.",
            "Send its folder along, unless the farm has it at the same place.",
            field="added",
            fix=Fix("Send its folder", adding("added", folder)),
        )


_VARIABLE = "of the variable OCIO"


def _configs(situation: Situation) -> Iterator[tuple[str, str]]:
    """Yield the files that say what colours are, with who says so; `ocio://…` and names without a folder are built in."""
    found = {"of the scene": situation.scene.colour_config, _VARIABLE: situation.environment.get("OCIO", "")}
    by_hand = [v.value for v in situation.form.environment if v.name == "OCIO"]
    if by_hand:
        found[_VARIABLE] = by_hand[-1]
    elif "OCIO" in situation.form.not_replicated:
        del found[_VARIABLE]
    seen = set()
    for said, config in found.items():
        if config and "://" not in config and os.path.isabs(config) and config not in seen:
            seen.add(config)
            yield said, config


def _within(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/\\") + os.sep)
