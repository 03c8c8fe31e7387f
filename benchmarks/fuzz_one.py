"""Fuzz one format, guided by coverage; started by fuzz.py in an environment that has atheris, with a corpus to begin from.

What a scan may do with any file is to report or to raise SceneNotRead; anything else is a crash, which the fuzzer saves.
"""

from __future__ import annotations

import os
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["conductor_core"]):
    from conductor_core.discovery.limits import Limits
    from conductor_core.discovery.survey import Survey
    from conductor_core.errors import SceneNotRead
    from conductor_core.formats import known_formats, scan_file

    known_formats()

_FOLDER = tempfile.mkdtemp(prefix="conductor-fuzz-")
_FILE = os.path.join(_FOLDER, "a" + os.environ["FUZZ_EXTENSION"])
_LIMITS = Limits(unpacked=1 << 24, files=200)


def scan(data: bytes) -> None:
    """Scan a file with these bytes."""
    with open(_FILE, "wb") as file:
        file.write(data)
    try:
        scan_file(Survey(_FILE, variables={}, limits=_LIMITS))
    except SceneNotRead:
        return


atheris.Setup(sys.argv, scan)
atheris.Fuzz()
