"""Which files of a scene no scout frame needs: these are sent last, and the scout frames start without them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from conductor_core.cli.looking import Question, own_reading
from conductor_core.errors import SceneNotRead
from conductor_core.frames import format_frames
from conductor_core.submission import Submission, frames_with_scouts


def files_for_later(submission: Submission, files: Collection[str], question: Question) -> tuple[str, ...]:
    """Return those of a job's files that our own reading of the scene wants for the job's frames, and for no scout frame.

    What only the host or the artist named is not among them: of that nobody knows which frames need it.
    """
    early = sorted({frame for step in submission.steps if step.scouts.strip() for frame in frames_with_scouts(step)})
    if not early or not submission.scene:
        return ()
    whole, scouts = own_reading(question), own_reading(replace(question, frames=format_frames(early)))
    if isinstance(whole, SceneNotRead) or isinstance(scouts, SceneNotRead):
        return ()
    later = set(whole.report.files()).difference(scouts.report.files())
    return tuple(file for file in files if file in later)
