"""The files that go along: those that lack, those that nobody could resolve, those left out, those added by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.errors import PathError
from conductor_core.exclusions import Exclusions
from conductor_core.paths import ClientPath, is_absolute
from conductor_core.report import Missing
from conductor_core.submission import Exclusion

from conductor_plugins.form.build import extra_paths
from conductor_plugins.form.fed import fed_of
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import Change, adding, removing, setting
from conductor_plugins.validators.inputs import path_of
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator

#: referrers that are named each; the others are told as a number
NAMED = 20
#: files of one referrer that are excluded one by one
_EXCLUDED = 200
#: why a file is left out that nobody can send
MISSING = "missing when it was submitted"


@validator("missing-files")
def missing_files(situation: Situation) -> Iterator[Problem]:
    """Refuse to render without files that the scene names, unless somebody has said that it may."""
    by_referrer = _lacking(situation)
    if situation.form.allow_missing:
        count = sum(map(len, by_referrer.values()))
        if count:
            what = f"{_files(count)} missing, and the job is rendered without {'it' if count == 1 else 'them'}."
            yield Problem(
                WARNING, what, "Look at the frames with that in mind.", "allow_missing", select=tuple(by_referrer)[:NAMED]
            )
        return
    for referrer, lacking in list(by_referrer.items())[:NAMED]:
        first = lacking[0]
        more = f", and {len(lacking) - 1:,} more of it" if len(lacking) > 1 else ""
        exclusions = tuple(Exclusion(m.path, MISSING) for m in lacking)
        yield Problem(
            ERROR,
            f"{first.path} is missing{more} ({first.kind} of {referrer}): {first.reason}.",
            "Restore it, leave it out, or allow files to be missing.",
            "allow_missing",
            Fix("Leave it out", adding("excluded", *exclusions)) if _can_exclude(lacking, situation) else _allowing(),
            select=(referrer,),
        )
    rest = list(by_referrer.values())[NAMED:]
    if rest:
        what = f"{_files(sum(map(len, rest)))} missing beside those named here."
        yield Problem(ERROR, what, "Restore them, or allow files to be missing.", "allow_missing", _allowing())


@validator("unresolved-paths")
def unresolved_paths(situation: Situation) -> Iterator[Problem]:
    """Warn of texts that look like paths and that nobody could resolve: a file may lack on the farm."""
    unresolved = situation.report.unresolved if situation.report else ()
    for entry in unresolved[:NAMED]:
        yield Problem(
            WARNING,
            f"{entry.referrer} names {entry.as_written!r}, of which nobody can tell which file it is: {entry.reason}.",
            "Write a plain path there, or add the files by hand.",
            "added",
            select=(entry.referrer,),
        )
    if len(unresolved) > NAMED:
        what = f"{len(unresolved) - NAMED:,} more texts look like paths and could not be resolved."
        yield Problem(WARNING, what, "See the list of files.", "added")


@validator("exclusions")
def exclusions(situation: Situation) -> Iterator[Problem]:
    """Refuse exclusions that say no reason, name no place, or take away what the job cannot be without."""
    needed = {situation.scene.path: "the scene itself", **dict.fromkeys(situation.form.scripts.startup, "a script that is run")}
    needed.update(dict.fromkeys(situation.form.scripts.plug_in_folders, "a folder of scripts and plug-ins"))
    for exclusion in situation.form.excluded:
        send = Fix("Send it", Change(_sent, (exclusion.path,)))
        try:
            ClientPath.parse(exclusion.path, situation.flavour)
        except PathError as exc:
            yield Problem(
                ERROR, f"An exclusion names no place: {exc.what}", exc.next_step, "excluded", Fix("Remove it", send.form)
            )
            continue
        if not exclusion.reason.strip():
            what = f"Nothing says why {exclusion.path} is left out."
            yield Problem(ERROR, what, "Write the reason: the job shows it to whoever wonders.", "excluded", send)
        covers = Exclusions([exclusion], situation.flavour).covers
        lost = next((path for path in needed if path and covers(path)), None)
        if lost is not None:
            what = f"{exclusion.path} is left out, and with it {lost}: {needed[lost]}."
            yield Problem(ERROR, what, "Send it, or do without what needs it.", "excluded", send)


@validator("added-missing")
def added_missing(situation: Situation) -> Iterator[Problem]:
    """Refuse files that were added by hand and are not there: a preset may come from elsewhere."""
    for path in dict.fromkeys(situation.form.added):
        off = Fix("Take it off", removing("added", path))
        if not is_absolute(path, situation.flavour):
            yield Problem(ERROR, f"{path!r} is added, but is not a whole path.", "Write it from its root.", "added", off)
        elif not os.path.lexists(path):
            yield Problem(ERROR, f"{path} is added, and is not there.", "Restore it, or take it off the list.", "added", off)


@validator("added-too-much")
def added_too_much(situation: Situation) -> Iterator[Problem]:
    """Refuse to send a whole disk or somebody's home: not everything there can be meant."""
    for path in extra_paths(situation):
        if os.path.isdir(path) and (os.path.dirname(path) == path or _is_home(path)):
            what = f"{path} is added, which is {'a whole disk' if os.path.dirname(path) == path else 'a whole home'}."
            off = Fix("Take it off", removing("added", path)) if path in situation.form.added else None
            yield Problem(ERROR, what, "Add the folders that the job needs.", "added", off)


def _sent(form: Form, path: str) -> Form:
    """Return the form without any exclusion of a path."""
    return replace(form, excluded=tuple(exclusion for exclusion in form.excluded if exclusion.path != path))


def _lacking(situation: Situation) -> dict[str, list[Missing]]:
    """Return what lacks, is not left out and is not made by a step before it is read, by who wants it."""
    found: dict[str, list[Missing]] = {}
    if situation.report is None or not situation.report.missing:
        return found
    readable = [e for e in situation.form.excluded if path_of(e.path, situation.flavour) is not None]
    covers, fed = Exclusions(readable, situation.flavour).covers, fed_of(situation)
    for missing in situation.report.missing:
        if not (covers(missing.path) or fed.maker_of(missing.path)):
            found.setdefault(missing.referrer, []).append(missing)
    return found


def _can_exclude(lacking: list[Missing], situation: Situation) -> bool:
    """Tell whether leaving these out is something that a job can say: not of another system, not the scene, not too many."""
    if len(lacking) > _EXCLUDED:
        return False
    try:
        covers = Exclusions([Exclusion(m.path, MISSING) for m in lacking], situation.flavour).covers
        return not covers(situation.scene.path) and all(".." not in m.path.split("/") for m in lacking)
    except PathError:
        return False


def _allowing() -> Fix:
    return Fix("Render without", setting(allow_missing=True))


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"


def _is_home(path: str) -> bool:
    return os.path.normcase(os.path.normpath(path)) == os.path.normcase(os.path.expanduser("~"))
