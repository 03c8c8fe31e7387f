"""The job as people see it: title, project, metadata, who is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conductor_core.submission import Notifications, is_email

from conductor_plugins.form.model import Form
from conductor_plugins.form.secrets import is_secret
from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import Change, removing, setting
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator

#: beyond it lists of jobs show its beginning only
LONGEST_TITLE = 200


@validator("title-too-long")
def title_too_long(situation: Situation) -> Iterator[Problem]:
    """Warn of a title that no list of jobs can show."""
    title = situation.title()
    if len(title) <= LONGEST_TITLE and "\n" not in title:
        return
    what = f"has {len(title)} characters" if len(title) > LONGEST_TITLE else "has several lines"
    yield Problem(
        WARNING,
        f"The title {what}: lists of jobs show its beginning only.",
        "Write a shorter one, and put the rest into the metadata.",
        field="title",
        fix=Fix("Shorten", setting(title=" ".join(title.split())[:LONGEST_TITLE].rstrip())),
    )


@validator("no-project")
def no_project(situation: Situation) -> Iterator[Problem]:
    """Refuse a job of no project, or of one that this artist is not in: a preset may come from elsewhere."""
    if situation.offer is None or situation.project() in situation.offer.projects:
        return
    names, chosen = situation.offer.projects, situation.project()
    yield Problem(
        ERROR,
        f"You are not in a project {chosen!r}." if chosen.strip() else "No project is chosen.",
        f"Choose one of: {', '.join(names)}." if names else "Ask your administrator to add you to one.",
        field="project",
        fix=Fix(f"Use {names[0]}", setting(project=names[0])) if len(names) == 1 else None,
    )


@validator("metadata-keys")
def metadata_keys(situation: Situation) -> Iterator[Problem]:
    """Refuse a value without a key, and a key that stands twice: neither could be searched for."""
    pairs = situation.form.metadata
    for text in dict.fromkeys(value for key, value in pairs if not key.strip() and value.strip()):
        fix = Fix("Remove it", removing("metadata", *(pair for pair in pairs if not pair[0].strip() and pair[1] == text)))
        yield Problem(ERROR, f"The metadata value {text!r} has no key.", "Give it one, or remove the line.", "metadata", fix)
    names = [key.strip() for key, _ in pairs if key.strip()]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        fix = Fix("Keep the last", Change(_keep_last, (name,)))
        yield Problem(ERROR, f"The metadata key {name!r} stands twice.", "Keep one of the lines.", "metadata", fix)


@validator("secret-metadata")
def secret_metadata(situation: Situation) -> Iterator[Problem]:
    """Warn of what looks like a secret where everybody who sees the job can read it."""
    secret: dict[str, list[tuple[str, str]]] = {}
    for key, value in situation.form.metadata:
        if value and is_secret(key, value):
            secret.setdefault(key.strip(), []).append((key, value))
    for name, pairs in secret.items():
        yield Problem(
            WARNING,
            f"The metadata {name!r} looks like a secret, and everybody who sees the job can read it.",
            "Remove it, unless it is none.",
            "metadata",
            Fix("Remove it", removing("metadata", *pairs)),
        )


@validator("emails")
def emails(situation: Situation) -> Iterator[Problem]:
    """Refuse what is no address."""
    for address in situation.form.notifications.emails:
        if address.strip() and not is_email(address.strip()):
            fix = Fix("Remove it", Change(_without_email, (address,)))
            what = f"{address.strip()!r} is no e-mail address."
            yield Problem(ERROR, what, "Correct it, or remove it.", "notifications", fix)


@validator("emails-cannot-be-sent")
def emails_cannot_be_sent(situation: Situation) -> Iterator[Problem]:
    """Warn who waits for an e-mail that nobody will write."""
    wanted = situation.form.notifications
    if not any(address.strip() for address in wanted.emails):
        return
    if situation.offer is not None and not situation.offer.sends_email:
        yield Problem(
            WARNING,
            f"{situation.offer.service} cannot send e-mails, so nobody will hear of this job.",
            "Ask your administrator to set up e-mail, or watch the job here.",
            "notifications",
            Fix("Notify nobody", setting(notifications=replace(wanted, emails=()))),
        )
    elif not wanted.on:
        yield Problem(
            WARNING,
            "Addresses are given, but no occasion on which to write to them.",
            "Choose when to be told, or remove the addresses.",
            "notifications",
            Fix("As usual", setting(notifications=replace(wanted, on=Notifications().on))),
        )


def _keep_last(form: Form, name: str) -> Form:
    last = [pair for pair in form.metadata if pair[0].strip() == name][-1:]
    at = max((n for n, pair in enumerate(form.metadata) if pair[0].strip() == name), default=0)
    before = tuple(pair for pair in form.metadata[:at] if pair[0].strip() != name)
    return replace(form, metadata=(*before, *last, *form.metadata[at + 1 :]))


def _without_email(form: Form, address: str) -> Form:
    kept = tuple(a for a in form.notifications.emails if a != address)
    return replace(form, notifications=replace(form.notifications, emails=kept))
