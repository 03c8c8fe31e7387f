"""A studio's own Python files in folders, which register what they bring (readers, validators) as ours do.

Files are loaded in the order of their names, each once; those whose name begins with `_` are for the others to import. Whatever
goes wrong in one is a sentence with its file and line, and everything else goes on: nobody waits for a mistake in a tool
(docs/decisions/0011-two-readers.md). Standard library only.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path


class StudioFiles:
    """The files of one kind.

    Args:
        package: under which they are known among modules.
        noun: what they bring, for sentences: `readers`.
        guarding: gives, for a file, the context in which it is run, so that what it registers is guarded.
    """

    def __init__(self, package: str, noun: str, guarding: Callable[[str], AbstractContextManager[object]]) -> None:
        self._package = package
        self._noun = noun
        self._guarding = guarding
        #: real path of a file that was loaded → what is wrong with it; "": nothing
        self._loaded: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()

    def load(self, folders: Iterable[str]) -> tuple[str, ...]:
        """Load the files of some folders, and return a sentence for each that cannot be used."""
        problems: list[str] = []
        for named in folders:
            folder = Path(os.path.expanduser(named)).absolute()
            if not folder.is_dir():
                problems.append(f"{folder} is no folder, so no {self._noun} were loaded from it.")
                continue
            with self._one_at_a_time, _importable(folder):
                problems += filter(None, map(self._load_once, sorted(folder.glob("[!_]*.py"))))
        return tuple(problems)

    def _load_once(self, file: Path) -> str:
        key = os.path.realpath(file)
        if key not in self._loaded:
            self._loaded[key] = self._load(file)
        return self._loaded[key]

    def _load(self, file: Path) -> str:
        spec = importlib.util.spec_from_file_location(f"{self._package}.{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # dataclasses look their module up there
        sys.modules[spec.name] = module
        try:
            with self._guarding(str(file)):
                spec.loader.exec_module(module)
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - a studio's file may raise whatever it likes, and must end nothing of ours
            del sys.modules[spec.name]
            return f"The {self._noun} in {place_of(exc, str(file))} were left out: {words_of(exc)}."
        return ""


def place_of(exc: BaseException, file: str) -> str:
    """Return `file, line N`: where in a studio's file it went wrong."""
    if isinstance(exc, SyntaxError) and exc.lineno:
        return f"{exc.filename or file}, line {exc.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == file]
    return f"{file}, line {lines[-1]}" if lines else file


def words_of(exc: BaseException) -> str:
    """Return an exception by its kind and the first line of what it says."""
    text = str(exc).partition("\n")[0]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the files of a folder import each other while they are loaded; another folder may have files of the same names."""
    before = set(sys.modules)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and "." not in name and Path(file).is_relative_to(folder):
                del sys.modules[name]
