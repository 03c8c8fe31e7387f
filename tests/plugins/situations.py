"""Situations for tests of form and validators: one that is in order, and what is changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conductor_core.host import SceneStep
from conductor_core.paths import Flavour
from conductor_core.report import Dependency, Missing, ScanReport
from conductor_core.submission import Output, Software
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene
from plugins.answering_agent import OFFER

SCENE = HostScene("/job/shot.scene", modified=False, software=Software("memory", "1.0"), frames="1-10", saved_by="1.0")
BEAUTY = SceneStep("beauty", (Output("/job/out/beauty_####.exr"),))
FOG = SceneStep("fog", (Output("/job/out/fog_####.exr"),), enabled=False)
WOOD = Dependency("//wood.exr", "/job/tex/wood.exr", ("/job/tex/wood.exr",), "texture", "Image wood")
REPORT = ScanReport("/job/shot.scene", "memory", dependencies=(WOOD,))
#: everything is chosen that has to be
CHOSEN = Form(project="dragons", instance_type="large")


def situation(form: Form = CHOSEN, **changes: Any) -> Situation:
    """Return a situation in which nothing is wrong, but for the changes; `scene` may be a dict of changes of the scene."""
    scene = changes.pop("scene", SCENE)
    if isinstance(scene, dict):
        scene = replace(SCENE, **scene)
    steps = changes.pop("steps", (BEAUTY, FOG))
    changes = {"report": REPORT, "offer": OFFER, "flavour": Flavour.POSIX, **changes}
    return Situation(scene, tuple(steps), form, **changes)


def on_windows(form: Form = CHOSEN, **changes: Any) -> Situation:
    """Return the same on a Windows workstation."""
    steps = (SceneStep("beauty", (Output("C:/job/out/beauty_####.exr"),)),)
    wood = replace(WOOD, path="C:/job/tex/wood.exr", files=("C:/job/tex/wood.exr",))
    report = ScanReport("C:/job/shot.scene", "memory", dependencies=(wood,))
    scene = replace(SCENE, path="C:/job/shot.scene")
    return situation(form, **{"scene": scene, "steps": steps, "report": report, "flavour": Flavour.WINDOWS, **changes})


def missing(*paths: str) -> ScanReport:
    """Return the scan with files that are not on disk."""
    lacking = tuple(Missing(path, path, "texture", f"Image {path.rpartition('/')[2]}", "there is no such file") for path in paths)
    return replace(REPORT, missing=lacking)
