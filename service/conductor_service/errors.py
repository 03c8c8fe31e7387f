"""The errors of the service; each carries the HTTP status and the `code` that docs/api.md promises.

ConductorError
└── ApiError                  any answer that is not 2xx
    ├── Invalid               400: a field of the request is malformed or unknown
    ├── Unauthenticated       401: no, wrong, expired or revoked token
    ├── NotPermitted          403: the token is of the wrong kind or lacks the right
    ├── Absent                404: there is no such thing, or the token may not know of it
    ├── PreviewLost           404: the store has lost the picture of an output
    ├── NotAllowedNow         409: a move that the state machine forbids, with the moves it allows
    ├── ObjectsMissing        409: a manifest names objects that the store lacks
    ├── PartsMissing          409: the end of an upload whose parts have not all come
    ├── StaleAttempt          409: a report under an old fencing token
    ├── LogOffset             409: a log chunk that does not start where the held log ends
    ├── Retired               410: this instance is to shut down
    ├── TooLarge              413
    ├── WrongContent          422: bytes that do not hash to their name
    └── Busy                  503: try again in a moment
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conductor_core.errors import ConductorError


class ApiError(ConductorError):
    """Answer a request with an error document.

    Attributes:
        status: the HTTP status.
        code: the word that programs look at.
        extra: further fields of the error document.
        headers: further headers of the answer.
    """

    status = 500
    code = "internal"

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.extra: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def document(self) -> Mapping[str, Any]:
        """Return the JSON of the answer."""
        return {"error": {"code": self.code, "message": self.what, "next": self.next_step, **self.extra}}


class Invalid(ApiError):
    """Name the field of a request that is wrong."""

    status = 400
    code = "invalid"

    def __init__(self, field: str, reason: str, next_step: str = "") -> None:
        super().__init__(f"Field {field!r} {reason}.", next_step)
        self.extra["field"] = field


class Unauthenticated(ApiError):
    """The request carries no token that this service knows."""

    status = 401
    code = "unauthorized"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "Sign in with `conductor login URL --token-file PATH`.")
        self.headers["WWW-Authenticate"] = "Bearer"


class NotPermitted(ApiError):
    """The token is good but of the wrong kind, or lacks the right."""

    status = 403
    code = "forbidden"


class Absent(ApiError):
    """There is no such thing for this token."""

    status = 404
    code = "not-found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no {kind} {name!r}.", "Check the name, and that you are signed in to the right account.")


class PreviewLost(ApiError):
    """The store has lost the picture of an output; the output itself is another object."""

    status = 404
    code = "not-found"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The preview of {path} is lost: the store no longer has it.",
            "Retrying its frame makes a new one; the file itself is apart.",
        )


class NotAllowedNow(ApiError):
    """The state machine forbids the move; `allowed` names those it allows, `next_step` what helps where none of them does."""

    status = 409
    code = "not-allowed-now"

    def __init__(self, what: str, *, allowed: Sequence[str] = (), next_step: str = "") -> None:
        possible = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing can be done with it now."
        super().__init__(what, next_step or possible)
        self.allowed = tuple(allowed)
        self.extra["allowed"] = list(allowed)


class ObjectsMissing(ApiError):
    """A manifest names objects that the project does not have."""

    status = 409
    code = "objects-missing"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"The manifest names {len(missing)} objects that are not in the store.", "Upload them, then commit again."
        )
        self.extra["missing"] = list(missing)


class PartsMissing(ApiError):
    """Not all parts of an upload have come."""

    status = 409
    code = "parts-missing"

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(f"{len(numbers)} parts have not come yet.", "Send them, then end the upload again.")
        self.extra["parts"] = list(numbers)


class StaleAttempt(ApiError):
    """The attempt is no longer the current one of its task, or never had this fencing token."""

    status = 409
    code = "stale-attempt"

    def __init__(self, attempt: str, reason: str) -> None:
        super().__init__(f"Attempt {attempt} may not report any more: {reason}.", "Stop its work and ask for the next task.")


class LogOffset(ApiError):
    """A log chunk does not start where the held log ends."""

    status = 409
    code = "log-offset"

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(f"The log holds {size} bytes, the chunk starts at {offset}.", f"Send from byte {size}.")
        self.headers["X-Log-Size"] = str(size)


class Retired(ApiError):
    """The instance is to shut down."""

    status = 410
    code = "retire"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This instance is retired: {reason}.", "Say goodbye and shut down.")


class TooLarge(ApiError):
    """The body is larger than the settings allow."""

    status = 413
    code = "too-large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"{size} bytes are more than the {limit} that this service takes at once.", "Raise the limit in its settings."
        )


class WrongContent(ApiError):
    """The bytes do not hash to the digest that they were sent as."""

    status = 422
    code = "wrong-content"


class Busy(ApiError):
    """The service cannot take the request at this moment."""

    status = 503
    code = "busy"

    def __init__(self, reason: str, next_step: str = "", *, retry_after: int = 1) -> None:
        super().__init__(reason, next_step or f"Try again in {retry_after} s.")
        self.headers["Retry-After"] = str(retry_after)
