"""The lines of the tree of files: what each one is, in which group it stands, and what it says. No Qt.

A line is a dependency with all its files: a sequence of a thousand frames is one `FileRow`, and its files are the tuple that the
scan made; there is no object per file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

from conductor_core.agent_answers import FileStatus
from conductor_core.discovery.judge import Entry
from conductor_core.report import Dependency, Ignored, Missing, ScanOutput, Unresolved

#: where a line comes from
Source = Literal["scene", "dependency", "missing", "unresolved", "ignored", "output", "added", "exclusion"]

#: what one can filter by, and how it is called
FILTERS: dict[str, str] = {
    "": "All",
    "problems": "Problems",
    "new": "New",
    "stored": "In the store",
    "rendered": "From an earlier job",
    "missing": "Missing",
    "unresolved": "Not resolved",
    "one-sided": "Host and file disagree",
    "added": "Added by you",
    "excluded": "Excluded",
    "ignored": "Not sent",
}

#: how the status of a file is called; the order in which a sequence counts them
STATUS_TEXT: dict[FileStatus, str] = {
    "missing": "missing",
    "new": "new",
    "stored": "in the store",
    "rendered": "from an earlier job",
    "unknown": "…",
}

_KIND_TITLES = {
    "texture": "Textures",
    "image": "Images",
    "movie": "Movies",
    "sound": "Sounds",
    "font": "Fonts",
    "scene": "Scenes",
    "reference": "References",
    "library": "Libraries",
    "layer": "USD layers",
    "procedural": "Procedurals",
    "proxy": "Proxies",
    "geometry": "Geometry",
    "material": "Materials",
    "cache": "Caches",
    "volume": "Volumes",
    "profile": "Light profiles",
    "shader": "Shaders",
    "ocio": "Colour configuration",
    "lut": "Look-up tables",
    "gizmo": "Gizmos",
    "script": "Scripts",
    "text": "Texts",
    "data": "Data",
    "plugin": "Plug-ins",
    "other": "Other files",
}

#: key of a group that is no kind → (where it stands, what it is called); kinds stand at 10
_GROUPS = {
    "missing": (0, "Missing"),
    "unresolved": (1, "Not resolved"),
    "the scene": (5, "Scene"),
    "added": (6, "Added by you"),
    "excluded": (20, "Excluded"),
    "ignored": (30, "Not sent"),
    "output": (40, "Written by the scene"),
}
_KINDS_STAND_AT = 10
#: groups that keep the job from being what the artist thinks it is
PROBLEM_GROUPS = frozenset({"missing", "unresolved"})
#: groups that one need not look at
QUIET_GROUPS = frozenset({"ignored", "output"})

_ONE_SIDED = {
    "host": "only the host names it, its saved file does not",
    "file": "only the saved file names it, the host does not",
}


def group_title(key: str) -> str:
    """Return what a group is called."""
    return _GROUPS[key][1] if key in _GROUPS else _KIND_TITLES.get(key, key.capitalize())


def group_order(key: str) -> tuple[int, str]:
    """Return where a group stands: problems first, then kinds by name, then what is not sent."""
    return (_GROUPS[key][0], "") if key in _GROUPS else (_KINDS_STAND_AT, group_title(key))


@dataclass(eq=False)
class FileRow:
    """One line: something the scene reads, writes or does without."""

    #: by which a tree knows it again, from 1
    number: int
    source: Source
    #: the text stored in the scene, or the path that was added
    as_written: str
    #: absolute; "" where nobody knows
    path: str
    kind: str = ""
    #: who wants it, each once
    referrers: tuple[str, ...] = ()
    #: the files it comes to; for what is missing, those that lack
    files: tuple[str, ...] = ()
    #: why it is missing, not resolved, not sent
    reason: str = ""
    #: the file that holds the text; "": the scene itself
    within: str = ""
    seen_by: tuple[str, ...] = ()
    #: why the artist left it at home; "": it goes along
    excluded: str = ""
    #: files by status, without the unknown
    counts: dict[FileStatus, int] = field(default_factory=dict)
    #: bytes of the files whose size is known
    size: int = 0
    #: whether its files are known; those of a folder that was added are listed first
    listed: bool = True
    #: of the group it stands in, and about where; kept by the tree
    group: str = ""
    place: int = 0
    #: files that the tree shows so far
    loaded: int = 0
    #: the reading of the scene that it was last seen in
    reading: int = 0
    _text: str = ""

    @property
    def sendable(self) -> bool:
        """Whether it is something that could be sent."""
        return self.source in ("scene", "dependency", "added")

    @property
    def one_sided(self) -> bool:
        """Whether one of host and own reading sees it, and the other does not."""
        return len(self.seen_by) == 1

    @property
    def name(self) -> str:
        """Return what it is called in the tree."""
        if self.source in ("unresolved", "ignored"):
            return self.as_written
        if self.source == "missing" and len(self.files) > 1:
            return os.path.basename(self.as_written)
        trimmed = self.path.rstrip("/\\")
        return os.path.basename(trimmed) or self.path or self.as_written

    @property
    def folder(self) -> str:
        """Return the folder that it lies in; "" where nobody knows."""
        return os.path.dirname(self.path.rstrip("/\\"))

    def status(self) -> str:
        """Return in a few words where its bytes stand."""
        if self.excluded:
            return "excluded"
        if not self.sendable:  # an exclusion is excluded
            word = {"missing": "missing", "unresolved": "not resolved", "ignored": "not sent", "output": "written"}[self.source]
            return word if len(self.files) < 2 else f"{len(self.files):,} {word}"
        if not self.files:
            return "empty" if self.reason else "…"
        counts = {status: n for status in STATUS_TEXT if (n := self.count(status))}
        if len(counts) < 2:
            return STATUS_TEXT[next(iter(counts), "unknown")]
        return " · ".join(STATUS_TEXT[s] if s == "unknown" else f"{n:,} {STATUS_TEXT[s]}" for s, n in counts.items())

    def note(self) -> str:
        """Return what is to be said about it: a reason, and who alone sees it."""
        parts = [self.excluded or self.reason, "the scene does not name it now" if self.source == "exclusion" else ""]
        parts += [f"in {os.path.basename(self.within)}" if self.within else ""]
        if self.one_sided:
            parts.append(_ONE_SIDED.get(self.seen_by[0], f"only {self.seen_by[0]} names it"))
        return "; ".join(p for p in parts if p)

    def count(self, status: FileStatus) -> int:
        """Return how many of its files have a status."""
        return len(self.files) - sum(self.counts.values()) if status == "unknown" else self.counts.get(status, 0)

    def belongs(self) -> str:
        """Return the key of the group that it stands in as things are."""
        if self.excluded:
            return "excluded"
        if self.source == "missing" or (self.sendable and self.counts.get("missing")):
            return "missing"
        if self.source == "scene":
            return "the scene"
        return (self.kind or "other") if self.source == "dependency" else self.source

    def fits(self, words: tuple[str, ...], status: str) -> bool:
        """Tell whether it has all words (folded) somewhere, and the status of a filter."""
        if status and not self._has(status):
            return False
        if not words:
            return True
        if not self._text:
            self._text = "\n".join((self.as_written, self.path, self.kind, self.reason, *self.referrers)).casefold()
        return all(word in self._text for word in words)

    def _has(self, status: str) -> bool:
        if status == "problems":
            return self.belongs() in PROBLEM_GROUPS or (self.one_sided and not self.excluded)
        if status == "one-sided":
            return self.one_sided
        if status == "excluded":
            return bool(self.excluded)
        if status in ("new", "stored", "rendered"):
            return not self.excluded and bool(self.counts.get(status))  # type: ignore[call-overload]
        return self.belongs() == status

    def forget_text(self) -> None:
        """Build the text for the filter anew when it is asked for."""
        self._text = ""


def key_of(entry: Entry) -> tuple[str, ...]:
    """Return what makes two entries one line: the same path wanted by two nodes is one, so are all gaps of one sequence."""
    if isinstance(entry, Dependency):
        return "dependency", entry.path, entry.kind
    if isinstance(entry, Missing):
        return "missing", entry.as_written, entry.referrer, entry.within
    if isinstance(entry, ScanOutput):
        return "output", entry.path, entry.referrer
    return "unresolved" if isinstance(entry, Unresolved) else "ignored", entry.as_written, entry.referrer, entry.within


def row_of(number: int, entry: Entry) -> FileRow:
    """Return the line for an entry, still without files."""
    line = FileRow(number, "dependency", entry.as_written, "", referrers=(entry.referrer,), seen_by=entry.seen_by)
    line.within = entry.within
    if isinstance(entry, (Dependency, Missing)):
        line.path, line.kind = entry.path, entry.kind
    if isinstance(entry, Missing):
        line.source = "missing"
    elif isinstance(entry, ScanOutput):
        line.source, line.path = "output", entry.path
    elif isinstance(entry, Unresolved):
        line.source = "unresolved"
    elif isinstance(entry, Ignored):
        line.source = "ignored"
    line.reason = getattr(entry, "reason", "")
    return line


def files_of(entry: Entry) -> tuple[str, ...]:
    """Return the files that an entry adds to its line."""
    if isinstance(entry, Dependency):
        return entry.files
    return (entry.path,) if isinstance(entry, Missing) else ()
