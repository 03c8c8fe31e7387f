"""What software says when it gets no licence: one table, each row with its source, and a reader that goes along with a log.

Three kinds. `refused`: it says no; whether that mattered shows at the end. `watermark`: it goes on, and each picture that comes of it
is to be rendered again. `waits`: it asks again and again by itself, and the instance is paid meanwhile: the farm waits better.
A watermark that the artist has asked for (no licence check, a learning edition) is none of these.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["refused", "watermark", "waits"]

#: software that waits for a licence is left this long to get one: shorter than a start of the software costs
WAITS_SECONDS = 60.0
#: of a line; what stands further right is no sentence of a licence server
_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Words:
    """How one piece of software says that it has no licence."""

    software: str
    kind: Kind
    #: a regular expression; case does not matter
    pattern: str
    #: a line that it is for
    line: str
    source: str


_MAYA = "github.com/aws-deadline/deadline-cloud-for-maya, MayaAdaptor/adaptor.py"
_SAMPLES = "github.com/aws-deadline/deadline-cloud-samples, Maya on Linux, Troubleshooting"
_NUKE = "github.com/aws-deadline/deadline-cloud-for-nuke, NukeAdaptor/adaptor.py and its tests"
_HOUDINI = "github.com/CGRU/cgru, afanasy/python/parsers/mantra.py and hbatch.py; deadline-cloud-for-houdini"
_ARNOLD = "arnoldsupport.com/2014/03/19/rlm-the-curious-case-of-the-missing-log-entries"
_FLEX = "FlexNet Publisher License Administration Guide, error codes (lmerrors)"
_RLM = "RLM License Administration, Appendix A: RLM status values"

TABLE: tuple[Words, ...] = (
    Words("Maya", "refused", r"license was not obtained", "Error 20: License was not obtained", _SAMPLES),
    Words(
        "Maya",
        "refused",
        r"error encountered when initializing maya - please check for sufficient disk space",
        "RuntimeError: Error encountered when initializing Maya - Please check for sufficient disk space and necessary write"
        " permissions of MAYA_APP_DIR.",
        _MAYA,
    ),
    Words(
        "Arnold",
        "refused",
        r"aborting render because (?:the abort_on_license_fail|.*abort_on_license_fail option is enabled)",
        "ERROR | aborting render because the abort_on_license_fail option was enabled",
        _MAYA,
    ),
    Words(
        "Arnold",
        "watermark",
        r"rendering with watermarks because of failed authorization",
        "00:00:01 514MB WARNING | rendering with watermarks because of failed authorization:",
        "github.com/CGRU/cgru, afanasy/python/parsers/arnold.py",
    ),
    Words(
        "Arnold",
        "refused",
        r"\[clm[^\]]*\].{0,40}(?:checkout error|error \()",
        "[clm.v1] generic license checkout error (22)",
        _SAMPLES,
    ),
    Words(
        "Arnold",
        "refused",
        r"\[rlm\].{0,20}(?:could not connect to any license server|error checking out license|wrong license version)",
        "00:00:10 444MB WARNING | [rlm] could not connect to any license server",
        _ARNOLD,
    ),
    Words("V-Ray", "refused", r"could not obtain a license", "error: Could not obtain a license", _SAMPLES),
    Words(
        "Redshift", "refused", r"maxon licensing error", "Redshift Error: Maxon licensing error: User not logged in (7)", _SAMPLES
    ),
    Words(
        "RenderMan",
        "refused",
        r"\{severe\}\s+licen[cs]e",
        "R50006 {SEVERE} License error: no license for PhotoRealistic-RenderMan",
        _MAYA,
    ),
    Words("Nuke", "refused", r"a license for \w+ was not found", "A license for nuke was not found", _NUKE),
    Words("Nuke", "refused", r"foundry license error report", "FOUNDRY LICENSE ERROR REPORT", _NUKE),
    Words("Nuke", "refused", r"rlm ?: a suitable license does not exist", "RLM : A suitable license does not exist.", _NUKE),
    Words(
        "Houdini, Mantra, Karma",
        "refused",
        r"no licenses could be found to run this application",
        "No licenses could be found to run this application.",
        _HOUDINI,
    ),
    Words(
        "Houdini, Mantra, Karma",
        "refused",
        r"please check for a valid license server host",
        "Please check for a valid license server host",
        _HOUDINI,
    ),
    Words("FlexNet", "refused", r"flexnet licensing error: ?-\d+", "FlexNet Licensing error:-4,132", _FLEX),
    Words("FlexNet", "refused", r"licensed number of users already reached", "Licensed number of users already reached.", _FLEX),
    Words("FlexNet", "refused", r"cannot connect to license server", "Cannot connect to license server system.", _FLEX),
    Words("RLM", "refused", r"all licenses in use", "checkout of redshift-core failed: All licenses in use (-22)", _RLM),
    Words(
        "RLM", "refused", r"communications error with license server", "* Communications error with license server (-17)", _RLM
    ),
    Words("RLM", "refused", r"no license for product \(-1\)", "No license for product (-1)", _RLM),
    Words(
        "any",
        "waits",
        r"(?:wait(?:ing)?|queu(?:ed|e|ing)) (?:for|on) (?:an? |the )?(?:[\w.-]+ ){0,3}licen[cs]e\b",
        "Queuing for License of prman",
        "FlexNet Publisher: FLEXLM queueing (lm_checkout with LM_CO_QUEUE)",
    ),
    Words(
        "any",
        "waits",
        r"no licen[cs]e.{0,60}(?:retrying|trying again|will retry)",
        "No license available, retrying in 10 s",
        "as above",
    ),
    Words(
        "any",
        "refused",
        r"licen[cs](?:e|ing) (?:error|failed|failure|not (?:found|available)|check ?out (?:failed|error))",
        "ERROR: License checkout failed",
        "what every one of them has been seen to say in some version",
    ),
    Words(
        "any",
        "refused",
        r"(?:could not|unable to|failed to) (?:obtain|acquire|get|find|check ?out) (?:an? |any )?(?:[\w.-]+ ){0,2}licen[cs]e",
        "Unable to acquire a license",
        "as above",
    ),
)
_READERS = tuple((words, re.compile(words.pattern, re.IGNORECASE)) for words in TABLE)
#: what no line of the table lacks: most of a log is looked at for this alone
_HINT = re.compile(rb"licen|watermarks because|initializing maya|rlm", re.IGNORECASE)
#: a line that does not end a wait: it is about the same
_OF_THE_WAIT = re.compile(r"licen[cs]e|wait|retry|queu", re.IGNORECASE)


def words_of(line: str) -> Words | None:
    """Return the row of the table that a line of a log is, or None."""
    return next((words for words, reader in _READERS if reader.search(line)), None)


def refusal_in(text: str) -> str:
    """Return the first line of a text by which software says that it has no licence; "" where there is none."""
    return next((line.strip() for line in text.splitlines() if words_of(line)), "")


class LicenceSigns:
    """Read a log as it comes, from any thread, for signs that the software has no licence."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rest = b""
        #: the first line that says no; "": none
        self.refused = ""
        #: the line that tells of a watermark
        self.watermark = ""
        #: the line of software that waits, and since when; a line about something else ends it
        self._waits: tuple[str, float] | None = None

    def read(self, data: bytes) -> None:
        """Take more of the log."""
        with self._lock:
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()[-_LINE_BYTES:]
            for line in lines:
                self._note(line[:_LINE_BYTES])

    def _note(self, line: bytes) -> None:
        if not line.strip():
            return
        text = line.decode(errors="replace").strip()
        words = words_of(text) if _HINT.search(line) else None
        if words is None:
            if self._waits is not None and not _OF_THE_WAIT.search(text):
                self._waits = None
        elif words.kind == "waits":
            self._waits = self._waits or (text, self._clock())
        elif words.kind == "watermark":
            self.watermark = self.watermark or text
        self.refused = self.refused or (text if words is not None and words.kind == "refused" else "")

    def lacking(self) -> str:
        """Return why it is of no use to let the software go on; "" where it may."""
        with self._lock:
            if self.watermark:
                return f"The software has no licence and renders with a watermark instead: {self.watermark}"
            if self._waits is not None and self._clock() - self._waits[1] > WAITS_SECONDS:
                return f"The software has waited for a licence for {WAITS_SECONDS:.0f} s: {self._waits[0]}"
        return ""
