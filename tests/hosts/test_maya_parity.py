"""What the open scene tells and what its file tells are one job: the same steps, and nothing that only the file has.

Real scenes of others (../shared/scenes), opened in the fake Maya by a loader that shares no code with our readers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conductor_core.discovery.finding import Facts, Finding
from conductor_core.discovery.survey import Survey
from conductor_core.formats import maya_ascii, maya_binary
from conductor_core.host import SceneStep
from fakes.maya_fake import MayaFake
from fakes.stub_reading import Stubs, StubsAbsent
from hosts.maya_world import adapter

SHARED = Path(os.environ.get("CONDUCTOR_SCENES", Path(__file__).resolve().parents[3] / "shared" / "scenes"))


def scenes() -> list[str]:
    """Return the Maya scenes that there are, as the manifest names them."""
    manifest = SHARED / "manifest.json"
    if not manifest.is_file():
        return []
    cases = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    return sorted({case["file"] for case in cases if case["host"] == "maya" and (SHARED / case["file"]).is_file()})


@dataclass(frozen=True)
class Both:
    """One scene, told twice."""

    host: tuple[Finding, ...]
    host_steps: tuple[SceneStep, ...]
    host_frames: str
    file: tuple[Finding, ...]
    facts: Facts
    refers: bool


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Both]]:
    """Every scene, opened once and read once."""
    try:
        Stubs.installed("maya-stubs")
    except StubsAbsent as exc:
        pytest.skip(str(exc))
    before = dict(sys.modules)
    yield {name: _told(SHARED / name) for name in scenes()}
    for name in [n for n in sys.modules if n.partition(".")[0] in ("maya", "conductor_maya") and n not in before]:
        del sys.modules[name]
    sys.modules.update({n: m for n, m in before.items() if n.partition(".")[0] == "conductor_maya"})


def _told(file: Path) -> Both:
    fake = MayaFake(file.parent)
    host = adapter(fake).MayaHost()
    fake.cmds.file(str(file), open=True, force=True, ignoreVersion=True)
    findings = tuple(finding for piece in host.dependencies(()) for finding in piece)
    read = maya_ascii.read_maya_ascii if file.suffix == ".ma" else maya_binary.read_maya_binary
    ours = tuple(read(Survey(str(file), None, str(file.parent), dict(os.environ))))
    facts = next(one for one in ours if isinstance(one, Facts))
    refers = bool(fake.session.references)
    rest = tuple(one for one in ours if not isinstance(one, Facts))
    assert fake.record.refused == []
    return Both(findings, tuple(host.steps()), host.scene().frames, rest, facts, refers)


@pytest.mark.parametrize("scene", scenes())
def test_whatever_the_file_tells_the_host_tells(scene: str, told: dict[str, Both]) -> None:
    """The same text of the same node is the same finding, by the same reader's words."""
    both = told[scene]
    assert {_key(one) for one in both.file} - {_key(one) for one in both.host} == set()


@pytest.mark.parametrize("scene", scenes())
def test_steps_are_the_same(scene: str, told: dict[str, Both]) -> None:
    """Names, parameters and outputs; cameras of scenes that it refers to are known to the host alone."""
    both = told[scene]
    if not both.refers:
        assert both.host_steps == both.facts.steps
    assert [step.name for step in both.host_steps] == [step.name for step in both.facts.steps]


@pytest.mark.parametrize("scene", [name for name in scenes() if name.endswith(".ma")])
def test_frames_are_the_same(scene: str, told: dict[str, Both]) -> None:
    """Binary scenes hold no times as frames; for all others panel and command line take the same range."""
    both = told[scene]
    assert both.host_frames == both.facts.frames


def _key(finding: Finding) -> tuple[str, ...]:
    return type(finding).__name__, finding.as_written, finding.referrer, str(getattr(finding, "kind", ""))
