"""Speak to this user's agent, and start it where it does not run: what the panel and the CLI use.

Standard library only. What the panel asks (`conductor_plugins.agent`) is asked here; of these calls `offer`, `estimate`,
`move`, `preview` and `follow` with a job's number wait for the service, and `own_reading` for as long as it takes.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

from conductor_core import __version__
from conductor_core.agent_answers import Check, Estimate, Offer, OwnReading, Preset, SceneJob
from conductor_core.agent_start import LOG_FILE, START_LOG_FILE, start_agent
from conductor_core.documents import from_json, to_json
from conductor_core.errors import AgentError, AgentGone, NotTransferred
from conductor_core.report import ScanReport
from conductor_core.submission import Exclusion, Submission
from conductor_core.user_folders import UserFolders, user_folders

CHANNEL_FILE = "agent.json"
#: names folders with a studio's presets, between `os.pathsep`; the host's own counts before the agent's
PRESETS_VARIABLE = "CONDUCTOR_PRESETS"
#: seconds
ANSWER_TIMEOUT = 20.0
START_TIMEOUT = 20.0
#: seconds; the agent gives up on a service before that, and says so
SERVICE_TIMEOUT = 60.0
#: seconds; a snapshot of many gigabytes has to be on the disk before its submission is
SUBMIT_TIMEOUT = 300.0
#: seconds; the agent ends a reading of a scene itself (`READING_LIMIT` in conductor_core.agent.readings) before that
READING_TIMEOUT = 660.0
#: bytes; an agent that does not start on a disk with less than this cannot write what it must
ROOM = 1 << 20
#: between two starts: one that comes while the former agent still ends finds its lock taken, and ends at once
START_AGAIN = 2.0


@dataclass(frozen=True, slots=True)
class SceneReading:
    """How the agent reads the scene of a submission, to find the files that no scout frame needs."""

    project_root: str = ""
    #: of the host's process; none: the agent's own
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: folders with more readers than the settings name
    readers: tuple[str, ...] = ()
    #: files and folders that somebody named: of these only they know which frames need them
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentClient:
    """The agent's local channel; each call is a connection of its own, so it may be used from any thread."""

    port: int
    token: str = field(repr=False)
    timeout: float = ANSWER_TIMEOUT
    #: name of the one panel that asks: what it asks for anew takes the place of what it asked for before
    panel: str = ""

    def status(self) -> dict[str, Any]:
        """Return version, process id, service and what is being transferred."""
        return self._call("GET", "/v1/status")

    def submit(
        self,
        submission: Submission,
        files: Sequence[str],
        *,
        download: bool = True,
        service: str = "",
        snapshots: Mapping[str, str] | None = None,
        later: Sequence[str] = (),
        reading: SceneReading | None = None,
    ) -> str:
        """Hand over a submission and return its id: it is on disk then, and everything else happens by itself.

        `snapshots` says for paths of the job which files hold their content, each at a place that `snapshot_file` gave;
        `later` names those of `files` that no scout frame needs; with `reading` the agent finds them by itself.
        """
        request = {"submission": to_json(submission), "files": list(files), "download": download, "service": service}
        if snapshots:
            request["snapshots"] = dict(snapshots)
        if later:
            request["later"] = list(later)
        if reading is not None and any(step.scouts.strip() for step in submission.steps):
            request["reading"] = to_json(reading)
        return str(self._call("POST", "/v1/submissions", request, timeout=SUBMIT_TIMEOUT)["id"])

    def snapshot_file(self, submission: str, scene: str) -> str:
        """Return where the snapshot of a scene is to be written for a submission, in a folder that is this user's alone."""
        return str(self._call("POST", "/v1/snapshots", {"submission": submission, "scene": scene})["file"])

    def submission(self, identity: str) -> dict[str, Any]:
        """Return how far a submission is."""
        return self._call("GET", f"/v1/submissions/{identity}")

    def submissions(self) -> list[dict[str, Any]]:
        """Return all submissions that the agent remembers, newest first."""
        return cast("list[dict[str, Any]]", self._call("GET", "/v1/submissions")["submissions"])

    def cancel(self, identity: str) -> dict[str, Any]:
        """Stop a submission's upload and have its job killed."""
        return self._call("POST", f"/v1/submissions/{identity}/cancel", {})

    def follow(
        self, job: str | int, *, service: str = "", to: str | None = None, name: str | None = None, share: str = ""
    ) -> str:
        """Have a job's outputs brought home, now and as they come, and return the job's id.

        `to` is a folder of this machine in place of those that the artist chose, `name` a pattern of names there; None: as
        asked for before.
        """
        request = {"job": str(job), "service": service, "to": to, "name": name, "share": share}
        return str(self._call("POST", "/v1/downloads", request, timeout=SERVICE_TIMEOUT)["job"])

    def follow_project(self, project: str, *, service: str = "", watch: bool = False, **places: Any) -> str:
        """Have all that a project (empty: all of the account) published brought home; return the key of this wish.

        `places`: `to`, `name` and `share` as for a job, `under`: only what was published in these folders. With `watch` it goes
        on for ever.
        """
        request = {"project": project, "service": service, "watch": watch, **places}
        return str(self._call("POST", "/v1/downloads", request, timeout=SERVICE_TIMEOUT)["job"])

    def unfollow(self, job: str) -> None:
        """Bring no more home of a job or project, by its id or key; what is home stays.

        Raises:
            AgentError: it is not followed.
        """
        self._call("POST", "/v1/downloads/stop", {"job": job})

    def downloads(self, job: str = "") -> list[dict[str, Any]]:
        """Return the jobs whose outputs are brought home, oldest first; or only the one with this id."""
        return cast("list[dict[str, Any]]", self._call("GET", f"/v1/downloads{f'?job={job}' if job else ''}")["downloads"])

    def transfers(self) -> dict[str, Any]:
        """Return what is paused, and which limits hold now."""
        return self._call("GET", "/v1/transfers")

    def pause(self, job: str = "") -> dict[str, Any]:
        """Have all transfers wait, or those of one job (its number or id), until `resume`; and return what is paused then.

        Raises:
            NotTransferred: nothing of that job is sent or fetched here.
        """
        return self._steer("pause", job)

    def resume(self, job: str = "") -> dict[str, Any]:
        """Let transfers go on: all that were paused together, or those of one job; and return what is paused then.

        Raises:
            NotTransferred: nothing of that job is sent or fetched here.
        """
        return self._steer("resume", job)

    def offer(self) -> Offer:
        """Return what can be asked of the farm, and as whom; of the last login."""
        return from_json(Offer, self._call("GET", "/v1/offer", timeout=SERVICE_TIMEOUT))

    def own_reading(self, scene: str, frames: Sequence[int], *, project_root: str, variables: Mapping[str, str]) -> OwnReading:
        """Return what our own reading of the scene's file says, for these frames (none: the scene's own range)."""
        request = {
            "scene": scene,
            "frames": list(frames),
            "project_root": project_root,
            "variables": dict(variables),
            "panel": self.panel,
        }
        return _reading(self._ask("POST", "/v1/readings", request, timeout=READING_TIMEOUT))

    def start_check(self, files: Sequence[str], *, project: str, excluded: Sequence[Exclusion] = ()) -> str:
        """Begin to compare files with what the project's store has; it is dropped when nobody asks for it."""
        request = {"files": list(files), "project": project, "panel": self.panel, "excluded": to_json(tuple(excluded))}
        return str(self._call("POST", "/v1/checks", request)["id"])

    def check(self, identity: str, *, after: int = 0) -> Check:
        """Return how far a check is, and the files that are known since `after`: `next` of the answer before."""
        return from_json(Check, self._call("GET", f"/v1/checks/{identity}?after={after}"))

    def estimate(self, submission: Submission) -> Estimate:
        """Return what a submission would cost."""
        return from_json(
            Estimate, self._call("POST", "/v1/estimates", {"submission": to_json(submission)}, timeout=SERVICE_TIMEOUT)
        )

    def scene_jobs(self, scene: str, *, limit: int = 20) -> list[SceneJob]:
        """Return the jobs of a scene that this agent submitted, newest first, as far as is known at once."""
        query = urlencode({"scene": scene, "limit": limit}, errors="surrogateescape")
        return [from_json(SceneJob, job) for job in self._call("GET", f"/v1/jobs?{query}")["jobs"]]

    def move(self, submission: str, verb: str, *, reason: str = "") -> SceneJob:
        """Hold, resume, release, kill or retry the job of a submission; `kill` of one that uploads cancels it."""
        path = f"/v1/submissions/{submission}/{verb}"
        return from_json(SceneJob, self._call("POST", path, {"reason": reason}, timeout=SERVICE_TIMEOUT))

    def preview(self, submission: str) -> bytes:
        """Return the newest preview of a job's frames as PNG; empty where there is none yet."""
        return self._ask("GET", f"/v1/submissions/{submission}/preview", timeout=SERVICE_TIMEOUT)

    def presets(self, *, project: str) -> list[Preset]:
        """Return all presets: the studio's, the project's, this user's; one that cannot be read says why in `problem`."""
        query = urlencode({"project": project, "folders": os.environ.get(PRESETS_VARIABLE, "")}, errors="surrogateescape")
        return [from_json(Preset, preset) for preset in self._call("GET", f"/v1/presets?{query}")["presets"]]

    def save_preset(self, name: str, values: Mapping[str, Any], *, scope: str, project: str) -> Preset:
        """Keep settings under a name, in place of what was kept under it."""
        request = {"name": name, "values": to_json(values), "scope": scope, "project": project}
        return from_json(Preset, self._call("POST", "/v1/presets", {**request, "folders": os.environ.get(PRESETS_VARIABLE, "")}))

    def remove_preset(self, name: str, *, scope: str, project: str) -> None:
        """Remove a preset."""
        request = {"name": name, "scope": scope, "project": project, "folders": os.environ.get(PRESETS_VARIABLE, "")}
        self._call("POST", "/v1/presets/remove", request)

    def _steer(self, verb: str, job: str) -> dict[str, Any]:
        answer = self._call("POST", f"/v1/transfers/{verb}", {"job": job})
        if "unknown" in answer:
            raise NotTransferred(job)
        return answer

    def quit(self, *, now: bool = False) -> None:
        """End the agent: when it is idle, or at once; what is unfinished goes on after its next start."""
        self._call("POST", "/v1/quit", {"now": now})

    def _call(
        self, method: str, path: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        body = self._ask(method, path, data, timeout=timeout)
        try:
            answer = json.loads(body)
        except ValueError as exc:
            raise _no_answer(exc) from exc
        if not isinstance(answer, dict):
            raise AgentError("The agent answered something else than an object.", "Restart it: conductor agent --stop")
        return answer

    def _ask(self, method: str, path: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=max(timeout or 0.0, self.timeout))
        body = None if data is None else json.dumps(data).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Connection": "close"}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise _no_answer(exc) from exc
        finally:
            connection.close()
        if response.status >= 300:
            raise _refusal(response.status, answer)
        return answer


def _no_answer(exc: Exception) -> AgentError:
    """Return the error for a call without an answer; a connection that nobody takes is not one that takes long."""
    kind = AgentError if isinstance(exc, (TimeoutError, ValueError)) else AgentGone
    return kind(f"The agent does not answer ({type(exc).__name__}).", "Start it: conductor agent --start")


def _refusal(status: int, answer: bytes) -> AgentError:
    """Return the error that the agent answered; who does not take our token, or our address, is another agent or none."""
    try:
        error = json.loads(answer)["error"]
        what, next_step = str(error.get("message") or "The agent refused."), str(error.get("next") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        what, next_step = "The agent refused, and did not say why.", "Restart it: conductor agent --stop"
    return (AgentGone if status in (401, 403) else AgentError)(what, next_step)


def _reading(lines: bytes) -> OwnReading:
    """Put a reading together from its lines.

    A report may have megabytes, and parsing them at once would hold the interpreter, and so the host, for too long.
    """
    head: dict[str, Any] = {}
    for line in lines.splitlines():
        part = json.loads(line)
        for name, value in part.items():
            if isinstance(value, list):
                head.setdefault(name, []).extend(value)
            else:
                head[name] = value
    problem = str(head.pop("problem", ""))
    return OwnReading(from_json(ScanReport, head) if "scene" in head else None, problem)


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
