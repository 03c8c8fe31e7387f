"""The colours of a host that is no Qt program, as Qt's palette."""

from __future__ import annotations

from typing import Any

from conductor_plugins.palette import ROLES, dress, palette_of
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QApplication

DARK = {name: (0.9, 0.9, 0.9) if name.endswith("Text") else (0.1, 0.1, 0.12) for name in ROLES}


def test_each_role_has_the_hosts_colour(qtbot: Any) -> None:
    """What the host says is taken as it is; what it does not say keeps apart from it."""
    palette = palette_of(DARK)
    assert palette.color(QPalette.ColorRole.Window).getRgbF()[:3] == palette.color(QPalette.ColorRole.Base).getRgbF()[:3]
    assert palette.color(QPalette.ColorRole.Text).lightness() > 200
    assert palette.color(QPalette.ColorRole.AlternateBase) != palette.color(QPalette.ColorRole.Base)
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).lightness()
    assert 60 < disabled < palette.color(QPalette.ColorRole.Text).lightness()


def test_an_application_is_drawn_in_them(qtbot: Any) -> None:
    """The palette reaches every widget that is made afterwards."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    before, style = QPalette(app.palette()), app.style().objectName()
    try:
        dress(app, DARK)
        assert app.palette().color(QPalette.ColorRole.Button).lightness() < 60
        assert app.style().objectName().lower() == "fusion"
    finally:
        app.setPalette(before)
        app.setStyle(style)
