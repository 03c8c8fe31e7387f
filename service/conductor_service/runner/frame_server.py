"""Drive a frame server: the software's interpreter, with a host's render.py in it, that loads a scene once and renders
the frames it is asked for (docs/api.md, "The frame server").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conductor_core.documents import to_json
from conductor_core.paths import PathRule
from conductor_core.submission import Step

from conductor_service.runner.causes import cause_of_message, limit_words
from conductor_service.runner.conversation import UNHEARD, Conversation, Ended, Said
from conductor_service.runner.errors import TaskFailed
from conductor_service.runner.isolation import Launch
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.printed import PrintedProgress
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.vigil import Charge, Vigil, Watch

#: Blender as a module says hello in 2 s; a cold network disk takes longer
HELLO_SECONDS = 180.0
_QUIT = b'{"do": "quit"}\n'
_QUIT_SECONDS = 5.0
_STATUS = 200
_MESSAGE = 4000

OnProgress = Callable[[float, str], None]

#: causes that a server may name (docs/api.md); any other word of it becomes `internal`
_CAUSES = frozenset(
    ("exit-code", "out-of-memory", "bad-output", "missing-file", "crashed", "licence", "disk-full", "scene-load", "internal")
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """One frame, as the server says it is done."""

    frame: int
    seconds: float
    #: paths as the server sees them
    outputs: tuple[str, ...]
    width: int = 0
    height: int = 0
    layers: tuple[str, ...] = ()


class FrameServer:
    """One process of the software; after a method raised, it is dead."""

    def __init__(self, launch: Launch, watch: Watch, charge: Charge, log: LogBook) -> None:
        self._log = log
        self._clock = watch.clock
        self._tree = ProcessTree(launch)
        self._inbox = watch.inbox
        #: the frame that is asked for, the pictures that it has, and how much of it is done before the one that is rendered
        self._frame: int | None = None
        self._parts = 1
        self._before = 0.0
        self._printed = PrintedProgress("", self._on_printed)
        conversation = Conversation(self._tree, watch.inbox, self._on_log)
        self._vigil = Vigil(self._tree, conversation, watch)
        self.alive = True
        self._vigil.begin(charge)

    def running(self) -> bool:
        """Tell whether it can be asked for a frame: it may have died, or broken a limit, while it had nothing to do."""
        return self.alive and self._vigil.holds()

    @property
    def peak_memory(self) -> int:
        """Bytes over the whole tree, since `begin`, as last measured."""
        return self._tree.peak_memory

    def settle(self) -> int:
        """End a task: read all that was printed for it, and measure once more, since a short one may have had no measurement.

        Returns: its peak of memory in bytes.
        """
        if self.alive:
            self._vigil.conversation.catch_up()
            self._tree.measure()
        return self._tree.peak_memory

    def greet(self, seconds: float = HELLO_SECONDS) -> str:
        """Wait for the server's hello; return the software and version it names."""
        message = self._expect(("hello",), seconds=seconds, late="The software did not start")
        if message.get("protocol") != 1:
            self._end()
            raise TaskFailed("software-missing", f"The frame server speaks protocol {message.get('protocol')}, not 1.")
        return f"{message.get('software', '?')} {message.get('version', '?')}"

    def begin(self, charge: Charge, log: LogBook) -> None:
        """Point log, time-outs and memory peak at the next task."""
        self._log = log
        self._vigil.begin(charge)

    def load(self, scene: str, step: Step, rules: Sequence[PathRule], startup: Sequence[str] = ()) -> float:
        """Load the scene and run the startup files in it; return the seconds it took.

        A crash on the way is the scene's: it comes again with each try.
        """
        path_map = [{"source": rule.source.slashed, "target": rule.target.text} for rule in rules]
        self._say({"do": "load", "scene": scene, "step": to_json(step), "path_map": path_map, "startup": list(startup)})
        try:
            loaded = self._expect(("loaded",))
        except TaskFailed as exc:
            if exc.cause != "crashed" or exc.exit_code is None:
                raise
            message = f"The software crashed while it loaded {scene}: it may be damaged, or of a newer version.\n{exc.what}"
            raise TaskFailed("scene-load", message, exit_code=exc.exit_code) from exc
        self._vigil.conversation.catch_up()  # what was printed while it loaded belongs before what is said of it
        self._printed = PrintedProgress(_text(loaded.get("prints", ""), _STATUS), self._on_printed)
        self._parts = max(int(_number(loaded.get("parts"))), 1)
        return _number(loaded.get("seconds"))

    def render(self, frame: int, on_progress: OnProgress) -> Rendered:
        """Render one frame."""
        self._vigil.note_life()
        self._frame, self._before = frame, 0.0
        self._say({"do": "render", "frame": frame})
        message = self._expect(("done",), frame=frame, on_progress=on_progress)
        self._frame = None
        outputs = message.get("outputs", ())
        if not isinstance(outputs, list) or not all(isinstance(path, str) for path in outputs):
            self._end()
            raise TaskFailed("internal", f"The frame server's answer to frame {frame} names no outputs.")
        layers = tuple(_text(layer, _STATUS) for layer in message.get("layers") or ())
        size = (int(_number(message.get("width"))), int(_number(message.get("height"))))
        return Rendered(frame, _number(message.get("seconds")), tuple(outputs), *size, layers)

    def excuse(self, seconds: float) -> None:
        """Do not count the time in which a store that is slow, or full, held the task back."""
        self._vigil.excuse(seconds)

    def quit(self) -> None:
        """Ask the server to end; kill it when it does not."""
        if self.alive:
            self._vigil.conversation.send(_QUIT)
            self._vigil.conversation.hang_up()
            self._vigil.conversation.join(_QUIT_SECONDS)
        self._end()

    def _on_log(self, data: bytes) -> None:
        self._log.write(data)
        self._printed.feed(data)

    def _on_printed(self, fraction: float, line: str) -> None:
        """Take progress of a picture that was read in the log, in the log's thread, as if the server had said it."""
        frame = self._frame
        if frame is not None and self._inbox.qsize() < UNHEARD:
            self._inbox.put(Said({"event": "progress", "frame": frame, "fraction": fraction, "status": line, "printed": True}))

    def _say(self, message: Mapping[str, Any]) -> None:
        try:
            self._vigil.say(message)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        if self.alive:
            self.alive = False
            self._vigil.end()

    def _expect(
        self,
        kinds: tuple[str, ...],
        *,
        frame: int | None = None,
        seconds: float = 0.0,
        late: str = "",
        on_progress: OnProgress | None = None,
    ) -> Mapping[str, Any]:
        """Hear until one of `kinds` is said about `frame`."""
        until = self._clock() + seconds if seconds else None
        try:
            while True:
                heard = self._vigil.hear(until=until)
                if heard is None:
                    raise TaskFailed("software-missing", f"{late} within {seconds:.0f} s.\n{self._log.last_lines()}".rstrip())
                if isinstance(heard, Ended):
                    raise self._vigil.failure_of_end()
                message = self._message(heard, frame, on_progress)
                if message is not None and message["event"] in kinds:
                    return message
        except BaseException:
            self._end()
            raise

    def _message(self, said: Said, frame: int | None, on_progress: OnProgress | None) -> Mapping[str, Any] | None:
        """Return a message that is to the point; a late one about another frame is not."""
        message = said.message
        if message["event"] == "fail":
            if (over := self._vigil.over_limit()) is not None:
                raise over
            cause, text = str(message.get("cause", "")), _text(message.get("message", ""), _MESSAGE)
            cause = cause_of_message(text, cause if cause in _CAUSES else "internal")
            text += limit_words(cause, self._vigil.memory_limit)
            raise TaskFailed(cause, f"{text}\n{self._log.last_lines()}".strip())
        if frame is not None and message.get("frame") != frame:
            return None
        if message["event"] == "progress" and on_progress is not None:
            fraction = min(max(_number(message.get("fraction")), 0.0), 1.0)
            if message.get("printed"):
                fraction = min(self._before + fraction / self._parts, 1.0)
            else:
                self._before = fraction
            on_progress(fraction, _text(message.get("status", ""), _STATUS))
        return message


def _number(value: object) -> float:
    """Return a number that others can reckon with: JSON as Python reads it has NaN, Infinity, and integers without end."""
    try:
        number = float(value) if isinstance(value, (int, float)) else 0.0
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _text(value: object, most: int) -> str:
    """Return words of the software as text that any database takes, and no more of it than anybody reads."""
    return str(value)[:most].encode(errors="replace").decode().replace("\0", "")
