"""Section *Environment*: which of this workstation's variables go along and why, and those that the artist sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast, get_args

from conductor_core.environment import EnvironmentVariable, Policy, check_variable
from conductor_core.errors import ConductorError
from conductor_core.report import ScanReport
from conductor_core.submission import Software
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.lines_table import LinesTable, pairs_in
from conductor_plugins.panel.rows import Note, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable
from conductor_plugins.panel.words import WORDS

if TYPE_CHECKING:
    from conductor_plugins.form.replication import Replicated

_POLICIES: tuple[Policy, ...] = get_args(Policy)
_POLICY_TEXT: dict[Policy, str] = {
    "exclusive": "is the whole value",
    "append": "after what the software's package sets",
    "prepend": "before what the software's package sets",
}
_NAME, _VALUE, _POLICY = range(3)


class EnvironmentSection(Section):
    """Two tables: what is replicated, and what is set."""

    title = "Environment"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._replicated: tuple[Replicated, ...] = ()
        #: report, environment and software that they are of
        self._of: tuple[ScanReport | None, Mapping[str, str], Software] | None = None
        self.replicated = CellTable(CellModel(("Goes along", "Value", "How", "Why"), self.tones), "not_replicated")
        named(self.replicated, "not_replicated")
        self.replicated.setAccessibleName("Variables of this workstation")
        self.replicated.set_widths(28, 40, 12)
        self.replicated.setMinimumHeight(self.replicated.height_of(4))
        self.replicated.cells.ticked.connect(self._tick)
        self.variables = LinesTable(("Variable", "Value", "Policy", ""), self.tones, "environment")
        named(self.variables, "environment")
        self.variables.set_widths(28, 40, 12)
        self.variables.cells.edited.connect(self._edit)
        self.variables.remove_wanted.connect(self._remove)
        self.variables.pasted.connect(self._paste)
        self.note = Note("environment")
        self._lay_out()
        for signal in (desk.form_changed, desk.scene_changed, desk.scan_changed):
            signal.connect(self.follow)
        self.follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return how many variables are set by hand."""
        return f"{len(situation.form.environment)} set" if situation.form.environment else ""

    def _lay_out(self) -> None:
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 3)
        label = QLabel("Of t&his workstation")
        label.setBuddy(self.replicated)
        label.setToolTip("What the render needs of this workstation's environment. Untick what is to stay here.")
        column.addWidget(label)
        column.addWidget(self.replicated, 3)
        column.addSpacing(em // 2)
        column.addLayout(self.variables.heading("Set for this &job", WORDS["environment"].tip))
        column.addWidget(self.variables, 2)
        column.addWidget(self.note)

    def follow(self) -> None:
        """Show what is so now."""
        now = self.desk.situation()
        self._look_up(now)
        whole = {v.name for v in now.form.environment if v.policy == "exclusive"}
        rows = [_replicated_row(each, now.form.not_replicated, whole) for each in self._replicated]
        self.replicated.cells.show_cells(rows or [_nothing()])
        new = (Cell("new variable …", "faint", "Type a name to set a variable", edit=""), Cell(), Cell(), Cell())
        self.variables.cells.show_cells([*map(_own_row, now.form.environment), new])
        self._say(now)

    def _look_up(self, now: Situation) -> None:
        """Ask the rules anew where what they look at is new: they read every path of the scene."""
        of = (now.report, now.environment, now.software())
        if (
            self._of is None
            or any(one is not other for one, other in zip(of[:2], self._of[:2], strict=True))
            or of[2] != self._of[2]
        ):
            from conductor_plugins.form.replication import replicated_in  # not before somebody looks

            self._of, self._replicated = of, replicated_in(now)

    def _say(self, now: Situation) -> None:
        from conductor_plugins.form.secrets import is_secret

        for variable in now.form.environment:
            try:
                check_variable(variable)
            except ConductorError as exc:
                self.note.say(str(exc), "error")
                return
        secrets = sum(is_secret(v.name, v.value) for v in now.form.environment)
        if secrets:
            what = count(secrets, "value looks", "values look")
            self.note.say(f"{what} like a secret. Whoever may see the job's environment on the farm can read it.", "warning")
        else:
            self.note.say("")

    def _tick(self, row: int, _column: int, ticked: bool) -> None:
        name = self._replicated[row].variable.name
        rest = tuple(each for each in self.desk.form.not_replicated if each != name)
        self.desk.edit(not_replicated=rest if ticked else (*rest, name))

    def _edit(self, row: int, column: int, text: str) -> None:
        variables = list(self.desk.form.environment)
        if row == len(variables):
            if text:
                self._keep([*variables, EnvironmentVariable(text, "")])
                self.variables.edit_soon(row, _VALUE)
            return
        old = variables[row]
        if column == _NAME:
            variables[row] = replace(old, name=text)
        elif column == _POLICY:
            variables[row] = replace(old, policy=cast("Policy", text))
        else:
            variables[row] = replace(old, value=text)
        self._keep(variables)

    def _remove(self, rows: list[int]) -> None:
        self._keep([v for number, v in enumerate(self.desk.form.environment) if number not in rows])

    def _paste(self, text: str) -> None:
        new = [EnvironmentVariable(name.removeprefix("export ").strip(), value) for name, value in pairs_in(text) if name]
        self._keep([*self.desk.form.environment, *new])

    def _keep(self, variables: list[EnvironmentVariable]) -> None:
        self.desk.edit(environment=tuple(variables))


def _replicated_row(each: Replicated, off: tuple[str, ...], whole: set[str]) -> tuple[Cell, ...]:
    from conductor_plugins.form.secrets import masked

    variable = each.variable
    shown = masked(variable.value) if each.secret else variable.value
    how = Cell(variable.policy, "subtle", _POLICY_TEXT[variable.policy])
    if each.secret:
        why = Cell("stays here: it looks like a secret", "warning")
        return Cell(variable.name, "faint"), Cell(shown, "faint"), how, why
    if variable.name in whole:
        why = Cell("stays here: you set it yourself, below", "subtle")
        return Cell(variable.name, "faint"), Cell(shown, "faint"), how, why
    on = variable.name not in off
    why = Cell(each.why if on else "stays here: you unticked it", "subtle", each.why)
    return Cell(variable.name, "" if on else "faint", tick=on), Cell(shown, "" if on else "faint", shown), how, why


def _nothing() -> tuple[Cell, ...]:
    return Cell("Nothing", "faint"), Cell(), Cell(), Cell("no rule speaks for a variable of this workstation", "faint")


def _own_row(variable: EnvironmentVariable) -> tuple[Cell, ...]:
    from conductor_plugins.form.secrets import is_secret, masked

    secret = is_secret(variable.name, variable.value)
    if secret:
        value = Cell(masked(variable.value), tip="It looks like a secret and is not shown; typing replaces it", edit="")
    else:
        value = Cell(variable.value, tip=variable.value, edit=variable.value)
    note = Cell("looks like a secret", "warning") if secret else Cell(_POLICY_TEXT[variable.policy], "subtle")
    policy = Cell(variable.policy, edit=variable.policy, choices=_POLICIES)
    return Cell(variable.name, edit=variable.name), value, policy, note
