"""A Qt palette from the colours of a host that is no Qt program itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: role of Qt's → red, green, blue, 0 … 1 each
Colours = Mapping[str, Sequence[float]]
#: those that a host has to give
ROLES = ("Window", "WindowText", "Base", "Text", "Button", "ButtonText", "Highlight", "HighlightedText")
_DARK = 0.5
#: disabled text is written on it
_GROUND = {"WindowText": "Window", "Text": "Base", "ButtonText": "Button"}


def dress(app: Any, colours: Colours) -> None:
    """Draw an application in these colours, by the one style of Qt that draws every palette."""
    app.setStyle("Fusion")
    app.setPalette(palette_of(colours))


def palette_of(colours: Colours) -> Any:
    """Return the palette; what a host does not say is derived from what it says."""
    from qtpy.QtGui import QColor, QPalette

    known = {name: QColor.fromRgbF(*rgb[:3]) for name, rgb in colours.items()}
    palette = QPalette(known["Button"], known["Window"])
    for name, colour in known.items():
        palette.setColor(getattr(QPalette.ColorRole, name), colour)
    base = known["Base"]
    palette.setColor(QPalette.ColorRole.AlternateBase, base.lighter(112) if base.lightnessF() < _DARK else base.darker(104))
    if hasattr(QPalette.ColorRole, "PlaceholderText"):  # Qt 5.12
        palette.setColor(QPalette.ColorRole.PlaceholderText, _between(known["Text"], base))
    for role, ground in _GROUND.items():
        colour = _between(known[role], known[ground])
        palette.setColor(QPalette.ColorGroup.Disabled, getattr(QPalette.ColorRole, role), colour)
    return palette


def _between(one: Any, other: Any) -> Any:
    from qtpy.QtGui import QColor

    return QColor.fromRgbF(*((a + b) / 2 for a, b in zip(one.getRgbF()[:3], other.getRgbF()[:3], strict=True)))
