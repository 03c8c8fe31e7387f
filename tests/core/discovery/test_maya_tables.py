"""The table of Maya's node types: each line has its source, and docs/formats/maya.md shows it as it is."""

from __future__ import annotations

import os
from pathlib import Path

from conductor_core.discovery.kinds import KINDS
from conductor_core.discovery.maya_node import both_names
from conductor_core.discovery.node import all_readers, rows
from planted.type_tables import type_table

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "maya.md"
START, END = "<!-- table: made by tests/core/discovery/test_maya_tables.py -->\n", "<!-- end of table -->\n"


def table() -> str:
    """Return the table of node types for the page."""
    lines: dict[tuple[str, str], str] = {}
    for row in rows("maya"):
        names = ", ".join("`" + "`/`".join(dict.fromkeys(both_names(row.type, name))) + "`" for name in row.attributes)
        what = f"writes {row.kind}" if row.role == "write" else row.kind
        lines[row.type, names] = f"| `{row.type}` | {names} | {what} | {row.source} |"
    return type_table("maya", "node type | attributes (long/short), or what its reader yields", lines)


def test_rows_have_kinds_and_sources() -> None:
    """Each row and reader names who says so, and a kind that there is."""
    assert all(row.kind in KINDS and row.source for row in rows("maya"))
    assert all(reader.source.startswith(("https://", "http://", "seen in")) for _, reader in all_readers("maya"))


def test_the_page_shows_the_table() -> None:
    """The page's table is that of the code; CONDUCTOR_WRITE_DOCS=1 writes it."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    shown, _, after = rest.partition(END)
    if os.environ.get("CONDUCTOR_WRITE_DOCS"):
        PAGE.write_text(before + START + table() + END + after, encoding="utf-8")
        return
    assert shown == table()
