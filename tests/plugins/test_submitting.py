"""Submit: one job whatever is clicked, of the scene as it is at that moment, and the artist's own file is not touched."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_client import SceneReading
from conductor_core.errors import AgentError
from conductor_core.submission import Software, Submission
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostRefused, HostScene, Snapshot
from conductor_plugins.memory_host import MemoryHost, MemoryNode
from conductor_plugins.panel.submitting import Submitting
from conductor_plugins.remembering import Remembering
from conductor_plugins.scanning import Scanner
from conductor_plugins.validators import validator
from conductor_plugins.validators.validator import ERROR, WARNING, Problem, Severity
from plugins.answering_agent import AnsweringAgent

PATIENCE = 30_000


@dataclass
class Opened:
    desk: Desk
    submitting: Submitting
    host: MemoryHost
    agent: AnsweringAgent
    remembering: Remembering
    submitted: list[str] = field(default_factory=list)
    refused: list[None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture
def opened(qtbot: Any, scene: Path, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    made: list[Desk] = []

    def make(host: MemoryHost | None = None, agent: AnsweringAgent | None = None) -> Opened:
        host, agent = host or MemoryHost(), agent or AnsweringAgent()
        host.current = HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10")
        agent.folder = tmp_path
        desk = Desk(host, agent)
        made.append(desk)
        desk.edit(project="dragons", instance_type="small")
        scanner = Scanner(desk)
        remembering = Remembering(desk)
        opened = Opened(desk, Submitting(desk, remembering), host, agent, remembering)
        opened.submitting.submitted.connect(opened.submitted.append)
        opened.submitting.refused.connect(lambda: opened.refused.append(None))
        desk.said.connect(lambda text, bad: opened.said.append(text) if bad else None)
        scanner.start()
        qtbot.waitUntil(lambda: desk.scan.state == "done", timeout=PATIENCE)
        return opened

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def validators(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Have no validators but the test's own."""
    validator.load_ours()
    own: dict[str, Any] = {}
    monkeypatch.setattr(validator, "_VALIDATORS", own)
    return own


def ended(qtbot: Any, opened: Opened) -> None:
    qtbot.waitUntil(lambda: not opened.desk.busy, timeout=PATIENCE)


def test_what_is_submitted_is_a_snapshot(
    qtbot: Any, opened: Callable[..., Opened], scene: Path, validators: dict[str, Any]
) -> None:
    """The agent is given a copy under the scene's own path; the artist's file, its name and its modified flag stay."""
    now = opened(MemoryHost(content="with unsaved changes"))
    now.host.current = replace(now.host.current, modified=True)
    now.submitting.start()
    ended(qtbot, now)
    ((submission, files, snapshots),) = now.agent.submitted
    assert submission.scene == files[0] == str(scene)
    assert list(snapshots) == [str(scene)]
    assert Path(snapshots[str(scene)]).read_text() == "with unsaved changes"
    assert scene.read_text() == "scene"
    assert (now.host.current.path, now.host.current.modified) == (str(scene), True)
    assert now.submitted == [submission.id]


def test_the_agent_is_told_how_the_scene_is_read(
    qtbot: Any, opened: Callable[..., Opened], tmp_path: Path, validators: dict[str, Any]
) -> None:
    """So that it finds by itself what no scout frame needs: with the host's environment and project, and what was named by hand."""
    notes = tmp_path / "notes.txt"
    notes.write_text("notes")
    now = opened(MemoryHost(variables={"SHOW": "dragons"}))
    now.host.current = replace(now.host.current, project_root=str(tmp_path))
    now.desk.edit(added=(str(notes),))
    now.submitting.start()
    ended(qtbot, now)
    (reading,) = now.agent.scenes_read
    assert reading == SceneReading(str(tmp_path), now.desk.environment, named=(str(notes),))
    assert reading.variables["SHOW"] == "dragons"
    assert "dragons" not in repr(reading)


def test_two_clicks_are_one_job(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any]) -> None:
    """As long as one is under way another does nothing; afterwards it is another job."""
    now = opened()
    now.submitting.start()
    assert now.desk.busy
    now.submitting.start()
    ended(qtbot, now)
    assert len(now.agent.submitted) == 1
    now.submitting.start()
    ended(qtbot, now)
    assert len({s.id for s, _, _ in now.agent.submitted}) == 2


class Deaf(AnsweringAgent):
    """Does not answer the first hand-over, though it may have taken it."""

    takes: bool = False
    failed: int = 0

    def submit(self, submission: Submission, files: Sequence[str], **more: Any) -> str:
        if not self.failed:
            self.failed = 1
            if self.takes:
                super().submit(submission, files, **more)
            raise AgentError("The agent does not answer.", "Try again.")
        return super().submit(submission, files, **more)


