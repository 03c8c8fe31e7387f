"""The open scene: its path, range and variables, and what readers ask with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import hou
from conductor_core.discovery.houdini_ask import HipAsk
from conductor_core.discovery.houdini_settings import SceneSettings, scene_variables
from conductor_core.discovery.survey import Survey

from conductor_houdini.live_nodes import Knowing, LiveNetwork


def path() -> str:
    """Return the absolute path of the scene's file; "" where it was never saved.

    https://www.sidefx.com/docs/houdini/hom/hou/hipFile.html#isNewFile
    """
    return "" if hou.hipFile.isNewFile() else os.path.normpath(hou.hipFile.path())


def version() -> str:
    """Return this Houdini's full version (`20.5.332`)."""
    return hou.applicationVersionString()


def own_range() -> tuple[int, int]:
    """Return the first and last frame of the playback range, which the scene's file has as `frange`."""
    first, last = hou.playbar.playbackRange()
    return int(first), int(last)


def animation() -> tuple[int, int]:
    """Return the first and last frame of the whole animation: `$FSTART` and `$FEND`, in the scene's file as `tset`."""
    first, last = hou.playbar.frameRange()
    return int(first), int(last)


def own_frames() -> str:
    """Return the range in the grammar of `conductor_core.frames`."""
    first, last = own_range()
    return str(first) if first == last else f"{first}-{last}"


#: what is reckoned here, since `hou.getenv` may know it by another time or not at all
_RECKONED = frozenset({"HIP", "HIPFILE", "HIPNAME", "HOUDINI_PATH", "FSTART", "FEND", "RFSTART", "RFEND", "NFRAMES", "FPS"})


class Variables(Mapping[str, str]):
    """The variables that strings of the scene may name: what Houdini says, then what its process has.

    https://www.sidefx.com/docs/houdini/hom/hou/getenv.html, https://www.sidefx.com/docs/houdini/ref/env.html
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def __getitem__(self, name: str) -> str:
        value = hou.getenv(name) if name not in _RECKONED else None
        return value if value is not None else self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def survey(file: str, frames: Sequence[int] = ()) -> Survey:
    """Return the scan of the open scene for some frames (none: its own)."""
    return Survey(file, tuple(frames) if frames else None, project_root=hou.getenv("JOB") or "", variables=dict(os.environ))


def asking(scan: Survey) -> HipAsk:
    """Return what readers ask with."""
    settings = SceneSettings({"HIP": scan.folder}, own_range(), hou.fps(), animation())
    shipped = installation()
    known = scene_variables(scan, settings)
    folder = os.path.dirname(scan.file)
    known |= {"HIP": folder, "HIPFILE": scan.file, "HIPNAME": os.path.splitext(os.path.basename(scan.file))[0]}
    known["HOUDINI_PATH"] = ";".join(p for p in hou.houdiniPath() if not _below(p, shipped))
    variables = Variables(known)
    return HipAsk(scan, LiveNetwork(), variables, settings.frame_numbers(scan), shipped, knower=Knowing(variables))


def installation() -> tuple[str, ...]:
    """Return the folder in which Houdini lies."""
    folder = (hou.getenv("HFS") or "").replace("\\", "/").rstrip("/")
    return (folder,) if folder else ()


def _below(folder: str, tops: Sequence[str]) -> bool:
    slashed = folder.replace("\\", "/").rstrip("/") + "/"
    return any(slashed.startswith(top + "/") for top in tops)
