"""What a Houdini scene says of itself, and the variables that its strings may name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from conductor_core.discovery.houdini_scope import HFS
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.variables import fill_variables

#: what Houdini sets anew when it opens a scene, whatever was saved
_OF_THE_FILE = frozenset({"HIP", "HIPFILE", "HIPNAME"})
#: frames that a range may name before nobody believes it
_MOST_FRAMES = 200_000
_EXTENSIONS = (".hip", ".hiplc", ".hipnc")


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """A scene's own settings."""

    saved: Mapping[str, str]
    #: first and last frame of the range that is played; None: not in the file
    range: tuple[int, int] | None = None
    rate: float = 24.0
    #: first and last frame of the whole animation, which `$FSTART` and `$FEND` are; None: the range that is played
    animation: tuple[int, int] | None = None

    @property
    def version(self) -> str:
        """The version of Houdini that saved it: 19.5.605; "" where it does not say."""
        return self.saved.get("_HIP_SAVEVERSION", "")

    @property
    def frames(self) -> str:
        """The range in the grammar of `conductor_core.frames`."""
        return f"{self.range[0]}-{self.range[1]}" if self.range else ""

    def frame_numbers(self, survey: Survey) -> tuple[int, ...] | None:
        """Return the frames of the job, else those of the scene; None: nobody can tell."""
        if survey.frames is not None:
            return survey.frames
        if self.range is None or not 0 <= self.range[1] - self.range[0] < _MOST_FRAMES:
            return None
        return tuple(range(self.range[0], self.range[1] + 1))


def scene_variables(survey: Survey, settings: SceneSettings) -> dict[str, str]:
    """Return the variables that strings of a scene may name.

    `$HIP` is the scene's folder now; what was saved is where it was then. An asset's own is that of the scene that uses it,
    and nobody's where it is read by itself. `--env` comes before what the scene has saved, project root before its `$JOB`.
    https://www.sidefx.com/docs/houdini/ref/env.html
    """
    result = {name: value for name, value in settings.saved.items() if name not in _OF_THE_FILE and not name.startswith("_HIP_")}
    if survey.project_root:
        result["JOB"] = survey.project_root
    if settings.range:
        first, last = settings.animation or settings.range
        result |= {"FSTART": str(first), "FEND": str(last)}
        result |= {"RFSTART": str(settings.range[0]), "RFEND": str(settings.range[1])}
        result["NFRAMES"] = str(last - first + 1)
    result["FPS"] = f"{settings.rate:g}"
    scene = survey.file if settings.saved else survey.scene or survey.file
    stem, extension = os.path.splitext(os.path.basename(scene))
    if extension.lower() in _EXTENSIONS or settings.saved:
        result |= {"HIP": os.path.dirname(scene), "HIPFILE": scene, "HIPNAME": stem}
    result |= survey.variables
    result.setdefault("HFS", HFS)
    result.setdefault("HH", f"{result['HFS']}/houdini")
    result.setdefault("HB", f"{result['HFS']}/bin")
    for name in ("HOUDINI_TEMP_DIR", "TEMP", "PDG_TEMP"):
        result.setdefault(name, f"${name}")
    return {name: fill_variables(value, result).text if "$" in value else value for name, value in result.items()}
