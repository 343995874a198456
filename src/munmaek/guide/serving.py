"""The site, answered to this machine alone."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from munmaek.web.security import Guard
from munmaek.web.server import bind, serve

__all__ = ["bind", "serve", "site_app"]


def site_app(site: Path, *, port: int) -> Starlette:
    """Return the application that hands out a folder's files.

    Args:
        site: the folder.
        port: the one that it is served on; requests must name it.
    """
    files: Any = StaticFiles(directory=site, html=True)
    return Starlette(routes=[Mount("/", files)], middleware=[Middleware(Guard, port=port)])
