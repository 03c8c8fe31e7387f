"""`RunnerService` over HTTP: keep-alive, one connection per thread, bounded retries with back-off.

Every call of the runner may be sent twice without harm (docs/api.md: publish and finish answer the same again, a log is
appended at an offset, an object is named by its content), so a broken answer is simply asked for again.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from conductor_core.api.transport import NOT_OURS
from conductor_core.api.trouble import tls_trouble, why_unreachable
from conductor_core.digest import Digest
from conductor_core.documents import to_json
from conductor_core.errors import Conflict, Forbidden, NotFound, Refused, ServiceError, ServiceUnreachable, Unauthorized

from conductor_service.runner.assignment import Assignment, AttemptRef, assignment_from_json
from conductor_service.runner.errors import Retired, StaleAttempt
from conductor_service.runner.exact_bytes import ExactBytes
from conductor_service.runner.service import Beat, HostFacts, Orders, OutputRecord, Verdict, Welcome

CHUNK_BYTES = 1 << 20
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 30.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
#: what the service answers when the same call may work later
_PASSING = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried again, and by which clock; parameters so that tests take no time."""

    #: seconds after its start at which a call gives up
    seconds: float = 120.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a call may be tried again, and the seconds that the service wants to be left alone for."""

    reason: ServiceUnreachable
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class _FileBody:
    """The first bytes of a file, to be sent anew with every try."""

    file: Path
    size: int


def require_safe_url(url: str, *, allow_plain: bool) -> str:
    """Return `url` without its last slash.

    Raises:
        ServiceError: the URL would send the token in clear text to another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServiceError(f"{url!r} is not the address of a service.", "Write it like https://render.studio:8443.")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1") and not allow_plain:
        raise ServiceError(f"{url} would send this instance's token in clear text.", "Use https, or --allow-plain-http.")
    return url.rstrip("/")


