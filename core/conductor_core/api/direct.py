"""Parts that go straight to the store: by a request that the service has signed for exactly these bytes.

The service's token never goes there; nor does anything else of ours. What cannot go straight (an address behind a wall, a
certificate that this machine does not trust, plain HTTP that nobody agreed to) goes through the service instead. It is tried
again after a while, by one part: a store that was restarted, or a laptop that came home, costs the service minutes of its line.
"""

from __future__ import annotations

import http.cookiejar
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from conductor_core import __version__
from conductor_core.api.answers import SignedRequest
from conductor_core.api.connections import PatientAdapter
from conductor_core.api.transport import CONNECT_TIMEOUT, Address, Timing, is_loopback
from conductor_core.errors import NotFound, Refused

#: of one part; an expired signature costs one
_ATTEMPTS = 4
_FIRST_WAIT_SECONDS = 0.5
_READ_TIMEOUT = 60.0
_MOST_SAID = 4096
#: seconds until parts are tried straight again that could not go so; twice as many each time
_FIRST_REST_SECONDS = 60.0
_LONGEST_REST_SECONDS = 3600.0
#: S3's words for bytes of another hash
_WRONG = (b"ContentSHA256Mismatch", b"BadDigest")
#: no answer; a slow sender was given up; a signature was too old; too many requests
_PASSING = frozenset({0, 400, 403, 429})

_LOG = logging.getLogger(__name__)


class DirectUnsuitable(Exception):
    """Parts cannot go straight from here."""


class Rests:
    """Say when what failed may be tried again: by one at first, and later each time it fails; safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._since = 0.0
        self._trying = False

    def may_try(self) -> bool:
        """Tell whether it may be tried now; who is told so after a failure is the only one for a while."""
        with self._lock:
            if not self._failures:
                return True
            if self._resting():
                return False
            self._since, self._trying = self._clock(), True
            return True

    def failed(self) -> float:
        """Count a failure and return the seconds to rest; what fails together counts once."""
        with self._lock:
            if self._trying or not self._failures:
                self._failures += 1
            self._since, self._trying = self._clock(), False
            return self._seconds()

    def worked(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._failures, self._trying = 0, False

    def _seconds(self) -> float:
        return min(_FIRST_REST_SECONDS * float(2 ** min(self._failures - 1, 30)), _LONGEST_REST_SECONDS)

    def _resting(self) -> bool:
        # a clock that was set back says nothing of how long that was
        return 0 <= self._clock() - self._since < self._seconds()


class DirectLine:
    """Send signed requests; safe to share between threads."""

    def __init__(self, address: Address, timing: Timing = Timing()) -> None:
        self._plain = address.allow_plain_http or is_loopback(urlsplit(address.service).hostname or "")
        self._timing = timing
        self._rests = Rests(timing.clock)
        self._session = requests.Session()
        self._session.auth = _unchanged  # without it requests would put what ~/.netrc says over the signature
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"conductor/{__version__}"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PatientAdapter(pool_connections=4, pool_maxsize=32))

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def offer(self, signed: Callable[[], SignedRequest], body: Callable[[], Any]) -> bool:
        """Send a body by a signed request; False where that cannot be from here, or could not be a little while ago.

        Raises:
            Refused, NotFound: as `put` does.
        """
        if not self._rests.may_try():
            return False
        try:
            self.put(signed, body)
        except DirectUnsuitable as exc:
            wait = self._rests.failed()
            _LOG.warning("parts go through the service for %.0f s: the store cannot be reached from here (%s)", wait, exc)
            return False
        self._rests.worked()
        return True

    def put(self, signed: Callable[[], SignedRequest], body: Callable[[], Any]) -> None:
        """Send a body by a signed request; both are made afresh for each attempt.

        Raises:
            DirectUnsuitable: the store cannot be reached from here, or does not take what the service signs.
            Refused: with code `wrong-content`, the bytes are not those that were signed for.
            NotFound: the upload is gone.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            request = signed()
            self._check(request)
            try:
                status, code = self._once(request, body())
            except OSError as exc:  # of which those of requests are
                status, code = 0, b""
                if attempt == _ATTEMPTS or isinstance(exc, requests.exceptions.SSLError):
                    raise DirectUnsuitable(type(exc).__name__) from exc
            if 200 <= status < 300:
                return
            if status == 400 and any(word in code for word in _WRONG):
                raise Refused("The bytes of a part are not those that it was signed for.", status=400, code="wrong-content")
            if status == 404 and b"NoSuchUpload" in code:
                raise NotFound("The upload is gone from the store.", status=404)
            if attempt == _ATTEMPTS or (status not in _PASSING and status < 500):
                raise DirectUnsuitable(f"it answers {status}")
            full = _FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
            self._timing.sleep(self._timing.uniform(full / 2, full))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check(self, request: SignedRequest) -> None:
        parts = urlsplit(request.url)
        loopback = is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not (parts.scheme == "http" and (loopback or self._plain)):
            raise DirectUnsuitable("plain HTTP that nobody agreed to")
        self._session.trust_env = not loopback

    def _once(self, request: SignedRequest, body: Any) -> tuple[int, bytes]:
        """Return the status of the answer, and the beginning of what it says."""
        with self._session.request(
            request.method,
            request.url,
            data=body,
            headers=_headers(request.headers),
            stream=True,
            timeout=(CONNECT_TIMEOUT, _READ_TIMEOUT),
            allow_redirects=False,
        ) as answer:
            return answer.status_code, b"" if answer.status_code < 300 else next(answer.iter_content(_MOST_SAID), b"")


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    """Return the headers but for the length, which follows from the body and is the one that was signed."""
    return {name: value for name, value in given.items() if name.lower() not in ("content-length", "host")}


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
