"""``munmaek classify``."""

from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import parameters, predict

__all__ = ["CLASSIFY", "classify"]


def classify(given: Given) -> None:
    """Print the label of every text, or of every pair of texts.

    One line for each line or row of the input: the label, its probability, the text. An empty line
    stays empty. A pair is two texts on one line with a tab between, or two columns of a table. A
    model that gives a text several labels has those that reach their threshold, ½ where none was
    chosen, with commas between; where there are none, or a model with thresholds is not sure enough
    of any, stands "-", and null in JSON.
    """
    predict("classify", given)


CLASSIFY = Declared(classify, lambda: parameters("classify"))
