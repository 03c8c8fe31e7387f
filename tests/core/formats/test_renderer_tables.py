"""The tables of renderers in the docs are those that readers go by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conductor_core.discovery.node import rows

PAGE = Path(__file__).parents[3] / "docs/formats/renderers.md"
BEGIN, END = "<!-- tables: made by tests/core/formats/test_renderer_tables.py -->\n", "<!-- end of tables -->"
HOSTS = {"arnold": "Arnold", "vray": "V-Ray", "renderman": "RenderMan", "pbrt": "pbrt"}


def tables() -> Iterator[str]:
    """Yield the lines of all tables."""
    for host, title in HOSTS.items():
        yield f"\n### {title}\n\n| type | parameters | kind |\n| --- | --- | --- |\n"
        for row in sorted(rows(host), key=lambda row: (row.type.lower(), row.attributes)):
            kind = "output" if row.role == "write" else row.kind
            yield f"| `{row.type}` | {', '.join(f'`{a}`' for a in row.attributes)} | {kind} |\n"
    yield "\n"


def test_the_page_has_the_tables() -> None:
    """A row that is added is in the docs; with CONDUCTOR_WRITE_DOCS=1 this test writes it there."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    wanted = head + BEGIN + "".join(tables()) + END + rest.partition(END)[2]
    if os.environ.get("CONDUCTOR_WRITE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
    assert PAGE.read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize("host", HOSTS)
def test_each_row_names_its_source(host: str) -> None:
    """Whoever doubts a row finds the page that it rests on, or reads that there was none."""
    assert rows(host)
    known = ("public code", "Specification")
    assert all(row.source.startswith("http") or any(word in row.source for word in known) for row in rows(host))
