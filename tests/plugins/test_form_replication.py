"""Which of the workstation's variables go along: those that matter to the render, and never a secret, licence or system one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from conductor_core.environment import merge_environment
from conductor_core.report import Unresolved
from conductor_core.submission import Software
from conductor_plugins.form.replication import RULES, replicated, replicated_in, used_variables
from conductor_plugins.form.secrets import is_secret, looks_secret, masked
from hypothesis import given
from hypothesis import strategies as st
from plugins.situations import REPORT, WOOD, situation

NUKE, MAYA, HOUDINI, BLENDER = (Software(name, "1") for name in ("nuke", "maya", "houdini", "blender"))


def names(environment: dict[str, str], software: Software, *used: str) -> list[str]:
    return [r.variable.name for r in replicated(environment, software, used=used)]


@pytest.mark.parametrize(
    ("name", "software", "used", "goes"),
    [
        pytest.param("OCIO", BLENDER, (), True, id="colours, everywhere"),
        pytest.param("NUKE_PATH", NUKE, (), True, id="Nuke's folders in Nuke"),
        pytest.param("NUKE_PATH", MAYA, (), False, id="Nuke's folders in Maya"),
        pytest.param("MAYA_MODULE_PATH", MAYA, (), True, id="Maya's modules"),
        pytest.param("HOUDINI_OTLSCAN_PATH", HOUDINI, (), True, id="Houdini's assets"),
        pytest.param("JOB", HOUDINI, (), True, id="JOB in Houdini"),
        pytest.param("JOB", NUKE, (), False, id="JOB that no path of a script names"),
        pytest.param("JOB", NUKE, ("JOB",), True, id="JOB that a path names"),
        pytest.param("SHOW", BLENDER, ("SHOW",), True, id="a studio's own that a path names"),
        pytest.param("SHOW", BLENDER, (), False, id="a studio's own that nothing names"),
        pytest.param("HOME", BLENDER, ("HOME",), False, id="the system's, though a path names it"),
        pytest.param("Path", BLENDER, ("Path",), False, id="the system's on Windows"),
        pytest.param("XDG_CONFIG_HOME", BLENDER, ("XDG_CONFIG_HOME",), False, id="the desktop's"),
        pytest.param("foundry_LICENSE", NUKE, ("foundry_LICENSE",), False, id="a licence"),
        pytest.param("SESI_LMHOST", HOUDINI, ("SESI_LMHOST",), False, id="a licence server"),
        pytest.param("HIP", HOUDINI, ("HIP",), False, id="what the host sets when it opens the scene"),
        pytest.param("CONDUCTOR_HOME", HOUDINI, ("CONDUCTOR_HOME",), False, id="our own"),
        pytest.param("ProgramFiles(x86)", BLENDER, ("ProgramFiles(x86)",), False, id="no name that a job can have"),
    ],
)
def test_what_goes_along(name: str, software: Software, used: tuple[str, ...], goes: bool) -> None:
    """A rule speaks for it, or a path of the scene is written with it."""
    assert names({name: "/x"}, software, *used) == ([name] if goes else [])


def test_an_empty_variable_stays_here() -> None:
    """It says nothing that an instance would not know without it."""
    assert names({"OCIO": ""}, NUKE) == []


def test_folders_join_one_by_one() -> None:
    """A list is taken apart, since the instance may have another separator, and keeps its order there."""
    environment = {"NUKE_PATH": os.pathsep.join(["/studio/a", "", "/studio/b"])}
    found = [r.variable for r in replicated(environment, NUKE)]
    assert [(v.value, v.policy) for v in found] == [("/studio/a", "append"), ("/studio/b", "append")]
    assert merge_environment([found], separator=";") == {"NUKE_PATH": "/studio/a;/studio/b"}


@pytest.mark.parametrize(
    ("here", "there", "joined"),
    [
        pytest.param("/a:/b:&", "", "/a:/b:&", id="nothing there"),
        pytest.param("/a:/b:&:/c", "&", "/a:/b:&:/c", id="only the defaults there"),
        pytest.param("/a:/b:&", "/farm:&", "/a:/b:/farm:&", id="the farm's own there"),
        pytest.param("/a", "&", "&:/a", id="no defaults here"),
    ],
)
def test_houdinis_own_folders_keep_their_place(here: str, there: str, joined: str) -> None:
    """What stands before `&` on the workstation stands before it on the instance."""
    found = [r.variable for r in replicated({"HOUDINI_PATH": here.replace(":", os.pathsep)}, HOUDINI)]
    package = [replace(found[0], value=part, policy="append") for part in there.split(":") if part]
    assert merge_environment([package, found], separator=":")["HOUDINI_PATH"] == joined


def test_folders_of_the_installation_stay_here() -> None:
    """The instance has an installation of its own; a folder whose name begins alike is another."""
    environment = {
        "MAYA_LOCATION": "/usr/autodesk/maya",
        "MAYA_PLUG_IN_PATH": os.pathsep.join(["/usr/autodesk/maya/bin/plug-ins", "/usr/autodesk/maya2", "/studio/maya"]),
    }
    assert [r.variable.value for r in replicated(environment, MAYA)] == ["/usr/autodesk/maya2", "/studio/maya"]


@pytest.mark.parametrize(
    "text",
    ["$SHOW/wood.exr", "${SHOW}/wood.exr", "%SHOW%/wood.exr", "[getenv SHOW]/wood.exr", "[SHOW]/wood.exr", "<env:SHOW>/wood.exr"],
)
def test_a_variable_in_a_path_is_seen(text: str) -> None:
    """Each host writes variables in its own way."""
    report = replace(REPORT, dependencies=(replace(WOOD, as_written=text),))
    now = situation(report=report, environment={"SHOW": "/show", "OTHER": "/other"})
    assert [(r.variable.name, r.why) for r in replicated_in(now)] == [("SHOW", "paths of the scene are written with it")]


def test_a_variable_in_a_path_that_cannot_be_resolved_is_seen_too() -> None:
    """It may be resolved on the instance."""
    report = replace(REPORT, unresolved=(Unresolved("$SHOT/[expr]", "Read1.file", "an expression"),))
    assert "SHOT" in used_variables(report)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        pytest.param("SHOW_TOKEN", "", True, id="token"),
        pytest.param("FTRACK_API_KEY", "", True, id="key"),
        pytest.param("DBPASSWORD", "", True, id="glued password"),
        pytest.param("shotgunApiKey", "", True, id="capitals"),
        pytest.param("AWS_REGION", "", True, id="a cloud's"),
        pytest.param("MONKEY", "", False, id="a word that ends alike"),
        pytest.param("KEYFRAME_STEP", "", False, id="a word that begins alike"),
        pytest.param("PWD", "/job", False, id="the working folder"),
        pytest.param("SHOW", "/show/dragons", False, id="a path"),
        pytest.param("SHOW", "AKIAIOSFODNN7EXAMPLE", True, id="an access key by its form"),
        pytest.param("DB", "postgres://mika:hunter2@db/show", True, id="an address with a password"),
        pytest.param("DB", "postgres://db/show", False, id="an address without"),
        pytest.param("X", "0123456789abcdef0123456789abcdef", True, id="random hex"),
        pytest.param("X", "Zk3fQ9vLr7TtYp2sWm8XcNb4Hd6Gj1Ka", True, id="random letters and digits"),
        pytest.param("SHOT", "/job/Dragons_S01/Shot_0010_v012/lighting_final_version_2", False, id="a long path"),
        pytest.param("X", "-----BEGIN RSA PRIVATE KEY-----", True, id="a private key"),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, secret: bool) -> None:
    """By the words of the name, or by a value that is written as issuers write theirs."""
    assert is_secret(name, value) is secret


def test_a_secret_is_told_apart_from_what_goes() -> None:
    """The panel shows that it stays here."""
    found = replicated({"SHOW_TOKEN": "abc", "SHOW": "/show"}, BLENDER, used=("SHOW_TOKEN", "SHOW"))
    assert {r.variable.name: r.secret for r in found} == {"SHOW": False, "SHOW_TOKEN": True}


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_mask_tells_nothing(one: str, other: str) -> None:
    """Not even how long it is."""
    assert masked(one) == masked(other)


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    """Whatever stands in an environment."""
    looks_secret(text)
    is_secret(text, text)


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=20), max_size=8), st.sets(st.text(max_size=12)))
def test_any_environment_is_replicated_or_not(environment: dict[str, str], used: set[str]) -> None:
    """What comes out is of the workstation, and a job can have it."""
    merge_environment([[r.variable for r in replicated(environment, NUKE, used=used)]], separator=":")


def test_every_rule_is_documented() -> None:
    """What leaves the workstation by itself is written down."""
    text = (Path(__file__).parents[2] / "docs" / "environment.md").read_text(encoding="utf-8")
    assert [name for rule in RULES for name in rule.names if f"`{name}`" not in text] == []
