"""One HTTP call to the service: keep-alive, time-outs, bounded retries, and errors a person can act on.

Every call of ours is idempotent by design (a submission carries its id, an object its digest, a move its state), so
any call may be tried again after a broken connection, a 429 or a 5xx.
"""

from __future__ import annotations

import email.utils
import http.cookiejar
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3

from conductor_core import __version__
from conductor_core.api.connections import PatientAdapter
from conductor_core.api.deadlines import WHOLE_ANSWER, within
from conductor_core.api.trouble import BROKE, tls_trouble, why_unreachable
from conductor_core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Refused,
    ServiceError,
    ServiceUnreachable,
    Unauthorized,
)

#: of a parameter; several values for one that may come several times
QueryValue = str | int | tuple[str, ...] | None

#: seconds
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 60.0
#: the code of an answer that is not Conductor's
NOT_OURS = "not-ours"

_NETWORK = (requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is tried again."""

    #: calls in all
    attempts: int = 5
    #: seconds before the second call; doubles each time, with up to half of it taken off at random
    first_wait: float = 0.5
    #: seconds; a server's Retry-After is cut to this too
    longest_wait: float = 30.0

    def wait(self, attempt: int, retry_after: float | None, uniform: Callable[[float, float], float]) -> float:
        """Return the seconds to wait after failed call number `attempt` (1, 2, …)."""
        if retry_after is not None:
            return min(max(retry_after, 0.0), self.longest_wait)
        full = min(self.first_wait * 2 ** min(attempt - 1, 30), self.longest_wait)
        return uniform(full / 2, full)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is, and what of its transport security was agreed to."""

    #: `https://farm.example`, without a path's last slash
    service: str
    allow_plain_http: bool = False
    #: PEM file of the studio's own certificate authority; empty: the system's
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and randomness, so that tests need none of them."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    #: told of each wait for a service that does not answer, with the reason: nobody should look at a still screen
    waiting: Callable[[str], None] = lambda _reason: None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a call may be tried again, and when the service says it may."""

    reason: Exception
    #: seconds
    retry_after: float | None = None


class BearerToken(requests.auth.AuthBase):
    """Put the token into the header, and nowhere else: not in a URL, a log or a repr."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign one request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "BearerToken(…)"


def check_address(address: Address) -> str:
    """Return the base URL of `address`, fit to send a token to.

    Raises:
        ServiceError: it is no HTTP address, or plain HTTP beyond this machine and not agreed to.
    """
    parts = urlsplit(address.service)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ServiceError(
            f"{_without_secrets(address.service)!r} is not the address of a service.", "Write it like https://farm.example."
        )
    if parts.scheme == "http" and not address.allow_plain_http and not is_loopback(parts.hostname):
        raise ServiceError(
            f"{address.service} is plain HTTP: your token could be read on its way.",
            "Use the https:// address, or log in with --allow-plain-http if you trust every network between.",
        )
    return address.service.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this very machine."""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


class Transport:
    """Send calls to one service with one token; safe to share between threads."""

    def __init__(self, address: Address, token: str, *, retries: RetryPolicy = RetryPolicy(), timing: Timing = Timing()) -> None:
        self.base = check_address(address)
        self.retries = retries
        self.timing = timing
        self._session = requests.Session()
        self._session.auth = BearerToken(token)
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"conductor/{__version__}"
        if is_loopback(urlsplit(self.base).hostname or ""):
            self._session.trust_env = False  # a proxy of the environment cannot see this machine's loopback
        self._verify: bool | str = address.ca or True
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PatientAdapter(pool_connections=4, pool_maxsize=32))

    def __repr__(self) -> str:
        return f"Transport({self.base})"

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Callable[[], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        read_timeout: float = READ_TIMEOUT,
        attempts: int | None = None,
    ) -> requests.Response:
        """Return the answer to one call, trying again as the policy says; `body` makes the body afresh each time.

        Raises:
            ServiceUnreachable: no answer, or only 429 and 5xx, in all attempts; or TLS that does not verify.
            Unauthorized, Forbidden, NotFound, Conflict, Refused: the service's own no.
        """
        limit = attempts or self.retries.attempts
        request = requests.Request(
            method,
            self.base + path,
            params={k: v if isinstance(v, tuple) else str(v) for k, v in (query or {}).items() if v is not None},
            headers=dict(headers or {}),
        )
        for attempt in range(1, limit + 1):
            request.data = body() if body else None
            result = self._once(request, stream=stream, read_timeout=read_timeout)
            if isinstance(result, requests.Response):
                return result
            if attempt == limit:
                _give_up(self.base, result.reason, limit)
            self.timing.waiting(_in_short(self.base, result.reason))
            self.timing.sleep(self.retries.wait(attempt, result.retry_after, self.timing.uniform))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, request: requests.Request, *, stream: bool, read_timeout: float) -> requests.Response | _Failure:
        """Send one request; return its answer, or why it may be sent again."""
        try:
            response = self._session.request(
                request.method or "",
                request.url or "",
                params=request.params,
                data=request.data,
                headers=request.headers,
                stream=True,
                timeout=(CONNECT_TIMEOUT, read_timeout),
                allow_redirects=False,
                verify=self._verify,
            )
            if not stream:
                _take_whole(response)
        except requests.exceptions.SSLError as exc:
            trouble = tls_trouble(self.base, exc)
            if trouble is None:
                return _Failure(exc)
            raise trouble from exc
        except OSError as exc:
            if isinstance(exc, requests.exceptions.RequestException) and not isinstance(exc, _NETWORK):
                raise ServiceError(f"The request to {self.base} could not be made: {type(exc).__name__}.") from exc
            return _Failure(exc)
        if response.status_code < 300 or response.status_code == 304:
            return response
        if response.status_code != 429 and response.status_code < 500:
            raise_for(response, self.base)
        failure = _Failure(error_of(response, self.base), _retry_after(response, self.timing.clock()))
        response.close()
        return failure


def _take_whole(response: requests.Response) -> None:
    """Read all of an answer, which is kept in it; a server that gives it byte by byte is broken off."""
    connection = getattr(response.raw, "connection", None)
    with within(WHOLE_ANSWER, connection.sock if connection is not None else None):
        _ = response.content


def _give_up(base: str, failure: Exception, attempts: int) -> NoReturn:
    if isinstance(failure, ServiceError):
        raise failure
    reason = why_unreachable(failure)
    # a port that speaks TLS hangs up on who does not
    hint = " (is it an https:// address?)" if base.startswith("http://") and reason == BROKE else ""
    raise ServiceUnreachable(
        f"{base} cannot be reached ({reason}; tried {attempts} times).",
        f"Check the address{hint}, the network and that the service runs; then try again.",
    ) from failure


def _in_short(base: str, failure: Exception) -> str:
    return failure.what if isinstance(failure, ServiceError) else f"{base} cannot be reached ({why_unreachable(failure)})."


def _retry_after(response: requests.Response, now: float) -> float | None:
    value = response.headers.get("Retry-After", "")
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def not_ours(base: str, answer: str, status: int) -> ServiceUnreachable:
    """Return what an answer means that does not come from Conductor: the service was not reached."""
    return ServiceUnreachable(
        f"{base} answered {answer}, and not in Conductor's words.",
        "Something between (a proxy, a wrong address) may have answered; check the address you logged in with.",
        status=status,
        code=NOT_OURS,
    )


def raise_for(response: requests.Response, base: str) -> NoReturn:
    """Raise what a refusal means."""
    error = error_of(response, base)
    response.close()
    raise error


def error_of(response: requests.Response, base: str) -> ServiceError:
    """Return the refusal in `response` as one of our errors; a page that is not ours is named, never quoted."""
    status = response.status_code
    said = _said(response)
    code = _text(said.get("code"))
    what, next_step = _text(said.get("message")), _text(said.get("next"))
    if not what:
        # a proxy, or another web server: whatever it says of our request, our service has not said it
        strange = not_ours(base, f"{status} {response.reason or ''}".rstrip(), status)
        if status != 401:  # somebody wants another token, whoever it is
            return strange
        what = strange.what
    if status == 409:
        return Conflict(what, next_step, code=code, allowed=_texts(said.get("allowed")), missing=_texts(said.get("missing")))
    if status == 401:
        next_step = _text(said.get("next")) or "Log in again: conductor login."
    if status == 429 or status >= 500:
        return ServiceUnreachable(what, next_step or "Try again later.", status=status, code=code)
    kinds: dict[int, type[ServiceError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound}
    return kinds.get(status, Refused)(what, next_step, status=status, code=code)


def _said(response: requests.Response) -> Mapping[str, Any]:
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return {}
    try:
        data = json.loads(response.content)
    except (ValueError, requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
        return {}
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _without_secrets(url: str) -> str:
    return url.split("@")[-1].split("?")[0]
