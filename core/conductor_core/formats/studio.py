"""A studio's own readers: Python files in folders, which register node readers and formats as ours do.

They are loaded after ours, in the order of their names; files whose name begins with `_` are for the others to import. Their
formats are asked first, and their node readers beside ours, or with `instead=True` in the place of ours. Whatever goes wrong
in one is said with its file and line, and the scan goes on without it: nobody's scene waits for a mistake in a tool. How to
write one: docs/formats/README.md.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from conductor_core.api.settings import Settings
from conductor_core.discovery import tables
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.node import Ask, Node, NodeReader, guarded_by
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import Format, asked_first
from conductor_core.report import Ignored, ScanOutput, Unresolved

#: names folders with readers, between `os.pathsep`
VARIABLE = "CONDUCTOR_READERS"
#: the package under which a studio's files are known
PACKAGE = "studio_readers"

#: real path of a file that was loaded → what is wrong with it; "": nothing
_LOADED: dict[str, str] = {}


def load(folders: Sequence[str]) -> tuple[str, ...]:
    """Load the readers of some folders, each file once, and return a sentence for each that cannot be used."""
    tables.load_all()
    problems: list[str] = []
    for named in folders:
        folder = Path(os.path.expanduser(named)).absolute()
        if not folder.is_dir():
            problems.append(f"{folder} is no folder, so no readers were loaded from it.")
            continue
        with _importable(folder):
            problems += filter(None, map(_load_once, sorted(folder.glob("[!_]*.py"))))
    return tuple(problems)


def load_readers(folders: Sequence[str], settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Load a studio's readers: of $CONDUCTOR_READERS, of the settings, then of `folders`; return a sentence for each that fails.

    Where two read the same, the later stands.
    """
    named = (os.environ if environ is None else environ).get(VARIABLE, "").split(os.pathsep)
    return load((*filter(None, named), *settings.readers, *folders))


def _load_once(file: Path) -> str:
    key = os.path.realpath(file)
    if key not in _LOADED:
        _LOADED[key] = _load(file)
    return _LOADED[key]


def _load(file: Path) -> str:
    spec = importlib.util.spec_from_file_location(f"{PACKAGE}.{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        with guarded_by(functools.partial(_guarded, str(file))), asked_first(functools.partial(_guarded_format, str(file))):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - a studio's file may raise whatever it likes, and must not end a scan
        return f"The readers in {_place(exc, str(file))} were left out: {_words(exc)}."
    return ""


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the files of a folder import each other while they are loaded."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _guarded(file: str, reader: NodeReader, _name: str) -> NodeReader:
    @functools.wraps(reader)
    def read(node: Node, ask: Ask) -> Iterator[Finding]:
        try:
            for finding in reader(node, ask) or ():
                yield _checked(finding)
        except SceneNotRead:
            raise
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - as above
            reason = f"the studio's reader in {_place(exc, file)} failed: {_words(exc)}"
            yield Unresolved(f"{node.type} {node.name}", node.name, reason)

    return read


def _guarded_format(file: str, found: Format) -> Format:
    @functools.wraps(found.read)
    def read(survey: Survey) -> Iterator[Finding | Facts]:
        try:
            for finding in found.read(survey) or ():
                yield finding if isinstance(finding, Facts) else _checked(finding)
        except (SceneNotRead, OSError):
            raise
        except (Exception, SystemExit) as exc:
            reason = f"the studio's reader in {_place(exc, file)} failed: {_words(exc)}"
            raise SceneNotRead(survey.file, reason, "Mend that reader, or scan without it.") from exc

    return Format(found.name, _guarded_recogniser(found.recognises), read)


def _guarded_recogniser(recognises: Callable[[bytes, str], bool]) -> Callable[[bytes, str], bool]:
    def guarded(head: bytes, extension: str) -> bool:
        try:
            return bool(recognises(head, extension))
        except (Exception, SystemExit):  # noqa: BLE001 - as above: what fails on a file does not know it
            return False

    return guarded


def _checked(finding: Finding) -> Finding:
    """Return what a reader yields, if it is a finding.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(finding, (Usage, Unresolved, ScanOutput, Ignored)):
        raise TypeError(f"it yields {type(finding).__name__}, which is no finding")
    if isinstance(finding, Usage) and isinstance(finding.places, str):
        raise TypeError("the places of a Usage are a tuple of texts")
    return finding


def _place(exc: BaseException, file: str) -> str:
    """Return `file, line N`: where in a studio's file it went wrong."""
    if isinstance(exc, SyntaxError) and exc.lineno:
        return f"{exc.filename or file}, line {exc.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == file]
    return f"{file}, line {lines[-1]}" if lines else file


def _words(exc: BaseException) -> str:
    text = str(exc).partition("\n")[0]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
