"""`conductor serve`."""

from __future__ import annotations

import contextlib
import getpass
import logging
import sys
from pathlib import Path

import click
from conductor_core.errors import ConductorError
from conductor_core.user_folders import private_folder, sweep_private

from conductor_service.accounts import ensure_owner, replace_owner_token, token_file
from conductor_service.catalogue import Catalogue
from conductor_service.data_folder import writing_into
from conductor_service.farm import Farm, open_farm
from conductor_service.fleets import LocalProcessFleet
from conductor_service.one_service import sole_service
from conductor_service.restored import rise_above_the_lost
from conductor_service.serving import Serving, check_tls, listen_again, run, service_url
from conductor_service.settings import Settings, load_settings

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("serve")
@click.option("--data", metavar="FOLDER", help="Where the service keeps everything [conductor-data in this folder].")
@click.option("--settings", "settings_file", type=_FILE, metavar="FILE", help="YAML settings; options here come before them.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on [127.0.0.1: this machine only].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 for any free one [8088].")
@click.option("--tls-certificate", metavar="FILE", help="PEM certificate chain; serves https. Needs --tls-key.")
@click.option("--tls-key", metavar="FILE", help="PEM private key of the certificate.")
@click.option("--stop-instances", is_flag=True, help="End all instances when the service ends; without it they go on.")
@click.option("--new-owner-token", is_flag=True, help="Revoke the owner's token and sessions, write a new token, and end.")
@click.option("--restored", is_flag=True, help="The data folder comes from a backup: say so once, at its first start.")
def serve_command(
    settings_file: Path | None, stop_instances: bool, new_owner_token: bool, restored: bool, **options: str | int | None
) -> None:
    """Run the service: API, scheduler, store and dashboard in one process.

    The first start makes an account, its owner and a project, and says how to sign in. Everything is kept in one data
    folder; a service that is stopped or killed goes on where it was when it is started again with the same folder.

    \b
    Ends with 0 after SIGTERM or Ctrl-C, with 1 when it cannot start.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        settings = load_settings(settings_file, overrides=options)
        if new_owner_token:
            renew_owner_token(settings)
        else:
            serve(settings, stop_instances=stop_instances, restored=restored)
    except ConductorError as exc:
        raise click.ClickException(str(exc)) from exc


def serve(settings: Settings, *, stop_instances: bool, restored: bool = False) -> None:
    """Serve with these settings until a signal ends it; `restored` tells that the data folder comes from a backup.

    Raises:
        ConductorError: it cannot start: the data folder is in use or cannot be written, the address is taken, a settings
            file is wrong.
    """
    check_tls(settings)
    data = settings.data_folder
    with contextlib.ExitStack() as stack:
        with writing_into(data):
            stack.enter_context(sole_service(private_folder(data)))
            bound = stack.enter_context(listen_again(settings))
            sweep_private(data)
            farm = open_farm(settings)
            stack.callback(farm.close)
            if restored:
                rise_above_the_lost(farm.database)
            first = _ensure_owner(farm)
        fleet = local_fleet(settings, farm.catalogue)
        url = service_url(settings, bound.getsockname()[1])
        _serve(farm, Serving(farm, fleet, bound, url, stop_instances), first=first)


def renew_owner_token(settings: Settings) -> None:
    """Make the owner's token and sessions worthless, and write a new token; the service must not run meanwhile.

    Raises:
        ConductorError: a service is running with the data folder, or a settings file is wrong.
    """
    data = settings.data_folder
    with writing_into(data), sole_service(private_folder(data)):
        farm = open_farm(settings)
        try:
            if not _ensure_owner(farm):
                replace_owner_token(farm.database, data)
        finally:
            farm.close()
    click.echo(f"The owner's token is new, and every older one and every session of the owner has ended: {token_file(data)}")
    click.echo(f"Sign in again when the service runs: conductor login URL --token-file {token_file(data)}")


def local_fleet(settings: Settings, catalogue: Catalogue) -> LocalProcessFleet:
    """Return the fleet of local processes; its runners speak to the service without leaving this machine."""
    trusted = settings.tls_ca or settings.tls_certificate
    transport = ("--ca-file", trusted) if trusted else ("--allow-plain-http",)
    extra = (*transport, "--dead-after", str(settings.fleet.patience_seconds))
    memory = {name: kind.memory_gb for name, kind in catalogue.instance_types.items()}
    return LocalProcessFleet(settings.data_folder / "instances", extra=extra, memory_gb=memory)


def _serve(farm: Farm, serving: Serving, *, first: bool) -> None:
    data = farm.settings.data_folder

    def ready() -> None:
        click.echo(f"Conductor is ready at {serving.url}")
        click.echo(f"  dashboard  {serving.url}/")
        if token_file(data).exists():
            click.echo(f"  sign in    conductor login {serving.url} --token-file {token_file(data)}")
        if first:
            click.echo("  The account, its owner and the project 'default' are new. The token file is yours alone: keep it so.")
        if serving.url.startswith("http://") and farm.settings.host not in ("127.0.0.1", "localhost", "::1"):
            click.echo("  Warning: other machines reach this service without TLS. Set tls_certificate and tls_key.", err=True)
        sys.stdout.flush()

    run(serving, ready=ready)


def _ensure_owner(farm: Farm) -> bool:
    settings = farm.settings
    limit = settings.account_instance_limit
    return ensure_owner(farm.database, settings.data_folder, instance_limit=limit, owner_name=_user_name())


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "owner"
