"""The errors of the core; each takes data and builds its own sentence: what, where, what to do next.

ConductorError
├── FrameSpecError          a frame range that cannot be read
├── PathError               a path that is relative, malformed, or escapes its root
├── EnvironmentConflict     two sources disagree on an exclusive variable
├── InvalidDocument         JSON (submission, manifest, report) that does not fit its type
├── SettingsError           a YAML settings or catalogue file that does not fit its schema
├── SceneNotRead            a scene file that our own readers cannot read
├── TransferError           hashing, upload or download of a file failed
│   ├── FileChanged         a file changed while it was read
│   ├── FileVanished        a file is gone between scan and read
│   ├── ContentMismatch     bytes that do not hash to their name
│   ├── PackMalformed       many objects in one body that cannot be told apart
│   ├── LostByStore         a published file whose bytes the store has no more
│   ├── PlaceUnwritable     the file's place on this machine cannot be written now
│   ├── BroughtByAnother    another agent brings the same file right now
│   └── TransferCancelled   somebody stopped it
├── ServiceError            the service said no, or could not be asked
│   ├── ServiceUnreachable  connection, time-out, TLS
│   ├── Unauthorized        401: no, wrong, expired or revoked token
│   ├── Forbidden           403: the token lacks the right
│   ├── NotFound            404
│   ├── Conflict            409: a move the state machine forbids, or objects still missing
│   └── Refused             any other 4xx: the request itself is wrong
└── AgentError              the agent is not there, does not answer, or cannot do what it is asked
    ├── AgentGone           nobody listens any more where it was
    ├── NotTransferred      nothing of that job is sent or fetched by this agent
    └── JournalUnwritable   what it has to remember does not get onto the disk
"""

from __future__ import annotations

import re
import unicodedata


class ConductorError(Exception):
    """Carry a sentence that a person can act on.

    Attributes:
        what: what is wrong, naming the file, node or field.
        next_step: what to do about it; empty where there is nothing to do.
    """

    def __init__(self, what: str, next_step: str = "") -> None:
        self.what = what
        self.next_step = next_step
        super().__init__(f"{what} {next_step}".rstrip())


class FrameSpecError(ConductorError):
    """Say which part of a frame range cannot be read, and why.

    Attributes:
        spec: the whole text.
        part: the part that is wrong.
        reason: why, in words; for where the text itself stands beside them.
    """

    def __init__(self, spec: str, part: str, reason: str) -> None:
        self.spec = spec
        self.part = part
        self.reason = reason
        shown, part = _shortened(spec), _shortened(part)
        super().__init__(f"Frame range {shown!r}: {reason} in {part!r}.", "Write it like 1-10, 1-100x5 or 1,5,9-12.")


def _shortened(text: str) -> str:
    """Return what fits into a sentence: a range may be megabytes long."""
    return text if len(text) <= 80 else text[:79] + "…"


class PathError(ConductorError):
    """Say which path cannot be used.

    Attributes:
        path: the path as it was given.
    """

    def __init__(self, path: str, reason: str, next_step: str = "") -> None:
        self.path = path
        super().__init__(f"Path {path!r} {reason}.", next_step)


class EnvironmentConflict(ConductorError):
    """Name the variable and both sources that disagree on it."""

    def __init__(self, name: str, first: str, second: str, reason: str) -> None:
        self.name = name
        self.sources = (first, second)
        super().__init__(
            f"Environment variable {name}: {first} and {second} disagree ({reason}).",
            "Remove one of them, or give both the policy append or prepend.",
        )


class InvalidDocument(ConductorError):
    """Name the field of a JSON document that does not fit its type.

    Attributes:
        document: what is read: `Submission`, `Manifest`, …
        field: the dotted place in it: `steps[0].frames`; `(whole)` for the document itself.
        reason: what is wrong with it, as the end of a sentence.
    """

    def __init__(self, document: str, field: str, reason: str) -> None:
        self.document = document
        self.field = field
        self.reason = reason
        super().__init__(f"{document}: field {field!r} {reason}.")


class SettingsError(ConductorError):
    """Name the settings file and the field that does not fit."""

    def __init__(self, file: str, field: str, reason: str) -> None:
        self.file = file
        self.field = field
        super().__init__(f"{file}: {field} {reason}.", "Correct that line and start again.")


class SceneNotRead(ConductorError):
    """Say which scene file cannot be read without its host, and why.

    Attributes:
        reason: why, without the name of the file.
    """

    def __init__(self, file: str, reason: str, next_step: str = "Open it in its application and save it again.") -> None:
        self.reason = reason
        super().__init__(f"{file}: {reason}.", next_step)


