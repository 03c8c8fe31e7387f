"""What the command line says for one step alone: `--step-frames NAME=FRAMES` and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from conductor_core.errors import ConductorError, FrameSpecError
from conductor_core.frames import FrameSet, scout_frames


@dataclass(frozen=True, slots=True)
class StepWishes:
    """The options for steps as they were written, `NAME=…`; a name may have `=` in it, so they are read with the steps' names."""

    frames: tuple[str, ...] = ()
    chunk_sizes: tuple[str, ...] = ()
    scouts: tuple[str, ...] = ()
    #: one per output of the step, in their order
    outputs: tuple[str, ...] = ()

    def frames_of(self, names: Sequence[str]) -> dict[str, str]:
        """Return the frame ranges by step."""
        return _last(self.frames, names, "--step-frames")

    def chunk_sizes_of(self, names: Sequence[str]) -> dict[str, int]:
        """Return the frames per task by step.

        Raises:
            ConductorError: one is no number.
        """
        texts = _last(self.chunk_sizes, names, "--step-chunk-size")
        for name, text in texts.items():
            if not (text.isascii() and text.isdigit() and int(text)):
                raise ConductorError(f"--step-chunk-size {name}={text}: that is no number of frames.", "Say 1 or more.")
        return {name: int(text) for name, text in texts.items()}

    def outputs_of(self, names: Sequence[str], place: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
        """Return the places to write to by step; `place` makes a text an absolute pattern."""
        found = _by_step(self.outputs, names, "--step-output")
        return {name: tuple(place(text) for text in texts) for name, texts in found.items()}

    def scouts_of(self, spec: str, frames: Mapping[str, FrameSet]) -> dict[str, str]:
        """Return the scout frames by step: its own, else `spec` where it has any of these frames.

        Raises:
            ConductorError: they cannot be read, or no step has them.
        """
        own = _last(self.scouts, tuple(frames), "--step-scouts")
        result = dict.fromkeys(frames, "")
        unlucky: FrameSpecError | None = None
        for name, of_step in frames.items():
            try:
                scouts = own.get(name, spec)
                result[name] = scouts if scout_frames(scouts, of_step) else ""
            except FrameSpecError as exc:
                if name in own:
                    raise ConductorError(
                        f"--step-scouts {name}={own[name]}: {exc.what}", "Say 1,50,100, auto:3 or fml:3."
                    ) from exc
                unlucky = exc
        if unlucky is not None and not any(result.values()):
            raise ConductorError(f"--scouts {spec}: {unlucky.what}", "Say 1,50,100, auto:3 or fml:3.") from unlucky
        return result


def _by_step(texts: Sequence[str], names: Sequence[str], option: str) -> dict[str, list[str]]:
    """Return what is said for each step, in order.

    Raises:
        ConductorError: a text names none of the steps that are rendered.
    """
    result: dict[str, list[str]] = {}
    for text in texts:
        fitting = [name for name in names if text.startswith(f"{name}=")]
        if not fitting:
            known = ", ".join(repr(name) for name in names)
            raise ConductorError(
                f"{option} {text!r} names no step that is rendered.", f"Write it like {option} NAME=…; rendered are: {known}."
            )
        name = max(fitting, key=len)
        result.setdefault(name, []).append(text[len(name) + 1 :])
    return result


def _last(texts: Sequence[str], names: Sequence[str], option: str) -> dict[str, str]:
    return {name: said[-1] for name, said in _by_step(texts, names, option).items()}
