"""Templates in output paths, since 4.5: `{blend_name}`, `{resolution_x:04d}`.

https://docs.blender.org/manual/en/latest/files/path_templates.html
"""

from __future__ import annotations

import os
import re

from conductor_core.formats.blend.reading import Reading
from conductor_core.formats.blend.record import Record

_TEMPLATES_SINCE = 405
_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}:]*)(?::(?P<format>[^{}]*))?\}|[{}]")
_WHOLE = re.compile(r"#+|0[0-9]{1,2}d?|[0-9]{1,2}d|d?")


def filled_template(reading: Reading, scene: Record, text: str, *, node: str = "") -> str | None:
    """Return a path with the values of its templates; None where one is not known here or not well written."""
    if reading.blend.header.version < _TEMPLATES_SINCE or not ("{" in text or "}" in text):
        return text
    values = _values(reading, scene, node)
    parts, end = [], 0
    for match in _PART.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        part = match[0][0] if match[0] in ("{{", "}}") else _filled(values, match["name"], match["format"] or "")
        if part is None:
            return None
        parts.append(part)
    return "".join((*parts, text[end:]))


def _filled(values: dict[str, str | int | float], name: str | None, form: str) -> str | None:
    value = values.get(name or "")
    if value is None or (isinstance(value, str) and form):
        return None
    if isinstance(value, int) and _WHOLE.fullmatch(form):
        digits = len(form) if form.startswith("#") else int(re.sub("[^0-9]", "", form) or 0)
        return f"{value:0{digits}d}"
    if isinstance(value, float):
        if not form:
            return f"{value:g}"
        fraction = re.fullmatch(r"(#*)\.(#+)", form)
        return f"{value:0{len(form) if fraction[1] else 0}.{len(fraction[2])}f}" if fraction else None
    return value if isinstance(value, str) else None


def _values(reading: Reading, scene: Record, node: str) -> dict[str, str | int | float]:
    render = scene.part("r")
    camera = scene.datablock("camera")
    stem = os.path.splitext(os.path.basename(reading.survey.file))[0]
    values: dict[str, str | int | float] = {"blend_name": stem, "blend_name_lib": stem, "scene_name": scene.owner.name}
    values |= {"blend_dir": reading.survey.folder, "blend_dir_lib": reading.survey.folder}
    if node:
        values["node_name"] = node
    if camera is not None:
        values["camera_name"] = camera.name
    if render is not None:
        percent = render.number("size", 100)
        values["resolution_x"] = render.number("xsch") * percent // 100
        values["resolution_y"] = render.number("ysch") * percent // 100
        values["fps"] = render.number("frs_sec") / (render.real("frs_sec_base") or 1.0)
    return values
