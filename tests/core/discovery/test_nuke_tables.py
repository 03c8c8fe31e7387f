"""The table of Nuke's node types: each line has its source, and docs/formats/nuke.md shows it as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conductor_core.discovery.kinds import KINDS
from conductor_core.discovery.node import all_readers, rows
from conductor_core.discovery.nuke_ask import means
from conductor_core.discovery.tables.nuke_classes import STOCK, is_stock
from conductor_core.discovery.tables.nuke_products import product_of
from planted.type_tables import type_table

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "nuke.md"
START, END = "<!-- table: made by tests/core/discovery/test_nuke_tables.py -->\n", "<!-- end of table -->\n"


def table() -> str:
    """Return the table of node types for the page."""
    lines: dict[tuple[str, str], str] = {}
    for row in rows("nuke"):
        knobs = ", ".join(f"`{name}`" for name in row.attributes)
        lines[row.type, knobs] = f"| `{row.type}` | {knobs} | {'written' if row.role == 'write' else row.kind} | {row.source} |"
    return type_table("nuke", "class | knobs, or what its reader yields", lines)


def test_rows_have_kinds_and_sources() -> None:
    """Each row and reader names who says so, and a kind that there is."""
    assert all(row.kind in KINDS for row in rows("nuke"))
    assert all(reader.source.startswith(("https://", "http://", "seen in")) for _, reader in all_readers("nuke"))


def test_stock_classes() -> None:
    """Nuke's own classes are told from gizmos and plug-ins."""
    assert {"Read", "Write", "Merge2", "GeoImport", "Axis4", "Root"} <= STOCK
    assert is_stock("OFXuk.co.thefoundry.time.oflow_v100")
    assert not is_stock("MyGlow")


def test_the_page_shows_the_table() -> None:
    """The page's table is that of the code; CONDUCTOR_WRITE_DOCS=1 writes it."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    shown, _, after = rest.partition(END)
    if os.environ.get("CONDUCTOR_WRITE_DOCS"):
        PAGE.write_text(before + START + table() + END + after, encoding="utf-8")
        return
    assert shown == table()


@pytest.mark.parametrize(
    ("type_", "product"),
    [
        ("OFXcom.genarts.sapphire.lighting.s_glow_v1", "sapphire"),
        ("OFXcom.borisfx.sapphire.blur_v2", "sapphire"),
        ("OFXcom.absoft.neatvideo5_v5", "neatvideo"),
        ("OFXcom.revisionfx.rsmb_v3", "rsmb"),
        ("OFXcom.revisionfx.defocus_v1", "revisionfx"),
        ("OFXtv.studio.Own.Effect_v1", "tv.studio.own.effect"),
        ("OpticalFlares", "opticalflares"),
        ("VRayRenderer", "vray"),
        ("MyGlow", ""),
        ("Read", ""),
    ],
)
def test_products_by_class(type_: str, product: str) -> None:
    """The class of a node says whose plug-in it is; of an OFX plug-in that nobody has listed its identifier."""
    assert product_of(type_) == product


def test_one_file_of_windows_has_many_spellings() -> None:
    """A Read of `c:` waits for the Write to `C:`; elsewhere case tells files apart."""
    assert means("C:/Show/p.%04d.exr", "c:\\show\\P.0003.exr")
    assert not means("/Show/p.%04d.exr", "/show/p.0003.exr")
