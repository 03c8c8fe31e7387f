"""One job in the panel: how far it is, its last frame, and buttons for what it allows now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QPixmap
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from conductor_plugins.panel.figures import count, money_text, size_text

if TYPE_CHECKING:
    from conductor_core.agent_answers import SceneJob

#: verb → what its button says, and what it does
_VERBS = {
    "hold": ("&Pause", "What renders is finished; nothing new begins"),
    "resume": ("R&esume", "Go on with what was paused"),
    "release": ("Re&lease scouts", "The scout frames are right: render all others"),
    "retry": ("Re&try", "Render again what failed"),
    "kill": ("&Cancel job …", "Stop it for good; frames that are done stay"),
}
_UPLOADS = {
    "hashing": "Reading the files …",
    "uploading": "Uploading {sent} of {all}",
    "committing": "Uploaded; the job is being made",
    "failed": "Not submitted",
}
_TONES = {"success": "ok", "failed": "error", "killed": "subtle", "holding": "warning"}


class JobCard(QFrame):
    """A job. What its buttons ask for is done by whoever listens."""

    #: a job and a verb that it allows
    moved = Signal(object, str)

    def __init__(self, job: SceneJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self.setObjectName("job-card")
        em = self.fontMetrics().height()
        grid = QGridLayout(self)
        grid.setContentsMargins(em // 2, em // 2, em // 2, em // 2)
        grid.setHorizontalSpacing(em)
        self.picture = QLabel()
        self.picture.setObjectName("last-frame")
        self.picture.setFixedSize(QSize(em * 10, em * 6))
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setText("no frame yet")
        self.picture.setProperty("tone", "subtle")
        grid.addWidget(self.picture, 0, 0, 2, 1, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(self._words(), 0, 1)
        grid.addLayout(self._buttons(), 1, 1)
        grid.setColumnStretch(1, 1)
        self.show_job(job)

    def _words(self) -> QVBoxLayout:
        column, head = QVBoxLayout(), QHBoxLayout()
        em = self.fontMetrics().height()
        column.setSpacing(em // 4)
        head.setSpacing(em * 2 // 3)
        self.name, self.state, self.cost = (_label(self, name) for name in ("job-name", "job-state", "job-cost"))
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        head.addWidget(self.name)
        head.addWidget(self.state)
        head.addStretch(1)
        head.addWidget(self.cost)
        column.addLayout(head)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximum(1000)
        self.bar.setFixedHeight(max(4, self.fontMetrics().height() // 3))
        column.addWidget(self.bar)
        self.progress, self.home, self.problem = (_label(self, name) for name in ("job-progress", "job-home", "job-problem"))
        for label in (self.progress, self.home, self.problem):
            label.setWordWrap(True)
            column.addWidget(label)
        self.home.setProperty("tone", "subtle")
        return column

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(self.fontMetrics().height() // 3)
        self.verbs: dict[str, QPushButton] = {}
        for verb, (text, tip) in _VERBS.items():
            button = self.verbs[verb] = _button(self, f"job-{verb}", text, tip)
            button.clicked.connect(lambda _=False, verb=verb: self._wants(verb))
            row.addWidget(button)
        self.surely = _button(self, "job-kill-surely", "Yes, cance&l it", "Stop the job for good; frames that are done stay")
        self.keep = _button(self, "job-keep", "&Keep it", "Do not cancel")
        self.surely.clicked.connect(lambda: self._move("kill"))
        self.keep.clicked.connect(lambda: self._ask(on=False))
        self.folder = _button(self, "job-folder", "Show &folder", "Open the folder to which the last frame came")
        self.folder.clicked.connect(lambda: open_folder(self.job.last_frame))
        self.page = _button(self, "job-page", "Open in &dashboard", "The job's own page, with every task and log")
        self.page.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(self.job.page)))
        for button in (self.surely, self.keep):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.folder, self.page):
            row.addWidget(button)
        self._asks = False
        return row

    def show_job(self, job: SceneJob) -> None:
        """Show how the job stands."""
        self.job = job
        self.name.setText(f"{job.title}  #{job.number}" if job.number else job.title)
        self.state.setText(job.state or job.upload_state)
        _tone(self.state, _TONES.get(job.state or job.upload_state, "subtle"))
        self.cost.setText(money_text(job.cost, job.currency) if job.cost else "")
        done, text = progress(job)
        self.bar.setValue(round(1000 * done))
        self.progress.setText(text)
        self.home.setText(f"{job.files_home:,} of {count(job.files_total, 'file')} at home" if job.files_total else "")
        self.home.setVisible(bool(job.files_total))
        self.problem.setText(job.problem)
        self.problem.setVisible(bool(job.problem))
        _tone(self.problem, "error" if "failed" in (job.state, job.upload_state) else "warning")
        self.folder.setVisible(bool(job.last_frame))
        self.page.setEnabled(bool(job.page))
        self._ask(on=self._asks and "kill" in job.verbs)

    def show_picture(self, png: bytes) -> None:
        """Show the last frame."""
        pixmap = QPixmap()
        if pixmap.loadFromData(png):
            ratio = self.devicePixelRatioF()
            wanted = QSize(round(self.picture.width() * ratio), round(self.picture.height() * ratio))
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            pixmap = pixmap.scaled(wanted, keep, smooth)
            pixmap.setDevicePixelRatio(ratio)
            self.picture.setPixmap(pixmap)
            self.picture.setAccessibleName("Last rendered frame")
            self.picture.setToolTip(self.job.last_frame)

    def _wants(self, verb: str) -> None:
        if verb == "kill":
            self._ask(on=True)
            self.keep.setFocus()
        else:
            self._move(verb)

    def _ask(self, *, on: bool) -> None:
        """Ask whether the job is to be cancelled for good, in place of the other buttons."""
        self._asks = on
        for verb, button in self.verbs.items():
            button.setVisible(not on)
            button.setEnabled(verb in self.job.verbs)
        self.verbs["release"].setVisible(not on and "release" in self.job.verbs)
        self.surely.setVisible(on)
        self.keep.setVisible(on)

    def _move(self, verb: str) -> None:
        self._ask(on=False)
        for button in self.verbs.values():
            button.setEnabled(False)  # until the answer is there
        self.moved.emit(self.job, verb)


def progress(job: SceneJob) -> tuple[float, str]:
    """Return how much is done, 0 … 1, and what that is in words."""
    if job.upload_state != "submitted":
        part = job.bytes_sent / job.bytes_to_send if job.bytes_to_send else 0.0
        words = _UPLOADS.get(job.upload_state, job.upload_state)
        return min(1.0, part), words.format(sent=size_text(job.bytes_sent), all=size_text(job.bytes_to_send))
    total, done = sum(job.frames.values()), job.frames.get("success", 0)
    parts = [f"{done:,} of {count(total, 'frame')} rendered"]
    for state, word in (("running", "rendering"), ("holding", "held"), ("failed", "failed"), ("killed", "cancelled")):
        if number := job.frames.get(state, 0):
            parts.append(f"{number:,} {word}")
    return (done / total if total else 0.0), ", ".join(parts)


def open_folder(file: str) -> None:
    """Show the folder of a file in the system's own browser."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.dirname(file)))


def _label(parent: QWidget, name: str) -> QLabel:
    label = QLabel(parent)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _button(parent: QWidget, name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text, parent)
    button.setObjectName(name)
    button.setToolTip(tip)
    return button


def _tone(label: QLabel, tone: str) -> None:
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().unpolish(label)
        label.style().polish(label)
