"""Figures as files, an option of the verbs that draw."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from munmaek.cli.console import write_message

__all__ = ["Figures", "write_figures", "write_report_figures"]

Figures: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        metavar="DIR",
        show_default=False,
        help="Write every figure there as SVG, PNG, PDF and CSV.",
    ),
]


def write_figures(records: Sequence[str], folder: Path, language: str) -> None:
    """Write the figures of records, each given as JSON with all its tensors."""
    from munmaek.figures import record_figures, save_figures

    _tell(save_figures(record_figures(records, language=language), folder), folder)


def write_report_figures(page: str, folder: Path) -> None:
    """Write the figures of a report, given as its page."""
    from munmaek.figures import report_figures, save_figures

    _tell(save_figures(report_figures(page), folder), folder)


def _tell(written: Sequence[Path], folder: Path) -> None:
    count = len({each.stem for each in written})
    write_message(f"{folder}: {count} figures written, each as SVG, PNG, PDF and CSV")
