"""What readers yield: whatever in a file looks like a path, told as one of four things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conductor_core.discovery.kinds import FOLLOWED, Kind
from conductor_core.discovery.reach import OneFile, Reach
from conductor_core.host import SceneStep
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.submission import Software

if TYPE_CHECKING:
    from conductor_core.discovery.survey import Survey


@dataclass(frozen=True, slots=True)
class Usage:
    """A path that the file reads."""

    #: the text stored in the file
    as_written: str
    #: who wants it, as an artist finds it: `file1.ftn`
    referrer: str
    kind: Kind
    #: absolute patterns (tokens of `conductor_core.sequences`) in the order in which the host looks: the first that has
    #: files wins; the first of all is named when none has
    places: tuple[str, ...]
    reach: Reach = field(default_factory=OneFile)
    #: where nothing on disk is no fault (a bake that was not made): the reason to ignore it
    absent_is: str = ""
    #: whether its files are read in turn; None: as its kind says
    follow: bool | None = None
    #: what they are read with, where it is not what this file was read with
    under: Survey | None = None
    #: by which reader it was found (`conductor scan --explain`)
    reader: str = field(default="", compare=False)

    @property
    def followed(self) -> bool:
        """Whether the files of this usage are read in turn."""
        return self.kind in FOLLOWED if self.follow is None else self.follow


@dataclass(frozen=True, slots=True)
class Facts:
    """What a submission of the scene needs to know beside its files; a reader yields it once, or not at all."""

    software: Software
    #: the scene's own range, in the grammar of `conductor_core.frames`
    frames: str = ""
    steps: tuple[SceneStep, ...] = ()
    #: version of the software that saved the file
    saved_by: str = ""


Finding = Usage | Unresolved | ScanOutput | Ignored
