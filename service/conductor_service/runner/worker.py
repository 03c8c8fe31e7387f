"""The runner's main loop: ask for a task, run it, hand what it wrote to the publisher, ask for the next."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import conductor_core
import psutil
from conductor_core.errors import ConductorError, ServiceError, ServiceUnreachable

from conductor_service.runner.assignment import Assignment
from conductor_service.runner.cache import ContentCache
from conductor_service.runner.causes import failure_without_licence, without_licence_server
from conductor_service.runner.conversation import Ordered
from conductor_service.runner.courier import Courier, Pace
from conductor_service.runner.errors import Retired, StaleAttempt, TaskFailed, service_is_gone
from conductor_service.runner.holding import Holding
from conductor_service.runner.inspector import Inspector
from conductor_service.runner.logbook import LogBook
from conductor_service.runner.machine import Machine
from conductor_service.runner.publisher import AttemptOver, Publisher
from conductor_service.runner.service import Beat, HostFacts, RunnerService, Verdict
from conductor_service.runner.session import Session
from conductor_service.runner.stages import Stages
from conductor_service.runner.vigil import TaskEnded
from conductor_service.runner.work_folder import WorkFolder
from conductor_service.trees import remove_tree

_log = logging.getLogger(__name__)

_WAIT_SECONDS = 20.0

#: how the runner ended
End = Literal["retired", "stopped", "service-gone"]


class Stopped(Exception):
    """Raised by the signal handler while the worker waits for a task."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a runner is told at its start."""

    cache_bytes: int = 50 << 30
    #: without any answer of the service for this long, the instance ends itself
    dead_after_seconds: float = 300.0
    #: a loaded scene without a task is closed after this: its threads may still take processor time; no less than a
    #: scheduler needs between two tasks of a job
    idle_session_seconds: float = 30.0
    #: what publishing may take after SIGTERM
    drain_seconds: float = 60.0


