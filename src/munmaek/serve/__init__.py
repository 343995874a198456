"""Trained models behind HTTP, in the forms that clients already speak."""
