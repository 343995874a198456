"""The command that this process runs, for the record of what it makes."""

from contextvars import ContextVar
from typing import Final

__all__ = ["COMMAND"]

COMMAND: Final[ContextVar[str]] = ContextVar("COMMAND", default="")
"""The command as one types it; empty in a program that is not our command line."""
