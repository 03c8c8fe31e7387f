"""What the panel may ask beside submissions and downloads: one route each (docs/api.md, "The agent's local channel")."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from conductor_core.agent.channel import Answer, Route
from conductor_core.agent.checks import Checks
from conductor_core.agent.offers import Offers
from conductor_core.agent.snapshots import Snapshots
from conductor_core.documents import from_json, to_json
from conductor_core.errors import InvalidDocument
from conductor_core.submission import Submission


class Panel:
    """Answer panels, each from what it is made of."""

    def __init__(self, *, checks: Checks, offers: Offers, snapshots: Snapshots) -> None:
        self._checks = checks
        self._offers = offers
        self._snapshots = snapshots

    def routes(self) -> tuple[Route, ...]:
        """Return all that can be asked."""
        return (
            _route("GET", "/v1/offer", self._offer),
            _route("POST", "/v1/estimates", self._estimate),
            _route("POST", "/v1/snapshots", self._snapshot),
            _route("POST", "/v1/checks", self._start_check, 202),
            _route("GET", "/v1/checks/([0-9a-f-]{1,64})", self._check),
        )

    def _offer(self, request: Mapping[str, Any]) -> Answer:
        return _object(self._offers.offer(str(request.get("service", ""))))

    def _estimate(self, request: Mapping[str, Any]) -> Answer:
        return _object(self._offers.estimate(from_json(Submission, request.get("submission"))))

    def _snapshot(self, request: Mapping[str, Any]) -> Answer:
        return {"file": self._snapshots.place(str(request.get("submission", "")), str(request.get("scene", "")))}

    def _start_check(self, request: Mapping[str, Any]) -> Answer:
        project, panel = str(request.get("project", "")), str(request.get("panel", ""))
        if not project:
            raise InvalidDocument("request", "project", "must be named: what is there already is known for each project")
        return {"id": self._checks.start(absolute_paths(request), project=project, panel=panel)}

    def _check(self, request: Mapping[str, Any], identity: str) -> Answer:
        return _object(self._checks.answer(identity, int_field(request, "after", 0)))


def absolute_paths(request: Mapping[str, Any]) -> list[str]:
    """Return `files` of a request.

    Raises:
        InvalidDocument: they are something else than absolute paths.
    """
    files = request.get("files", [])
    if not isinstance(files, list) or not all(isinstance(f, str) and os.path.isabs(f) for f in files):
        raise InvalidDocument("request", "files", "must be a list of absolute paths")
    return files


def int_field(request: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number of a request, which a query has as text.

    Raises:
        InvalidDocument: it is none.
    """
    value = str(request.get(name, default))
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise InvalidDocument("request", name, "must be a whole number")
    return int(value)


def _route(method: str, pattern: str, answer: Callable[..., Answer], status: int = 200) -> Route:
    return Route(method, re.compile(pattern), answer, status)


def _object(value: Any) -> Mapping[str, Any]:
    return dict(to_json(value))
