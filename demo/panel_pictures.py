"""Take the pictures of the panel that docs/panel.md shows: python demo/panel_pictures.py [folder]

Each section in a dark palette and in a light one, and the drawer of problems; drawn off screen, so that no display is needed.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from conductor_core.agent_answers import Check, CheckedFile, Estimate, FileStatus, InstanceType, Offer, Package, SceneJob
from conductor_core.environment import EnvironmentVariable
from conductor_core.host import SceneStep
from conductor_core.report import Dependency, Missing, ScanReport
from conductor_core.submission import Notifications, Output, Scripts, Software
from conductor_plugins.desk import Desk, Scan
from conductor_plugins.form.model import Form
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.sections import SECTIONS
from conductor_plugins.panel.window import Window
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem
from plugins.answering_agent import AnsweringAgent
from plugins.host_palettes import host_palette
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont, QImage
from qtpy.QtWidgets import QApplication

#: steps of a channel within which two colours look alike beside text
_ALIKE = 20
#: colours that are kept as they are: grounds, lines, texts
_GROUNDS = 64
#: seconds in which a section has shown all that the desk knows
_SETTLED = 0.4
VARIABLES = {
    "OCIO": "/jobs/tidepool/config/ocio/config.ocio",
    "OCIO_ACTIVE_VIEWS": "ACES 1.0 - SDR Video, Raw",
    "PXR_PLUGINPATH_NAME": "/studio/usd/plugins:/jobs/tidepool/usd/plugins",
    "HOME": "/home/mika",
    "LANG": "en_GB.UTF-8",
}
#: as a picture's name says it → the palette
PALETTES = {"dark": "blender", "light": "light"}
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
ROOT = "/jobs/tidepool/seq030/sh0140"

SCENE = HostScene(
    f"{ROOT}/lighting/sh0140_lighting_v017.blend",
    modified=True,
    software=Software("blender", "4.5.15"),
    frames="1001-1240",
    current_frame=1016,
    plug_ins=(Software("studio_tools", "3.2.0"), Software("scatter", "5.0.1")),
    project_root=f"{ROOT}/lighting",
)


def _step(name: str, *, enabled: bool = True, problem: str = "") -> SceneStep:
    return SceneStep(name, (Output(f"{ROOT}/renders/v017/{name}/sh0140_{name}.####.exr"),), enabled=enabled, problem=problem)


STEPS = (
    _step("beauty_hero"),
    _step("beauty_environment"),
    _step("crowd_background"),
    _step("fog_volume"),
    _step("water_caustics", problem="has no camera that renders"),
    _step("utility_crypto"),
    _step("lookdev_turntable", enabled=False),
)
OFFER = Offer(
    service="https://farm.studio.example",
    user="mika",
    email="mika@studio.example",
    role="user",
    account="Studio",
    projects=("tidepool", "tests"),
    currency="EUR",
    instance_types=(
        InstanceType("cpu-8", "look-dev and comps", 8, 32, "", "0.34", "0.11"),
        InstanceType("cpu-32", "most finals", 32, 128, "", "1.36", "0.42"),
        InstanceType("cpu-64", "heavy finals", 64, 256, "", "2.72", "0.84"),
        InstanceType("cpu-64-large", "volumes and crowds", 64, 512, "", "3.60"),
        InstanceType("gpu-1", "interactive looks", 16, 64, "RTX 4000", "1.10", "0.38"),
        InstanceType("gpu-4", "GPU finals", 48, 192, "4 × L40S", "7.90", "2.95"),
    ),
    software=(
        *(Package("blender", "4.5.15"), Package("blender", "5.0.1"), Package("maya", "2025.1"), Package("nuke", "15.1")),
        *(Package("studio_tools", "3.2.0", plug_in_of="blender"), Package("scatter", "4.2.7", plug_in_of="blender")),
        Package("hair_groom", "2.9", plug_in_of="blender"),
    ),
    sends_email=True,
    dashboard="https://farm.studio.example/",
)
FORM = replace(
    Form(title="sh0140 lighting, first look", project="tidepool", frames="1001-1240", chunk_size=5, scouts="fml:3"),
    instance_type="cpu-32",
    preemptible=True,
    max_instances=40,
    environment=(EnvironmentVariable("SHOW_LUT", "tidepool_v3", "exclusive", "the artist"),),
    scripts=Scripts(after_task=("/studio/bin/publish-frames", "--shot", "sh0140", "--frames", "{frames}")),
    metadata=(("shot", "sh0140"), ("department", "lighting"), ("version", "v017")),
    notifications=Notifications(emails=("mika@studio.example",)),
).with_step("crowd_background", frames="1001-1240x2", chunk_size=1)
JOBS = (
    SceneJob(
        *("c0ffee", "sh0140 lighting, v016", SCENE.path, "submitted", 9_100_000_000, 9_100_000_000),
        job="a1",
        number=1284,
        state="running",
        frames={"success": 148, "running": 36, "ready": 56},
        cost="14.62",
        currency="EUR",
        page="https://farm.studio.example/jobs/1284",
        files_home=148,
        files_total=240,
        last_frame=f"{ROOT}/renders/v016/beauty_hero/sh0140_beauty_hero.1148.exr",
        verbs=("hold", "kill"),
    ),
)
PROBLEMS = (
    Problem(
        ERROR,
        "The farm has scatter 4.2.7, not 5.0.1, which the scene uses.",
        "Choose 4.2.7 in the section Software, or ask the farm's people for 5.0.1.",
        field="plug_ins",
        fix=Fix("Take 4.2.7", lambda form: replace(form, plug_ins=("studio_tools@3.2.0", "scatter@4.2.7"))),
        validator="plug-in",
    ),
    Problem(
        WARNING,
        "Step water_caustics has no camera that renders.",
        "Make a camera renderable, or switch the step off.",
        field="steps",
        fix=Fix("Switch off", lambda form: form.switched("water_caustics", False)),
        select=("water_caustics",),
        validator="no-camera",
    ),
    Problem(
        WARNING,
        "The scene has changes that are not in its file. What is submitted is the scene as it is now.",
        "Save it if you want the file to be the same.",
        fix=Fix("Save", host="save"),
        validator="modified",
    ),
)


def _texture(name: str, status: FileStatus, megabytes: float, *referrers: str) -> tuple[list[Dependency], list[CheckedFile]]:
    path = f"/jobs/tidepool/assets/textures/{name}"
    tiles = range(1001, 1009) if "<UDIM>" in name else (0,)
    files = tuple(path.replace("<UDIM>", str(tile)) for tile in tiles)
    found = [Dependency(f"//../../textures/{name}", path, files, "texture", referrer) for referrer in referrers]
    return found, [CheckedFile(file, round(megabytes * 1_000_000), status) for file in files]


def _cache(name: str, status: FileStatus, megabytes: float, referrer: str) -> tuple[list[Dependency], list[CheckedFile]]:
    path = f"{ROOT}/fx/cache/{name}/{name}.####.vdb"
    files = tuple(path.replace("####", str(frame)) for frame in range(1001, 1241))
    kept = [CheckedFile(file, round(megabytes * 1_000_000), status) for file in files]
    return [Dependency(path, path, files, "volume", referrer)], kept


FOUND = (
    _texture("hero_skin_diffuse.<UDIM>.exr", "stored", 84.0, "hero_skin.Image Texture"),
    _texture("hero_skin_rough.<UDIM>.exr", "new", 41.5, "hero_skin.Image Texture.001"),
    _texture("rock_wall_albedo.exr", "stored", 62.1, "cliff.Image Texture", "boulder.Image Texture"),
    _texture("tidepool_sunset_8k.exr", "stored", 211.0, "World.Environment Texture"),
    _cache("fog", "rendered", 88.0, "fog_volume.filepath"),
    _cache("splash", "new", 3.8, "splash.filepath"),
)
GONE = f"{ROOT}/textures/decal_scratches.png"
REPORT = ScanReport(
    SCENE.path,
    "blend",
    dependencies=tuple(dependency for found, _ in FOUND for dependency in found),
    missing=(Missing("//../textures/decal_scratches.png", GONE, "texture", "glass.Image Texture", "there is no such file"),),
)
FILES = (CheckedFile(SCENE.path, 184_000_000, "new"), *(file for _, kept in FOUND for file in kept))


def desk(form: Form = FORM) -> Desk:
    """Return a panel's state in the middle of a working day."""
    made = Desk(MemoryHost(SCENE, STEPS, variables=VARIABLES), AnsweringAgent(offered=OFFER, jobs=list(JOBS)))
    made.form, made.offer, made.problems, made.jobs = form, OFFER, PROBLEMS, JOBS
    made.report, made.scan = REPORT, Scan("done")
    made.entries = [*REPORT.dependencies, *REPORT.missing]
    sent, total = (sum(f.size for f in FILES if f.status in kinds) for kinds in (("new",), ("new", "stored", "rendered")))
    made.check = Check("check", True, len(FILES), len(FILES), total, sent, FILES)
    made.estimate = Estimate(74.0, "scene", 212, "31.80", "EUR", 5_460.0, 40, 4_500)
    return made


