"""One request to an S3-compatible server: signed, its content's hash bound, tried again, and what is wrong as a sentence.

Signed with botocore, which knows where credentials come from and renews them; sent with urllib3, so that bodies stream and the
hash is the one that we know already. Every request is signed in its headers: nothing secret stands in a URL, or in a log.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import botocore.session
import urllib3
from conductor_core.errors import ConductorError, TransferError

from conductor_service.store.errors import StoreFull, StoreUnreachable
from conductor_service.store.parts import SignedRequest
from conductor_service.store_settings import StoreSettings

log = logging.getLogger(__name__)

ENCRYPTION = "x-amz-server-side-encryption"
EMPTY = hashlib.sha256(b"").hexdigest()
_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.2
#: seconds to connect, and between two blocks
_TIMEOUT = urllib3.Timeout(connect=5, read=60)
_AGAIN = frozenset({429, 500, 502, 503, 504})
_FULL = frozenset({"QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull"})
_MOST_XML = 16 << 20

Body = bytes | Iterable[bytes] | None


class S3Refused(TransferError):
    """The server answered no."""

    def __init__(self, place: str, status: int, code: str, said: str) -> None:
        self.status = status
        self.code = code
        self.said = said
        words = {
            "AccessDenied": "refuses these credentials what they ask for",
            "InvalidAccessKeyId": "does not know the access key",
            "SignatureDoesNotMatch": "does not accept the secret key",
            "NoSuchBucket": "has no such bucket",
            "RequestTimeTooSkewed": "has another time than this machine",
        }.get(code, f"answered {status} {code} {said}".rstrip())
        super().__init__(place, f"the S3 server {words}", "Check the store's settings, its credentials and the bucket's policy.")


class EncryptionRefused(TransferError):
    """The server does not keep things encrypted as the settings ask."""

    def __init__(self, place: str, sse: str, refusal: S3Refused | None = None) -> None:
        why = "it would keep everything unencrypted, and does not say so"
        if refusal is not None:
            why = f"it answers {refusal.status} {refusal.code} {refusal.said}".rstrip()
        super().__init__(
            place,
            f"the S3 server does not encrypt as store: sse: {sse} asks ({why})",
            "Name what it can do in sse and kms_key, see that the key is there and may be used, or have the server's disks "
            "encrypted and leave sse out.",
        )


class CredentialsMissing(ConductorError):
    """Nobody says as whom the S3 server is to be asked."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"There are no credentials for the S3 store in {where}.",
            "Name a file in store: credentials_file, in the form of ~/.aws/credentials, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        )


class _Bound(botocore.auth.S3SigV4Auth):  # type: ignore[misc]
    """Sign with the hash that the request names, not one made of its body."""

    def payload(self, request: Any) -> str:
        return str(request.context["content_sha256"])


