"""Both README commands on a fresh Debian 12 that has `python3` and nothing else; in the full run only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from road.fresh_debian import clone_into, make_root, run_in

REPO = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(os.environ.get("CI") != "true", reason="makes a whole Debian: in the full run only (CI=true)"),
    pytest.mark.xdist_group("rendering"),
    pytest.mark.timeout(2400),
]


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory, require: Callable[[object, str], None]) -> Iterator[Path]:
    """Give a fresh root with a fresh clone in its home; an empty HOME otherwise."""
    require(os.geteuid() == 0 and shutil.which("debootstrap"), "it takes root and debootstrap")
    root = tmp_path_factory.mktemp("debian")
    make_root(root)
    clone_into(root, REPO, "conductor")
    yield root
    # by a program that never crosses into another file system, should a mount have stayed
    subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=False)


def test_the_two_commands_on_a_fresh_debian(debian: Path) -> None:
    """The demo renders in the sandbox and brings all frames home; a second run installs nothing; the tests can run."""
    demo = run_in(debian, "python3", "conductor/install.py", "demo", timeout=1500)
    assert demo.returncode == 0, demo.stdout
    assert re.search(r"frames home\W+8 of 8", demo.stdout), demo.stdout
    assert re.search(r"rendered\W+in a sandbox", demo.stdout), demo.stdout
    assert "System packages: installing" in demo.stdout
    frames = (debian / "root/conductor/.conductor/demo/elsewhere").rglob("shot_*.exr")
    assert [int(f.stem[-4:]) for f in sorted(frames)] == list(range(1, 9))
    again = run_in(debian, "python3", "conductor/install.py", "setup", timeout=300)
    assert (again.returncode, again.stdout.count("\n")) == (0, 1), again.stdout
    part = ("tests/core/test_frames.py", "tests/runner/test_sandbox.py", "tests/runner/test_real_blender.py")
    tests = run_in(debian, "python3", "conductor/install.py", "test", *part, timeout=1500)
    assert tests.returncode == 0, tests.stdout
    assert "All checks passed." in tests.stdout
