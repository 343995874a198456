"""``munmaek translate``."""

from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import parameters, predict

__all__ = ["TRANSLATE", "translate"]


def translate(given: Given) -> None:
    """Translate every line, or row of a table; empty ones stay empty.

    With -o FILE.xlf the targets of a translation file (XLIFF) are filled, tags at their words.
    """
    predict("translate", given)


TRANSLATE = Declared(translate, lambda: parameters("translate"))
