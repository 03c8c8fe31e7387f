from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest
from conductor_core import errors
from conductor_core.errors import ConductorError

CLASSES = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception) and c.__module__ == errors.__name__
]

EXAMPLES: dict[str, tuple[Callable[[], ConductorError], str]] = {
    "ConductorError": (lambda: errors.ConductorError("It broke.", "Mend it."), "It broke. Mend it."),
    "FrameSpecError": (
        lambda: errors.FrameSpecError("1-5,x", "x", "this is not a frame or a range"),
        "Frame range '1-5,x': this is not a frame or a range in 'x'. Write it like 1-10, 1-100x5 or 1,5,9-12.",
    ),
    "PathError": (
        lambda: errors.PathError("a/b", "is not absolute", "Write the whole path."),
        "Path 'a/b' is not absolute. Write the whole path.",
    ),
    "EnvironmentConflict": (
        lambda: errors.EnvironmentConflict("OCIO", "scene", "preset", "two values"),
        "Environment variable OCIO: scene and preset disagree (two values). "
        "Remove one of them, or give both the policy append or prepend.",
    ),
    "InvalidDocument": (
        lambda: errors.InvalidDocument("Submission", "steps[0].name", "must not be empty"),
        "Submission: field 'steps[0].name' must not be empty.",
    ),
    "SceneNotRead": (
        lambda: errors.SceneNotRead("/a/b.ma", "it ends in the middle of a node"),
        "/a/b.ma: it ends in the middle of a node. Open it in its application and save it again.",
    ),
    "SettingsError": (
        lambda: errors.SettingsError("/etc/c.yaml", "line 3", "is not YAML"),
        "/etc/c.yaml: line 3 is not YAML. Correct that line and start again.",
    ),
    "TransferError": (lambda: errors.TransferError("/a", "cannot be read", "Look at it."), "/a: cannot be read. Look at it."),
    "FileChanged": (
        lambda: errors.FileChanged("/a"),
        "/a: changed while Conductor was reading it. Wait until it is written, then submit again.",
    ),
    "FileVanished": (
        lambda: errors.FileVanished("/a"),
        "/a: was there when the scene was scanned and is gone now. Restore it, or scan again.",
    ),
    "ContentMismatch": (
        lambda: errors.ContentMismatch("/a", "sha256:1", "sha256:2"),
        "/a: has content sha256:2 where sha256:1 was promised. It is fetched again, or refused.",
    ),
    "PackMalformed": (
        lambda: errors.PackMalformed("breaks off"),
        "A pack of files: breaks off. It is sent again, or refused.",
    ),
    "LostByStore": (
        lambda: errors.LostByStore("/a_7.exr", 12, 7),
        "/a_7.exr: is lost: the store no longer has the bytes of frame 7. Render it again, and it comes home: conductor retry 12 --frames 7",
    ),
    "LostByStore, a film": (
        lambda: errors.LostByStore("/a.mp4", 12, None, "comp"),
        "/a.mp4: is lost: the store no longer has the bytes of the file. Render it again, and it comes home: conductor retry 12 --step comp",
    ),
    "LostByStore, a step of two words": (
        lambda: errors.LostByStore("/a.abc", 12, None, "View Layer"),
        "/a.abc: is lost: the store no longer has the bytes of the file. Render it again, and it comes home:"
        ' conductor retry 12 --step "View Layer"',
    ),
    "JournalUnwritable": (
        lambda: errors.JournalUnwritable("/j", "disk full"),
        "/j cannot be written (disk full). Make room on that disk, and see that you may write there; the agent goes on by itself.",
    ),
    "NotTransferred": (
        lambda: errors.NotTransferred("12"),
        "This machine's agent neither sends nor fetches anything of job 12. What it does: conductor transfers",
    ),
    "BroughtByAnother": (
        lambda: errors.BroughtByAnother("/a"),
        "/a: is being brought home by another agent right now. It is looked at again by itself.",
    ),
    "TransferCancelled": (
        lambda: errors.TransferCancelled("/a"),
        "/a: was not transferred: the transfer was cancelled.",
    ),
    "Conflict": (
        lambda: errors.Conflict("The job has ended.", "Submit it again.", code="not-allowed-now", allowed=("retry",)),
        "The job has ended. Submit it again.",
    ),
}


def test_every_error_that_takes_data_has_an_example() -> None:
    """A new class with a sentence of its own is read here before an artist reads it."""
    assert {c.__name__ for c in CLASSES if "__init__" in vars(c)} - {"ServiceError"} == {
        name.partition(",")[0] for name in EXAMPLES
    }


@pytest.mark.parametrize(("make", "sentence"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_error_builds_its_own_sentence(make: Callable[[], ConductorError], sentence: str) -> None:
    """What is wrong, where, and what to do next, from the data alone."""
    error = make()
    assert str(error) == sentence
    assert f"{error.what} {error.next_step}".strip() == sentence


def test_every_error_of_the_core_is_a_conductor_error() -> None:
    """One `except ConductorError` catches what is for people to read."""
    assert [c.__name__ for c in CLASSES if not issubclass(c, ConductorError)] == []


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing names each class once, under its base."""
    drawn: dict[str, str] = {}
    stack: list[str] = []
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]
        match = re.match(r"(\s*(?:│\s*)*(?:[├└]── )?)([A-Z][A-Za-z]+)", line)
        if match and match[2] in vars(errors):
            depth = len(match[1]) // 4
            del stack[depth:]
            drawn[match[2]] = stack[-1] if stack else "Exception"
            stack.append(match[2])
    assert drawn == {c.__name__: c.__bases__[0].__name__ for c in CLASSES}


def test_an_error_carries_its_data() -> None:
    """Callers decide by attributes and never by the text."""
    conflict = errors.Conflict("No.", code="objects-missing", missing=("sha256:1",))
    assert (conflict.status, conflict.code, conflict.allowed, conflict.missing) == (409, "objects-missing", (), ("sha256:1",))
    refused = errors.Refused("No.", status=422, code="wrong-content")
    assert (refused.status, refused.code, refused.next_step) == (422, "wrong-content", "")
    mismatch = errors.ContentMismatch("/a", "sha256:1", "sha256:2")
    assert (mismatch.path, mismatch.expected, mismatch.actual) == ("/a", "sha256:1", "sha256:2")
    document = errors.InvalidDocument("Manifest", "entries[0]", "is wrong")
    assert (document.document, document.field, document.reason) == ("Manifest", "entries[0]", "is wrong")


def test_a_sentence_stays_short_whatever_was_typed() -> None:
    """A range of a megabyte is quoted by its beginning; the whole text stays on the error."""
    error = errors.FrameSpecError("1," * 500_000, "1," * 500_000, "nothing stands")
    assert len(str(error)) < 300
    assert len(error.spec) == 1_000_000
