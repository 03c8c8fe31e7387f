"""mental ray scenes, `.mi`: includes, textures, object files, outputs.

Statements as in "mental ray scene description language" (mental ray manual, chapter 3) and as public code writes them:
`$include "x.mi"`, `color texture "wood" "wood.tif"`, `object "tree" … file "tree.mi"`, `output "rgba" "tif" "out.tif"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.kinds import Kind
from conductor_core.discovery.place import absolute
from conductor_core.discovery.reach import Frames
from conductor_core.discovery.survey import Survey
from conductor_core.discovery.unknown import ends_like_file, says_file
from conductor_core.discovery.variables import fill_variables
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import unpacked_head
from conductor_core.formats.text_window import broken, window_on
from conductor_core.report import Ignored, ScanOutput, Unresolved

_FIRST = re.compile(rb'^\s*(?:verbose (?:on|off|[0-9])|mi version "|min version "|\$include [<"]|options "|link ")', re.MULTILINE)
_MARKS = re.compile(rb'["#]|\bend\b')
_WORD = re.compile(rb"\$?[A-Za-z_]\w*")
#: statement → kind of the file that its last text names
_STATEMENTS: dict[str, Kind] = {"$include": "procedural", "texture": "texture", "file": "procedural", "lightprofile": "profile"}


@reads_format("mental-ray", lambda head, extension: extension == ".mi" and bool(_FIRST.search(unpacked_head(head))))
def read_mi(survey: Survey) -> Iterator[Finding]:
    """Yield what the statements of a scene name."""
    window = window_on(survey)
    statement, last = "", 0
    texts: list[str] = []
    while match := window.next(_MARKS):
        if match[0] == b"#":
            window.skip_past(b"\n")
        elif match[0] == b'"':
            between = window.behind(match.start(), min(200, max(0, window.offset - 1 - last)))
            words = [w.decode() for w in _WORD.findall(between)]
            raw = window.quoted()
            statement, texts = (words[-1], []) if words else (statement, texts)
            text = (raw or b"").decode("utf-8", "surrogateescape")
            yield from _text(statement, texts, text, survey)
            texts = [*texts[-3:], text]
        last = window.offset
    if window.problem:
        yield broken(survey, window.problem)


def _text(statement: str, before: list[str], text: str, survey: Survey) -> Iterator[Finding]:
    """Yield what a text names, by the word of its statement and the text before it."""
    if not ends_like_file(text):
        return
    referrer = ".".join([*before[-1:], statement])
    place = absolute(fill_variables(text, survey.variables).text, survey.folder)
    if statement in ("link", "code"):
        yield Ignored(text, statement, "a plug-in: it comes with the software, not with the scene")
    elif statement == "output":
        yield ScanOutput(text, place, "output")
    elif statement in _STATEMENTS or (before and says_file(before[-1])):
        kind = _STATEMENTS.get(statement, "other")
        places = (place, *(absolute(text, folder) for folder in survey.search))
        yield Usage(text, referrer, kind, places, Frames(survey.frames))
    elif "/" in text or "\\" in text:
        yield Unresolved(text, referrer, f"no reader knows {referrer}")
