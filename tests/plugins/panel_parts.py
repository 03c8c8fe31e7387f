"""Parts of the panel, found by their names."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)


def part(within: QWidget, kind: type[W], name: str) -> W:
    """Return the widget of a kind and name that there must be."""
    found = within.findChild(kind, name)
    assert found is not None, name
    return found
