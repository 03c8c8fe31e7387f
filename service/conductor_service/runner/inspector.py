"""Have pictures checked and previews made by `inspect_images`, in a sandboxed process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from conductor_service.runner.causes import memory_words
from conductor_service.runner.errors import RunnerError
from conductor_service.runner.groups import NO_GROUP, Group, Groups
from conductor_service.runner.isolation import Isolation, Launch, World
from conductor_service.runner.launching import interpreter_roots
from conductor_service.runner.limits import ResourceLimits
from conductor_service.runner.places import OWN_FOLDER
from conductor_service.runner.processes import ProcessTree
from conductor_service.runner.system_view import write_etc
from conductor_service.trees import remove_tree

_PREVIEW_EDGE = 640
#: a PNG of that size with four channels of 16 bits, not compressed at all, and some room
_PREVIEW_BYTES = 4 << 20
_INSPECT_SECONDS = 300.0
_PREVIEW_SECONDS = 60.0
#: what the process has to end by itself, once its stdin is closed
_END_SECONDS = 2.0
#: a picture that needs more than this to decode is no picture of this world
_MEMORY = 8 << 30
_ANSWER_BYTES = 1 << 20
#: answers that nobody asked for; one that gives more was taken over
_MOST_ANSWERS = 4
#: what the process may write to; none of it outlives the process
_OWN_FOLDERS = ("tmp", "scratch", "home", "previews")
#: where the process sees the pictures of one job: `<job>/<attempt>/<file>` of the work folder
_PICTURES = f"{OWN_FOLDER}/pictures"

Answers = queue.Queue[Mapping[str, Any] | None]


class BadImage(RunnerError):
    """A picture is not what it should be; the text says how, to be put behind its name."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a picture is."""

    width: int
    height: int
    layers: tuple[str, ...]
    #: every value of every layer is 0
    blank: bool = False
    #: some layer of colours has no finite value
    infinite: bool = False


