"""The process that reads a scene for the agent: a question as JSON on stdin, a report in lines of JSON on stdout.

Beside what a panel asks, the agent may name a `snapshot`, which is read in the place of the scene's file, more `readers`, and
`scouts`: then the answer is which files no scout frame needs, and which were read to tell so, in which state.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conductor_core.api.settings import Settings, read_settings
from conductor_core.discovery.survey import Survey
from conductor_core.documents import to_json
from conductor_core.errors import SceneNotRead, SettingsError
from conductor_core.formats import scan_file
from conductor_core.formats.read_states import ReadStates
from conductor_core.formats.scouting import files_for_later
from conductor_core.formats.studio import load_readers

#: entries, and files of entries, in one line: parsing more at once would hold the host that reads it
PIECE = 200
#: of the nice values: what the artist does comes first
_POLITE = 10


def main() -> None:
    """Answer the one question on stdin."""
    # whatever a studio's reader prints must not fall into the report
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(_POLITE)
    question = json.load(sys.stdin)
    # the agent ends us when we take too long, unless it was killed itself
    end = threading.Timer(question["seconds"], os._exit, (1,))
    end.daemon = True
    end.start()
    with out:
        for piece in answer(question):
            out.write(json.dumps(piece).encode() + b"\n")


def answer(question: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a report piece by piece; one that cannot be made is a `problem` alone."""
    variables = dict(question["variables"]) or dict(os.environ)
    settings, problems = _settings(Path(question["config"]))
    problems += load_readers(question.get("readers", ()), settings, variables)
    survey = Survey(
        question["scene"],
        frames=tuple(question["frames"]) or None,
        project_root=question["project_root"],
        variables=variables,
        snapshot=question.get("snapshot", ""),
    )
    try:
        if scouts := question.get("scouts"):
            # a reader that cannot be used may know of files that a scout frame needs
            states = ReadStates()
            later = () if problems else files_for_later(survey, scouts, states=states)
            yield {"later": later, "read": states.rows(), "problem": " ".join(problems)}
            return
        report = scan_file(survey).report
    except SceneNotRead as exc:
        yield {"problem": " ".join((str(exc), *problems))}
        return
    yield {"scene": report.scene, "format": report.format, "problem": " ".join(problems)}
    for name in ("dependencies", "missing", "unresolved", "outputs", "ignored"):
        yield from ({name: piece} for piece in _pieces(getattr(report, name)))


def _settings(config: Path) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings that name the studio's readers; without them where they cannot be read."""
    try:
        return read_settings(config), ()
    except SettingsError as exc:
        return Settings(), (f"No reader of a studio is used: {exc}",)


def _pieces(entries: tuple[Any, ...]) -> Iterator[list[Any]]:
    """Yield entries by the handful; one with many files fills a piece by itself."""
    piece: list[Any] = []
    weight = 0
    for entry in entries:
        piece.append(to_json(entry))
        weight += 1 + len(getattr(entry, "files", ()))
        if weight >= PIECE:
            yield piece
            piece, weight = [], 0
    if piece:
        yield piece


if __name__ == "__main__":
    main()
