"""After Submit: the jobs of this scene are found, followed while they are seen, and moved by what they allow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import SceneJob
from conductor_core.errors import AgentError
from conductor_core.submission import Software
from conductor_plugins import jobs as jobs_module
from conductor_plugins.compliance.dependencies import PIXEL
from conductor_plugins.desk import Desk
from conductor_plugins.host import HostScene
from conductor_plugins.jobs import Jobs, is_under_way
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.job_card import JobCard, progress
from conductor_plugins.panel.jobs_view import JobsView
from plugins.answering_agent import AnsweringAgent
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices

PATIENCE = 30_000
GONE = AgentError("The agent does not run.", "Start it.")


class Counting(AnsweringAgent):
    looks = 0
    pictures: tuple[str, ...] = ()

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        self.looks += 1
        return super().scene_jobs(scene, limit=limit)

    def preview(self, submission: str) -> bytes:
        self.pictures += (submission,)
        return super().preview(submission)


@pytest.fixture
def job(scene: Path) -> SceneJob:
    """Give a job that renders."""
    return SceneJob(
        "s1",
        "shot",
        str(scene),
        "submitted",
        bytes_to_send=100,
        bytes_sent=100,
        job="j1",
        number=7,
        state="running",
        frames={"success": 3, "running": 1, "ready": 6},
        cost="0.42",
        currency="EUR",
        page="https://farm.test/jobs/7",
        files_home=2,
        files_total=10,
        last_frame=str(scene.parent / "render" / "shot_0003.exr"),
        last_output="o3",
        verbs=("hold", "kill"),
    )


@pytest.fixture
def opened(qtbot: Any, scene: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[AnsweringAgent], JobsView]]:
    monkeypatch.setattr(jobs_module, "_OFTEN", 20)
    monkeypatch.setattr(jobs_module, "_SELDOM", 20)
    views: list[JobsView] = []

    def make(agent: AnsweringAgent) -> JobsView:
        host = MemoryHost(HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"))
        views.append(JobsView(Desk(host, agent)))
        qtbot.addWidget(views[-1])
        views[-1].show()
        return views[-1]

    yield make
    for view in views:
        view.desk.close()


def card(qtbot: Any, view: JobsView, identity: str = "s1") -> JobCard:
    qtbot.waitUntil(lambda: identity in view.cards, timeout=PATIENCE)
    return view.cards[identity]


def enabled(card: JobCard) -> set[str]:
    return {verb for verb, button in card.verbs.items() if button.isEnabled()}


def test_the_running_jobs_of_a_scene_are_found(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """Whoever opens the panel again sees them with all that is known, the newest first; those of other scenes are not there."""
    older = replace(job, id="s0", number=6, state="success", verbs=())
    view = opened(AnsweringAgent(jobs=[job, older, replace(job, id="x", scene="/other.scene")]))
    shown = card(qtbot, view)
    card(qtbot, view, "s0")
    assert list(view.cards) == ["s1", "s0"]
    texts = {label.objectName(): label.text() for label in (shown.name, shown.state, shown.cost, shown.progress, shown.home)}
    assert texts == {
        "job-name": "shot  #7",
        "job-state": "running",
        "job-cost": "€0.42",
        "job-progress": "3 of 10 frames rendered, 1 rendering",
        "job-home": "2 of 10 files at home",
    }
    assert JobsView.summary(view.desk.situation()) == "1 under way"


def test_a_scene_without_jobs_says_so(qtbot: Any, opened: Callable[..., JobsView]) -> None:
    """An empty page would be a riddle."""
    view = opened(AnsweringAgent())
    assert "No job of this scene" in view.nothing.text()
    view.desk.scene = replace(view.desk.scene, path="")
    view.show_jobs()
    assert "no file yet" in view.nothing.text()


PROGRESS = [
    (replace(SceneJob("s", "t", "/s", "hashing", 0, 0)), 0.0, "Reading the files …"),
    (SceneJob("s", "t", "/s", "uploading", 200, 50), 0.25, "Uploading 50 B of 200 B"),
    (SceneJob("s", "t", "/s", "committing", 200, 200), 1.0, "Uploaded; the job is being made"),
    (SceneJob("s", "t", "/s", "failed", 200, 20), 0.1, "Not submitted"),
    (SceneJob("s", "t", "/s", "submitted", 0, 0, frames={"ready": 4}), 0.0, "0 of 4 frames rendered"),
    (
        SceneJob("s", "t", "/s", "submitted", 0, 0, frames={"success": 1, "failed": 2, "holding": 1}),
        0.25,
        "1 of 4 frames rendered, 1 held, 2 failed",
    ),
]


@pytest.mark.parametrize(("job", "part", "words"), PROGRESS, ids=[words for _, _, words in PROGRESS])
def test_how_far_it_is(job: SceneJob, part: float, words: str) -> None:
    """Upload first, then frames by state."""
    assert progress(job) == (part, words)


def test_it_is_followed_while_it_is_seen(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """What changes is shown by itself; a page that nobody sees asks nobody."""
    agent = Counting(jobs=[job])
    view = opened(agent)
    shown = card(qtbot, view)
    agent.jobs = [replace(job, frames={"success": 10}, state="success", verbs=())]
    qtbot.waitUntil(lambda: shown.progress.text() == "10 of 10 frames rendered", timeout=PATIENCE)
    assert enabled(shown) == set()
    view.hide()
    qtbot.wait(100)
    looks = agent.looks
    qtbot.wait(200)
    assert agent.looks == looks
    view.show()
    qtbot.waitUntil(lambda: agent.looks > looks, timeout=PATIENCE)


@pytest.mark.parametrize(
    "verbs",
    [(), ("hold", "kill"), ("resume", "kill"), ("release", "hold", "kill"), ("retry",)],
    ids=lambda v: "+".join(v) or "none",
)
def test_only_what_a_job_allows_can_be_clicked(
    qtbot: Any, opened: Callable[..., JobsView], job: SceneJob, verbs: tuple[str, ...]
) -> None:
    """The service says which moves there are."""
    shown = card(qtbot, opened(AnsweringAgent(jobs=[replace(job, verbs=verbs)])))
    assert enabled(shown) == set(verbs)
    assert shown.verbs["release"].isHidden() != ("release" in verbs)


@pytest.mark.parametrize("verb", ["hold", "resume", "release", "retry"])
def test_a_click_moves_the_job(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob, verb: str) -> None:
    """Once: until the answer is there the buttons are off."""
    agent = AnsweringAgent(jobs=[replace(job, verbs=(verb,))])
    shown = card(qtbot, opened(agent))
    shown.verbs[verb].click()
    assert not shown.verbs[verb].isEnabled()
    shown.verbs[verb].click()
    qtbot.waitUntil(lambda: bool(agent.moves), timeout=PATIENCE)
    assert agent.moves == [("s1", verb)]


def test_cancel_asks_once(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """The first click asks in place; *Keep it* leaves the job alone, *Yes* cancels it."""
    agent = AnsweringAgent(jobs=[job])
    shown = card(qtbot, opened(agent))
    shown.verbs["kill"].click()
    assert not shown.surely.isHidden()
    shown.keep.click()
    assert shown.surely.isHidden()
    assert agent.moves == []
    shown.verbs["kill"].click()
    qtbot.wait(100)
    assert not shown.surely.isHidden(), "a look at the job in between does not take the question away"
    shown.surely.click()
    qtbot.waitUntil(lambda: agent.moves == [("s1", "kill")], timeout=PATIENCE)


def test_a_move_that_is_refused_is_told(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """The sentence is shown, and the buttons are as the job allows again."""
    refusal = AgentError("The job has ended.", "Submit it again.")

    class Refusing(AnsweringAgent):
        def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
            raise refusal

    view = opened(Refusing(jobs=[job]))
    said: list[str] = []
    view.desk.said.connect(lambda text, bad: said.append(text))
    shown = card(qtbot, view)
    shown.verbs["hold"].click()
    qtbot.waitUntil(lambda: said == [str(refusal)], timeout=PATIENCE)
    qtbot.waitUntil(lambda: enabled(shown) == {"hold", "kill"}, timeout=PATIENCE)


def test_the_last_frame_is_shown(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """Brought once for each new frame."""
    agent = Counting(jobs=[job], picture=PIXEL)
    shown = card(qtbot, opened(agent))
    qtbot.waitUntil(lambda: bool(shown.picture.pixmap()) and not shown.picture.pixmap().isNull(), timeout=PATIENCE)
    looks = agent.looks
    qtbot.waitUntil(lambda: agent.looks > looks + 2, timeout=PATIENCE)
    assert agent.pictures.count("s1") == 1
    agent.jobs = [replace(job, last_output="o4")]
    qtbot.waitUntil(lambda: agent.pictures.count("s1") == 2, timeout=PATIENCE)


def test_dashboard_and_folder_are_opened(
    qtbot: Any, opened: Callable[..., JobsView], job: SceneJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the system's own browser."""
    shown = card(qtbot, opened(AnsweringAgent(jobs=[job])))
    urls: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", urls.append)
    shown.page.click()
    shown.folder.click()
    assert [u.toString() for u in urls] == [job.page, QUrl.fromLocalFile(str(Path(job.last_frame).parent)).toString()]


