"""The table of steps: which are rendered, and what is chosen for one step alone."""

from __future__ import annotations

from typing import Any

from conductor_core.errors import FrameSpecError
from conductor_core.host import SceneStep

from conductor_plugins.form.model import Form, StepForm
from conductor_plugins.form.situation import Situation
from conductor_plugins.form.totals import frames_in, scouts_in
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable

_COLUMNS = ("Step", "Frames", "Per task", "Scout frames", "Output")
#: column → what it edits
_FIELDS = {1: "frames", 2: "chunk_size", 3: "scouts"}
_TIPS = {
    "frames": "Frames of this step alone. Empty: as in the section Frames.",
    "chunk_size": "Frames per task of this step alone. Empty: as in the section Frames.",
    "scouts": "Scout frames of this step alone. Empty: as in the section Frames.",
}


class StepsTable(CellTable):
    """All steps of the scene; what is not this step's own is shown in the colour of what is said by the way."""

    def __init__(self, section: Section) -> None:
        super().__init__(CellModel(_COLUMNS, section.tones), "steps")
        named(self, "steps")
        self._desk = section.desk
        self.cells.edited.connect(self._edit)
        self.cells.ticked.connect(self._tick)
        self.set_widths(40, 24, 10, 20)
        self.setMinimumHeight(self.height_of(3))

    def refresh(self) -> None:
        """Show what is so now."""
        now = self._desk.situation()
        chosen = {choice.name: choice for choice in now.form.steps}
        self.cells.show_cells([_row(now, step, chosen.get(step.name)) for step in now.steps])

    def _edit(self, row: int, column: int, text: str) -> None:
        step, name = self._desk.steps[row], _FIELDS[column]
        value: Any = text
        if name == "chunk_size":
            value = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
        self._desk.edit(lambda form: form.with_step(step.name, **_first(form, step), **{name: value}))
        self.refresh()

    def _tick(self, row: int, _column: int, ticked: bool) -> None:
        """Switch a step, and with it all others that are chosen."""
        rows = {index.row() for index in self.selectionModel().selectedRows()}
        names = [self._desk.steps[each].name for each in (rows if row in rows else {row})]

        def change(form: Form) -> Form:
            for name in names:
                form = form.switched(name, ticked)
            return form

        self._desk.edit(change)
        self.refresh()


def _first(form: Form, step: SceneStep) -> dict[str, bool]:
    """Return what a step that nobody touched yet must keep: whether it is rendered."""
    return {} if form.step(step.name) else {"enabled": step.enabled}


def _row(now: Situation, step: SceneStep, choice: StepForm | None) -> tuple[Cell, ...]:
    choice = choice or StepForm(step.name, step.enabled)
    spec, scouts = now.frames_of(choice), now.scouts_of(choice)
    wrong = frames_in(spec)
    odd = scouts_in(scouts, spec) if not isinstance(wrong, FrameSpecError) else None
    if not choice.enabled:
        wrong, odd = frames_in("1"), None
    off = "" if choice.enabled else "faint"
    name = Cell(step.name, off or ("warning" if step.problem else ""), _about(step), tick=choice.enabled)
    chunk = now.chunk_size_of(choice)
    return (
        name,
        _own("frames", choice.frames, spec, off, wrong),
        _own("chunk_size", str(choice.chunk_size or ""), str(chunk), off, None),
        _own("scouts", choice.scouts, scouts or "none", off, odd),
        _output(step, choice, off),
    )


def _own(field: str, own: str, effective: str, off: str, wrong: object) -> Cell:
    error = wrong if isinstance(wrong, FrameSpecError) else None
    tone = "error" if error else off or ("" if own else "subtle")
    return Cell(effective, tone, error.what if error else _TIPS[field], edit=own)


def _output(step: SceneStep, choice: StepForm, off: str) -> Cell:
    if step.problem:
        return Cell(step.problem, off or "warning", _about(step))
    paths = choice.outputs or tuple(output.path for output in step.outputs)
    if not paths:
        return Cell("none", off or "subtle", "The scene names no file that this step writes")
    more = f"  + {len(paths) - 1} more" if len(paths) > 1 else ""
    return Cell(f"{paths[0]}{more}", off or ("" if choice.outputs else "subtle"), "\n".join(paths))


def _about(step: SceneStep) -> str:
    return f"{step.name} {step.problem}" if step.problem else ""
