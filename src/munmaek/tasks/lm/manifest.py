"""The fields of ``munmaek.json`` that only language models have."""

from munmaek.folder.schema import Mixed, Tokenized

__all__ = ["MixedLanguageModel"]


class MixedLanguageModel(Mixed, Tokenized):
    """Language models that share a tokenizer."""