def test_without_an_agent_what_was_known_stays(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """And the page says why there is nothing newer."""
    agent = AnsweringAgent(jobs=[job])
    view = opened(agent)
    card(qtbot, view)
    agent.broken = GONE
    qtbot.waitUntil(lambda: view.problem.text() == str(GONE), timeout=PATIENCE)
    assert list(view.cards) == ["s1"]


def test_another_scene_has_other_jobs(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob, tmp_path: Path) -> None:
    """Nothing of the former scene stays on the page."""
    other = tmp_path / "other.scene"
    view = opened(AnsweringAgent(jobs=[job, replace(job, id="s2", scene=str(other))]))
    card(qtbot, view)
    view.desk.host.current = replace(view.desk.scene, path=str(other))  # type: ignore[attr-defined]
    view.desk.read_scene()
    card(qtbot, view, "s2")
    assert list(view.cards) == ["s2"]


def test_jobs_are_asked_for_in_threads(qtbot: Any, opened: Callable[..., JobsView], job: SceneJob) -> None:
    """Qt's thread waits for nobody."""
    names: set[str] = set()

    class Told(AnsweringAgent):
        def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
            names.add(threading.current_thread().name)
            return super().scene_jobs(scene, limit=limit)

    card(qtbot, opened(Told(jobs=[job])))
    assert names == {"conductor jobs"}


def test_an_upload_that_failed_is_not_under_way(job: SceneJob) -> None:
    """Nor is what has ended."""
    assert is_under_way(job)
    assert is_under_way(replace(job, upload_state="uploading", state=""))
    assert not is_under_way(replace(job, upload_state="failed", state=""))
    assert not is_under_way(replace(job, state="killed"))


def test_the_panel_has_one_follower(qtbot: Any, opened: Callable[..., JobsView]) -> None:
    """A page that is made late uses the one that has looked already."""
    view = opened(AnsweringAgent())
    assert JobsView(view.desk).jobs is view.jobs
    assert isinstance(view.jobs, Jobs)
