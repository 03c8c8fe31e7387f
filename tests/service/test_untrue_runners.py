"""A runner that was taken over says untrue things: each is refused or made harmless, and is never a defect of the service."""

from __future__ import annotations

import json
from typing import Any

import pytest

SAID = {
    "progress that is no number": ("beat", '"progress": NaN'),
    "progress without end": ("beat", '"progress": 1e999'),
    "progress beyond the end": ("beat", '"progress": 7'),
    "a status that is no text": ("beat", '"status": "\\ud800"'),
    "a status with a NUL": ("beat", '"status": "a\\u0000b"'),
    "memory beyond any": ("beat", f'"peak_memory": {10**30}'),
    "memory below nothing": ("beat", '"peak_memory": -5'),
    "a frame beyond any": ("beat", f'"frame": {10**30}'),
    "a message that is no text": ("finish", '"state": "failed", "cause": "crashed", "message": "\\ud800"'),
    "a message with a NUL": ("finish", '"state": "failed", "cause": "crashed", "message": "a\\u0000b"'),
    "an exit code beyond any": ("finish", f'"state": "failed", "cause": "crashed", "exit_code": {10**30}'),
    "frames beyond any": ("finish", f'"state": "failed", "cause": "crashed", "frames_done": [{10**30}]'),
    "brackets without end": ("finish", f'"state": "failed", "frames_done": {"[" * 100_000}'),
}


@pytest.mark.parametrize(("route", "said"), SAID.values(), ids=SAID.keys())
def test_what_no_runner_would_say(studio: Any, route: str, said: str) -> None:
    """2xx or 4xx, never 5xx; the job can be read afterwards, and its other tasks are rendered."""
    job = studio.job(studio.commands("1-2"))
    runner = studio.runner()
    attempt = runner.take()["attempt"]
    body = f'{{"fence": {attempt["fence"]}, {said}}}'
    studio.clock.pass_time(30)
    answer = runner.ask("POST", f"/attempts/{attempt['id']}/{route}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text
    tasks = studio.tasks(job)
    assert json.dumps(tasks, allow_nan=False)
    assert 0.0 <= tasks[0]["progress"] <= 1.0
    assert "\0" not in json.dumps(studio.get(f"/tasks/{tasks[0]['id']}"), ensure_ascii=False)
    runner.render(runner.take())
    assert "success" in studio.states(job)
