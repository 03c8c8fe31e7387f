"""Check where a submission's frames will come home to, before anything is sent: what can be known now need not wait for a frame."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable

from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.feeding import comparable, fed_in
from conductor_core.frames import FrameSet
from conductor_core.paths import ClientPath
from conductor_core.sequences import frame_of, has_frame_token, output_folder
from conductor_core.steps import movie_not_rendered
from conductor_core.submission import Submission


def check_writable(submission: Submission) -> None:
    """Refuse output folders that frames cannot be written into: each is tried, or what there is above it.

    Raises:
        Ended: with the folder, and why.
    """
    folders = {
        output_folder(ClientPath.parse(output.path, submission.flavour)).text
        for step in submission.steps
        for output in step.outputs
    }
    for folder in sorted(folders):
        there = _nearest(folder)
        try:
            _try_to_write(there)
        except OSError as exc:
            reason = exc.strerror if there == folder else f"{there}: {exc.strerror}"
            raise Ended(
                ExitCode.TRANSFER_FAILED,
                f"{folder} cannot be written ({reason}): no frame could be brought home.",
                "Make it writable, write elsewhere (--output), or leave the frames on the farm (--no-download).",
            ) from None


def check_not_read(submission: Submission, read: Iterable[str]) -> None:
    """Refuse to render over files that the scene reads: what it reads then depends on which frame was home first.

    A folder that has both inputs and outputs is fine: the farm renders into a copy of it.

    Raises:
        Ended: with the file.
    """
    flavour, fed = submission.flavour, fed_in(submission.steps)
    files = [(file, comparable(ClientPath.parse(file, flavour).slashed)) for file in read]
    for step in submission.steps:
        frames = frozenset(FrameSet.parse(step.frames).frames)
        for output in step.outputs:
            pattern = comparable(ClientPath.parse(output.path, flavour).slashed)
            head = re.split("[#%<]", pattern, maxsplit=1)[0]
            for file, slashed in (pair for pair in files if pair[1].startswith(head)):
                if fed.maker_of(file) == step.name:  # it makes the file for another step, which reads it then
                    continue
                if slashed == pattern or frame_of(pattern, slashed) in frames:
                    raise Ended(
                        ExitCode.USAGE,
                        f"Step {step.name!r} would write over {file}, which the scene itself reads.",
                        "Write elsewhere: --output FOLDER/shot_####.exr",
                    )


def check_one_file(submission: Submission) -> None:
    """Refuse a movie, or one cache of all frames, whose frames are rendered apart: each task would write over the others'.

    Raises:
        Ended: with the file and the size of a chunk that has all frames.
    """
    for step in submission.steps:
        frames = len(FrameSet.parse(step.frames))
        if not step.command and (movie := movie_not_rendered(submission.software.name, step.outputs)):
            raise Ended(
                ExitCode.USAGE,
                f"Step {step.name!r} writes a movie, {movie}, and {submission.software.name.capitalize()} renders pictures only on the farm.",
                f"Say --step-output {step.name}=FOLDER/shot_####.exr",
            )
        for output in step.outputs:
            whole = output.kind in ("movie", "cache") and not has_frame_token(output.path)
            if whole and not step.command and step.chunk_size < frames:
                raise Ended(
                    ExitCode.USAGE,
                    f"Step {step.name!r} writes one {output.kind}, {output.path}, and tasks of {step.chunk_size} would write over it.",
                    f"Render it in one chunk: --step-chunk-size {step.name}={frames}",
                )


def _try_to_write(folder: str) -> None:
    """Make a file in the folder and remove it.

    Once: `tempfile` takes the refusal of a Windows folder for a name that is taken, and tries ten thousand of them.

    Raises:
        OSError: nothing can be written there.
    """
    path = os.path.join(folder, f".conductor-{uuid.uuid4().hex}")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    os.unlink(path)


def _nearest(folder: str) -> str:
    """Return the folder, or the nearest above it that is there."""
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
