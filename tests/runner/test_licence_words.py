"""What software says when it gets no licence is recognised, whatever else becomes of the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from conductor_core.submission import Output
from conductor_service.runner import licence_words
from conductor_service.runner.causes import failure_without_licence
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.licence_words import TABLE, WAITS_SECONDS, LicenceSigns, Words, refusal_in, words_of

if TYPE_CHECKING:
    from runner.conftest import Farm, Job

    MakeJob = Callable[..., Job]

SH = ("/bin/sh", "-c")
OUT = (Output("/job/out/a.#.txt", kind="other"),)
WATERMARK = "00:00:01 514MB WARNING | rendering with watermarks because of failed authorization:"

#: lines about licences that are no trouble
HARMLESS = [
    "  configuration: --enable-nonfree --enable-gpl; license: nonfree and unredistributable",
    "License: MIT",
    "00:00:00 444MB | [rlm] checked out license for arnold 20140206",
    "WARNING | rendering with watermarks because skip_license_check is enabled",
    "WARNING | rendering with watermarks because ARNOLD_LICENSE_ORDER = none",
    "Read the licence that comes along.",
    "Licence server: 5053@licences",
    "Waiting for the render slaves",
    "/job/textures/license_plate_not_found.exr",
    "retrying in 10 s",
]


@pytest.mark.parametrize("words", TABLE, ids=lambda words: f"{words.software}: {words.line[:40]}")
def test_each_row_recognises_its_line(words: Words) -> None:
    """The line that a row is for is found as that kind, by a log's reader and in the last words of software alike."""
    found = words_of(words.line)
    assert found is not None
    assert found.kind == words.kind
    assert refusal_in(f"begin\n  {words.line}\nend") == words.line
    clock = Clock()
    signs = LicenceSigns(clock)
    signs.read(words.line.encode() + b"\n")
    clock.now += WAITS_SECONDS + 1
    assert words.line in (signs.refused if words.kind == "refused" else signs.lacking())
    assert words.source


@pytest.mark.parametrize("line", HARMLESS)
def test_harmless_lines_are_no_sign(line: str) -> None:
    """What merely speaks of licences, and a watermark that somebody asked for, makes no task wait."""
    clock = Clock()
    signs = LicenceSigns(clock)
    signs.read(line.encode() + b"\n")
    clock.now += WAITS_SECONDS + 1
    assert (words_of(line), signs.refused, signs.lacking()) == (None, "", "")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_in_pieces() -> None:
    """A line that is cut anywhere is read as one."""
    for cut in range(1, len(WATERMARK)):
        signs = LicenceSigns(Clock())
        signs.read(WATERMARK[:cut].encode())
        signs.read(WATERMARK[cut:].encode() + b"\n")
        assert signs.lacking(), cut


def test_a_wait_ends_when_the_software_goes_on() -> None:
    """Lines about the wait prolong it, a line about something else ends it; a new wait counts from its own beginning."""
    clock = Clock()
    signs = LicenceSigns(clock)
    signs.read(b"Waiting for a license\n")
    clock.now = WAITS_SECONDS - 1
    signs.read(b"still waiting ...\n")
    assert not signs.lacking()
    clock.now += 2
    assert signs.lacking()
    signs.read(b"rendering frame 7\n")
    assert not signs.lacking()
    signs.read(b"Waiting for a license\n")
    assert not signs.lacking()


CAUSES = [
    ("bad-output", "licence"),
    ("exit-code", "licence"),
    ("no-progress", "licence"),
    ("out-of-memory", "out-of-memory"),
    ("missing-file", "missing-file"),
    ("user", "user"),
    ("disk-full", "disk-full"),
]


@pytest.mark.parametrize(("cause", "shown"), CAUSES)
def test_what_comes_of_a_refusal(cause: str, shown: str) -> None:
    """A task without pictures whose software had no licence lacked that; one that failed of something else did not."""
    signs = LicenceSigns(Clock())
    assert failure_without_licence(TaskFailed(cause, "words"), signs).cause == cause
    signs.read(b"No licenses could be found to run this application.\n")
    failure = failure_without_licence(TaskFailed(cause, "words", exit_code=3), signs)
    assert (failure.cause, failure.exit_code) == (shown, 3 if shown == "licence" else failure.exit_code)


REAL = {
    "it ends": (
        "echo 'No licenses could be found to run this application.' >&2; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo $i; done; exit 3"
    ),
    "it ends well without a picture": "echo 'aborting render because the abort_on_license_fail option was enabled'",
    "it renders a watermark": f"echo '{WATERMARK}'; echo x > /job/out/a.1.txt",
    "it renders a watermark for long": f"echo '{WATERMARK}'; exec sleep 600",
    "it waits": "echo 'Queuing for License of prman'; exec sleep 600",
}


@pytest.mark.parametrize("script", REAL.values(), ids=REAL.keys())
def test_real_processes_without_a_licence(farm: Farm, job: MakeJob, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """However software takes it that it has no licence, the attempt ends with that cause, and nothing is published."""
    monkeypatch.setattr(licence_words, "WAITS_SECONDS", 0.5)
    told = farm.told(job(command=(*SH, script), outputs=OUT))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "licence"), told.verdict
    # software that no operator has given a network reaches no server of licences
    assert "say `network: true` for" in told.verdict.message
    assert not told.outputs


def test_a_refusal_that_did_not_matter(farm: Farm, job: MakeJob) -> None:
    """Software that is refused one licence and takes another has rendered."""
    told = farm.told(job(command=(*SH, "echo 'A license for nuke was not found'; echo x > /job/out/a.1.txt"), outputs=OUT))
    assert told.verdict is not None
    assert told.verdict.state == "success", told.verdict


def test_who_has_rendered_had_a_licence(farm: Farm, job: MakeJob) -> None:
    """A task that fails after it has shown progress lacked something else, whatever its software said at its start."""
    script = "echo 'A license for nuke was not found'; echo openjd_progress: 40; sleep 0.5; exit 0"
    told = farm.told(job(command=(*SH, script), outputs=OUT))
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.cause) == ("failed", "bad-output"), told.verdict
