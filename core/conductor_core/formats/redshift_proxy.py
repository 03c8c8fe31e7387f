"""Redshift proxies, `.rs`: binary, and nowhere documented; what reads like the path of a file in it is named.

Whether Redshift reads a file of that name cannot be told from here, so all of it is unresolved: somebody looks at it, or the
scene that was exported tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conductor_core.discovery.finding import Finding
from conductor_core.discovery.survey import Survey
from conductor_core.formats.format import reads_format
from conductor_core.formats.packed import pieces
from conductor_core.formats.text_window import TextWindow, broken
from conductor_core.report import Unresolved

_ENDING = rb"exr|tiff?|tx|png|jpe?g|hdr|tga|psd|rstexbin|rs|vdb|ies|abc|ptx"
_EXTENSION = re.compile(rb"\.(?:" + _ENDING + rb")(?![A-Za-z0-9_.])", re.IGNORECASE)
#: what no path has in it
_OTHER = re.compile(rb"[\x00-\x1f\x7f\xf5-\xff]")
_SEPARATOR = re.compile(rb"[/\\]")
#: names that are told of one proxy
_MOST = 10_000


@reads_format("redshift-proxy", lambda head, extension: extension == ".rs" and b"\0" in head)
def read_proxy(survey: Survey) -> Iterator[Finding]:
    """Yield the texts in a proxy that read like paths of files."""
    window = TextWindow(pieces(survey), longest=survey.limits.value)
    names: dict[str, None] = {}
    while len(names) < _MOST and (match := window.next(_EXTENSION)):
        name = _OTHER.split(window.behind(match.start(), 1000))[-1] + match[0]
        if _SEPARATOR.search(name):
            names[name.decode("utf-8", "surrogateescape")] = None
    for name in names:
        yield Unresolved(name, "proxy", "a name in a Redshift proxy, whose format is not documented")
    if window.problem:
        yield broken(survey, window.problem)
