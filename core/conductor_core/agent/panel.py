"""What the panel may ask beside submissions and downloads: one route each (docs/api.md, "The agent's local channel")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from conductor_core.agent.channel import Answer, Route
from conductor_core.agent.offers import Offers
from conductor_core.documents import from_json, to_json
from conductor_core.submission import Submission


class Panel:
    """Answer panels, each from what it is made of."""

    def __init__(self, *, offers: Offers) -> None:
        self._offers = offers

    def routes(self) -> tuple[Route, ...]:
        """Return all that can be asked."""
        return (
            _route("GET", "/v1/offer", self._offer),
            _route("POST", "/v1/estimates", self._estimate),
        )

    def _offer(self, request: Mapping[str, Any]) -> Answer:
        return _object(self._offers.offer(str(request.get("service", ""))))

    def _estimate(self, request: Mapping[str, Any]) -> Answer:
        return _object(self._offers.estimate(from_json(Submission, request.get("submission"))))


def _route(method: str, pattern: str, answer: Callable[..., Answer], status: int = 200) -> Route:
    return Route(method, re.compile(pattern), answer, status)


def _object(value: Any) -> Mapping[str, Any]:
    return dict(to_json(value))
