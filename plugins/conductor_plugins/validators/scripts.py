"""Scripts and plug-ins that go along: they are there, and can be run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.paths import is_absolute

from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import Change
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("script-files")
def script_files(situation: Situation) -> Iterator[Problem]:
    """Refuse scripts and folders that are not there."""
    scripts = situation.form.scripts
    for field, paths, kind, there in (
        ("plug_in_folders", scripts.plug_in_folders, "folder of plug-ins", os.path.isdir),
        ("startup", scripts.startup, "script", os.path.isfile),
    ):
        for path in dict.fromkeys(paths):
            off = Fix("Take it off", Change(_without, (field, path)))
            if not is_absolute(path, situation.flavour):
                yield Problem(ERROR, f"The {kind} {path!r} is not a whole path.", "Write it from its root.", "scripts", off)
            elif not there(path):
                yield Problem(ERROR, f"The {kind} {path} is not there.", "Restore it, or take it off the list.", "scripts", off)


@validator("programs")
def programs(situation: Situation) -> Iterator[Problem]:
    """Refuse a program without a name; warn of one that is not on this machine, since it would have to be on the instance."""
    scripts = situation.form.scripts
    for field, words in (("before_task", scripts.before_task), ("after_task", scripts.after_task)):
        moment = field.partition("_")[0]
        off = Fix("Run nothing", Change(_without_program, (field,)))
        if words and not words[0].strip():
            yield Problem(ERROR, f"What is run {moment} each task names no program.", "Write its name first.", "scripts", off)
        elif words and is_absolute(words[0], situation.flavour) and not os.path.lexists(words[0]):
            what = f"{words[0]}, which is run {moment} each task, is not on this machine, so it does not go along."
            yield Problem(WARNING, what, "Correct its path, unless the instances have it there.", "scripts", off)


def _without(form: Form, field: str, path: str) -> Form:
    kept = tuple(other for other in getattr(form.scripts, field) if other != path)
    scripts = replace(form.scripts, plug_in_folders=kept) if field == "plug_in_folders" else replace(form.scripts, startup=kept)
    return replace(form, scripts=scripts)


def _without_program(form: Form, field: str) -> Form:
    scripts = form.scripts
    return replace(form, scripts=replace(scripts, before_task=()) if field == "before_task" else replace(scripts, after_task=()))
