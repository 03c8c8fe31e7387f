"""The list of sections at the left: a name, what is chosen there, and how many errors and warnings it has."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QFont, QPainter, QResizeEvent
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from conductor_plugins.panel.figures import count
from conductor_plugins.panel.style import Tones

_SUMMARY = int(Qt.ItemDataRole.UserRole)
_ERRORS, _WARNINGS = _SUMMARY + 1, _SUMMARY + 2


class SectionList(QListWidget):
    """All sections by name."""

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sections")
        self.setAccessibleName("Sections")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.tones: Tones | None = None
        for title in titles:
            self.addItem(QListWidgetItem(title))
        self.setItemDelegate(_Painter(self))

    def describe(self, row: int, summary: str, errors: int, warnings: int) -> None:
        """Show what is chosen in a section, and how many problems it has."""
        item = self.item(row)
        if (item.data(_SUMMARY), item.data(_ERRORS), item.data(_WARNINGS)) == (summary, errors, warnings):
            return
        item.setData(_SUMMARY, summary)
        item.setData(_ERRORS, errors)
        item.setData(_WARNINGS, warnings)
        problems = [count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
        item.setData(
            int(Qt.ItemDataRole.AccessibleTextRole), ", ".join(part for part in (item.text(), summary, *problems) if part)
        )
        item.setToolTip(", ".join(problems))

    def badge(self, title: str) -> tuple[int, int]:
        """Return the errors and warnings that a section shows."""
        item = next(self.item(row) for row in range(self.count()) if self.item(row).text() == title)
        return item.data(_ERRORS) or 0, item.data(_WARNINGS) or 0

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Give the rows their share of another height."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a width that the longest summary fits into, as far as that is no more than a quarter of a small window."""
        return QSize(self.fontMetrics().averageCharWidth() * 27, super().sizeHint().height())


class _Painter(QStyledItemDelegate):
    """Draw a section in two lines; the badge counts errors where there are any, warnings otherwise."""

    def __init__(self, sections: SectionList) -> None:
        super().__init__(sections)
        self._list = sections

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802, ARG002 - Qt's name and signature
        """Return a height with room to breathe, or less of it where all sections would not be in sight otherwise."""
        em = option.fontMetrics.height()
        share = self._list.viewport().height() // max(1, self._list.count())
        return QSize(em * 6, min(em * 2 + em * 3 // 4, max(em * 2 + em // 4, share)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        tones = self._list.tones
        if tones is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        em = option.fontMetrics.height()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        self._ground(painter, option, tones, chosen)
        room = max(0, (option.rect.height() - em * 2) // 2)
        inner = option.rect.adjusted(em * 3 // 4, room, -em // 2, -room)
        width = self._badge(painter, inner, option.font, tones, index)
        self._text(painter, inner.adjusted(0, 0, -width, 0), option.font, tones, index, chosen=chosen)
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, tones: Tones, chosen: bool) -> None:
        rect = option.rect
        if chosen:
            painter.fillRect(rect, tones.chosen)
            bar = max(3, option.fontMetrics.height() // 5)
            painter.fillRect(QRect(rect.left(), rect.top(), bar, rect.height()), tones.focus)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, tones.raised)
        if chosen and option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(tones.focus)
            painter.drawRect(rect.adjusted(0, 0, -1, -1))

    def _badge(
        self, painter: QPainter, rect: QRect, font: QFont, tones: Tones, index: QModelIndex | QPersistentModelIndex
    ) -> int:
        errors, warnings = index.data(_ERRORS) or 0, index.data(_WARNINGS) or 0
        if not errors and not warnings:
            return 0
        ground, ink = (tones.error_ground, tones.on_error) if errors else (tones.warning_ground, tones.on_warning)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        text = str(errors or warnings)
        height = metrics.height()
        width = max(height, metrics.horizontalAdvance(text) + height * 2 // 3)
        pill = QRect(rect.right() - width, rect.center().y() - height // 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(pill, height / 2, height / 2)
        painter.setPen(ink)
        painter.drawText(pill, int(Qt.AlignmentFlag.AlignCenter), text)
        return width + height // 3

    def _text(
        self,
        painter: QPainter,
        rect: QRect,
        font: QFont,
        tones: Tones,
        index: QModelIndex | QPersistentModelIndex,
        *,
        chosen: bool,
    ) -> None:
        summary = index.data(_SUMMARY) or ""
        name = QFont(font)
        name.setWeight(QFont.Weight.DemiBold if chosen else QFont.Weight.Normal)
        half = rect.height() // 2
        painter.setFont(name)
        painter.setPen(tones.text)
        top = QRect(rect.left(), rect.top(), rect.width(), half if summary else rect.height())
        painter.drawText(top, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), str(index.data()))
        if summary:
            painter.setFont(font)
            painter.setPen(tones.subtle)
            under = QRect(rect.left(), rect.top() + half, rect.width(), rect.height() - half)
            elided = painter.fontMetrics().elidedText(summary, Qt.TextElideMode.ElideRight, under.width())
            painter.drawText(under, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), elided)