def take(window: Window, folder: Path, name: str) -> None:
    """Write what the window shows to a file, in so many colours as a panel has: a third of the bytes."""
    until = time.monotonic() + _SETTLED
    while time.monotonic() < until:
        QApplication.processEvents()
    few = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    colours = telling(Counter(memoryview(image.constBits()).cast("I")))
    image.convertToFormat(QImage.Format.Format_Indexed8, colours, few).save(str(folder / f"{name}.png"))


def telling(counted: Counter[int]) -> list[int]:
    """Return 256 colours that a picture can do with: the most frequent, and of the others those that can be told apart."""
    often = [colour for colour, _ in counted.most_common()]
    kept: dict[tuple[int, ...], int] = {(colour,): colour for colour in often[:_GROUNDS]}
    for colour in often[_GROUNDS:]:
        kept.setdefault(tuple((colour >> shift & 0xFF) // _ALIKE for shift in (16, 8, 0)), colour)
    return list(kept.values())[:256]


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    application.setStyle("Fusion")
    application.setFont(QFont("DejaVu Sans", 9))
    for name, palette in PALETTES.items():
        application.setPalette(host_palette(palette))
        window = opened(FORM)
        for kind in SECTIONS:
            if kind.title != "Preview":
                window.show_section(kind.title)
                take(window, folder, f"panel-{kind.title.lower()}-{name}")
        window.close()
        window = opened(FORM.switched("water_caustics", False))
        window.show_section("Preview")
        take(window, folder, f"panel-preview-{name}")
        window.close()
        window = opened(FORM)
        window.drawer.open()
        take(window, folder, f"panel-problems-{name}")
        window.close()


def opened(form: Form) -> Window:
    """Return a window with something chosen."""
    window = Window(desk(form))
    window.resize(980, 640)
    window.show()
    return window


if __name__ == "__main__":
    main()
