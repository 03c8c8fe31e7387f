"""Verify, store and publish what was rendered, in a thread of its own, while the next frame renders.

At most `QUEUE_LENGTH` frames wait: a store slower than the renderer holds the renderer back instead of filling the disk.
Previews come last of all, when nothing else waits.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from conductor_core.errors import ConductorError, ServiceError, ServiceUnreachable

from conductor_service.runner.collect import Taken
from conductor_service.runner.courier import Courier
from conductor_service.runner.doubts import Doubts
from conductor_service.runner.errors import NotTaken, StaleAttempt, TaskFailed, passes, service_is_gone
from conductor_service.runner.exact_bytes import Changed, exact_digest
from conductor_service.runner.expectations import Expectations, is_image
from conductor_service.runner.holding import Holding
from conductor_service.runner.insisting import insist
from conductor_service.runner.inspector import BadImage, ImageFacts
from conductor_service.runner.service import AttemptEnd, OutputRecord, RunnerService, Verdict
from conductor_service.runner.vigil import TaskEnded
from conductor_service.trees import remove_tree

_log = logging.getLogger(__name__)

T = TypeVar("T")

QUEUE_LENGTH = 2
#: files that are published by one call, which is one transaction of the service's database
BATCH = 500
#: previews that wait; beyond this the oldest is given up, so that pictures do not fill the disk
_PREVIEWS_WAITING = 32
#: how soon one who waits for room in the queue hears that there will be none
_LOOK_SECONDS = 0.5


#: where the server says nothing of a picture
NOT_SAID = ImageFacts(0, 0, ())


class ImageInspector(Protocol):
    """Who looks at pictures."""

    def inspect(self, file: Path, *, width: int = 0, height: int = 0, layers: tuple[str, ...] = ()) -> ImageFacts:
        """Decode a picture and compare it; raises `BadImage`."""

    def preview(self, file: Path) -> bytes:
        """Return its PNG; raises `BadImage`."""

    def close(self) -> None:
        """End what it runs."""


@dataclass(frozen=True, slots=True)
class FrameReady:
    """Files to verify and publish; `frame` None: what a task wrote beside its frames."""

    holding: Holding
    frame: int | None
    files: tuple[Taken, ...]
    expectations: Expectations
    #: size and layers as the frame server says them; 0 and empty where it did not
    facts: ImageFacts = NOT_SAID
    #: frames of which nothing more will come once these files are published: no later attempt need render them
    completes: tuple[int, ...] = ()
    #: frames that lack nothing but these files: where one of them is bad, they count as done at the attempt's end
    alone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptOver:
    """All frames of an attempt were handed over; this is how it ended, as far as the worker knows."""

    holding: Holding
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Preview:
    holding: Holding
    output: str
    file: Path


class Publisher:
    """Take work from the worker and bring it to its end."""

    def __init__(
        self, service: RunnerService, courier: Courier, inspector: ImageInspector, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._service = service
        self._courier = courier
        self._inspector = inspector
        self._sleep = sleep
        self._doubts = Doubts()
        self._queue: queue.Queue[FrameReady | AttemptOver | None] = queue.Queue(QUEUE_LENGTH)
        self._previews: collections.deque[_Preview] = collections.deque()
        self._thread = threading.Thread(target=self._run, daemon=True, name="publisher")
        #: why the publisher cannot go on: the service is gone
        self.broken: ConductorError | None = None
        #: by the monotonic clock: nothing is waited for beyond it, since the instance is being ended
        self.deadline: float | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def hand_over(self, item: FrameReady | AttemptOver) -> None:
        """Queue an item, waiting while the queue is full.

        Raises:
            TaskEnded: somebody ordered the task's end while a frame of it waited.
            ConductorError: the publisher cannot go on.
        """
        while True:
            if self.broken is not None:
                raise self.broken
            if not self._thread.is_alive():
                raise ServiceUnreachable("The publisher has ended.", "See the runner's own log for why.")
            try:
                return self._queue.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                order = item.holding.ordered
                if isinstance(item, FrameReady) and order is not None and order.why != "stop":
                    raise TaskEnded(order) from None
                if self.deadline is not None and time.monotonic() > self.deadline:
                    raise ServiceUnreachable("The instance ended before all that was rendered could be published.") from None

    def finish(self, seconds: float) -> bool:
        """Publish all that is queued and end; return whether it was done in time."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return False
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._serve(item)
            while self._previews:
                self._preview_one()
        finally:
            self._inspector.close()

    def _next(self) -> FrameReady | AttemptOver | None:
        """Return the next item; make previews while there is none."""
        while self._previews:
            try:
                return self._queue.get_nowait()
            except queue.Empty:
                self._preview_one()
        return self._queue.get()

    def _serve(self, item: FrameReady | AttemptOver) -> None:
        holding = item.holding
        try:
            if self.broken is None and not holding.stale:
                if isinstance(item, FrameReady):
                    self._publish_whole(item)
                else:
                    self._end(item)
        except StaleAttempt:
            holding.stale = True
            _log.warning("attempt %s: no longer ours, nothing more of it is published", holding.ref.id)
        except TaskFailed as exc:
            holding.failure = holding.failure or exc
        except ServiceError as exc:
            if service_is_gone(exc):
                _log.error("the service cannot be reached: %s", exc)
                self.broken = exc
            else:
                holding.failure = holding.failure or TaskFailed("internal", f"The service refused an output: {exc}")
        except Exception as exc:  # noqa: BLE001 - worker loop: one attempt's trouble must not end the instance
            _log.exception("attempt %s: publishing failed", holding.ref.id)
            holding.failure = holding.failure or TaskFailed("internal", f"Publishing failed on the instance: {exc!r}")
        if isinstance(item, AttemptOver):
            self._courier.drop(holding)
            with contextlib.suppress(OSError):
                holding.log.discard()
            holding.ended = True
            if not any(p.holding is holding for p in self._previews):
                remove_tree(holding.folder)

    def _publish_whole(self, item: FrameReady) -> None:
        """Publish all files of an item; where one fails, its frames count as not rendered."""
        frames = item.holding.assignment.task.frames if item.frame is None else (item.frame,)
        try:
            for batch in _batches(item):
                self._publish(batch)
        except BaseException as exc:
            if isinstance(exc, TaskFailed) and not isinstance(exc, NotTaken):
                item.holding.frames_done += tuple(frame for frame in item.alone if frame not in item.holding.spoilt)
            item.holding.spoilt |= frozenset(frames)
            raise

    def _publish(self, item: FrameReady) -> None:
        records, pictures = [], []
        for taken in item.files:
            record, picture = self._verified(taken, item)
            self._store(record, taken.file, item.holding)
            records.append(record)
            if picture:
                pictures.append((record.path, taken.file))
        completes = tuple(frame for frame in item.completes if frame not in item.holding.spoilt)
        if records:

            def publish() -> Mapping[str, str]:
                return self._service.publish(item.holding.ref, tuple(records), completes)

            ids = self._insist(item.holding, records[0].path, publish)
            self._previews += [_Preview(item.holding, ids[path], file) for path, file in pictures if path in ids]
            while len(self._previews) > _PREVIEWS_WAITING:
                _log.warning("preview of %s is left out: too many wait", self._previews.popleft().output)
        item.holding.frames_done += completes

    def _store(self, record: OutputRecord, file: Path, holding: Holding) -> None:
        def store() -> None:
            self._service.store_object(holding.ref, record.digest, file, record.size)

        try:
            self._insist(holding, record.path, store)
        except Changed as exc:
            raise _still_written(record.path) from exc

    def _insist(self, holding: Holding, path: str, call: Callable[[], T]) -> T:
        return insist(holding, path, call, ending=lambda: self.deadline is not None)

    def _verified(self, taken: Taken, item: FrameReady) -> tuple[OutputRecord, bool]:
        """Return the record of a file that is what it should be, and whether it is a picture.

        Raises:
            TaskFailed: (bad-output) it is not.
        """
        expected = item.expectations.of(taken.client)
        item.holding.require_place(taken.client)
        before = _state(taken.file)
        facts, picture = NOT_SAID, is_image(taken.client, expected)
        if not taken.size:
            raise TaskFailed("bad-output", f"{taken.client} is empty.")
        if picture:
            known = expected.output is not None
            width = expected.width or (item.facts.width if known else 0)
            height = expected.height or (item.facts.height if known else 0)
            try:
                facts = self._inspector.inspect(taken.file, width=width, height=height, layers=expected.layers)
            except BadImage as exc:
                raise TaskFailed("bad-output", f"{taken.client} {exc}.") from exc
            self._doubts.weigh(taken.client, expected, facts, item.holding)
        try:
            digest = exact_digest(taken.file, taken.size, item.holding.require_ours)
        except Changed as exc:
            raise _still_written(taken.client.text) from exc
        if _state(taken.file) != before:
            raise _still_written(taken.client.text)
        frames = item.holding.assignment.task.frames
        frame = expected.frame if expected.frame in frames else item.frame
        record = OutputRecord(
            path=taken.client.text,
            digest=digest,
            size=taken.size,
            mode=taken.mode,
            mtime_ns=taken.mtime_ns,
            step=item.holding.assignment.step.name,
            frame=frame,
            width=facts.width,
            height=facts.height,
            layers=facts.layers,
        )
        return record, picture

    def _end(self, item: AttemptOver) -> None:
        holding, verdict = item.holding, replace(item.verdict, frames_done=item.holding.frames_done)
        failure = holding.failure
        if failure is not None and verdict.state == "success":
            # what is given back as killed is rendered again, and counts as no failure of the scene
            state: AttemptEnd = "killed" if isinstance(failure, NotTaken) else "failed"
            verdict = replace(verdict, state=state, cause=failure.cause, message=str(failure))
        elif holding.warnings:
            verdict = replace(verdict, message="\n".join((verdict.message, *(f"warning: {w}." for w in holding.warnings))))
        self._close_log(holding, verdict)
        self._tell_end(holding, verdict)

    def _tell_end(self, holding: Holding, verdict: Verdict) -> None:
        """Tell how an attempt ended, however long it takes until the service can write it down."""
        while True:
            try:
                return self._service.finish(holding.ref, verdict)
            except ServiceError as exc:
                if service_is_gone(exc):
                    raise
                if self.deadline is None and passes(exc):
                    _log.warning("attempt %s: its end waits: %s", holding.ref.id, exc)
                    continue
                # Without an end the service would hand the attempt out again, to the same end.
                message = f"The service refused the attempt's end: {exc}"
                return self._service.finish(holding.ref, Verdict("failed", "internal", message=message))

    def _close_log(self, holding: Holding, verdict: Verdict) -> None:
        """Close and ship the log; whatever this disk makes of it, the attempt's end is told."""
        try:
            if verdict.message and verdict.state != "success":
                holding.log.say(f"{verdict.state}: {verdict.message.splitlines()[0]}")
            holding.log.close()
            self._courier.flush_log(holding, self._sleep)
        except OSError as exc:
            _log.warning("attempt %s: the log is lost: %s", holding.ref.id, exc)

    def _preview_one(self) -> None:
        """Make and send one preview; what goes wrong with it is only logged."""
        job = self._previews.popleft()
        try:
            self._service.store_preview(job.holding.ref, job.output, self._inspector.preview(job.file))
        except Exception as exc:  # noqa: BLE001 - worker loop: a picture to look at is not worth an attempt
            _log.warning("no preview of output %s: %r", job.output, exc)
        job.file.unlink(missing_ok=True)
        if not any(p.holding is job.holding for p in self._previews) and job.holding.ended:
            remove_tree(job.holding.folder)


def _state(file: Path) -> tuple[int, int, int]:
    """Return what changes when one who has a file open writes to it."""
    facts = file.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _still_written(path: str) -> TaskFailed:
    return TaskFailed("bad-output", f"{path} was still written to after its frame was said to be done.")


def _batches(item: FrameReady) -> Iterator[FrameReady]:
    """Yield an item in parts that one call may publish; what its files complete is complete with the last."""
    for start in range(0, max(len(item.files), 1), BATCH):
        last = start + BATCH >= len(item.files)
        yield replace(item, files=item.files[start : start + BATCH], completes=item.completes if last else ())
