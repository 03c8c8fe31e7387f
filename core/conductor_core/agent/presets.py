"""Presets: settings of the panel under a name, as YAML files in folders of the user, the project and the studio.

```yaml
# presets/finals.yaml: fields of the panel's form and the values to give them
chunk_size: 5
instance_type: large
scouts: fml:3
```

The file's name is the preset's. The studio's folders are named by `CONDUCTOR_PRESETS` and by `presets:` in settings.yaml; a
project's presets lie in `projects/NAME/` of the same folders. A folder that cannot be written is still read. Which fields
there are, the panel knows; here they are text, numbers, yes or no, lists and mappings.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from conductor_core.agent.preset_file import LARGEST, PresetMistake, preset_text, read_preset
from conductor_core.agent_answers import Preset
from conductor_core.agent_client import PRESETS_VARIABLE
from conductor_core.errors import AgentError, InvalidDocument
from conductor_core.user_folders import sync_folder

Scope = Literal["personal", "project", "studio"]
ENDING = ".yaml"
PROJECTS = "projects"
#: presets of one folder that are read
MOST = 1_000

#: what a name may not have so that it is a file's name on every system; and not at its ends
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
#: names of devices on Windows, with whatever ending
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with presets of one scope."""

    scope: Scope
    folder: Path


class Presets:
    """Read, keep and remove presets; each question reads the files anew, so that a studio's change is seen at once."""

    def __init__(self, personal: Path, studio: Callable[[], Sequence[str]]) -> None:
        """Keep this user's in `personal`; `studio` gives the folders that the settings name."""
        self._personal = personal
        self._studio = studio

    def all(self, project: str, folders: str) -> list[Preset]:
        """Return the studio's presets, the project's, then this user's; `folders` are the studio's as the host names them.

        Where two folders of a studio have the same name, the first one's stands.
        """
        found: dict[tuple[Scope, str], Preset] = {}
        for shelf in self._shelves(project, folders):
            for preset in _read(shelf):
                found.setdefault((preset.scope, preset.name), preset)
        return list(found.values())

    def save(self, name: str, values: Mapping[str, Any], *, scope: str, project: str, folders: str) -> Preset:
        """Keep a preset; it is on disk when this returns.

        Raises:
            InvalidDocument: name, scope, project or a value cannot be such.
            AgentError: the folder cannot be written, or the studio has none.
        """
        shelf = self._shelf(scope, project, folders)
        path = shelf.folder / f"{_checked_name(name)}{ENDING}"
        try:
            text = preset_text(values)
        except PresetMistake as exc:
            raise InvalidDocument("Preset", "values", f"cannot be kept: {exc}") from None
        try:
            _write(path, text, private=shelf.scope == "personal")
        except OSError as exc:
            raise _unwritable(path, exc) from exc
        return Preset(name, shelf.scope, read_preset(text), str(path))

    def remove(self, name: str, *, scope: str, project: str, folders: str) -> None:
        """Remove a preset; where there is none, nothing happens.

        Raises:
            InvalidDocument, AgentError: as `save`.
        """
        checked = _checked_name(name)
        self._shelf(scope, project, folders)
        for shelf in self._shelves(project, folders):
            path = shelf.folder / f"{checked}{ENDING}"
            if shelf.scope == scope and path.exists():
                try:
                    path.unlink(missing_ok=True)
                except OSError as exc:
                    raise _unwritable(path, exc) from exc
                return

    def _shelves(self, project: str, folders: str) -> Iterator[Shelf]:
        studio = self._studio_folders(folders)
        for folder in studio:
            yield Shelf("studio", folder)
        for folder in studio if _is_name(project) else ():
            yield Shelf("project", folder / PROJECTS / project)
        yield Shelf("personal", self._personal)

    def _shelf(self, scope: str, project: str, folders: str) -> Shelf:
        """Return the folder into which presets of a scope go."""
        if scope not in ("personal", "project", "studio"):
            raise InvalidDocument("Preset", "scope", "must be one of personal, project, studio")
        if scope == "project" and not _is_name(project):
            raise InvalidDocument("Preset", "project", f"{project!r} cannot be the name of a folder")
        shelf = next((shelf for shelf in self._shelves(project, folders) if shelf.scope == scope), None)
        if shelf is None:
            raise AgentError(
                "There is no folder for presets of the studio or its projects.",
                "Name one in CONDUCTOR_PRESETS, or as `presets:` in settings.yaml.",
            )
        return shelf

    def _studio_folders(self, folders: str) -> list[Path]:
        """Return the studio's folders: of the host's environment, or where it names none of ours, then of the settings."""
        named = folders or os.environ.get(PRESETS_VARIABLE, "")
        paths = [os.path.expanduser(folder) for folder in (*named.split(os.pathsep), *self._studio())]
        return [Path(path) for path in dict.fromkeys(paths) if os.path.isabs(path)]


def _read(shelf: Shelf) -> Iterator[Preset]:
    """Yield the presets of a folder by name; one that cannot be read comes with the reason."""
    try:
        paths = sorted(p for p in shelf.folder.iterdir() if p.suffix == ENDING and not p.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        problem = f"{shelf.folder} cannot be read ({exc.strerror or exc})."
        yield Preset(shelf.folder.name, shelf.scope, {}, str(shelf.folder), problem)
        return
    for path in paths[:MOST]:
        try:
            with path.open("rb") as file:
                values = read_preset(file.read(LARGEST + 1))
        except PresetMistake as exc:
            yield Preset(path.stem, shelf.scope, {}, str(path), f"{path}: {exc}.")
        except OSError as exc:
            yield Preset(path.stem, shelf.scope, {}, str(path), f"{path} cannot be read ({exc.strerror or exc}).")
        else:
            yield Preset(path.stem, shelf.scope, values, str(path))


def _is_name(name: str) -> bool:
    """Tell whether a file or folder of that name lies where it is put, on every system."""
    return bool(name) and not (
        _FORBIDDEN.search(name)
        or _DEVICE.fullmatch(name)
        or name[0] in ". "
        or name[-1] in ". "
        or len(name.encode("utf-8", "replace")) > 200
        or not name.isprintable()
    )


def _checked_name(name: str) -> str:
    if not _is_name(name):
        reason = f'{name!r} cannot be the name of a file: no / \\ : * ? " < > |, no point or space at its ends, 200 bytes at most'
        raise InvalidDocument("Preset", "name", reason)
    return name


def _write(path: Path, data: bytes, *, private: bool) -> None:
    """Replace `path` in one step, on disk when this returns; others may read it unless it is `private`."""
    path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(aside, flags, 0o600 if private else 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    sync_folder(str(path.parent))


def _unwritable(path: Path, exc: OSError) -> AgentError:
    reason = exc.strerror or str(exc)
    next_step = "Ask who looks after that folder for the right to write there, or keep the preset as your own."
    return AgentError(f"{path} cannot be written ({reason}).", next_step)
