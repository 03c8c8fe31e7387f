"""The scan: the host is asked in slices of a few milliseconds, a thread holds its findings against the disk, and meanwhile the
agent reads the scene's file by itself; the panel fills as they go.

On Qt's thread happen only the host's own pieces and the handing out of what was judged, both in portions that adapt to what they
cost: the artist's application goes on between two of them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from conductor_core.errors import AgentError, ConductorError, FrameSpecError
from conductor_core.frames import FrameSet
from conductor_core.report import ScanReport, Unresolved
from qtpy.QtCore import QObject, QTimer

from conductor_plugins.desk import Desk, Scan
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene
from conductor_plugins.judging import Judging, both, entries_of, report_of

if TYPE_CHECKING:
    from conductor_core.agent_answers import OwnReading
    from conductor_core.discovery.finding import Finding
    from conductor_core.discovery.judge import Entry

    from conductor_plugins.contents import Read

#: seconds of Qt's thread that one slice may take: half of the time between two pictures of a screen
SLICE = 0.008
#: the least of it, where something else needs the thread
_LEAST = 0.002
#: entries that are handed out at once, at first and at most
_FIRST_BATCH, _LARGEST_BATCH = 50, 2_000
#: milliseconds between two looks at the thread, once the host has told everything
_PAUSE = 15
#: milliseconds without a change of the form after which its frames count
_SETTLED = 400
#: seconds for which the agent's reading of a file that did not change counts; files that it leads to may have changed
_KEPT = 60.0
#: seconds between two words on how far it is
_TOLD = 0.1


@dataclass
class _Run:
    """One scan."""

    scene: HostScene
    frames: tuple[int, ...]
    pieces: Iterator[Sequence[Finding]]
    judging: Judging
    #: the host has told everything
    told: bool = False
    #: of the host alone, once it is whole
    report: ScanReport | None = None
    #: of the agent
    reading: ScanReport | None = None
    #: there is one, or there will be none
    read: bool = False


@dataclass(frozen=True)
class _Kept:
    """What the agent read last: a scene whose unsaved changes are looked at again has the same file."""

    stamp: tuple[object, ...]
    at: float
    reading: OwnReading


class Scanner(QObject):
    """Scan the desk's scene, now and whenever scene or frames change; `desk.scan` says how far it is."""

    def __init__(self, desk: Desk, *, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(desk)
        self._desk = desk
        self._clock = clock
        self._run: _Run | None = None
        #: that the last scan was for; None: there was none, or the artist stopped it
        self._frames: tuple[int, ...] | None = None
        self._kept: _Kept | None = None
        self._slice = SLICE
        self._piece = 0.0
        self._batch = _FIRST_BATCH
        self._left = 0.0
        self._told = 0.0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._if_other_frames)
        desk.scene_changed.connect(self.start)
        desk.form_changed.connect(self._settle.start)
        desk.scan_wanted.connect(self.start)
        desk.scan_unwanted.connect(self.cancel)
        desk.closed.connect(self._leave)

    def start(self) -> None:
        """Begin a scan; one that is under way is left."""
        self._leave()
        desk = self._desk
        frames = self._frames = frames_wanted(desk.situation())
        run = self._run = _Run(desk.scene, frames, iter(()), Judging())
        desk.entries, desk.report = [], None
        self._slice, self._batch, self._piece = SLICE, _FIRST_BATCH, 0.0
        self._left = self._told = self._clock()
        desk.scan = Scan("running", reading=bool(run.scene.path))
        desk.scan_changed.emit()
        self._timer.start(0)
        try:
            run.pieces = iter(desk.host.dependencies(frames))
        except Exception as exc:  # noqa: BLE001 - the border to a host, which may raise whatever it likes
            self._host_failed(run, exc)
        self._ask_the_agent(run)

    def cancel(self) -> None:
        """Stop; what was found stays to be seen. There is no report unless the host had told everything."""
        run = self._run
        if run is None:
            return
        if run.report is not None:
            self._show(run.report, ended=True)
            return
        self._leave()
        self._frames = None
        self._desk.scan = replace(self._desk.scan, state="cancelled", judged=len(self._desk.entries), reading=False)
        self._desk.scan_changed.emit()

    def _leave(self) -> None:
        run, self._run = self._run, None
        self._timer.stop()
        if run is not None:
            run.judging.stop()
            _close(run.pieces)

    def _if_other_frames(self) -> None:
        if self._frames is not None and self._frames != frames_wanted(self._desk.situation()):
            self.start()

    def _tick(self) -> None:
        run = self._run
        if run is None:
            return
        began = self._clock()
        if not run.told:
            # where the event loop came back late, somebody else needs the thread: take less of it
            late = began - self._left > SLICE
            self._slice = max(_LEAST, self._slice / 2) if late else min(SLICE, self._slice * 1.5)
            self._ask_the_host(run, began)
        if run.judging.ready:
            self._hand_out(run)
        elif run.told and run.judging.done and run.report is None and not run.judging.ready:
            self._host_is_done(run)
        self._say_how_far()
        self._left = self._clock()

    def _ask_the_host(self, run: _Run, began: float) -> None:
        """Take pieces from the host until the slice is full: one at least, and none that would go beyond it by far."""
        while not run.told:
            asked = self._clock()
            try:
                piece = next(run.pieces, None)
            except Exception as exc:  # noqa: BLE001 - the border to a host: what it told until then is shown
                self._host_failed(run, exc)
                return
            if piece is None:
                self._host_has_told(run)
                return
            run.judging.add(tuple(piece))
            self._desk.scan = replace(self._desk.scan, found=self._desk.scan.found + len(piece))
            now = self._clock()
            self._piece = max(now - asked, self._piece * 0.8)
            if now - began + self._piece > self._slice:
                return

    def _host_failed(self, run: _Run, exc: Exception) -> None:
        scene = run.scene
        reason = f"{scene.software.name} stopped telling what the scene reads ({type(exc).__name__}: {exc})"
        run.judging.add((Unresolved(scene.path, scene.software.name, reason),))
        sentence = f"{reason[0].upper()}{reason[1:]}. What is listed may lack files. Save, and scan again."
        self._desk.said.emit(sentence, True)
        self._host_has_told(run)

    def _host_has_told(self, run: _Run) -> None:
        run.told = True
        run.judging.end()
        self._timer.setInterval(_PAUSE)

    def _hand_out(self, run: _Run) -> None:
        """Give the sections some of what was judged, as much as they take in a slice."""
        ready = run.judging.ready
        batch: list[Entry] = [ready.popleft() for _ in range(min(self._batch, len(ready)))]
        began = self._clock()
        self._desk.entries.extend(batch)
        self._desk.entries_found.emit(batch)
        cost = self._clock() - began
        if cost > SLICE / 2:
            self._batch = max(1, int(len(batch) * SLICE / 2 / cost))
        elif len(batch) == self._batch:
            self._batch = min(_LARGEST_BATCH, self._batch * 2)
        if run.told:
            self._timer.setInterval(0 if ready else _PAUSE)

    def _host_is_done(self, run: _Run) -> None:
        self._timer.stop()
        entries = tuple(self._desk.entries)
        scene = run.scene

        def made(report: ScanReport) -> None:
            if self._run is run:
                run.report = report
                self._come_together(run)

        name = scene.software.name

        def failed(error: ConductorError) -> None:
            self._say(error)
            if self._run is run:
                self.cancel()

        self._desk.errands.run("report", lambda: report_of(scene.path, name, entries), made, failed)

    def _ask_the_agent(self, run: _Run) -> None:
        """Have the scene's own file read, which is there once it was saved."""
        scene, agent, variables = run.scene, self._desk.agent, self._desk.environment
        if not scene.path:
            run.read = True
            return

        def came(report: ScanReport | None, problem: str) -> None:
            if self._run is run:
                run.reading, run.read = report, True
                if problem:
                    self._desk.said.emit(f"The scene's file was not read as a second opinion: {problem}", False)
                self._come_together(run)

        def read() -> OwnReading:
            stamp = (scene.path, run.frames, scene.project_root, *_stamp(scene.path))
            kept = self._kept
            if kept is not None and kept.stamp == stamp and self._clock() - kept.at < _KEPT:
                return kept.reading
            reading = agent.own_reading(scene.path, run.frames, project_root=scene.project_root, variables=variables)
            self._kept = _Kept(stamp, self._clock(), reading)
            return reading

        self._desk.errands.run(
            "own reading", read, lambda own: came(own.report, own.problem), lambda error: came(None, str(error))
        )

    def _come_together(self, run: _Run) -> None:
        """Show the host's answer, and that of both once there is a second one."""
        host, file = run.report, run.reading
        if host is None:
            return
        if file is None:
            self._show(host, ended=run.read)
        else:
            stale = run.scene.modified
            if self._desk.report is None:
                self._show(host, ended=False)

            def checked(report: ScanReport) -> None:
                if self._run is run:
                    self._show(report, ended=True)

            def failed(error: ConductorError) -> None:
                self._say(error)
                checked(host)

            read = self._reader(run)
            self._desk.errands.run("cross-check", lambda: _checked(host, file, stale, read), checked, failed)

    def _reader(self, run: _Run) -> Read:
        """Return what reads a file that only the host leads to, in a thread."""
        agent, variables, root = self._desk.agent, self._desk.environment, run.scene.project_root

        def read(path: str) -> ScanReport | None:
            with contextlib.suppress(AgentError):
                return agent.own_reading(path, run.frames, project_root=root, variables=variables).report
            return None

        return read

    def _show(self, report: ScanReport, *, ended: bool) -> None:
        desk = self._desk
        desk.report, desk.entries = report, entries_of(report)
        desk.scan = replace(desk.scan, state="done" if ended else "running", judged=len(desk.entries), reading=not ended)
        if ended:
            self._run = None
        desk.scan_changed.emit()
        desk.settle()

    def _say(self, error: ConductorError) -> None:
        self._desk.said.emit(str(error), True)

    def _say_how_far(self) -> None:
        now = self._clock()
        if now - self._told >= _TOLD:
            self._told = now
            self._desk.scan = replace(self._desk.scan, judged=len(self._desk.entries))
            self._desk.scan_progressed.emit()


def _checked(host: ScanReport, file: ScanReport, stale: bool, read: Read) -> ScanReport:
    from conductor_plugins.contents import with_contents  # in the thread, and not while the panel opens

    return with_contents(both(host, file, stale=stale), read)


def frames_wanted(situation: Situation) -> tuple[int, ...]:
    """Return the frames of all steps that are rendered, sorted; none where a range cannot be read: the scene's own count."""
    return _frames_of(frozenset(situation.frames_of(choice) for _, choice in situation.chosen_steps()))


@lru_cache(maxsize=8)
def _frames_of(specs: frozenset[str]) -> tuple[int, ...]:
    frames: set[int] = set()
    for spec in specs:
        try:
            frames.update(FrameSet.parse(spec).frames)
        except FrameSpecError:
            return ()
    return tuple(sorted(frames))


def _stamp(file: str) -> tuple[int, int]:
    try:
        facts = os.stat(file)
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


def _close(pieces: Iterator[Sequence[Finding]]) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        with contextlib.suppress(Exception):  # the border to a host: nobody waits for this question any more
            close()
