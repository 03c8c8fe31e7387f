"""A host that lives in memory: for tests of the panel, and for studios that test their own validators and presets.

It passes the same compliance suite as the real hosts, and refuses what they refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.host import SceneStep
from conductor_core.submission import Output, Software

from conductor_plugins.host import HostRefused, HostScene, Snapshot

#: findings that one piece of `dependencies` has
PIECE = 20


@dataclass
class MemoryHost:
    """A scene of made-up nodes whose file is a text file."""

    current: HostScene = field(default_factory=lambda: HostScene("", False, Software("memory", "1.0"), "1-10"))
    scene_steps: tuple[SceneStep, ...] = (SceneStep("beauty", (Output("/render/shot_####.exr"),)),)
    findings: tuple[Finding, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    #: the scene's content, which `save` and `snapshot` write
    content: str = "scene"
    #: referrers that were revealed
    revealed: list[str] = field(default_factory=list)

    def scene(self) -> HostScene:
        """Return what is open."""
        return self.current

    def steps(self) -> Sequence[SceneStep]:
        """Return what can be rendered."""
        return self.scene_steps

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:  # noqa: ARG002 - the same for all frames
        """Yield the findings, a few at a time."""
        for at in range(0, len(self.findings), PIECE):
            yield self.findings[at : at + PIECE]

    def environment(self) -> Mapping[str, str]:
        """Return the variables."""
        return self.variables

    def save(self) -> None:
        """Write the content to the scene's file."""
        if not self.current.path:
            raise HostRefused("The scene has no name yet. Save it under one first.")
        _write(self.current.path, self.content)
        self.current = replace(self.current, modified=False)

    def snapshot(self, file: str) -> Snapshot:
        """Write the content to `file`."""
        if not self.current.path:
            raise HostRefused("The scene has no name yet. Save it under one first.")
        _write(file, self.content)
        return Snapshot(file, self.current.path)

    def remember(self, settings: str) -> None:
        """Keep the settings."""
        self.current = replace(self.current, settings=settings)

    def reveal(self, referrer: str) -> bool:
        """Note the referrer; there is one where a finding names it."""
        there = any(isinstance(f, Usage) and f.referrer == referrer for f in self.findings)
        if there:
            self.revealed.append(referrer)
        return there


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise HostRefused(f"{file} cannot be written ({exc.strerror}). Choose another place.") from exc
