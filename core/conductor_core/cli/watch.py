"""Wait for a submission and its job, showing how far they are; Ctrl-C stops the watching only."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from conductor_core.agent_client import AgentClient
from conductor_core.api.answers import Job
from conductor_core.api.client import ServiceClient
from conductor_core.cli.clock import clock_words
from conductor_core.cli.exit_codes import Ended, ExitCode, exit_code_of_name
from conductor_core.cli.progress import Display, Status
from conductor_core.errors import AgentError, ServiceUnreachable, Unauthorized

T = TypeVar("T")

#: seconds between two looks
LOOK_EVERY = 0.5


@dataclass(slots=True)
class Watch:
    """Watch through one service and one agent."""

    client: ServiceClient
    display: Display
    #: None where nothing is brought home
    agent: AgentClient | None
    currency: str = ""
    sleep: Callable[[float], None] = time.sleep
    #: starts the agent again where it was killed; without it that ends the wait
    again: Callable[[], AgentClient] | None = None
    clock: Callable[[], float] = time.time
    _submission: Mapping[str, Any] | None = field(default=None, init=False)

    def submission(self, identity: str) -> Mapping[str, Any]:
        """Wait until a submission is a job that renders, and return what the agent says of it.

        Raises:
            Ended: it failed, or waits for a new login.
        """
        assert self.agent is not None
        while True:
            now = self._submission = self._ask(lambda agent: agent.submission(identity))
            self.display.show(Status(now))
            if now["state"] == "submitted":
                return now
            error = now.get("error")
            if error and (now["state"] == "failed" or error["kind"] == Unauthorized.__name__):
                raise Ended(exit_code_of_name(str(error["kind"])), str(error["message"]), str(error["next"]))
            self.sleep(LOOK_EVERY)

    def job(self, job: str | int) -> tuple[Job, Mapping[str, Any] | None]:
        """Wait until a job has ended and, with an agent, until its files are home; return both.

        A service that is away is waited for, and that is shown: the job goes on without us.
        """
        since = self.clock()
        known: Status | None = None
        while True:
            try:
                now = self.client.job(job)
            except ServiceUnreachable as exc:
                status = known or Status(self._submission)
                words = f"waiting for the service since {clock_words(since)}: {exc.what} The job goes on without us."
                self.display.show(dataclasses.replace(status, waiting=words))
                self.sleep(LOOK_EVERY * 4)
                continue
            since = self.clock()
            download = self._download(now.id)
            known = Status(self._submission, now, download, self.currency)
            self.display.show(known)
            if now.ended() and (self.agent is None or _home(now, download)):
                return now, download
            self.sleep(LOOK_EVERY)

    def _download(self, job: str) -> Mapping[str, Any] | None:
        if self.agent is None:
            return None
        return next(iter(self._ask(lambda agent: agent.downloads(job))), None)

    def _ask(self, question: Callable[[AgentClient], T]) -> T:
        """Ask the agent, if need be the next one: one that was killed goes on where it was as soon as somebody starts it."""
        assert self.agent is not None
        answer, self.agent = ask_agent(self.agent, question, again=self.again)
        return answer


def ask_agent(
    agent: AgentClient, question: Callable[[AgentClient], T], *, again: Callable[[], AgentClient] | None
) -> tuple[T, AgentClient]:
    """Return the answer, and the agent that gave it: the next one, where the one before was killed and `again` starts another."""
    try:
        return question(agent), agent
    except AgentError:
        if again is None:
            raise
        agent = again()
        return question(agent), agent


def _home(job: Job, download: Mapping[str, Any] | None) -> bool:
    """Tell whether the agent has brought home what the job published up to this end of it, not to a former one."""
    return download is not None and bool(download["complete"]) and download["state"] == job.state


def check_ended(job: Job, download: Mapping[str, Any] | None) -> None:
    """Raise what a script must know: the job failed, or a file did not come home."""
    if job.state != "success":
        raise Ended(ExitCode.JOB_FAILED, f"Job {job.number} ended as {job.state}.", f"See why: conductor log {job.number}")
    if download and (download["failed"] or download["done"] < download["total"]):
        first = download["errors"][0] if download["errors"] else ""
        raise Ended(
            ExitCode.TRANSFER_FAILED,
            f"{download['total'] - download['done']} files of job {job.number} are not home. {first}".rstrip(),
            f"Then try again: conductor download {job.number}",
        )
