"""Which files of a scene no scout frame needs: these may be sent last, and the scout frames start without them.

Never guessed from a name: it is what our own reading of the scene wants for the frames of the job, less what the same reading
wants for the scout frames. What it does not understand may be any file at any frame, so that is never among them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from conductor_core.discovery.place import looks_like_path
from conductor_core.discovery.survey import Survey
from conductor_core.errors import PathError
from conductor_core.formats.read_states import ReadStates
from conductor_core.formats.scan import scan_file
from conductor_core.paths import ClientPath, local_flavour
from conductor_core.report import ScanReport

#: where a text ends that is taken as it stands: patterns, expressions, quotes
_MEANT_OTHERWISE = re.compile(r"""[\[\]$%#{}<>`()"'*?|\n]""")


def files_for_later(survey: Survey, scouts: Iterable[int], *, states: ReadStates | None = None) -> tuple[str, ...]:
    """Return the files that a scene reads for the frames of a survey, and for none of the scout frames.

    `states` takes in which state each file was that told so.

    Raises:
        SceneNotRead: the scene cannot be read.
    """
    whole = scan_file(survey, states=states).report
    # a shutter looks at the frames beside, whether or not a reader can tell that it is open
    near = sorted({frame + step for frame in scouts for step in (-1, 0, 1)})
    early = scan_file(replace(survey, frames=tuple(near), for_scouts=True), states=states).report
    if states is not None:  # what only frames beside the job's lead to is not sent, and can but add to what goes first
        states.keep_only(whole.files())
    first = {_place(file) for file in early.files()}
    later = [file for file in whole.files() if _place(file) not in first]
    for may_mean in _not_understood(whole, early):
        later = [file for file in later if not may_mean(file)]
    return tuple(later)


def _place(file: str) -> object:
    """Return what two spellings of one file have in common, as a manifest tells them apart: on Windows their case does not count."""
    try:
        return ClientPath.parse(file, local_flavour()).key
    except PathError:
        return file


def _not_understood(*reports: ScanReport) -> Iterable[Callable[[str], bool]]:
    """Yield for each text that was not resolved what tells whether it may mean a file."""
    for report in reports:
        read = {report.scene, *report.files()}
        yield from (_meaning(text, read) for text in dict.fromkeys(entry.as_written for entry in report.unresolved))


def _meaning(text: str, read: set[str]) -> Callable[[str], bool]:
    """Return what tells whether a text may mean a file: by the end of what stands in it as it is; without that, it may mean any.

    `read`: the files that were read; one that was not understood to its end may name any file.
    """
    plain = _MEANT_OTHERWISE.split(text, maxsplit=1)[0].replace("\\", "/").lower()
    folder, _, name = plain.rpartition("/")
    tells = folder.strip("./") or (plain == text.lower() and looks_like_path(text))
    # the folders above may be spelled otherwise: another drive, a link
    part = f"/{folder.rpartition('/')[2]}/{name}" if folder.strip("./") else f"/{name}"
    if text in read or not tells or "/./" in part or "/../" in part:
        return lambda _: True
    return lambda file: part in file.replace(os.sep, "/").lower()
