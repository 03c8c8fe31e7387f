"""The bar at the top: which scene this is, in which host, for which project; presets and help."""

from __future__ import annotations

import os

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QFont, QPainter, QPaintEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.panel.presets_menu import PresetsMenu
from conductor_plugins.panel.words import software_text


class HeadBar(QFrame):
    """What is open, and what is about the whole form."""

    help_clicked = Signal()
    read_clicked = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName("head")
        em = self.fontMetrics().height()
        row = QHBoxLayout(self)
        row.setContentsMargins(em * 3 // 4, em // 2, em * 3 // 4, em // 2)
        row.setSpacing(em // 2)
        self.scene, self.where = ShortenedLabel(Qt.TextElideMode.ElideMiddle), ShortenedLabel(Qt.TextElideMode.ElideMiddle)
        self.scene.setObjectName("scene-name")
        self.where.setObjectName("scene-place")
        self.where.setProperty("tone", "subtle")
        large = QFont(self.font())
        if large.pixelSize() > 0:
            large.setPixelSize(round(large.pixelSize() * 1.25))
        else:
            large.setPointSizeF(large.pointSizeF() * 1.25)
        large.setWeight(QFont.Weight.DemiBold)
        self.scene.setFont(large)
        column = QVBoxLayout()
        column.setSpacing(em // 8)
        column.addWidget(self.scene)
        column.addWidget(self.where)
        row.addLayout(column, 1)
        self.presets = self._presets()
        row.addWidget(self.presets)
        row.addWidget(self._help())
        for signal in (desk.scene_changed, desk.form_changed, desk.offer_changed):
            signal.connect(self.show_scene)
        self.show_scene()

    def _presets(self) -> QPushButton:
        button = QPushButton("Presets")
        button.setObjectName("presets")
        button.setProperty("menu", True)
        button.setToolTip("Load or save settings under a name; reset to defaults (F4)")
        button.setMenu(PresetsMenu(self.desk, button))
        return button

    def open_presets(self) -> None:
        """Open the menu of presets below its button."""
        menu = self.presets.menu()
        if isinstance(menu, PresetsMenu):
            menu.popup(self.presets.mapToGlobal(self.presets.rect().bottomLeft()))

    def _help(self) -> QToolButton:
        button = QToolButton()
        button.setText("?")
        button.setObjectName("help")
        button.setAccessibleName("Help")
        button.setToolTip("What the fields and keys mean (F1)")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(self.help_clicked)
        return button

    def show_scene(self) -> None:
        """Show what is open now."""
        scene, now = self.desk.scene, self.desk.situation()
        name = os.path.basename(scene.path) or "Scene without a name"
        self.scene.set_text(f"{name}  (unsaved changes)" if scene.modified and scene.path else name)
        host = software_text(scene.software.name, scene.software.version)
        self.where.set_text("  ·  ".join(part for part in (host, now.project(), os.path.dirname(scene.path)) if part))
        self.scene.setToolTip(scene.path)


class ShortenedLabel(QWidget):
    """A line of text that gives way to its neighbours and is shortened by `…`, with all of it in the tool tip."""

    def __init__(self, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = mode
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """Return all of the text."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.setAccessibleName(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the whole text."""
        return QSize(self.fontMetrics().horizontalAdvance(self._text), self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Draw as much as fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        shown = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
