"""A host that lives in memory: for tests of the panel, and for studios that test their own validators and presets.

It passes the same compliance suite as the real hosts, and refuses what they refuse. Its scenes are text files: what `content`
says, and behind it, where there are any, the nodes and the remembered settings in one line.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Frames, OneFile
from conductor_core.frames import FrameSet
from conductor_core.host import SceneStep
from conductor_core.sequences import has_frame_token
from conductor_core.submission import Output, Software

from conductor_plugins.host import HostRefused, HostScene, Snapshot

#: findings that one piece of `dependencies` has
PIECE = 20
#: before the line with nodes and settings
_MARK = "\n# conductor memory scene: "
#: of a node, in the scene's file
_COLUMNS = ("name", "file", "kind")


@dataclass(frozen=True, slots=True)
class MemoryNode:
    """A node that reads a file."""

    name: str
    #: as it is stored: absolute, or relative to the scene's folder
    file: str
    kind: Kind = "texture"


@dataclass
class MemoryHost:
    """A scene of made-up nodes whose file is a text file."""

    current: HostScene = field(default_factory=lambda: HostScene("", False, Software("memory", "1.0"), "1-10"))
    scene_steps: tuple[SceneStep, ...] = (SceneStep("beauty", (Output("/render/shot_####.exr"),)),)
    #: told beside what the nodes read
    findings: tuple[Finding, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    #: the scene's content, which `save` and `snapshot` write
    content: str = "scene"
    #: referrers that were revealed
    revealed: list[str] = field(default_factory=list)
    nodes: tuple[MemoryNode, ...] = ()
    #: what one piece of `dependencies` costs the main thread, as it does in a real host
    piece_seconds: float = 0.0
    _undo: list[tuple[str, tuple[MemoryNode, ...]]] = field(default_factory=list)

    def scene(self) -> HostScene:
        """Return what is open."""
        return self.current

    def steps(self) -> Sequence[SceneStep]:
        """Return what can be rendered."""
        return self.scene_steps

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield the findings, a few at a time."""
        wanted = tuple(frames) or FrameSet.parse(self.current.frames).frames
        told: tuple[Finding | MemoryNode, ...] = (*self.findings, *self.nodes)
        known, gone = self.nodes, frozenset[MemoryNode]()
        for at in range(0, len(told), PIECE):
            _work(self.piece_seconds)
            if self.nodes is not known:
                known = self.nodes
                gone = frozenset(f for f in told if isinstance(f, MemoryNode)).difference(known)
            piece = (f for f in told[at : at + PIECE] if not isinstance(f, MemoryNode) or f not in gone)
            yield [self._usage(f, wanted) if isinstance(f, MemoryNode) else f for f in piece]

    def environment(self) -> Mapping[str, str]:
        """Return the variables."""
        return dict(self.variables)

    def save(self) -> None:
        """Write the content to the scene's file."""
        if not self.current.path:
            raise HostRefused("The scene has no name yet. Save it under one first.")
        _write(self.current.path, self._text())
        self.current = replace(self.current, modified=False)

    def snapshot(self, file: str) -> Snapshot:
        """Write the content to `file`."""
        if not self.current.path:
            raise HostRefused("The scene has no name yet. Save it under one first.")
        _write(file, self._text())
        return Snapshot(file, self.current.path)

    def remember(self, settings: str) -> None:
        """Keep the settings."""
        self.current = replace(self.current, settings=settings)

    def reveal(self, referrer: str) -> bool:
        """Note the referrer; there is one where a finding names it."""
        names = {*(f"{n.name}.file" for n in self.nodes), *(f.referrer for f in self.findings if isinstance(f, Usage))}
        if referrer in names:
            self.revealed.append(referrer)
        return referrer in names

    def open(self, file: str) -> None:
        """Open a scene file of this kind in place of what is open."""
        content, _, kept = Path(file).read_text(encoding="utf-8").rpartition(_MARK)
        known: dict[str, Any] = json.loads(kept) if content else {"nodes": dict.fromkeys(_COLUMNS, ()), "settings": ""}
        self.content = content or kept
        self.nodes = tuple(map(MemoryNode, *(known["nodes"][column] for column in _COLUMNS)))
        self.current = replace(self.current, path=file, modified=False, settings=known["settings"])
        self._undo.clear()

    def edit(self, content: str | None = None, nodes: tuple[MemoryNode, ...] | None = None) -> None:
        """Change the scene as an artist does, to be undone by `undo`."""
        self._undo.append((self.content, self.nodes))
        self.content = self.content if content is None else content
        self.nodes = self.nodes if nodes is None else nodes
        self.current = replace(self.current, modified=True)

    def undo(self) -> None:
        """Take one step back."""
        self.content, self.nodes = self._undo.pop()

    def undo_steps(self) -> int:
        """Return how many steps can be taken back."""
        return len(self._undo)

    def _usage(self, node: MemoryNode, frames: tuple[int, ...]) -> Usage:
        place = absolute(node.file, os.path.dirname(self.current.path))
        reach = Frames(frames) if has_frame_token(node.file) else OneFile()
        return Usage(node.file, f"{node.name}.file", node.kind, (place,), reach)

    def _text(self) -> str:
        if not self.nodes and not self.current.settings:
            return self.content
        # by columns: a list for each node would have the garbage collector look through all of the host's objects
        nodes = {column: [getattr(node, column) for node in self.nodes] for column in _COLUMNS}
        known = {"nodes": nodes, "settings": self.current.settings}
        return f"{self.content}{_MARK}{json.dumps(known)}"


def _work(seconds: float) -> None:
    """Hold this thread for some processor time, as a host does that is asked for its nodes."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise HostRefused(f"{file} cannot be written ({exc.strerror}). Choose another place.") from exc
