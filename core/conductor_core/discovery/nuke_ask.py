"""From a knob of a Nuke script to places: what its text comes to, relative to what, for which frames and views.

Rules: https://learn.foundry.com/nuke/content/reference_guide/other_nodes/root.html (project directory: what relative names are
relative to), https://learn.foundry.com/nuke/content/comp_environment/stereoscopic_films/using_variables.html (`%V`, `%v`). Where
there is no project directory Nuke takes the folder that it was started in: the script's own is looked into first, then this
process's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Node
from conductor_core.discovery.nuke_clips import clip_frames
from conductor_core.discovery.nuke_demand import Demand, Demands
from conductor_core.discovery.nuke_node import ScriptNode
from conductor_core.discovery.nuke_time import AsFound, Clip
from conductor_core.discovery.nuke_values import Values
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import Frames, OneFile, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.tcl import NotEvaluated, split_list
from conductor_core.discovery.variables import fill_variables
from conductor_core.feeding import comparable
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.sequences import frame_of, has_frame_token, has_view_token, view_path

MOVIES = frozenset(
    [".mov", ".mp4", ".m4v", ".mxf", ".avi", ".mkv", ".mpg", ".mpeg", ".r3d", ".braw", ".ari", ".arx", ".webm", ".wmv"]
)
_PRINTF = re.compile(r"%0?(\d{0,2})d")
_SPLIT = ("\v", "\\v ", "(default ")
#: what a Precomp says of its script: that it reads what this Write, or any where it is empty, has written of it
_RENDERED = "nuke.rendered"
#: how much of a text that is no path is shown
SHOWN = 200


@dataclass(frozen=True, slots=True)
class HostText:
    """What Nuke itself makes of the text of a knob."""

    text: str
    #: the frames for which it does; None: for all that were asked
    frames: frozenset[int] | None = None
    #: "": for all views
    view: str = ""


#: full name of a node and its knob → what Nuke makes of it, where it was asked
HostTexts = Mapping[tuple[str, str], tuple[HostText, ...]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all nodes of a script."""

    views: tuple[str, ...]
    #: what relative names are relative to, in order
    folders: tuple[str, ...]
    #: the project directory, for what is read because of this script; "" where it has none
    project: str = ""
    #: why the project directory is not known; "": it is, or there is none
    unknown_project: str = ""
    #: empty where there is no Nuke to ask
    host: HostTexts = field(default_factory=dict)


