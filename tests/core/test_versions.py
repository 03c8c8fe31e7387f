"""Which version of software serves for one that is asked for."""

from __future__ import annotations

import pytest
from conductor_core.versions import serving_version

CASES = {
    "exact": ("4.5.15", ("4.5.14", "4.5.15", "4.5.16"), "4.5.15"),
    "the newest that begins so": ("4.5", ("4.5.2", "4.5.10", "4.10.1"), "4.5.10"),
    "another patch": ("15.1v3", ("15.0v9", "15.1v2"), "15.1v2"),
    "a year for each update of it": ("2025.3", ("2024", "2025", "2026"), "2025"),
    "the more exact one first": ("2025.3.1", ("2025", "2025.3"), "2025.3"),
    "another update is another version": ("2025.3", ("2025.2",), None),
    "not the next year": ("2025.3", ("2026",), None),
    "nothing says nothing": ("2025.3", ("",), None),
}


@pytest.mark.parametrize(("wanted", "there_are", "serves"), CASES.values(), ids=CASES)
def test_what_serves(wanted: str, there_are: tuple[str, ...], serves: str | None) -> None:
    """The exact one, else the newest that begins so, else another patch, else one that says less."""
    assert serving_version(wanted, there_are) == serves
