"""Which plug-ins the scene needs of the farm: those in use that do not come with every Maya."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from conductor_core.submission import Software

from conductor_maya import session

#: renderer, as the render settings call it → its plug-in
_RENDERERS = {"arnold": "mtoa", "vray": "vrayformaya", "redshift": "redshift4maya", "renderman": "RenderMan_for_Maya"}
#: plug-ins that Autodesk's installer puts outside of Maya's own folder, with every Maya: USD, Bifrost, LookdevX
_WITH_MAYA = re.compile(
    r"(mayausd\w*|mayahydra|bifrost\w*|lookdevx\w*|mayavnnplugin|mayacharacterization|mayahik)\Z", re.IGNORECASE
)
#: `RenderMan_for_Maya.so`, `mtoa.mll`
_ENDINGS = (".so", ".mll", ".bundle", ".py", ".pyc")
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def plug_ins() -> tuple[Software, ...]:
    """Return them by the names that Maya has for them, which are their catalogue names (`mtoa`)."""
    versions = dict(session.plug_ins_in_use())
    renderer = _RENDERERS.get(str(session.value("defaultRenderGlobals.currentRenderer") or ""))
    if renderer and renderer not in versions and (version := session.plug_in_version(renderer)):
        versions[renderer] = version
    return tuple(sorted(_of_others(versions), key=lambda one: one.name))


def _of_others(versions: dict[str, str]) -> Iterator[Software]:
    for name, version in versions.items():
        stem = name
        for ending in _ENDINGS:
            stem = stem.removesuffix(ending)
        if not _WITH_MAYA.match(stem) and not _is_in_maya(session.plug_in_path(name)):
            number = _VERSION.search(version) or _VERSION.search(session.plug_in_version(name))
            yield Software(stem, number[0] if number else version)


def _is_in_maya(path: str) -> bool:
    """Tell whether a plug-in's file lies in Maya's own folder."""
    own = os.environ.get("MAYA_LOCATION", "")
    if not (path and own):
        return False
    parts = [os.path.normcase(os.path.normpath(one)).replace("\\", "/").rstrip("/").split("/") for one in (path, own)]
    return parts[0][: len(parts[1])] == parts[1]
