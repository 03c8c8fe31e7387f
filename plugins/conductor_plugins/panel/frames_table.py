"""What each step comes to in frames and tasks: the answer to the fields above it, to be read and not edited."""

from __future__ import annotations

from conductor_core.errors import FrameSpecError
from qtpy.QtWidgets import QAbstractItemView

from conductor_plugins.form.model import StepForm
from conductor_plugins.form.situation import Situation
from conductor_plugins.form.totals import brief, frames_in, scouts_in, tasks_in
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable

_COLUMNS = ("Step", "Range", "Frames", "Tasks", "Scout frames")


class FramesTable(CellTable):
    """The steps that are rendered, with their own ranges where they have any."""

    def __init__(self, section: Section) -> None:
        super().__init__(CellModel(_COLUMNS, section.tones), "frames-table")
        self._desk = section.desk
        self.setAccessibleName("Frames and tasks of each step")
        self.setToolTip(
            "What each step comes to. A range, chunk size or scout frames of one step alone are set in the section Job."
        )
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setMinimumHeight(self.height_of(2))
        self.set_widths(40, 24, 12, 12)

    def refresh(self) -> None:
        """Show what is so now."""
        now = self._desk.situation()
        self.cells.show_cells([_row(now, choice) for _, choice in now.chosen_steps()])


def _row(now: Situation, choice: StepForm) -> tuple[Cell, ...]:
    spec = now.frames_of(choice)
    frames, scouts = frames_in(spec), scouts_in(now.scouts_of(choice), spec)
    if isinstance(frames, FrameSpecError):
        blank = Cell("–", number=True)
        return Cell(choice.name), Cell(spec, "error", frames.what), blank, blank, Cell()
    tasks = tasks_in(len(frames), now.chunk_size_of(choice))
    first = Cell(scouts.what, "error") if isinstance(scouts, FrameSpecError) else Cell(brief(scouts))
    own = Cell(spec, tip="This step has a range of its own") if choice.frames else Cell(spec, "subtle")
    return Cell(choice.name), own, Cell(f"{len(frames):,}", number=True), Cell(f"{tasks:,}", number=True), first