class HttpRunnerService:
    """The service, asked over HTTP with an instance token."""

    def __init__(self, url: str, token: str, *, patience: Patience | None = None, ca_file: str = "") -> None:
        self._url = url
        self._root = f"{url}/api/v1/runner"
        self._token = token
        self._patience = patience or Patience()
        self._ca_file = ca_file
        #: no single call waits for longer than we are told to wait for the service at all
        self._longest = max(1.0, min(_READ_SECONDS, self._patience.seconds))
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._answered = self._patience.clock()

    def hello(self, facts: HostFacts) -> Welcome:
        data = self._ask("POST", "/hello", json=to_json(facts)).json()
        return Welcome(str(data["instance"]), float(data["lease_seconds"]), float(data["heartbeat_seconds"]))

    def next(self, *, wait_seconds: float, sessions: tuple[str, ...], held: tuple[str, ...]) -> Assignment | None:
        body = {"wait_seconds": wait_seconds, "sessions": list(sessions), "held": list(held)}
        answer = self._ask("POST", "/next", json=body, timeout=(_CONNECT_SECONDS, wait_seconds + self._longest))
        return None if answer.status_code == 204 else assignment_from_json(answer.json())

    def beat(self, attempt: AttemptRef, beat: Beat) -> Orders:
        body = {"fence": attempt.fence, **to_json(beat)}
        data = self._ask("POST", f"/attempts/{attempt.id}/beat", json=body, tries=1, timeout=self._short()).json()
        return Orders("kill" if data.get("action") == "kill" else "go-on", str(data.get("reason", "")))

    def append_log(self, attempt: AttemptRef, offset: int, data: bytes) -> int:
        params = {"offset": str(offset), "fence": str(attempt.fence)}
        try:
            self._ask("PUT", f"/attempts/{attempt.id}/log", params=params, data=data, tries=1, timeout=self._short())
        except _LogSize as answer:
            return answer.size
        return offset + len(data)

    def manifest(self, attempt: AttemptRef, digest: str) -> bytes:
        params = {"fence": str(attempt.fence), "digest": digest}
        return self._ask("GET", f"/attempts/{attempt.id}/manifest", params=params).content

    def inputs(self, attempt: AttemptRef, key: str) -> bytes:
        return self._ask("GET", f"/attempts/{attempt.id}/inputs", params={"fence": str(attempt.fence), "key": key}).content

    def fetch_object(self, attempt: AttemptRef, digest: Digest) -> Iterator[bytes]:
        params = {"fence": str(attempt.fence)}
        answer = self._ask("GET", f"/attempts/{attempt.id}/objects/{digest}", params=params, stream=True)
        with answer:
            try:
                yield from answer.iter_content(CHUNK_BYTES)
            except requests.RequestException as exc:
                raise ServiceUnreachable(f"The service broke off while sending {digest} ({exc}).") from exc

    def store_object(self, attempt: AttemptRef, digest: Digest, file: Path, size: int) -> None:
        params = {"fence": str(attempt.fence)}
        self._ask("PUT", f"/attempts/{attempt.id}/objects/{digest}", params=params, body=_FileBody(file, size))

    def publish(
        self, attempt: AttemptRef, outputs: tuple[OutputRecord, ...], completes: tuple[int, ...] = ()
    ) -> Mapping[str, str]:
        body = {"fence": attempt.fence, "outputs": to_json(outputs), "completes": list(completes)}
        data = self._ask("POST", f"/attempts/{attempt.id}/outputs", json=body).json()
        return {str(o["path"]): str(o["id"]) for o in data["outputs"]}

    def store_preview(self, attempt: AttemptRef, output: str, png: bytes) -> None:
        params = {"fence": str(attempt.fence)}
        self._ask("PUT", f"/attempts/{attempt.id}/outputs/{output}/preview", params=params, data=png, tries=2)

    def finish(self, attempt: AttemptRef, verdict: Verdict) -> None:
        self._ask("POST", f"/attempts/{attempt.id}/finish", json={"fence": attempt.fence, **to_json(verdict)})

    def goodbye(self) -> None:
        self._ask("POST", "/goodbye", tries=3)

    def silence_seconds(self) -> float:
        return self._patience.clock() - self._answered

    def close(self) -> None:
        """Close the connections of all threads."""
        for session in self._sessions:
            session.close()

    def _ask(self, method: str, path: str, *, tries: int = 0, body: _FileBody | None = None, **request: Any) -> requests.Response:
        """Send until there is an answer that means something; `tries` 0: until the patience runs out.

        Raises:
            ServiceUnreachable: there is no answer.
            ServiceError: this one call fails again and again, while the service answers others.
        """
        if "json" in request:
            request["data"] = _json_bytes(request.pop("json"))
            request["headers"] = {"Content-Type": "application/json"}
        made = 0
        deadline = self._patience.clock() + self._patience.seconds
        while True:
            made += 1
            result = self._once(method, path, body, request)
            if isinstance(result, requests.Response):
                return result
            if made == tries:
                raise result.reason
            if self._patience.clock() > deadline:
                raise self._given_up(result.reason)
            self._pause(made, result.pause)

    def _once(self, method: str, path: str, body: _FileBody | None, request: dict[str, Any]) -> requests.Response | _Trouble:
        """Send one request; return its answer, or why it may be sent again.

        Raises:
            ServiceError, Retired, StaleAttempt: the service's own no.
        """
        try:
            answer = self._send(method, path, body, request)
        except requests.RequestException as exc:
            return _Trouble(self._no_answer(exc))
        status = answer.status_code
        code, message, step = _said(answer) if status >= 300 else ("", "", "")
        if not code and (status >= 300 or "html" in answer.headers.get("Content-Type", "")):
            answer.close()
            return _Trouble(self._not_ours(answer))
        if status != 429 and status < 500:
            self._answered = self._patience.clock()
        if status < 300:
            return answer
        if status not in _PASSING:
            raise _error_of(answer, path)
        trouble = ServiceUnreachable(f"The service answers {status}: {message}", step, status=status, code=code)
        return _Trouble(trouble, _retry_after(answer))

    def _no_answer(self, exc: requests.RequestException) -> ServiceUnreachable:
        """Return what a connection that failed means; one whose certificate does not verify is told as that."""
        trouble = tls_trouble(self._url, exc)
        what = f"The service at {self._url} does not answer ({why_unreachable(exc)})."
        return trouble or ServiceUnreachable(what, "Check the address, the network and that the service runs.")

    def _not_ours(self, answer: requests.Response) -> ServiceUnreachable:
        """Return what an answer means that is not in Conductor's words: a proxy's, or another web server's."""
        said = f"{answer.status_code} {answer.reason or ''}".rstrip()
        return ServiceUnreachable(
            f"What answers at {self._url} is not the service ({said}).",
            "Check the address, and what stands between (a proxy).",
            status=answer.status_code,
            code=NOT_OURS,
        )

    def _given_up(self, reason: ServiceUnreachable) -> ServiceError:
        """Return what it means that a call failed for so long: the service is gone, or it cannot deal with this one call."""
        if reason.code == "tls" or self.silence_seconds() >= self._patience.seconds:
            return reason
        return ServiceError(reason.what, reason.next_step or "Its log says why.", status=reason.status, code=reason.code)

    def _send(self, method: str, path: str, body: _FileBody | None, request: dict[str, Any]) -> requests.Response:
        request.setdefault("timeout", (_CONNECT_SECONDS, self._longest))
        request.setdefault("allow_redirects", False)
        if body is None:
            answer = self._session().request(method, self._root + path, **request)
        else:
            with body.file.open("rb") as stream:
                data = ExactBytes(stream, body.size)
                answer = self._session().request(method, self._root + path, data=data, **request)
        return answer

    def _short(self) -> tuple[float, float]:
        """Return the time-outs of what is said again soon anyway."""
        return 2.0, min(10.0, self._longest)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            self._sessions.append(session)
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self._token}"
            if self._ca_file:
                session.verify = self._ca_file
        return session

    def _pause(self, made: int, wished: float) -> None:
        longest = min(_FIRST_PAUSE * 2 ** min(made - 1, 10), _LONGEST_PAUSE)
        self._patience.sleep(max(wished, longest * (0.5 + self._patience.jitter() / 2)))


