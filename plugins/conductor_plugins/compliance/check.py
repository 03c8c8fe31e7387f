"""What a check is, and how all of them are run."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from conductor_plugins.compliance.world import HostWorld
from conductor_plugins.host import HostRefused

#: seconds of the main thread that one question may take
AT_ONCE = 0.05
#: how often a question is asked to see what it costs: the quickest counts, since the others had to share the processor
TRIES = 5

Check = Callable[[HostWorld], None]

_CHECKS: dict[str, Check] = {}
_PLAIN = (str, int, float, bool, bytes, type(None))


class NotCompliant(AssertionError):
    """A host does not keep a promise; the text says which, and what was seen instead."""


class CannotBeTried(Exception):
    """A promise cannot be tried in this host as it runs now; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check."""

    #: of the check's function
    name: str
    #: what it checks, in a sentence
    promise: str
    #: what was seen instead; "": the promise is kept
    problem: str = ""
    #: why it could not be tried; "": it was
    untried: str = ""


def check(function: Check) -> Check:
    """Register a check under its own name; its docstring is the promise."""
    _CHECKS[function.__name__] = function
    return function


def checks() -> dict[str, Check]:
    """Return all checks by name."""
    from conductor_plugins.compliance import answers, dependencies, files, settings  # noqa: F401 - they register themselves

    return dict(_CHECKS)


def complied(make_world: Callable[[Path], HostWorld], folder: Path) -> list[Outcome]:
    """Run every check, each in a world and a folder of its own."""
    outcomes = []
    for name, function in checks().items():
        own = folder / name
        own.mkdir(parents=True)
        outcomes.append(outcome(name, function, make_world(own)))
    return outcomes


def outcome(name: str, function: Check, world: HostWorld) -> Outcome:
    """Run one check; whatever a host raises that it must not is a promise broken."""
    promise = (function.__doc__ or "").partition("\n")[0]
    try:
        function(world)
    except CannotBeTried as exc:
        return Outcome(name, promise, untried=str(exc))
    except NotCompliant as exc:
        return Outcome(name, promise, problem=str(exc))
    except Exception as exc:  # noqa: BLE001 - the border between the suite and a host that may do anything
        return Outcome(name, promise, problem=f"It raised {type(exc).__name__}: {exc}")
    return Outcome(name, promise)


def need(kept: object, what: str) -> None:
    """Refuse the host unless something is so.

    Raises:
        NotCompliant: with the sentence.
    """
    if not kept:
        raise NotCompliant(what)


def need_equal(seen: object, wanted: object, what: str) -> None:
    """Refuse the host unless it answered what it must."""
    need(seen == wanted, f"{what}: it should be {wanted!r}, and is {seen!r}.")


def need_refusal(call: Callable[[], object], what: str) -> None:
    """Refuse the host unless it refuses, with a sentence."""
    try:
        call()
    except HostRefused as exc:
        need(len(str(exc).split()) > 2, f"{what} is refused with {str(exc)!r}, which tells nobody what to do.")
        return
    raise NotCompliant(f"{what} should be refused (HostRefused), and is not.")


def need_value(value: object, where: str) -> None:
    """Refuse the host unless something is a value through and through: it can go to another thread or process as it is."""
    _walk(value, where)
    try:
        again = pickle.loads(pickle.dumps(value))  # noqa: S301 - of our own making, just now
    except Exception as exc:
        raise NotCompliant(f"{where} cannot be copied to another process ({type(exc).__name__}: {exc}).") from exc
    need(again == value, f"{where} is another value once it was copied to another process.")


def _walk(value: Any, where: str) -> None:
    if type(value) in _PLAIN or isinstance(value, Enum):
        return
    if isinstance(value, (tuple, frozenset)):
        for number, item in enumerate(value):
            _walk(item, f"{where}[{number}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _walk(key, f"a key of {where}")
            _walk(item, f"{where}[{key!r}]")
    elif is_dataclass(value) and not isinstance(value, type):
        need(type(value).__dataclass_params__.frozen, f"{where} can be changed by whoever holds it.")  # type: ignore[attr-defined]
        for one in fields(value):
            _walk(getattr(value, one.name), f"{where}.{one.name}")
    else:
        raise NotCompliant(f"{where} is no plain value but a {type(value).__module__}.{type(value).__qualname__}.")


def need_at_once(call: Callable[[], object], what: str) -> None:
    """Refuse the host if a question always holds the main thread for longer than it may."""
    seconds = min(_held(call) for _ in range(TRIES))
    need(seconds <= AT_ONCE, f"{what} holds the main thread for {seconds * 1000:.0f} ms; {AT_ONCE * 1000:.0f} are allowed.")


def _held(call: Callable[[], object]) -> float:
    """Return the processor seconds of this thread, which other programs of the machine do not add to."""
    start = time.thread_time()
    call()
    return time.thread_time() - start
