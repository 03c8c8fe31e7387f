"""install.py: each thing that can stand in its way is one sentence, and an interrupted run is repaired by the next."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from installer import system_packages
from installer.environments import Environment, check_disk, make
from installer.errors import InstallError
from installer.places import Places, here, interpreter
from installer.pythons import find_python

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., Environment]:
    """Give a small environment that needs one pure-Python package."""

    def build(*lines: str) -> Environment:
        file = tmp_path / "requirements.txt"
        file.write_text("\n".join(lines))
        return Environment(tmp_path / "env", "A test environment", (file,))

    return build


def test_install_py_is_readable_by_any_python_3() -> None:
    """An old Python gets our sentence, not a SyntaxError."""
    ast.parse((REPO / "install.py").read_text(), feature_version=(3, 4))


def test_another_python_is_told_which_one_is_needed() -> None:
    """Run by another Python, install.py says in one sentence which it needs and what to type."""
    other = next((p for v in ("3.10", "3.13", "3.9", "3.12") if (p := find_python(v))), None)
    if other is None:
        assert os.environ.get("CI") != "true", "the full run needs another Python to try this with"
        pytest.skip("there is no other Python on this machine")
    ran = subprocess.run([other, REPO / "install.py", "demo"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Conductor needs Python 3.11" in ran.stderr
    assert "python3.11 install.py" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_full_disk_is_noticed_before_anything_is_installed(tmp_path: Path) -> None:
    """What the disk cannot hold is refused at once, with the figures."""
    with pytest.raises(InstallError, match=r"GB free and this needs 1000000\.0 GB: free some space"):
        check_disk(tmp_path / "not" / "yet" / "there", 10**15)


def test_without_a_network_the_sentence_names_the_index(
    environment: Callable[..., Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No network: one sentence, and no stamp that would claim success."""
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    wanted = environment("six==1.17.0")
    with pytest.raises(InstallError, match=r"package index cannot be reached.*run the same command again"):
        make(wanted)
    assert not wanted.is_ready()


def test_made_once_then_ready_then_repaired(environment: Callable[..., Environment]) -> None:
    """A second run installs nothing; an environment broken half-way is made whole by the next run."""
    wanted = environment("six==1.17.0")
    assert make(wanted) is True
    assert make(wanted) is False
    wanted.stamp.unlink()
    interpreter(wanted.folder).unlink()
    assert make(wanted) is True
    imported = subprocess.run(
        [interpreter(wanted.folder), "-c", "import six; print(six.__version__)"], capture_output=True, text=True
    )
    assert imported.stdout.strip() == "1.17.0"


def test_changed_pins_are_noticed(environment: Callable[..., Environment]) -> None:
    """Other pins are another fingerprint: a moved pin is installed by the next run."""
    assert environment("six==1.17.0").fingerprints() != environment("six==1.16.0").fingerprints()


def test_an_environment_for_tests_serves_the_demo_too() -> None:
    """The demo after the tests installs nothing: what was made for more is ready for less."""
    places = here()
    runtime, dev = places.requirements("runtime"), places.requirements("dev")
    more = Environment(places.environment, "", (runtime, dev), project=places.repo)
    less = Environment(places.environment, "", (runtime,), project=places.repo)
    assert set(less.fingerprints()) < set(more.fingerprints())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Debian packages are for Linux")
def test_who_may_not_install_gets_the_exact_command() -> None:
    """Without root, the missing system packages are named in a command that can be pasted."""
    with pytest.raises(InstallError, match=r"sudo apt-get install -y conductor-no-such-package  and try again"):
        system_packages.ensure(("dpkg", "conductor-no-such-package"), may_install=False)


def test_everything_goes_into_one_folder_of_the_clone() -> None:
    """Deleting .conductor undoes the installation."""
    places = Places(Path("clone"))
    assert {p.parts[:2] for p in (places.environment, places.blender("4.5.15"))} == {("clone", ".conductor")}
