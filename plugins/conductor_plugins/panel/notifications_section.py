"""Section *Notifications*: who gets an e-mail about the job, and when."""

from __future__ import annotations

import re
from dataclasses import replace

from conductor_core.submission import Notifications, Occasion, is_email
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from conductor_plugins.desk import Desk
from conductor_plugins.form.situation import Situation
from conductor_plugins.panel.fields import named
from conductor_plugins.panel.figures import count
from conductor_plugins.panel.rows import Note, Rows, section_margin
from conductor_plugins.panel.section import Section

_OCCASIONS: dict[Occasion, tuple[str, str]] = {
    "scouts": ("The &scout frames are there", "All tasks with scout frames have ended; the others wait for you."),
    "success": ("The job is &done", "All frames are rendered."),
    "failed": ("The job has &failed", "Tasks failed for good, and nothing of it runs any more."),
    "killed": ("Somebody &kills the job", "You, or whoever may."),
}


class NotificationsSection(Section):
    """Addresses and occasions."""

    title = "Notifications"

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.wanted = QCheckBox("Send e-&mails about this job")
        self.wanted.setObjectName("notifications-wanted")
        self.emails = QLineEdit()
        named(self.emails, "notifications")
        self.emails.setAccessibleName("E-mail addresses")
        self.emails.setToolTip("Addresses, one after another, with a comma between them")
        self.note = Note("notifications")
        self.on = {occasion: self._box(occasion) for occasion in _OCCASIONS}
        self._lay_out()
        self.wanted.toggled.connect(self._want)
        self.emails.textEdited.connect(self._edit)
        for signal in (desk.form_changed, desk.offer_changed):
            signal.connect(self.follow)
        self.follow()

    @classmethod
    def summary(cls, situation: Situation) -> str:
        """Return who is told."""
        emails = situation.form.notifications.emails
        return emails[0] if len(emails) == 1 else count(len(emails), "address", "addresses") if emails else ""

    def focus_field(self, field: str) -> bool:
        """Put the keyboard into the addresses; as long as there are none, on the tick that asks for them."""
        if field == "notifications" and not self.emails.isEnabled():
            self.wanted.setFocus()
            return True
        return super().focus_field(field)

    def _box(self, occasion: Occasion) -> QCheckBox:
        text, tip = _OCCASIONS[occasion]
        box = QCheckBox(text)
        box.setObjectName(f"on-{occasion}")
        box.setToolTip(tip)
        box.toggled.connect(lambda _: self._choose())
        return box

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*section_margin(self))
        rows = Rows(self)
        rows.add_row(QLabel(), self.wanted)
        label = QLabel("T&o")
        label.setBuddy(self.emails)
        rows.add_row(label, self.emails, note=self.note, stretch=True)
        for number, box in enumerate(self.on.values()):
            rows.add_row(QLabel("" if number else "When"), box)
        column.addLayout(rows)
        column.addStretch(1)

    def follow(self) -> None:
        """Show what is so now."""
        chosen, offer = self.desk.form.notifications, self.desk.offer
        silence = [QSignalBlocker(widget) for widget in (self.wanted, *self.on.values())]
        self.wanted.setChecked(bool(chosen.emails))
        for occasion, box in self.on.items():
            box.setChecked(occasion in chosen.on)
            box.setEnabled(bool(chosen.emails))
        for each in silence:
            each.unblock()
        if _addresses(self.emails.text()) != chosen.emails:
            self.emails.setText(", ".join(chosen.emails))
        self.emails.setEnabled(bool(chosen.emails) or self.emails.hasFocus())
        self.emails.setPlaceholderText(offer.email if offer else "")
        self._say(chosen)

    def _say(self, chosen: Notifications) -> None:
        offer = self.desk.offer
        wrong = [email for email in chosen.emails if not is_email(email)]
        if offer is not None and not offer.sends_email:
            text = "This farm sends no e-mails: its administrator has set no mail server (SMTP). Nobody would be told."
            self.note.say(text, "error" if chosen.emails else "warning")
        elif wrong:
            self.note.say(f"{wrong[0]!r} is no e-mail address.", "error")
        elif chosen.emails and not chosen.on:
            self.note.say("Choose at least one occasion, or nobody is told.", "warning")
        else:
            self.note.say("")
        self.wanted.setEnabled(offer is None or offer.sends_email or bool(chosen.emails))

    def _want(self, wanted: bool) -> None:
        email = self.desk.offer.email if self.desk.offer else ""
        if wanted and not email:
            silence = QSignalBlocker(self.wanted)
            self.emails.setEnabled(True)
            self.emails.setFocus()
            silence.unblock()
            return
        self._keep(replace(self.desk.form.notifications, emails=(email,) if wanted else ()))

    def _edit(self, text: str) -> None:
        self._keep(replace(self.desk.form.notifications, emails=_addresses(text)))

    def _choose(self) -> None:
        on = tuple(occasion for occasion, box in self.on.items() if box.isChecked())
        self._keep(replace(self.desk.form.notifications, on=on))

    def _keep(self, notifications: Notifications) -> None:
        self.desk.edit(notifications=notifications)


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,;\s]+", text) if part)
