"""`conductor login`: prove who you are, and remember it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conductor_core.agent_start import record_agent_command
from conductor_core.api.answers import Me
from conductor_core.api.profile import Login, connect, read_profile, write_profile
from conductor_core.api.transport import Address
from conductor_core.cli.session import Session, json_option, pass_session, print_json
from conductor_core.errors import ConductorError


@click.command("login")
@click.argument("url", required=False, metavar="[URL]")
@click.option("--token-file", metavar="FILE", help="Read the token from a file, - for standard input. Default: ask for it.")
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    default=None,
    help="Certificate authority (PEM) of a studio of its own.",
)
@click.option("--allow-plain-http", is_flag=True, help="Send the token unencrypted: only where you trust every network between.")
@click.option("--logout", is_flag=True, help="Forget the login of URL.")
@json_option
@pass_session
def login_command(
    session: Session,
    /,
    url: str | None,
    token_file: str | None,
    ca: str | None,
    allow_plain_http: bool,
    logout: bool,
    as_json: bool,
) -> None:
    """Log in to a service, or show where you are logged in.

    The service's administrator gives you a token (a first start of `conductor serve` writes one for the owner). It is
    checked, then kept in a file that only you can read; it is never part of a command line, a URL or a log. The last
    login is the one that other commands use; `conductor --service URL …` chooses another.

    \b
    Examples:
      conductor login https://farm.example
      conductor login http://127.0.0.1:8700 --token-file ~/farm/owner-token
      conductor login                                   where am I logged in?
      conductor login https://farm.example --logout

    \b
    Exit codes:
      0  logged in
      2  the address is not one, or plain HTTP that was not allowed
      3  the service cannot be reached
      4  the token is wrong, expired or revoked
    """
    if url is None:
        _show(session, as_json)
        return
    if logout:
        write_profile(session.folders.config, read_profile(session.folders.config).without(url))
        click.echo(f"The login of {url} is forgotten. The token itself can be revoked by its administrator.")
        return
    me = _log_in(session, Address(url.rstrip("/"), allow_plain_http, ca or ""), token_file)
    if as_json:
        print_json(me)
    else:
        projects = ", ".join(p.name for p in me.projects) or "none yet"
        click.echo(f"Logged in to {url} as {me.user.name} ({me.role} of {me.account.name}); projects: {projects}.")


def _log_in(session: Session, address: Address, token_file: str | None) -> Me:
    """Check a token, keep the login, and return who that is."""
    profile = read_profile(session.folders.config)
    profile.with_login(Login(address, ""))  # refuses a bad address before a token is asked for
    login = Login(address, _token(token_file))
    with connect(login) as client:
        me = client.me()
    write_profile(session.folders.config, profile.with_login(login))
    record_agent_command(session.folders)
    return me


def _token(file: str | None) -> str:
    if file == "-":
        text = sys.stdin.readline()
    elif file:
        try:
            text = Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise click.UsageError(f"--token-file {file} cannot be read: {exc}") from None
    else:
        text = click.prompt("Token", hide_input=True)
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError("That is not a token: it looks like cdr_ and many letters, on one line.")
    return token


def _show(session: Session, as_json: bool) -> None:
    answers = []
    for login in read_profile(session.folders.config).logins:
        try:
            with connect(login) as client:
                me = client.me()
            answers.append({"service": login.address.service, "user": me.user.name, "account": me.account.name, "problem": ""})
        except ConductorError as exc:
            answers.append({"service": login.address.service, "user": "", "account": "", "problem": str(exc)})
    if as_json:
        print_json({"logins": answers})
    elif not answers:
        click.echo("You are not logged in anywhere. Run: conductor login https://…")
    for index, answer in enumerate([] if as_json else answers):
        who = answer["problem"] or f"{answer['user']} of {answer['account']}"
        click.echo(f"{'*' if index == 0 else ' '} {answer['service']}  {who}")