class NukeAsk:
    """What readers of Nuke's nodes ask; remembers which knobs they looked at."""

    def __init__(self, survey: Survey, values: tuple[Values, ...], demands: Demands, setting: Setting) -> None:
        self._survey = survey
        #: the script as the one that Nuke has open, and as itself
        self._values = values
        self._demands = demands
        self.setting = setting
        self.seen: set[str] = set()
        #: where a Write renders to
        self.written: list[str] = []
        self._written_by = ""
        self.problem = ""

    @property
    def survey(self) -> Survey:
        """The scan."""
        return self._survey

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield the findings for a knob; more than one only where it differs by view."""
        self.seen.add(attribute)
        stored = node.text(attribute)
        if not isinstance(node, ScriptNode) or not (stored or _is_skipped(node, attribute)):
            return
        referrer = f"{node.full_name}.{attribute}"
        known: list[str] = []
        problem = ""
        try:
            if _is_skipped(node, attribute):
                raise NotEvaluated(f"its value is longer than {self._survey.limits.value} bytes")
            for view, plain in self._by_view(node, attribute, text):
                places = self._places(node, plain)
                if not places:
                    continue
                known += places
                views = (view,) if view else self.setting.views
                usage = Usage(stored, referrer, _kind(kind, places[0]), places, reach or self._reach(node, places, views))
                yield self._with_survey(node, usage)
        except NotEvaluated as exc:
            problem = str(exc)
        for told, places in self._by_host(node, attribute, known):
            problem = ""
            usage = Usage(stored, referrer, _kind(kind, places[0]), places, reach or self._host_reach(node, places, told))
            yield self._with_survey(node, usage)
        if problem:
            yield Unresolved(stored[: self._survey.limits.value], referrer, problem)

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield where a node writes, for each view."""
        self.seen.add(attribute)
        stored = node.text(attribute)
        if not isinstance(node, ScriptNode) or not stored:
            return
        referrer = f"{node.full_name}.{attribute}"
        if self._survey.scene and not node.is_on("disable"):
            rendered = dict(self._survey.given).get(_RENDERED)
            if rendered is not None and rendered in ("", node.full_name):
                yield from self.read(node, attribute, "image")
            else:
                yield Ignored(stored, referrer, "it is written when that script itself is rendered")
            return
        paths, problem = self._written_paths(node, attribute)
        for path in paths:
            self._note(attribute, path)
        if attribute != "proxy" and not self.written:
            self.problem = problem
        if node.is_on("disable"):
            # who switches its step on all the same is told where it writes
            yield Ignored(stored, referrer, "the node is disabled")
            return
        yield from (ScanOutput(stored, path, referrer) for path in paths)
        if problem:
            yield Unresolved(stored, referrer, problem)

    def _written_paths(self, node: ScriptNode, attribute: str) -> tuple[list[str], str]:
        """Return the pattern of each view that the node writes, in their order, and why not all are known."""
        problem = ""
        paths: list[str] = []
        views = self._written_views(node)
        try:
            by_view = dict(self._by_view(node, attribute, None))
            for view in views or tuple(by_view):
                plain = by_view.get(view, by_view.get(""))
                if plain is not None:
                    paths += self._expanded(self._places(node, plain)[:1], (view,) if view else ())
        except NotEvaluated as exc:
            problem = str(exc)
        host = [
            path
            for told, places in self._by_host(node, attribute, paths)
            if told.frames is None and (not told.view or not views or told.view in views)
            for path in self._expanded(places[:1], (told.view,) if told.view else views)
        ]
        if host:  # Nuke has evaluated it, and says something else
            paths, problem = host, ""
        return list(dict.fromkeys(map(hashes, paths))), problem

    @property
    def values(self) -> Values:
        """The values of the script, as the one that Nuke has open."""
        return self._values[0]

    def places(self, node: ScriptNode, attribute: str) -> tuple[str, ...]:
        """Return the absolute patterns of a knob; none where it is empty or cannot be evaluated."""
        if not node.text(attribute):
            return ()
        found: list[str] = []
        try:
            for _view, plain in self._by_view(node, attribute, None):
                found += self._places(node, plain)
        except NotEvaluated:
            pass
        return (*found, *(place for _, places in self._by_host(node, attribute, found) for place in places))

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that a knob's path is not sent."""
        self.seen.add(attribute)
        if node.text(attribute) and isinstance(node, ScriptNode):
            yield Ignored(shown(node.text(attribute)), f"{node.full_name}.{attribute}", reason)

    def job_frames(self, node: ScriptNode) -> tuple[int, ...] | None:
        """Return the frames that are asked of a node."""
        demand = self._demands.of(node)
        return None if demand.wanted is None else tuple(sorted(demand.wanted | demand.welcome))

    def under(self, node: ScriptNode) -> Survey:
        """Return what a script or gizmo is read with that a node brings in."""
        frames = self.job_frames(node)
        root = self._survey.project_root or self.setting.project
        rendered = ((_RENDERED, node.text("output")),) if node.type == "Precomp" and node.is_on("reading") else ()
        return replace(self._survey, frames=self._survey.frames if frames is None else frames, project_root=root, given=rendered)

    def _with_survey(self, node: ScriptNode, usage: Usage) -> Usage:
        return replace(usage, under=self.under(node)) if usage.kind == "gizmo" else usage

    def _note(self, attribute: str, path: str) -> None:
        """Keep where the node renders to: of several knobs the first, and never what it writes at proxy resolution."""
        if attribute != "proxy" and self._written_by in ("", attribute):
            self._written_by = attribute
            self.written.append(path)

    def _written_views(self, node: ScriptNode) -> tuple[str, ...]:
        """Return the views that a node writes: those that it names, or all."""
        names = node.plain("views").strip("{} ").split()
        return tuple(n for n in names if n in self.setting.views or not self.setting.views) or self.setting.views

    def _expanded(self, places: Iterable[str], views: tuple[str, ...]) -> list[str]:
        """Return the path of each view."""
        return [one for place in places for one in view_path(place, views) or (place,)]

    def _by_host(self, node: ScriptNode, attribute: str, known: Sequence[str]) -> Iterator[tuple[HostText, tuple[str, ...]]]:
        """Yield what Nuke makes of a knob, as far as it is none of the places that are known."""
        for told in self.setting.host.get((node.full_name, attribute), ()):
            try:
                places = tuple(dict.fromkeys(self._of_text(told.text.strip()))) if told.text.strip() else ()
            except NotEvaluated:
                continue
            if places and not any(means(pattern, place) for pattern in known for place in places):
                yield told, places

    def _by_view(self, node: ScriptNode, attribute: str, text: str | None) -> Iterator[tuple[str, str]]:
        plain = node.plain(attribute) if text is None else text
        if not plain.startswith(_SPLIT):
            yield "", plain
            return
        words = split_list(plain.strip("()").removeprefix("\v").removeprefix("\\v"))
        for view, value in zip(words[::2], words[1::2], strict=False):
            yield "" if view == "default" else view, value

    def _places(self, node: ScriptNode, plain: str) -> tuple[str, ...]:
        """Return the absolute patterns of a text; none where it comes to nothing."""
        texts: dict[str, None] = {}
        problem: NotEvaluated | None = None
        for values in self._values:
            try:
                texts[values.evaluated(node, plain).strip()] = None
            except NotEvaluated as exc:
                problem = problem or exc
        if problem is not None and not texts:
            raise problem
        return tuple(dict.fromkeys(place for text in texts if text for place in self._of_text(text)))

    def _of_text(self, text: str) -> Iterator[str]:
        """Yield the places of an evaluated text: with environment variables, then as it is, since Nuke itself fills in none."""
        if len(text) > 4096 or "\0" in text or "\n" in text:
            raise NotEvaluated("it comes to what is no path")
        filled = fill_variables(text, self._survey.variables).text if "$" in text else text
        for one in dict.fromkeys((filled, text)):
            if self.setting.unknown_project and not is_absolute(one):
                raise NotEvaluated(
                    f"it is relative to the project directory, of which is not known what it is: {self.setting.unknown_project}"
                )
            yield from (absolute(one, folder) for folder in self.setting.folders[: 1 if is_absolute(one) else None])

    def _reach(self, node: ScriptNode, places: tuple[str, ...], views: tuple[str, ...], demand: Demand | None = None) -> Reach:
        if not any(has_frame_token(p) or has_view_token(p) for p in places):
            return OneFile()
        clip = self._clip(node)
        frames = clip_frames(node, demand or self._demands.of(node), clip, self._values[0])
        tolerant = node.text("on_error")
        if frames is None or tolerant not in ("", "error"):
            wanted = None if frames is None else frames.wanted + frames.welcome
            return AsFound(wanted, nearest=tolerant.startswith("nearest"), first=clip.first, last=clip.last, views=views)
        return Frames(frames.wanted, frames.welcome, views)

    def _host_reach(self, node: ScriptNode, places: tuple[str, ...], told: HostText) -> Reach:
        views = (told.view,) if told.view else self.setting.views
        return self._reach(node, places, views, None if told.frames is None else Demand(told.frames))

    def _clip(self, node: ScriptNode) -> Clip:
        first, last = self._values[0].number(node, "first"), self._values[0].number(node, "last")
        if "last" not in node.knobs or last is None or (first is None and "first" in node.knobs):
            return Clip()
        return Clip(
            int(first or 0) if "first" in node.knobs else 1,
            int(last),
            node.text("before") or "hold",
            node.text("after") or "hold",
        )


