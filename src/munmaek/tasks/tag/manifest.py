"""The fields of ``munmaek.json`` that only taggers have."""

from munmaek.folder.schema import Labelling, Limited

__all__ = ["Tagging"]


class Tagging(Labelling, Limited):
    """A model that labels words."""

    whole_words: bool = False
    apart: bool = False
