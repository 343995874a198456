"""The command line: one file a verb, and the only place that prints or exits."""

import gc

# What is imported stays: to look through it for cycles after every 700 new objects takes a tenth
# of the time that a command needs to start.
gc.set_threshold(10_000, 10, 10)

from munmaek.cli.entry import main  # noqa: E402  after the line above

__all__ = ["main"]
