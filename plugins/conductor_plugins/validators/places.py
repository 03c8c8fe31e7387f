"""The outputs of a submission one by one, and where else they could go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from conductor_core.errors import FrameSpecError
from conductor_core.frames import FrameSet
from conductor_core.host import SceneStep
from conductor_core.paths import ClientPath
from conductor_core.sequences import frame_path, has_frame_token, output_folder
from conductor_core.submission import Output

from conductor_plugins.form.job_steps import patterns_of
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation, frames_in
from conductor_plugins.validators.changes import Change
from conductor_plugins.validators.inputs import compared, input_folders, inputs_of, path_of
from conductor_plugins.validators.validator import Fix

#: what not every system has in its names
_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")
_PRINTF = re.compile(r"%(?:0(?P<digits>[0-9]{1,2}))?d")
#: frames whose files are compared one by one
_FEW = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """Where one output of a step is written."""

    situation: Situation
    step: SceneStep
    #: which of the step's outputs
    number: int
    output: Output
    #: with `#` for the frame; None: it is no path of this system
    path: ClientPath | None
    #: None: they cannot be read
    frames: FrameSet | None

    @property
    def words(self) -> str:
        """Which output it is, as a sentence begins with it."""
        return f"Step {self.step.name!r}" + (f" (output {self.number + 1})" if len(self.step.outputs) > 1 else "")

    def elsewhere(self, label: str) -> Fix | None:
        """Return the fix that writes into a folder `render` beside the scene; None where no such folder is free."""
        scene = path_of(self.situation.scene.path, self.situation.flavour)
        if scene is None or not scene.components:
            return None
        name = _name(self.output.path, scene)
        for folder in ("render", "render_frames", "conductor_render"):
            path = path_of(scene.parent.join(folder, self.own_folder(), name).slashed, self.situation.flavour)
            if path is not None and _is_free(path, self.situation):
                return self._fix(label, path.slashed)
        return None

    def apart(self) -> Fix | None:
        """Return the fix that writes into a folder of the output's own within the one that it writes to now."""
        if self.path is None or not self.path.components:
            return None
        return self._fix("Keep them apart", self.path.parent.join(self.own_folder(), self.path.name).slashed)

    def with_frame(self) -> Fix | None:
        """Return the fix that puts the frame into the name."""
        if self.path is None or not self.path.components:
            return None
        stem, extension = os.path.splitext(self.path.name)
        return self._fix("Add ####", self.path.parent.join(f"{stem}.####{extension}").slashed)

    def own_folder(self) -> str:
        """Return what a folder of this output alone is called: as its step, with a number behind it from the second on."""
        name = _UNUSUAL.sub("_", self.step.name).strip("_") or "step"
        order = [step.name for step in self.situation.steps].index(self.step.name)
        alike = [_UNUSUAL.sub("_", step.name).strip("_") or "step" for step in self.situation.steps[:order]]
        if name.lower() in (other.lower() for other in alike):
            name = f"{name}_step{order + 1}"
        return name if self.number == 0 else f"{name}_{self.number + 1}"

    def _fix(self, label: str, pattern: str) -> Fix:
        outputs = tuple(output.path for output in self.step.outputs)
        return Fix(label, Change(_moved, (self.step.name, self.step.enabled, outputs, self.number, pattern)))


def places_of(situation: Situation) -> Iterator[Place]:
    """Yield where each output of the chosen steps is written."""
    for step, choice in situation.chosen_steps():
        try:
            frames = frames_in(situation.frames_of(choice))
        except FrameSpecError:
            frames = None
        patterns = patterns_of(step, choice)
        for number, output in enumerate(step.outputs):
            written = replace(output, path=patterns[number]) if number < len(patterns) else output
            yield Place(situation, step, number, written, path_of(_hashed(written.path), situation.flavour), frames)


def same_file(one: Place, other: Place) -> str:
    """Return a file that both write, as their system compares names; "" where there is none.

    `a.#.exr` and `a.####.exr` differ up to frame 999 and meet at frame 1000.
    """
    if one.path is None or other.path is None or one.frames is None or other.frames is None:
        return ""
    if one.path == other.path and not has_frame_token(one.path.slashed):
        return other.path.text
    heads = sorted((_head(one.path), _head(other.path)), key=len)
    if not heads[1].startswith(heads[0]):
        return ""
    common = set(one.frames) & set(other.frames)
    if one.path == other.path:
        return frame_path(one.path.text, min(common)) if common else ""
    many = max(len(one.frames), len(other.frames)) > _FEW
    wanted = {min(common), max(common)} if many and common else common if many else None
    theirs = _files(one, wanted)
    return next((text for key, text in _files(other, wanted).items() if key in theirs), "")


def _files(place: Place, frames: Iterable[int] | None) -> dict[str, str]:
    """Return the files of some frames, or of all, by what they are compared by."""
    assert place.path is not None
    assert place.frames is not None
    key, text = compared(place.path), place.path.text
    return {frame_path(key, frame): frame_path(text, frame) for frame in (place.frames if frames is None else frames)}


def _head(path: ClientPath) -> str:
    """Return what all files of a pattern begin with."""
    return re.split("[#<]", compared(path), maxsplit=1)[0]


def _is_free(path: ClientPath, situation: Situation) -> bool:
    """Tell whether nothing that the scene reads, and nothing that is sent whole, is where an output would go."""
    folder = output_folder(path)
    return not inputs_of(situation).in_folder(folder) and not any(folder.is_within(f) for f in input_folders(situation))


def _hashed(pattern: str) -> str:
    return _PRINTF.sub(lambda m: "#" * max(1, int(m["digits"] or 1)), pattern)


def _name(pattern: str, scene: ClientPath) -> str:
    """Return the file name of a pattern, or one that every system can have where it has none of its own."""
    name = pattern.replace("\\", "/").rpartition("/")[2]
    path = path_of(scene.root.slashed + name, scene.flavour) if name not in (".", "..") else None
    return name if path is not None and path.components == (name,) else "frame_####.exr"


def _moved(form: Form, step: str, enabled: bool, outputs: tuple[str, ...], number: int, pattern: str) -> Form:
    """Return the form in which one output of a step is written elsewhere."""
    choice = form.step(step) or StepForm(step, enabled)
    patterns = [*choice.outputs, *[""] * len(outputs)][: max(len(outputs), len(choice.outputs))]
    patterns[number] = pattern
    return form.with_choice(replace(choice, outputs=tuple(patterns)))
