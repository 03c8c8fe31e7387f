"""The style sheet: every text can be read in every host's palette, and the sheet follows the palette."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.panel.style import READABLE, VISIBLE, Tones, contrast, luminance, style_sheet, tones
from conductor_plugins.panel.window import Window
from hypothesis import given
from hypothesis import strategies as st
from plugins.host_palettes import NAMES, host_palette
from plugins.panel_desk import make_desk
from qtpy.QtGui import QColor, QFont, QPalette
from qtpy.QtWidgets import QApplication

#: text → what may lie behind it
GROUNDS = {
    **dict.fromkeys(("text", "subtle", "error", "warning", "ok"), ("window", "base", "shade", "chosen")),
    "on_accent": ("accent",),
    "on_error": ("error_ground",),
    "on_warning": ("warning_ground",),
}
PAIRS = [(text, ground) for text, grounds in GROUNDS.items() for ground in grounds]


@pytest.mark.parametrize(
    ("name", "pair"), list(product(NAMES, PAIRS)), ids=lambda value: value if isinstance(value, str) else " on ".join(value)
)
def test_text_can_be_read(name: str, pair: tuple[str, str], qapp: Any) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5."""
    colours = tones(host_palette(name))
    assert contrast(getattr(colours, pair[0]), getattr(colours, pair[1])) >= READABLE


COLOUR = st.builds(QColor, *[st.integers(0, 255)] * 3)


@given(st.tuples(COLOUR, COLOUR, COLOUR, COLOUR))
def test_text_can_be_read_in_any_palette(colours: tuple[QColor, QColor, QColor, QColor]) -> None:
    """Whatever a studio has made of its host's colours, a dark window with white fields included."""
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in zip((roles.Window, roles.Base, roles.WindowText, roles.Highlight), colours, strict=True):
        palette.setColor(role, colour)
    made = tones(palette)
    for text, ground in PAIRS:
        assert contrast(getattr(made, text), getattr(made, ground)) >= READABLE, (text, ground)


@pytest.mark.parametrize("name", NAMES)
def test_the_focus_can_be_seen(name: str, qapp: Any) -> None:
    """WCAG 2.2, 1.4.11: a contrast of 3 for what shows where the keyboard is."""
    colours = tones(host_palette(name))
    assert min(contrast(colours.focus, ground) for ground in (colours.window, colours.base, colours.shade)) >= VISIBLE


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [("#ffffff", "#000000", 21.0), ("#777777", "#ffffff", 4.48), ("#ff0000", "#ffffff", 4.0)],
)
def test_contrast_is_as_the_standard_computes_it(one: str, other: str, known: float) -> None:
    """Values of the examples that go with WCAG."""
    assert contrast(QColor(one), QColor(other)) == pytest.approx(known, abs=0.01)
    assert luminance(QColor("#ffffff")) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_no_colour_but_the_palettes(name: str, qapp: Any) -> None:
    """The sheet has no colour that is not one of the tones."""

    sheet = style_sheet(host_palette(name), QFont())
    colours = tones(host_palette(name))
    known = {getattr(colours, field).name() for field in Tones.__dataclass_fields__}
    used = {colour for line in sheet.splitlines() if "url(" not in line for colour in re.findall(r"#[0-9a-f]{6}\b", line)}
    assert used <= known


def test_the_panel_follows_a_new_palette(qtbot: Any, scene: Path, qapp: QApplication) -> None:
    """An artist who changes the host's colours needs not open the panel anew."""
    before = qapp.palette()
    window = Window(make_desk(scene))
    qtbot.addWidget(window)
    window.show()
    try:
        for name in ("blender", "light"):
            palette = host_palette(name)
            qapp.setPalette(palette)
            wanted = palette.color(QPalette.ColorRole.Window).name()
            qtbot.waitUntil(lambda wanted=wanted: window.panel_tones.window.name() == wanted)
            assert wanted in window.styleSheet()
            assert window.grab().toImage().pixelColor(window.width() - 3, window.height() // 2).name() == wanted
    finally:
        window.close()
        qapp.setPalette(before)
