"""The table of USD's node types: each line has its source, and docs/formats/usd.md shows it as it is."""

from __future__ import annotations

import os
from pathlib import Path

from conductor_core.discovery import tables
from conductor_core.discovery.kinds import KINDS
from conductor_core.discovery.node import rows

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "usd.md"
START, END = "<!-- table: made by tests/core/formats/test_usd_table.py -->\n", "<!-- end of table -->\n"


def table() -> str:
    """Return the table for the page: types that read the same stand in one line."""
    types: dict[tuple[tuple[str, ...], str, str], list[str]] = {}
    for row in rows("usd"):
        what = f"writes {row.kind}" if row.role == "write" else row.kind
        types.setdefault((row.attributes, what, row.source), []).append(f"`{row.type}`")
    lines = [
        f"| {', '.join(names)} | {', '.join(f'`{a}`' for a in attributes)} | {what} | {source} |"
        for (attributes, what, source), names in types.items()
    ]
    return "| type | attributes | kind | source |\n| --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"


def test_rows_have_kinds_and_sources() -> None:
    """Each row names who says so, and a kind that there is."""
    tables.load("usd")
    assert all(row.kind in KINDS and row.source.startswith("https://") for row in rows("usd"))


def test_the_page_shows_the_table() -> None:
    """The page's table is that of the code; CONDUCTOR_WRITE_DOCS=1 writes it."""
    tables.load("usd")
    text = PAGE.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    wanted = before + start + table() + end + after
    if os.environ.get("CONDUCTOR_WRITE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted
