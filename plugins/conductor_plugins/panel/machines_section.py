"""The section Machines: which kind of machine renders, how many at once, and what happens when a task goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import NumberField, TickField
from conductor_plugins.panel.figures import money_text
from conductor_plugins.panel.instance_table import InstanceTable
from conductor_plugins.panel.rows import Note, Rows, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.words import WORDS

if TYPE_CHECKING:
    from conductor_core.agent_answers import InstanceType


class MachinesSection(Section):
    """Instance type, preemption, retries, limits and priority."""

    title = "Machines"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 3)
        self.table = InstanceTable(self)
        label = QLabel(WORDS["instance_type"].label)
        label.setBuddy(self.table)
        column.addWidget(label)
        column.addWidget(self.table, 1)
        self.preemptible = TickField(desk, "preemptible")
        self.note = Note("preemptible")
        rows = Rows(self)
        rows.add_row(QLabel(), self.preemptible, note=self.note)
        column.addLayout(rows)
        column.addLayout(self._numbers())
        for signal in (desk.form_changed, desk.offer_changed):
            signal.connect(self._say)
        self._say()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return the instance type."""
        name = situation.instance_type() or "none chosen"
        return f"{name} · preemptible" if situation.form.preemptible else name

    def _numbers(self) -> QGridLayout:
        """Return the numbers in two columns: what is about tries, and what is about machines."""
        fields = {
            "retries_failure": NumberField(self.desk, "retries_failure", high=100),
            "retries_preemption": NumberField(self.desk, "retries_preemption", high=1000),
            "task_minutes": NumberField(self.desk, "task_minutes", high=100_000, zero="none", unit="min"),
            "max_instances": NumberField(self.desk, "max_instances", high=10_000, zero="no limit"),
            "priority": NumberField(self.desk, "priority", high=100),
        }
        grid = QGridLayout()
        left, right = Rows(self), Rows(self)
        for number, (name, field) in enumerate(fields.items()):
            (left if number < 3 else right).add(name, field)
        right.setRowStretch(right.rowCount(), 1)
        grid.setHorizontalSpacing(self.fontMetrics().height() * 2)
        grid.addLayout(left, 0, 0)
        grid.addLayout(right, 0, 1)
        grid.setColumnStretch(2, 1)
        return grid

    def _say(self) -> None:
        """Say what preemptible machines of this type cost, or that there are none."""
        now = self.desk.situation()
        chosen = self._chosen(now)
        self.preemptible.setEnabled(chosen is None or bool(chosen.preemptible_price_per_hour) or now.form.preemptible)
        if chosen is None or now.offer is None:
            self.note.say("")
        elif chosen.preemptible_price_per_hour:
            cheap = money_text(chosen.preemptible_price_per_hour, now.offer.currency)
            full = money_text(chosen.price_per_hour, now.offer.currency)
            price = f"{cheap} an hour in place of {full}" if cheap != full else "At no other price"
            self.note.say(f"{price}; a task whose machine is taken away starts again")
        else:
            self.note.say(f"{chosen.name} is not to be had preemptible", "error" if now.form.preemptible else "subtle")

    @staticmethod
    def _chosen(now: Situation) -> InstanceType | None:
        types = now.offer.instance_types if now.offer else ()
        return next((each for each in types if each.name == now.instance_type()), None)
