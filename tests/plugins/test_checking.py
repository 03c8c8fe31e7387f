"""What the panel asks the agent by itself: once per change, in threads, and again where nobody answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import Check, CheckedFile, Estimate
from conductor_core.errors import AgentError
from conductor_core.report import Dependency, ScanReport
from conductor_core.submission import Exclusion, Software, Submission
from conductor_plugins import checking
from conductor_plugins.checking import Checking
from conductor_plugins.desk import Desk, Scan
from conductor_plugins.host import HostScene
from conductor_plugins.memory_host import MemoryHost
from conductor_plugins.panel.trouble_bar import TroubleBar
from plugins.answering_agent import ESTIMATE, OFFER, AnsweringAgent

PATIENCE = 30_000
GONE = AgentError("The agent does not run.", "Start it.")


class Counting(AnsweringAgent):
    """Notes what it is asked, and answers a check one file at a time."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.checks: list[tuple[str, ...]] = []
        self.estimates: list[Submission] = []
        self.afters: list[int] = []

    def start_check(self, files: Sequence[str], *, project: str, excluded: Sequence[Exclusion] = ()) -> str:
        identity = super().start_check(files, project=project, excluded=excluded)
        self.checks.append(tuple(files))
        return identity

    def check(self, identity: str, *, after: int = 0) -> Check:
        whole = super().check(identity)
        self.afters.append(after)
        return replace(whole, files=whole.files[after : after + 1], next=after + 1, done=after + 1 >= len(whole.files))

    def estimate(self, submission: Submission) -> Estimate:
        self.estimates.append(submission)
        return super().estimate(submission)


@pytest.fixture
def opened(qtbot: Any, scene: Path) -> Iterator[Callable[[AnsweringAgent], Desk]]:
    desks: list[Desk] = []

    def make(agent: AnsweringAgent) -> Desk:
        host = MemoryHost(HostScene(str(scene), modified=False, software=Software("memory", "1.0"), frames="1-10"))
        desks.append(Desk(host, agent))
        desks[-1].edit(project="dragons", instance_type="small")
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def scanned(desk: Desk, *files: Path) -> None:
    """End a scan that found these files."""
    dependencies = tuple(Dependency(f.name, str(f), (str(f),), "texture", f.stem) for f in files)
    desk.scan, desk.report = Scan("done"), ScanReport(desk.scene.path, "memory", dependencies)
    desk.scan_changed.emit()


def rest(qtbot: Any) -> None:
    qtbot.wait(2 * checking._SETTLED)


def test_the_offer_comes_at_opening(qtbot: Any, opened: Callable[[AnsweringAgent], Desk]) -> None:
    """It is asked for in a thread; the panel goes on meanwhile."""
    desk = opened(AnsweringAgent())
    Checking(desk).load_offer()
    assert desk.offer is None
    qtbot.waitUntil(lambda: desk.offer == OFFER, timeout=PATIENCE)


