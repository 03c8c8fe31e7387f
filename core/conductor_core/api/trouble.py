"""Say in words what broke between us and a service, so that a person knows what to mend: address, network or certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests

from conductor_core.errors import ServiceUnreachable

#: what is said where nothing better is known
BROKE = "the connection broke"
#: what OpenSSL says of a peer that does not speak TLS, in its versions since 1.1
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
#: X509_V_ERR_… of OpenSSL (x509_vfy.h)
_NOT_YET_VALID, _EXPIRED, _HOST, _ADDRESS = 9, 10, 62, 64


def why_unreachable(failure: BaseException) -> str:
    """Return why there was no answer, as the words in a bracket."""
    text = str(failure)
    if isinstance(failure, requests.exceptions.ConnectTimeout) or "timed out" in text:
        return "no answer in time"
    if "refused" in text:
        return "connection refused"
    if "Name or service not known" in text or "getaddrinfo" in text or "NameResolution" in text:
        return "its name is not known"
    if "BadStatusLine" in text:
        return "what answers does not speak HTTP"
    return BROKE


def tls_trouble(base: str, failure: BaseException) -> ServiceUnreachable | None:
    """Return what is wrong with the TLS of a service; None for a connection that only broke, which may pass."""
    for cause in _causes(failure):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(base, cause)
        if isinstance(cause, ssl.SSLError) and (cause.reason or "").upper() in _NO_TLS:
            return ServiceUnreachable(
                f"What answers at {base} does not speak TLS.",
                "Check the address and its port; a service without TLS has an http:// address.",
                code="tls",
            )
    return None


def _certificate(base: str, cause: ssl.SSLCertVerificationError) -> ServiceUnreachable:
    reason = cause.verify_message or "it cannot be checked"
    next_step = "Ask your administrator for the certificate authority's file and log in with --ca FILE."
    if cause.verify_code == _EXPIRED:
        next_step = "Ask your administrator for a new certificate, and check the clock of this machine."
    elif cause.verify_code == _NOT_YET_VALID:
        next_step = "Check the clock of this machine."
    elif cause.verify_code in (_HOST, _ADDRESS):
        next_step = "Use the address that the certificate is for; your administrator knows it."
    return ServiceUnreachable(f"The TLS certificate of {base} does not verify: {reason.rstrip('.')}.", next_step, code="tls")


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it came from; requests and urllib3 wrap in arguments and reasons."""
    waiting, seen = [failure], set[int]()
    while waiting:
        exc = waiting.pop()
        if id(exc) in seen:
            continue
        seen.add(id(exc))
        yield exc
        inner = (*exc.args, getattr(exc, "reason", None), exc.__cause__, exc.__context__)
        waiting += [found for found in inner if isinstance(found, BaseException)]
