"""A Korean–English parallel corpus, written here as a grammar and a lexicon.

``phrasebook()`` gives distinct sentence pairs of 3 to 40 English words with gold word alignment and
a sentence type, deterministic from a seed.
"""

from munmaek.phrases.corpus import LABELS, LENGTHS, Phrase, Phrasebook, phrasebook

__all__ = ["LABELS", "LENGTHS", "Phrase", "Phrasebook", "phrasebook"]
