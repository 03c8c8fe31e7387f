"""The scene itself: it has a file, and what is sent is what the artist sees."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator


@validator("unsaved-scene")
def unsaved_scene(situation: Situation) -> Iterator[Problem]:
    """Refuse a scene without a file: its relative paths mean nothing yet, and its job would have no name."""
    if not situation.scene.path:
        yield Problem(ERROR, "The scene was never saved, so its paths and its job have no place.", "Save it under a name first.")


@validator("modified-scene")
def modified_scene(situation: Situation) -> Iterator[Problem]:
    """Say that unsaved changes are sent too: no reason to stop, since a snapshot of them is what is rendered.

    But whoever opens the scene's file later will not find in it what the frames show.
    """
    if situation.scene.path and situation.scene.modified:
        yield Problem(
            WARNING,
            "The scene has changes that are not saved. They are rendered as you see them, but the scene's file does not have them.",
            "Save it, if the file is to show what was rendered.",
            fix=Fix("Save", host="save"),
        )
