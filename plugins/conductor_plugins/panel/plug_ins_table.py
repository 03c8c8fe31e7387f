"""The table of plug-ins: those that the scene uses, and those that the farm has for its software."""

from __future__ import annotations

from conductor_core.versions import serving_version, version_key

from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.tables import Cell, CellModel, CellTable

_COLUMNS = ("Plug-in", "In the scene", "On the farm", "")


class PlugInsTable(CellTable):
    """Tick what goes along, choose its version among those that the farm has."""

    def __init__(self, section: Section) -> None:
        super().__init__(CellModel(_COLUMNS, section.tones), "plug_ins")
        named(self, "plug_ins")
        self._desk = section.desk
        self._names: list[str] = []
        self.cells.ticked.connect(self._tick)
        self.cells.edited.connect(self._choose)
        self.set_widths(32, 20, 24)
        self.setMinimumHeight(self.height_of(3))

    def refresh(self) -> None:
        """Show what is so now."""
        now = self._desk.situation()
        chosen = chosen_plug_ins(now)
        self._names = list(dict.fromkeys((*(p.name for p in now.scene.plug_ins), *_offered(now), *chosen)))
        self.cells.show_cells([_row(now, name, chosen) for name in self._names])

    def _tick(self, row: int, _column: int, ticked: bool) -> None:
        now = self._desk.situation()
        chosen, name = chosen_plug_ins(now), self._names[row]
        if ticked:
            chosen[name] = _best(now, name)
        else:
            chosen.pop(name, None)
        self._keep(chosen)

    def _choose(self, row: int, _column: int, version: str) -> None:
        self._keep({**chosen_plug_ins(self._desk.situation()), self._names[row]: version})

    def _keep(self, chosen: dict[str, str]) -> None:
        detected = {p.name: p.version for p in self._desk.scene.plug_ins}
        plug_ins = None if chosen == detected else tuple(f"{name}@{version}" for name, version in chosen.items())
        self._desk.edit(plug_ins=plug_ins)


def chosen_plug_ins(now: Situation) -> dict[str, str]:
    """Return the plug-ins that go along, with their versions: the form's, or those that the host has detected."""
    if now.form.plug_ins is None:
        return {p.name: p.version for p in now.scene.plug_ins}
    return {name: version for name, _, version in (text.partition("@") for text in now.form.plug_ins)}


def _offered(now: Situation) -> list[str]:
    software = now.software().name
    return [p.name for p in (now.offer.software if now.offer else ()) if p.plug_in_of == software]


def _versions(now: Situation, name: str) -> tuple[str, ...]:
    return tuple(p.version for p in (now.offer.software if now.offer else ()) if p.name == name)


def _best(now: Situation, name: str) -> str:
    """Return the version to take when a plug-in is ticked: the scene's where the farm has it, else the farm's newest."""
    detected = next((p.version for p in now.scene.plug_ins if p.name == name), "")
    versions = _versions(now, name)
    return detected if (detected and serving_version(detected, versions)) or not versions else max(versions, key=version_key)


def _row(now: Situation, name: str, chosen: dict[str, str]) -> tuple[Cell, ...]:
    detected = next((p.version for p in now.scene.plug_ins if p.name == name), "")
    versions, version = _versions(now, name), chosen.get(name, "")
    on = name in chosen
    serves = serving_version(version, versions)
    farm = Cell(
        version or ", ".join(versions), "" if on else "faint", ", ".join(versions), edit=version or None, choices=versions
    )
    if not on:
        said = Cell("the scene uses it, but it does not go along", "warning") if detected else Cell()
    elif now.offer is None:
        said = Cell("asking the farm …", "subtle")
    elif serves is not None:
        said = Cell("the farm has it" if serves == version else f"the farm has {serves}, which serves", "ok")
    elif versions:
        said = Cell(f"the farm has {', '.join(versions)}", "error")
    else:
        said = Cell("the farm does not have it", "error")
    return Cell(name, "" if on else "subtle", tick=on), Cell(detected or "–", "" if detected else "faint"), farm, said
