"""The sections Job, Frames, Machines and Software: each field edits the form, follows it, and says what is wrong in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_plugins.desk import Desk
from conductor_plugins.form.model import SECTIONS as FIELDS
from conductor_plugins.form.model import StepForm
from conductor_plugins.panel.fields import NumberField, TextField, TickField
from conductor_plugins.panel.frames_section import FramesSection
from conductor_plugins.panel.job_section import JobSection
from conductor_plugins.panel.machines_section import MachinesSection
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.software_section import SoftwareSection
from conductor_plugins.panel.tables import CellTable
from plugins.answering_agent import OFFER
from plugins.panel_desk import make_desk
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QRadioButton, QWidget

SECTIONS: tuple[type[Section], ...] = (JobSection, FramesSection, MachinesSection, SoftwareSection)


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = make_desk(scene)
    yield desk
    desk.close()


@pytest.fixture
def shown(qtbot: Any, desk: Desk) -> Callable[[type[Section]], Section]:
    def show(kind: type[Section]) -> Section:
        section = kind(desk)
        qtbot.addWidget(section)
        section.resize(700, 500)
        section.show()
        return section

    return show


def find(section: Section, name: str) -> Any:
    found = section.findChild(QWidget, name)
    assert found is not None, name
    return found


def put(qtbot: Any, widget: QWidget, value: Any) -> None:
    """Give a widget a value as an artist does."""
    if isinstance(widget, TextField):
        widget.clear()
        qtbot.keyClicks(widget, value)
    elif isinstance(widget, NumberField):
        widget.selectAll()
        qtbot.keyClicks(widget, str(value))
    elif isinstance(widget, TickField):
        qtbot.keyClick(widget, Qt.Key.Key_Space)
    elif isinstance(widget, QComboBox):
        row = next(row for row in range(widget.count()) if value in (widget.itemData(row), widget.itemText(row)))
        widget.setFocus()
        while widget.currentIndex() != row:
            qtbot.keyClick(widget, Qt.Key.Key_Down if widget.currentIndex() < row else Qt.Key.Key_Up)
    elif isinstance(widget, CellTable):
        row = next(row for row, cells in enumerate(widget.cells.cells) if cells[0].text == value)
        while widget.currentIndex().row() != row:
            qtbot.keyClick(widget, Qt.Key.Key_Down)


def told(widget: QWidget) -> Any:
    """Return the value that a widget shows."""
    if isinstance(widget, TextField):
        return widget.text()
    if isinstance(widget, NumberField):
        return widget.value()
    if isinstance(widget, TickField):
        return widget.isChecked()
    if isinstance(widget, QComboBox):
        return widget.currentData() if widget.currentData() is not None else widget.currentText()
    assert isinstance(widget, CellTable)
    return widget.cells.cells[widget.currentIndex().row()][0].text


FIELD_VALUES = [
    (JobSection, "title", "first look", "second look"),
    (JobSection, "project", "tests", "dragons"),
    (FramesSection, "frames", "1-5", "7"),
    (FramesSection, "chunk_size", 4, 9),
    (FramesSection, "scouts", "fml:3", "1,5"),
    (MachinesSection, "instance_type", "gpu", "small"),
    (MachinesSection, "preemptible", True, False),
    (MachinesSection, "retries_failure", 3, 0),
    (MachinesSection, "retries_preemption", 8, 2),
    (MachinesSection, "max_instances", 12, 0),
    (MachinesSection, "priority", 80, 20),
    (MachinesSection, "task_minutes", 90, 0),
    (SoftwareSection, "software", "blender@4.5.15", ""),
]


@pytest.mark.parametrize(("kind", "name", "typed", "set_"), FIELD_VALUES, ids=[row[1] for row in FIELD_VALUES])
def test_a_field_edits_the_form_and_follows_it(
    kind: type[Section], name: str, typed: Any, set_: Any, desk: Desk, shown: Any, qtbot: Any
) -> None:
    """What is typed is in the form at once; what something else puts into the form is shown at once."""
    widget = find(shown(kind), name)
    put(qtbot, widget, typed)
    assert getattr(desk.form, name) == typed
    desk.edit(**{name: set_})
    assert told(widget) == set_
    assert getattr(desk.form, name) == set_


def test_every_field_of_these_sections_is_tried() -> None:
    """The table above has each field of the form schema that is not a table of its own."""
    tried = {row[1] for row in FIELD_VALUES} | {"steps", "plug_ins"}
    assert tried == {name for kind in SECTIONS for name in FIELDS[kind.title]}


@pytest.mark.parametrize("kind", SECTIONS, ids=lambda kind: kind.title)
def test_every_field_has_a_name_and_words(kind: type[Section], shown: Any) -> None:
    """A screen reader and the mouse both learn what each field is; the keyboard finds it by name."""
    section = shown(kind)
    for name in FIELDS[kind.title]:
        widget = find(section, name)
        assert widget.accessibleName()
        assert widget.toolTip()
        assert section.focus_field(name)
        assert widget.hasFocus() or section.focusWidget() is widget


def tick(qtbot: Any, table: CellTable, row: int) -> None:
    table.setFocus()
    table.setCurrentIndex(table.cells.index(row, 0))
    qtbot.keyClick(table, Qt.Key.Key_Space)


def edit(table: CellTable, row: int, column: int, text: str) -> None:
    table.cells.setData(table.cells.index(row, column), text)


def test_a_step_is_switched_by_the_space_bar(desk: Desk, shown: Any, qtbot: Any) -> None:
    """What the artist switches is in the form; the others stay as the scene has them."""
    table = find(shown(JobSection), "steps")
    tick(qtbot, table, 1)
    tick(qtbot, table, 2)
    assert [step.name for step, _ in desk.situation().chosen_steps()] == ["beauty", "turntable"]
    assert desk.form.steps == (StepForm("fog", enabled=False), StepForm("turntable", enabled=True))


def test_the_space_bar_switches_from_any_column_and_all_chosen_rows(desk: Desk, shown: Any, qtbot: Any) -> None:
    """Whole rows are chosen; where in the row one stands does not matter."""
    table = find(shown(JobSection), "steps")
    table.setCurrentIndex(table.cells.index(0, 2))
    table.selectAll()
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert desk.situation().chosen_steps() == ()
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert len(desk.situation().chosen_steps()) == 3


@pytest.mark.parametrize(
    ("button", "chosen"),
    [("steps-all", ["beauty", "fog", "turntable"]), ("steps-none", []), ("steps-of-scene", ["beauty", "fog"])],
)
def test_all_steps_at_once(button: str, chosen: list[str], desk: Desk, shown: Any, qtbot: Any) -> None:
    """All, none, or as the scene has them."""
    section = shown(JobSection)
    desk.edit(lambda form: form.switched("beauty", False))
    qtbot.mouseClick(find(section, button), Qt.MouseButton.LeftButton)
    assert [step.name for step, _ in desk.situation().chosen_steps()] == chosen


@pytest.mark.parametrize(
    ("column", "text", "field", "value"),
    [
        (1, "3-7", "frames", "3-7"),
        (2, "4", "chunk_size", 4),
        (2, "none", "chunk_size", 0),
        (3, "auto:2", "scouts", "auto:2"),
    ],
    ids=["frames", "chunk", "chunk that is no number", "scouts"],
)
def test_a_step_can_have_its_own(column: int, text: str, field: str, value: Any, desk: Desk, shown: Any) -> None:
    """Frames, chunk size and scouts of one step, shown in its row; a step that the scene has off stays off."""
    table = find(shown(JobSection), "steps")
    edit(table, 2, column, text)
    step = desk.form.step("turntable")
    assert step == replace(StepForm("turntable", enabled=False), **{field: value})


def test_a_step_shows_what_it_inherits(desk: Desk, shown: Any, qtbot: Any) -> None:
    """An empty cell of a step is what the form says, in the colour of what is not the step's own."""
    table = find(shown(JobSection), "steps")
    desk.edit(frames="1-4", chunk_size=2)
    qtbot.waitUntil(lambda: table.cells.cells[0][1].text == "1-4")
    assert [(cell.text, cell.tone) for cell in table.cells.cells[0][1:4]] == [
        ("1-4", "subtle"),
        ("2", "subtle"),
        ("none", "subtle"),
    ]


