"""The scan in slices: nothing lost, nothing twice, whatever the host does and whenever it is stopped or begun again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import OwnReading
from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.judge import Entry, judged
from conductor_core.errors import AgentError
from conductor_core.report import Dependency, Missing, ScanOutput, ScanReport, Unresolved
from conductor_core.sequences import DirectoryListing
from conductor_core.submission import Software
from conductor_plugins import scanning
from conductor_plugins.desk import Desk
from conductor_plugins.host import HostScene
from conductor_plugins.judging import both
from conductor_plugins.memory_host import MemoryHost, MemoryNode
from conductor_plugins.scanning import Scanner, frames_wanted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.answering_agent import AnsweringAgent
from qtpy.QtCore import QCoreApplication

PATIENCE = 30_000


class Piecewise(MemoryHost):
    """Tells its findings in given pieces, and raises behind some of them."""

    pieces: tuple[tuple[Finding, ...], ...] = ()
    raises_after: int | None = None
    asked_for: tuple[int, ...] = ()

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        self.asked_for = tuple(frames)
        for number, piece in enumerate(self.pieces):
            if number == self.raises_after:
                raise RuntimeError("the node is gone")
            yield piece


@pytest.fixture
def opened(qtbot: Any, scene: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(host: MemoryHost, agent: AnsweringAgent | None = None, *, modified: bool = False) -> Desk:
        host.current = HostScene(str(scene), modified=modified, software=Software("memory", "1.0"), frames="1-10")
        desks.append(Desk(host, agent or AnsweringAgent()))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def reads(file: object, referrer: str = "wood.file") -> Usage:
    return Usage(str(file), referrer, "texture", (str(file),))


def finish(qtbot: Any, desk: Desk) -> None:
    qtbot.waitUntil(lambda: desk.scan.state != "running", timeout=PATIENCE)


def test_the_list_fills_as_the_scan_goes(qtbot: Any, opened: Callable[..., Desk], tmp_path: Path) -> None:
    """Entries come in batches in the order in which the host tells them, and at the end there is a report of the same."""
    (tmp_path / "there.png").write_text("")
    host = MemoryHost(
        nodes=tuple(MemoryNode(f"n{i}", str(tmp_path / ("there.png" if i % 2 else "gone.png"))) for i in range(300))
    )
    desk = opened(host)
    batches: list[list[Entry]] = []
    desk.entries_found.connect(batches.append)
    Scanner(desk).start()
    assert desk.scan.state == "running"
    finish(qtbot, desk)
    assert len(batches) > 1
    assert [e.referrer for batch in batches for e in batch] == [f"n{i}.file" for i in range(300)]
    assert desk.report is not None
    assert (len(desk.report.dependencies), len(desk.report.missing)) == (150, 150)
    assert (desk.report.scene, desk.report.format) == (desk.scene.path, "memory")
    assert desk.scan == replace(desk.scan, state="done", found=300, judged=300, reading=False)


FINDINGS = st.one_of(
    st.builds(reads, st.sampled_from(["/nowhere/a.png", "/nowhere/b.png", __file__]), st.sampled_from(["n1.file", "n2.file"])),
    st.builds(Unresolved, st.sampled_from(["[a]", "[b]"]), st.just("n3"), st.just("no value")),
    st.builds(ScanOutput, st.sampled_from(["/o/a.exr", "/o/b.exr"]), st.sampled_from(["/o/a.exr"]), st.just("w1")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.lists(FINDINGS, max_size=5).map(tuple), max_size=12).map(tuple),
    raises_after=st.one_of(st.none(), st.integers(0, 12)),
    slices=st.sampled_from([0.0, 0.0001, scanning.SLICE]),
    begun_again=st.lists(st.integers(0, 6), max_size=2),
)
def test_nothing_is_lost_and_nothing_comes_twice(
    opened: Callable[..., Desk],
    pieces: tuple[tuple[Finding, ...], ...],
    raises_after: int | None,
    slices: float,
    begun_again: list[int],
) -> None:
    """Whatever the pieces, the slices, a host that raises and scans that are begun again: each entry once, in its order."""
    host = Piecewise()
    host.pieces, host.raises_after = pieces, raises_after
    desk = opened(host)
    scanner = Scanner(desk)
    scanner.__dict__["_slice"] = slices
    seen: list[Entry] = []
    desk.scan_changed.connect(lambda: seen.clear() if desk.report is None else None)
    desk.entries_found.connect(seen.extend)
    scanner.start()
    for rounds in begun_again:
        for _ in range(rounds):
            QCoreApplication.processEvents()
        scanner.start()
    end = time.monotonic() + PATIENCE / 1000
    while desk.scan.state == "running":
        QCoreApplication.processEvents()
        assert time.monotonic() < end
    raised = raises_after is not None and raises_after < len(pieces)
    told = [f for piece in pieces[: raises_after if raised else None] for f in piece]
    listing = DirectoryListing()
    wanted = list(dict.fromkeys(e for f in told for e in judged(f, listing)))
    broken = [e for e in seen if isinstance(e, Unresolved) and "stopped telling" in e.reason]
    assert len(broken) == raised
    assert [e for e in seen if e not in broken] == wanted
    assert sorted(map(repr, desk.entries)) == sorted(map(repr, seen))
    desk.close()


def test_a_host_that_raises_is_told_and_the_rest_is_shown(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """What it told until then is in the list, and the report says that it is not whole."""
    host = Piecewise()
    host.pieces, host.raises_after = ((reads(__file__),), (reads("/never/told.png"),)), 1
    desk = opened(host)
    said: list[tuple[str, bool]] = []
    desk.said.connect(lambda text, bad: said.append((text, bad)))
    Scanner(desk).start()
    finish(qtbot, desk)
    assert desk.report is not None
    assert [d.files for d in desk.report.dependencies] == [(__file__,)]
    assert ["the node is gone" in u.reason for u in desk.report.unresolved] == [True]
    assert [("the node is gone" in text, bad) for text, bad in said if bad] == [(True, True)]


def test_a_finding_that_cannot_be_judged_costs_no_other(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """One odd value of a host is told as such."""
    host = Piecewise()
    host.pieces = ((replace(reads("/a"), places=(None,)), reads(__file__)),)  # type: ignore[arg-type]
    desk = opened(host)
    Scanner(desk).start()
    finish(qtbot, desk)
    assert desk.report is not None
    assert (len(desk.report.dependencies), len(desk.report.unresolved)) == (1, 1)


def test_stopped_is_stopped(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """The host's question is closed, what was found stays to be seen, and there is no report that could be taken for a whole one."""
    closed = threading.Event()

    class Endless(MemoryHost):
        def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
            try:
                for number in range(10**9):
                    yield [reads(f"/never/{number}.png")]
            finally:
                closed.set()

    desk = opened(Endless())
    Scanner(desk).start()
    qtbot.waitUntil(lambda: len(desk.entries) > 20, timeout=PATIENCE)
    desk.scan_unwanted.emit()
    assert closed.is_set()
    assert desk.scan == replace(desk.scan, state="cancelled")
    known = list(desk.entries)
    qtbot.wait(50)
    assert (desk.entries, desk.report) == (known, None)
    desk.host.dependencies = MemoryHost().dependencies  # type: ignore[method-assign]
    desk.scan_wanted.emit()
    finish(qtbot, desk)
    assert desk.scan.state == "done"