class _LogSize(ServiceError):
    """The service holds a log of another size than the offset given."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"The service holds {size} bytes of this log.", status=409)


def _json_bytes(data: object) -> bytes:
    """Return JSON that any reader takes: what is no Unicode in a text of the task's (half a surrogate pair) becomes `?`."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")


def _retry_after(answer: requests.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 60.0) if text.isdigit() else 0.0


def _said(answer: requests.Response) -> tuple[str, str, str]:
    """Return code, message and next step of an answer in Conductor's words; empty ones of any other."""
    try:
        error = answer.json()["error"]
        return str(error["code"]), str(error["message"]), str(error.get("next", ""))
    except (ValueError, KeyError, TypeError, requests.RequestException):
        return "", "", ""


def _error_of(answer: requests.Response, path: str) -> Exception:
    """Return the exception that an answer of 4xx means."""
    code, message, step = _said(answer)
    message = message or f"The service answers {answer.status_code} to {path}."
    status = answer.status_code
    if status == 410:
        return Retired()
    if status == 409 and code == "stale-attempt":
        return StaleAttempt(path.split("/")[2])
    if status == 409 and "X-Log-Size" in answer.headers:
        return _LogSize(int(answer.headers["X-Log-Size"]))
    if status == 409:
        return Conflict(message, step, code=code)
    kinds: dict[int, type[ServiceError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound}
    return kinds.get(status, Refused)(message, step, status=status, code=code)
