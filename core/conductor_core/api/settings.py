"""This user's `settings.yaml`: every field has a default, and a wrong one is named with its line.

```yaml
submit:
  project: dragons
  instance_type: cpu-8
  chunk_size: 1
  priority: 50
agent:
  idle_minutes: 30
  upload_threads: 4
hosts:
  folder: /studio/conductor        # the clone that holds blender/
  blender: /opt/blender/blender    # a blender binary, or a Python that has bpy
readers:
  - /studio/conductor/readers      # folders with readers of the studio's own (docs/formats/README.md)
validators:
  - /studio/conductor/validators   # folders with validators of the studio's own (docs/validators.md)
presets:
  - /studio/conductor/presets      # folders with the studio's presets for the panel (docs/presets.md)
transfer:
  upload: 20 MB/s                  # limits, hours, work ahead of the click: conductor_core.api.transfer_settings
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conductor_core.api.transfer_settings import TransferSettings
from conductor_core.documents import from_json
from conductor_core.errors import InvalidDocument, SettingsError

FILE = "settings.yaml"


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low} and {high}")


@dataclass(frozen=True, slots=True)
class SubmitSettings:
    """What `conductor submit` takes where it is not told."""

    project: str = ""
    instance_type: str = ""
    #: frames per task
    chunk_size: int = 1
    #: 0 … 100, higher first
    priority: int = 50
    preemptible: bool = False

    def __post_init__(self) -> None:
        """Refuse values that no job can have."""
        _within("chunk_size", self.chunk_size, 1, 100_000)
        _within("priority", self.priority, 0, 100)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How the agent works."""

    #: the agent ends after this long without work or scenes to watch; 0: never
    idle_minutes: float = 30.0
    hash_threads: int = 2
    #: connections at most; how many are used says the line (conductor_core.transfer.concurrency)
    upload_threads: int = 8
    download_threads: int = 4
    #: whether a file counts as changed when nothing but its ctime changed (conductor_core.transfer.file_state)
    ctime: bool = True

    def __post_init__(self) -> None:
        """Refuse values that would stop the agent."""
        _within("idle_minutes", self.idle_minutes, 0, 1_000_000)
        for name in ("hash_threads", "upload_threads", "download_threads"):
            _within(name, getattr(self, name), 1, 64)


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Where the hosts' own programs are, for asking about scenes outside of a host."""

    #: the folder that holds `blender/`; empty: the clone that this package was installed from
    folder: str = ""
    #: a `blender` binary or a Python that has bpy; empty: looked for on the PATH
    blender: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file."""

    submit: SubmitSettings = SubmitSettings()
    agent: AgentSettings = AgentSettings()
    hosts: HostSettings = HostSettings()
    #: folders with the studio's own readers of scene files
    readers: tuple[str, ...] = ()
    #: folders with the studio's own validators of submissions
    validators: tuple[str, ...] = ()
    #: folders with the studio's presets for the panel
    presets: tuple[str, ...] = ()
    transfer: TransferSettings = field(default_factory=TransferSettings)


def read_settings(config: Path) -> Settings:
    """Read the settings of the folder `config`; no file gives the defaults.

    Raises:
        SettingsError: the file is no UTF-8 or no YAML, or a field is unknown, of another type or out of its range.
    """
    path = config / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError as exc:
        raise SettingsError(str(path), "the file", f"is not UTF-8 (byte {exc.start}): save it in that encoding") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise SettingsError(str(path), f"line {mark.line + 1}" if mark else "the file", f"is not YAML ({exc.problem})") from None
    except yaml.YAMLError as exc:
        raise SettingsError(str(path), "the file", f"is not YAML ({exc})") from None
    try:
        return from_json(Settings, _with_off(_without_empty(data)))
    except InvalidDocument as exc:
        line = dict(_lines(node, "")).get(exc.field, 0)
        reason = str(exc).partition(f"field {exc.field!r} ")[2].removesuffix(".")
        raise SettingsError(str(path), f"line {line}, {exc.field}" if line else exc.field, reason) from None


def _without_empty(data: Any) -> Any:
    """Return sections that are left empty (`agent:` and nothing below it) as empty objects."""
    if data is None:
        return {}
    return {k: {} if v is None else v for k, v in data.items()} if isinstance(data, dict) else data


def _with_off(data: Any) -> Any:
    """Return `transfer.ahead: off` as it was meant: YAML 1.1 takes `off` for false."""
    section = data.get("transfer") if isinstance(data, dict) else None
    if isinstance(section, dict) and section.get("ahead") is False:
        return {**data, "transfer": {**section, "ahead": "off"}}
    return data


def _lines(node: Any, prefix: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}.{key.value}" if prefix else str(key.value)
            yield name, key.start_mark.line + 1
            yield from _lines(value, name)
