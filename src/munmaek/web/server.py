"""The place where the page is served: the loopback interface, the first free port."""

import socket

import uvicorn
from starlette.applications import Starlette

from munmaek.errors import InputError

__all__ = ["ADDRESS", "bind", "serve"]

ADDRESS = "127.0.0.1"

TRIES = 20


def bind(port: int) -> socket.socket:
    """Open a listening socket on ``port``, or on the next that is free.

    Args:
        port: the first to try; 0 takes any.

    Raises:
        InputError: this port and the twenty after it are all taken.
    """
    for candidate in range(port, min(port + TRIES, 65535) + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, candidate))
            listener.listen()
        except OSError:
            listener.close()
            continue
        return listener
    message = f"ports {port} to {port + TRIES} are all taken; choose another --port"
    raise InputError(message)


def serve(application: Starlette, listener: socket.socket) -> None:
    """Answer requests until the process is interrupted; closes ``listener``."""
    # The plain ones, which are always there; the extra of serving brings others.
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        lifespan="off",
        http="h11",
        loop="asyncio",
    )
    uvicorn.Server(config).run(sockets=[listener])
