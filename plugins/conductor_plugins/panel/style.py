"""The one style sheet of the panel: every colour comes from the host's palette, every length from the font.

Only three colours are ours, since no palette has them: error, warning and ok. They, and whatever is mixed from the palette's,
are moved towards black or white until a text in them can be read (WCAG 2: a contrast of 4.5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtGui import QColor, QFont, QFontMetrics, QPalette

from conductor_plugins.panel.marks import Marks, draw_marks

#: what a text must have against what lies behind it: WCAG 2.2, 1.4.3
READABLE = 4.5
#: what a frame or mark must have: WCAG 2.2, 1.4.11
VISIBLE = 3.0
_ERROR, _WARNING, _OK = QColor("#d9453d"), QColor("#d29922"), QColor("#3fa457")
_BLACK, _WHITE = QColor(0, 0, 0), QColor(255, 255, 255)


@dataclass(frozen=True)
class Tones:
    """The colours of the panel, made from a palette."""

    window: QColor
    #: behind fields and tables
    base: QColor
    #: behind the list of sections and the bar at the foot
    shade: QColor
    text: QColor
    #: of what is said by the way
    subtle: QColor
    #: of what cannot be used now
    faint: QColor
    #: around fields and between parts
    line: QColor
    #: of buttons
    raised: QColor
    accent: QColor
    on_accent: QColor
    #: around what has the keyboard
    focus: QColor
    #: behind a row that is chosen
    chosen: QColor
    error: QColor
    warning: QColor
    ok: QColor
    #: behind a number in `on_error`, `on_warning`
    error_ground: QColor
    on_error: QColor
    warning_ground: QColor
    on_warning: QColor


def luminance(color: QColor) -> float:
    """Return the relative luminance, 0 … 1, as WCAG 2 defines it."""

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast of two colours, 1 … 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """Return `one` with a share (0 … 1) of `other` in it."""
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return QColor(*(round(a + (b - a) * share) for a, b in pairs))


def readable(color: QColor, *grounds: QColor, least: float = READABLE) -> QColor:
    """Return the colour, moved towards black or white no further than needed to be read on each of the grounds."""
    ends = sorted((_BLACK, _WHITE), key=lambda end: -min(contrast(end, ground) for ground in grounds))
    for step in range(21):
        moved = mixed(color, ends[0], step / 20)
        if min(contrast(moved, ground) for ground in grounds) >= least:
            return moved
    return ends[0]


def tones(palette: QPalette) -> Tones:
    """Return the panel's colours for a host's palette."""
    window, base = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.Base)
    highlight = palette.color(QPalette.ColorRole.Highlight)
    dark = luminance(window) < 0.2
    shade = mixed(window, _BLACK, 0.16 if dark else 0.05)
    text = readable(palette.color(QPalette.ColorRole.WindowText), window)
    base, shade = _agreeing(base, window, text), _agreeing(shade, window, text)
    grounds = (window, base, shade)
    subtle = readable(mixed(text, window, 0.35), *grounds)
    chosen = _chosen(base, highlight, (text, subtle), share=0.34 if dark else 0.22)
    on_accent = max((palette.color(QPalette.ColorRole.HighlightedText), _WHITE), key=luminance)
    return Tones(
        window=window,
        base=base,
        shade=shade,
        text=text,
        subtle=subtle,
        faint=mixed(text, window, 0.6),
        line=mixed(window, text, 0.2),
        raised=mixed(window, _WHITE, 0.07 if dark else 0.5),
        accent=readable(highlight, on_accent),
        on_accent=on_accent,
        focus=readable(highlight, *grounds, least=VISIBLE),
        chosen=chosen,
        error=readable(_ERROR, *grounds, chosen),
        warning=readable(_WARNING, *grounds, chosen),
        ok=readable(_OK, *grounds, chosen),
        error_ground=readable(_ERROR, _WHITE),
        on_error=_WHITE,
        warning_ground=readable(_WARNING, _BLACK),
        on_warning=_BLACK,
    )


def _agreeing(ground: QColor, window: QColor, text: QColor) -> QColor:
    """Return a ground on which the window's text can be read: itself, or nearer to the window's (a dark window with white fields)."""
    moved = (mixed(ground, window, step / 10) for step in range(11))
    return next((each for each in moved if contrast(text, each) >= READABLE), window)


def _chosen(base: QColor, highlight: QColor, texts: Sequence[QColor], *, share: float) -> QColor:
    """Return the ground of a chosen row: as much of the highlight as lets one read even the least of texts on it."""
    for step in range(10):
        ground = mixed(base, highlight, share * (10 - step) / 10)
        if min(contrast(text, ground) for text in texts) >= READABLE:
            return ground
    return base


def style_sheet(palette: QPalette, font: QFont) -> str:
    """Return the style sheet for a host's palette and font."""
    colours = tones(palette)
    em = QFontMetrics(font).height()
    return _sheet(colours, em, draw_marks(colours.text, colours.on_accent, em))


