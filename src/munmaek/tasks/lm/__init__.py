"""Task lm: predict the next token."""
