"""A section of the panel: a widget that shows some fields of the form and knows the desk, nothing else of the panel."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from conductor_plugins.desk import Desk


class Section(QWidget):
    """Base of all sections. A subclass builds its widgets in `__init__` and connects itself to the desk's signals."""

    #: what the artist reads, and a key of `conductor_plugins.form.model.SECTIONS` where it shows fields
    title: str = ""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName(f"section-{self.title.lower()}")

    def focus_field(self, field: str) -> bool:
        """Put the keyboard into the widget of a form's field; tell whether this section has it."""
        widget = self.findChild(QWidget, field)
        if widget is None:
            return False
        widget.setFocus()
        return True
