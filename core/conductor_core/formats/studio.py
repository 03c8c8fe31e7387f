"""A studio's own readers: Python files in folders, which register node readers and formats as ours do.

They are loaded after ours, in the order of their names; files whose name begins with `_` are for the others to import. Their
formats are asked first, and their node readers beside ours, or with `instead=True` in the place of ours. Whatever goes wrong
in one is said with its file and line, and the scan goes on without it: nobody's scene waits for a mistake in a tool. How to
write one: docs/formats/README.md.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from conductor_core.api.settings import Settings
from conductor_core.discovery import tables
from conductor_core.discovery.finding import Facts, Finding, Usage
from conductor_core.discovery.node import Ask, Node, NodeReader, guarded_by
from conductor_core.discovery.survey import Survey
from conductor_core.errors import SceneNotRead
from conductor_core.formats.format import Format, asked_first
from conductor_core.report import Ignored, ScanOutput, Unresolved
from conductor_core.studio_files import StudioFiles, place_of, words_of

#: names folders with readers, between `os.pathsep`
VARIABLE = "CONDUCTOR_READERS"
#: the package under which a studio's files are known
PACKAGE = "studio_readers"


@contextlib.contextmanager
def _guarding(file: str) -> Iterator[None]:
    """Guard what a file registers."""
    with guarded_by(functools.partial(_guarded, file)), asked_first(functools.partial(_guarded_format, file)):
        yield


_FILES = StudioFiles(PACKAGE, "readers", _guarding)


def load(folders: Sequence[str]) -> tuple[str, ...]:
    """Load the readers of some folders, each file once, and return a sentence for each that cannot be used."""
    tables.load_all()
    return _FILES.load(folders)


def load_readers(folders: Sequence[str], settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Load a studio's readers: of $CONDUCTOR_READERS, of the settings, then of `folders`; return a sentence for each that fails.

    Where two read the same, the later stands.
    """
    named = (os.environ if environ is None else environ).get(VARIABLE, "").split(os.pathsep)
    return load((*filter(None, named), *settings.readers, *folders))


def _guarded(file: str, reader: NodeReader, _name: str) -> NodeReader:
    @functools.wraps(reader)
    def read(node: Node, ask: Ask) -> Iterator[Finding]:
        try:
            for finding in reader(node, ask) or ():
                yield _checked(finding)
        except SceneNotRead:
            raise
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - as above
            reason = f"the studio's reader in {place_of(exc, file)} failed: {words_of(exc)}"
            yield Unresolved(f"{node.type} {node.name}", node.name, reason)

    return read


def _guarded_format(file: str, found: Format) -> Format:
    @functools.wraps(found.read)
    def read(survey: Survey) -> Iterator[Finding | Facts]:
        if survey.snapshot:  # it opens `survey.file`, and would tell of another state of the scene
            raise SceneNotRead(survey.file, f"a studio's reader ({os.path.basename(file)}) reads no snapshots")
        try:
            for finding in found.read(survey) or ():
                yield finding if isinstance(finding, Facts) else _checked(finding)
        except (SceneNotRead, OSError):
            raise
        except (Exception, SystemExit) as exc:
            reason = f"the studio's reader in {place_of(exc, file)} failed: {words_of(exc)}"
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
