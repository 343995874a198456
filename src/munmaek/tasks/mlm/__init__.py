"""Task mlm: fill masked words from both sides."""