def test_a_wrong_range_of_a_step_is_shown_in_its_row(desk: Desk, shown: Any) -> None:
    """The sentence that says what is wrong is the cell's tool tip."""
    table = find(shown(JobSection), "steps")
    edit(table, 0, 1, "3-")
    assert table.cells.cells[0][1].tone == "error"
    assert "'3-'" in table.cells.cells[0][1].tip


def test_a_steps_problem_is_shown(shown: Any) -> None:
    """What keeps a step from being rendered stands in its row."""
    table = find(shown(JobSection), "steps")
    assert table.cells.cells[1][4].text == "has no camera"


def test_an_output_can_go_elsewhere(desk: Desk, shown: Any, qtbot: Any) -> None:
    """One of two outputs is changed, the other stays the scene's; emptied, all is as the scene says."""
    section = shown(JobSection)
    field = find(section, "output-1")
    assert isinstance(field, QLineEdit)
    assert field.text() == "/render/beauty_z_####.exr"
    field.selectAll()
    qtbot.keyClicks(field, "/else/z_####.exr")
    assert desk.form.step("beauty") == StepForm("beauty", outputs=("/render/beauty_####.exr", "/else/z_####.exr"))
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    assert desk.form.step("beauty") == StepForm("beauty")
    assert field.text() == ""


