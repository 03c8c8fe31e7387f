"""Files that only the open scene leads to are read in turn: a stage that was added since the last save brings its textures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import OwnReading
from conductor_core.discovery.finding import Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.errors import AgentError
from conductor_core.host import SceneStep
from conductor_core.report import Dependency, Ignored, Missing, ScanReport, Unresolved
from conductor_core.submission import Software
from conductor_plugins import contents
from conductor_plugins.contents import with_contents
from conductor_plugins.desk import Desk
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.scanning import Scanner
from plugins.answering_agent import AnsweringAgent


def dependency(path: str, kind: Kind = "texture", seen_by: tuple[str, ...] = (), within: str = "") -> Dependency:
    return Dependency(path, path, (path,), kind, f"wants {path}", within=within, seen_by=seen_by)


def report(*entries: Dependency | Missing | Unresolved | Ignored, scene: str = "/job/shot.ma") -> ScanReport:
    return ScanReport(
        scene,
        "maya",
        dependencies=tuple(e for e in entries if isinstance(e, Dependency)),
        missing=tuple(e for e in entries if isinstance(e, Missing)),
        unresolved=tuple(e for e in entries if isinstance(e, Unresolved)),
        ignored=tuple(e for e in entries if isinstance(e, Ignored)),
    )


STAGE = "/job/new.usda"
GONE = Missing("gone.png", "/job/gone.png", "texture", "shader", "there is no such file")
ODD = Unresolved("$X/odd.png", "shader", "X is not set")


def test_what_a_new_stage_reads_is_sent_too() -> None:
    """Found, missing and unresolved: all of it, as standing in that file."""
    inside = report(dependency("/job/wood.png"), GONE, ODD, scene=STAGE)
    told = with_contents(report(dependency(STAGE, "layer", ("host",))), {STAGE: inside}.get)
    assert [(d.path, d.within, d.seen_by) for d in told.dependencies[1:]] == [("/job/wood.png", STAGE, ("file",))]
    assert [(m.path, m.within) for m in told.missing] == [("/job/gone.png", STAGE)]
    assert [(u.as_written, u.within) for u in told.unresolved] == [("$X/odd.png", STAGE)]


def test_what_stands_deeper_keeps_its_place() -> None:
    """A texture of a layer of the stage stands in that layer."""
    inside = report(dependency("/job/wood.png", within="/job/layer.usda"), scene=STAGE)
    told = with_contents(report(dependency(STAGE, "layer", ("host",))), {STAGE: inside}.get)
    assert told.dependencies[1].within == "/job/layer.usda"


@pytest.mark.parametrize(
    ("kind", "seen_by", "within"),
    [
        ("layer", ("host", "file"), ""),
        ("layer", ("file",), ""),
        ("texture", ("host",), ""),
        ("layer", ("host",), "/job/other.ma"),
    ],
    ids=["both see it", "the file alone", "nothing stands in it", "of another file"],
)
def test_nothing_else_is_read(kind: Kind, seen_by: tuple[str, ...], within: str) -> None:
    """What the saved file leads to, the agent has read already."""
    asked: list[str] = []
    before = report(dependency(STAGE, kind, seen_by, within))
    assert with_contents(before, asked.append) == before
    assert asked == []


def test_nothing_is_told_twice() -> None:
    """A texture that the scene reads as well, and one of two stages, stands once."""
    both = report(dependency("/job/wood.png"), dependency("/job/sky.png"), GONE)
    scene = report(dependency("/job/wood.png", "texture", ("host", "file")), *(dependency(f, "layer", ("host",)) for f in "ab"))
    told = with_contents(scene, {"a": both, "b": both}.get)
    assert [d.path for d in told.dependencies] == ["/job/wood.png", "a", "b", "/job/sky.png"]
    assert len(told.missing) == 1


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene that was never saved between a thousand additions is not read for hours."""
    monkeypatch.setattr(contents, "MOST", 3)
    asked: list[str] = []
    with_contents(report(*(dependency(f, "layer", ("host",)) for f in "abcdef")), asked.append)
    assert asked == ["a", "b", "c"]


class Reads(AnsweringAgent):
    """An agent that reads some files."""

    files: dict[str, ScanReport]

    def own_reading(self, scene: str, frames: Any, *, project_root: str, variables: Any) -> OwnReading:
        if scene not in self.files:
            raise AgentError("It cannot be read.", "Look at it.")
        return OwnReading(self.files[scene])


@pytest.mark.parametrize("readable", [True, False])
def test_the_panel_lists_it(readable: bool, tmp_path: Path, qtbot: Any) -> None:
    """The scan ends with what the agent reads of the new stage; one that cannot be read costs nothing else."""
    scene, stage, wood = (tmp_path / name for name in ("shot.ma", "new.usda", "wood.png"))
    for file in (scene, stage, wood):
        file.write_text("x")
    current = HostScene(str(scene), modified=True, software=Software("maya", "2025"), frames="1")
    host = MemoryHost(current, (SceneStep("one", ()),), findings=(Usage("new.usda", "stage", "layer", (str(stage),)),))
    agent = Reads()
    agent.files = {str(scene): report(scene=str(scene))}
    if readable:
        agent.files[str(stage)] = report(dependency(str(wood)), scene=str(stage))
    desk = Desk(host, agent)
    Scanner(desk).start()
    qtbot.waitUntil(lambda: desk.scan.state == "done", timeout=30_000)
    assert desk.report is not None
    found = {file for entry in desk.report.dependencies for file in entry.files}
    assert found == ({str(stage), str(wood)} if readable else {str(stage)})
    desk.close()
