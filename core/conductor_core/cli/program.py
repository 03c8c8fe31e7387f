"""The command group: finds commands, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import ast
import errno
import importlib
import importlib.util
import inspect
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn

import click

from conductor_core import __version__
from conductor_core.cli.exit_codes import Ended, ExitCode, exit_code_of
from conductor_core.cli.session import Session
from conductor_core.errors import ConductorError
from conductor_core.user_folders import user_folders

#: what to do about a disk that is full or read-only, and about what is somebody else's; none of these is our defect
_MAKE_ROOM = "Make room on that disk, and see that you may write there."
_BE_ALLOWED = "You may not read or write it: run this as its owner, or have its owner give you the right."
_DISK = {
    errno.ENOSPC: _MAKE_ROOM,
    getattr(errno, "EDQUOT", errno.ENOSPC): _MAKE_ROOM,
    errno.EROFS: _MAKE_ROOM,
    errno.EACCES: _BE_ALLOWED,
    errno.EPERM: _BE_ALLOWED,
}
#: packages beyond the core add their commands here (the service: `serve`)
ENTRY_POINTS = "conductor.commands"

#: imported when they are used: `conductor jobs` need not load what `submit` needs
_COMMANDS = {
    "agent": "conductor_core.cli.agent_command:agent_command",
    "login": "conductor_core.cli.login:login_command",
    "scan": "conductor_core.cli.scan:scan_command",
    "submit": "conductor_core.cli.submit:submit_command",
    "jobs": "conductor_core.cli.jobs:jobs_command",
    "job": "conductor_core.cli.jobs:job_command",
    "log": "conductor_core.cli.log:log_command",
    "hold": "conductor_core.cli.moves:hold_command",
    "resume": "conductor_core.cli.moves:resume_command",
    "release": "conductor_core.cli.moves:release_command",
    "kill": "conductor_core.cli.moves:kill_command",
    "retry": "conductor_core.cli.moves:retry_command",
    "download": "conductor_core.cli.download:download_command",
    "transfers": "conductor_core.cli.transfers:transfers_command",
    "instances": "conductor_core.cli.costs:instances_command",
    "cost": "conductor_core.cli.costs:cost_command",
    "doctor": "conductor_core.cli.doctor:doctor_command",
}


class Commands(click.Group):
    """Our own commands in the order of an artist's day, then those of other packages."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return all command names."""
        return [*_COMMANDS, *sorted(set(_added()) - set(_COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        place = _COMMANDS.get(cmd_name) or _added().get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        try:
            command = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as exc:
            # one broken package must not take the help of all others with it
            return _broken(cmd_name, str(exc))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands as click does, without the import of any: `serve` alone would take a second."""
        names = self.list_commands(ctx)
        room = formatter.width - 6 - max(map(len, names))
        added = _added()
        with formatter.section("Commands"):
            formatter.write_dl([(name, _short_help(_COMMANDS.get(name) or added[name], room)) for name in names])


def _added() -> dict[str, str]:
    """Return the commands of other packages, and where each is."""
    return {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}


def _short_help(place: str, room: int) -> str:
    """Return the first sentence of a command's function, read from its source; the same text as click's own list has."""
    module, _, name = place.partition(":")
    try:
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            return f"(cannot be loaded: no module {module})"
        tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    except (ImportError, OSError, ValueError, SyntaxError) as exc:
        return f"(cannot be loaded: {exc})"
    text = next((ast.get_docstring(n) or "" for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name), "")
    return click.Command(name, help=inspect.cleandoc(text)).get_short_help_str(room)


def _broken(name: str, reason: str) -> click.Command:
    def refuse() -> NoReturn:
        raise Ended(ExitCode.INTERNAL, f"The command {name!r} is installed, but cannot be loaded: {reason}.", "Install it again.")

    # whatever its options were: the reason must be heard, not "no such option"
    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, context_settings=anything, callback=refuse, help=f"(cannot be loaded: {reason})")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--service", metavar="URL", envvar="CONDUCTOR_SERVICE", default="", help="Of several logins, the one to use.")
@click.version_option(__version__, prog_name="conductor")
@click.pass_context
def conductor(ctx: click.Context, service: str) -> None:
    """Send scenes to the render farm, watch and steer them, and get their frames back.

    \b
    A first time:
      conductor login https://farm.example      who you are
      conductor scan shot.blend                 what a scene needs
      conductor submit shot.blend --frames 1-100 --wait

    \b
    Later:
      conductor jobs                            what runs
      conductor job 12 --wait                   come back to a job
      conductor log 12 --frame 7                why a frame failed
      conductor download 12                     bring its frames home

    Uploads and downloads happen in the agent, a program of your own in the background: closing the terminal or the host
    stops neither. Every command ends with 0 when it did what it says; see --help of each and docs/cli.md for the others.

    \b
    Environment:
      CONDUCTOR_SERVICE   as --service
      CONDUCTOR_HOME      keep settings, state and caches in this folder
      CONDUCTOR_BLENDER   a blender binary, or a Python that has bpy, to ask about scenes
      CONDUCTOR_HOSTS     the folder that holds blender/
    """
    ctx.obj = Session(user_folders(), service)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and end the process with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; every error has become a sentence on stderr."""
    return run_command(conductor, "conductor", arguments)


def _print_anything() -> None:
    """Have what a terminal cannot show printed as an escape: names on a disk may be no text at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_command(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run any command of ours as `conductor` would, and return its exit code."""
    _print_anything()
    try:
        result = command.main(args=None if arguments is None else list(arguments), prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else ExitCode.OK
    except click.ClickException as exc:
        exc.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    except ConductorError as exc:
        click.echo(str(exc), err=True)
        return exit_code_of(exc)
    except BrokenPipeError:
        # the reader (`head`, a pager) has what it wanted; what is left in the buffer has no place to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.OK
    except OSError as exc:
        if exc.errno not in _DISK or not exc.filename:
            return _defect()
        click.echo(f"{exc.filename}: {exc.strerror}. {_DISK[exc.errno]}", err=True)
        return ExitCode.TRANSFER_FAILED
    except Exception:  # noqa: BLE001 - the outermost border: say that it is our defect, with all that helps to mend it
        return _defect()


def _defect() -> ExitCode:
    traceback.print_exc()
    click.echo("This is a defect of Conductor, not of yours: please report the lines above.", err=True)
    return ExitCode.INTERNAL
