"""What an instance is told of a Maya project: its folder, and the rules by which files are read, where they are not Maya's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from conductor_core.discovery.maya_project import MayaProject, rules_from_text, rules_text
from conductor_core.discovery.survey import Survey
from conductor_core.formats import scan_file

CASES = {
    "Maya's own": ({"sourceImages": "sourceimages", "images": "render"}, ""),
    "one of the studio's": ({"sourceImages": "tex/final", "scene": "scenes"}, "sourceImages=tex/final"),
    "several, in one order": ({"sound": "audio=1", "fileCache": "cache/sim"}, "fileCache=cache/sim\nsound=audio=1"),
}


@pytest.mark.parametrize(("rules", "text"), CASES.values(), ids=CASES)
def test_rules_go_along_as_text(rules: dict[str, str], text: str) -> None:
    """Those that differ, in one order, and they come back as they were."""
    assert rules_text(MayaProject("/show", rules)) == text
    assert rules_from_text(text) == {name: rules[name] for name in rules_from_text(text)}


def test_each_step_names_the_project(tmp_path: Path) -> None:
    """The folder with the workspace.mel above the scene, with its rules; a scene of no project names none."""
    for name in ("show/scenes", "loose"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.ma").write_text('//Maya ASCII 2025 scene\nrequires maya "2025";\n')
    (tmp_path / "show" / "workspace.mel").write_text('workspace -fr "sourceImages" "tex";\n')
    shot, loose = (scan_file(Survey(str(tmp_path / name / "a.ma"))).facts for name in ("show/scenes", "loose"))
    assert shot is not None
    assert loose is not None
    told = {name: value for step in shot.steps for name, value in step.parameters.items() if name.startswith("project")}
    assert told == {"project": str(tmp_path / "show"), "project_rules": "sourceImages=tex"}
    assert [name for step in loose.steps for name in step.parameters if name.startswith("project")] == []
