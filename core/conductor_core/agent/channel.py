"""The local channel: HTTP on loopback for this user's panel and CLI (docs/decisions/0004-local-channel.md).

Three walls: the socket is bound to 127.0.0.1, every request carries the token of `agent.json` (a file for this user
alone), and the Host header must be loopback, so that no web page can reach us by a name of its own (DNS rebinding).
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from conductor_core import __version__
from conductor_core.errors import ConductorError, InvalidDocument

#: bytes; a submission of 100,000 files with long paths has 20 MB
LARGEST_BODY = 256 << 20

_LOG = logging.getLogger("conductor.agent")


@dataclass(frozen=True, slots=True)
class Lines:
    """An answer in pieces, one JSON object a line, so that whoever reads it never parses much at once."""

    text: bytes


#: JSON, a picture, pieces, or None where there is no such thing
Answer = Mapping[str, Any] | bytes | Lines | None


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked for beside what `AgentCalls` has."""

    method: str
    #: of the whole path; its groups are given to `answer` after the request (the query's or the body's fields)
    pattern: re.Pattern[str]
    answer: Callable[..., Answer]
    status: int = 200


class AgentCalls(Protocol):
    """What the channel asks of the agent; each returns JSON."""

    def status(self) -> Mapping[str, Any]:
        """Return version, process, service and what is being transferred."""

    def submit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep a submission and return its id."""

    def submission(self, identity: str) -> Mapping[str, Any] | None:
        """Return one submission, None where there is no such."""

    def submissions(self) -> Mapping[str, Any]:
        """Return all submissions."""

    def cancel(self, identity: str) -> Mapping[str, Any] | None:
        """Cancel a submission and return it, None where there is no such."""

    def follow(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a job's outputs."""

    def downloads(self, job: str = "") -> Mapping[str, Any]:
        """Return all followed jobs, or the one."""

    def quit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """End the agent."""


class Channel(ThreadingHTTPServer):
    """Serve the local channel on a free port of loopback."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(
        self, calls: AgentCalls, token: str, *, routes: Sequence[Route] = (), used: Callable[[], None] = lambda: None
    ) -> None:
        self.calls = calls
        self.routes = routes
        self.used = used
        self._token = token
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return int(self.server_address[1])

    def admits(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return None for a request of this user, else status and reason."""
        host = headers.get("Host", "")
        if host not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return 403, "This is the local channel of the Conductor agent; only this machine's own address is answered."
        given = headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {self._token}".encode()):
            return 401, "The token is not the one in agent.json."
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Log what went wrong with a connection instead of printing it."""
        _LOG.debug("local channel", exc_info=True)


_DOWNLOADS = re.compile(r"/v1/downloads(?:\?job=([0-9A-Za-z_-]{1,64}))?")
_SUBMISSION = re.compile(r"/v1/submissions/([0-9A-Za-z_-]{1,64})(/cancel)?")


class _Handler(BaseHTTPRequestHandler):
    server: Channel
    protocol_version = "HTTP/1.1"
    server_version = f"conductor-agent/{__version__}"
    sys_version = ""
    #: seconds after which a silent client loses its thread
    timeout = 60
    #: or a short answer's body waits for its head to be acknowledged, which systems put off for 40 ms
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve(self._get)

    def do_POST(self) -> None:
        self._serve(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        _LOG.debug("local channel: " + format, *args)

    def _serve(self, route: Callable[[], tuple[int, Any]]) -> None:
        refusal = self.server.admits(dict(self.headers.items()))
        if refusal is not None:
            self.close_connection = True  # its body is not read
            self._answer(*_error(refusal[0], "refused", refusal[1]))
            return
        self.server.used()
        try:
            self._answer(*route())
        except InvalidDocument as exc:
            self._answer(*_error(400, "invalid", exc.what, exc.next_step))
        except ConductorError as exc:
            self._answer(*_error(409, type(exc).__name__, exc.what, exc.next_step))
        except Exception:  # noqa: BLE001 - HTTP boundary
            _LOG.exception("local channel: %s %s", self.command, self.path)
            self._answer(*_error(500, "internal", "The agent could not do that.", "Its log (agent.log) says why."))

    def _get(self) -> tuple[int, Any]:
        calls = self.server.calls
        if self.path == "/v1/status":
            return 200, calls.status()
        if self.path == "/v1/submissions":
            return 200, calls.submissions()
        one = _DOWNLOADS.fullmatch(self.path)
        if one:
            return 200, calls.downloads(one[1] or "")
        one = _SUBMISSION.fullmatch(self.path)
        if one and not one[2]:
            return _found(calls.submission(one[1]))
        query = parse_qsl(urlsplit(self.path).query, errors="surrogateescape")  # names of files need not be text
        return self._routed(dict(query))

    def _post(self) -> tuple[int, Any]:
        request = self._body()
        calls = self.server.calls
        if self.path == "/v1/submissions":
            return 202, calls.submit(request)
        if self.path == "/v1/downloads":
            return 202, calls.follow(request)
        if self.path == "/v1/quit":
            return 202, calls.quit(request)
        one = _SUBMISSION.fullmatch(self.path)
        return _found(calls.cancel(one[1])) if one and one[2] else self._routed(request)

    def _routed(self, request: Mapping[str, Any]) -> tuple[int, Any]:
        path = urlsplit(self.path).path
        for route in self.server.routes:
            found = route.pattern.fullmatch(path) if route.method == self.command else None
            if found:
                answer = route.answer(request, *found.groups())
                return _found(None) if answer is None else (route.status, answer)
        return _found(None)

    def _body(self) -> Mapping[str, Any]:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise InvalidDocument("request", "Content-Length", f"must be a number up to {LARGEST_BODY}")
        try:
            data = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            raise InvalidDocument("request", "(whole)", "is not JSON") from None
        if not isinstance(data, dict):
            raise InvalidDocument("request", "(whole)", "must be an object")
        return data

    def _answer(self, status: int, data: Any) -> None:
        kind, body = _encoded(data)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encoded(data: Any) -> tuple[str, bytes]:
    """Return the type and the bytes of an answer."""
    if isinstance(data, bytes):
        return "image/png", data
    if isinstance(data, Lines):
        return "application/jsonl", data.text
    return "application/json", json.dumps(data).encode()


def _found(data: Any) -> tuple[int, Any]:
    return _error(404, "not-found", "The agent knows no such thing.") if data is None else (200, data)


def _error(status: int, code: str, message: str, next_step: str = "") -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": message, "next": next_step}}