class TransferError(ConductorError):
    """Name the file whose hashing, upload or download failed."""

    def __init__(self, path: str, reason: str, next_step: str = "") -> None:
        self.path = path
        super().__init__(f"{shown_name(path)}: {reason}.", next_step)


def shown_name(path: str) -> str:
    r"""Return a path as a sentence may have it: bytes that are no text as `\xff`, and nothing that a terminal would obey."""
    path = _LONG.sub(lambda prefix: r"\\" if prefix[1] else "", path)
    if path.isprintable():
        return path
    escaped = (c if unicodedata.category(c) not in _UNSHOWN else c.encode("unicode_escape").decode() for c in path)
    return _BYTE.sub(r"\\x\1", "".join(escaped))


#: what Windows wants before a long path, which is nothing to be read
_LONG = re.compile(r"\A\\\\\?\\(UNC\\)?")
#: control characters, halves of characters, and what turns the direction of writing
_UNSHOWN = frozenset({"Cc", "Cs", "Cf"})
#: what Python makes of a byte of a name that is no text (PEP 383), escaped
_BYTE = re.compile(r"\\udc([89a-f][0-9a-f])")


class FileChanged(TransferError):
    """The file changed while it was being read."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "changed while Conductor was reading it", "Wait until it is written, then submit again.")


class FileVanished(TransferError):
    """The file was there at scan time and is gone now."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "was there when the scene was scanned and is gone now", "Restore it, or scan again.")


class ContentMismatch(TransferError):
    """The bytes do not hash to the digest they are named by."""

    def __init__(self, path: str, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(path, f"has content {actual} where {expected} was promised", "It is fetched again, or refused.")


class PackMalformed(TransferError):
    """A body of many objects is not what it should be.

    Attributes:
        reason: what is wrong with it, as the end of a sentence.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("A pack of files", reason, "It is sent again, or refused.")


class LostByStore(TransferError):
    """The store has lost the bytes of a published file; only rendering it again brings them back."""

    def __init__(self, path: str, job_number: int, frame: int | None, step: str = "") -> None:
        self.frame = frame
        what = "the file" if frame is None else f"frame {frame}"
        if frame is None and step:  # a film or a cache is its step's alone
            chosen = f' --step "{step}"' if re.search(r"[^\w.-]", step) else f" --step {step}"
        else:
            chosen = " --state success" if frame is None else f" --frames {frame}"
        super().__init__(
            path,
            f"is lost: the store no longer has the bytes of {what}",
            f"Render it again, and it comes home: conductor retry {job_number}{chosen}",
        )


class PlaceUnwritable(TransferError):
    """The place of a file on this machine cannot be written now; it is tried again by itself."""


class BroughtByAnother(TransferError):
    """Another process of this or another machine brings the same bytes to the same place at this moment."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "is being brought home by another agent right now", "It is looked at again by itself.")


class TransferCancelled(TransferError):
    """Somebody stopped the transfer."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "was not transferred: the transfer was cancelled")


class ServiceError(ConductorError):
    """The service said no, or could not be asked.

    Attributes:
        status: the HTTP status, 0 where there was no answer.
        code: the service's word for it (`error.code` in its JSON), empty where there was none.
    """

    def __init__(self, what: str, next_step: str = "", *, status: int = 0, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(what, next_step)


class ServiceUnreachable(ServiceError):
    """No connection, a time-out, or TLS that does not verify."""


class Unauthorized(ServiceError):
    """No token, or a wrong, expired or revoked one."""


class Forbidden(ServiceError):
    """The token is good, but does not have the right."""


class NotFound(ServiceError):
    """There is no such thing, or this token may not know of it."""


class Conflict(ServiceError):
    """The move is not allowed now.

    Attributes:
        allowed: the moves that are allowed.
        missing: the digests that the store lacks, for a manifest that names them.
    """

    def __init__(
        self, what: str, next_step: str = "", *, code: str = "", allowed: tuple[str, ...] = (), missing: tuple[str, ...] = ()
    ) -> None:
        self.allowed = allowed
        self.missing = missing
        super().__init__(what, next_step, status=409, code=code)


class Refused(ServiceError):
    """The request itself is wrong; sending it again will not help."""


class AgentError(ConductorError):
    """The agent is not there, does not answer, or cannot do what it is asked."""


class AgentGone(AgentError):
    """Nobody listens any more where the agent was, or another one does: it ended, and may be started again."""


class NotTransferred(AgentError):
    """Nothing of a job is sent or fetched by this agent."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(
            f"This machine's agent neither sends nor fetches anything of job {job}.", "What it does: conductor transfers"
        )


class JournalUnwritable(AgentError):
    """What the agent has to remember does not get onto its disk; it goes on when it does."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be written ({reason}).",
            "Make room on that disk, and see that you may write there; the agent goes on by itself.",
        )
