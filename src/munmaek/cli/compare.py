"""``munmaek compare``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from munmaek.cli.board import board
from munmaek.cli.console import put, put_json
from munmaek.cli.durations import parse_duration
from munmaek.cli.options import DataFiles, Force, Json, LabelColumn, TextColumn, column

__all__ = ["compare"]


def compare() -> None:
    """Train several stages on the same data, side by side."""
