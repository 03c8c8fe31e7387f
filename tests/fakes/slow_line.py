"""Who takes a body a byte at a time, as a line does that is nearly down."""

from __future__ import annotations

import threading

from conductor_core.errors import ConductorError
from conductor_core.transfer.sink import Readable

#: reads, so that a test ends in which nobody stops the sending
_MOST = 1_000


def read_slowly(body: Readable | bytes, going: threading.Event) -> ConductorError | None:
    """Read some of a body and say so by `going`; return what ended it, None where nothing did in ten seconds."""
    assert not isinstance(body, bytes)
    try:
        for _ in range(_MOST):
            body.read(1)
            going.set()
            threading.Event().wait(0.01)
    except ConductorError as exc:
        return exc
    return None