def test_other_frames_are_scanned_for(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """The host is asked for the frames of the steps that render, and again when they are others; nothing else starts a scan."""
    host = Piecewise()
    desk = opened(host)
    began: list[tuple[int, ...]] = []
    scanner = Scanner(desk)
    desk.scan_changed.connect(lambda: began.append(frames_wanted(desk.situation())) if desk.report is None else None)
    scanner.start()
    finish(qtbot, desk)
    assert host.asked_for == tuple(range(1, 11))
    desk.edit(title="other")
    desk.edit(chunk_size=5)
    qtbot.wait(2 * scanning._SETTLED)
    desk.edit(frames="3,5")
    qtbot.waitUntil(lambda: host.asked_for == (3, 5), timeout=PATIENCE)
    finish(qtbot, desk)
    desk.edit(frames="no frames")
    qtbot.waitUntil(lambda: host.asked_for == (), timeout=PATIENCE)
    assert len(began) == 3


def test_both_readers_are_shown_as_one(qtbot: Any, opened: Callable[..., Desk], tmp_path: Path) -> None:
    """The host's answer is shown while the agent reads; then each entry says who sees it."""
    files = [tmp_path / name for name in ("both.png", "deep.png")]
    for file in files:
        file.write_text("")
    gate = threading.Event()

    class Slow(AnsweringAgent):
        def own_reading(self, scene: str, frames: Sequence[int], **more: Any) -> OwnReading:
            gate.wait(60)
            entries = tuple(Dependency(f.name, str(f), (str(f),), "texture", "r") for f in files)
            return OwnReading(ScanReport(scene, "scene", entries))

    desk = opened(MemoryHost(findings=(reads(files[0]),)), Slow())
    Scanner(desk).start()
    qtbot.waitUntil(lambda: desk.report is not None, timeout=PATIENCE)
    assert desk.report is not None
    assert [d.files for d in desk.report.dependencies] == [(str(files[0]),)]
    assert (desk.scan.state, desk.scan.reading) == ("running", True)
    gate.set()
    finish(qtbot, desk)
    assert {d.path: d.seen_by for d in desk.report.dependencies} == {
        str(files[0]): ("host", "file"),
        str(files[1]): ("file",),
    }
    assert not desk.scan.reading


@pytest.mark.parametrize(
    "agent",
    [AnsweringAgent(broken=AgentError("The agent does not run.", "Start it.")), AnsweringAgent()],
    ids=["no agent", "no reader"],
)
def test_without_a_second_reader_the_hosts_answer_counts(qtbot: Any, opened: Callable[..., Desk], agent: AnsweringAgent) -> None:
    """It is said, as no bad news, and the scan is done."""
    desk = opened(MemoryHost(findings=(reads(__file__),)), agent)
    said: list[tuple[str, bool]] = []
    desk.said.connect(lambda text, bad: said.append((text, bad)))
    Scanner(desk).start()
    finish(qtbot, desk)
    assert desk.report is not None
    assert len(desk.report.dependencies) == 1
    assert [("second opinion" in text, bad) for text, bad in said] == [(True, False)]


def test_stopped_while_the_agent_reads_the_hosts_answer_counts(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """An artist who does not want to wait has the host's whole answer."""
    gate = threading.Event()

    class Slow(AnsweringAgent):
        def own_reading(self, scene: str, frames: Sequence[int], **more: Any) -> OwnReading:
            gate.wait(60)
            return OwnReading(ScanReport(scene, "scene"))

    desk = opened(MemoryHost(findings=(reads(__file__),)), Slow())
    Scanner(desk).start()
    qtbot.waitUntil(lambda: desk.report is not None, timeout=PATIENCE)
    desk.scan_unwanted.emit()
    gate.set()
    assert desk.scan.state == "done"
    assert desk.report is not None
    assert desk.report.dependencies[0].seen_by == ()


def test_an_unsaved_scene_is_not_read_by_the_agent(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """There is no file; the host's answer is all there is, and nothing is said of it."""
    desk = opened(MemoryHost(findings=(reads(__file__),)))
    desk.scene = replace(desk.scene, path="")
    said: list[str] = []
    desk.said.connect(lambda text, bad: said.append(text))
    Scanner(desk).start()
    finish(qtbot, desk)
    assert said == []
    assert desk.scan.state == "done"


def test_a_path_that_was_mended_since_is_not_missing() -> None:
    """Of a file that is older than what is open, only what leads to a file counts beside the host's word, and what lies deeper."""
    host = ScanReport("/s", "memory")
    file = ScanReport(
        "/s",
        "scene",
        dependencies=(Dependency("a", __file__, (__file__,), "texture", "n1"),),
        missing=(Missing("b", "/b", "texture", "n2", "gone"), Missing("c", "/c", "texture", "n3", "gone", within="/lib")),
        unresolved=(Unresolved("[d]", "n4", "no value"),),
        outputs=(ScanOutput("/o", "/o", "w1"),),
    )
    now, old = both(host, file, stale=False), both(host, file, stale=True)
    assert (len(now.missing), len(now.unresolved), len(now.outputs)) == (2, 1, 1)
    assert (len(old.dependencies), len(old.missing), len(old.unresolved), len(old.outputs)) == (1, 1, 0, 0)


def test_a_panel_that_is_closed_asks_the_host_no_more(qtbot: Any, opened: Callable[..., Desk]) -> None:
    """Closing ends the scan at once."""
    host = Piecewise()
    host.pieces = tuple((reads(f"/never/{n}.png"),) for n in range(100_000))
    desk = opened(host)
    Scanner(desk).start()
    desk.close()
    known = len(desk.entries)
    qtbot.wait(30)
    assert len(desk.entries) == known
