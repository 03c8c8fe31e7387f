"""`python -m conductor_service.audit`: the audit where the `conductor` command is not installed."""

from __future__ import annotations

import sys

import click
from conductor_core.cli.exit_codes import exit_code_of
from conductor_core.errors import ConductorError

from conductor_service.audit.command import audit_command

if __name__ == "__main__":
    try:
        sys.exit(audit_command.main(prog_name="conductor audit", standalone_mode=False))
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except ConductorError as exc:
        click.echo(str(exc), err=True)
        sys.exit(exit_code_of(exc))
