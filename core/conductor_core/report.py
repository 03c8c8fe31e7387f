"""The scan report: everything in a scene that looks like a path ends in exactly one of five lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something the scene reads, with the files it comes to on this machine."""

    #: the text stored in the scene
    as_written: str
    #: absolute, tokens kept (`/abs/wood.<UDIM>.exr`)
    path: str
    #: the real files, absolute, for the frames that the job needs
    files: tuple[str, ...]
    #: `texture`, `library`, `cache` …: the words of `conductor_core.discovery.kinds`
    kind: str
    #: who wants it: `Image wood.filepath`
    referrer: str
    status: Literal["found", "partial"] = "found"
    #: the file that holds the text; "": the scene itself
    within: str = ""
    #: who sees it: the host (`host`), our own reading of the file (`file`), or both; empty where one alone was asked
    seen_by: tuple[str, ...] = ()
    #: by which reader of ours it was found; two readers of one thing are no two entries
    reader: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """A dependency that is not on disk; for a sequence, `path` names the frame or tile that lacks."""

    as_written: str
    path: str
    kind: str
    referrer: str
    reason: str
    within: str = ""
    seen_by: tuple[str, ...] = ()
    reader: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Text that looks like a path and can't be evaluated."""

    as_written: str
    referrer: str
    reason: str
    within: str = ""
    seen_by: tuple[str, ...] = ()
    reader: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ScanOutput:
    """Where the scene writes; `path` has `####` for the frame where it has one."""

    as_written: str
    path: str
    referrer: str
    within: str = ""
    seen_by: tuple[str, ...] = ()
    reader: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A path that is deliberately not sent."""

    as_written: str
    referrer: str
    reason: str
    within: str = ""
    seen_by: tuple[str, ...] = ()
    reader: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ScanReport:
    """All that a scan of one scene says (`conductor scan SCENE --json`)."""

    scene: str
    format: str
    dependencies: tuple[Dependency, ...] = ()
    missing: tuple[Missing, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    outputs: tuple[ScanOutput, ...] = ()
    ignored: tuple[Ignored, ...] = ()

    def files(self) -> tuple[str, ...]:
        """Return each real file once, the scene first, the rest sorted."""
        rest = {f for d in self.dependencies for f in d.files} - {self.scene}
        return (self.scene, *sorted(rest))
