"""``munmaek embed``."""

from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import parameters, predict

__all__ = ["EMBED", "embed"]


def embed(given: Given) -> None:
    """Print a vector for every line, or row of a table.

    Its numbers have tabs between them. A file larger than memory is read as it goes. -o also writes
    a NumPy array [rows, D], float32: vectors.npy.
    """
    predict("embed", given)


EMBED = Declared(embed, lambda: parameters("embed"))
