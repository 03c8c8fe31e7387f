"""The four hosts offer the same: every field of the panel, and every validator, whoever asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from conductor_core.discovery.finding import Finding
from conductor_core.discovery.judge import judged
from conductor_core.report import Dependency, Missing, ScanReport
from conductor_core.sequences import DirectoryListing
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.sections import SECTIONS
from conductor_plugins.panel.window import Window
from conductor_plugins.validators.validator import problems_of
from conductor_plugins.wire import decode
from hosts.host_states import MAY_SPEAK, SPEAK
from plugins.answering_agent import OFFER, AnsweringAgent
from qtpy.QtWidgets import QWidget

REPO = Path(__file__).resolve().parents[2]
HOSTS = ("blender", "maya", "nuke", "houdini")
FAKED = HOSTS[1:]
#: everything is chosen that has to be
CHOSEN = Form(project="dragons", instance_type="large")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, run_bpy: Any, bpy_python: Any, blender_folder: Path) -> dict[str, Any]:
    """Ask each host, in a process of its own."""
    result: dict[str, Any] = {}
    for host in HOSTS:
        folder = tmp_path_factory.mktemp(host) / "scenes"
        folder.mkdir()
        answer = folder.parent / "answer.json"
        if host == "blender":
            script = str(REPO / "tests" / "hosts" / "blender_states.py")
            result[host] = run_bpy([str(bpy_python()), script], str(blender_folder), str(folder), str(answer))
            continue
        paths = [str(REPO / name) for name in ("core", "plugins", "maya", "nuke", "houdini", "tests")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        script = str(REPO / "tests" / "hosts" / "fake_states.py")
        ran = subprocess.run(
            [sys.executable, script, host, str(folder), str(answer)],
            capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=240, check=False,
        )  # fmt: skip
        assert answer.exists(), ran.stderr
        result[host] = json.loads(answer.read_text())
    return result


def reported(scene: str, findings: Sequence[Finding]) -> ScanReport:
    """Return the report of a host's findings, as the panel comes to it."""
    entries = [entry for finding in findings for entry in judged(finding, DirectoryListing())]
    found = tuple(entry for entry in entries if isinstance(entry, Dependency))
    return ScanReport(scene, "", found, tuple(entry for entry in entries if isinstance(entry, Missing)))


def situation(said: dict[str, Any]) -> Situation:
    scene, steps = decode(said["scene"]), decode(said["steps"])
    chosen = CHOSEN
    for step in steps:
        chosen = chosen.with_step(step.name, enabled=step is steps[0])
    return Situation(scene, tuple(steps), chosen, reported(scene.path, decode(said["findings"])), OFFER)


@pytest.mark.parametrize("state", SPEAK)
@pytest.mark.parametrize("host", HOSTS)
def test_the_same_trouble_is_told_in_every_host(told: dict[str, Any], host: str, state: str) -> None:
    """What an artist does wrong in one application is said in the other three too; the other troubles of these states are not."""
    spoken = {problem.validator for problem in problems_of(situation(told[host][state]))}
    watched = set().union(*SPEAK.values())
    assert (spoken & watched) - MAY_SPEAK.get(state, set()) == SPEAK[state]


@pytest.fixture
def windows(told: dict[str, Any], qapp: Any) -> Iterator[dict[str, Window]]:
    """Give the panel on what each host says of a saved scene, with every section made."""
    made: dict[str, Window] = {}
    for host, said in told.items():
        values = said["saved"]
        memory = MemoryHost(decode(values["scene"]), tuple(decode(values["steps"])), findings=tuple(decode(values["findings"])))
        desk = Desk(memory, AnsweringAgent())
        desk.offer = OFFER
        made[host] = Window(desk)
        for kind in SECTIONS:
            made[host].section(kind.title)
    yield made
    for window in made.values():
        window.close()


def test_every_field_is_offered_in_every_host(windows: dict[str, Window]) -> None:
    """The same widgets for the same fields, whatever the host has open."""
    known = {field.name for kind in (Form, StepForm) for field in fields(kind)}
    offered = {
        host: {child.objectName() for child in window.findChildren(QWidget) if child.objectName() in known}
        for host, window in windows.items()
    }
    assert {host: names ^ offered["blender"] for host, names in offered.items()} == {host: set() for host in HOSTS}
    assert len(offered["blender"]) >= 15


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_tells_what_fields_start_from(told: dict[str, Any], host: str) -> None:
    """A scene's path, range, software with its full version, and a step with an absolute output, in each."""
    scene, steps = decode(told[host]["saved"]["scene"]), decode(told[host]["saved"]["steps"])
    assert (os.path.isabs(scene.path), scene.frames, scene.software.name) == (True, "1-10", host)
    assert scene.software.version.count(".") >= 1 or host == "maya"
    assert steps
    assert all(os.path.isabs(output.path) for step in steps for output in step.outputs)
