"""Descriptions of Maya's geometry and nCaches, `.xml`: the data files beside them.

One file, or one for each frame, `cacheType Type="OneFilePerFrame" Format="mcx"` and `NAMEFrame12.mcx`: read so by
`cacheParser.py` of Maya's developer kit (no file of Maya itself was there to try).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from conductor_core.discovery.finding import Finding, Usage
from conductor_core.discovery.reach import TheseFiles
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format
from conductor_core.formats.xml_events import elements, root_is
from conductor_core.report import Unresolved

_ENDINGS = {"mcx": ".mcx", "mcc": ".mc"}


@reads_format("maya-cache", lambda head, _extension: root_is(head, b"Autodesk_Cache_File"))
def read_cache(survey: Survey) -> Iterator[Finding]:
    """Yield the data files of a cache: those of the job's frames, with the one before and behind each."""
    kind, ending = "OneFile", ".mc"
    for element in elements(survey, frozenset({"cacheType"})):
        if isinstance(element, Unresolved):
            yield element
            continue
        kind = element.attributes.get("Type", kind)
        ending = _ENDINGS.get(element.attributes.get("Format", ""), ending)
    base = os.path.splitext(survey.file)[0]
    name = os.path.basename(base)
    if kind == "OneFilePerFrame":
        yield replace(_per_frame(base, ending, survey), referrer="cacheType")
    else:
        yield Usage(name + ending, "cacheType", "cache", (base + ending,), follow=False)


def _per_frame(base: str, ending: str, survey: Survey) -> Usage:
    """Return the files of frames that are wanted; sub-frames are `NAMEFrame12Tick30.mcx`."""
    folder, name = os.path.split(base)
    pattern = re.compile(re.escape(name) + r"Frame(-?[0-9]+)(?:Tick[0-9]+)?" + re.escape(ending))
    files = {n: int(m[1]) for n in sorted(survey.listing.names(folder)) if (m := pattern.fullmatch(n))}
    # a scene may show a cache earlier or later than it was made, and of one that has not each frame those around
    wanted = None if survey.frames is None or survey.for_scouts else {f + d for f in survey.frames for d in (-1, 0, 1)}
    found = tuple(os.path.join(folder, n) for n, f in files.items() if wanted is None or f in wanted)
    text = f"{name}Frame#{ending}"
    lacking = () if found else (os.path.join(folder, text),)
    return Usage(text, "", "cache", (os.path.join(folder, text),), TheseFiles(found, lacking), follow=False)