class S3Line:
    """Speak to one bucket; safe to share between threads."""

    def __init__(self, settings: StoreSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Open the line.

        Raises:
            CredentialsMissing: there are none.
        """
        self.place = settings.address
        self.bucket = settings.bucket
        self._settings = settings
        self._credentials = _credentials(settings)
        self._sleep = sleep
        self._pool = urllib3.PoolManager(
            maxsize=32, block=False, retries=False, timeout=_TIMEOUT, blocksize=1 << 20, ca_certs=settings.ca_file or None
        )

    @property
    def sse(self) -> Mapping[str, str]:
        """The headers by which what is written is encrypted at rest."""
        if not self._settings.sse:
            return {}
        key = {"x-amz-server-side-encryption-aws-kms-key-id": self._settings.kms_key} if self._settings.kms_key else {}
        return {ENCRYPTION: self._settings.sse, **key}

    def sign(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        sha256: str = EMPTY,
    ) -> SignedRequest:
        """Return a request for a key, for whoever has bytes of this hash."""
        asked = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted((query or {}).items()))
        url = f"{self.place}/{quote(key)}" + (f"?{asked}" if asked else "")
        request = botocore.awsrequest.AWSRequest(method=method, url=url, headers=dict(headers or {}))
        request.context["content_sha256"] = sha256
        frozen = self._credentials.get_frozen_credentials()
        _Bound(frozen, "s3", self._settings.region).add_auth(request)
        return SignedRequest(method, url, dict(request.headers.items()))

    def call(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        sha256: str = EMPTY,
        allowed: Iterable[int] = (),
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, and return its answer with the body still to be read; other bodies than bytes are sent once.

        Raises:
            S3Refused: a 4xx that is not among `allowed`.
            StoreFull: there is no room.
            StoreUnreachable: no answer, or only that it is busy.
        """
        again = body is None or isinstance(body, bytes)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                request = self.sign(method, key, query=query, headers=headers, sha256=sha256)
                answer = self._pool.request(
                    method, request.url, body=body, headers=dict(request.headers), preload_content=False, redirect=False
                )
            except urllib3.exceptions.HTTPError as exc:
                failure: TransferError = StoreUnreachable(self.place, _why(exc))
            except botocore.exceptions.BotoCoreError as exc:
                failure = StoreUnreachable(self.place, f"its credentials cannot be had: {exc}")
            else:
                if answer.status < 300 or answer.status in allowed:
                    return answer
                failure = self._failure(answer)
                if answer.status not in _AGAIN:
                    raise failure
            if not again or attempt == _ATTEMPTS:
                raise failure
            full = _FIRST_WAIT_SECONDS * 2**attempt
            self._sleep(random.uniform(full / 2, full))  # noqa: S311 - spreads those who wait, hides nothing
        raise AssertionError("unreachable: the last attempt returns or raises")

    def done(self, method: str, key: str, **how: Any) -> urllib3.BaseHTTPResponse:
        """Send a request whose answer's body says nothing."""
        answer = self.call(method, key, **how)
        with _read(self.place):
            answer.drain_conn()
            answer.release_conn()
        return answer

    def xml(self, method: str, key: str, **how: Any) -> ET.Element:
        """Send a request and return the document that it is answered with, without namespaces.

        Raises:
            S3Refused: also where it is an error under a good status.
        """
        answer = self.call(method, key, **how)
        with _read(self.place):
            text = answer.read(_MOST_XML)
            answer.release_conn()
        root = _parsed(text)
        if root is None or root.tag == "Error":
            raise self._refusal(answer.status, root)
        return root

    def _failure(self, answer: urllib3.BaseHTTPResponse) -> TransferError:
        with _read(self.place):
            root = _parsed(answer.read(_MOST_XML))
            answer.release_conn()
        refusal = self._refusal(answer.status, root)
        if refusal.code in _FULL or answer.status == 507:
            return StoreFull(self.place)
        if answer.status in _AGAIN:
            return StoreUnreachable(self.place, f"it answers {answer.status} {refusal.code}".rstrip())
        return refusal

    def _refusal(self, status: int, root: ET.Element | None) -> S3Refused:
        code = root.findtext("Code", "") if root is not None else ""
        said = root.findtext("Message", "") if root is not None else ""
        return S3Refused(self.place, status, code or "", (said or "")[:200])


@contextlib.contextmanager
def _read(place: str) -> Iterator[None]:
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        raise StoreUnreachable(place, _why(exc)) from exc


def _parsed(text: bytes) -> ET.Element | None:
    """Return a document without namespaces, or None where it is none."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - expat takes no entity bombs since 2.4, and this is our own store's server
    except ET.ParseError:
        return None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _why(exc: Exception) -> str:
    cause = exc.__cause__ or exc
    return str(getattr(cause, "strerror", "") or getattr(exc, "reason", "") or cause or type(exc).__name__)[:200]


def _credentials(settings: StoreSettings) -> Any:
    session = botocore.session.Session()
    where = "the environment"
    if settings.credentials_file:
        where = settings.credentials_file
        if not Path(where).is_file():
            raise CredentialsMissing(where)
        session.set_config_variable("credentials_file", where)
        session.get_component("credential_provider").providers = [
            p for p in session.get_component("credential_provider").providers if p.METHOD == "shared-credentials-file"
        ]
    try:
        found = session.get_credentials()
    except botocore.exceptions.BotoCoreError as exc:
        raise CredentialsMissing(f"{where} ({exc})") from exc
    if found is None:
        raise CredentialsMissing(where)
    return found
