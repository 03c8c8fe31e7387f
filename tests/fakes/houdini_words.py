"""The words that Houdini's text records are made of: bare ones, quoted ones, brackets; dialog scripts as a tree.

Grammar as seen in saved scenes, and in the dialog scripts of the HDK
(https://www.sidefx.com/docs/hdk/_h_d_k__h_d_a_intro__dialog_script.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORD = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"](?:[^\s\\]|\\.)*)', re.DOTALL)
_DIALOG = re.compile(
    r'\s+|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<brace>[{}\[\]])|(?P<comment>#[^\n]*)|(?P<bare>[^\s{}\[\]"]+)', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, without its quotes and escapes."""

    text: str
    quoted: bool = False


def words_of(text: str, begin: int = 0) -> Iterator[tuple[Word, int]]:
    """Yield each word with the place after it: blanks separate, quotes hold together."""
    for match in _WORD.finditer(text, begin):
        quoted = match["quoted"]
        yield Word(unescaped(match["bare"] if quoted is None else quoted), quoted is not None), match.end()


def unescaped(text: str) -> str:
    """Return what an escaped text means."""
    return _ESCAPE.sub(r"\1", text)


def stored(text: str) -> str:
    """Return a text as a record holds it: in quotes where it must be, with quotes and backslashes escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if not text or re.search(r"[\s\[\]()]", text) else escaped


@dataclass(slots=True)
class Declared:
    """A parameter or folder as a dialog script declares it."""

    #: parm, group, groupsimple, groupcollapsible, groupradio, multiparm …
    keyword: str
    name: str = ""
    label: str = ""
    type: str = ""
    size: int = 1
    defaults: tuple[str, ...] = ()
    menu: tuple[tuple[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    hidden: bool = False
    #: it only says where a parameter of the node type goes
    base: bool = False
    disable_when: str = ""
    hide_when: str = ""
    children: list[Declared] = field(default_factory=list)

    def all(self) -> Iterator[Declared]:
        """Yield this one and all below it."""
        yield self
        for child in self.children:
            yield from child.all()


_HOLDERS = ("parm", "multiparm")
_MENUS = ("menu", "menureplace", "menutoggle", "menujoin", "menumini")


def declared_in(script: str) -> list[Declared]:
    """Return what a dialog script declares at its top; what is no parameter (inputs, code, help) is passed over."""
    tokens = list(_dialog_tokens(script))
    found, at = [], 0
    while at < len(tokens):
        word, quoted = tokens[at]
        if not quoted and _holds(word) and at + 1 < len(tokens) and tokens[at + 1] == ("{", False):
            one, at = _declared(tokens, at)
            found.append(one)
        else:
            at += 1
    return found


def _holds(word: str) -> bool:
    return word in _HOLDERS or (word.startswith("group") and word != "grouptag")


def _dialog_tokens(script: str) -> Iterator[tuple[str, bool]]:
    for match in _DIALOG.finditer(script):
        if match["quoted"] is not None:
            yield unescaped(match["quoted"]), True
        elif match["brace"]:
            yield match["brace"], False
        elif match["bare"]:
            yield match["bare"], False


def _declared(tokens: list[tuple[str, bool]], at: int) -> tuple[Declared, int]:
    """Read one block; `at` is its keyword. Return it with the place after its closing brace."""
    one = Declared(tokens[at][0])
    at += 2
    while at < len(tokens) and tokens[at] != ("}", False):
        word, quoted = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ("", False)
        if following == ("{", False) and not quoted and _holds(word):
            child, at = _declared(tokens, at)
            one.children.append(child)
        elif following == ("{", False):
            inside, at = _block(tokens, at + 1)
            _take_block(one, word, inside)
        else:
            at += 1 + _take_word(one, word, following[0])
    return one, at + 1


def _block(tokens: list[tuple[str, bool]], at: int) -> tuple[list[str], int]:
    """Return the words between braces, and the place after them."""
    depth, inside = 0, []
    while at < len(tokens):
        word, quoted = tokens[at]
        at += 1
        if not quoted and word in "{[":
            depth += 1
        elif not quoted and word in "}]":
            depth -= 1
            if not depth:
                break
        else:
            inside.append(word)
    return inside, at


def _take_block(one: Declared, word: str, inside: list[str]) -> None:
    if word == "default":
        one.defaults = tuple(inside)
    elif word == "parmtag" and len(inside) == 2:
        one.tags[inside[0]] = inside[1]
    elif word in _MENUS and len(inside) % 2 == 0:
        one.menu = tuple(zip(inside[::2], inside[1::2], strict=True))


def _take_word(one: Declared, word: str, value: str) -> int:
    """Take a word without braces; return how many words after it belong to it."""
    if word in ("name", "label", "type"):
        setattr(one, word, value)
        return 1
    if word == "size":
        one.size = int(value)
        return 1
    if word == "default":
        one.defaults = (value,)
        return 1
    if word in ("disablewhen", "hidewhen"):
        setattr(one, "disable_when" if word == "disablewhen" else "hide_when", value)
        return 1
    if word == "invisible":
        one.hidden = True
    elif word == "baseparm":
        one.base = True
    return 0
