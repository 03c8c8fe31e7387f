"""What the scene files of renderers share: nodes with texts, search folders, tokens, and the way from a text to places."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from conductor_core.discovery.arithmetic import countable
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Host, Node, findings_of
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import Frames, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import of_unknown
from conductor_core.discovery.variables import Filled, fill_variables
from conductor_core.formats.text_window import TextWindow
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.submission import Software

#: matched to have the beginning of a text in the window
_NOTHING = re.compile(b"")

_DRIVE = re.compile(r"[A-Za-z]\Z")


@dataclass(slots=True)
class SceneNode:
    """A node, plugin or request with those of its parameters that are text."""

    type: str
    name: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def text(self, attribute: str) -> str:
        """Return the first text of a parameter; "" where it has none."""
        return next(iter(self.values.get(attribute, ())), "")

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Return all texts of a parameter."""
        return tuple(self.values.get(attribute, ()))

    def number(self, attribute: str, default: float = 0.0) -> float:
        """Return a parameter as a number."""
        try:
            return countable(float(self.text(attribute)), default)
        except ValueError:
            return default

    def attributes(self) -> Iterable[str]:
        """Return the names of the parameters that have texts."""
        return tuple(self.values)


@dataclass(frozen=True, slots=True)
class Rules:
    """How a renderer comes from a text to places."""

    host: Host
    #: from the stored text to the patterns that it may mean; the variables are filled in already
    patterns: Callable[[str], tuple[str, ...]] = lambda text: (text,)
    #: from the stored text to one with its variables
    fill: Callable[[str, Survey], Filled] = lambda text, survey: fill_variables(text, survey.variables)
    #: folders in which a relative name is looked for, before those of the survey and the file's own
    folders: Callable[[Kind], tuple[str, ...]] = lambda _kind: ()
    #: why a text is no path at all, or can't be evaluated; "": it is one
    unreadable: Callable[[str], str] = lambda _text: ""
    #: why a text is deliberately not sent; "": it is
    passed_over: Callable[[str], str] = lambda _text: ""


@dataclass(frozen=True, slots=True)
class _Places:
    """What a text comes to."""

    places: tuple[str, ...] = ()
    unresolved: str = ""
    under: Survey | None = None


class SceneAsk:
    """What readers of nodes ask (`conductor_core.discovery.node.Ask`), answered by the rules of a renderer."""

    def __init__(self, survey: Survey, rules: Rules, kept: dict[tuple[str, Kind], _Places] | None = None) -> None:
        self._survey = survey
        self._rules = rules
        # scenes name the same file again and again
        self._kept = {} if kept is None else kept
        self.told: set[str] = set()

    @property
    def survey(self) -> Survey:
        """The scan."""
        return self._survey

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield a finding for each text of a parameter."""
        self.told.add(attribute)
        for written in _texts(node, attribute) if text is None else (text,):
            if written.strip():
                yield self._told(written, f"{node.name}.{attribute}", kind, reach)

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield an output for each text of a parameter."""
        self.told.add(attribute)
        for written in _texts(node, attribute):
            if written.strip():
                pattern = self._rules.patterns(self._rules.fill(written, self._survey).text)[0]
                yield ScanOutput(written, absolute(pattern, self._survey.folder), f"{node.name}.{attribute}")

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that a parameter's texts are deliberately not sent; code of many lines is no path to begin with."""
        self.told.add(attribute)
        for written in _texts(node, attribute):
            if written.strip() and "\n" not in written:
                yield Ignored(written, f"{node.name}.{attribute}", reason)

    def _told(self, written: str, referrer: str, kind: Kind, reach: Reach | None) -> Finding:
        if reason := self._rules.passed_over(written):
            return Ignored(written, referrer, reason)
        if (written, kind) not in self._kept:
            self._kept[written, kind] = self._placed(written, kind)
        known = self._kept[written, kind]
        if known.unresolved:
            return Unresolved(written, referrer, known.unresolved)
        return Usage(written, referrer, kind, known.places, reach or Frames(self._survey.frames), under=known.under)

    def _placed(self, written: str, kind: Kind) -> _Places:
        filled = self._rules.fill(written, self._survey)
        if reason := self._rules.unreadable(filled.text):
            return _Places(unresolved=reason)
        if filled.unknown:
            return _Places(unresolved=f"nobody has set {', '.join(filled.unknown)}")
        folders = (*self._rules.folders(kind), *self._survey.search, self._survey.folder)
        if self._survey.project_root:
            folders = (*folders, self._survey.project_root)
        places = tuple(dict.fromkeys(p for pattern in self._rules.patterns(filled.text) for p in placed(pattern, folders)))
        under = replace(self._survey, search=tuple(dict.fromkeys(folders)), scene=self._survey.scene or self._survey.file)
        return _Places(places, under=under)


def saved_by(window: TextWindow, product: str, header: re.Pattern[bytes]) -> Iterator[Facts]:
    """Yield the version of the software that saved a text, where its beginning says so in the header's first group."""
    window.match(_NOTHING)
    if saved := header.search(window.data[:4096]):
        version = saved[1].decode()
        yield Facts(Software(product, version), saved_by=version)


def findings_of_scene(nodes: Iterable[SceneNode], survey: Survey, rules: Rules) -> Iterator[Finding]:
    """Yield what nodes name: by the readers of their type first, by the names of their parameters where no reader knows."""
    kept: dict[tuple[str, Kind], _Places] = {}
    for node in nodes:
        ask = SceneAsk(survey, rules, kept)
        yield from findings_of(rules.host, node, ask)
        yield from of_unknown(node, ask, node.texts, told=frozenset(ask.told))


def placed(pattern: str, folders: Iterable[str]) -> Iterator[str]:
    """Yield the absolute paths that a pattern means when it is looked for in these folders, in their order."""
    if is_absolute(pattern) or pattern.startswith("~"):
        yield absolute(pattern, os.sep)
        return
    for folder in folders:
        yield absolute(pattern, folder)


def split_search_path(text: str) -> tuple[str, ...]:
    r"""Return the folders of a search path: parted by `;` or `:`, where the colon of a drive parts nothing."""
    parts: list[str] = []
    drive = ""
    for part in re.split(r"([;:])", text):
        if part == ":" and parts and _DRIVE.match(parts[-1]) and not drive:
            drive = parts.pop() + ":"
        elif part in (";", ":"):
            drive = ""
        elif drive and part[:1] in ("/", "\\"):
            parts.append(drive + part)
            drive = ""
        else:
            parts += [drive[:-1]] if drive else []
            drive = ""
            parts.append(part)
    return tuple(p.strip() for p in parts if p.strip())


def _texts(node: Node, attribute: str) -> tuple[str, ...]:
    return node.texts(attribute) if isinstance(node, SceneNode) else (node.text(attribute),)
