"""Houdini's entry files, run or read by what SideFX documents: the package, the main menu, the shelf, the Python panel.

https://www.sidefx.com/docs/houdini/ref/plugins.html (packages), .../basics/config_menus.html, .../shelf/create.html,
.../ref/windows/pythonpaneleditor.html
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from installer.pointers import studio_variables

REPO = Path(__file__).resolve().parents[2]
HOUDINI = REPO / "houdini"


def processed(package: Path, environment: dict[str, str]) -> dict[str, str]:
    """Return the variables after a package file, by the rules for those keys that ours have.

    `$HOUDINI_PACKAGE_PATH` is the folder of the file; the variables of `env` are set in order, `append` puts a value behind what
    is there; `hpath` comes before HOUDINI_PATH; a folder in `package_path` is gone through for package files.
    """
    rules = json.loads(package.read_text(encoding="utf-8"))
    assert set(rules) <= {"env", "hpath", "load_package_once", "package_path"}, "a key for which this test knows no rule"
    result = dict(environment) | {"HOUDINI_PACKAGE_PATH": package.parent.as_posix()}
    for entry in rules.get("env", []):
        for name, value in entry.items():
            method, text = (value["method"], value["value"]) if isinstance(value, dict) else ("replace", value)
            text = filled(text, result)
            assert method in ("append", "replace")
            before = result.get(name, "")
            result[name] = os.pathsep.join([before, text]) if method == "append" and before else text
    if "hpath" in rules:
        result["HOUDINI_PATH"] = ";".join([filled(rules["hpath"], result), result.get("HOUDINI_PATH", "&")])
    for folder in rules.get("package_path", []):
        for inner in sorted(Path(filled(folder, result)).glob("*.json")):
            result |= processed(inner, result)
    return result


def filled(text: str, variables: dict[str, str]) -> str:
    """Return a text with its variables filled in."""
    for name in sorted(variables, key=len, reverse=True):
        text = text.replace(f"${name}", variables[name])
    return text


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder of an installation: hosts, core and plugins beside each other, pure-Python packages in `site`."""
    top = tmp_path / "Conductor farm" / "versions" / "0.1.0"
    for part in ("core/conductor_core", "plugins/conductor_plugins", "houdini"):
        shutil.copytree(REPO / part, top / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("qtpy", "packaging"):
        (top / "site" / name).mkdir(parents=True)
        (top / "site" / name / "__init__.py").write_text("", encoding="utf-8")
    return top


def python(variables: dict[str, str], code: str) -> str:
    """Run code in a Python that finds nothing but the standard library and what PYTHONPATH names."""
    kept: dict[str, str] = {name: value for name, value in os.environ.items() if name in ("SYSTEMROOT", "PATH")}
    kept["PYTHONPATH"] = variables["PYTHONPATH"]
    command = [sys.executable, "-S", "-c", code]
    ran = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return str(ran.stdout)


FOUND = (
    "from conductor_houdini.bootstrap import add_packages; add_packages();"
    "import conductor_core, conductor_plugins, qtpy, packaging, sys;"
    "print([p for p in sys.path if p.rstrip('/').endswith({top!r})]); print(conductor_core.__file__)"
)


def test_an_installation_is_found_by_its_pointer(installed: Path, tmp_path: Path) -> None:
    """From the package file that the installer writes Houdini comes to the adapter, and from there to core, plugins and packages."""
    pointer = tmp_path / "houdini20.5" / "packages" / "conductor_farm.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(json.dumps({"package_path": [(installed / "houdini").as_posix()]}), encoding="utf-8")
    variables = processed(pointer, {"PYTHONPATH": str(tmp_path / "studio")})
    assert variables["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path / "studio")
    assert variables["HOUDINI_PATH"] == f"{(installed / 'houdini').as_posix()};&"
    said = python(variables, FOUND.format(top=installed.name))
    # the folder above holds `maya` and `nuke`, which would shadow those hosts' own modules
    assert said.splitlines()[0] == "[]"
    assert str(installed / "core") in said


def test_a_clone_is_found_by_a_variable(tmp_path: Path) -> None:
    """HOUDINI_PACKAGE_DIR at a clone's folder, which is what the installer tells a studio, makes the adapter importable."""
    folder = Path(studio_variables("houdini", REPO)["HOUDINI_PACKAGE_DIR"])
    variables: dict[str, str] = {}
    for package in sorted(folder.glob("*.json")):
        variables |= processed(package, variables)
    code = "import conductor_houdini.bootstrap as b; print(b.__file__)"
    assert str(HOUDINI) in python(variables, code)


def test_what_is_missing_is_named(installed: Path) -> None:
    """An installation that lost a package says which, and what to do."""
    shutil.rmtree(installed / "site" / "qtpy")
    variables = processed(installed / "houdini" / "conductor.json", {})
    code = "from conductor_houdini.bootstrap import add_packages\ntry: add_packages()\nexcept ImportError as exc: print(exc)"
    said = python(variables, code)
    assert "qtpy is in none of" in said
    assert "Install Conductor again." in said


def test_main_menu() -> None:
    """The main menu bar gets a menu before Help, with an entry for each thing that one can do."""
    root = ElementTree.parse(HOUDINI / "MainMenuCommon.xml").getroot()
    assert root.tag == "mainMenu"
    menu = root.find("menuBar/subMenu")
    assert menu is not None
    assert (menu.findtext("label"), menu.findtext("insertBefore")) == ("Conductor", "help_menu")
    items = {item.findtext("label"): item for item in menu.findall("scriptItem")}
    assert list(items) == ["Submit to Conductor", "Check Files for Conductor"]
    # an item's id is the symbol of its hotkey, which must start with h.
    assert all(str(item.get("id")).startswith("h.") for item in items.values())
    assert [called(item.findtext("scriptCode") or "") for item in items.values()] == ["menu.submit", "menu.check_files"]


def test_shelf() -> None:
    """The shelf has one tool, which is defined beside it."""
    root = ElementTree.parse(HOUDINI / "toolbar" / "conductor.shelf").getroot()
    assert root.tag == "shelfDocument"
    members = [member.get("name") for member in root.findall("toolshelf/memberTool")]
    tools = {tool.get("name"): tool for tool in root.findall("tool")}
    assert members == list(tools) == ["conductor_submit"]
    tool = tools["conductor_submit"]
    assert tool.get("label") == "Submit to Conductor"
    script = tool.find("script")
    assert script is not None
    assert script.get("scriptType") == "python"
    assert called(script.text or "") == "menu.submit"


def called(code: str) -> str:
    """Return the one function of the adapter that an entry calls; it is one import and one call, and there is such a function."""
    imported, call = ast.parse(code).body
    assert isinstance(imported, ast.Import)
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert not call.value.args
    package, module, function = ast.unparse(call.value.func).split(".")
    assert imported.names[0].name == f"{package}.{module}"
    body = ast.parse((HOUDINI / package / f"{module}.py").read_text(encoding="utf-8")).body
    assert function in [one.name for one in body if isinstance(one, ast.FunctionDef)]
    return f"{module}.{function}"


@pytest.fixture
def panes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """In place of the adapter's module of panes: what was made, and what was let go."""
    done: list[object] = []
    package, module = types.ModuleType("conductor_houdini"), types.ModuleType("conductor_houdini.pane")
    made = iter(("one", "two"))
    setattr(module, "create", lambda: next(made))  # noqa: B010
    setattr(module, "leave", done.append)  # noqa: B010
    setattr(package, "pane", module)  # noqa: B010
    monkeypatch.setitem(sys.modules, "conductor_houdini", package)
    monkeypatch.setitem(sys.modules, "conductor_houdini.pane", module)
    return done


def test_python_panel(panes: list[object]) -> None:
    """Houdini calls the panel's functions in a namespace for each pane tab: each makes its own panel and lets go of that one."""
    root = ElementTree.parse(HOUDINI / "python_panels" / "conductor.pypanel").getroot()
    assert root.tag == "pythonPanelDocument"
    interface = root.find("interface")
    assert interface is not None
    assert (interface.get("name"), interface.get("label")) == ("conductor", "Conductor")
    assert interface.find("includeInPaneTabMenu") is not None
    code = interface.findtext("script") or ""
    first: dict[str, object] = {}
    second: dict[str, object] = {}
    for tab in (first, second):
        exec(compile(code, "conductor.pypanel", "exec"), tab)
    assert [call(tab, "onCreateInterface") for tab in (first, second)] == ["one", "two"]
    call(first, "onDestroyInterface")
    assert panes == ["one"]


def call(namespace: dict[str, object], name: str) -> object:
    """Call a function of a namespace."""
    function = namespace[name]
    assert callable(function)
    return function()


def test_nothing_shadows_houdini() -> None:
    """The folder on PYTHONPATH holds our package and scripts that nobody imports; it is no package itself."""
    assert not (HOUDINI / "__init__.py").exists()
    packages = [path.name for path in HOUDINI.iterdir() if (path / "__init__.py").exists()]
    assert packages == ["conductor_houdini"]
