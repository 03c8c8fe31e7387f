"""A studio's own validators: Python files in folders, which register functions as ours do.

Folders are named by $CONDUCTOR_VALIDATORS and by `validators` of the agent's settings. Files are loaded after ours in the order
of their names; those whose name begins with `_` are for the others to import. Whatever goes wrong in one is a warning with its
file and line, and the panel goes on without it: nobody's submission waits for a mistake in a tool. How to write one:
docs/validators.md.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.validator import WARNING, Problem, Validator, guarded_by, load_ours

#: names folders with validators, between `os.pathsep`
VARIABLE = "CONDUCTOR_VALIDATORS"
#: the package under which a studio's files are known
PACKAGE = "studio_validators"

#: real path of a file that was loaded → what is wrong with it; "": nothing
_LOADED: dict[str, str] = {}
#: problems may be looked for in two threads at once: while the artist types, and on Submit
_ONE_AT_A_TIME = threading.Lock()


def load_named(situation: Situation, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Load the validators of the folders that environment and settings name, each file once; return what is wrong with them."""
    named = (os.environ if environ is None else environ).get(VARIABLE, "").split(os.pathsep)
    settings = situation.offer.validator_folders if situation.offer else ()
    return tuple(
        Problem(WARNING, text, "Tell whoever looks after them.", validator=VARIABLE) for text in load((*named, *settings))
    )


def load(folders: Iterable[str]) -> tuple[str, ...]:
    """Load the validators of some folders, each file once, and return a sentence for each that cannot be used."""
    problems: list[str] = []
    for named in dict.fromkeys(filter(None, folders)):
        load_ours()
        folder = Path(os.path.expanduser(named)).absolute()
        if not folder.is_dir():
            problems.append(f"{folder} is no folder, so no validators were loaded from it.")
            continue
        with _ONE_AT_A_TIME, _importable(folder):
            problems += filter(None, map(_load_once, sorted(folder.glob("[!_]*.py"))))
    return tuple(problems)


def _load_once(file: Path) -> str:
    key = os.path.realpath(file)
    if key not in _LOADED:
        _LOADED[key] = _load(file)
    return _LOADED[key]


def _load(file: Path) -> str:
    spec = importlib.util.spec_from_file_location(f"{PACKAGE}.{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up there
    sys.modules[spec.name] = module
    try:
        with guarded_by(functools.partial(_guarded, str(file))):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - a studio's file may raise whatever it likes, and must not close the panel
        del sys.modules[spec.name]
        return f"The validators in {_place(exc, str(file))} were left out: {_words(exc)}."
    return ""


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the files of a folder import each other while they are loaded."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _guarded(file: str, name: str, function: Validator) -> Validator:
    @functools.wraps(function)
    def validate(situation: Situation) -> Iterator[Problem]:
        try:
            for problem in function(situation) or ():
                if not isinstance(problem, Problem):
                    raise TypeError(f"it yields {type(problem).__name__}, which is no Problem")
                yield problem
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - as above
            what = f"The studio's validator {name!r} in {_place(exc, file)} failed: {_words(exc)}."
            yield Problem(WARNING, what, "Tell whoever looks after it; everything else was checked.")

    return validate


def _place(exc: BaseException, file: str) -> str:
    """Return `file, line N`: where in a studio's file it went wrong."""
    if isinstance(exc, SyntaxError) and exc.lineno:
        return f"{exc.filename or file}, line {exc.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == file]
    return f"{file}, line {lines[-1]}" if lines else file


def _words(exc: BaseException) -> str:
    text = str(exc).partition("\n")[0]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
