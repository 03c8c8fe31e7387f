"""Where the step that is chosen in the table writes to: one line for each of its outputs."""

from __future__ import annotations

from functools import partial

from conductor_core.host import SceneStep
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from conductor_plugins.form.model import Form
from conductor_plugins.panel.rows import Note, Rows
from conductor_plugins.panel.section import Section

_TIP = "Where the frames go: an absolute path, #### for the frame. Empty: as the scene says."
#: outputs of one step that have a line here; a node with more writes them where the scene says
_SHOWN = 8


class StepOutputs(QWidget):
    """The paths of one step."""

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self._desk = section.desk
        self._step: SceneStep | None = None
        self.fields: list[QLineEdit] = []
        self._note = Note("outputs")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._lines = QWidget()
        self._column.addWidget(self._lines)
        self._column.addWidget(self._note)
        self._desk.form_changed.connect(self.follow)

    def show_step(self, step: SceneStep | None) -> None:
        """Show another step."""
        if step == self._step and step is not None:
            self.follow()
            return
        self._step = step
        self.fields = []
        lines = QWidget()
        rows = Rows(self)
        lines.setLayout(rows)
        paths = _scene_paths(step)[:_SHOWN]
        for number, path in enumerate(paths):
            label = QLabel(f"{step.name if step else ''} writes to" if number == 0 else "")
            field = QLineEdit()
            field.setObjectName(f"output-{number}")
            field.setAccessibleName(f"Output {number + 1} of {step.name if step else ''}")
            field.setToolTip(_TIP)
            field.setPlaceholderText(path)
            field.textEdited.connect(partial(self._edit, number))
            label.setBuddy(field)
            rows.add_row(label, field, stretch=True)
            self.fields.append(field)
        self._column.replaceWidget(self._lines, lines)
        self._lines.deleteLater()
        self._lines = lines
        self._say()
        self.follow()

    def _say(self) -> None:
        step = self._step
        if step is not None and step.problem:
            self._note.say(f"{step.name} {step.problem}.", "warning")
        elif step is not None and not step.outputs:
            self._note.say(f"The scene names no file that {step.name} writes.")
        elif step is None and not self._desk.steps:
            self._note.say(
                "The scene has nothing that can be rendered. Add a layer, write node, ROP or camera, then press F5.", "warning"
            )
        else:
            self._note.say("")
        self._note.setVisible(bool(self._note.text()))

    def follow(self) -> None:
        """Show what the form says; an empty line stays empty, since it means the scene's path."""
        if self._step is None:
            return
        for field, path, of_scene in zip(self.fields, self._paths(), _scene_paths(self._step), strict=False):
            if (field.text().strip() or of_scene) != path or not (field.text() or field.isModified()):
                field.setText(path)

    def _paths(self) -> tuple[str, ...]:
        """Return the paths as chosen; a choice made for another number of outputs is none."""
        of_scene = _scene_paths(self._step)
        choice = self._desk.form.step(self._step.name) if self._step else None
        return choice.outputs if choice and len(choice.outputs) == len(of_scene) else of_scene

    def _edit(self, number: int, text: str) -> None:
        step = self._step
        if step is None:
            return
        of_scene, paths = _scene_paths(step), list(self._paths())
        paths[number] = text.strip() or of_scene[number]
        outputs = () if tuple(paths) == of_scene else tuple(paths)

        def change(form: Form) -> Form:
            return form.with_step(step.name, outputs=outputs, **({} if form.step(step.name) else {"enabled": step.enabled}))

        self._desk.edit(change)


def _scene_paths(step: SceneStep | None) -> tuple[str, ...]:
    return tuple(output.path for output in step.outputs) if step is not None else ()
