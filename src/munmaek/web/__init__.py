"""The local server of the viewer: on this machine only."""

from munmaek.web.app import app
from munmaek.web.server import bind, serve

__all__ = ["app", "bind", "serve"]
