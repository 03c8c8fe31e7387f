"""Set and ask attributes of the open scene while it is made ready to render."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from maya import cmds

Log = Callable[[str], None]


def text(value: object) -> str:
    """Return an answer of Maya's as text: None is an empty one, a list stands for its first."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return "" if value is None else str(value)


def there_is(node: str, attribute: str = "") -> bool:
    """Tell whether there is a node, and an attribute of it."""
    if not cmds.objExists(node):
        return False
    return not attribute or bool(cmds.attributeQuery(attribute, node=node, exists=True))


def number(node: str, attribute: str, otherwise: float = 0) -> float:
    """Return an attribute as a number."""
    value = cmds.getAttr(f"{node}.{attribute}") if there_is(node, attribute) else None
    return float(value) if isinstance(value, (bool, int, float)) else otherwise


def word(node: str, attribute: str) -> str:
    """Return an attribute as text; "" where there is none."""
    return text(cmds.getAttr(f"{node}.{attribute}")) if there_is(node, attribute) else ""


def set_number(node: str, attribute: str, value: float, log: Log) -> bool:
    """Set a number, if it is another one; tell whether it stands there now.

    The published stub has `setAttr` take texts only; the vendor's page has any value: `setAttr(attribute, any …)`
    https://help.autodesk.com/cloudhelp/2024/ENU/Maya-Tech-Docs/CommandsPython/setAttr.html
    """
    if number(node, attribute, value - 1) == value:
        return True
    return _set(node, attribute, lambda plug: cmds.setAttr(plug, cast("str", value)), log)


def set_word(node: str, attribute: str, value: str, log: Log) -> bool:
    """Set a text, if it is another one; tell whether it stands there now."""
    if there_is(node, attribute) and word(node, attribute) == value:
        return True
    return _set(node, attribute, lambda plug: cmds.setAttr(plug, value, type="string"), log)


def _set(node: str, attribute: str, setter: Callable[[str], object], log: Log) -> bool:
    if not there_is(node, attribute):
        return False
    plug = f"{node}.{attribute}"
    try:
        if cmds.getAttr(plug, lock=True):
            cmds.setAttr(plug, lock=False)
        setter(plug)
    except RuntimeError as exc:  # connected, or of a reference that locks it
        log(f"{plug} stays as it is: {' '.join(str(exc).split())}")
        return False
    return True
