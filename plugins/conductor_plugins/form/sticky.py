"""The settings that stay in a scene: what an artist chose in it is there again when it is opened the next time.

A text for `Host.remember`: JSON with a version, only what differs from the defaults, so that a studio's new default reaches
old scenes. A scene is handed around, so it holds neither what looks like a secret nor anybody's e-mail address. Reading never
fails: a field that this version cannot read, of a newer version or broken, is as if nobody had chosen it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from typing import Any, get_args, get_origin, get_type_hints

from conductor_core.errors import InvalidDocument

from conductor_plugins.form.model import Form
from conductor_plugins.form.preset import preset_values
from conductor_plugins.form.schema import differing, fields, read_field

VERSION = 1
#: bytes; beyond it is no text of ours
LARGEST = 1 << 20
#: whom to write to is the affair of who submits
_PERSONAL = ("notifications",)


def to_text(form: Form, *, defaults: Form | None = None) -> str:
    """Return what is to stay in the scene; "" where nothing was chosen."""
    chosen = [name for name in differing(form, defaults or Form()) if name not in _PERSONAL]
    if not chosen:
        return ""
    document = {"conductor": VERSION, "form": preset_values(form, chosen)}
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def from_text(text: str, *, defaults: Form | None = None) -> Form:
    """Return the form that a scene's settings come to on top of the defaults; these themselves where there are none."""
    form = defaults or Form()
    for name, data in _stored(text).items():
        if name in fields() and name not in _PERSONAL:
            try:
                form = replace(form, **{name: read_field(name, _pruned(fields()[name], data))})
            except InvalidDocument:
                continue
    return form


def _stored(text: str) -> Mapping[str, Any]:
    if not text or len(text) > LARGEST:
        return {}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    form = document.get("form") if isinstance(document, dict) else None
    return form if isinstance(form, dict) else {}


def _pruned(kind: Any, data: Any) -> Any:
    """Return the data without what this version does not know: a newer one may have chosen more for a step."""
    if get_origin(kind) is tuple and isinstance(data, list):
        return [_pruned(get_args(kind)[0], item) for item in data]
    if is_dataclass(kind) and isinstance(data, dict):
        known = {f.name for f in fields_of(kind)}
        hints = get_type_hints(kind)
        return {name: _pruned(hints[name], value) for name, value in data.items() if name in known}
    return data
