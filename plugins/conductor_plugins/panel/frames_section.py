"""The section Frames: which frames, how many of them in one task, and which come first."""

from __future__ import annotations

from conductor_core.errors import FrameSpecError
from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import QButtonGroup, QComboBox, QLabel, QRadioButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.form.totals import brief, frames_in, scouts_in, tasks_in
from conductor_plugins.panel.fields import NumberField, TextField
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.frames_table import FramesTable
from conductor_plugins.panel.rows import Note, Rows, repolish, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.words import WORDS

#: milliseconds after the last letter; a range of a million frames takes a moment to read
_SOON = 80
#: what the menu of scout frames offers: its text, and what it writes
_SCOUTS = (
    ("None", ""),
    ("3 spread evenly", "auto:3"),
    ("First, middle, last", "fml:3"),
)
_CUSTOM = "Custom"


class FramesSection(Section):
    """Frames, chunk size and scouts of all steps that have none of their own."""

    title = "Frames"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.frames = TextField(desk, "frames")
        self.chunk_size = NumberField(desk, "chunk_size", low=1, high=100_000)
        self.scouts = TextField(desk, "scouts")
        self.scouts.setPlaceholderText("none")
        self.frames_note, self.chunk_note, self.scouts_note = Note("frames"), Note("chunk_size"), Note("scouts")
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(self.fontMetrics().height() * 2 // 3)
        rows = Rows(self)
        self._add_range(rows)
        rows.add("chunk_size", self.chunk_size, note=self.chunk_note)
        self._add_scouts(rows)
        column.addLayout(rows)
        self.table = FramesTable(self)
        column.addWidget(self.table, 1)
        self._follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return the range and how much of it one task takes."""
        text = situation.form.frames or situation.scene.frames
        chunk = situation.form.chunk_size
        return f"{text} · {chunk} per task" if chunk > 1 else text

    def _add_range(self, rows: Rows) -> None:
        self.of_scene, self.custom = QRadioButton("Sce&ne range"), QRadioButton("&Custom range")
        self.of_scene.setObjectName("frames-of-scene")
        self.custom.setObjectName("frames-custom")
        choice = QButtonGroup(self)
        for button in (self.of_scene, self.custom):
            choice.addButton(button)
        self.of_scene.clicked.connect(lambda: self.desk.edit(frames=""))
        self.custom.clicked.connect(self._customise)
        self.scene_range = QLabel()
        label = QLabel(WORDS["frames"].label)
        label.setBuddy(self.frames)
        label.setToolTip(WORDS["frames"].tip)
        rows.add_row(label, self.of_scene, self.scene_range)
        rows.add_row(QLabel(), self.custom, self.frames, note=self.frames_note)
        em = self.fontMetrics()
        for button in (self.of_scene, self.custom):
            button.setFixedWidth(em.horizontalAdvance("Custom range") + em.height() * 2)
        self.frames.setMinimumWidth(self.fontMetrics().averageCharWidth() * 44)

    def _add_scouts(self, rows: Rows) -> None:
        self.rule = QComboBox()
        self.rule.setObjectName("scouts-rule")
        self.rule.setAccessibleName("Rule for scout frames")
        self.rule.setToolTip(WORDS["scouts"].tip)
        for text, spec in _SCOUTS:
            self.rule.addItem(text, spec)
        self.rule.addItem(_CUSTOM)
        self.rule.activated.connect(self._take_rule)
        rows.add("scouts", self.rule, self.scouts, note=self.scouts_note)

    def _follow(self) -> None:
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self.show_counts)
        for signal in (self.desk.form_changed, self.desk.scene_changed):
            signal.connect(self._show_choices)
            signal.connect(self._soon.start)
        self._show_choices()
        self.show_counts()

    def _customise(self) -> None:
        if not self.desk.form.frames:
            self.desk.edit(frames=self.desk.scene.frames)
        self.frames.setFocus()
        self.frames.selectAll()

    def _take_rule(self, row: int) -> None:
        if self.rule.itemText(row) == _CUSTOM:
            self.scouts.setFocus()
            self.scouts.selectAll()
        else:
            self.desk.edit(scouts=str(self.rule.itemData(row)))

    def _show_choices(self) -> None:
        form = self.desk.form
        (self.custom if form.frames else self.of_scene).setChecked(True)
        self.frames.setPlaceholderText(self.desk.scene.frames)
        silence = QSignalBlocker(self.rule)
        row = next((i for i, (_, spec) in enumerate(_SCOUTS) if spec == form.scouts.strip()), len(_SCOUTS))
        self.rule.setCurrentIndex(row)
        silence.unblock()

    def show_counts(self) -> None:
        """Say what the fields come to, or what is wrong with them."""
        now = self.desk.situation()
        of_scene = frames_in(now.scene.frames)
        wrong_scene = isinstance(of_scene, FrameSpecError)
        self.scene_range.setText(
            f"{now.scene.frames}   ({count(len(of_scene), 'frame')})" if not isinstance(of_scene, FrameSpecError) else "none"
        )
        self.of_scene.setEnabled(not wrong_scene)
        self._show_frames(now)
        self._show_scouts(now)
        self.table.refresh()

    def _show_frames(self, now: Situation) -> None:
        spec = now.form.frames or now.scene.frames
        frames = frames_in(spec)
        if isinstance(frames, FrameSpecError):
            self.frames_note.say(_sentence(frames), "error")
            self.chunk_note.say("")
        else:
            self.frames_note.say(count(len(frames), "frame") if now.form.frames else "")
            tasks = tasks_in(len(frames), now.form.chunk_size)
            self.chunk_note.say(f"{count(len(frames), 'frame')} come to {count(tasks, 'task')} per step")
        self._mark(self.frames, isinstance(frames, FrameSpecError))

    def _show_scouts(self, now: Situation) -> None:
        spec = now.form.frames or now.scene.frames
        scouts = scouts_in(now.form.scouts, spec)
        if isinstance(scouts, FrameSpecError):
            own = not isinstance(frames_in(spec), FrameSpecError)
            self.scouts_note.say(_sentence(scouts) if own else "", "error")
        elif scouts:
            self.scouts_note.say(f"{brief(scouts)} render first; the others are held until you release them")
        else:
            self.scouts_note.say("All frames render at once")
        self._mark(self.scouts, isinstance(scouts, FrameSpecError) and self.scouts_note.text() != "")

    @staticmethod
    def _mark(field: TextField, wrong: bool) -> None:
        if bool(field.property("wrong")) != wrong:
            field.setProperty("wrong", wrong)
            repolish(field)


def _sentence(error: FrameSpecError) -> str:
    """Return what is wrong, for where the text itself is in sight."""
    where = f" in {error.part!r}" if error.part and error.part != error.spec and len(error.part) < 40 else ""
    return f"{error.reason[:1].upper()}{error.reason[1:]}{where}. {error.next_step}"
