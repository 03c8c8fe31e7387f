"""What stands in a preset's file: YAML with a mapping of fields to values, nothing that JSON could not say as well.

A preset may come from a share that others write to: its size is bounded, and so is what its YAML aliases come to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

#: bytes of a file, and values in it, counted where an alias repeats them
LARGEST = 1 << 20
MOST_VALUES = 20_000
#: letters of a number: YAML reads `1:20:20:…` as one to the base of 60, which takes minutes where it is long
_LONGEST_NUMBER = 40
#: what JSON, and the panel, take as a whole number
_GREATEST = 1 << 63


class PresetMistake(Exception):
    """Say where in a preset's file something is wrong, and what: the end of a sentence that begins with the file's name."""


def read_preset(text: bytes) -> dict[str, Any]:
    """Return the values of a preset.

    Raises:
        PresetMistake: naming the line or field.
    """
    if len(text) > LARGEST:
        raise PresetMistake(f"has more than {LARGEST >> 20} MB")
    try:
        data = yaml.load(text.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError:
        raise PresetMistake("is not text in UTF-8") from None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise PresetMistake(f"{f'line {mark.line + 1} ' if mark else ''}is not YAML ({exc.problem})") from None
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise PresetMistake(f"is not YAML ({str(exc).splitlines()[0] if str(exc) else type(exc).__name__})") from None
    return checked_values({} if data is None else data)


def checked_values(data: Any) -> dict[str, Any]:
    """Return the values of a preset, each of a kind that a preset can hold.

    Raises:
        PresetMistake: naming the field.
    """
    if not isinstance(data, Mapping):
        raise PresetMistake("must have fields with their values, like `chunk_size: 5`")
    counted = [0]
    return {_name(name, ""): _checked(value, str(name), counted, 0) for name, value in data.items()}


def preset_text(values: Mapping[str, Any]) -> bytes:
    """Return the file of a preset.

    Raises:
        PresetMistake: naming the field that no preset can hold.
    """
    plain = checked_values(values)
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100).encode()


class _Loader(yaml.SafeLoader):
    """Read what is safe, and numbers only where they are short."""


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_yaml_int(_short(node)))


def _construct_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_yaml_float(_short(node)))


def _short(node: yaml.ScalarNode) -> yaml.ScalarNode:
    if len(node.value) > _LONGEST_NUMBER:
        raise yaml.constructor.ConstructorError(None, None, "a number with too many digits", node.start_mark)
    return node


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)


class _Dumper(yaml.SafeDumper):
    """Write text with signs that YAML takes for ends of lines in double quotes, where they are escaped."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)


def _checked(value: Any, place: str, counted: list[int], depth: int) -> Any:
    counted[0] += 1
    if counted[0] > MOST_VALUES or depth > 20:
        raise PresetMistake(f"field {place!r} has more in it than a preset can hold")
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, int) and not -_GREATEST <= value < _GREATEST:
        raise PresetMistake(f"field {place!r} is a number that is too great")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PresetMistake(f"field {place!r} must be a finite number")
        return value
    if isinstance(value, Mapping):
        return {_name(name, place): _checked(inner, f"{place}.{name}", counted, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_checked(inner, f"{place}[{number}]", counted, depth + 1) for number, inner in enumerate(value)]
    raise PresetMistake(f"field {place!r} is a {type(value).__name__}: write it in quotes to have it as text")


def _name(name: Any, place: str) -> str:
    if name is True:
        return "on"  # what YAML 1.1 takes for yes is the name of a field here, as people write it (notifications.on)
    if not isinstance(name, str):
        inside = f" in field {place!r}" if place else ""
        raise PresetMistake(f"the name {name!r}{inside} is no text: write it in quotes")
    return _text(name, place or name)


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PresetMistake(f"field {place!a} has text that is not Unicode") from None
    return value
