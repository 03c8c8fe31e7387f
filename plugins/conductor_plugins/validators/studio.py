"""A studio's own validators: Python files in folders, which register functions as ours do.

Folders are named by $CONDUCTOR_VALIDATORS and by `validators` of the agent's settings. Files are loaded after ours in the order
of their names; those whose name begins with `_` are for the others to import. Whatever goes wrong in one is a warning with its
file and line, and the panel goes on without it: nobody's submission waits for a mistake in a tool. How to write one:
docs/validators.md.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping

from conductor_core.studio_files import StudioFiles, place_of, words_of

from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.validator import WARNING, Problem, Validator, guarded_by, load_ours

#: names folders with validators, between `os.pathsep`
VARIABLE = "CONDUCTOR_VALIDATORS"
#: the package under which a studio's files are known
PACKAGE = "studio_validators"


def load_named(situation: Situation, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """Load the validators of the folders that environment and settings name, each file once; return what is wrong with them."""
    named = (os.environ if environ is None else environ).get(VARIABLE, "").split(os.pathsep)
    settings = situation.offer.validator_folders if situation.offer else ()
    return tuple(
        Problem(WARNING, text, "Tell whoever looks after them.", validator=VARIABLE) for text in load((*named, *settings))
    )


def load(folders: Iterable[str]) -> tuple[str, ...]:
    """Load the validators of some folders, each file once, and return a sentence for each that cannot be used.

    Problems may be looked for in two threads at once: while the artist types, and on Submit.
    """
    named = tuple(dict.fromkeys(filter(None, folders)))
    if named:
        load_ours()
    return _FILES.load(named)


def _guarded(file: str, name: str, function: Validator) -> Validator:
    @functools.wraps(function)
    def validate(situation: Situation) -> Iterator[Problem]:
        try:
            for problem in function(situation) or ():
                if not isinstance(problem, Problem):
                    raise TypeError(f"it yields {type(problem).__name__}, which is no Problem")
                yield problem
        except (Exception, SystemExit) as exc:  # noqa: BLE001 - as above
            what = f"The studio's validator {name!r} in {place_of(exc, file)} failed: {words_of(exc)}."
            yield Problem(WARNING, what, "Tell whoever looks after it; everything else was checked.")

    return validate


_FILES = StudioFiles(PACKAGE, "validators", lambda file: guarded_by(functools.partial(_guarded, file)))
