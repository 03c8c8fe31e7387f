"""Look at a scene: by our own reading of its file, by its host where that can be asked, or by both, cross-checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from conductor_core.agent_client import SceneReading
from conductor_core.api.settings import HostSettings
from conductor_core.cli.describe import describe_scene, find_asker, has_host
from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.discovery.crosscheck import cross_checked
from conductor_core.discovery.finding import Facts
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats import Scan, scan_file
from conductor_core.formats.scan import Listener
from conductor_core.frames import FrameSet
from conductor_core.host import SceneDescription
from conductor_core.report import ScanReport

_PRINTF = re.compile(r"%(?:0(?P<digits>[0-9]{1,2}))?d")
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

    def environment(self) -> dict[str, str]:
        """Return the variables of the scan."""
        return {**os.environ, **self.variables}

    def reading(self, readers: Iterable[str]) -> SceneReading:
        """Return how the agent reads the scene as it was looked at."""
        folders = tuple(os.path.abspath(os.path.expanduser(folder)) for folder in readers)
        return SceneReading(self.project_root, self.environment(), folders)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen."""

    report: ScanReport
    #: None: nobody could tell more than the files
    description: SceneDescription | None = None
    #: sentences on who was not asked or could not answer
    notes: tuple[str, ...] = ()
    #: where the host was asked and could not answer
    host_failed: Ended | None = None


def look_at(question: Question, settings: HostSettings, *, listen: Listener | None = None) -> Look:
    """Return what can be said of a scene.

    Raises:
        Ended: nobody could read it, or the host could not though it had to.
        FrameSpecError: the frames cannot be read.
    """
    own = own_reading(question, listen=listen)
    host, asked = _asked(question, settings, "" if isinstance(own, SceneNotRead) else own.report.format)
    if isinstance(host, SceneDescription):
        if isinstance(own, SceneNotRead):
            return Look(host.report, host, (f"This is what the host says alone: our own reading failed ({own.reason}).",))
        merged = cross_checked(host.report, own.report)
        return Look(merged, replace(host, report=merged))
    if isinstance(own, SceneNotRead):
        # the host is the better judge of a scene
        raise host or _not_read(own, question.scene)
    if host is None:
        return Look(own.report, description_of(own))
    silent = "could not answer" if asked else "was not asked"
    note = f"This is our own reading of the file alone, since the host {silent}. {host}"
    return Look(own.report, description_of(own), (note,), host_failed=host if asked else None)


def description_of(scan: Scan) -> SceneDescription | None:
    """Return a scan of ours as a description; None where the file says nothing of what could be rendered."""
    facts: Facts | None = scan.facts
    if facts is None:
        return None
    steps = tuple(replace(s, outputs=tuple(replace(o, path=_with_hashes(o.path)) for o in s.outputs)) for s in facts.steps)
    return SceneDescription(scan.report, facts.software, facts.frames, steps, saved_by=facts.saved_by)


def _with_hashes(path: str) -> str:
    """Return an output's path as a submission has it: `####` for `%04d`."""
    return _PRINTF.sub(lambda m: "#" * max(1, int(m["digits"] or 1)), path)


def own_reading(question: Question, *, listen: Listener | None = None) -> Scan | SceneNotRead:
    """Return what our own reading of the scene's file says.

    Raises:
        FrameSpecError: the frames cannot be read.
    """
    frames = FrameSet.parse(question.frames).frames if question.frames else None
    survey = Survey(
        question.scene,
        frames=frames,
        project_root=question.project_root,
        variables=question.environment(),
    )
    try:
        return scan_file(survey, listen=listen) if listen else scan_file(survey)
    except SceneNotRead as exc:
        return exc


def _asked(question: Question, settings: HostSettings, format_name: str) -> tuple[SceneDescription | Ended | None, bool]:
    """Return the host's answer, or why there is none; None where none is to be asked. And whether it was asked."""
    if question.ask_host == "never" or (question.ask_host == "auto" and not has_host(question.scene, format_name)):
        return None, False
    asked = False
    try:
        asker = find_asker(question.scene, settings, format_name=format_name)
        asked = True
        return describe_scene(asker, question.scene, question.frames, variables=question.variables), asked
    except Ended as exc:
        if question.ask_host == "always":
            raise
        return exc, asked


def _not_read(own: SceneNotRead, scene: str) -> Ended:
    code = ExitCode.TRANSFER_FAILED if isinstance(own.__cause__, OSError) else ExitCode.USAGE
    return Ended(code, f"{scene} cannot be scanned: {own.reason}.", own.next_step)
