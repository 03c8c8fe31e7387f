"""A line of what the smoke script of a host prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one thing that was tried."""

    #: `ok`, `FAILED` or `untried`
    verdict: str
    what: str
    said: str = ""

    def __str__(self) -> str:
        """Return it as it is printed."""
        return f"{self.verdict:9} {self.what}" + (f": {self.said}" if self.said else "")
