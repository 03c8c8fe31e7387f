"""Environment variables with a policy. (contract; being filled in)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["append", "prepend", "exclusive"]


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable of a job, and how it joins what the instance's software package sets."""

    name: str
    value: str
    policy: Policy = "exclusive"
    #: who wants it (`scene`, `studio preset`, …), named in conflicts
    source: str = ""
