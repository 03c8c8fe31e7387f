# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame server of docs/api.md: load a scene once, render frames of it as long as the runner asks."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

from conductor_core.discovery.blender_places import absolute
from conductor_core.documents import from_json
from conductor_core.errors import ConductorError
from conductor_core.submission import Step

from .discover import home_folder
from .errors import FrameNotRendered
from .host import version
from .opening import open_scene
from .plug_ins import load_plug_ins, plug_in_folders
from .rendering import FrameRenderer, apply_step
from .rewrite import mapped, rewrite_scene, rules_from
from .scripts import run_script

PROTOCOL = 1
Say = Callable[[dict[str, Any]], None]


def main(_arguments: Sequence[str]) -> int:
    """Serve until the runner says quit or goes away."""
    answers = take_stdout()

    def say(event: dict[str, Any]) -> None:
        answers.write(json.dumps(event) + "\n")
        answers.flush()

    say({"event": "hello", "protocol": PROTOCOL, "software": "blender", "version": version()})
    FrameServer(say).serve(requests(sys.stdin.buffer))
    return 0


def requests(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream, read ahead by a thread so that the end of the runner is noticed in mid-frame.

    A frame can take hours; a runner that was killed must not leave its renderer behind.
    """
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        parent = os.getppid()
        for line in stream:
            lines.put(line)
        lines.put(None)
        # The pipe closes a moment before the system hands us to another parent.
        for _ in range(50):
            if os.getppid() != parent:
                os._exit(1)
            time.sleep(0.1)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while (line := lines.get()) is not None:
        yield line


def take_stdout() -> IO[str]:
    """Return the original stdout and point descriptor 1 at stderr: whatever Blender prints is log from here on."""
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a script prints stands in the log where it was printed
        sys.stdout.reconfigure(line_buffering=True)
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w", encoding="utf-8", newline="\n")


def log(text: str) -> None:
    """Write a line to the log."""
    print(f"conductor: {text}", file=sys.stderr, flush=True)


class FrameServer:
    """Answer `load`, `render` and `quit`."""

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        """Answer through `say`."""
        self._say = say
        self._clock = clock
        self._renderer: FrameRenderer | None = None

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
        except FrameNotRendered as exc:
            self._say({"event": "fail", **frame, "cause": exc.cause, "message": str(exc)})
        except ConductorError as exc:
            self._say({"event": "fail", **frame, "cause": cause, "message": str(exc)})
        except MemoryError:
            self._say({"event": "fail", **frame, "cause": "out-of-memory", "message": "Python ran out of memory."})
        except Exception as exc:  # noqa: BLE001  the worker's border: the next frame may still work
            traceback.print_exc()
            self._say({"event": "fail", **frame, "cause": cause, "message": f"{type(exc).__name__}: {exc}"})

    def _load(self, request: dict[str, Any]) -> None:
        started = self._clock()
        self._renderer = None
        step = from_json(Step, request["step"])
        rules = rules_from(request.get("path_map", ()))
        scene_file = request["scene"] if os.path.exists(request["scene"]) else mapped(request["scene"], rules)
        load_plug_ins(plug_in_folders(), log)
        open_scene(scene_file, scripts=bool(step.parameters.get("scripts")))
        log(f"{scene_file} is open, {'the paths are rewritten' if rules else 'at its own path'}")
        if rules:
            rewrite_scene(rules, log)
        for script in request.get("startup", ()):
            run_script(script, log)
        scene = apply_step(_mapped_outputs(step, rules), scene_file, log)
        log_what_lacks()
        self._renderer = FrameRenderer(scene, self._progress, self._clock)
        self._say({"event": "loaded", "seconds": round(self._clock() - started, 3)})

    def _render(self, frame: int) -> None:
        if self._renderer is None:
            raise FrameNotRendered(frame, "internal", "no scene is loaded")
        done = self._renderer.render(frame)
        self._say(
            {
                "event": "done",
                "frame": frame,
                "seconds": round(done.seconds, 3),
                "outputs": list(done.outputs),
                "width": done.picture.width,
                "height": done.picture.height,
                "layers": list(done.picture.layers),
            }
        )

    def _progress(self, frame: int, fraction: float, status: str) -> None:
        self._say({"event": "progress", "frame": frame, "fraction": round(fraction, 4), "status": status})


def log_what_lacks() -> None:
    """Name in the log the images and libraries that are not there: a frame with pink in it has its reason beside it."""
    import bpy

    for datablock in (*bpy.data.libraries, *bpy.data.images):
        text = datablock.filepath
        single = getattr(datablock, "source", "FILE") == "FILE" and datablock.packed_file is None
        path = absolute(text, home_folder(datablock)) if text else None
        if single and datablock.users and path and not os.path.exists(path):
            log(f"missing: {datablock.bl_rna.identifier} {datablock.name_full}: {path}")


def _mapped_outputs(step: Step, rules: Sequence[Any]) -> Step:
    outputs = tuple(dataclasses.replace(o, path=mapped(o.path, rules)) for o in step.outputs)
    return dataclasses.replace(step, outputs=outputs)
