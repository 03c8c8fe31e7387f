"""The table of what is read of a .blend, in docs/formats/blender.md, is what is registered.

`python tests/core/formats/test_blend_table.py` writes it anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conductor_core.formats.blend import register
from conductor_core.formats.blend.reading import TYPES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "blender.md"
BEGIN, END = "held true by that test -->\n", "<!-- end of table -->"


def table() -> str:
    """Return the table: what, what its reader says, and the page it rests on."""
    lines = ["| of | is read | rests on |", "| --- | --- | --- |"]
    registers: tuple[tuple[str, Mapping[Any, Any], Callable[[Any], str]], ...] = (
        ("", register.DATABLOCKS, lambda code: TYPES[code]),
        ("node ", register.NODES, lambda name: name or "of any type"),
        ("modifier ", register.MODIFIERS, lambda name: name.removesuffix("ModifierData")),
    )
    for what, known, name_of in registers:
        for reader, names in _by_reader(known):
            said = (inspect.getdoc(reader.read) or "").split("\n\n")[0].replace("\n", " ").removeprefix("Yield ")
            all_names = ", ".join(f"`{name_of(n)}`" for n in names) if len(names) < 9 else "any datablock"
            page = reader.source.removeprefix("https://docs.blender.org/").removeprefix("api/")
            lines.append(f"| {what}{all_names} | {said} | [{page}]({reader.source}) |")
    return "\n".join(lines) + "\n"


def _by_reader(known: Mapping[Any, Any]) -> Iterator[tuple[Any, list[Any]]]:
    found: dict[str, tuple[Any, list[Any]]] = {}
    for name, readers in known.items():
        for reader in readers:
            found.setdefault(reader.name, (reader, []))[1].append(name)
    return iter(found.values())


def test_the_table_in_the_docs_is_true() -> None:
    """Every reader stands in it with its page; run this file to write it anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == table()


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page[: page.index(BEGIN) + len(BEGIN)] + table() + page[page.index(END) :], encoding="utf-8")
