"""Section *Metadata*: keys and values that the job carries."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.lines_table import LinesTable, Offering, pairs_in
from conductor_plugins.panel.rows import Note, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell
from conductor_plugins.panel.words import WORDS

if TYPE_CHECKING:
    from conductor_core.agent_answers import Preset


class MetadataSection(Section):
    """One table of keys and values."""

    title = "Metadata"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        #: keys and values of presets: what was used before
        self._used: dict[str, tuple[str, ...]] = {}
        self._asked_for: str | None = None
        self.pairs = LinesTable(("Key", "Value", ""), self.tones, "metadata")
        named(self.pairs, "metadata")
        self.pairs.set_widths(30, 50)
        self.pairs.cells.edited.connect(self._edit)
        self.pairs.remove_wanted.connect(self._remove)
        self.pairs.pasted.connect(self._paste)
        self.note = Note("metadata")
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(self.fontMetrics().height() // 3)
        column.addLayout(self.pairs.heading("&Keys and values", WORDS["metadata"].tip))
        column.addWidget(self.pairs, 1)
        column.addWidget(self.note)
        desk.form_changed.connect(self.follow)
        self.follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return the keys."""
        return ", ".join(key for key, _ in situation.form.metadata if key)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for what was used before; nobody needs it sooner."""
        super().showEvent(event)
        project = self.desk.situation().project()
        if project and project != self._asked_for:
            self._asked_for = project
            ask = partial(self.desk.agent.presets, project=project)
            self.desk.errands.run("metadata used", ask, self._learn, lambda _: None)

    def follow(self) -> None:
        """Show what is so now."""
        pairs = self.desk.form.metadata
        twice = {key for key, number in Counter(key.strip() for key, _ in pairs if key.strip()).items() if number > 1}
        new = (Cell("new key …", "faint", "Type a key to add one", edit=""), Cell(), Cell())
        self.pairs.cells.show_cells([*(self._row(*pair, pair[0].strip() in twice) for pair in pairs), new])
        if twice:
            self.note.say(
                f"{_listed(sorted(twice))} {'stands' if len(twice) == 1 else 'stand'} there twice: each key once.", "error"
            )
        else:
            self.note.say("Several lines can be pasted: key = value.")

    def _row(self, key: str, value: str, twice: bool) -> tuple[Cell, ...]:
        said = Cell("stands there twice", "error") if twice else Cell()
        if not key.strip() and value:
            said = Cell("has no key", "error")
        return Cell(key, "error" if twice else "", edit=key), Cell(value, tip=value, edit=value), said

    def _learn(self, presets: list[Preset]) -> None:
        used: dict[str, tuple[str, ...]] = {}
        for preset in presets:
            for key, value in _pairs_of(preset):
                used[key] = tuple(dict.fromkeys((*used.get(key, ()), value)))
        self._used = used
        self.pairs.setItemDelegate(Offering(self._offered, self.pairs))

    def _offered(self, row: int, column: int) -> tuple[str, ...]:
        """Return what was used before in a cell: keys, and values of the row's key."""
        if column == 0:
            return tuple(self._used)
        return self._used.get(self.pairs.cells.cells[row][0].text, ()) if column == 1 else ()

    def _edit(self, row: int, column: int, text: str) -> None:
        pairs = list(self.desk.form.metadata)
        if row == len(pairs):
            if text:
                self.desk.edit(metadata=(*pairs, (text, "")))
                self.pairs.edit_soon(row, 1)
            return
        key, value = pairs[row]
        pairs[row] = (text, value) if column == 0 else (key, text)
        self.desk.edit(metadata=tuple(pairs))

    def _remove(self, rows: list[int]) -> None:
        self.desk.edit(metadata=tuple(pair for number, pair in enumerate(self.desk.form.metadata) if number not in rows))

    def _paste(self, text: str) -> None:
        self.desk.edit(metadata=(*self.desk.form.metadata, *pairs_in(text)))


def _pairs_of(preset: Preset) -> list[tuple[str, str]]:
    """Return keys and values of a preset, however its file writes them."""
    kept = preset.values.get("metadata", ())
    pairs = kept.items() if isinstance(kept, dict) else kept
    return [(str(pair[0]), str(pair[1])) for pair in pairs if len(pair) == 2]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
