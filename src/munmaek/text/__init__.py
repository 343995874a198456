"""Text to tokens: readers of files, and tokenizers.

Import the parts themselves: ``munmaek.text.corpora``, ``munmaek.text.tokenizers``.
"""

__all__: list[str] = []
