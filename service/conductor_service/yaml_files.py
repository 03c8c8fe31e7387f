"""YAML files as people write them: read into mappings, with errors that name the file and the field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from conductor_core.errors import InvalidDocument, SettingsError


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        SettingsError: it cannot be read, is not YAML, or not a mapping.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(str(path), "(whole)", f"cannot be read: {exc}") from exc
    except yaml.YAMLError as exc:
        raise SettingsError(str(path), "(whole)", f"is not YAML: {exc}") from exc
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(str(path), "(whole)", "must be a mapping of names to values")
    return data


def misfit(file: str, error: InvalidDocument) -> SettingsError:
    """Return the error for a file whose field `error` names."""
    reason = error.what.partition(f"field {error.field!r} ")[2] or error.what
    return SettingsError(file, error.field, reason.rstrip("."))


#: what may be written as a number, and is text
_TEXTS = {"instance_types": ("price_per_hour", "preemptible_price_per_hour"), "software": ("version",)}


def with_text_numbers(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a catalogue with prices and versions as text: YAML reads `0.40` and `4.5` as numbers."""
    result = dict(data)
    for section, fields in _TEXTS.items():
        entries = data.get(section)
        if isinstance(entries, list):
            result[section] = [_fields_as_text(entry, fields) for entry in entries]
    return result


def _fields_as_text(entry: Any, fields: tuple[str, ...]) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {**entry, **{field: str(entry[field]) for field in fields if type(entry.get(field)) in (int, float)}}
