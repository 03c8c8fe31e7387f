"""Houdini's rules from a parameter to places on disk: the `Ask` behind its node readers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.houdini_node import HipNode, Network
from conductor_core.discovery.houdini_scope import ASSET_ROOT, HFS, NodeScope
from conductor_core.discovery.houdini_values import Value
from conductor_core.discovery.hscript import NeedsFrame, NotEvaluated, expand
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.node import Node
from conductor_core.discovery.place import absolute, is_absolute
from conductor_core.discovery.reach import Frames, Matching, OneFile, Reach, TheseFiles, has_file
from conductor_core.discovery.survey import Survey
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.sequences import has_frame_token, has_tile_token

SHIPPED = "ships with Houdini"
_TEMPORARY = "a temporary file, made while it runs"
_BUILTIN = re.compile(r"\$\{?(?:HFS|HH|HB|HHP|HDSO|HSB|HTB|HT)\}?(?:[/\\]|\Z)")
_TEMP = re.compile(r"\$\{?(?:HOUDINI_TEMP_DIR|TEMP|PDG_TEMP|PDG_DIR)\}?(?:[/\\]|\Z)")
#: what names that are no files start with; https://www.sidefx.com/docs/houdini/ref/opcmd.html
_SCHEMES = (
    ("op:", "an image or geometry of the scene itself"),
    ("opdef:", "is in the asset's library"),
    ("oplib:", "is in the asset's library"),
    ("temp:", _TEMPORARY),
    ("iprender:", "is shown in a window"),
    ("cop:", "an image of the scene itself"),
    ("sop:", "geometry of the scene itself"),
)
_WINDOWS = frozenset({"ip", "md", "iprender", "stdout", "stderr", "null", "none"})
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_PATH_LIKE = re.compile(
    r"\A\$\{?\w+\}?[/\\]|\A[A-Za-z]:[/\\]|\A\\\\|\.(?=\w*[A-Za-z])\w{1,9}\Z|\A(?:op|opdef|oplib|temp|http|https):"
)
#: names that Houdini's own types have as defaults; they are found along HOUDINI_PATH in $HH/pic, $HH/geo
_STOCK = frozenset({"default.pic", "default.bgeo", "defcam.bgeo", "defgeo.bgeo", "deflight.bgeo", "uvgrid_grey.pic"} | {
    "Mandril.pic", "mandril.pic", "butterfly1.pic", "default.rat", "defshop.pic", "default.bclip", "default.bchan", "default.cmd",
    "default.poly", "bcam.bgeo", "defstereocam.bgeo", "defswitcher.bgeo", "defmicrophone.bgeo", "defsound.bgeo", "default.fbx", "pointlight.bgeo",
})  # fmt: skip


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
            reason = _no_file(value.text)
            if reason:
                yield Ignored(value.stored, referrer, reason)
            elif not self._is_program(hip, value):
                yield ScanOutput(value.stored, self.output_path(hip, name, value), referrer)

    def ignore(self, node: Node, attribute: str, reason: str) -> Iterator[Finding]:
        """Yield that a parameter's path is deliberately not sent."""
        for name, value in self._values(node, attribute):
            if _could_be_path(value.text):
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
        except (NotEvaluated, NeedsFrame):
            try:
                text = expand(_without_expressions(value.text), _Forgiving(self.scope(node)))
            except (NotEvaluated, NeedsFrame):
                text = value.text
        return absolute(_hashes(text), self._folder())

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
        reason = _no_file(written) or self.is_shipped(written)
        if reason:
            yield Ignored(value.stored, referrer, reason)
            return
        try:
            meant = self.scope(node).value_of(name, value if text is None else Value(text.replace("\\", "\\\\")))
        except NotEvaluated as exc:
            was = (
                f"; it was {value.text!r} when the scene was saved" if value.channel and not self._is_program(node, value) else ""
            )
            yield Unresolved(value.stored, referrer, exc.reason + was)
            return
        except NeedsFrame:
            yield from self._frame_by_frame(node, name, value, kind, referrer)
            return
        reason = _no_file(meant) or self.is_shipped(meant)
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
            reach = self._reach(node, pattern)
        return Usage(stored, referrer, kind, places, reach, under=self.onwards)

    def _reach(self, node: HipNode, pattern: str) -> Reach:
        if any(c in pattern for c in "*?"):
            return Matching(None if self.network.is_retimed(node) else self.frames)
        if not (has_frame_token(pattern) or has_tile_token(pattern)):
            return OneFile()
        if self.frames is None or self.network.is_retimed(node):
            return Frames(None)
        edges = {f + step for f in (self.frames[0], self.frames[-1]) for step in (-1, 1)} if self.frames else set()
        return Frames(self.frames, tuple(sorted(edges)))

    def _frame_by_frame(self, node: HipNode, name: str, value: Value, kind: Kind, referrer: str) -> Iterator[Finding]:
        """Yield one usage of all the files that an expression gives on the frames of the job."""
        if self.frames is None:
            yield Unresolved(value.stored, referrer, "it is reckoned from the frame, and the scene names no frames")
            return
        files: dict[str, None] = {}
        for frame in self.frames:
            try:
                files[self.places(self.scope(node, frame).value_of(name, value))[0]] = None
            except (NotEvaluated, NeedsFrame) as exc:
                reason = exc.reason if isinstance(exc, NotEvaluated) else "it is reckoned from the frame"
                yield Unresolved(value.stored, referrer, reason)
                return
        there = tuple(f for f in files if has_file(f, self.survey.listing))
        lacking = tuple(f for f in files if f not in set(there))
        if files:
            first = next(iter(files))
            yield Usage(value.stored, referrer, kind, (first,), TheseFiles(there, lacking))

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
        if _BUILTIN.match(text) or text.startswith(HFS):
            return SHIPPED
        if _TEMP.match(text):
            return _TEMPORARY
        if text in _STOCK and not self.survey.listing.has(os.path.join(self._folder(), text)):
            return SHIPPED
        slashed = text.replace("\\", "/").rstrip("/") + "/"
        return SHIPPED if any(slashed.startswith(folder + "/") for folder in self.installed) else ""

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


def _no_file(text: str) -> str:
    """Return why a text names no file on disk; "" where it may."""
    lowered = text.strip().lower()
    if lowered in _WINDOWS:
        return "is shown in a window, not read or written"
    if _DRIVE.match(text):
        return ""
    return next((reason for start, reason in _SCHEMES if lowered.startswith(start)), "")


def _could_be_path(text: str) -> bool:
    """Tell whether a text could be taken for a file's path: paths of nodes and prims have no extension and are not listed."""
    return "\n" not in text and len(text) < 4096 and bool(_PATH_LIKE.search(text))


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