@pytest.mark.parametrize("takes", [False, True], ids=["not taken", "taken all the same"])
@pytest.mark.parametrize("changed", [False, True], ids=["as it was", "changed meanwhile"])
def test_after_an_error_it_is_still_one_job(
    qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], takes: bool, changed: bool
) -> None:
    """Whether the agent has the job after all or not, a second try leads to one job; a changed form under a new id."""
    agent = Deaf()
    agent.takes = takes
    now = opened(agent=agent)
    now.submitting.start()
    ended(qtbot, now)
    assert now.submitted == []
    assert now.said == ["The agent does not answer. Try again."]
    if changed:
        now.desk.edit(title="another")
    now.submitting.start()
    ended(qtbot, now)
    assert len(agent.submitted) == 1
    assert now.submitted == [agent.submitted[0][0].id]
    assert agent.submitted[0][0].title == ("another" if changed and not takes else "shot")


def test_a_file_that_came_since_the_scan_goes_along(
    qtbot: Any, opened: Callable[..., Opened], tmp_path: Path, validators: dict[str, Any]
) -> None:
    """A scene with unsaved changes is looked at once more before it is submitted."""
    (tmp_path / "new.png").write_text("x")
    now = opened()
    now.host.edit(nodes=(MemoryNode("late", str(tmp_path / "new.png")),))
    now.submitting.start()
    ended(qtbot, now)
    ((_, files, _),) = now.agent.submitted
    assert str(tmp_path / "new.png") in files


@pytest.mark.parametrize("severity", [ERROR, WARNING])
def test_problems_stop_it(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], severity: Severity) -> None:
    """Errors block; a warning is asked about once, and not again after it was accepted."""

    def always(situation: Situation) -> Iterator[Problem]:
        yield Problem(severity, "Something is odd.")

    validators["odd"] = always
    now = opened()
    now.submitting.start()
    ended(qtbot, now)
    assert (len(now.refused), now.agent.submitted) == (1, [])
    now.desk.accepted.update(problem.key() for problem in now.desk.problems)
    now.submitting.start()
    ended(qtbot, now)
    assert len(now.agent.submitted) == (severity == WARNING)


class RefusingHost(MemoryHost):
    def snapshot(self, file: str) -> Snapshot:
        raise HostRefused("The disk is full. Make room, then submit again.")


def test_a_snapshot_that_fails_is_told(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any]) -> None:
    """The host's sentence is shown, nothing is submitted, and Submit is there again."""
    now = opened(RefusingHost())
    now.submitting.start()
    ended(qtbot, now)
    assert now.said == ["The disk is full. Make room, then submit again."]
    assert now.agent.submitted == []


class FailingHost(MemoryHost):
    fails_at: str = ""

    def scene(self) -> HostScene:
        if self.fails_at == "scene":
            raise ReferenceError("the datablock is gone")
        return super().scene()

    def snapshot(self, file: str) -> Snapshot:
        if self.fails_at == "snapshot":
            raise ReferenceError("the datablock is gone")
        return super().snapshot(file)


@pytest.mark.parametrize("where", ["scene", "snapshot"])
def test_a_host_that_fails_does_not_keep_submit_away(
    qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], where: str
) -> None:
    """Whatever a host raises is a sentence, and the next click submits."""
    host = FailingHost()
    now = opened(host)
    host.fails_at = where
    now.submitting.start()
    ended(qtbot, now)
    assert ["the datablock is gone" in text for text in now.said] == [True]
    host.fails_at = ""
    now.submitting.start()
    ended(qtbot, now)
    assert len(now.agent.submitted) == 1


def test_a_form_that_cannot_be_submitted_is_told(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any]) -> None:
    """What no validator saw is refused all the same, in a sentence and by its field."""
    now = opened()
    now.desk.edit(frames="1..5")
    qtbot.waitUntil(lambda: now.desk.scan.state == "done", timeout=PATIENCE)
    now.submitting.start()
    ended(qtbot, now)
    assert (len(now.refused), now.agent.submitted) == (1, [])
    assert [("1..5" in p.what, p.field) for p in now.desk.problems] == [(True, "frames")]


def test_a_scan_that_is_stopped_submits_nothing(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any]) -> None:
    """A list that is not whole is no job."""
    gate = threading.Event()

    class Waiting(MemoryHost):
        def dependencies(self, frames: Sequence[int]) -> Iterator[Any]:
            while not gate.is_set() and len(self.content) > 5:
                yield []

    now = opened(Waiting())
    now.host.edit(content="longer than before")
    now.submitting.start()
    now.desk.scan_unwanted.emit()
    gate.set()
    ended(qtbot, now)
    assert now.agent.submitted == []
    assert "stopped" in now.said[0]


