"""The table of Houdini's node types, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

from conductor_core.discovery import tables
from conductor_core.discovery.kinds import KINDS
from conductor_core.discovery.node import rows

_PAGE = Path(__file__).parents[2] / "docs" / "formats" / "houdini.md"


def page_rows() -> list[str]:
    """Return the rows of the page's table as the tables say them."""
    tables.load("houdini")
    told = sorted(
        {(r.type, ", ".join(f"`{a}`" for a in r.attributes), r.kind if r.role == "read" else "written") for r in rows("houdini")}
    )
    return [f"| `{type_}` | {attributes} | {kind} |" for type_, attributes, kind in told]


def test_the_page_shows_the_tables() -> None:
    """Each row stands on the page, and the page has no others."""
    shown = _PAGE.read_text().split("## Node types", 1)[1].split("| --- | --- | --- |\n", 1)[1].strip().splitlines()
    assert shown == page_rows()


def test_each_row_names_its_source() -> None:
    """A row says whose documentation it comes from, and speaks of a kind that reports know."""
    tables.load("houdini")
    assert all(r.source.startswith("https://") and r.kind in KINDS and r.attributes for r in rows("houdini"))
