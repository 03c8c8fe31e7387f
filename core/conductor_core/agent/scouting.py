"""What no scout frame of a submission needs is found while its files are hashed: by reading the scene as it was submitted.

The host only says how its scene is to be read; a process of its own reads the snapshot as if it lay at the scene's place, for the
frames of the job and for those of the scout frames. Nothing waits for that: until it is known, files go in their usual order.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from conductor_core.agent.readings import Question, Readings
from conductor_core.agent_client import SceneReading
from conductor_core.errors import AgentError, ConductorError, FrameSpecError, PathError
from conductor_core.frames import FrameSet
from conductor_core.manifest import Manifest
from conductor_core.paths import ClientPath, Flavour
from conductor_core.submission import Submission, frames_with_scouts

_LOG = logging.getLogger("conductor.agent")
T = TypeVar("T")
#: paths that are kept on the disk of one submission: of more, all files go together after a restart
KEPT = 20_000


class ReadFile(NamedTuple):
    """A file that was read to tell what no scout frame needs."""

    #: as who points to it spells it, and where it really lies, "" for there: paths as a manifest spells them
    path: str
    real: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Look:
    """What is known of the files that no scout frame needs; it is for one thread to fill in and for others to read."""

    #: absolute paths, as a manifest spells them
    later: frozenset[str] = frozenset()
    #: what told so; of a snapshot nothing, which is what is rendered
    read: tuple[ReadFile, ...] = ()
    _known: threading.Event = field(default_factory=threading.Event)

    def known(self) -> bool:
        """Tell whether `later` is known; before that it is empty."""
        return self._known.is_set()

    def learn(self, later: frozenset[str], read: tuple[ReadFile, ...] = ()) -> None:
        """Take what was found."""
        self.later, self.read = later, read
        self._known.set()

    def first(self, files: Mapping[str, T]) -> Mapping[str, T]:
        """Return those of some files that are surely to be sent first: none before it is known which these are."""
        if not self.known():
            return {}
        return {path: file for path, file in files.items() if path not in self.later} if self.later else files

    def later_of(self, manifest: Manifest) -> frozenset[str]:
        """Return what no scout frame needs of a manifest; nothing where it lacks a file that was read, or has it in another state."""
        if not self.later or not self.read:
            return self.later
        windows = manifest.flavour is Flavour.WINDOWS

        def place(path: str) -> str:
            return path.casefold() if windows else path

        wanted = {place(path) for file in self.read for path in (file.path, file.real)}
        sent = {}
        for entry in manifest.entries:
            if entry.kind == "file" and (path := place(entry.path)) in wanted:
                sent[path] = (entry.size, entry.mtime_ns)
        for file in self.read:
            if sent.get(place(file.path), sent.get(place(file.real))) != (file.size, file.mtime_ns):
                _LOG.info("all files go together: %s was saved, or is not sent", file.path)
                return frozenset()
        return self.later


def look_known(later: object, read: object = ()) -> Look:
    """Return a look of which the outcome is known, as a request says it."""
    look = Look()
    rows = read if isinstance(read, (list, tuple)) else ()
    look.learn(frozenset(later) if isinstance(later, list) else frozenset(), tuple(ReadFile(*row) for row in rows))
    return look


#: takes a submission's id, what no scout frame of it needs, and the files that told so
Keep = Callable[[str, Sequence[str], Sequence[ReadFile]], None]


class Scouting:
    """Look at the scenes of submissions with scout frames; safe to share between threads."""

    def __init__(self, readings: Readings, *, keep: Keep = lambda *_: None) -> None:
        """`keep` is told what was found of a submission's snapshot, and by which files, so that it is known after a restart."""
        self._readings = readings
        self._keep = keep
        self._lock = threading.Lock()
        self._looks: dict[str, Look] = {}
        self._working: set[threading.Thread] = set()

    def prepare(self, submission: Submission, reading: SceneReading, snapshot: str = "") -> Callable[[], None]:
        """Return what begins to find what no scout frame of a submission needs; it does nothing where nobody could know.

        From now on `of` knows that it is still to be found. `reading` is not kept on the disk: it has the host's environment.
        """
        frames = _frames(submission)
        if frames is None:
            return lambda: None
        question = Question(
            submission.scene,
            frames=frames[0],
            project_root=reading.project_root,
            variables=reading.variables,
            panel=submission.id,
        )
        more = {"scouts": frames[1], "snapshot": snapshot, "readers": reading.readers}
        look = Look()
        with self._lock:
            self._looks[submission.id] = look
            arguments = (look, question, more, submission.flavour, reading.named)
            work = threading.Thread(target=self._look, args=arguments, name="scouting", daemon=True)
            self._working.add(work)
        return work.start

    def of(self, submission: str, known: Mapping[str, Any]) -> Look:
        """Return what is known of a submission's files: what is or was found, else what its request says."""
        with self._lock:
            look = self._looks.get(submission)
        return look if look is not None else look_known(known.get("later"), known.get("later_read"))

    def leave(self, submission: str) -> None:
        """Forget a submission; a reading that is under way is ended."""
        with self._lock:
            look = self._looks.pop(submission, None)
        if look is not None and not look.known():
            self._readings.give_up(submission)

    def stop(self) -> None:
        """End all readings."""
        self._readings.stop()
        with self._lock:
            working = [thread for thread in self._working if thread.is_alive()]
        for thread in working:
            thread.join()

    def _look(self, look: Look, question: Question, more: Mapping[str, Any], flavour: Flavour, named: tuple[str, ...]) -> None:
        later: frozenset[str] = frozenset()
        read: tuple[ReadFile, ...] = ()
        try:
            found, read = _told(self._readings.read(question, more), flavour)
            if not read and not more["snapshot"]:
                raise AgentError("The reading does not say in which state the scene was.")
            places = {place.key for place in _placed(named, flavour)}
            later = frozenset(file.text for file in _placed(found, flavour) if not file.is_within_any(places))
            if more["snapshot"] and len(later) + len(read) <= KEPT:
                self._keep(question.panel, sorted(later), read)
        except (ConductorError, OSError, ValueError) as exc:
            _LOG.info("the scout frames of submission %s wait for all files: %s", question.panel, exc)
        finally:
            look.learn(later, read)
            with self._lock:
                self._working.discard(threading.current_thread())


