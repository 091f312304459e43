"""The process: uvicorn around the application, until SIGTERM or Ctrl-C; then what runs is finished and nothing new is taken."""

from __future__ import annotations

import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from internvl.errors import ConfigError
from internvl.serve.config import ServeConfig

UNGUARDED = (
    "listening on %s without an API key: whoever reaches this port can use the model; set a key with --api-key-env, or keep 127.0.0.1"
)
log = logging.getLogger("internvl.serve")


class Server(uvicorn.Server):
    """uvicorn that tells the application at the first signal, so that requests on open connections are turned away politely."""

    def __init__(self, app: FastAPI, config: ServeConfig) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                host=config.host,
                port=config.port,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=max(1, round(config.grace_s)),
                h11_max_incomplete_event_size=1 << 16,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT."""
        self._app.state.service.gate.draining = True
        if sig == signal.SIGTERM:
            # Not raised once more at the end, as uvicorn does: a server that finished what ran ended well.
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)


def serve(app: FastAPI, config: ServeConfig, *, listener: socket.socket | None = None) -> None:
    """Answer requests until a signal; `listener` from `listen`, or one is opened. Raises ConfigError when the port can't be had."""
    listener = listener or listen(config)
    if not config.is_loopback and config.api_key is None:
        log.warning(UNGUARDED, config.host)
    with listener:
        Server(app, config).run(sockets=[listener])


def listen(config: ServeConfig) -> socket.socket:
    """The listening socket, before a model is loaded for it: a port that is taken should cost no minutes."""
    try:
        family = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"{config.host} is no address of this machine: {error.strerror or error}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"can't listen on {config.host}:{config.port}: {error.strerror or error}; choose another --port") from error
    return listener
