"""Commands of `maya.cmds` about time and undo, as https://help.autodesk.com/cloudhelp/2023/ENU/Maya-Tech-Docs/CommandsPython/ has them."""

# ruff: noqa: N803 - commands and flags are named by Maya
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fakes.maya_asking import raise_unknown
from fakes.maya_graph import Step
from fakes.maya_plug_in_commands import PlugInCommands


class TimeCommands(PlugInCommands):
    """The commands, on one session."""

    def currentTime(self, time: float | None = None, /, *, query: bool = False, edit: bool = False, update: bool = True) -> float:
        """Ask for or change the frame; a change can be undone, and does not modify the scene."""
        if query:
            return self.session.time
        assert time is not None
        before = self.session.time

        def put(value: float) -> None:
            self.session.time = value

        self.session.do("currentTime", lambda: put(float(time)), lambda: put(before), changes=False)
        return float(time)

    def playbackOptions(
        self,
        *,
        query: bool = False,
        edit: bool = False,
        minTime: float | bool | None = None,
        maxTime: float | bool | None = None,
        animationStartTime: float | bool | None = None,
        animationEndTime: float | bool | None = None,
        framesPerSecond: bool = False,
        by: float | bool | None = None,
    ) -> Any:
        """Ask for or change the ranges."""
        given = (minTime, maxTime, animationStartTime, animationEndTime)
        if query:
            for place, asked in enumerate(given):
                if asked:
                    return self.session.range[place]
            return 1.0 if by else 24.0 if framesPerSecond else raise_unknown("playbackOptions with these flags")
        for place, value in enumerate(given):
            if value is not None:
                self.session.range[place] = float(value)
        self.session.modified = True
        return None

    def undo(self) -> None:
        """Take a step back."""
        if not self.session.undo():
            raise RuntimeError("There are no more commands to undo.")

    def redo(self) -> None:
        """Take a step forward."""
        if not self.session.redo():
            raise RuntimeError("There are no more commands to redo.")

    def undoInfo(
        self,
        *,
        query: bool = False,
        state: bool | None = None,
        stateWithoutFlush: bool | None = None,
        openChunk: bool = False,
        closeChunk: bool = False,
        chunkName: str = "",
        length: bool | int = False,
        undoName: bool = False,
        redoName: bool = False,
        undoQueueEmpty: bool = False,
        redoQueueEmpty: bool = False,
        printQueue: bool = False,
        infinity: bool | None = None,
    ) -> Any:
        """Ask for or change the undo queue; `state` off empties it, `stateWithoutFlush` leaves it."""
        session = self.session
        if query:
            if undoName or redoName:
                queue = session.undone if undoName else session.redone
                return queue[-1].name if queue else ""
            if undoQueueEmpty or redoQueueEmpty:
                return not (session.undone if undoQueueEmpty else session.redone)
            if state or stateWithoutFlush:
                return session.undo_state
            raise_unknown("undoInfo(query=True) with these flags")
        if state is not None:
            session.undo_state = state
            if not state:
                session.undone.clear()
                session.redone.clear()
        if stateWithoutFlush is not None:
            session.undo_state = stateWithoutFlush
        if openChunk and session.chunk is None:
            session.chunk = []
        if closeChunk and session.chunk is not None:
            steps, session.chunk = session.chunk, None
            if steps:
                session.undone.append(
                    Step(chunkName or steps[-1].name, lambda: _all(reversed(steps), "undo"), lambda: _all(steps, "redo"))
                )
        return None

    def flushUndo(self) -> None:
        """Empty the undo queue."""
        self.session.undone.clear()
        self.session.redone.clear()


def _all(steps: Iterable[Step], what: str) -> None:
    for step in steps:
        getattr(step, what)()
