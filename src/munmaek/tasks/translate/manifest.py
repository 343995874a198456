"""The fields of ``munmaek.json`` that only translators have."""

from pydantic import model_validator

from munmaek.folder.schema import Limited, TokenizerRecord

__all__ = ["Translating"]


class Translating(Limited):
    """A model that reads one language and writes another."""

    source_tokenizer: TokenizerRecord

    @model_validator(mode="after")
    def _check_source(self) -> "Translating":
        self.check_rows(self.source_tokenizer, "source_vocab")
        return self
