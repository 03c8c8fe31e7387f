"""`conductor scan`: what a scene needs, as a tree or as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from conductor_core.cli.describe import describe_scene, existing_scene, find_asker
from conductor_core.cli.progress import size_words
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.report import Dependency, ScanReport

#: columns in a pipe or file, so that no path is cut
PIPE_WIDTH = 10_000


@click.command("scan")
@click.argument("scene")
@click.option("--frames", "-f", default="", help="Look for the files of these frames only. Default: the scene's own range.")
@json_option
@pass_session
def scan_command(session: Session, /, scene: str, frames: str, as_json: bool) -> None:
    """Show what a scene needs, and what of that is missing.

    The scene is opened in its host in the background; nothing is sent anywhere. Everything in it that looks like a path
    ends in one of five lists: found, missing, unresolved (it cannot be evaluated), written (outputs), ignored (with the
    reason).

    \b
    Examples:
      conductor scan shot.blend
      conductor scan shot.blend --frames 1-8 --json > report.json

    \b
    Exit codes:
      0  scanned, whether or not something is missing
      2  no host reads such files, or the frame range cannot be understood
      5  there is no such scene
      9  the host could not be asked
    """
    path = existing_scene(scene)
    description = describe_scene(find_asker(path, session.settings.hosts), path, frames)
    report = description.report
    if as_json:
        print_json(report)
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=PIPE_WIDTH)
        console.print(report_tree(report))
        for step in description.steps:
            if step.problem:
                console.print(f"[red]Step {escape(repr(step.name))} {escape(step.problem)}: it cannot be rendered.[/red]")


def report_tree(report: ScanReport) -> Tree:
    """Return the report as a tree by kind, with totals."""
    files = report.files()
    tree = Tree(f"[bold]{escape(report.scene)}[/bold]  {len(files)} files, {size_words(_bytes(files))}")
    by_kind: dict[str, list[Dependency]] = {}
    for dependency in report.dependencies:
        by_kind.setdefault(dependency.kind, []).append(dependency)
    for kind, dependencies in sorted(by_kind.items()):
        of_kind = {f for d in dependencies for f in d.files}
        branch = tree.add(f"[bold]{escape(kind)}[/bold]  {len(of_kind)} files, {size_words(_bytes(of_kind))}")
        for d in dependencies:
            many = f"  ({len(d.files)} files)" if len(d.files) != 1 else ""
            partly = "  [yellow]partly missing[/yellow]" if d.status == "partial" else ""
            branch.add(f"{escape(d.path)}{many}  [dim]{escape(d.referrer)}[/dim]{partly}")
    for title, style, lines in (
        ("missing", "red", [f"{escape(m.path)}  [dim]{escape(m.referrer)}: {escape(m.reason)}[/dim]" for m in report.missing]),
        (
            "unresolved",
            "yellow",
            [f"{escape(u.as_written)}  [dim]{escape(u.referrer)}: {escape(u.reason)}[/dim]" for u in report.unresolved],
        ),
        ("writes", "cyan", [f"{escape(o.path)}  [dim]{escape(o.referrer)}[/dim]" for o in report.outputs]),
        (
            "ignored",
            "dim",
            [f"{escape(i.as_written)}  [dim]{escape(i.referrer)}: {escape(i.reason)}[/dim]" for i in report.ignored],
        ),
    ):
        if lines:
            branch = tree.add(f"[bold {style}]{title}[/]  {len(lines)}")
            for line in lines:
                branch.add(line)
    return tree


def _bytes(files: Iterable[str]) -> int:
    total = 0
    for file in files:
        try:
            total += os.stat(file).st_size
        except OSError:
            continue  # gone since the scan: the upload will name it
    return total
