"""What each cause of a failure asks for: pure tables, which `states.py` and `hand_out.py` go by.

A retry costs a whole render, and a failure that the same files and software give again costs it for nothing. Preemption and
loss of an instance are nobody's fault and are counted apart (`Retries.preemption`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta

from conductor_core.submission import Retries


class Again(enum.Enum):
    """How often a task is tried again after a failure."""

    #: the same files and software will fail again: somebody has to mend them
    NEVER = "never"
    #: it may have been the instance, or the moment; twice is no accident, and each try costs up to a whole frame
    ONCE = "once"
    #: as often as the submission allows
    AS_ASKED = "as asked"
    #: as long as the farm's patience lasts, and not counted (`licences.py`); as asked where it has none
    WAITS = "waits"
    #: by the count of preemptions
    APART = "apart"


POLICY: Mapping[str, Again] = {
    "missing-file": Again.NEVER,
    "scene-load": Again.NEVER,
    "software-missing": Again.NEVER,
    "user": Again.NEVER,
    "out-of-memory": Again.ONCE,
    "time-out": Again.ONCE,
    "no-progress": Again.ONCE,
    "bad-output": Again.ONCE,
    "crashed": Again.AS_ASKED,
    "exit-code": Again.AS_ASKED,
    "licence": Again.WAITS,
    "disk-full": Again.AS_ASKED,
    "internal": Again.AS_ASKED,
    "preempted": Again.APART,
    "lost-instance": Again.APART,
}

#: how long an instance is kept from a task that failed on it while another lives that could take it: long enough for one that
#: comes up or ends its frame, short beside what a lost frame costs
ELSEWHERE_FOR = timedelta(seconds=30)


def is_last_try(failures: int, cause: str, retries: Retries, *, same: int) -> bool:
    """Tell whether a task that has failed so often is given up if it fails of this cause now.

    Args:
        failures: how often it failed before, of whatever cause.
        same: how often of this cause.
    """
    again = POLICY.get(cause, Again.AS_ASKED)
    if again is Again.NEVER or failures >= retries.failure:
        return True
    return again is Again.ONCE and same >= 1
