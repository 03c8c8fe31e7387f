"""Doubt a picture that decodes but is not like its neighbours; docs/decisions/0008-pictures-in-doubt.md has the reasons.

A doubt costs one more render and never a frame: where a failure would end the task, the picture is accepted with a warning.
"""

from __future__ import annotations

from conductor_core.paths import ClientPath

from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.expectations import Expected
from conductor_service.runner.holding import Holding
from conductor_service.runner.inspector import ImageFacts


class Doubts:
    """What the last accepted picture of each output was like, for one step at a time: that of the loaded scene."""

    def __init__(self) -> None:
        self._session = ""
        self._last: dict[str, ImageFacts] = {}

    def weigh(self, path: ClientPath, expected: Expected, facts: ImageFacts, holding: Holding) -> None:
        """Refuse a picture that is in doubt, or accept it with a warning where a failure would end the task.

        Raises:
            TaskFailed: (bad-output) it is to be rendered once more.
        """
        doubt = self.about(holding.assignment.session, expected, facts)
        if doubt and not holding.ref.last_try:
            raise TaskFailed("bad-output", f"{path} {doubt}. It is rendered once more, and accepted if it is the same then.")
        if doubt:
            holding.warnings += (f"{path} {doubt}; accepted, since this was its last try",)
            holding.log.say(f"warning: {holding.warnings[-1]}.")
        if expected.output is not None:
            self._last[expected.output.path] = facts

    def about(self, session: str, expected: Expected, facts: ImageFacts) -> str:
        """Return why a picture is in doubt, as words to put behind its name; empty where it is not, or nobody declared it."""
        if session != self._session:
            self._session, self._last = session, {}
        if expected.output is None:
            return ""
        before = self._last.get(expected.output.path)
        if facts.blank and (before is None or not before.blank):
            return "is empty: every value of every layer is 0" + ("" if before is None else ", unlike in the frame before it")
        if facts.infinite and (before is None or not before.infinite):
            return "has a layer of colours without any finite value" + ("" if before is None else ", unlike the frame before it")
        if before is not None and (before.width, before.height) != (facts.width, facts.height) and not expected.width:
            return f"is {facts.width}×{facts.height}, and the frame before it {before.width}×{before.height}"
        return ""
