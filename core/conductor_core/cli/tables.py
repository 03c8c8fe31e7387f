"""Rows as a table on a terminal, and as tab-separated lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_COLOURS = {"success": "green", "failed": "red", "killed": "red", "running": "cyan", "holding": "yellow", "preempted": "magenta"}


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, console: Console | None = None) -> None:
    """Print rows under their columns; words that are states are coloured."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        for row in (columns, *rows):
            # not by rich, which turns tabs into blanks
            click.echo("\t".join(str(cell) for cell in row), file=console.file)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(str(cell)) for cell in row))
    console.print(table)


def _cell(text: str) -> str:
    colour = _COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else escape(text)
