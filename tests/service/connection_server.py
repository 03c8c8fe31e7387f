"""A server of its own for what is particular to connections, in a thread of the test."""

from __future__ import annotations

import threading

import uvicorn
from anyio import CapacityLimiter
from conductor_service.connections import Connection
from conductor_service.serving import listen
from fastapi import FastAPI


class ConnectionServer:
    """Serve an application by the service's own connections until `stop`."""

    def __init__(self, app: FastAPI, *, turns: int) -> None:
        self.socket = listen("127.0.0.1", 0)
        self.socket.listen()  # who comes before the server is ready waits
        self.port = self.socket.getsockname()[1]
        self.turns = CapacityLimiter(turns)
        config = uvicorn.Config(app, http=Connection, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def stop(self) -> None:
        """End it."""
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.socket.close()
