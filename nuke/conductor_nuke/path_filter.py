"""Path mapping by Nuke's own means: a filter that every file name goes through before a file is opened or written.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/callbacks.html ("filenameFilter"); the same is done by
`nuke --remap` with pairs of texts, which know nothing of components.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conductor_core.errors import PathError
from conductor_core.paths import PathRule
from conductor_plugins.frame_server.path_mapping import client_path, mapped

import nuke

Log = Callable[[str], None]
#: of the script as a whole: Nuke hands them to other libraries as they are
_ROOT_KNOBS = ("project_directory", "customOCIOConfigPath")


class PathFilter:
    """The filter, with the rules of the script that is open."""

    def __init__(self) -> None:
        """Begin with no rules, and not yet known to Nuke."""
        self._rules: tuple[PathRule, ...] = ()
        self._told: set[str] = set()
        self._log: Log = print
        self._added = False

    def use(self, rules: Sequence[PathRule], log: Log) -> None:
        """Map by other rules from here on."""
        self._rules, self._log = tuple(rules), log
        self._told.clear()
        if rules and not self._added:
            nuke.addFilenameFilter(self)
            self._added = True

    def __call__(self, name: str) -> str:
        """Return where a file lies here: with slashes, tokens of frames and views as they are."""
        there = map_name(name, self._rules)
        if there != name and name not in self._told:
            self._told.add(name)
            self._log(f"path mapping: {name} -> {there}")
        return there


_filter = PathFilter()


def map_files(rules: Sequence[PathRule], log: Log) -> None:
    """Have this Nuke find the artist's files where they lie here."""
    _filter.use(rules, log)


def map_name(name: str, rules: Sequence[PathRule]) -> str:
    """Return a file name mapped; itself where no rule speaks of it, and where it lies in the place of one already.

    Nuke filters a name that was filtered before once more, for instance of a Read within a Precomp.
    """
    if not rules or any(_lies_in(name, rule) for rule in rules):
        return name
    there = mapped(name, rules)
    return name if there == name else there.replace("\\", "/")


def map_root(rules: Sequence[PathRule], log: Log) -> None:
    """Map the folders and the colour configuration that the script names for itself as a whole."""
    for name in _ROOT_KNOBS:
        knob = nuke.root().knob(name)
        text = str(knob.value() or "") if knob is not None else ""
        there = map_name(text, rules)
        if knob is not None and there != text:
            knob.setValue(there)
            log(f"path mapping: Root.{name}: {text} -> {there}")


def _lies_in(name: str, rule: PathRule) -> bool:
    """Tell whether a name lies in a rule's target, and not in its source, unless the target is a deeper place there."""
    try:
        path = client_path(name)
        if not path.is_within(rule.target):
            return False
        return rule.target.is_within(rule.source) or not path.is_within(rule.source)
    except PathError:
        return False
