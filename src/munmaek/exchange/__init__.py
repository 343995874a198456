"""Other people's forms: folders of Hugging Face and sentence-transformers."""
