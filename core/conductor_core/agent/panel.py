"""What the panel may ask beside submissions and downloads: one route each (docs/api.md, "The agent's local channel")."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from conductor_core.agent.channel import Answer, Lines, Route
from conductor_core.agent.checks import Checks
from conductor_core.agent.offers import Offers
from conductor_core.agent.presets import Presets
from conductor_core.agent.readings import Question, Readings
from conductor_core.agent.scene_jobs import SceneJobs
from conductor_core.agent.snapshots import Snapshots
from conductor_core.documents import from_json, to_json
from conductor_core.errors import InvalidDocument
from conductor_core.submission import Exclusion, Submission

_IDENTITY = "([0-9A-Za-z_-]{1,64})"


class Panel:
    """Answer panels, each from what it is made of."""

    def __init__(
        self,
        *,
        checks: Checks,
        jobs: SceneJobs,
        offers: Offers,
        presets: Presets,
        readings: Readings,
        snapshots: Snapshots,
    ) -> None:
        self._checks = checks
        self._jobs = jobs
        self._offers = offers
        self._presets = presets
        self._readings = readings
        self._snapshots = snapshots

    def step(self) -> None:
        """Drop what no panel asks about any more; called again and again by the agent."""
        self._checks.step()

    def stop(self) -> None:
        """End what is under way for panels."""
        self._readings.stop()
        self._checks.stop()

    def routes(self) -> tuple[Route, ...]:
        """Return all that can be asked."""
        return (
            _route("GET", "/v1/offer", self._offer),
            _route("POST", "/v1/estimates", self._estimate),
            _route("POST", "/v1/snapshots", self._snapshot),
            _route("POST", "/v1/checks", self._start_check, 202),
            _route("GET", "/v1/checks/([0-9a-f-]{1,64})", self._check),
            _route("POST", "/v1/readings", self._reading),
            _route("GET", "/v1/jobs", self._scene_jobs),
            _route("POST", f"/v1/submissions/{_IDENTITY}/([a-z]{{1,20}})", self._move),
            _route("GET", f"/v1/submissions/{_IDENTITY}/preview", self._preview),
            _route("GET", "/v1/presets", self._all_presets),
            _route("POST", "/v1/presets", self._save_preset),
            _route("POST", "/v1/presets/remove", self._remove_preset),
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
        excluded = [from_json(Exclusion, data) for data in request.get("excluded") or ()]
        return {"id": self._checks.start(absolute_paths(request), project=project, panel=panel, excluded=excluded)}

    def _check(self, request: Mapping[str, Any], identity: str) -> Answer:
        return _object(self._checks.answer(identity, int_field(request, "after", 0)))

    def _reading(self, request: Mapping[str, Any]) -> Answer:
        return Lines(self._readings.read(from_json(Question, request, document="request")))

    def _scene_jobs(self, request: Mapping[str, Any]) -> Answer:
        scene = str(request.get("scene", ""))
        if not os.path.isabs(scene):
            raise InvalidDocument("request", "scene", "must be the absolute path of a file")
        return {"jobs": to_json(self._jobs.jobs(scene, limit=int_field(request, "limit", 20)))}

    def _move(self, request: Mapping[str, Any], identity: str, verb: str) -> Answer:
        job = self._jobs.move(identity, verb, reason=str(request.get("reason", "")))
        return None if job is None else _object(job)

    def _preview(self, _request: Mapping[str, Any], identity: str) -> Answer:
        return self._jobs.preview(identity)

    def _all_presets(self, request: Mapping[str, Any]) -> Answer:
        return {"presets": to_json(self._presets.all(_text(request, "project"), _text(request, "folders")))}

    def _save_preset(self, request: Mapping[str, Any]) -> Answer:
        values = request.get("values")
        if not isinstance(values, Mapping):
            raise InvalidDocument("request", "values", "must be an object")
        return _object(self._presets.save(_text(request, "name"), values, **_where(request)))

    def _remove_preset(self, request: Mapping[str, Any]) -> Answer:
        self._presets.remove(_text(request, "name"), **_where(request))
        return {"removed": True}


def _text(request: Mapping[str, Any], name: str) -> str:
    return str(request.get(name, ""))


def _where(request: Mapping[str, Any]) -> dict[str, str]:
    """Return where a preset is kept, as a request says it."""
    return {name: _text(request, name) for name in ("scope", "project", "folders")}


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