def _frames(submission: Submission) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the frames of a job, and those that are rendered with its scout frames.

    None where one file is as good as another: all or none are scout frames, there is no scene, or a script of the artist's may
    make of the scene, or read for a frame, what it likes.
    """
    if not submission.scene or submission.scripts.startup or submission.scripts.before_task:
        return None
    try:
        whole = {frame for step in submission.steps for frame in FrameSet.parse(step.frames)}
        early = {frame for step in submission.steps if step.scouts.strip() for frame in frames_with_scouts(step)}
    except FrameSpecError:
        return None  # the service says so when the job is made
    return (tuple(sorted(whole)), tuple(sorted(early))) if early and early != whole else None


def _told(answer: bytes, flavour: Flavour) -> tuple[list[str], tuple[ReadFile, ...]]:
    """Return the files that a reading names, and those that it was told by.

    Raises:
        AgentError: it could not tell.
        PathError: a file that it read is none that a manifest can have.
        ValueError: it is no answer.
    """
    found = json.loads(answer)
    if found.get("problem"):
        raise AgentError(str(found["problem"]))
    read = tuple(
        ReadFile(ClientPath.parse(path, flavour).text, real and ClientPath.parse(real, flavour).text, size, mtime)
        for path, real, size, mtime in found.get("read", [])
    )
    return [str(file) for file in found["later"]], read


def _placed(paths: Iterable[str], flavour: Flavour) -> Iterator[ClientPath]:
    """Yield paths as a manifest spells them; what no manifest can have is left out."""
    for path in paths:
        with contextlib.suppress(PathError):
            yield ClientPath.parse(path, flavour)
