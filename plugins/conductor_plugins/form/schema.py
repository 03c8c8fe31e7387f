"""The fields of the form as JSON or YAML says them: for presets, and for the settings that stay in a scene.

Written as people write: metadata as `key: value`, steps by a pattern of their names with what is chosen for them and no more.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from typing import Any

from conductor_core.documents import from_json, to_json
from conductor_core.errors import InvalidDocument

from conductor_plugins.form.model import Form, StepForm

_STEP = StepForm("")


@functools.cache
def fields() -> Mapping[str, Any]:
    """Return the form's fields with their types."""
    return typing.get_type_hints(Form)


def read_field(name: str, data: Any, *, document: str = "Form") -> Any:
    """Return the value of a field.

    Raises:
        InvalidDocument: there is no such field, or the data does not fit it; the place begins with the field's name.
    """
    if name not in fields():
        raise InvalidDocument(document, name, f"is no field of the form; there are: {', '.join(fields())}")
    if name == "metadata":
        return _read_metadata(data, document)
    if name == "notifications" and isinstance(data, Mapping):
        # to YAML 1.1 `on` is a way to write "true" (https://yaml.org/type/bool.html), and JSON makes a text of that
        data = {"on" if key in (True, "true") else key: value for key, value in data.items()}
    try:
        return from_json(fields()[name], data, document=document)
    except InvalidDocument as exc:
        raise InvalidDocument(document, _place(name, exc.field), exc.reason) from None


def write_field(name: str, value: Any) -> Any:
    """Return the value of a field as JSON data, without what is chosen for nobody."""
    if name == "metadata":
        return dict(value)
    if name == "steps":
        return [_written_step(step) for step in value]
    if name in ("scripts", "notifications"):
        plain = type(value)()
        return {f: data for f, data in to_json(value).items() if getattr(value, f) != getattr(plain, f)}
    return to_json(value)


def differing(form: Form, defaults: Form) -> tuple[str, ...]:
    """Return the names of the fields in which two forms differ, in the form's order."""
    return tuple(name for name in fields() if getattr(form, name) != getattr(defaults, name))


def _written_step(step: StepForm) -> dict[str, Any]:
    """Return what is chosen for a step; whether it is rendered is always chosen, since scenes change their minds."""
    changed = {f.name: getattr(step, f.name) for f in dataclasses.fields(step)}
    kept = {name: value for name, value in changed.items() if name in ("name", "enabled") or value != getattr(_STEP, name)}
    return {name: to_json(value) for name, value in kept.items()}


def _read_metadata(data: Any, document: str) -> tuple[tuple[str, str], ...]:
    pairs = list(data.items()) if isinstance(data, Mapping) else data
    if not isinstance(pairs, (list, tuple)):
        raise InvalidDocument(document, "metadata", "must be an object, such as {shot: s010}")
    for number, pair in enumerate(pairs):
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            place = str(pair[0]) if isinstance(data, Mapping) else f"[{number}]"
            raise InvalidDocument(document, f"metadata.{place}", "must be a text; write numbers in quotes")
    return tuple((key, value) for key, value in pairs)


def _place(name: str, inner: str) -> str:
    if inner == "(whole)":
        return name
    return f"{name}{inner}" if inner.startswith("[") else f"{name}.{inner}"
