from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
CORE = REPO / "core" / "conductor_core"
HOST_LAYER = sorted(p for p in CORE.glob("*.py"))

#: A folder with an `__init__.py` here would shadow a host's own module (`import maya`) or another area's tests.
NO_PACKAGES = [
    *("maya", "nuke", "houdini", "core", "plugins", "service", "tests"),
    *sorted(str(p.relative_to(REPO)) for p in (REPO / "tests").rglob("*") if p.is_dir() and p.name != "__pycache__"),
]

#: Where our own code is; blender/ is an add-on and its folder a package.
OURS = ["core", "plugins", "service", "maya", "nuke", "houdini", "blender", "tests", "demo", "benchmarks", "installer"]

BANNED_NAMES = {"utils", "util", "lib", "common", "misc", "helpers", "helper"}


def module_name(path: Path) -> str:
    return "conductor_core" if path.stem == "__init__" else f"conductor_core.{path.stem}"


def our_files() -> list[Path]:
    hidden = {".conductor", "__pycache__", "node_modules"}
    return [p for top in OURS for p in (REPO / top).rglob("*.py") if not hidden.intersection(p.parts)]


@pytest.mark.parametrize("folder", NO_PACKAGES)
def test_an_installed_folder_is_no_package(folder: str) -> None:
    """`import maya` on the farm must find Maya, and every checker stays green when it finds us."""
    assert not (REPO / folder / "__init__.py").exists()


def test_no_module_is_a_drawer() -> None:
    """A name says what is inside, or the module does not exist."""
    drawers = [p for p in our_files() if BANNED_NAMES.intersection({p.stem, *p.parent.relative_to(REPO).parts})]
    assert drawers == []


def test_test_files_have_names_of_their_own() -> None:
    """A failing test is found by the name of its file alone."""
    names = [p.name for p in (REPO / "tests").rglob("test_*.py")]
    assert sorted({n for n in names if names.count(n) > 1}) == []


LOADED = """
import json, sys
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


@pytest.mark.parametrize("path", HOST_LAYER, ids=lambda p: p.stem)
def test_what_a_host_imports_loads_the_standard_library_only(path: Path) -> None:
    """Importing our modules in Maya pulls in nothing that could be missing, compiled, or of another version there."""
    # -S: no site-packages to be found, and none of its .pth files; -E: no PYTHON* variables but the path given here.
    command = [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(CORE.parent)!r})\n{LOADED}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    done = subprocess.run(
        [*command, module_name(path)], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=60
    )
    assert done.returncode == 0, done.stderr
    foreign = set(json.loads(done.stdout)) - set(sys.stdlib_module_names) - {"conductor_core"}
    assert foreign == set()


@pytest.mark.parametrize("path", HOST_LAYER, ids=lambda p: p.stem)
def test_what_a_host_imports_is_python_3_10(path: Path) -> None:
    """Maya 2024, Nuke 15 and Houdini 20 read our modules: no syntax that came later."""
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 10))


@pytest.mark.parametrize("path", HOST_LAYER, ids=lambda p: p.stem)
def test_what_a_host_imports_does_not_reach_into_the_other_layer(path: Path) -> None:
    """The agent, the CLI and the API client stay out of hosts, even behind a function."""
    others = {p.name for p in CORE.iterdir() if p.is_dir()}
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert {n for n in imported for other in others if n.split(".")[:2] == ["conductor_core", other]} == set()
    assert {n for n in imported if n.split(".")[0] not in {*sys.stdlib_module_names, "conductor_core"}} == set()


@pytest.mark.parametrize("path", HOST_LAYER, ids=lambda p: p.stem)
def test_a_module_is_of_a_size_to_be_read(path: Path) -> None:
    """No file of 4,896 lines begins with one of 501."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(CORE)))
def test_a_function_fits_on_a_screen(path: Path) -> None:
    """No function of the core has more than 50 lines."""
    functions = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
    assert [f.name for f in functions if f.end_lineno and f.end_lineno - f.lineno >= 50] == []


#: import → the package that brings it, where its own name is not the one that is asked for
BROUGHT_BY = {"yaml": "pyyaml", "starlette": "fastapi", "anyio": "fastapi", "botocore": "boto3"}
#: the first version that has what our code calls; those of core were tried together
FLOORS = {"urllib3": (2, 2), "requests": (2, 32)}  # HTTPResponse.read1; adapters that take urllib3 2


def _asked_for() -> dict[str, tuple[int, ...]]:
    """Return the packages that pyproject asks for, and from which version on."""
    text = (REPO / "pyproject.toml").read_text()
    found = re.findall(r'"([A-Za-z0-9_-]+)>=([0-9.]+)[^"]*"', text)
    return {name.lower(): tuple(map(int, version.split("."))) for name, version in found}


def test_every_library_is_asked_for_by_a_version() -> None:
    """What we import comes with an install of its own accord, and never so old that it lacks what we call."""
    asked = _asked_for()
    imported: dict[str, Path] = {}
    for path in [p for top in (CORE, REPO / "service") for p in top.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported.update((name.partition(".")[0], path) for name in names)
    ours = {name: path for name, path in imported.items() if not name.startswith("conductor") and name != "pxr"}
    theirs = {name: path for name, path in ours.items() if name not in sys.stdlib_module_names}
    assert {name: path for name, path in theirs.items() if BROUGHT_BY.get(name, name).lower() not in asked} == {}
    assert {name: asked[name] for name, least in FLOORS.items() if asked[name] < least} == {}