def shown(text: str) -> str:
    """Return what a report shows of a text that is no path."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def folders_of(survey: Survey, project: str, scripts: Iterable[str]) -> tuple[str, ...]:
    """Return what relative names are relative to: the project directory, or else the folder of the script and this process's."""
    own = [os.path.dirname(s) for s in scripts]
    if project:
        # a project directory that is itself relative is so to where Nuke was started
        return tuple(dict.fromkeys(absolute(project, folder) for folder in own))
    said = [survey.project_root] if survey.project_root else []
    return tuple(dict.fromkeys((*said, *own, os.getcwd())))


def _is_skipped(node: ScriptNode, attribute: str) -> bool:
    knob = node.knobs.get(attribute)
    return knob is not None and knob.style == "skipped"


def _kind(kind: Kind, place: str) -> Kind:
    return "movie" if kind == "image" and os.path.splitext(place)[1].lower() in MOVIES else kind


def means(pattern: str, place: str) -> bool:
    """Tell whether a path is one of those that a pattern stands for."""
    one, other = comparable(pattern), comparable(place)
    return one == other or (has_frame_token(one) and frame_of(one, other) is not None)


def hashes(path: str) -> str:
    """Return a pattern with `####` for its frame."""
    return _PRINTF.sub(lambda m: "#" * max(1, int(m[1] or 1)), path)