def test_only_the_host_is_asked_on_the_main_thread(qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any]) -> None:
    """The agent is asked in threads only, the host on Qt's thread only."""
    threads: dict[str, set[str]] = {"agent": set(), "host": set()}

    class Told(AnsweringAgent):
        def submit(self, submission: Submission, files: Sequence[str], **more: Any) -> str:
            threads["agent"].add(threading.current_thread().name)
            return super().submit(submission, files, **more)

        def snapshot_file(self, submission: str, scene: str) -> str:
            threads["agent"].add(threading.current_thread().name)
            return super().snapshot_file(submission, scene)

    class Asked(MemoryHost):
        def snapshot(self, file: str) -> Snapshot:
            threads["host"].add(threading.current_thread().name)
            return super().snapshot(file)

        def environment(self) -> Mapping[str, str]:
            threads["host"].add(threading.current_thread().name)
            return super().environment()

    now = opened(Asked(), Told())
    now.submitting.start()
    ended(qtbot, now)
    assert now.submitted
    assert threads == {"agent": {"conductor submit"}, "host": {threading.main_thread().name}}
    assert os.path.basename(next(iter(now.agent.submitted[0][2].values()))).endswith("shot.scene")


class BrokenHost(MemoryHost):
    """Raises what no host should, in one of its methods, once the panel is there."""

    breaks: str = ""
    raises: Exception = RuntimeError("the node is gone")

    def scene(self) -> HostScene:
        self._break("scene")
        return super().scene()

    def steps(self) -> Any:
        self._break("steps")
        return super().steps()

    def snapshot(self, file: str) -> Snapshot:
        self._break("snapshot")
        return super().snapshot(file)

    def _break(self, name: str) -> None:
        if name == self.breaks:
            raise self.raises


@pytest.mark.parametrize("breaks", ["scene", "steps", "snapshot"])
@pytest.mark.parametrize("raises", [RuntimeError("the node is gone"), HostRefused("The application was closed.")], ids=type)
def test_a_host_that_breaks_does_not_take_submit_along(
    qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], breaks: str, raises: Exception
) -> None:
    """Whatever a host raises and where: it is said in a sentence, and Submit is there again."""
    host = BrokenHost()
    now = opened(host)
    host.edit(content="changed")
    host.raises, host.breaks = raises, breaks
    now.submitting.start()
    ended(qtbot, now)
    assert now.agent.submitted == []
    assert [str(raises) in text for text in now.said] == [True]
    host.breaks = ""
    now.submitting.start()
    ended(qtbot, now)
    assert now.agent.submitted


def test_another_scene_is_not_submitted_unseen(
    qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], tmp_path: Path
) -> None:
    """Who opens another scene beside the panel sees what is chosen for that one before a second click submits it."""
    other = tmp_path / "other.scene"
    other.write_text("another")
    os.utime(other, (1_000_000, 1_000_000))
    now = opened()
    now.remembering.recall()
    now.desk.edit(frames="3-4")
    qtbot.waitUntil(lambda: now.desk.scan.state == "done", timeout=PATIENCE)
    now.host.current = replace(now.host.current, path=str(other))
    now.submitting.start()
    ended(qtbot, now)
    assert now.agent.submitted == []
    assert "Another scene is open" in now.said[0]
    assert (now.desk.scene.path, now.desk.form) == (str(other), Form())
    now.desk.edit(project="dragons", instance_type="small")
    now.submitting.start()
    ended(qtbot, now)
    assert [s.scene for s, _, _ in now.agent.submitted] == [str(other)]


def test_a_scene_saved_as_its_next_version_keeps_what_is_chosen(
    qtbot: Any, opened: Callable[..., Opened], validators: dict[str, Any], tmp_path: Path
) -> None:
    """`Save as` with the panel open, then Submit: one click, and the frames that were chosen."""
    now = opened()
    now.remembering.recall()
    now.desk.edit(frames="3-4")
    qtbot.waitUntil(lambda: now.desk.scan.state == "done", timeout=PATIENCE)
    now.host.current = replace(now.host.current, path=str(tmp_path / "shot_v002.scene"))
    now.host.save()
    now.submitting.start()
    ended(qtbot, now)
    now.desk.edit(frames="5")
    qtbot.waitUntil(lambda: now.desk.scan.state == "done", timeout=PATIENCE)
    now.host.current = replace(now.host.current, path=str(tmp_path / "shot_v003.scene"))
    now.host.save()
    now.submitting.start()
    ended(qtbot, now)
    jobs = [(Path(job.scene).name, job.steps[0].frames) for job, _, _ in now.agent.submitted]
    assert jobs == [("shot_v002.scene", "3-4"), ("shot_v003.scene", "5")]
