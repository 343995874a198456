"""Task translate: text to text."""
