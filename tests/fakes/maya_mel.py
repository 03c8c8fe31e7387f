"""The little MEL that an adapter evaluates: global names of Maya's window, commands with short flags, procedures that render.

Anything else raises: a fake that answered to any text would prove nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakes.maya_asking import raise_unknown
from fakes.maya_files import Quoted, statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.maya_session import Session
    from fakes.maya_ui_commands import UiCommands

#: variables that Maya's own scripts set at the start (scripts/startup/initialLayout.mel)
GLOBALS = {"$gMainWindow": "MayaWindow", "$gShelfTopLevel": "ShelfLayout", "$gMainProgressBar": "mainProgressBar"}
_ASSIGNED = re.compile(r"^(?:global\s+)?(?:string\s+)?(\$\w+)\s*=\s*(\$\w+)$")
_CALLED = re.compile(r"^(\w+)\s*\((.*)\)$", re.DOTALL)


class Mel:
    """MEL, evaluated."""

    def __init__(self, session: Session, commands: UiCommands) -> None:
        self.session, self.commands = session, commands
        #: procedures and plug-in commands by name: they get their words
        self.procedures: dict[str, Callable[[list[str]], Any]] = {}
        self.evaluated: list[str] = []

    def eval(self, text: str) -> Any:
        """Evaluate a text, statement by statement, and return what the last one answers."""
        self.evaluated.append(text)
        answer: Any = None
        for part in re.split(r";(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text):
            if part.strip():
                answer = self._statement(part.strip())
        return answer

    def _statement(self, text: str) -> Any:
        if match := _ASSIGNED.match(text):
            if match[2] not in GLOBALS:
                raise RuntimeError(f'Error: "{match[2]}" is an undeclared variable.')
            return GLOBALS[match[2]]
        if re.match(r"^global\s+string\s+\$\w+(\[\])?$", text):
            return None
        words = next(iter(statements(text)), [])
        if match := _CALLED.match(text):
            inside = next(iter(statements(match[2].replace(",", " "))), [])
            words = [match[1], *inside]
        name = words[0] if words else ""
        if name in self.procedures:
            return self.procedures[name](words[1:])
        if name == "exists":
            return int(str(words[1]) in self.procedures)
        if name == "whatIs":
            return "Mel procedure" if str(words[1]) in self.procedures else "Unknown"
        if name == "print":
            return None
        plain = [w for w in words[1:] if isinstance(w, Quoted) or not w.startswith("-")]
        if name in ("setAttr", "workspace", "optionVar", "file", "dirmap", "loadPlugin"):
            raise_unknown(f"MEL {text[:80]!r}")
        raise RuntimeError(f'Error: Cannot find procedure "{name}". ({len(plain)} arguments)')