def test_without_an_agent_the_panel_says_so_and_tries_again(
    qtbot: Any, opened: Callable[[AnsweringAgent], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence and a button; what was wrong goes away by itself once the agent answers, and so does the line."""
    agent = AnsweringAgent(broken=GONE)
    desk = opened(agent)
    bar = TroubleBar(desk)
    qtbot.addWidget(bar)
    assert bar.isHidden()
    Checking(desk).load_offer()
    qtbot.waitUntil(lambda: not bar.isHidden(), timeout=PATIENCE)
    assert bar.sentence.text() == str(GONE)
    agent.broken = None
    bar.retry.click()
    qtbot.waitUntil(lambda: desk.offer is not None, timeout=PATIENCE)
    assert bar.isHidden()


def test_an_agent_that_comes_back_is_found_without_a_click(
    qtbot: Any, opened: Callable[[AnsweringAgent], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The offer is asked for again after a while."""
    monkeypatch.setattr(checking, "_LATER", 50)
    agent = AnsweringAgent(broken=GONE)
    desk = opened(agent)
    Checking(desk).load_offer()
    qtbot.waitUntil(lambda: desk.offer_problem != "", timeout=PATIENCE)
    agent.broken = None
    qtbot.waitUntil(lambda: desk.offer is not None, timeout=PATIENCE)


def test_files_are_compared_with_the_store_as_the_scan_ends(
    qtbot: Any, opened: Callable[[AnsweringAgent], Desk], tmp_path: Path
) -> None:
    """Every file's status comes as it is known, each once; who looks later sees all."""
    files = [tmp_path / f"{n}.png" for n in range(5)]
    for file in files:
        file.write_text("x")
    agent = Counting(statuses={str(files[0]): "stored"})
    desk = opened(agent)
    Checking(desk)
    came: list[CheckedFile] = []
    desk.files_checked.connect(came.extend)
    scanned(desk, *files)
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.done, timeout=PATIENCE)
    assert desk.check is not None
    assert [f.path for f in came] == [desk.scene.path, *map(str, files)]
    assert desk.check.files == tuple(came)
    assert {f.path: f.status for f in came}[str(files[0])] == "stored"
    assert agent.afters == list(range(6))
    rest(qtbot)
    assert len(agent.checks) == 1


CHANGES: dict[str, tuple[Callable[[Desk, Path], None], bool]] = {
    "another project": (lambda desk, _: desk.edit(project="tests"), True),
    "a file left at home": (lambda desk, file: desk.edit(excluded=(Exclusion(str(file), "not needed"),)), True),
    "a file taken along": (lambda desk, file: desk.edit(added=(str(file.parent / "more.txt"),)), True),
    "another title": (lambda desk, _: desk.edit(title="other"), False),
    "another frame range": (lambda desk, _: desk.edit(frames="1-5"), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_files_are_compared_again_where_it_matters(
    qtbot: Any, opened: Callable[[AnsweringAgent], Desk], tmp_path: Path, name: str
) -> None:
    """Another project or other files are another question; the rest of the form is not."""
    change, matters = CHANGES[name]
    file = tmp_path / "a.png"
    file.write_text("x")
    agent = Counting()
    desk = opened(agent)
    Checking(desk)
    scanned(desk, file)
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.done, timeout=PATIENCE)
    change(desk, file)
    if matters:
        qtbot.waitUntil(lambda: len(agent.checks) == 2, timeout=PATIENCE)
    else:
        rest(qtbot)
        assert len(agent.checks) == 1


def test_a_scan_that_begins_anew_forgets_the_check(qtbot: Any, opened: Callable[[AnsweringAgent], Desk], tmp_path: Path) -> None:
    """What is shown is never of the scan before; the same files are compared again, since they may have changed."""
    file = tmp_path / "a.png"
    file.write_text("x")
    agent = Counting()
    desk = opened(agent)
    Checking(desk)
    scanned(desk, file)
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.done, timeout=PATIENCE)
    desk.scan, desk.report = Scan("running"), None
    desk.scan_changed.emit()
    assert desk.check is None
    scanned(desk, file)
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.done, timeout=PATIENCE)
    assert len(agent.checks) == 2


def test_a_check_that_fails_says_why_and_begins_anew(
    qtbot: Any, opened: Callable[[AnsweringAgent], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that was restarted has forgotten the check."""
    monkeypatch.setattr(checking, "_LATER", 50)
    file = tmp_path / "a.png"
    file.write_text("x")
    agent = Counting(broken=GONE)
    desk = opened(agent)
    Checking(desk)
    scanned(desk, file)
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.problem == str(GONE), timeout=PATIENCE)
    agent.broken = None
    qtbot.waitUntil(lambda: desk.check is not None and desk.check.done, timeout=PATIENCE)
    assert desk.check is not None
    assert desk.check.problem == ""


def test_the_estimate_follows_the_form(qtbot: Any, opened: Callable[[AnsweringAgent], Desk]) -> None:
    """It is asked once the artist pauses, not with every letter; where nothing can be submitted there is none."""
    agent = Counting()
    desk = opened(agent)
    Checking(desk).load_offer()
    qtbot.waitUntil(lambda: desk.estimate == ESTIMATE, timeout=PATIENCE)
    for text in ("1", "1-", "1-5", "1-50"):
        desk.edit(frames=text)
    qtbot.waitUntil(lambda: len(agent.estimates) == 2, timeout=PATIENCE)
    assert [s.steps[0].frames for s in agent.estimates] == ["1-10", "1-50"]
    desk.edit(frames="nonsense")
    qtbot.waitUntil(lambda: desk.estimate is None, timeout=PATIENCE)
    desk.edit(frames="1-50")
    qtbot.waitUntil(lambda: desk.estimate == ESTIMATE, timeout=PATIENCE)


def test_no_estimate_is_no_lie(qtbot: Any, opened: Callable[[AnsweringAgent], Desk]) -> None:
    """Where the agent cannot answer, nothing of before is shown."""
    agent = Counting()
    desk = opened(agent)
    Checking(desk).load_offer()
    qtbot.waitUntil(lambda: desk.estimate == ESTIMATE, timeout=PATIENCE)
    agent.broken = GONE
    desk.edit(frames="1-50")
    qtbot.waitUntil(lambda: desk.estimate is None, timeout=PATIENCE)
