"""The host goes on while the panel works: five thousand dependencies, and no turn of the event loop takes longer than 50 ms.

The rule: what counts is the processor time that Qt's own thread spends between two turns of the loop (`stall_course.py`), the least
of some courses, each in a Python of its own. Time in which the machine does something else is not ours; and a wait, which costs
no processor time, is found by the course's agent, which refuses to be asked on that thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
DEPENDENCIES = 5_000
#: seconds
HELD, OPENED = 0.050, 0.5
#: courses until one is within the limits: on a machine with two tests on each core everything costs up to twice as much
COURSES = 4
PARTS = ("scan", "check", "submit", "jobs")


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Give the courses that were run: no more than needed."""
    ran: list[dict[str, Any]] = []
    while len(ran) < COURSES and not (ran and _within(ran)):
        ran.append(_course(tmp_path_factory.mktemp("course")))
    return ran


def test_the_scene_is_large_and_the_course_is_whole(courses: list[dict[str, Any]]) -> None:
    """All that there is was found, and the job was submitted once."""
    for course in courses:
        assert course["entries"] == {"Dependency": DEPENDENCIES - 99, "Missing": 99}
        assert course["submitted"] == 1
        assert set(PARTS) <= set(course["longest"])


@pytest.mark.parametrize("part", PARTS)
def test_the_host_goes_on(courses: list[dict[str, Any]], part: str) -> None:
    """While the scene is scanned, compared with the store, submitted and followed, nothing holds the host for more than 50 ms."""
    assert _least(courses, part) <= HELD, [course["worst"].get(part) for course in courses]


def test_the_panel_opens_in_half_a_second(courses: list[dict[str, Any]]) -> None:
    """From the click to the painted window, the loading of our code included."""
    assert _opened(courses) < OPENED


def test_what_holds_the_loop_is_seen(tmp_path: Path) -> None:
    """A host whose pieces take 80 ms each is told from a good one: the measure can fail."""
    course = _course(tmp_path, PIECE="0.08", COUNT="60")
    assert course["longest"]["scan"] > HELD


def _within(courses: list[dict[str, Any]]) -> bool:
    return _opened(courses) < OPENED and all(_least(courses, part) <= HELD for part in PARTS)


def _opened(courses: list[dict[str, Any]]) -> float:
    return min(float(course["opening"]["processor"]) for course in courses)


def _least(courses: list[dict[str, Any]], part: str) -> float:
    return min(float(course["longest"][part]) for course in courses)


def _course(folder: Path, **settings: str) -> dict[str, Any]:
    code = os.pathsep.join(str(REPO / name) for name in ("core", "plugins", "tests"))
    (folder / "scene").mkdir()
    environment = {
        **os.environ,
        **settings,
        "PYTHONPATH": code,
        "QT_QPA_PLATFORM": "offscreen",
        "CONDUCTOR_HOME": str(folder / "home"),
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # what counts the lines of other tests would count as ours
    environment = {name: value for name, value in environment.items() if not name.startswith(("COVERAGE_", "COV_"))}
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("stall_course.py")), str(folder / "scene")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))
