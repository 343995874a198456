"""A model's folder: written, read and verified, whatever its task."""
