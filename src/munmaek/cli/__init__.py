"""The command line: one file a verb, and the only place that prints or exits."""

from munmaek.cli.entry import main

__all__ = ["main"]
