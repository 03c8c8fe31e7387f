"""Answer the runner: load a scene once, render frames of it as long as it asks."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from conductor_core.documents import from_json
from conductor_core.errors import ConductorError
from conductor_core.submission import Step

from conductor_plugins.frame_server.errors import FrameNotRendered
from conductor_plugins.frame_server.path_mapping import mapped, rules_from
from conductor_plugins.frame_server.renderer import Load, Renderer
from conductor_plugins.frame_server.streams import requests, take_stdout

PROTOCOL = 1
Say = Callable[[dict[str, Any]], None]


def serve(software: str, version: str, renderer: Renderer) -> int:
    """Serve until the runner says quit or goes away; return the exit code.

    From the first line on stdout belongs to the runner: what is to start before `hello` prints into the log of its own.
    """
    answers = take_stdout()

    def say(event: dict[str, Any]) -> None:
        answers.write(json.dumps(event) + "\n")
        answers.flush()

    say({"event": "hello", "protocol": PROTOCOL, "software": software, "version": version})
    with open(0, "rb", closefd=False) as stdin:  # sys.stdin may be a console of the software's own
        FrameServer(say, renderer).serve(requests(stdin))
    return 0


class FrameServer:
    """Answer `load`, `render` and `quit`."""

    def __init__(self, say: Say, renderer: Renderer, clock: Callable[[], float] = time.monotonic) -> None:
        """Answer through `say`."""
        self._say = say
        self._renderer = renderer
        self._clock = clock
        self._loaded = False

    def serve(self, lines: Iterable[bytes]) -> None:
        """Do what the lines say, one after the other, until `quit` or their end."""
        for line in lines:
            if not line.strip():
                continue
            request = json.loads(line)
            if request["do"] == "quit":
                return
            self.answer(request)

    def answer(self, request: dict[str, Any]) -> None:
        """Do one thing and say how it ended: every request gets `loaded`, `done` or `fail`."""
        frame = {"frame": request["frame"]} if "frame" in request else {}
        cause = "scene-load" if request["do"] == "load" else "internal"
        try:
            if request["do"] == "load":
                self._load(request)
            elif request["do"] == "render":
                self._render(int(request["frame"]))
            else:
                self._say({"event": "fail", "cause": "internal", "message": f"There is no {request['do']!r} to do."})
        except ConductorError as exc:
            self._say({"event": "fail", **frame, "cause": getattr(exc, "cause", cause), "message": str(exc)})
        except MemoryError:
            self._say({"event": "fail", **frame, "cause": "out-of-memory", "message": "Python ran out of memory."})
        except Exception as exc:  # noqa: BLE001  the worker's border: the next frame may still work
            traceback.print_exc()
            self._say({"event": "fail", **frame, "cause": cause, "message": f"{type(exc).__name__}: {exc}"})

    def _load(self, request: dict[str, Any]) -> None:
        started = self._clock()
        self._loaded = False
        loaded = self._renderer.load(load_of(request))
        self._loaded = True
        prints = {"prints": loaded.prints, "parts": loaded.parts} if loaded.prints else {}
        self._say({"event": "loaded", "seconds": round(self._clock() - started, 3), **prints})

    def _render(self, frame: int) -> None:
        if not self._loaded:
            raise FrameNotRendered(frame, "internal", "no scene is loaded")

        def progress(fraction: float, status: str) -> None:
            self._say({"event": "progress", "frame": frame, "fraction": round(fraction, 4), "status": status})

        started = self._clock()
        done = self._renderer.render(frame, progress)
        self._say(
            {
                "event": "done",
                "frame": frame,
                "seconds": round(self._clock() - started, 3),
                "outputs": list(done.outputs),
                "width": done.width,
                "height": done.height,
                "layers": list(done.layers),
            }
        )


def load_of(request: dict[str, Any]) -> Load:
    """Return what a `load` request asks for, its scene and outputs mapped to where they lie here."""
    rules = rules_from(request.get("path_map", ()))
    step = from_json(Step, request["step"])
    outputs = tuple(dataclasses.replace(output, path=mapped(output.path, rules)) for output in step.outputs)
    scene = request["scene"] if os.path.exists(request["scene"]) else mapped(request["scene"], rules)
    return Load(scene, dataclasses.replace(step, outputs=outputs), rules, tuple(request.get("startup", ())))
