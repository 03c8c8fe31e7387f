"""A host in another process, asked through a pair of pipes: lines of JSON, one question at a time.

| line | from | means |
| --- | --- | --- |
| `{"id": 7, "call": "scene", "with": […]}` | panel | a method of `conductor_plugins.host.Host` and its arguments |
| `{"id": 7, "answer": …}` | host | what it returned (`conductor_plugins.wire`) |
| `{"id": 7, "refused": "…"}` | host | it raised HostRefused with this text |
| `{"tell": "raise"}` | host | come to the front; `scene`: another file is open, or it was saved; `close`: the host is closed |

`dependencies` answers with a number; `next` with that number answers with findings, None after the last; `leave` lets it go.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

from conductor_core.discovery.finding import Finding
from conductor_core.host import SceneStep

from conductor_plugins.host import HostRefused, HostScene, Snapshot
from conductor_plugins.wire import decode, encode

#: seconds; a host that renders on its main thread answers late
_PATIENCE = 30.0
#: writing a scene of gigabytes takes longer
_PATIENCES = {"save": 1800.0, "snapshot": 1800.0}
_BUSY = "The application does not answer: it is busy with something else. Try again when it is done."
_GONE = "The application was closed."


class RemoteHost:
    """The host at the other end of two pipes."""

    def __init__(self, lines: IO[str], out: IO[str], told: Callable[[str], None]) -> None:
        """Read answers from `lines`, write questions to `out`; `told` is called in a thread with what the host tells."""
        self._lines = lines
        self._out = out
        self._told = told
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._numbers = itertools.count(1)
        threading.Thread(target=self._listen, name="conductor host", daemon=True).start()

    def scene(self) -> HostScene:
        """Return what is open."""
        answer: HostScene = self._ask("scene")
        return answer

    def steps(self) -> Sequence[SceneStep]:
        """Return what can be rendered."""
        answer: Sequence[SceneStep] = self._ask("steps")
        return answer

    def dependencies(self, frames: Sequence[int]) -> Iterator[Sequence[Finding]]:
        """Yield what the scene reads and writes, a few at a time."""
        number = self._ask("dependencies", list(frames))
        try:
            while (piece := self._ask("next", number)) is not None:
                yield piece
            number = None
        finally:
            if number is not None:
                with contextlib.suppress(HostRefused):
                    self._ask("leave", number)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of the host's process."""
        answer: Mapping[str, str] = self._ask("environment")
        return answer

    def save(self) -> None:
        """Save the scene."""
        self._ask("save")

    def snapshot(self, file: str) -> Snapshot:
        """Write the scene as it is now to `file`."""
        answer: Snapshot = self._ask("snapshot", file)
        return answer

    def remember(self, settings: str) -> None:
        """Keep a text in the scene."""
        self._ask("remember", settings)

    def reveal(self, referrer: str) -> bool:
        """Show who names a file."""
        return bool(self._ask("reveal", referrer))

    def _ask(self, call: str, *arguments: Any) -> Any:
        number = next(self._numbers)
        try:
            self._out.write(json.dumps({"id": number, "call": call, "with": encode(list(arguments))}) + "\n")
            self._out.flush()
        except (OSError, ValueError) as exc:
            raise HostRefused(_GONE) from exc
        while True:
            try:
                answer = self._answers.get(timeout=_PATIENCES.get(call, _PATIENCE))
            except queue.Empty:
                raise HostRefused(_BUSY) from None
            if "gone" in answer:
                self._answers.put(answer)
                raise HostRefused(_GONE)
            if answer.get("id") != number:
                continue  # of a question that was given up
            if "refused" in answer:
                raise HostRefused(str(answer["refused"]))
            return decode(answer["answer"])

    def _listen(self) -> None:
        try:
            with self._lines:
                for line in self._lines:
                    message = json.loads(line)
                    if "tell" in message:
                        self._told(str(message["tell"]))
                    else:
                        self._answers.put(message)
        except (OSError, ValueError):
            pass  # the pipe broke, or a line was cut: there is no more to come
        self._answers.put({"gone": True})
        self._told("close")
