"""Speak to this user's agent, and start it where it does not run: what the panel and the CLI use.

Standard library only. No call here waits for the network beyond this machine, except `follow` with a job's number.
"""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from conductor_core import __version__
from conductor_core.agent_start import LOG_FILE, START_LOG_FILE, start_agent
from conductor_core.documents import to_json
from conductor_core.errors import AgentError
from conductor_core.submission import Submission
from conductor_core.user_folders import UserFolders, user_folders

CHANNEL_FILE = "agent.json"
#: seconds
ANSWER_TIMEOUT = 20.0
START_TIMEOUT = 20.0
#: bytes; an agent that does not start on a disk with less than this cannot write what it must
ROOM = 1 << 20
#: between two starts: one that comes while the former agent still ends finds its lock taken, and ends at once
START_AGAIN = 2.0


@dataclass(frozen=True, slots=True)
class AgentClient:
    """The agent's local channel; each call is a connection of its own, so it may be used from any thread."""

    port: int
    token: str = field(repr=False)
    timeout: float = ANSWER_TIMEOUT

    def status(self) -> dict[str, Any]:
        """Return version, process id, service and what is being transferred."""
        return self._call("GET", "/v1/status")

    def submit(self, submission: Submission, files: Sequence[str], *, download: bool = True, service: str = "") -> str:
        """Hand over a submission and return its id: it is on disk then, and everything else happens by itself."""
        request = {"submission": to_json(submission), "files": list(files), "download": download, "service": service}
        return str(self._call("POST", "/v1/submissions", request)["id"])

    def submission(self, identity: str) -> dict[str, Any]:
        """Return how far a submission is."""
        return self._call("GET", f"/v1/submissions/{identity}")

    def submissions(self) -> list[dict[str, Any]]:
        """Return all submissions that the agent remembers, newest first."""
        return cast("list[dict[str, Any]]", self._call("GET", "/v1/submissions")["submissions"])

    def cancel(self, identity: str) -> dict[str, Any]:
        """Stop a submission's upload and have its job killed."""
        return self._call("POST", f"/v1/submissions/{identity}/cancel", {})

    def follow(self, job: str | int, *, service: str = "") -> None:
        """Have a job's outputs brought home, now and as they come."""
        self._call("POST", "/v1/downloads", {"job": str(job), "service": service})

    def downloads(self, job: str = "") -> list[dict[str, Any]]:
        """Return the jobs whose outputs are brought home, oldest first; or only the one with this id."""
        return cast("list[dict[str, Any]]", self._call("GET", f"/v1/downloads{f'?job={job}' if job else ''}")["downloads"])

    def quit(self, *, now: bool = False) -> None:
        """End the agent: when it is idle, or at once; what is unfinished goes on after its next start."""
        self._call("POST", "/v1/quit", {"now": now})

    def _call(self, method: str, path: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        body = None if data is None else json.dumps(data).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Connection": "close"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise AgentError(f"The agent does not answer ({type(exc).__name__}).", "Start it: conductor agent --start") from exc
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise AgentError("The agent answered something else than an object.", "Restart it: conductor agent --stop")
        if response.status >= 300:
            error = answer.get("error") or {}
            raise AgentError(str(error.get("message", "The agent refused.")), str(error.get("next", "")))
        return answer


def connect(
    *,
    start: bool = True,
    folders: UserFolders | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> AgentClient:
    """Return a client for this user's agent, started if need be; one of another version is replaced.

    Raises:
        AgentError: it does not run and was not to be started, or it does not come up.
    """
    folders = folders or user_folders()
    running = _running(folders)
    if running is not None and (not start or running[1] == __version__):
        return running[0]
    if not start:
        raise AgentError("The agent does not run.", "Start it: conductor agent --start")
    if running is not None:
        # an update was installed: nothing is lost, since the journal has it all
        running[0].quit(now=True)
    now = start_at = clock()
    deadline = now + START_TIMEOUT
    while now < deadline:
        if running is None and now >= start_at:
            start_agent(folders)
            start_at = now + START_AGAIN
        sleep(0.05)
        running = _running(folders)
        if running is not None and running[1] == __version__:
            return running[0]
        now = clock()
    raise _did_not_start(folders)


def _did_not_start(folders: UserFolders) -> AgentError:
    """Return why, as far as can be known: what it said last, unless its disk had no room even for that."""
    log = folders.state / START_LOG_FILE
    if shutil.disk_usage(folders.state).free < ROOM:
        return AgentError(f"The agent did not start: the disk of {folders.state} is full.", "Make room there, then try again.")
    try:
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    said = f" It said: {lines[-1]}" if lines else ""
    return AgentError(f"The agent did not start.{said}", f"See why: {log}, {folders.state / LOG_FILE}")


def read_channel(folders: UserFolders) -> dict[str, Any] | None:
    """Return what the agent wrote about its channel, None where there is nothing to be read."""
    try:
        data = json.loads((folders.state / CHANNEL_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _running(folders: UserFolders) -> tuple[AgentClient, str] | None:
    """Return the agent that answers, with its version; a channel file left by a killed one does not count."""
    channel = read_channel(folders)
    if channel is None or not isinstance(channel.get("port"), int) or not isinstance(channel.get("token"), str):
        return None
    client = AgentClient(channel["port"], channel["token"])
    try:
        status = AgentClient(client.port, client.token, timeout=3.0).status()
    except AgentError:
        return None
    return (client, str(status.get("version"))) if status.get("pid") == channel.get("pid") else None
