"""Section *Files*: everything the scene reads, where it stands, and what the artist adds to it or leaves at home."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.fed import fed_of
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import TickField
from conductor_plugins.panel.figures import count, size_text
from conductor_plugins.panel.rows import Note, section_margin
from conductor_plugins.panel.section import Section


class FilesSection(Section):
    """The tree of files, a filter above, what can be done with them below; what it needs is loaded when it is made."""

    title = "Files"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        from conductor_plugins.panel.adding import Adding
        from conductor_plugins.panel.file_actions import FileActions
        from conductor_plugins.panel.file_feed import FileFeed
        from conductor_plugins.panel.files_view import FilesView

        super().__init__(desk, parent)
        self.feed = FileFeed(self)
        self.view = FilesView(self.feed.tree)
        self.adding = Adding(desk, self.feed, self)
        self.does = FileActions(desk, self.view, self.adding, self)
        self.filter, self.status = self._filter(), self._status()
        self.totals = Note("totals")
        self.scan = QPushButton()
        self.scan.setObjectName("scan")
        self.scan.setProperty("flat", True)
        self.scan.clicked.connect(self._scan_clicked)
        #: answers of the check that the tree has
        self._checked = ("", 0)
        self._exclusions: tuple[object, ...] = ()
        self._lay_out()
        self._connect()
        self._show_all()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return how many files there are, or that some are missing."""
        if situation.report is None:
            return ""
        fed = fed_of(situation)
        missing = sum(1 for entry in situation.report.missing if not fed.maker_of(entry.path))
        if missing and not situation.form.allow_missing:
            return f"{missing:,} missing"
        return count(situation.check.files_total, "file") if situation.check else ""

    def focus_field(self, field: str) -> bool:
        """Put the keyboard into the tree for what is added and excluded: it shows both."""
        if field in ("added", "excluded"):
            self.view.setFocus()
            return True
        return super().focus_field(field)

    def _filter(self) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName("filter")
        line.setPlaceholderText("Filter by name, folder or node")
        line.setAccessibleName("Filter of files")
        line.setToolTip("Show only what has these words in its name, folder, node or note (Ctrl+F)")
        line.setClearButtonEnabled(True)
        line.installEventFilter(self)
        return line

    def _status(self) -> QComboBox:
        from conductor_plugins.panel.file_rows import FILTERS

        box = QComboBox()
        box.setObjectName("status")
        box.setAccessibleName("Filter by status")
        box.setToolTip("Show only what has this status")
        for key, text in FILTERS.items():
            box.addItem(text, key)
        return box

    def _lay_out(self) -> None:
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 2)
        above = QHBoxLayout()
        above.addWidget(self.filter, 1)
        above.addWidget(self.status)
        column.addLayout(above)
        self.view.setMinimumHeight(em * 9)
        column.addWidget(self.view, 1)
        line = QHBoxLayout()
        line.addWidget(self.totals, 1)
        line.addWidget(self.scan)
        column.addLayout(line)
        column.addLayout(self.does.buttons())
        below = QHBoxLayout()
        below.setSpacing(em)
        below.addWidget(TickField(self.desk, "allow_missing"))
        below.addWidget(TickField(self.desk, "download"))
        below.addStretch(1)
        column.addLayout(below)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        desk = self.desk
        self.filter.textChanged.connect(self._apply_filter)
        self.status.currentIndexChanged.connect(self._apply_filter)
        self.feed.fed.connect(self._show_totals)
        desk.scan_progressed.connect(self._show_totals)
        desk.entries_found.connect(self.feed.add)
        desk.scan_changed.connect(self._show_scan)
        desk.scene_changed.connect(lambda: self.feed.show_scene(self.desk.scene.path))
        desk.check_changed.connect(self._show_check)
        desk.form_changed.connect(self._show_form)
        self.does.filter_wanted.connect(self.filter.setFocus)

    # What the desk knows

    def _show_all(self) -> None:
        """Show what is known already: the section may be made long after the scan."""
        self.feed.show_scene(self.desk.scene.path)
        if self.desk.report is not None:
            self.feed.finish(self.desk.report)
        else:
            self.feed.add(list(self.desk.entries))
        self._checked, self._exclusions = ("", 0), ()
        self._show_form()
        self.adding.look_again()
        self._show_check()
        self._show_totals()

    def _show_scan(self) -> None:
        if self.desk.report is not None:
            self.feed.finish(self.desk.report)
        elif not self.desk.entries:
            self.feed.clear()
            self._show_all()
        self._show_totals()

    def _show_check(self) -> None:
        check = self.desk.check
        if check is None:
            return
        identity, known = self._checked
        if identity != check.id or known > len(check.files):
            known = 0
        self._checked = (check.id, len(check.files))
        self.feed.check(check.files[known:])
        self._show_totals()

    def _show_form(self) -> None:
        form = self.desk.form
        if form.excluded != self._exclusions:
            self._exclusions = form.excluded
            self.feed.exclude(form.excluded)
        self._show_totals()

    # What the section shows

    def _apply_filter(self) -> None:
        self.feed.tree.set_filter(self.filter.text(), str(self.status.currentData() or ""))
        self._show_totals()

    def _show_totals(self) -> None:
        totals, check = self.feed.totals, self.desk.check
        known = totals.files - totals.unknown
        parts = [count(totals.files, "file")]
        if known:
            parts.append(size_text(totals.bytes))
            parts.append(f"{size_text(totals.bytes_to_send)} to send" if totals.bytes_to_send else "nothing to send")
        if totals.unknown and known:
            parts.append(f"{totals.unknown:,} not compared with the store yet")
        stopped = self.desk.scan.state == "cancelled"
        problem = check.problem if check is not None else ""
        said = "  ·  ".join(filter(None, [self._scan_text(), *parts, problem]))
        self.totals.say(said, "warning" if problem or stopped else "subtle")
        running = self.desk.scan.state == "running"
        self.scan.setText("Stop" if running else "Scan again")
        self.scan.setToolTip("Stop looking for files" if running else "Look for files anew (F5 reads the whole scene again)")
        self.scan.setVisible(self.desk.scan.state != "idle")
        if self.filter.text() or self.status.currentIndex() > 0:
            self.view.hint = "Nothing fits the filter."
        else:
            self.view.hint = "Save the scene, and its files are listed here."
        self.does.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the panel's colours."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange) and hasattr(self, "feed"):
            self.feed.tree.set_tones(self.tones())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take the panel's colours: the section was made outside of its window."""
        super().showEvent(event)
        self.feed.tree.set_tones(self.tones())

    def _scan_text(self) -> str:
        """Return how far the scan is; "" once it is done."""
        scan = self.desk.scan
        if scan.state == "cancelled":
            return "The scan was stopped: files may lack"
        if scan.state != "running":
            return ""
        if self.desk.report is not None:
            return "Comparing with the scene's file …"
        return f"Looking for files … {scan.found:,} so far" if scan.found else "Looking for files …"

    def _scan_clicked(self) -> None:
        wanted = self.desk.scan_unwanted if self.desk.scan.state == "running" else self.desk.scan_wanted
        wanted.emit()

    # Keys and files from a file manager

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """In the filter, Down goes to the tree, and Esc empties it before it closes anything."""
        if watched is self.filter and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape and self.filter.text():
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape and self.filter.text():
                self.filter.clear()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Down:
                self.view.setFocus()
                return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files from a file manager."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Add what was dropped."""
        self.adding.add([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()
