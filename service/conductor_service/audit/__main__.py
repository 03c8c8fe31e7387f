"""`python -m conductor_service.audit`: the audit where the `conductor` command is not installed."""

from __future__ import annotations

import sys

from conductor_core.cli.program import run_command

from conductor_service.audit_command import audit_command

if __name__ == "__main__":
    sys.exit(run_command(audit_command, "conductor audit"))