def _sheet(t: Tones, em: int, marks: Marks) -> str:
    colours = {name: getattr(t, name).name() for name in Tones.__dataclass_fields__}
    sizes = {"half": em // 2, "third": em // 3, "quarter": em // 4, "hair": max(1, em // 9), "radius": max(2, em // 5)}
    sizes |= {"row": round(em * 1.15), "box": round(em * 0.9), "bar": round(em * 0.6), "arrow": round(em * 1.3)}
    sizes |= {
        "round": round(em * 0.45) * 2,
        "curve": round(em * 0.45) + 1,
        "inset": em // 4 + 3,
        "spin": round(em * 1.15) + 2 * max(1, em // 9),
    }
    pictures = {"down": marks.down, "up": marks.up, "tick": marks.tick, "right": marks.right, "dot": marks.dot}
    values: dict[str, object] = {**colours, "em": em, **sizes, **pictures}
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda name: str(values[name[1] or name[2]]), _SHEET)


_SHEET = """
#conductor, #conductor QStackedWidget, #conductor QScrollArea, #conductor QScrollArea > QWidget > QWidget { background: $window; }
#conductor QWidget { color: $text; }
#conductor QLabel, #conductor QCheckBox, #conductor QRadioButton { background: transparent; }
#conductor *:disabled { color: $faint; }
#conductor [tone="subtle"] { color: $subtle; }
#conductor [tone="error"] { color: $error; }
#conductor [tone="warning"] { color: $warning; }
#conductor [tone="ok"] { color: $ok; }
#conductor #head { background: $window; border-bottom: 1px solid $line; }
#conductor #foot, #conductor #drawer, #conductor #message, #conductor #trouble { background: $shade; border-top: 1px solid $line; }
#conductor #sections { background: $shade; border: none; border-right: 1px solid $line; outline: none; }

#conductor QLineEdit, #conductor QAbstractSpinBox, #conductor QComboBox, #conductor QPlainTextEdit, #conductor QTextEdit {
    background: $base; border: 1px solid $line; border-radius: ${radius}px; min-height: ${row}px;
    padding: ${hair}px ${third}px; selection-background-color: $accent; selection-color: $on_accent;
}
#conductor QLineEdit:hover, #conductor QAbstractSpinBox:hover, #conductor QComboBox:hover { border-color: $faint; }
#conductor QLineEdit:focus, #conductor QAbstractSpinBox:focus, #conductor QComboBox:focus,
#conductor QPlainTextEdit:focus, #conductor QTextEdit:focus { border-color: $focus; }
#conductor QLineEdit[wrong="true"], #conductor QAbstractSpinBox[wrong="true"] { border-color: $error; }
#conductor QLineEdit:disabled, #conductor QAbstractSpinBox:disabled, #conductor QComboBox:disabled { background: $window; }
#conductor QAbstractItemView QLineEdit, #conductor QAbstractItemView QAbstractSpinBox {
    border-radius: 0; padding: 0 ${quarter}px; min-height: 0; border-color: $focus;
}
#conductor QComboBox { background: $raised; padding-right: ${arrow}px; }
#conductor QComboBox::drop-down { border: none; width: ${arrow}px; subcontrol-origin: border; }
#conductor QComboBox::down-arrow { image: $down; width: ${half}px; height: ${half}px; }
#conductor QComboBox QAbstractItemView {
    background: $base; border: 1px solid $line; selection-background-color: $accent; selection-color: $on_accent; outline: none;
}
#conductor QAbstractSpinBox { padding: 0; min-height: ${spin}px; }
#conductor QAbstractSpinBox QLineEdit {
    border: none; background: transparent; padding: 0 0 0 ${third}px; margin: 0; min-height: 0; border-radius: 0;
}
#conductor QAbstractSpinBox::up-button { subcontrol-origin: border; subcontrol-position: top right; width: ${arrow}px; border: none; }
#conductor QAbstractSpinBox::down-button {
    subcontrol-origin: border; subcontrol-position: bottom right; width: ${arrow}px; border: none;
}
#conductor QAbstractSpinBox::up-arrow { image: $up; width: ${half}px; height: ${half}px; }
#conductor QAbstractSpinBox::down-arrow { image: $down; width: ${half}px; height: ${half}px; }

#conductor QPushButton, #conductor QToolButton {
    background: $raised; border: 1px solid $line; border-radius: ${radius}px; min-height: ${row}px; padding: ${hair}px ${half}px;
}
#conductor QPushButton:hover, #conductor QToolButton:hover { border-color: $faint; }
#conductor QPushButton:focus, #conductor QToolButton:focus { border-color: $focus; }
#conductor QPushButton:pressed, #conductor QToolButton:pressed, #conductor QToolButton:checked { background: $shade; }
#conductor QPushButton[flat="true"], #conductor QToolButton[flat="true"] { background: transparent; border-color: transparent; }
#conductor QPushButton[flat="true"]:hover, #conductor QToolButton[flat="true"]:hover { background: $raised; }
#conductor QPushButton[flat="true"]:focus, #conductor QToolButton[flat="true"]:focus { border-color: $focus; }
#conductor QPushButton[primary="true"] {
    background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; padding: ${quarter}px ${em}px;
}
#conductor QPushButton[primary="true"]:hover { border-color: $text; }
#conductor QPushButton[primary="true"]:focus { border: 2px solid $text; }
#conductor QPushButton[primary="true"]:disabled { background: $raised; color: $faint; border-color: $line; }
#conductor QPushButton::menu-indicator, #conductor QToolButton::menu-indicator {
    image: $down; width: ${half}px; height: ${half}px; subcontrol-origin: padding; subcontrol-position: center right;
    right: ${quarter}px;
}
#conductor QPushButton[menu="true"] { padding-right: ${em}px; }

#conductor QCheckBox, #conductor QRadioButton { spacing: ${third}px; padding: 1px; border: 1px solid transparent; border-radius: ${radius}px; }
#conductor QCheckBox::indicator, #conductor QAbstractItemView::indicator {
    width: ${box}px; height: ${box}px; border: 1px solid $faint; border-radius: ${radius}px; background: $base;
}
#conductor QCheckBox::indicator:hover { border-color: $text; }
#conductor QCheckBox::indicator:checked, #conductor QAbstractItemView::indicator:checked {
    background: $accent; border-color: $accent; image: $tick;
}
#conductor QRadioButton::indicator {
    width: ${round}px; height: ${round}px; border: 1px solid $faint; border-radius: ${curve}px; background: $base;
}
#conductor QRadioButton::indicator:hover { border-color: $text; }
#conductor QRadioButton::indicator:checked { background: $accent; border-color: $accent; image: $dot; }
#conductor QCheckBox:focus, #conductor QRadioButton:focus { border-color: $focus; }

#conductor QTableView, #conductor QTreeView, #conductor QListView {
    background: $base; alternate-background-color: $base; border: 1px solid $line; border-radius: ${radius}px;
    gridline-color: $window; selection-background-color: $chosen; selection-color: $text; outline: none;
}
#conductor QTableView:focus, #conductor QTreeView:focus, #conductor QListView:focus { border-color: $focus; }
#conductor QTableView::item, #conductor QTreeView::item { padding: 0 ${quarter}px; }
#conductor QListView::item { padding: ${hair}px ${hair}px; }
#conductor QTreeView::item { padding: ${hair}px ${quarter}px; }
#conductor QTableView::item:selected, #conductor QTreeView::item:selected { background: $chosen; color: $text; }
#conductor QHeaderView { background: $base; border: none; }
#conductor QHeaderView::section {
    background: $base; color: $subtle; border: none; border-bottom: 1px solid $line; padding: ${quarter}px ${inset}px;
}
#conductor QTableCornerButton::section { background: $base; border: none; }

#conductor QScrollBar { background: transparent; border: none; margin: 0; }
#conductor QScrollBar:vertical { width: ${bar}px; }
#conductor QScrollBar:horizontal { height: ${bar}px; }
#conductor QScrollBar::handle { background: $line; border-radius: ${hair}px; margin: 1px; }
#conductor QScrollBar::handle:vertical { min-height: ${em}px; }
#conductor QScrollBar::handle:horizontal { min-width: ${em}px; }
#conductor QScrollBar::handle:hover { background: $faint; }
#conductor QScrollBar::add-line, #conductor QScrollBar::sub-line { width: 0; height: 0; }
#conductor QScrollBar::add-page, #conductor QScrollBar::sub-page { background: transparent; }
#conductor QScrollArea { border: none; }
#conductor #drawer QScrollArea, #conductor #drawer QScrollArea > QWidget > QWidget { background: $shade; }
#conductor #foot QLabel[figure="true"] { font-weight: 600; }

#conductor #job-card { background: $base; border: 1px solid $line; border-radius: ${radius}px; }
#conductor #last-frame { background: $shade; }
#conductor QTabWidget::pane { border: none; border-top: 1px solid $line; }
#conductor QTabBar { background: transparent; }
#conductor QTabBar::tab {
    background: transparent; color: $subtle; border: 1px solid transparent; border-bottom: 2px solid transparent;
    padding: ${quarter}px ${half}px; margin-right: ${quarter}px;
}
#conductor QTabBar::tab:selected { color: $text; border-bottom-color: $focus; }
#conductor QTabBar::tab:hover { color: $text; }
#conductor QTabBar:focus::tab:selected { border-color: $focus; }

#conductor QProgressBar { background: $line; border: none; border-radius: ${hair}px; max-height: ${quarter}px; }
#conductor QProgressBar::chunk { background: $accent; border-radius: ${hair}px; }
#conductor QMenu, QMenu#conductor-menu { background: $base; color: $text; border: 1px solid $line; padding: ${quarter}px 0; }
#conductor QMenu::item { padding: ${quarter}px ${em}px; }
#conductor QMenu::item:selected { background: $accent; color: $on_accent; }
#conductor QMenu::item:disabled { color: $subtle; }
#conductor QMenu::separator { height: 1px; background: $line; margin: ${quarter}px 0; }
QToolTip { background: $base; color: $text; border: 1px solid $line; padding: ${quarter}px; }
"""
