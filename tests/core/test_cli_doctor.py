"""`conductor doctor`: what is wrong on a workstation is said with what to do, and nothing that is well is called wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conductor_core.api.profile import Login, Profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.applications import Machine
from conductor_core.cli import examinations
from conductor_core.cli.examinations import EXAMINATIONS, Finding, Patient
from conductor_core.cli.program import run
from conductor_core.qt_check import check_qt
from conductor_core.user_folders import UserFolders, user_folders


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "conductor"))
    for name in ("CONDUCTOR_READERS", "CONDUCTOR_PRESETS", "CONDUCTOR_VALIDATORS", "CONDUCTOR_QT"):
        monkeypatch.delenv(name, raising=False)
    return Patient(user_folders())


def looked_at(examination: examinations.Examination, patient: Patient) -> list[Finding]:
    return list(examination(patient))


def log_in(folders: UserFolders, url: str, token: str) -> None:
    write_profile(folders.config, Profile((Login(Address(url), token),)))


def test_folders_that_are_well(patient: Patient) -> None:
    """Folders are made, are private, and their room is said."""
    assert [f.verdict for f in looked_at(examinations.folders, patient)] == ["ok", "ok", "ok"]
    assert list(patient.folders.config.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(patient: Patient) -> None:
    """A file in its place, as a slip of the hand leaves it."""
    patient.folders.cache.parent.mkdir(parents=True, exist_ok=True)
    patient.folders.cache.write_text("")
    bad = [f for f in looked_at(examinations.folders, patient) if f.verdict == "bad"]
    assert [str(patient.folders.cache) in f.what for f in bad] == [True]


def test_a_disk_that_is_nearly_full_is_told(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the figure, and what is needed."""
    monkeypatch.setattr(examinations, "ROOM", 1 << 60)
    assert {f.verdict for f in looked_at(examinations.folders, patient)} == {"bad"}


def test_a_settings_file_that_is_wrong_is_told(patient: Patient) -> None:
    """By the sentence that every command says."""
    patient.folders.config.mkdir(parents=True)
    (patient.folders.config / "settings.yaml").write_text("submit: {chunk_size: many}\n")
    (bad,) = looked_at(examinations.settings, patient)
    assert bad.verdict == "bad"
    assert "chunk_size" in bad.what


def test_a_studio_folder_that_is_not_there_is_told(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that is not mounted is not passed over."""
    monkeypatch.setenv("CONDUCTOR_READERS", str(tmp_path / "share"))
    bad = [f for f in looked_at(examinations.settings, patient) if f.verdict == "bad"]
    assert [str(tmp_path / "share") in f.what for f in bad] == [True]
    (tmp_path / "share").mkdir()
    assert {f.verdict for f in looked_at(examinations.settings, patient)} == {"ok"}


@pytest.mark.parametrize("what", ["readers", "validators", "presets"])
def test_a_folder_that_the_settings_name_is_looked_at(patient: Patient, tmp_path: Path, what: str) -> None:
    """Whatever a studio keeps on a share, the doctor says where it is not there."""
    patient.folders.config.mkdir(parents=True)
    (patient.folders.config / "settings.yaml").write_text(f"{what}: [{tmp_path / 'share'}]\n")
    assert [f.verdict for f in looked_at(examinations.settings, patient)] == ["ok", "bad"]


def test_without_a_login_it_says_how_to_get_one(patient: Patient) -> None:
    """The command to type is in the sentence."""
    (bad,) = looked_at(examinations.service, patient)
    assert (bad.verdict, "conductor login" in bad.next_step) == ("bad", True)


def test_a_service_that_does_not_answer(patient: Patient) -> None:
    """One attempt, one sentence, the address in it."""
    log_in(patient.folders, "http://127.0.0.1:9", "cdr_x")
    (bad,) = looked_at(examinations.service, patient)
    assert bad.verdict == "bad"
    assert "127.0.0.1:9" in bad.what


def test_a_token_that_is_wrong(patient: Patient, fake_service: Any) -> None:
    """The service's own no; the token is not repeated."""
    log_in(patient.folders, fake_service.url, "cdr_wrong")
    (bad,) = looked_at(examinations.service, patient)
    assert bad.verdict == "bad"
    assert "cdr_wrong" not in bad.what + bad.next_step


def test_a_service_that_is_well(patient: Patient, fake_service: Any) -> None:
    """Who I am there is said."""
    log_in(patient.folders, fake_service.url, fake_service.token)
    found = looked_at(examinations.service, patient)
    assert [f.verdict for f in found] == ["ok"]
    assert fake_service.url in found[0].what


def test_applications_and_what_leads_them_to_us(patient: Patient, tmp_path: Path) -> None:
    """Found, and led to us or not."""
    disk = tmp_path / "disk"
    machine = Machine("linux", {}, "/home/mika", disk)
    for program in ("/opt/blender-4.2.3/blender", "/opt/blender-4.5.0/blender"):
        machine.local(program).parent.mkdir(parents=True)
        machine.local(program).write_text("")
    startup = machine.local("/home/mika/.config/blender/4.2/scripts/startup/conductor_startup.py")
    startup.parent.mkdir(parents=True)
    startup.write_text("# Made by Conductor's installer")
    found = looked_at(examinations.hosts, replace(patient, machine=machine))
    assert [(f.verdict, f.what.split(" (")[0]) for f in found] == [("note", "Blender 4.5.0"), ("ok", "Blender 4.2.3")]


@pytest.mark.parametrize(("text", "verdict"), [("import conductor.nuke", "note"), ("# >>> conductor >>> made by", "ok")])
def test_another_conductor_is_not_taken_for_us(patient: Patient, tmp_path: Path, text: str, verdict: str) -> None:
    """A studio's own `init.py` may speak of something of the same name: what counts is the installer's mark."""
    machine = Machine("linux", {}, "/home/mika", tmp_path)
    for name, content in {"/usr/local/Nuke15.1v3/Nuke15.1": "", "/home/mika/.nuke/init.py": text}.items():
        machine.local(name).parent.mkdir(parents=True)
        machine.local(name).write_text(content)
    found = looked_at(examinations.hosts, replace(patient, machine=machine))
    assert [f.verdict for f in found] == [verdict]


def test_qt_that_cannot_be_loaded_is_found_out_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A Qt that ends its process (as a missing xcb library makes it do) ends the child, not us."""
    (tmp_path / "PySide6").mkdir()
    (tmp_path / "PySide6" / "__init__.py").write_text(
        "import os, sys\nprint('no xcb', file=sys.stderr, flush=True)\nos.abort()\n"
    )
    tried = check_qt(sys.executable, tmp_path)
    assert (tried.version, tried.problem) == ("", "no xcb")


def test_the_command_says_it_all_and_ends_with_a_number_for_scripts(
    patient: Patient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 where something is bad; the JSON names each examination."""

    def chosen(title: str) -> bool:
        return title in ("Folders", "Service")

    monkeypatch.setattr(examinations, "EXAMINATIONS", tuple(e for e in EXAMINATIONS if chosen(e[0])))
    assert run(["doctor", "--json"]) == 10
    answer = json.loads(capsys.readouterr().out)
    assert answer["bad"] == 1
    assert {f["examination"] for f in answer["findings"]} == {"Folders", "Service"}
    assert run(["doctor"]) == 10
    assert "Run: conductor login" in capsys.readouterr().out
