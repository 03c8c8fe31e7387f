"""What a host answers about its scene, as values; the panel and `conductor submit` ask the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conductor_core.report import ScanReport
from conductor_core.submission import Output, Parameter, Software


@dataclass(frozen=True, slots=True)
class SceneStep:
    """Something in the scene that can be rendered: a view layer, write node, ROP, camera."""

    name: str
    outputs: tuple[Output, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    #: rendered unless the artist says otherwise
    enabled: bool = True
    #: what keeps it from being rendered as it is, as words to put behind its name; empty: nothing that the host can see
    problem: str = ""
    #: its own range where it has one (a write node's limits, a ROP's frames); "": the scene's
    frames: str = ""
    #: names of steps whose outputs it reads: of those, the ones that are rendered with it must succeed first
    after: tuple[str, ...] = ()
    #: argv where a program makes its frames and not the host itself (`husk`, `kick`, `mantra`), as in `submission.Step`;
    #: empty: a frame server
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneDescription:
    """A scan with what a submission needs beside it."""

    report: ScanReport
    software: Software
    #: the scene's own range in the grammar of `conductor_core.frames`
    frames: str
    steps: tuple[SceneStep, ...]
    modified: bool = False
    #: version of the software that saved the file, as far as the host tells: an older one cannot open it
    saved_by: str = ""
