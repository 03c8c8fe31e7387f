"""`conductor instances` and `conductor cost`."""

from __future__ import annotations

import click

from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.cli.tables import print_table


@click.command("instances")
@click.option("--all", "ended", is_flag=True, help="Those that have ended too.")
@json_option
@pass_session
def instances_command(session: Session, /, ended: bool, as_json: bool) -> None:
    """List the machines that work for you, with their minutes and cost so far.

    \b
    Examples:
      conductor instances
      conductor instances --all --json

    Exit codes: 0 listed, 3 service unreachable, 4 not logged in.
    """
    instances = session.client.instances(ended=ended)
    if as_json:
        print_json({"instances": instances})
        return
    columns = ("instance", "type", "state", "launched", "minutes", "billed", "amount", "busy")
    rows = [
        (i.id, i.type, i.state, i.launched or "", i.minutes, i.billed_minutes, i.amount, "yes" if i.current else "no")
        for i in instances
    ]
    print_table(columns, rows)


@click.command("cost")
@click.option("--project", "-p", help="Only of this project.")
@click.option("--job", help="Only of this job.")
@json_option
@pass_session
def cost_command(session: Session, /, project: str | None, job: str | None, as_json: bool) -> None:
    """Show what has been spent: in all, by job, by machine.

    Machines are billed by the minute, ten minutes at least each.

    \b
    Examples:
      conductor cost
      conductor cost --project dragons
      conductor cost --job 12 --json

    Exit codes: 0 shown, 3 service unreachable, 4 not logged in, 7 there is no such job or project.
    """
    cost = session.client.cost(project=project, job=job)
    if as_json:
        print_json(cost)
        return
    click.echo(f"{cost.total} {cost.currency} for {cost.billed_minutes} minutes")
    if cost.jobs:
        print_table(("job", "title", "minutes", "amount"), [(j.number, j.title, j.billed_minutes, j.amount) for j in cost.jobs])
    if cost.instances:
        rows = [(i.id, i.type, i.minutes, i.billed_minutes, i.amount) for i in cost.instances]
        print_table(("instance", "type", "minutes", "billed", "amount"), rows)
