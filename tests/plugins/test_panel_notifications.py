"""The section Notifications: who gets an e-mail, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.submission import Notifications
from conductor_plugins.desk import Desk
from conductor_plugins.panel.notifications_section import NotificationsSection
from plugins.answering_agent import OFFER
from plugins.panel_desks import desk_of
from plugins.panel_parts import part
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QCheckBox, QLabel, QLineEdit


@pytest.fixture
def desk(qtbot: Any, scene: Path) -> Iterator[Desk]:
    desk = desk_of(scene)
    yield desk
    desk.close()


@pytest.fixture
def section(qtbot: Any, desk: Desk) -> NotificationsSection:
    section = NotificationsSection(desk)
    qtbot.addWidget(section)
    section.show()
    return section


def note(section: NotificationsSection) -> str:
    return part(section, QLabel, "notifications-note").text()


def test_who_wants_e_mails_gets_them_at_the_address_of_the_account(desk: Desk, section: NotificationsSection) -> None:
    """One click; another one takes it back."""
    part(section, QCheckBox, "notifications-wanted").click()
    assert desk.form.notifications.emails == ("mika@studio.test",)
    assert part(section, QLineEdit, "notifications").text() == "mika@studio.test"
    part(section, QCheckBox, "notifications-wanted").click()
    assert not desk.form.notifications.emails


def test_addresses_are_typed_one_after_another(desk: Desk, section: NotificationsSection) -> None:
    """What is no address is named while it is typed; the comma stays where one types."""
    desk.edit(notifications=Notifications(("a@b.cd",)))
    line = part(section, QLineEdit, "notifications")
    QTest.keyClicks(line, ", lee")
    assert desk.form.notifications.emails == ("a@b.cd", "lee")
    assert "'lee' is no e-mail address" in note(section)
    QTest.keyClicks(line, "@studio.test,")
    assert (line.text(), desk.form.notifications.emails) == ("a@b.cd, lee@studio.test,", ("a@b.cd", "lee@studio.test"))


@pytest.mark.parametrize("occasion", ["scouts", "success", "failed", "killed"])
def test_each_occasion_edits_the_form_and_follows_it(desk: Desk, section: NotificationsSection, occasion: Any) -> None:
    """As with every field."""
    desk.edit(notifications=Notifications(("a@b.cd",), ()))
    assert "at least one occasion" in note(section)
    box = part(section, QCheckBox, f"on-{occasion}")
    box.click()
    assert desk.form.notifications.on == (occasion,)
    desk.edit(notifications=Notifications(("a@b.cd",), ()))
    assert not box.isChecked()


def test_a_service_that_cannot_send_says_so(desk: Desk, section: NotificationsSection) -> None:
    """Nobody waits for an e-mail that never comes."""
    desk.offer = replace(OFFER, sends_email=False)
    desk.offer_changed.emit()
    assert "sends no e-mails" in note(section)
    assert not part(section, QCheckBox, "notifications-wanted").isEnabled()


def test_the_keyboard_goes_where_something_can_be_done(desk: Desk, section: NotificationsSection) -> None:
    """Into the addresses; on the tick while there are none."""
    assert section.focus_field("notifications")
    assert section.focusWidget() is section.wanted
    desk.edit(notifications=Notifications(("a@b.cd",)))
    assert section.focus_field("notifications")
    assert section.focusWidget() is section.emails
