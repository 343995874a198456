"""Text to tokens: readers of files, tokenizers, and the built-in phrasebook.

Import the parts themselves: ``munmaek.text.corpora``, ``munmaek.text.tokenizers``.
"""

__all__: list[str] = []
