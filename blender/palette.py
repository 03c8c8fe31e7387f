# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of Blender's theme, for Qt's palette: Blender is no Qt program, so nobody else tells the panel how dark it is.

https://docs.blender.org/api/current/bpy.types.ThemeUserInterface.html
"""

from __future__ import annotations

from collections.abc import Iterable


def blender_colours() -> dict[str, tuple[float, float, float]]:
    """Return the colours of Blender's theme by the name of Qt's role for them, 0 … 1 for each channel."""
    import bpy

    theme = bpy.context.preferences.themes[0]
    interface, window = theme.user_interface, theme.properties.space
    field, button, choice = interface.wcol_text, interface.wcol_tool, interface.wcol_menu_item
    found = {
        "Window": window.back,
        "WindowText": window.text,
        "Base": field.inner,
        "Text": field.text,
        "Button": button.inner,
        "ButtonText": button.text,
        "Highlight": choice.inner_sel,
        "HighlightedText": choice.text_sel,
        "ToolTipBase": interface.wcol_tooltip.inner,
        "ToolTipText": interface.wcol_tooltip.text,
    }
    return {name: _opaque(colour, window.back) for name, colour in found.items()}


def _opaque(colour: Iterable[float], below: Iterable[float]) -> tuple[float, float, float]:
    """Return a colour as it looks on the ground below it: the theme's may let that shine through."""
    red, green, blue, *alpha = colour
    share = alpha[0] if alpha else 1.0
    mixed = (min(1.0, max(0.0, c * share + b * (1 - share))) for c, b in zip((red, green, blue), below, strict=False))
    r, g, b = mixed
    return r, g, b
