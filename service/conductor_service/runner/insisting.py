"""Keep what is rendered until the service takes it: rendering it again would cost a frame and help nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from conductor_core.errors import ServiceError

from conductor_service.runner.errors import NotTaken, TaskFailed, passes, service_is_gone
from conductor_service.runner.holding import Holding

_log = logging.getLogger(__name__)

T = TypeVar("T")


def insist(holding: Holding, path: str, call: Callable[[], T], *, ending: Callable[[], bool]) -> T:
    """Make a call that has to do with the output `path` until the service takes it, for as long as the attempt is ours.

    Each `call` has a patience of its own; a store without room may take longer. Beats keep the lease meanwhile, and the
    service says when it is over: an attempt that was killed or taken over is stale.

    Args:
        holding: the attempt.
        path: for the sentences.
        call: what to do; it may be done twice without harm.
        ending: tells whether the instance is being ended, so that there is no more time.

    Raises:
        StaleAttempt: the lease is gone, or the job was killed.
        NotTaken: the service fails on this call, or the instance is being ended.
        TaskFailed: the service refuses the output.
        ServiceError: the service is gone.
    """
    while True:
        try:
            return call()
        except ServiceError as exc:
            if service_is_gone(exc):
                raise
            if not passes(exc) and exc.status < 500:
                raise TaskFailed("internal", f"{path} was rendered, but the service refused it: {exc}") from exc
            if ending() or not passes(exc):
                raise NotTaken(path, exc) from exc
            _log.warning("attempt %s: %s waits: %s", holding.ref.id, path, exc)
            holding.log.say(f"{path} is rendered and waits to be stored: {exc}")
