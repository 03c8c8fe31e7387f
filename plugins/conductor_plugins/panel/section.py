"""A section of the panel: a widget that shows some fields of the form and knows the desk, nothing else of the panel."""

from __future__ import annotations

from qtpy.QtWidgets import QApplication, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.style import Tones, tones


class Section(QWidget):
    """Base of all sections. A subclass builds its widgets in `__init__` and connects itself to the desk's signals.

    The window makes a section when it is shown for the first time: what `__init__` costs does not count when the panel opens,
    and a section must show all that the desk knows already.
    """

    #: what the artist reads, and a key of `conductor_plugins.form.model.SECTIONS` where it shows fields
    title: str = ""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.setObjectName(f"section-{self.title.lower()}")

    def tones(self) -> Tones:
        """Return the panel's colours as they are now: of the window that this is in, of the application's palette elsewhere."""
        above: QWidget | None = self
        while above is not None:
            found = getattr(above, "panel_tones", None)
            if isinstance(found, Tones):
                return found
            above = above.parentWidget()
        return tones(QApplication.palette())

    @classmethod
    def summary(cls, situation: Situation) -> str:  # noqa: ARG003 - for those that have something to say
        """Return in a few words what is chosen, for the list of sections; asked often, so it must cost nothing."""
        return ""

    def focus_field(self, field: str) -> bool:
        """Put the keyboard into the widget of a form's field; tell whether this section has it."""
        widget = self.findChild(QWidget, field)
        if widget is None:
            return False
        widget.setFocus()
        return True
