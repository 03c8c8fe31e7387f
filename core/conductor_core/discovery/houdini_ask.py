"""Houdini's rules from a parameter to places on disk: the `Ask` behind its node readers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.discovery.houdini_scope import ASSET_ROOT, NodeScope
from conductor_core.discovery.houdini_shipped import SHIPPED, STOCK, could_be_path, no_file, shipped
from conductor_core.discovery.houdini_values import Value
from conductor_core.discovery.hscript import NeedsFrame, NotEvaluated, expand
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Node
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import EachOf, Frames, Matching, OneFile, Reach
from conductor_core.discovery.survey import Survey
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.sequences import has_frame_token, has_tile_token

#: frames for which Houdini itself is asked about one parameter
MOST_ASKED = 500
#: what no shutter moves
_STILL = frozenset({"texture", "image", "movie", "sound", "lut", "profile", "font", "text", "script", "shader"})
#: two frames by which a path's digits of the frame are told from others
_FAR, _NEAR = 7919, 3


class Knower(Protocol):
    """Houdini itself, where the scene is open in it."""

    def value(self, node: HipNode, attribute: str, frame: int) -> str | None:
        """Return what a parameter's text comes to on a frame; None where that is only known while it renders."""
        ...


@dataclass(slots=True)
class HipAsk:
    """The questions of one scene's readers."""

    survey: Survey
    network: Network
    variables: Mapping[str, str]
    #: frames of the job; None: nobody can tell
    frames: tuple[int, ...] | None
    #: where Houdini lay on the machine that saved the scene
    installed: tuple[str, ...] = ()
    #: the asset whose contents these are: `Sop/chair`; "": the scene itself
    asset: str = ""
    #: who knows the values that no file tells; None: nobody
    knower: Knower | None = None
    #: parameters of the node at hand that a reader spoke of
    claimed: set[str] = field(default_factory=set)

    def read(
        self, node: Node, attribute: str, kind: Kind, *, reach: Reach | None = None, text: str | None = None
    ) -> Iterator[Finding]:
        """Yield the finding for a parameter that a node reads; `#` in its name stands for each number there is."""
        for name, value in self._values(node, attribute):
            yield from self._read_one(_hip(node), name, value, kind, reach, text)

    def write(self, node: Node, attribute: str) -> Iterator[Finding]:
        """Yield the output that a parameter names."""
        for name, value in self._values(node, attribute):
            hip = _hip(node)
            referrer = self.referrer(hip, name)
            reason = no_file(value.text)
            if reason:
                yield Ignored(value.stored, referrer, reason)
            elif not self._is_program(hip, value):
                yield ScanOutput(value.stored, self.output_path(hip, name, value), referrer)

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that a parameter's path is deliberately not sent."""
        for name, value in self._values(node, attribute):
            if could_be_path(value.text):
                yield Ignored(value.stored, self.referrer(_hip(node), name), reason)

    @property
    def onwards(self) -> Survey:
        """What the files that the scene points to are read with: its frames are theirs."""
        return replace(self.survey, frames=self.frames)

    def referrer(self, node: HipNode, attribute: str) -> str:
        """Return a parameter's path, as Houdini writes it."""
        path = self.asset + node.path.removeprefix(ASSET_ROOT) if self.asset else node.path
        return f"{path}/{attribute}" + (f" (take {node.take})" if node.take else "")

    def scope(self, node: HipNode, frame: int | None = None) -> NodeScope:
        """Return what a node's expressions see."""
        return NodeScope(self.network, node, self.variables, frame)

    def output_path(self, node: HipNode, name: str, value: Value) -> str:
        """Return where an output goes, `####` for the frame; what cannot be told stays as written."""
        try:
            text = self.scope(node).value_of(name, value)
        except (NotEvaluated, NeedsFrame) as exc:
            if known := self.known_pattern(node, name, exc):
                return absolute(known, self._folder())
            try:
                text = expand(_without_expressions(value.text), _Forgiving(self.scope(node)))
            except (NotEvaluated, NeedsFrame):
                text = value.text
        return absolute(_hashes(text), self._folder())

    def known_pattern(self, node: HipNode, attribute: str, why: NotEvaluated | NeedsFrame) -> str | None:
        """Return what Houdini itself says an output's path comes to, `####` for the frame; None where it cannot say."""
        if self.knower is None or (isinstance(why, NotEvaluated) and not why.host_knows):
            return None
        far, near = (self.knower.value(node, attribute, frame) for frame in (_FAR, _NEAR))
        if far is None or near is None or far == near:
            return far if near is not None else None
        pieces = far.split(str(_FAR))
        found = re.fullmatch(r"(\d+)".join(map(re.escape, pieces)), near)
        if found is None or any(int(digits) != _NEAR for digits in found.groups()):
            return None
        hashes = (*("#" * len(digits) for digits in found.groups()), "")
        return "".join(piece + mark for piece, mark in zip(pieces, hashes, strict=True))

    def _values(self, node: Node, attribute: str) -> Iterator[tuple[str, Value]]:
        hip = _hip(node)
        names = [attribute]
        if "#" in attribute:
            fits = re.compile(re.escape(attribute).replace(r"\#", r"\d+"))
            names = [name for name in hip.values if fits.fullmatch(name)]
        names = [name for name in names if name not in self.claimed]
        self.claimed.update(names)
        for name in names:
            value = hip.value(name)
            if value and value.stored.strip():
                yield name, value

    def _read_one(
        self, node: HipNode, name: str, value: Value, kind: Kind, reach: Reach | None, text: str | None
    ) -> Iterator[Finding]:
        referrer = self.referrer(node, name)
        written = value.text if text is None else text
        reason = no_file(written) or self.is_shipped(written)
        if reason:
            yield Ignored(value.stored, referrer, reason)
            return
        try:
            meant = self.scope(node).value_of(name, value if text is None else Value(text.replace("\\", "\\\\")))
        except NotEvaluated as exc:
            known = self._known(node, name) if text is None and exc.host_knows else None
            if known is None:
                yield Unresolved(value.stored, referrer, exc.reason + self._was(node, value))
            elif len(known) > 1:
                yield self._usage_of_each(value, kind, referrer, known)
            else:
                yield from self._finding_of(node, value, referrer, kind, reach, known[0])
            return
        except NeedsFrame:
            yield from self._frame_by_frame(node, name, value, kind, referrer)
            return
        yield from self._finding_of(node, value, referrer, kind, reach, meant)

    def _finding_of(
        self, node: HipNode, value: Value, referrer: str, kind: Kind, reach: Reach | None, meant: str
    ) -> Iterator[Finding]:
        reason = no_file(meant) or self.is_shipped(meant)
        if reason:
            yield Ignored(value.stored, referrer, reason)
        elif meant.strip():
            yield self._usage(node, value.stored, referrer, kind, reach, meant)

    def _usage(self, node: HipNode, stored: str, referrer: str, kind: Kind, reach: Reach | None, meant: str) -> Finding:
        pattern = _tiles(meant)
        if re.search(r"%\([A-Za-z]+\)d|<[UV]>|<frame\w*>", pattern):
            return Unresolved(stored, referrer, "its notation for tiles or frames is not known")
        places = self.places(pattern)
        if re.match(r"[A-Za-z][\w+.-]+://", meant):
            return Unresolved(stored, referrer, "it is fetched from the network while it runs")
        if reach is None:
            reach = self._reach(node, pattern, kind)
        absent_is = SHIPPED if meant in STOCK else ""
        return Usage(stored, referrer, kind, places, reach, absent_is, under=self.onwards)

    def _reach(self, node: HipNode, pattern: str, kind: Kind) -> Reach:
        if any(c in pattern for c in "*?"):
            return Matching(None if self.network.is_retimed(node) else self.frames)
        if not (has_frame_token(pattern) or has_tile_token(pattern)):
            return OneFile()
        if self.frames is None or self.network.is_retimed(node):
            return Frames(None)
        # pictures are looked at on the frame itself, what moves also where the shutter opens and closes
        near = set() if kind in _STILL else {f + step for f in self.frames for step in (-1, 1)}.difference(self.frames)
        return Frames(self.frames, tuple(sorted(near)))

    def _frame_by_frame(self, node: HipNode, name: str, value: Value, kind: Kind, referrer: str) -> Iterator[Finding]:
        """Yield one usage of all the files that an expression gives on the frames of the job."""
        if self.frames is None:
            yield Unresolved(value.stored, referrer, "it is reckoned from the frame, and the scene names no frames")
            return
        texts: dict[str, None] = {}
        for frame in self.frames:
            try:
                texts[self.scope(node, frame).value_of(name, value)] = None
            except (NotEvaluated, NeedsFrame) as exc:
                reason = exc.reason if isinstance(exc, NotEvaluated) else "it is reckoned from the frame"
                yield Unresolved(value.stored, referrer, reason)
                return
        if texts:
            yield self._usage_of_each(value, kind, referrer, tuple(texts))

    def _usage_of_each(self, value: Value, kind: Kind, referrer: str, texts: tuple[str, ...]) -> Usage:
        files = tuple(dict.fromkeys(self.places(text)[0] for text in texts if text.strip()))
        return Usage(value.stored, referrer, kind, files[:1], EachOf(files), under=self.onwards)

    def _known(self, node: HipNode, name: str) -> tuple[str, ...] | None:
        """Return what Houdini itself says a parameter comes to on the frames of the job, each text once."""
        if self.knower is None or not self.frames or len(self.frames) > MOST_ASKED:
            return None
        texts = dict.fromkeys(self.knower.value(node, name, frame) for frame in self.frames)
        return None if None in texts else tuple(text for text in texts if text is not None)

    def _was(self, node: HipNode, value: Value) -> str:
        if not value.channel or self.knower is not None or self._is_program(node, value):
            return ""
        return f"; it was {value.text!r} when the scene was saved"

    def places(self, text: str) -> tuple[str, ...]:
        """Return where a path is looked for: beside the scene, then along HOUDINI_PATH.

        https://www.sidefx.com/docs/houdini/ref/env.html#houdini_path
        """
        first = absolute(text, self._folder())
        if is_absolute(text) or text.startswith("~"):
            return (first,)
        path = str(self.variables.get("HOUDINI_PATH", ""))
        folders = [p for p in re.split(r";|:(?![\\/])", path) if p and p != "&" and "$" not in p]
        return tuple(dict.fromkeys([first, *(absolute(text, folder) for folder in folders)]))

    def _folder(self) -> str:
        return self.variables.get("HIP") or self.survey.folder

    def is_shipped(self, text: str) -> str:
        """Return why a path need not be sent because each machine with Houdini has it; "" where it must."""
        return shipped(text, self.installed)

    def _is_program(self, node: HipNode, value: Value) -> bool:
        """Tell whether what is stored for a channel is only its expression again."""
        channel = node.channels.get(value.channel) if value.channel else None
        return channel is not None and value.text.strip() == channel.expression.strip()


