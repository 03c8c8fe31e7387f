"""The form as a command: whatever is in it arrives word by word, in a POSIX shell and in `cmd.exe`."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Exclusion, Scripts
from conductor_plugins.form.build import planned
from conductor_plugins.form.command_line import cli_command
from conductor_plugins.form.model import Form
from conductor_plugins.form.secrets import MASK
from hypothesis import given
from hypothesis import strategies as st
from plugins.situations import CHOSEN, on_windows, situation


def words(form: Form) -> list[str]:
    return shlex.split(cli_command(planned(situation(form), identity="1")))


def said(form: Form, option: str) -> list[str]:
    """Return the values that an option has in the command."""
    found = words(form)
    return [found[at + 1] for at, word in enumerate(found) if word == option]


def test_the_command_names_the_scene_first() -> None:
    """As one would type it."""
    assert words(CHOSEN)[:3] == ["conductor", "submit", "/job/shot.scene"]


def test_what_all_steps_share_is_said_once() -> None:
    """And what differs is said for each step."""
    same = replace(CHOSEN, frames="1-20").with_step("fog", enabled=True)
    assert (said(same, "--frames"), said(same, "--step-frames")) == (["1-20"], [])
    other = same.with_step("fog", frames="7")
    assert (said(other, "--frames"), said(other, "--step-frames")) == ([], ["beauty=1-20", "fog=7"])


def test_only_places_that_moved_are_named() -> None:
    """What the scene says by itself the command finds by itself."""
    assert said(CHOSEN, "--step-output") == []
    assert said(CHOSEN.with_step("beauty", outputs=("/job/x_#.exr",)), "--step-output") == ["beauty=/job/x_#.exr"]


def test_files_of_scripts_come_with_their_options() -> None:
    """Only what no other option brings along is named as a file."""
    scripts = Scripts(("/studio/plugins",), ("/studio/start.py",), ("bash", "/a b.sh"), ())
    form = replace(CHOSEN, scripts=scripts, added=("/job/notes",), excluded=(Exclusion("/job/old", "stale"),))
    assert said(form, "--file") == ["/job/notes"]
    assert said(form, "--plug-in-folder") == ["/studio/plugins"]
    assert said(form, "--before-task") == ["bash '/a b.sh'"]
    assert said(form, "--exclude") == ["/job/old=stale"]


def test_a_secret_is_shown_masked_and_copied_whole() -> None:
    """On the screen anybody may look at it; the command that is run needs it."""
    now = planned(situation(replace(CHOSEN, environment=(EnvironmentVariable("SHOW_TOKEN", "abc"),))), identity="1")
    assert "SHOW_TOKEN=abc" in cli_command(now)
    shown = cli_command(now, show_secrets=False)
    assert f"SHOW_TOKEN={MASK}" in shown
    assert "abc" not in shown


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_title_arrives_in_a_posix_shell(title: str) -> None:
    """Quotes, dollars and line breaks included."""
    form = replace(CHOSEN, metadata=(("note", title),))
    assert said(form, "--metadata") == [f"note={title}"]


@given(st.text(st.sampled_from("ab \\\"%^&|<>()!=,;'`$é"), max_size=12))
def test_any_title_arrives_in_cmd(title: str) -> None:
    """What cmd.exe takes for its own reaches the program as it was written."""
    form = replace(CHOSEN, metadata=(("note", title),))
    found = in_cmd(cli_command(planned(on_windows(form), identity="1")))
    assert found[found.index("--metadata") + 1] == f"note={title}"


@pytest.mark.parametrize("word", [r"a&b\\", r"C:\my dir" + "\\", '"', "%PATH%", "a^b", ""], ids=repr)
def test_hard_words_arrive_in_cmd(word: str) -> None:
    """Those that naive quoting breaks."""
    form = replace(CHOSEN, metadata=(("note", word),))
    assert f"note={word}" in in_cmd(cli_command(planned(on_windows(form), identity="1")))


def in_cmd(line: str) -> list[str]:
    """Return the words that a program gets from cmd.exe: carets and quotes as cmd reads them, then as the C runtime does.

    https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
    """
    passed, quoted, at = "", False, 0
    while at < len(line):
        sign = line[at]
        if sign == "^" and not quoted:
            at += 1
            passed += line[at]
        else:
            assert sign != "%", "cmd would look for a variable"
            assert quoted or sign not in "&|<>", "cmd would take it for its own"
            quoted ^= sign == '"'
            passed += sign
        at += 1
    return _runtime(passed)


def _runtime(line: str) -> list[str]:
    found: list[str] = []
    word, quoted, inside, at = "", False, False, 0
    while at < len(line):
        slashes = len(line) - at - len(line[at:].lstrip("\\"))
        at += slashes
        sign = line[at : at + 1]
        if sign == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
            inside, at = True, at + 1
            continue
        word += "\\" * slashes
        inside |= bool(slashes)
        if sign and (quoted or sign not in " \t"):
            word, inside = word + sign, True
        elif inside:
            found.append(word)
            word, inside = "", False
        at += 1
    return [*found, word] if inside else found
