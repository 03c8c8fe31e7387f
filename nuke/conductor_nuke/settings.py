"""Keep the panel's settings in the script: an invisible knob of its Root, so that they are saved with it.

The text is kept in letters and digits alone: Nuke expands brackets and dollar signs in texts. Undo is switched off meanwhile,
so that it neither steps through settings nor takes them away, and the modified flag stays as it was.
https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.Undo.html
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Iterator

import nuke
from conductor_nuke.script import is_modified

KNOB = "conductor_settings"


def remember(text: str) -> None:
    """Keep a text in the script."""
    root = nuke.root()
    if not text and root.knob(KNOB) is None:
        return
    with unnoticed():
        knob = root.knob(KNOB) or _added(root)
        knob.setValue(base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii"))


def recall() -> str:
    """Return what is kept in the script, or ""; what somebody has damaged counts as nothing."""
    knob = nuke.root().knob(KNOB)
    if knob is None:
        return ""
    try:
        return base64.urlsafe_b64decode(str(knob.value() or "").encode("ascii")).decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeError):
        return ""


def _added(root: nuke.Root) -> nuke.Knob:
    knob = nuke.String_Knob(KNOB, "")
    knob.setFlag(nuke.INVISIBLE)
    knob.setFlag(nuke.NO_UNDO)
    root.addKnob(knob)
    return knob


@contextlib.contextmanager
def unnoticed() -> Iterator[None]:
    """Change the script without a step to undo, and without its counting as modified for that."""
    modified = is_modified()
    nuke.Undo.disable()
    try:
        yield
    finally:
        nuke.Undo.enable()
        if is_modified() != modified:
            nuke.root().setModified(modified)
