"""Look at a scene: by our own reading of its file, by its host where that can be asked, or by both, cross-checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from conductor_core.api.settings import HostSettings, Settings
from conductor_core.cli.describe import describe_scene, find_asker, has_host
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.discovery.crosscheck import cross_checked
from conductor_core.discovery.finding import Facts
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import Scan, scan_file, studio
from conductor_core.formats.scan import Listener
from conductor_core.frames import FrameSet
from conductor_core.host import SceneDescription
from conductor_core.report import ScanReport

#: whether the host is asked: `auto`: where it is here
AskHost = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked at, and how."""

    scene: str
    #: in the grammar of `conductor_core.frames`; "": the scene's own range
    frames: str = ""
    project_root: str = ""
    #: what is set beside this process's own environment
    variables: Mapping[str, str] = field(default_factory=dict)
    ask_host: AskHost = "auto"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen."""

    report: ScanReport
    #: None: nobody could tell more than the files
    description: SceneDescription | None = None
    #: sentences on who was not asked or could not answer
    notes: tuple[str, ...] = ()


def load_readers(folders: Sequence[str], settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Load a studio's readers: of $CONDUCTOR_READERS, of the settings, then of `folders`; return a sentence for each that fails.

    Where two read the same, the later stands.
    """
    named = (os.environ if environ is None else environ).get(studio.VARIABLE, "").split(os.pathsep)
    return studio.load((*filter(None, named), *settings.readers, *folders))


def look_at(question: Question, settings: HostSettings, *, listen: Listener | None = None) -> Look:
    """Return what can be said of a scene.

    Raises:
        Ended: nobody could read it, or the host could not though it had to.
        FrameSpecError: the frames cannot be read.
    """
    frames = FrameSet.parse(question.frames).frames if question.frames else None
    own = _read(question, frames, listen)
    host, note = _asked(question, settings, "" if isinstance(own, SceneNotRead) else own.report.format)
    if isinstance(host, SceneDescription):
        if isinstance(own, SceneNotRead):
            return Look(host.report, host, (f"This is what the host says alone: our own reading failed ({own.reason}).",))
        merged = cross_checked(host.report, own.report)
        return Look(merged, replace(host, report=merged))
    if isinstance(own, SceneNotRead):
        # the host is the better judge of a scene
        raise host or _not_read(own, question.scene)
    return Look(own.report, description_of(own), (note,) if note else ())


def description_of(scan: Scan) -> SceneDescription | None:
    """Return a scan of ours as a description; None where the file says nothing of what could be rendered."""
    facts: Facts | None = scan.facts
    if facts is None:
        return None
    return SceneDescription(scan.report, facts.software, facts.frames, facts.steps, saved_by=facts.saved_by)


def _read(question: Question, frames: tuple[int, ...] | None, listen: Listener | None) -> Scan | SceneNotRead:
    survey = Survey(
        question.scene,
        frames=frames,
        project_root=question.project_root,
        variables={**os.environ, **question.variables},
    )
    try:
        return scan_file(survey, listen=listen) if listen else scan_file(survey)
    except SceneNotRead as exc:
        return exc


def _asked(question: Question, settings: HostSettings, format_name: str) -> tuple[SceneDescription | Ended | None, str]:
    """Return the host's answer, or the error; None where none is to be asked. And the sentence that says why it is silent."""
    if question.ask_host == "never" or (question.ask_host == "auto" and not has_host(question.scene, format_name)):
        return None, ""
    silent = "was not asked"
    try:
        asker = find_asker(question.scene, settings, format_name=format_name)
        silent = "could not answer"
        return describe_scene(asker, question.scene, question.frames, variables=question.variables), ""
    except Ended as exc:
        if question.ask_host == "always":
            raise
        return exc, f"This is our own reading of the file alone, since the host {silent}. {exc}"


def _not_read(own: SceneNotRead, scene: str) -> Ended:
    code = ExitCode.TRANSFER_FAILED if isinstance(own.__cause__, OSError) else ExitCode.USAGE
    return Ended(code, f"{scene} cannot be scanned: {own.reason}.", own.next_step)
