"""Cases that only the full run has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

#: a case that fails like another one which every run has
TWIN = pytest.mark.skipif(os.environ.get("CI") != "true", reason="a twin of a case that every run has: full run only (CI=true)")


def cases(table: Mapping[str, tuple[Any, ...]], *always: str) -> list[Any]:
    """Return the parameters of a table of cases; those that are not named here are twins of one that is."""
    assert set(always) <= set(table), set(always) - set(table)
    return [pytest.param(*case, id=name, marks=() if name in always else TWIN) for name, case in table.items()]
