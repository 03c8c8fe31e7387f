"""`conductor doctor`: is all well on this workstation, and what to do where it is not."""

from __future__ import annotations

from dataclasses import asdict

import click

from conductor_core.cli.exit_codes import Ended, ExitCode
from conductor_core.cli.session import Session, json_option, pass_session, print_json

_SIGNS = {"ok": click.style("✓", fg="green"), "note": click.style("·", fg="yellow"), "bad": click.style("✗", fg="red", bold=True)}


@click.command("doctor")
@json_option
@pass_session
def doctor_command(session: Session, /, as_json: bool) -> None:
    """Check this workstation: folders, service, token, agent, Qt, applications.

    Every finding that is bad says what to do about it.

    \b
    Examples:
      conductor doctor
      conductor --service https://farm.example doctor --json

    \b
    Exit codes:
      0   all is well
      10  something is wrong
    """
    # what it looks at takes long to import
    from conductor_core.cli.examinations import EXAMINATIONS, Patient

    patient = Patient(session.folders, session.service)
    told = []
    bad = 0
    for title, examination in EXAMINATIONS:
        if not as_json:
            click.secho(title, bold=True)
        for finding in examination(patient):
            bad += finding.verdict == "bad"
            told.append({"examination": title, **asdict(finding)})
            if not as_json:
                click.echo(f"  {_SIGNS[finding.verdict]} {finding.what}")
                if finding.next_step:
                    click.echo(f"      {finding.next_step}")
    if as_json:
        print_json({"bad": bad, "findings": told})
    elif not bad:
        click.echo("\nAll is well.")
    if bad:
        raise Ended(ExitCode.FAULTS_FOUND, f"{bad} {'thing is' if bad == 1 else 'things are'} to be mended.")
