"""Folders, logins and settings of a user."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conductor_core.api.profile import Login, Profile, connect, read_profile, write_profile
from conductor_core.api.settings import AgentSettings, Settings, SubmitSettings, read_settings
from conductor_core.api.transport import Address
from conductor_core.errors import ServiceError, SettingsError, Unauthorized
from conductor_core.user_folders import UserFolders, private_folder, sweep_private, user_folders, write_private

HOME = Path("/home/ann")


@pytest.mark.parametrize(
    ("environ", "platform", "folders"),
    [
        ({}, "linux", (".config/conductor", ".local/state/conductor", ".cache/conductor")),
        (
            {"XDG_CONFIG_HOME": "/x/c", "XDG_STATE_HOME": "/x/s", "XDG_CACHE_HOME": "relative"},
            "linux",
            ("/x/c/conductor", "/x/s/conductor", ".cache/conductor"),
        ),
        (
            {},
            "darwin",
            (
                "Library/Application Support/Conductor",
                "Library/Application Support/Conductor/State",
                "Library/Caches/Conductor",
            ),
        ),
        (
            {"APPDATA": "/r", "LOCALAPPDATA": "/l"},
            "win32",
            ("/r/Conductor", "/l/Conductor/State", "/l/Conductor/Cache"),
        ),
        (
            {},
            "win32",
            ("AppData/Roaming/Conductor", "AppData/Local/Conductor/State", "AppData/Local/Conductor/Cache"),
        ),
        ({"CONDUCTOR_HOME": "/own", "APPDATA": "/r"}, "win32", ("/own/config", "/own/state", "/own/cache")),
    ],
    ids=["linux", "xdg", "macos", "windows", "windows without variables", "override"],
)
def test_the_platforms_conventions(environ: dict[str, str], platform: str, folders: tuple[str, str, str]) -> None:
    """Each platform keeps settings, state and caches where its users look for them."""
    found = user_folders(environ, platform=platform, home=HOME)
    assert found == UserFolders(*(HOME / folder for folder in folders))


@pytest.mark.skipif(os.name != "posix", reason="modes are posix")
def test_private_files(tmp_path: Path) -> None:
    """A private file replaces the former one whole, with mode 0600 in a folder of 0700, and leaves nothing beside it."""
    folder = tmp_path / "c"
    folder.mkdir(mode=0o755)
    for data in (b"one", b"two"):
        write_private(folder / "f", data)
    assert (folder / "f").read_bytes() == b"two"
    assert stat.S_IMODE((folder / "f").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [p.name for p in folder.iterdir()] == ["f"]
    assert private_folder(folder) == folder


def test_a_private_file_that_cannot_be_written(tmp_path: Path) -> None:
    """A write that fails leaves nothing aside."""
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="f"):
        write_private(tmp_path / "f", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_what_a_killed_write_left_is_swept(tmp_path: Path) -> None:
    """A process that was killed while it wrote leaves its file aside; who has the folder's lock removes it, and no other."""
    for name in ("f", ".f.0123", ".f.0123456789abcdef0123456789abcdef", "g.0123456789abcdef0123456789abcdef"):
        (tmp_path / name).write_bytes(b"x")
    sweep_private(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".f.0123", "f", "g.0123456789abcdef0123456789abcdef"]


def test_logins_come_back(tmp_path: Path) -> None:
    """What was logged in to is read back, the last login first; each can be asked for and forgotten."""
    farm = Login(Address("https://farm.example/", ca="/ca.pem"), "cdr_1")
    local = Login(Address("http://127.0.0.1:80"), "cdr_2")
    write_profile(tmp_path, Profile().with_login(farm).with_login(local))
    profile = read_profile(tmp_path)
    assert profile.login().token == "cdr_2"
    assert profile.login("https://farm.example/").address == Address("https://farm.example", ca="/ca.pem")
    assert profile.with_login(farm).login().token == "cdr_1"
    assert len(profile.with_login(farm).logins) == 2
    with pytest.raises(Unauthorized, match="conductor login"):
        profile.without("https://farm.example").login("https://farm.example")


def test_nobody_logged_in(tmp_path: Path) -> None:
    """Without a login the sentence says what to do."""
    with pytest.raises(Unauthorized, match=r"not logged in to any service\. Run: conductor login"):
        read_profile(tmp_path).login()


def test_a_login_never_shows_its_token() -> None:
    """Neither a login nor its client shows the token."""
    login = Login(Address("https://farm.example"), "cdr_secret")
    with connect(login) as client:
        assert "secret" not in repr(login) + repr(client) + repr(Profile((login,)))


def test_a_bad_address_is_not_kept() -> None:
    """Plain HTTP to another machine is refused at login already."""
    with pytest.raises(ServiceError, match="plain HTTP"):
        Profile().with_login(Login(Address("http://farm.example"), "t"))


@pytest.mark.parametrize("text", ["{", '{"logins": [{}]}', "[]", '{"logins": 3}'], ids=["json", "empty", "list", "number"])
def test_a_damaged_credentials_file(tmp_path: Path, text: str) -> None:
    """A damaged file is named with what to do."""
    (tmp_path / "credentials.json").write_text(text)
    with pytest.raises(SettingsError, match=r"credentials\.json.*log in again"):
        read_profile(tmp_path)


def test_settings_have_defaults(tmp_path: Path) -> None:
    """No file, an empty one and empty sections mean the defaults."""
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "settings.yaml").write_text("")
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "settings.yaml").write_text("agent:\nsubmit:\n  project: show\n")
    assert read_settings(tmp_path) == Settings(submit=SubmitSettings(project="show"), agent=AgentSettings())


def test_settings_in_another_encoding_are_named(tmp_path: Path) -> None:
    """An editor that writes cp1252 is told of; nothing else than the settings' own error comes of it."""
    (tmp_path / "settings.yaml").write_bytes("service: http://caf\xe9\n".encode("cp1252"))
    with pytest.raises(SettingsError, match=r"settings\.yaml.*is not UTF-8 \(byte 19\)"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("agent:\n  idle: 3\n", "line 2, agent.idle is not known"),
        ("submit:\n  project: show\n  priority: high\n", "line 3, submit.priority must be int"),
        ("agent:\n  upload_threads: 0\n", "line 1, agent upload_threads must lie between 1 and 64"),
        ("- a\n", r"\(whole\) must be an object"),
        ("a: [1\nb: 2\n", "line 2 is not YAML"),
        ("a: \x07", "the file is not YAML"),
    ],
    ids=["unknown", "type", "range", "list", "syntax", "character"],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """A setting that does not fit names file, line and field."""
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(tmp_path)
    assert str(tmp_path / "settings.yaml") in str(caught.value)
