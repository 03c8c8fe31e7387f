"""What a step's outputs should be: which file belongs to which output, and which must be there after a frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from conductor_core.paths import ClientPath, Flavour
from conductor_core.sequences import frame_of, frame_path, has_frame_token
from conductor_core.submission import Output, Step

#: suffixes that are decoded also where no output says what the file is
IMAGE_SUFFIXES = frozenset(
    (
        ".exr",
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".tga",
        ".bmp",
        ".hdr",
        ".dpx",
        ".cin",
        ".webp",
        ".jp2",
        ".sgi",
        ".rgb",
        ".iff",
    )
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of one file before it is looked at."""

    output: Output | None
    #: read from its name; None where the name has none
    frame: int | None

    @property
    def width(self) -> int:
        return self.output.width if self.output else 0

    @property
    def height(self) -> int:
        return self.output.height if self.output else 0

    @property
    def layers(self) -> tuple[str, ...]:
        return self.output.layers if self.output else ()


class Expectations:
    """The outputs of a step, ready to be compared with what was written."""

    def __init__(self, step: Step, flavour: Flavour, *, sized: bool = True) -> None:
        """Take `sized` as whether the step's own words on size and layers hold."""
        self._flavour = flavour
        outputs = step.outputs if sized else tuple(replace(o, width=0, height=0, layers=()) for o in step.outputs)
        self._outputs = [(output, ClientPath.parse(output.path, flavour)) for output in outputs]

    def of(self, path: ClientPath) -> Expected:
        """Return what is known of a file by its path."""
        for output, pattern in self._outputs:
            frame = frame_of(pattern.slashed, path.slashed)
            if frame is not None or pattern == path:
                return Expected(output, frame)
        return Expected(None, None)

    @property
    def come_by_frame(self) -> bool:
        """Tell whether every output is a picture per frame, so that a frame is whole as soon as it is rendered."""
        return all(output.kind == "image" and has_frame_token(output.path) for output, _ in self._outputs)

    def per_frame(self, frame: int) -> list[ClientPath]:
        """Return the pictures that must be there once a frame is rendered."""
        return [
            ClientPath.parse(frame_path(output.path, frame), self._flavour)
            for output, _ in self._outputs
            if output.kind == "image" and has_frame_token(output.path)
        ]

    def per_task(self, frames: Iterable[int]) -> list[ClientPath]:
        """Return the files that must be there once a command is through."""
        result: dict[ClientPath, None] = {}
        for output, _ in self._outputs:
            paths = [frame_path(output.path, frame) for frame in frames] if has_frame_token(output.path) else [output.path]
            result.update((ClientPath.parse(path, self._flavour), None) for path in paths)
        return list(result)


def is_image(path: ClientPath, expected: Expected) -> bool:
    """Tell whether a file must decode as a picture."""
    if expected.output is not None:
        return expected.output.kind == "image"
    return any(path.name.lower().endswith(suffix) for suffix in IMAGE_SUFFIXES)
