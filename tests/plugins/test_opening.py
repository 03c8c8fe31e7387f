"""The panel as a host's menu opens it: everything is asked for by itself, Submit leads to the jobs, and settings stay."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import SceneJob
from conductor_core.errors import AgentError
from conductor_core.submission import Software, Submission
from conductor_plugins.form.model import Form
from conductor_plugins.form.sticky import from_text
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.opening import open_panel
from conductor_plugins.panel.window import Window
from plugins.answering_agent import AnsweringAgent

PATIENCE = 30_000


@pytest.fixture
def opened(qtbot: Any, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Window]]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    windows: list[Window] = []

    def make(host: MemoryHost, agent: AnsweringAgent | None = None) -> Window:
        if not host.current.path:
            host.current = HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10")
        windows.append(open_panel(host, agent=agent or AnsweringAgent(folder=tmp_path)))
        return windows[-1]

    yield make
    for window in windows:
        with contextlib.suppress(RuntimeError):  # one that was closed is deleted
            window.close()


def test_everything_is_asked_for_by_itself(qtbot: Any, opened: Callable[..., Window], scene: Path) -> None:
    """Scan, offer, check, estimate and jobs come without a click."""
    job = SceneJob("s1", "shot", str(scene), "submitted", 1, 1, state="running")
    desk = opened(MemoryHost(), AnsweringAgent(jobs=[job])).desk
    desk.edit(project="dragons", instance_type="small")
    qtbot.waitUntil(lambda: desk.scan.state == "done", timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool(desk.offer and desk.check and desk.check.done and desk.estimate), timeout=PATIENCE)
    qtbot.waitUntil(lambda: [j.id for j in desk.jobs] == ["s1"], timeout=PATIENCE)


def test_submit_leads_to_the_job(qtbot: Any, opened: Callable[..., Window], tmp_path: Path) -> None:
    """The button is off until the agent has the job; then its page is shown with its upload."""
    agent = AnsweringAgent(folder=tmp_path)
    window = opened(MemoryHost(), agent)
    window.desk.edit(project="dragons", instance_type="small")
    qtbot.waitUntil(lambda: window.desk.scan.state == "done" and window.desk.offer is not None, timeout=PATIENCE)
    window.submit()
    while window.drawer.isVisible():
        assert not window.drawer.anyway.isHidden(), [p.what for p in window.desk.problems]
        window.drawer.anyway.click()
    assert not window.foot.submit.isEnabled()
    qtbot.waitUntil(lambda: window.shown_section() == "Jobs", timeout=PATIENCE)
    assert window.foot.submit.isEnabled()
    view: Any = window.section("Jobs")
    qtbot.waitUntil(lambda: list(view.cards) == [agent.submitted[0][0].id], timeout=PATIENCE)


def test_what_is_chosen_stays_with_the_scene(qtbot: Any, opened: Callable[..., Window], tmp_path: Path) -> None:
    """It is there when the panel is opened again, and another scene has its own."""
    host = MemoryHost()
    window = opened(host)
    window.desk.edit(frames="3-4", chunk_size=2)
    window.close()
    assert from_text(host.current.settings) == Form(frames="3-4", chunk_size=2)
    again = opened(host)
    assert (again.desk.form.frames, again.desk.form.chunk_size) == ("3-4", 2)
    host.current = replace(host.current, path=str(tmp_path / "other.scene"), settings="")
    again.desk.read_scene()
    assert again.desk.form == Form()


def test_saving_under_a_name_keeps_what_is_chosen(qtbot: Any, opened: Callable[..., Window], tmp_path: Path) -> None:
    """A scene that gets its first file is the same scene."""
    host = MemoryHost()
    window = opened(host)
    window.desk.host.current = replace(host.current, path="")  # type: ignore[attr-defined]
    window.desk.read_scene()
    window.desk.edit(frames="7")
    host.current = replace(host.current, path=str(tmp_path / "named.scene"))
    window.desk.read_scene()
    assert window.desk.form.frames == "7"


def test_looking_changes_nothing(qtbot: Any, opened: Callable[..., Window]) -> None:
    """Who opens the panel and closes it has not touched the scene."""
    written: list[str] = []

    class Noting(MemoryHost):
        def remember(self, settings: str) -> None:
            written.append(settings)

    opened(Noting()).close()
    assert written == []


class HeldAgent(AnsweringAgent):
    """Takes a job, or refuses it, when it is let."""

    def submit(self, submission: Submission, files: Sequence[str], **more: Any) -> str:
        assert GATE.wait(PATIENCE / 1000)
        if submission.title == "refused":
            raise AgentError("The agent does not answer.", "Try again.")
        return super().submit(submission, files, **more)


GATE = threading.Event()


@pytest.mark.parametrize("title", ["taken", "refused"])
def test_closing_right_after_submit_loses_nothing(qtbot: Any, opened: Callable[..., Window], tmp_path: Path, title: str) -> None:
    """The panel stays until the agent has the job, then closes by itself; a refusal is there to be read."""
    GATE.clear()
    agent = HeldAgent(folder=tmp_path)
    closed: list[None] = []
    window = opened(MemoryHost(), agent)
    desk, message = window.desk, window.message
    window.closed.connect(lambda: closed.append(None))
    desk.edit(project="dragons", instance_type="small", title=title)
    qtbot.waitUntil(lambda: desk.scan.state == "done" and desk.offer is not None, timeout=PATIENCE)
    window.submit()
    while window.drawer.isVisible():
        window.drawer.anyway.click()
    window.close()
    assert (closed, window.isVisible()) == ([], True)
    GATE.set()
    if title == "taken":
        qtbot.waitUntil(lambda: bool(closed), timeout=PATIENCE)
        assert len(agent.submitted) == 1
    else:
        qtbot.waitUntil(lambda: not desk.busy and message.is_bad(), timeout=PATIENCE)
        assert (closed, agent.submitted) == ([], [])
        window.close()
        assert closed


def test_what_was_accepted_in_one_scene_is_asked_in_another(qtbot: Any, opened: Callable[..., Window], tmp_path: Path) -> None:
    """A warning is asked about once in each scene."""
    other = tmp_path / "other.scene"
    other.write_text("scene")
    os.utime(other, (1_000_000, 1_000_000))
    host = MemoryHost()
    window = opened(host)
    window.desk.accepted.add(("changes", "The scene has changes that are not saved."))
    window.read_scene()
    assert window.desk.accepted
    host.current = replace(host.current, path=str(other))
    window.read_scene()
    assert not window.desk.accepted
