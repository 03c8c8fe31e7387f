"""What services last said of jobs, asked again when it is old; nobody waits for an answer longer than a moment.

What the downloads hear of the jobs that they follow is taken up too, so that mostly nothing needs to be asked. An answer may be
late: of two, that to the later question counts, and what a service says as it moves a job counts more than all that was asked before.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from conductor_core.api.answers import Job
from conductor_core.api.client import ServiceClient
from conductor_core.errors import ConductorError

#: seconds after which a job is asked about again, and one that has ended: it may be retried from elsewhere
OLD, OLD_ENDED = 2.0, 20.0
#: seconds that a question about jobs waits for those of which nothing is known
MOMENT = 0.7
#: jobs that are remembered
REMEMBERED = 500

_LOG = logging.getLogger("conductor.agent")

#: service and id of a job
JobKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was last heard of."""

    #: None: the service has not answered yet
    job: Job | None = None
    #: why the service did not answer the last time; "": it did
    problem: str = ""


class LiveJobs:
    """Remember jobs and ask for news of them; safe to share between threads."""

    def __init__(
        self,
        connect: Callable[[str], ServiceClient],
        *,
        clock: Callable[[], float] = time.monotonic,
        moment: float = MOMENT,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._moment = moment
        self._lock = threading.Lock()
        self._seen: dict[JobKey, Seen] = {}
        #: when each was heard of, or asked about in vain
        self._heard: dict[JobKey, float] = {}
        #: numbers of questions, and of each job that whose answer is known
        self._questions = itertools.count(1)
        self._answered: dict[JobKey, int] = {}
        self._asking: dict[JobKey, Future[None]] = {}
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="job state")

    def look(self, keys: Sequence[JobKey]) -> dict[JobKey, Seen]:
        """Return what is known of jobs, after a moment at most; what is old is asked for meanwhile."""
        with self._lock:
            for key in filter(self._is_old, keys):
                self._ask(key)
            unknown = [self._asking[key] for key in keys if key in self._asking and key not in self._seen]
        if unknown:
            wait(unknown, timeout=self._moment)
        with self._lock:
            return {key: self._seen.get(key, Seen()) for key in keys}

    def hear(self, service: str, job: Job) -> None:
        """Take up what a service said as it moved a job: whoever asked before may have asked before the move."""
        self._take(service, job, next(self._questions))

    def asking(self, service: str) -> Callable[[Job], None]:
        """Return what takes up the answer to a question about a job that is asked now."""
        question = next(self._questions)
        return lambda job: self._take(service, job, question)

    def _take(self, service: str, job: Job, question: int) -> None:
        key = (service, job.id)
        with self._lock:
            if question < self._answered.get(key, 0):
                return
            self._answered[key] = question
            self._seen.pop(key, None)
            self._seen[key] = Seen(job)
            self._heard[key] = self._clock()
            while len(self._seen) > REMEMBERED:
                oldest = next(iter(self._seen))
                del self._seen[oldest]
                self._heard.pop(oldest, None)
                self._answered.pop(oldest, None)

    def stop(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _is_old(self, key: JobKey) -> bool:
        job = self._seen.get(key, Seen()).job
        age = self._clock() - self._heard.get(key, float("-inf"))
        return key not in self._asking and age > (OLD_ENDED if job is not None and job.ended() else OLD)

    def _ask(self, key: JobKey) -> None:
        self._asking[key] = self._pool.submit(self._asked, key)

    def _asked(self, key: JobKey) -> None:
        service, identity = key
        take = self.asking(service)
        try:
            take(self._connect(service).job(identity))
        except ConductorError as exc:
            self._note(key, str(exc))
        except Exception:  # noqa: BLE001 - worker loop: a panel must not wait for an answer that never comes
            _LOG.exception("job %s", identity)
            self._note(key, "What the service says of this job makes no sense; the agent's log (agent.log) says more.")
        finally:
            with self._lock:
                self._asking.pop(key, None)

    def _note(self, key: JobKey, problem: str) -> None:
        """Keep why there is no news of a job, beside what was known of it."""
        with self._lock:
            self._seen[key] = Seen(self._seen.get(key, Seen()).job, problem)
            self._heard[key] = self._clock()
