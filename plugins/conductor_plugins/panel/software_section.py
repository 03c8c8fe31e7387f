"""The section Software: what renders on the farm, and which plug-ins it takes along."""

from __future__ import annotations

from conductor_core.versions import serving_version
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.plug_ins_table import PlugInsTable
from conductor_plugins.panel.rows import Note, Rows, section_margin
from conductor_plugins.panel.section import Section
from conductor_plugins.panel.words import WORDS, software_text


class SoftwareSection(Section):
    """The software and its plug-ins."""

    title = "Software"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        em = self.fontMetrics().height()
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        column.setSpacing(em // 2)
        self.detected = QLabel()
        self.detected.setObjectName("software-detected")
        self.software = QComboBox()
        named(self.software, "software")
        self.software.setMinimumWidth(self.fontMetrics().averageCharWidth() * 34)
        self.software.activated.connect(self._take)
        self.note = Note("software")
        rows = Rows(self)
        rows.add_row(QLabel("Open in"), self.detected)
        rows.add("software", self.software, note=self.note)
        column.addLayout(rows)
        self.plug_ins = PlugInsTable(self)
        column.addLayout(self._above_plug_ins())
        column.addWidget(self.plug_ins, 1)
        for signal in (desk.form_changed, desk.offer_changed, desk.scene_changed):
            signal.connect(self.follow)
        self.follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return what renders."""
        software = situation.software()
        return software_text(software.name, software.version)

    def _above_plug_ins(self) -> QHBoxLayout:
        row = QHBoxLayout()
        label = QLabel(WORDS["plug_ins"].label)
        label.setBuddy(self.plug_ins)
        self.detect = QPushButton("As in the scene")
        self.detect.setObjectName("plug_ins-of-scene")
        self.detect.setProperty("flat", True)
        self.detect.setToolTip("Take the plug-ins that the host has detected")
        self.detect.clicked.connect(lambda: self.desk.edit(plug_ins=None))
        row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.detect)
        return row

    def follow(self) -> None:
        """Show what is so now."""
        now = self.desk.situation()
        scene = now.scene
        saved = f", saved by {scene.saved_by}" if scene.saved_by and scene.saved_by != scene.software.version else ""
        self.detected.setText(f"{software_text(scene.software.name, scene.software.version)}{saved}")
        self._show_packages(now)
        self._say(now)
        self.detect.setEnabled(now.form.plug_ins is not None)
        self.plug_ins.refresh()

    def _show_packages(self, now: Situation) -> None:
        values, texts = [""], [f"{software_text(now.scene.software.name, now.scene.software.version)}, as in the scene"]
        packages = [p for p in (now.offer.software if now.offer else ()) if not p.plug_in_of]
        for package in sorted(packages, key=lambda p: (p.name != now.scene.software.name, p.name)):
            values.append(f"{package.name}@{package.version}")
            texts.append(software_text(package.name, package.version))
        if now.form.software and now.form.software not in values:
            values.append(now.form.software)
            texts.append(software_text(*now.form.software.partition("@")[::2]))
        silence = QSignalBlocker(self.software)
        if [self.software.itemData(row) for row in range(self.software.count())] != values or self.software.itemText(0) != texts[
            0
        ]:
            self.software.clear()
            for text, value in zip(texts, values, strict=True):
                self.software.addItem(text, value)
        self.software.setCurrentIndex(values.index(now.form.software))
        silence.unblock()

    def _say(self, now: Situation) -> None:
        wanted = now.software()
        if now.offer is None:
            self.note.say("Asking the farm what it has …")
            return
        versions = [p.version for p in now.offer.software if p.name == wanted.name]
        serves = serving_version(wanted.version, versions)
        if serves is not None:
            self.note.say(f"The farm has {software_text(wanted.name, serves)}", "ok")
        elif versions:
            self.note.say(f"The farm has {software_text(wanted.name, ', '.join(versions))}, not {wanted.version}", "error")
        else:
            self.note.say(f"The farm does not have {software_text(wanted.name, '')}", "error")

    def _take(self, row: int) -> None:
        self.desk.edit(software=str(self.software.itemData(row)))