def test_outputs_are_those_of_the_chosen_row(desk: Desk, shown: Any) -> None:
    """Another row, other lines."""
    section = shown(JobSection)
    find(section, "steps").selectRow(1)
    assert [field.text() for field in section.outputs.fields] == ["/render/fog_####.exr"]


def test_a_scene_without_steps_says_so(desk: Desk, shown: Any) -> None:
    """An empty table alone would leave one guessing."""
    desk.steps = ()
    section = shown(JobSection)
    note = find(section, "outputs-note")
    assert note.isVisible()
    assert "nothing that can be rendered" in note.text()
    assert JobSection.summary(desk.situation()) == "nothing to render"


def test_steps_that_come_later_are_shown(desk: Desk, shown: Any) -> None:
    """The scene is read again after a layer was added."""
    steps, desk.steps = desk.steps, ()
    section = shown(JobSection)
    desk.steps = steps
    desk.scene_changed.emit()
    assert len(find(section, "steps").cells.cells) == 3
    assert not find(section, "outputs-note").isVisible()


def test_project_of_another_farm_is_kept_visible(desk: Desk, shown: Any) -> None:
    """A project that the farm does not have is shown as it is, for the validator to speak of."""
    project = find(shown(JobSection), "project")
    desk.edit(project="gone")
    assert project.currentText() == "gone"


def test_the_scenes_own_range(desk: Desk, shown: Any, qtbot: Any) -> None:
    """The scene's range is one click, a custom one begins as the scene's."""
    section = shown(FramesSection)
    of_scene, custom = find(section, "frames-of-scene"), find(section, "frames-custom")
    assert isinstance(of_scene, QRadioButton)
    assert of_scene.isChecked()
    qtbot.mouseClick(custom, Qt.MouseButton.LeftButton)
    assert desk.form.frames == "1-10"
    assert section.focusWidget() is find(section, "frames")
    qtbot.mouseClick(of_scene, Qt.MouseButton.LeftButton)
    assert desk.form.frames == ""
    assert find(section, "frames").text() == ""


@pytest.mark.parametrize(
    ("form", "note", "text", "tone"),
    [
        ({"frames": "1-10x3"}, "frames-note", "4 frames", "subtle"),
        ({"frames": "7"}, "frames-note", "1 frame", "subtle"),
        ({"frames": "1-10,,"}, "frames-note", "Nothing stands between two commas", "error"),
        ({"frames": "1-10", "chunk_size": 4}, "chunk_size-note", "3 tasks", "subtle"),
        ({"scouts": "fml:3"}, "scouts-note", "1, 5, 10 render first", "subtle"),
        ({"scouts": "auto:x"}, "scouts-note", "This is not a frame or a range", "error"),
        ({"scouts": "99"}, "scouts-note", "The step has none of these frames", "error"),
        ({}, "scouts-note", "All frames render at once", "subtle"),
    ],
    ids=["counted", "one", "wrong range", "tasks", "scouts", "wrong scouts", "scouts beyond", "no scouts"],
)
def test_frames_say_what_they_come_to(form: Any, note: str, text: str, tone: str, desk: Desk, shown: Any, qtbot: Any) -> None:
    """Below each field stands what it means for this scene, or what is wrong with it."""
    section = shown(FramesSection)
    label = find(section, note)
    assert isinstance(label, QLabel)
    desk.edit(**form)
    qtbot.waitUntil(lambda: text in label.text() and label.property("tone") == tone)


@pytest.mark.parametrize(("rule", "spec"), [("First, middle, last", "fml:3"), ("3 spread evenly", "auto:3")])
def test_a_rule_for_scouts_writes_its_text(rule: str, spec: str, desk: Desk, shown: Any, qtbot: Any) -> None:
    """What the menu means can be read and changed in the field beside it."""
    section = shown(FramesSection)
    put(qtbot, find(section, "scouts-rule"), rule)
    assert desk.form.scouts == spec
    assert find(section, "scouts").text() == spec
    desk.edit(scouts="1,4")
    assert find(section, "scouts-rule").currentText() == "Custom"


def test_frames_and_tasks_of_each_step(desk: Desk, shown: Any, qtbot: Any) -> None:
    """A step with a range of its own counts by that."""
    table = find(shown(FramesSection), "frames-table")
    desk.edit(lambda form: replace(form, frames="1-10", chunk_size=5).with_step("fog", frames="1-3"))
    qtbot.waitUntil(lambda: len(table.cells.cells) == 2 and table.cells.cells[1][2].text == "3")
    assert [[cell.text for cell in row[:4]] for row in table.cells.cells] == [
        ["beauty", "1-10", "10", "2"],
        ["fog", "1-3", "3", "1"],
    ]


