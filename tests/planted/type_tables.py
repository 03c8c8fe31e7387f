"""The table of node types that a format's page shows, made from the registers."""

from __future__ import annotations

import inspect

from conductor_core.discovery.node import Host, all_readers


def type_table(host: Host, head: str, rows: dict[tuple[str, str], str]) -> str:
    """Return a page's table: rows by type and attributes, and among them the readers that are functions, in their own words."""
    lines = dict(rows)
    for type_, reader in all_readers(host):
        if not reader.name.startswith("table "):
            text = " ".join((inspect.getdoc(reader.read) or "").split("\n\n")[0].split())
            lines[type_, text] = f"| `{type_}` | {text} | | {reader.source} |"
    begin = f"| {head} | kind | source |\n| --- | --- | --- | --- |\n"
    return begin + "\n".join(lines[key] for key in sorted(lines, key=lambda k: (k[0].lower(), k[1]))) + "\n"
