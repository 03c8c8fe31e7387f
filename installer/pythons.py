"""Other Pythons on this machine, for the core's tests: hosts run 3.10 to 3.13."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def find_python(version: str) -> Path | None:
    """Return an interpreter of `version` (`3.10`), from the PATH or from pyenv, or None."""
    candidates = [shutil.which(f"python{version}")]
    pyenv = shutil.which("pyenv")
    if pyenv:
        versions = Path(pyenv).resolve().parents[1] / "versions"
        candidates += [str(p / "bin" / "python") for p in sorted(versions.glob(f"{version}.*"), reverse=True)]
    return next((Path(c) for c in candidates if c and _is(c, version)), None)


def _is(python: str, version: str) -> bool:
    # pyenv's shims are on the PATH for versions that are not active: only asking tells.
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return False
    return asked.stdout.strip() == version
