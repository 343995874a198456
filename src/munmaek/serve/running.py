"""A server's processes: where they listen, how many there are, and how they end."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, TypeAlias

import uvicorn
from starlette.applications import Starlette

from munmaek.errors import InputError
from munmaek.serve.application import application
from munmaek.serve.metrics import SHARED, forget
from munmaek.serve.options import ServerOptions
from munmaek.serve.security import LOOPBACK, is_loopback, read_tokens
from munmaek.tasks.loading import load

__all__ = ["Named", "build", "listen", "run"]

Named: TypeAlias = Sequence[tuple[str, Path]]
"""Names of models and their folders."""


def build(models: Named, options: ServerOptions) -> Starlette:
    """Open the models and return the application.

    Raises:
        ArtefactError: a folder that is no model.
        InputError: a file of tokens that cannot be read.
    """
    tokens = () if options.token_file is None else read_tokens(options.token_file)
    hosts: Sequence[str] = ()
    if is_loopback(options.host) and not tokens:
        shown = [f"[{name}]" if ":" in name else name for name in LOOPBACK]
        hosts = [f"{name}:{options.port}" for name in shown]
    opened = {name: load(folder) for name, folder in models}
    _share(options)
    return application(opened, limits=options, tokens=tokens, hosts=hosts)


def _share(options: ServerOptions) -> None:
    """Let models compute with the threads that were asked for, or a worker's share of them."""
    torch: Any = sys.modules.get("torch")  # n-grams do without
    if torch is not None and (options.threads is not None or options.workers > 1):
        share = max(1, torch.get_num_threads() // options.workers)
        torch.set_num_threads(options.threads or share)


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Args:
        host: an address of this machine.
        port: 0 takes any that is free.

    Raises:
        InputError: the port is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        message = f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', error)}"
        raise InputError(message) from None
    return listener


def run(
    models: Named, options: ServerOptions, listener: socket.socket, opened: Callable[[], None]
) -> None:
    """Answer requests until the process is told to end; then finish what is under way.

    Args:
        models: what is served.
        options: how.
        listener: where requests arrive.
        opened: called when all models are open.

    Raises:
        ArtefactError: a folder that is no model.
        InputError: a file of tokens that cannot be read.
    """
    served = build(models, options)
    opened()
    if options.workers == 1:
        _answer(served, options, listener)
        return
    with TemporaryDirectory(prefix="munmaek-metrics-") as counts:
        os.environ[SHARED] = counts
        del served  # what cannot be opened has been said once, before any worker begins
        _watch(models, options, listener)


def _started(models: Named, options: ServerOptions, listener: socket.socket) -> BaseProcess:
    context = get_context("spawn")
    process = context.Process(target=_worker, args=(models, options, listener), daemon=True)
    process.start()
    return process


def _worker(models: Named, options: ServerOptions, listener: socket.socket) -> None:
    """Answer requests in one of several processes, as long as that which began it lives."""
    Thread(target=_end_with_parent, daemon=True, name="munmaek-parent").start()
    _answer(build(models, options), options, listener)


def _end_with_parent() -> None:
    """End this process in order when the one that began it has died, however it did."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _watch(models: Named, options: ServerOptions, listener: socket.socket) -> None:
    """Start workers, and those that die again, until the process is told to end."""
    ended = Event()

    def end(_: int, __: object) -> None:
        ended.set()

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, end)
    workers = [_started(models, options, listener) for _ in range(options.workers)]
    while not ended.wait(0.5):
        for place, worker in enumerate(workers):
            if not worker.is_alive():
                forget(worker.pid or 0)
                workers[place] = _started(models, options, listener)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(options.grace + 5)


def _answer(served: Starlette, options: ServerOptions, listener: socket.socket) -> None:
    if options.access_log:
        log = logging.getLogger("munmaek.access")
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
    config = uvicorn.Config(
        served,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(options.grace),
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ssl_certfile=options.certificate,
    )
    with suppress(KeyboardInterrupt):  # raised anew once all is answered: it ended as it was told
        uvicorn.Server(config).run(sockets=[listener])