@dataclass(frozen=True, slots=True)
class _Forgiving:
    """A scope in which what nobody knows stays as it is written."""

    scope: NodeScope

    @property
    def frame(self) -> int | None:
        return None

    @property
    def depth(self) -> int:
        return self.scope.depth

    def variable(self, name: str) -> str:
        value = self.scope.variable(name)
        return f"${name}" if value is None else value

    def call(self, _function: str, _arguments: tuple[object, ...]) -> None:
        return None


def _hip(node: Node) -> HipNode:
    if not isinstance(node, HipNode):
        raise TypeError("a Houdini reader asks about a node of a .hip")
    return node


def _tiles(text: str) -> str:
    """Return a path with Houdini's, Karma's and Redshift's notations for tiles as those of the resolver.

    https://www.sidefx.com/docs/houdini/render/uvs.html (%(UDIM)d, %(U)d, %(V)d; <UDIM> in Karma and in other renderers)
    """
    text = re.sub(r"%\(UDIM\)(?:0?4)?d|<udim>|<UDIM:[^>]*>|<MAPID>|_MAPID_(?=\.)", "<UDIM>", text, flags=re.IGNORECASE)
    return re.sub(r"u(?:%\(U\)d|<U>)_?v(?:%\(V\)d|<V>)", "<UVTILE>", text, flags=re.IGNORECASE)


def _hashes(text: str) -> str:
    return re.sub(r"%(?:0(\d{1,2}))?d", lambda m: "#" * int(m[1] or 1), text)


def _without_expressions(text: str) -> str:
    """Keep `` `expressions` `` as text, for a path that is only shown."""
    return text.replace("`", "\\`")
