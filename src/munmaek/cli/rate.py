"""``munmaek rate``."""

from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import parameters, predict

__all__ = ["RATE", "rate"]


def rate(given: Given) -> None:
    """Print the number of every text, or of every pair of texts.

    One line for each line or row of the input: the number, such as the similarity of a pair, and
    the text. An empty line stays empty. A pair is two texts on one line with a tab between, or two
    columns of a table.
    """
    predict("rate", given)


RATE = Declared(rate, lambda: parameters("rate"))
