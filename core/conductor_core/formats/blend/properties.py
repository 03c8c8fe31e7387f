"""Custom properties (`IDProperty`): the settings of add-ons, the inputs of geometry-nodes modifiers, and artists' own."""

from __future__ import annotations

from collections.abc import Iterator

from conductor_core.formats.blend.record import Record

#: `IDProperty.type` (DNA_ID.h)
TEXT, _GROUP, _GROUPS = 0, 6, 9


def texts(group: Record | None) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of all texts in a group, those of groups within it as `outer.inner`."""
    waiting = [("", group)] if group is not None else []
    seen: set[tuple[int, int]] = set()
    while waiting:
        before, one = waiting.pop()
        # what stands in an array has no address of its own, but its place in the array
        key = (one.own or id(one.data), one.at)
        if key in seen:
            continue
        seen.add(key)
        for child in _children(one):
            name = before + child.text("name")
            kind = child.number("type")
            if kind == TEXT:
                yield name, text_of(child)
            elif kind == _GROUP:
                waiting.append((f"{name}.", child))
            elif kind == _GROUPS:
                data = child.part("data")
                array = (data.address("pointer") if data else 0, -1)
                if data is None or array in seen:
                    continue
                seen.add(array)
                for element in data.array("pointer", "IDProperty"):
                    if element.number("type") == TEXT:
                        yield name, text_of(element)
                    else:
                        waiting.append((f"{name}.", element))


def text_in(group: Record | None, name: str) -> str:
    """Return a text of a group by its name; "" where there is none."""
    children = _children(group) if group is not None else iter(())
    return next((text_of(c) for c in children if c.text("name") == name and c.number("type") == TEXT), "")


def text_of(prop: Record) -> str:
    """Return the text of a property."""
    data = prop.part("data")
    block = prop.owner.blocks.get(data.address("pointer")) if data else None
    # bytes (`b"…"` in Python) have no zero behind them, and what follows in the block is left over
    length = prop.number("len") if prop.has("len") else 0
    stored = (block.data[:length] if length > 0 else block.data) if block else b""
    return stored.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _children(group: Record) -> Iterator[Record]:
    data = group.part("data")
    return data.listed("group") if data else iter(())