class Worker:
    """One instance's life, from hello to goodbye."""

    def __init__(self, service: RunnerService, work: WorkFolder, machine: Machine, settings: Settings) -> None:
        self._service = service
        self._work = work
        self._machine = machine
        self._settings = settings
        self._session: Session | None = None
        self._sessions = 0
        #: since when no task runs
        self._idle_since = machine.clock()
        self._running: Holding | None = None
        self._publisher: Publisher | None = None
        self._stopping = False
        self._waiting = False
        cache = ContentCache(work.cache, limit_bytes=settings.cache_bytes, clock_ns=time.time_ns)
        self._stages = Stages(service, work.stages, cache, share_with_cache=machine.isolation.shows_own_paths)

    def stop(self) -> None:
        """End soon: the running task is ended, what is rendered is published. Safe to call from a signal handler."""
        self._stopping = True
        if self._publisher is not None:
            self._publisher.deadline = time.monotonic() + self._settings.drain_seconds
        running = self._running
        if running is not None:
            running.order(Ordered("stop", "the instance is being ended", running.ref.id))
        if self._waiting:
            raise Stopped

    def run(self) -> End:
        """Work until the service retires the instance, somebody stops it, or the service is gone for too long."""
        memory = self._machine.resources.memory or psutil.virtual_memory().total
        facts = HostFacts(socket.gethostname(), os.cpu_count() or 1, memory, conductor_core.__version__)
        try:
            with self._interruptible():
                welcome = self._service.hello(facts)
        except Retired:
            return "retired"
        except Stopped:
            return "stopped"
        _log.info("instance %s is up; %s", welcome.instance, self._machine.promises)
        pace = Pace(welcome.heartbeat_seconds, self._settings.dead_after_seconds, self._machine.clock)
        courier = Courier(self._service, pace)
        inspector = Inspector(self._machine.isolation, self._work.sessions / "inspector", self._machine.groups)
        publisher = self._publisher = Publisher(self._service, courier, inspector)
        courier.start()
        publisher.start()
        try:
            end = self._work_on(courier, publisher)
        finally:
            self._close_session()
            until = publisher.deadline
            done = publisher.finish(max(until - time.monotonic(), 1.0) if until else self._settings.drain_seconds)
            courier.stop()
        if not done or publisher.broken is not None:
            _log.warning("not all that was rendered could be published")
        self._say_goodbye(end)
        return end

    def _work_on(self, courier: Courier, publisher: Publisher) -> End:
        while not self._stopping:
            try:
                assignment = self._next(courier)
                if assignment is None:
                    self._close_idle_session()
                else:
                    self._serve(assignment, courier, publisher)
                    self._idle_since = self._machine.clock()
            except (Retired, Stopped):
                return "stopped" if self._stopping else "retired"
            except ServiceError as exc:
                _log.error("the instance ends itself: %s", exc)
                return "service-gone" if service_is_gone(exc) and not self._stopping else "stopped"
        return "stopped"

    def _next(self, courier: Courier) -> Assignment | None:
        sessions = (self._session.key,) if self._session is not None else ()
        wait = min(_WAIT_SECONDS, self._settings.dead_after_seconds)
        if sessions:
            wait = min(max(self._idle_since + self._settings.idle_session_seconds - self._machine.clock(), 0.1), wait)
        with self._interruptible():
            return self._service.next(wait_seconds=wait, sessions=sessions, held=courier.held())

    def _close_idle_session(self) -> None:
        """Close a session that waited for long, or whose software is gone: what it wrote takes room until then."""
        if self._session is not None:
            idle = self._machine.clock() - self._idle_since
            if idle >= self._settings.idle_session_seconds or not self._session.usable:
                _log.info("the session is closed: %s", "no task for it" if self._session.usable else "its software has ended")
                self._close_session()

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let `stop` break off the wait for an answer, by raising `Stopped`."""
        try:
            self._waiting = True
            if self._stopping:
                raise Stopped
            yield
        finally:
            self._waiting = False

    def _serve(self, assignment: Assignment, courier: Courier, publisher: Publisher) -> None:
        """Run one attempt and hand its end to the publisher.

        Raises:
            ServiceError: the service is gone.
        """
        folder = self._work.attempts / assignment.job.id / assignment.attempt.id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log = LogBook(folder / "log", clock=self._machine.clock)
        except OSError as exc:
            return self._refuse(assignment, exc)
        holding = self._running = Holding(assignment, log, folder)
        courier.take(holding)
        _log.info("attempt %s: job %s, frames %s", holding.ref.id, assignment.job.number, assignment.task.frames)
        try:
            verdict = self._attempt(assignment, holding, publisher)
        except StaleAttempt:
            holding.stale = True
            verdict = Verdict("killed")
        finally:
            self._running = None
        publisher.hand_over(AttemptOver(holding, verdict))

    def _refuse(self, assignment: Assignment, exc: OSError) -> None:
        """End an attempt for which this instance has no room, not even for its log."""
        _log.error("attempt %s cannot begin: %s", assignment.attempt.id, exc)
        message = f"The instance cannot write in its work folder ({exc.strerror})."
        try:
            self._service.finish(assignment.attempt, Verdict("failed", _cause_of(exc), message=message))
        except (StaleAttempt, ServiceError) as refusal:
            if isinstance(refusal, ServiceError) and service_is_gone(refusal):
                raise
            _log.warning("attempt %s: %s", assignment.attempt.id, refusal)

    def _attempt(self, assignment: Assignment, holding: Holding, publisher: Publisher) -> Verdict:
        try:
            session = self._session_for(assignment, holding)
            session.run(assignment, holding, publisher.hand_over)
        except TaskFailed as exc:
            # who has rendered something had a licence, whatever was said before
            failure = exc if holding.beat.progress else failure_without_licence(exc, holding.log.licence)
            if failure.cause == "licence" and not any(p.network for p in (assignment.software, *assignment.plug_ins)):
                failure = without_licence_server(failure, assignment.software)
            return _verdict("failed", failure.cause, failure, holding)
        except TaskEnded as ended:
            return _verdict_of_order(ended, holding)
        except StaleAttempt:
            raise
        except Exception as exc:
            if isinstance(exc, ServiceError) and service_is_gone(exc):
                raise
            _log.exception("attempt %s failed on the instance's side", holding.ref.id)
            self._close_session()
            return _verdict("failed", _cause_of(exc), exc, holding)
        finally:
            if self._session is not None and not self._session.usable:
                self._close_session()
        return Verdict("success", message=session.promises, peak_memory=holding.beat.peak_memory)

    def _session_for(self, assignment: Assignment, holding: Holding) -> Session:
        """Return the session of an assignment; another one is closed first, so that two scenes never share the memory."""
        if self._session is not None and self._session.fits(assignment) and self._session.usable:
            return self._session
        self._close_session()
        holding.beat = Beat(status="Fetching files")
        stage = self._stages.stage_of(assignment, holding)
        self._sessions += 1
        folder = self._work.sessions / str(self._sessions)
        try:
            self._session = Session(assignment, stage, folder, self._machine)
        except BaseException:
            remove_tree(folder)
            raise
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            session.close()
            if session.spoilt_stage is not None:
                self._stages.forget(session.spoilt_stage)

    def _say_goodbye(self, end: End) -> None:
        if end != "service-gone":
            try:
                self._service.goodbye()
            except (ConductorError, Retired) as exc:
                _log.warning("goodbye was not heard: %s", exc)


def _cause_of(exc: Exception) -> str:
    full = isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)
    return "disk-full" if full else "internal"


def _verdict(state: Literal["failed", "killed"], cause: str, exc: Exception, holding: Holding) -> Verdict:
    exit_code = exc.exit_code if isinstance(exc, TaskFailed) else None
    return Verdict(state, cause, exit_code, str(exc) or repr(exc), holding.beat.peak_memory)


def _verdict_of_order(ended: TaskEnded, holding: Holding) -> Verdict:
    order = ended.order
    if order.why == "stop":
        return _verdict("failed", "preempted", ended, holding)
    if order.why == "service-gone":
        raise ServiceUnreachable(order.reason)
    return _verdict("killed", "user", ended, holding)
