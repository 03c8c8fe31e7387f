"""Commands of TCL that have no effect: `file`, `string`, `lindex`, `split`, `join`, `format`, `expr` and their like.

Paths go by `/` on every system, as Nuke writes them: https://www.tcl-lang.org/man/tcl8.6/TclCmd/file.htm
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable

from conductor_core.discovery.arithmetic import NotArithmetic, Number, as_text, calculate
from conductor_core.discovery.place import is_absolute
from conductor_core.discovery.tcl import NotEvaluated, split_list

_Command = Callable[[list[str]], str]

_INDEX = re.compile(r"(?P<end>end)?(?P<number>[-+]?\d+)?(?P<more>[-+]\d+)?\Z")
#: `[frame]` stands for the frame, as a token of the path: a number that nobody knows yet
FRAME = "%d"
_FORMAT = re.compile(r"%(?P<flags>[-0+ ]*)(?P<width>\d{0,3})(?:\.(?P<precision>\d{1,3}))?(?P<type>[dixXoufgeEsc%])")
_TRUTH = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}
_COMPARE = re.compile(
    r"^\s*(?P<a>\"[^\"]*\"|\{[^{}]*\}|[^\s\"{}]*)\s+(?P<how>eq|ne|==|!=)\s+(?P<b>\"[^\"]*\"|\{[^{}]*\}|[^\s\"{}]*)\s*$"
)
#: `a == 1 ? "x.exr" : "y.exr"`: texts are chosen as they stand, and further choices follow the colon
_CHOICE = re.compile(r"^(?P<if>[^?]+)\?\s*(?P<then>\"[^\"]*\"|\{[^{}]*\})\s*:\s*(?P<else>.+)$", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|\{[^{}]*\}")
#: what repeating and mapping may make of a text
_LONGEST = 1 << 16


def _file(words: list[str]) -> str:
    how, paths = _need(words, "file", 2)[0], [p.replace("\\", "/") for p in words[1:]]
    path = paths[0].rstrip("/") or paths[0]
    stem, extension = posixpath.splitext(posixpath.basename(path))
    if how == "dirname":
        return posixpath.dirname(path) or "."
    if how == "tail":
        return posixpath.basename(path)
    if how == "extension":
        return extension
    if how in ("rootname", "root"):
        return path[: len(path) - len(extension)] if stem else path
    if how == "normalize" and is_absolute(path):
        return posixpath.normpath(path)
    if how in ("join", "nativename"):
        return _joined(paths)
    if how == "split":
        return as_list(([path[: path.index("/") + 1]] if path.startswith("/") else []) + [p for p in path.split("/") if p])
    raise NotEvaluated(f"[file {how} …] depends on the machine that runs it")


def _joined(paths: list[str]) -> str:
    result = ""
    for path in paths:
        result = path if is_absolute(path) or not result else f"{result.rstrip('/')}/{path}"
    return result


def _string(words: list[str]) -> str:
    how, rest = _need(words, "string", 2)[0], [w for w in words[1:] if w != "-nocase"]
    command = _STRINGS.get(how)
    if command is None:
        raise NotEvaluated(f"[string {how} …] is not evaluated without Nuke")
    try:
        return command(rest)
    except IndexError:
        raise NotEvaluated(f"[string {how} …] lacks words") from None


def _range(words: list[str]) -> str:
    text = words[0]
    first, last = _index(words[1], len(text)), _index(words[2], len(text))
    return text[max(0, first) : last + 1] if last >= first else ""


def _replace(words: list[str]) -> str:
    text = words[0]
    first, last = max(0, _index(words[1], len(text))), _index(words[2], len(text))
    if last < first or first >= len(text):
        return text
    return text[:first] + (words[3] if len(words) > 3 else "") + text[last + 1 :]


def _map(words: list[str]) -> str:
    pairs = split_list(words[0])
    table = [(old, new) for old, new in zip(pairs[::2], pairs[1::2], strict=False) if old]
    if not table:
        return words[1]
    new_of = dict(reversed(table))
    return _bounded(re.sub("|".join(re.escape(old) for old, _ in table), lambda m: new_of[m[0]], words[1]))


_STRINGS: dict[str, _Command] = {
    "tolower": lambda w: w[0].lower(),
    "toupper": lambda w: w[0].upper(),
    "totitle": lambda w: w[0][:1].upper() + w[0][1:].lower(),
    "length": lambda w: str(len(w[0])),
    "index": lambda w: _at(list(w[0]), w[1]),
    "range": _range,
    "replace": _replace,
    "map": _map,
    "trim": lambda w: w[0].strip(w[1] if len(w) > 1 else None),
    "trimleft": lambda w: w[0].lstrip(w[1] if len(w) > 1 else None),
    "trimright": lambda w: w[0].rstrip(w[1] if len(w) > 1 else None),
    "first": lambda w: str(w[1].find(w[0])),
    "last": lambda w: str(w[1].rfind(w[0])),
    "equal": lambda w: str(int(w[0] == w[1])),
    "compare": lambda w: str((w[0] > w[1]) - (w[0] < w[1])),
    "match": lambda w: str(int(fnmatch.fnmatchcase(w[1][:4096], w[0][:256]))),
    "repeat": lambda w: w[0] * _count(w[1], len(w[0])),
}


def _lindex(words: list[str]) -> str:
    elements = split_list(_need(words, "lindex", 1)[0])
    return _at(elements, words[1]) if len(words) > 1 else words[0]


def _lrange(words: list[str]) -> str:
    elements = split_list(_need(words, "lrange", 3)[0])
    first, last = max(0, _index(words[1], len(elements))), _index(words[2], len(elements))
    return as_list(elements[first : last + 1])


def _split(words: list[str]) -> str:
    text, marks = _need(words, "split", 1)[0], words[1] if len(words) > 1 else " \n\t\r"
    return as_list(re.split("[" + re.escape(marks) + "]", text) if marks else list(text))


def _join(words: list[str]) -> str:
    return (words[1] if len(words) > 1 else " ").join(split_list(_need(words, "join", 1)[0]))


def _format(words: list[str]) -> str:
    pattern, values = _need(words, "format", 1)[0], iter(words[1:])

    def one(match: re.Match[str]) -> str:
        if match["type"] == "%":
            return "%%" if match[0] != "%%" else "%"
        value = next(values, None)
        if value is None:
            raise NotEvaluated("[format …] has too few values")
        return _formatted(match, value)

    return _FORMAT.sub(one, pattern)


def _formatted(match: re.Match[str], value: str) -> str:
    if match["type"] in "sc":
        return f"{value:{match['width'] or ''}}"
    if value == FRAME and match["type"] in "di":
        return f"%{match['flags'].strip('-+ ')}{match['width']}d"
    try:
        number = calculate(value, no_names)
    except NotArithmetic as exc:
        raise NotEvaluated(str(exc)) from None
    if match["type"] in "diu":
        return f"%{match['flags']}{match['width']}d" % int(number)
    if match["type"] in "xXo":
        return match[0] % int(number)
    return match[0] % number


def expr(words: list[str]) -> str:
    """Return the value of an expression; texts are only compared for being equal, and chosen."""
    text = " ".join(words)
    while choice := _CHOICE.match(text[:8192]):
        if expr([choice["if"]]) not in ("0", "0.0"):
            return choice["then"][1:-1]
        text = choice["else"].strip()
        if _QUOTED.fullmatch(text):
            return text[1:-1]
    if text.strip().lower() in _TRUTH:
        return _TRUTH[text.strip().lower()]
    try:
        return as_text(calculate(text, no_names, whole=True))
    except NotArithmetic as exc:
        match = _COMPARE.match(text[:8192])
        if match is None or FRAME in text:
            why = "it depends on the frame" if FRAME in text else str(exc)
            raise NotEvaluated(why) from None
        same = match["a"].strip('"{}') == match["b"].strip('"{}')
        return str(int(same == (match["how"] in ("eq", "=="))))


def no_names(name: str) -> Number:
    """Refuse a name in arithmetic that has none.

    Raises:
        NotArithmetic: always.
    """
    raise NotArithmetic(f"{name} is no number")


def _regsub(words: list[str]) -> str:
    """Return a text with matches of a simple pattern replaced: one whose meaning TCL and Python share, and that takes no time."""
    everywhere = "-all" in words
    rest = [w for w in words if w not in ("-all", "--", "-nocase")]
    pattern, text, new = _need(rest, "regsub", 3)[:3]
    if len(rest) > 3 or len(pattern) > 100 or len(text) > 4096 or re.search(r"[*+}]\)?[*+{]|\(\?|\\[A-Zmy<>]|\[\[", pattern):
        raise NotEvaluated("[regsub …] with a pattern like this is not evaluated without Nuke")
    by = re.sub(r"\\([0-9])|&", lambda m: rf"\g<{m[1] or 0}>", new.replace("\\\\", "\\\\\\\\"))
    try:
        return re.sub(pattern, by, text, count=0 if everywhere else 1, flags=re.IGNORECASE if "-nocase" in words else 0)
    except (re.error, IndexError):
        raise NotEvaluated("the pattern of [regsub …] cannot be read") from None


COMMANDS: dict[str, _Command] = {
    "file": _file,
    "string": _string,
    "lindex": _lindex,
    "lrange": _lrange,
    "llength": lambda w: str(len(split_list(_need(w, "llength", 1)[0]))),
    "split": _split,
    "join": _join,
    "list": lambda w: as_list(w),
    "concat": lambda w: " ".join(x.strip() for x in w if x.strip()),
    "format": _format,
    "expr": expr,
    "regsub": _regsub,
    "return": lambda w: w[-1] if w else "",
    "subst": lambda w: w[-1] if w else "",
}


def as_list(elements: list[str]) -> str:
    """Return a TCL list of these elements."""
    return " ".join(_element(e) for e in elements)


def _element(text: str) -> str:
    if text and not re.search(r"[\s{}\[\]\"\\$;]", text):
        return text
    if text.count("{") == text.count("}") == 0 and not text.endswith("\\"):
        return "{" + text + "}"
    return re.sub(r"([\s{}\[\]\"\\$;])", r"\\\1", text)


def _need(words: list[str], command: str, count: int) -> list[str]:
    if len(words) < count:
        raise NotEvaluated(f"[{command} …] lacks words")
    return words


def _at(elements: list[str], index: str) -> str:
    number = _index(index, len(elements))
    return elements[number] if 0 <= number < len(elements) else ""


def _index(text: str, length: int) -> int:
    match = _INDEX.match(text)
    if match is None or not text or len(text) > 20:
        raise NotEvaluated(f"{text[:40]} is no index")
    return (length - 1 if match["end"] else 0) + int(match["number"] or 0) + int(match["more"] or 0)


def _count(text: str, length: int) -> int:
    count = _index(text, 0)
    if count * length > _LONGEST:
        raise NotEvaluated("[string repeat …] makes too long a text")
    return count


def _bounded(text: str) -> str:
    if len(text) > _LONGEST:
        raise NotEvaluated("it makes too long a text")
    return text