class Inspector:
    """One process per job, started at first need by the thread that uses it, and again after a picture crashed it.

    A picture that took the process over must not have it lie about another job's: with each process all that it could write
    to is new. Pictures lie in folders of attempts, which lie in a folder of their job: that is all the process sees of the instance.
    """

    def __init__(self, isolation: Isolation, work: Path, groups: Groups) -> None:
        self._isolation = isolation
        self._groups = groups
        self._group: Group = NO_GROUP
        self._folder = work
        self._pictures = work
        self._previews = work / "previews"
        self._tree: ProcessTree | None = None
        self._threads: list[threading.Thread] = []
        self._answers: Answers = queue.Queue(_MOST_ANSWERS)
        self._death = ""

    def inspect(self, file: Path, *, width: int = 0, height: int = 0, layers: tuple[str, ...] = ()) -> ImageFacts:
        """Decode a picture to its end and compare it with what is expected (0 and empty: anything).

        Raises:
            BadImage: it does not decode, or is another than expected.
        """
        request = {"do": "inspect", "path": self._seen(file), "width": width, "height": height, "layers": list(layers)}
        answer = self._ask(request, _INSPECT_SECONDS)
        size, layers = (int(answer["width"]), int(answer["height"])), tuple(answer["layers"])
        return ImageFacts(*size, layers, bool(answer["blank"]), bool(answer["infinite"]))

    def preview(self, file: Path) -> bytes:
        """Return a PNG of a picture, at most 640 pixels wide or high.

        Raises:
            BadImage: it cannot be shown.
        """
        target = self._previews / "preview.png"
        try:
            target.unlink(missing_ok=True)
        except OSError:
            self.close()  # a folder has that name: with a new process come new folders
        seen = f"{OWN_FOLDER}/previews/preview.png" if self._isolation.shows_own_paths else str(target)
        self._ask({"do": "preview", "path": self._seen(file), "target": seen, "edge": _PREVIEW_EDGE}, _PREVIEW_SECONDS)
        return _read_preview(target)

    def close(self) -> None:
        """End the process."""
        if self._tree is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._tree.stdin.close()
                self._tree.wait(_END_SECONDS)
            self._tree.kill()
            for thread in self._threads:
                thread.join(5.0)
            self._tree.close()
            self._tree = None
        self._group.remove()
        self._group = NO_GROUP
        for name in _OWN_FOLDERS:
            remove_tree(self._folder / name)

    def _seen(self, file: Path) -> str:
        """Return where the process finds a picture; one of another job gets a process of its own."""
        if file.parents[1] != self._pictures:
            self.close()
            self._pictures = file.parents[1]
        return f"{_PICTURES}/{file.parent.name}/{file.name}" if self._isolation.shows_own_paths else str(file)

    def _ask(self, request: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Return the process's answer; one that dies of a picture is tried once more, since somebody may have killed it."""
        answer = self._answer(request, seconds) or self._answer(request, seconds)
        if answer is None:
            raise BadImage(f"cannot be decoded: {self._death}, twice")
        if answer["event"] == "bad":
            raise BadImage(str(answer["message"]))
        return answer

    def _answer(self, request: Mapping[str, Any], seconds: float) -> Mapping[str, Any] | None:
        """Return one process's answer; None: it died.

        Raises:
            BadImage: it does not come to an end.
        """
        if not self._answers.empty():
            self.close()  # what it said unasked is no answer to this
        tree = self._tree or self._start()
        answer = None
        try:
            tree.stdin.write(json.dumps(request).encode() + b"\n")
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise BadImage(f"cannot be decoded: the decoder did not come to an end within {seconds:.0f} s") from None
        except OSError:
            pass
        if answer is None:
            self._death = self._how_it_died(tree)
            self.close()
        return answer

    def _how_it_died(self, tree: ProcessTree) -> str:
        toll = self._group.toll()
        if toll is None or not toll.killed:
            return "the decoder crashed on it"
        return memory_words(toll.peak or tree.peak_memory, _MEMORY, "the decoder")

    def _start(self) -> ProcessTree:
        self._tree = tree = ProcessTree(self._launch())
        answers = self._answers = queue.Queue(_MOST_ANSWERS)
        self._threads = [
            threading.Thread(target=_read_answers, args=(tree, answers), daemon=True, name="inspector"),
            threading.Thread(target=_drain, args=(tree,), daemon=True, name="inspector-log"),
        ]
        for thread in self._threads:
            thread.start()
        return tree

    def _launch(self) -> Launch:
        for name in _OWN_FOLDERS:
            remove_tree(self._folder / name)
            (self._folder / name).mkdir(parents=True)
        write_etc(self._folder / "etc")
        script = Path(__file__).with_name("inspect_images.py")
        seen = f"{OWN_FOLDER}/{script.name}" if self._isolation.shows_own_paths else str(script)
        packages = list(dict.fromkeys(_package_folder(name) for name in ("numpy", "OpenImageIO")))
        software = {root: root for root in (*interpreter_roots(sys.executable), *packages)}
        limits = ResourceLimits(memory=_MEMORY)
        self._group = self._groups.make(limits)
        world = World(
            folder=self._folder,
            stage=self._folder,
            inputs={},
            outputs={f"{OWN_FOLDER}/previews": str(self._previews)},
            software={**software, seen: str(script), _PICTURES: str(self._pictures)},
            seen_root="/",
            limits=limits,
            group=self._group,
        )
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": ":".join(packages)}
        return self._isolation.launch(world, (sys.executable, "-s", "-P", seen), environment)


def _read_preview(file: Path) -> bytes:
    """Return what the decoder wrote: it may have been taken over, and have put a link, a pipe or a flood there.

    Raises:
        BadImage: it is no plain file of a reasonable size.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise BadImage(f"has no preview ({exc.strerror})") from exc
    data = b""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with open(descriptor, "rb", closefd=False) as stream:
                data = stream.read(_PREVIEW_BYTES + 1)
    finally:
        os.close(descriptor)
    if not 0 < len(data) <= _PREVIEW_BYTES:
        raise BadImage("has no preview: the decoder did not write a picture of a reasonable size")
    return data


def _read_answers(tree: ProcessTree, answers: Answers) -> None:
    """Pass answers on; None stands for the process's end, and for nonsense, which only one that was taken over says.

    One that floods is heard no more: it waits at its full pipe until it is ended.
    """
    with contextlib.suppress(queue.Full):
        for answer in _answers_of(tree):
            answers.put_nowait(answer)
        answers.put_nowait(None)


def _answers_of(tree: ProcessTree) -> Iterator[Mapping[str, Any] | None]:
    """Yield a process's answers, None for what is none, until it ends or a line has no end."""
    rest = b""
    while len(rest) < _ANSWER_BYTES and (data := tree.stdout.read(1 << 16)):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                answer = None
            yield answer if isinstance(answer, dict) and "event" in answer else None


def _drain(tree: ProcessTree) -> None:
    """Read what decoders print, which nobody needs, so that they never wait for it."""
    while tree.stderr.read(1 << 16):
        continue


def _package_folder(name: str) -> str:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RunnerError(f"The Python package {name} is not installed beside the runner.", "Install the service's requirements.")
    return str(Path(spec.origin).parents[1])
