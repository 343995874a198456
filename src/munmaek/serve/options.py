"""Options of a server: where it listens, whom it lets in, how much it takes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from munmaek.models.configuration import Config

__all__ = ["ServerOptions"]


class ServerOptions(Config):
    """Options of ``munmaek serve``."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port; 0 takes a free one."""
    workers: Annotated[int, Field(ge=1)] = 1
    """Processes, among which the processors are shared out."""
    token_file: Path | None = None
    """File of tokens, one a line, any of which a request must bring."""
    no_token: bool = False
    """Let anyone ask who reaches an address beyond this machine."""
    certificate: Path | None = None
    """File with the certificate and its key (PEM), for HTTPS."""
    precision: Literal["float32", "bfloat16", "int8"] = "float32"
    """Precision of the weights: bfloat16 (embed) and int8 (embed, translate) are nearly the same
    and faster."""
    index: tuple[str, ...] = ()
    """Texts that a model searches, [MODEL=]FILE: rows with vectors as munmaek embed -o writes them,
    or a text a line; may come again."""
    threads: Annotated[int | None, Field(ge=1)] = None
    """Threads that a model computes with; by default as many as there are processors, shared out
    among the workers."""
    grace: Annotated[float, Field(ge=0)] = 30.0
    """Seconds for what is under way when the server is told to end."""
    access_log: bool = False
    """Write a line of JSON for each request, without its texts."""
    body: Annotated[int, Field(ge=1)] = 4_000_000
    """Bytes of a request, at most."""
    texts: Annotated[int, Field(ge=1)] = 1024
    """Texts of a request, at most."""
    characters: Annotated[int, Field(ge=1)] = 100_000
    """Characters of a text, at most."""
    waiting: Annotated[int, Field(ge=1)] = 4096
    """Texts that may wait for one model; beyond it requests get 429."""
    requests: Annotated[int, Field(ge=1)] = 512
    """Requests that may be under way; beyond it they get 503."""
    batch: Annotated[int, Field(ge=1)] = 16_384
    """Characters of the texts that are computed together."""
