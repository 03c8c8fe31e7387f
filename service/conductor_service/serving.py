"""Run one service in this process: socket, HTTP server, scheduler thread, and an orderly end."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from conductor_core.errors import ConductorError
from conductor_core.user_folders import write_private

from conductor_service.api import make_app
from conductor_service.connections import Connection
from conductor_service.data_folder import writing_into
from conductor_service.endings import Aside
from conductor_service.farm import Farm
from conductor_service.fleets import Fleet
from conductor_service.post import Postman
from conductor_service.scheduler import Scheduler
from conductor_service.settings import Settings

#: open connections get this long to end when the service stops
FAREWELL_SECONDS = 5
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104


class CannotListen(ConductorError):
    """The address is taken, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"Cannot listen on {host} port {port}: {reason}.", "Choose another with --host and --port (0: any).")


class TlsUnusable(ConductorError):
    """The certificate or its key cannot be read, or they do not fit."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            f"{what} cannot be used ({reason}).", "See that the service's user may read PEM files that belong together there."
        )


def check_tls(settings: Settings) -> None:
    """See that certificate and key can be read: what TLS says of it later does not name the file.

    Raises:
        TlsUnusable: naming the file.
    """
    for name, file in (("certificate", settings.tls_certificate), ("key", settings.tls_key)):
        try:
            if file:
                Path(file).open("rb").close()
        except OSError as exc:
            raise TlsUnusable(f"The TLS {name} {file}", exc.strerror or str(exc)) from exc


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address.

    Raises:
        CannotListen: it is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol by its number: asyncio sets TCP_NODELAY only on what says that it is TCP. Without it the body of a short answer
    # waits for the other side to acknowledge the head, which other sides put off for 40 ms
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows this would let another program take the port over
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as exc:
        bound.close()
        raise CannotListen(host, port, exc.strerror or str(exc)) from exc
    return bound


def listen_again(settings: Settings) -> socket.socket:
    """Return a socket for the settings; with port 0, on the port of the last run where that is free.

    Runners that outlived the last service look for it where it was.

    Raises:
        CannotListen: the address is taken, or not ours.
    """
    file = settings.data_folder / "last-port"
    last = file.read_text().strip() if file.exists() else ""
    if settings.port == 0 and last.isdigit():
        with contextlib.suppress(CannotListen, OverflowError):
            return listen(settings.host, int(last))
    bound = listen(settings.host, settings.port)
    write_private(file, f"{bound.getsockname()[1]}\n".encode())
    return bound


def service_url(settings: Settings, port: int) -> str:
    """Return the address that clients and runners of this machine use."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def service_file(data: Path) -> Path:
    """Return where a running service leaves its address and pid for tools."""
    return data / "service.json"


@dataclass(frozen=True, slots=True)
class Serving:
    """What is to be served, and where."""

    farm: Farm
    fleet: Fleet
    socket: socket.socket
    url: str
    #: end every instance when the service stops; otherwise they go on, and the next start finds them
    stop_instances: bool = False


class _Server(uvicorn.Server):
    """A server that says when it is ready, and leaves signals to us: ours must end streams first and instances last."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(serving: Serving, *, ready: Callable[[], None], signals: bool = True) -> None:
    """Serve until SIGTERM or SIGINT (or `farm.signals.close()`), then end in order.

    Raises:
        ConductorError: it cannot start.
    """
    farm = serving.farm
    config = _configured(farm)
    loops = _Loops(serving)
    file = service_file(farm.settings.data_folder)

    def started() -> None:
        with writing_into(farm.settings.data_folder):
            write_private(file, json.dumps({"url": serving.url, "pid": os.getpid()}).encode())
        loops.start()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again with every request
        ready()

    server = _Server(config, started)

    def end() -> None:
        """End the instances while the server still listens: what their runners say at the end is heard."""
        farm.signals.closing.wait()
        try:
            loops.end()
        finally:
            server.should_exit = True

    ending = threading.Thread(target=end, name="ending")
    ending.start()
    try:
        with _caught_signals(farm) if signals else contextlib.nullcontext():
            server.run(sockets=[serving.socket])
            farm.signals.close()
            ending.join()
    finally:
        farm.signals.close()
        file.unlink(missing_ok=True)
        serving.socket.close()


class _Loops:
    """What goes on beside the server: the scheduler, and the post."""

    def __init__(self, serving: Serving) -> None:
        self._stop_instances = serving.stop_instances
        self._endings = Aside(serving.farm.signals.schedule.set)
        self._scheduler = Scheduler(serving.farm, serving.fleet, service_url=serving.url, endings=self._endings)
        self._scheduling = threading.Thread(target=self._scheduler.run, name="scheduler")
        self._postman = Postman(serving.farm, service_url=serving.url)
        # one that waits for a mail server does not keep the service: what is unsent is in the outbox
        self._posting = threading.Thread(target=self._postman.run, name="postman", daemon=True)

    def start(self) -> None:
        """Start both."""
        self._scheduling.start()
        self._posting.start()

    def end(self) -> None:
        """End both, and the instances where they are to end with the service; some may never have been started."""
        self._scheduler.stop()
        self._postman.stop()
        if self._scheduling.ident is not None:
            self._scheduling.join()
        if self._stop_instances:
            self._scheduler.end_all()
        self._endings.wait(FAREWELL_SECONDS)
        if self._posting.ident is not None:
            self._posting.join(FAREWELL_SECONDS)


def _configured(farm: Farm) -> uvicorn.Config:
    """Return the server's configuration, its certificate read.

    Raises:
        TlsUnusable: certificate and key cannot be used.
    """
    settings = farm.settings
    config = uvicorn.Config(
        make_app(farm),
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=FAREWELL_SECONDS,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )
    try:
        config.load()
    except OSError as exc:  # of which SSLError is one
        files = f"The TLS certificate {settings.tls_certificate} with the key {settings.tls_key}"
        raise TlsUnusable(files, exc.strerror or str(exc)) from exc
    return config


@contextlib.contextmanager
def _caught_signals(farm: Farm) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into an orderly end; a second one does not cut it short."""

    def end(_number: int, _frame: FrameType | None) -> None:
        # In a thread: the handler may have interrupted one that holds a signal's lock.
        threading.Thread(target=farm.signals.close, daemon=True).start()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
