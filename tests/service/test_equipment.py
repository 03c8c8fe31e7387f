"""Plug-ins and scripts of a job, at the service's door and in what a runner is handed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from conductor_core.digest import digest_of
from conductor_core.documents import canonical_bytes, to_json
from conductor_core.environment import EnvironmentVariable
from conductor_core.manifest import Entry, make_manifest
from conductor_core.paths import Flavour
from conductor_core.submission import Scripts, Software, Step
from conductor_service.catalogue import Package
from conductor_service.runner.assignment import assignment_from_json
from conductor_service.search_paths import search_variables, with_defaults

SOFTWARE = (
    Package("maya", "2025.3", executable="maya", environment=(EnvironmentVariable("MAYA_LOCATION", "/opt/maya"),)),
    Package(
        "mtoa", "5.4.2", roots=("/opt/mtoa",), plug_in_of="maya",
        environment=(EnvironmentVariable("MAYA_PLUG_IN_PATH", "/opt/mtoa/plug-ins", "append"),),
    ),
    Package("mtoa", "5.3.0", roots=("/opt/mtoa53",), plug_in_of="maya"),
    Package("clash", "1", plug_in_of="maya", environment=(EnvironmentVariable("MAYA_LOCATION", "/elsewhere"),)),
    Package("htoa", "6.3", plug_in_of="houdini"),
)  # fmt: skip
MAYA = Software("maya", "2025")


@pytest.fixture
def farm(make_studio: Any) -> Any:
    """Give a service with Maya, and plug-ins of it and of another."""
    return make_studio(software=SOFTWARE)


def post(farm: Any, **changes: Any) -> Any:
    return farm.ask("POST", "/projects/default/jobs", json=to_json(dataclasses.replace(farm.commands("1"), **changes)))


def test_a_runner_is_handed_plug_ins_and_scripts(farm: Any) -> None:
    """A version may be a part of one; what the catalogue says of it goes along, as it was when the job was made."""
    scripts = Scripts(before_task=("sh", "-c", "true"))
    farm.job(dataclasses.replace(farm.commands("1"), software=MAYA, plug_ins=(Software("mtoa", "5.4"),), scripts=scripts))
    found = assignment_from_json(farm.runner().take())
    assert (found.software.name, found.software.version) == ("maya", "2025.3")
    assert [(p.name, p.version, p.roots) for p in found.plug_ins] == [("mtoa", "5.4.2", ("/opt/mtoa",))]
    assert found.scripts == scripts


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "another version": (
        {"plug_ins": (Software("mtoa", "4.9"),)},
        "plug_ins[0]",
        "asks for mtoa 4.9 for maya, which is not in the catalogue. There are: clash 1, mtoa 5.3.0, mtoa 5.4.2.",
    ),
    "of something else": ({"plug_ins": (Software("htoa", "6.3"),)}, "plug_ins[0]", "There are: clash 1, mtoa"),
    "twice": ({"plug_ins": (Software("mtoa", "5.4"), Software("mtoa", "5.3"))}, "plug_ins[1]", "asks for mtoa again"),
    "as software": ({"software": Software("mtoa", "5.4")}, "software", "There are: command 1.0, maya 2025.3."),
    "a variable of both": (
        {"plug_ins": (Software("clash", "1"),)},
        "environment",
        "Environment variable MAYA_LOCATION: maya 2025.3 and clash 1 disagree",
    ),
    "a folder that would be two": (
        {"scripts": Scripts(("/show/scripts", "/show/a:b"))},
        "scripts.plug_in_folders[1]",
        "'/show/a:b' has a ':' in it, which parts one folder from the next",
    ),
    "a variable of the job": (
        {"environment": (EnvironmentVariable("MAYA_SCRIPT_PATH", "/mine"),), "scripts": Scripts(("/show/scripts",))},
        "environment",
        "Environment variable MAYA_SCRIPT_PATH: the job and the job's plug-in folders disagree",
    ),
}


@pytest.mark.parametrize(("changes", "field", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_had_is_said_at_the_door(farm: Any, changes: dict[str, Any], field: str, words: str) -> None:
    """400 names the field, what there is, and who disagrees with whom."""
    answer = post(farm, **{"software": MAYA, **changes})
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (400, field)
    assert words in f"{error['message']} {error.get('next', '')}", error


def test_scripts_must_be_among_the_files(farm: Any) -> None:
    """A manifest without what the software will look for is refused, and committed once it has it."""
    scripts = Scripts(("/job/plug",), ("/job/start.py",))
    step = Step("beauty", "1")
    submission = dataclasses.replace(farm.commands("1"), scene="/job/shot.ma", software=MAYA, steps=(step,), scripts=scripts)
    job = farm.submit(submission)
    data = b"x"
    farm.upload(data)
    for paths, words in (
        (("/job/shot.ma", "/job/plug/a.py"), "startup script '/job/start.py'"),
        (("/job/shot.ma", "/job/start.py", "/job/plug_ins.py"), "plug-in folder '/job/plug'"),
        (("/job/shot.ma", "/job/start.py", "/job/plug/deep/a.py"), ""),
    ):
        entries = [Entry(path, digest=digest_of(data), size=1, mode=0o644) for path in paths]
        body = canonical_bytes(make_manifest(Flavour.POSIX, entries))
        answer = farm.ask("PUT", f"/jobs/{job['id']}/manifest", content=body)
        assert answer.status_code == (400 if words else 200), answer.text
        assert words in answer.text


PATHS = {
    "maya": ["MAYA_PLUG_IN_PATH", "MAYA_SCRIPT_PATH", "MAYA_MODULE_PATH", "PYTHONPATH"],
    "nuke": ["NUKE_PATH"],
    "houdini": ["HOUDINI_PATH", "HOUDINI_DSO_PATH", "HOUDINI_OTLSCAN_PATH"],
    "blender": ["CONDUCTOR_BLENDER_PLUG_INS"],
    "something": ["PYTHONPATH", "PATH"],
}


@pytest.mark.parametrize(("software", "names"), PATHS.items(), ids=PATHS.keys())
def test_each_software_looks_where_its_makers_say(software: str, names: list[str]) -> None:
    """Its own variables are set, by the names of its documentation."""
    assert list(dict.fromkeys(v.name for v in search_variables(software, ("/a", "/b")))) == names


def test_the_default_of_houdini_stays() -> None:
    """`&` stands in every path that is set, once: without it Houdini would not find itself."""
    assert with_defaults("houdini", {"HOUDINI_PATH": "/a:/b", "HOUDINI_DSO_PATH": "/c:&", "JOB": "/j"}) == {
        "HOUDINI_PATH": "/a:/b:&",
        "HOUDINI_DSO_PATH": "/c:&",
        "JOB": "/j",
    }
    assert with_defaults("maya", {"PYTHONPATH": "/a"}) == {"PYTHONPATH": "/a"}
