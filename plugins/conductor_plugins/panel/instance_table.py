"""The table of instance types, grouped by CPU and GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex
from qtpy.QtWidgets import QAbstractItemView

from conductor_plugins.panel.fields import named
from conductor_plugins.panel.figures import money_text
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable

if TYPE_CHECKING:
    from conductor_core.agent_answers import InstanceType, Offer

_COLUMNS = ("Name", "Cores", "Memory", "Per hour", "Preemptible", "For")


class InstanceTable(CellTable):
    """What can be asked for; the row that is chosen is the form's `instance_type`."""

    def __init__(self, section: Section) -> None:
        super().__init__(CellModel(_COLUMNS, section.tones), "instance_type")
        named(self, "instance_type")
        self._desk = section.desk
        self._names: list[str] = []
        self._following = False
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.set_widths(32, 10, 12, 16, 16)
        self.setMinimumHeight(self.height_of(4))
        self.selectionModel().currentRowChanged.connect(self._choose)
        for signal in (self._desk.form_changed, self._desk.offer_changed):
            signal.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Show what can be had, and choose what the form says."""
        self._following = True
        now = self._desk.situation()
        self._names, cells = _grouped(now.offer, now.form.instance_type)
        self.cells.show_cells(cells)
        chosen = now.instance_type()
        if chosen in self._names:
            if self.currentIndex().row() != (row := self._names.index(chosen)):
                self.selectRow(row)
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        self._following = False

    def _choose(self, current: QModelIndex, _before: QModelIndex) -> None:
        if not self._following and current.isValid() and self._names[current.row()]:
            self._desk.edit(instance_type=self._names[current.row()])


def _grouped(offer: Offer | None, wanted: str) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Return the name ("" of a group's) and the cells of each row."""
    names: list[str] = []
    cells: list[tuple[Cell, ...]] = []
    if offer is None:
        return [""], [_heading("Asking the farm what it has …")]
    groups = (("CPU", [t for t in offer.instance_types if not t.gpu]), ("GPU", [t for t in offer.instance_types if t.gpu]))
    for title, types in groups:
        if types:
            names.append("")
            cells.append(_heading(title))
        for each in sorted(types, key=_price):
            names.append(each.name)
            cells.append(_row(each, offer.currency))
    if wanted and wanted not in names:
        names.append(wanted)
        blank = Cell("–", "error", number=True)
        cells.append((Cell(wanted, "error"), blank, blank, blank, blank, Cell("the farm does not have it", "error")))
    return names, cells


def _heading(text: str) -> tuple[Cell, ...]:
    return (Cell(text, heading=True), *(Cell() for _ in _COLUMNS[1:]))


def _row(each: InstanceType, currency: str) -> tuple[Cell, ...]:
    full = money_text(each.price_per_hour, currency)
    cheap = money_text(each.preemptible_price_per_hour, currency) if each.preemptible_price_per_hour else "–"
    about = " · ".join(part for part in (each.gpu, each.description) if part)
    return (
        Cell(each.name, tip=about),
        Cell(str(each.cores or "–"), number=True),
        Cell(f"{each.memory_gb:g} GB" if each.memory_gb else "–", number=True),
        Cell(full, number=True),
        Cell("same" if cheap == full else cheap, "faint" if cheap in (full, "–") else "", number=True),
        Cell(about, "subtle", about),
    )


def _price(each: InstanceType) -> tuple[float, str]:
    """Return what instance types are ordered by; a price that is no number comes first, since it will be looked into."""
    try:
        return float(each.price_per_hour), each.name
    except ValueError:
        return 0.0, each.name
