"""How many parts of files may be open at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import conductor_core
import pytest
from conductor_core.transfer.open_parts import OpenParts

ASKED = """
import resource, sys
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from conductor_core.transfer.open_parts import OPEN, most_open, open_more
before = most_open()
open_more()
taken = sum(OPEN.take() for _ in range(5000))
print(before, resource.getrlimit(resource.RLIMIT_NOFILE)[0], taken)
"""


def test_no_more_are_open_than_may_be() -> None:
    """What is given back may be taken again."""
    parts = OpenParts(2)
    assert [parts.take() for _ in range(3)] == [True, True, False]
    parts.give_back()
    assert (parts.open(), parts.take(), parts.take()) == (1, True, False)
    parts.allow(3)
    assert (parts.take(), parts.open()) == (True, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "before", "after", "taken"),
    [(1024, 4400, 384, 4352, 2048), (1024, 1024, 384, 1024, 384), (100, 100, 0, 100, 0), (4400, 4400, 2048, 4400, 2048)],
    ids=["as systems are", "no more to be had", "hardly any", "more than needed"],
)
def test_an_agent_opens_as_many_as_it_may(soft: int, hard: int, before: int, after: int, taken: int) -> None:
    """Up to what it needs; of what it has, all but parts keeps its share, and nothing is made less."""
    words = [sys.executable, "-c", ASKED, str(soft), str(hard)]
    environ = {"PYTHONPATH": str(Path(conductor_core.__file__).parents[1])}
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    assert [int(word) for word in ran.stdout.split()] == [before, after, taken]