def test_instance_types_are_grouped(shown: Any) -> None:
    """CPU before GPU, cheap before dear, each with cores, memory and both prices."""
    table = find(shown(MachinesSection), "instance_type")
    assert [[cell.text for cell in row[:5]] for row in table.cells.cells] == [
        ["CPU", "", "", "", ""],
        ["small", "4", "16 GB", "€0.20", "€0.06"],
        ["large", "32", "128 GB", "€1.60", "–"],
        ["GPU", "", "", "", ""],
        ["gpu", "8", "64 GB", "€2.40", "–"],
    ]


@pytest.mark.parametrize(
    ("form", "text", "tone"),
    [
        ({"instance_type": "small"}, "€0.06 an hour in place of €0.20", "subtle"),
        ({"instance_type": "large"}, "large is not to be had preemptible", "subtle"),
        ({"instance_type": "large", "preemptible": True}, "large is not to be had preemptible", "error"),
    ],
    ids=["cheaper", "not to be had", "asked for in vain"],
)
def test_what_preemptible_comes_to(form: Any, text: str, tone: str, desk: Desk, shown: Any) -> None:
    """Its price beside the full one, or that there is none."""
    section = shown(MachinesSection)
    desk.edit(**form)
    note = find(section, "preemptible-note")
    assert text in note.text()
    assert note.property("tone") == tone


def test_an_instance_type_that_is_gone_is_shown(desk: Desk, shown: Any) -> None:
    """A preset from another farm is not thrown away in silence."""
    table = find(shown(MachinesSection), "instance_type")
    desk.edit(instance_type="huge")
    assert told(table) == "huge"
    assert table.cells.cells[-1][0].tone == "error"


def test_what_the_farm_has_comes_later(qtbot: Any, scene: Path) -> None:
    """The panel opens before the agent has answered; what it answers is shown then."""
    desk = make_desk(scene, offered=False)
    sections = [kind(desk) for kind in SECTIONS]
    for section in sections:
        qtbot.addWidget(section)
    assert "Asking" in find(sections[2], "instance_type").cells.cells[0][0].text
    desk.offer = OFFER
    desk.offer_changed.emit()
    assert len(find(sections[2], "instance_type").cells.cells) == 5
    assert find(sections[0], "project").count() == 2
    assert find(sections[3], "software").count() == 3
    desk.close()


@pytest.mark.parametrize(
    ("software", "text", "tone"),
    [
        ("", "The farm has Memory 1.0", "ok"),
        ("blender@4.5", "The farm has Blender 4.5.15", "ok"),
        ("blender@3.6", "The farm has Blender 4.5.15, not 3.6", "error"),
        ("nuke@15.1", "The farm does not have Nuke", "error"),
    ],
    ids=["detected", "partial version", "other version", "not there"],
)
def test_whether_the_farm_has_the_software(software: str, text: str, tone: str, desk: Desk, shown: Any) -> None:
    """Said below the field, before anything is submitted."""
    section = shown(SoftwareSection)
    desk.edit(software=software)
    note = find(section, "software-note")
    assert (note.text(), note.property("tone")) == (text, tone)


def test_plug_ins_of_the_scene_and_of_the_farm(desk: Desk, shown: Any, qtbot: Any) -> None:
    """Those detected are ticked, with what the farm has of each; one can be left out, and be as detected again."""
    section = shown(SoftwareSection)
    table = find(section, "plug_ins")
    assert [cell.text for cell in table.cells.cells[0]] == ["cloth", "2.1", "2.1", "the farm does not have it"]
    tick(qtbot, table, 0)
    assert desk.form.plug_ins == ()
    tick(qtbot, table, 0)
    assert desk.form.plug_ins is None
    tick(qtbot, table, 0)
    button = find(section, "plug_ins-of-scene")
    assert isinstance(button, QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert desk.form.plug_ins is None


def test_another_version_of_a_plug_in(desk: Desk, shown: Any) -> None:
    """Chosen among those that the farm has."""
    section = shown(SoftwareSection)
    desk.edit(software="maya@2024", plug_ins=("mtoa@5.3",))
    table = find(section, "plug_ins")
    row = next(row for row, cells in enumerate(table.cells.cells) if cells[0].text == "mtoa")
    assert table.cells.cells[row][3].text == "the farm has 5.4"
    edit(table, row, 2, "5.4")
    assert desk.form.plug_ins == ("mtoa@5.4",)
    assert table.cells.cells[row][3].tone == "ok"
