"""The colours of Houdini's scheme, for Qt's palette: Houdini draws its own windows by a style sheet, which leaves the palette as it was.

https://www.sidefx.com/docs/houdini/hom/hou/ui.html#colorFromName: the names are those of the `.hcs` files in $HH/config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hou

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

#: Qt's role → the names of Houdini's colour for it, the first that there is
COLOURS = {
    "Window": ("BackColor",),
    "WindowText": ("TextColor", "ListText"),
    "Base": ("ListEntry1",),
    "Text": ("ListText", "TextColor"),
    "Button": ("ButtonColor", "BackColor"),
    "ButtonText": ("TextColor", "ListText"),
    "Highlight": ("ListEntrySelected",),
    "HighlightedText": ("ListTextSelected", "ListText"),
}


def dress(widget: QWidget) -> None:
    """Give a widget Houdini's colours; where Houdini does not name them, it keeps the application's."""
    from conductor_plugins.palette import palette_of

    colours = {role: colour for role, names in COLOURS.items() if (colour := _first(names)) is not None}
    if len(colours) == len(COLOURS):
        widget.setPalette(palette_of(colours))


def _first(names: tuple[str, ...]) -> tuple[float, ...] | None:
    for name in names:
        try:
            return tuple(hou.ui.colorFromName(name).rgb())
        except (hou.Error, ValueError):
            continue
    return None
