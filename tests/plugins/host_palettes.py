"""Palettes like those of the hosts' default themes, as far as the panel's style depends on them; and a light one."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette

#: window, base, text, button, highlight, highlighted text
_COLOURS: dict[str, tuple[str, str, str, str, str, str]] = {
    "maya": ("#444444", "#2b2b2b", "#eeeeee", "#5d5d5d", "#5285a6", "#ffffff"),
    "houdini": ("#3a3a3a", "#262626", "#cccccc", "#4b4b4b", "#b98620", "#ffffff"),
    "nuke": ("#323232", "#222222", "#c8c8c8", "#424242", "#f69b1e", "#ffffff"),
    "blender": ("#303030", "#1d1d1d", "#e6e6e6", "#545454", "#4772b3", "#ffffff"),
    "light": ("#f0f0f0", "#ffffff", "#1a1a1a", "#fbfbfb", "#0f62c4", "#ffffff"),
}
NAMES = tuple(_COLOURS)


def host_palette(name: str) -> QPalette:
    """Return a host's palette."""
    window, base, text, button, highlight, highlighted = (QColor(colour) for colour in _COLOURS[name])
    palette = QPalette(button, window)
    roles = QPalette.ColorRole
    pairs = [(roles.Base, base), (roles.AlternateBase, base), (roles.Text, text), (roles.WindowText, text)]
    pairs += [(roles.ButtonText, text), (roles.Highlight, highlight), (roles.HighlightedText, highlighted)]
    pairs += [(roles.ToolTipBase, base), (roles.ToolTipText, text)]
    for role, colour in pairs:
        palette.setColor(role, colour)
    return palette
