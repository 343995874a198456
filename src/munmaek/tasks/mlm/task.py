"""The work of task mlm: running text to a trained encoder, and back from its folder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.exchange.sentence import load_settings
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.weights import open_network
from munmaek.tasks.lm.data import Text, prepare_text
from munmaek.tasks.mlm.fit import fit_encoder
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.work import NOTHING_MORE, Measured, Paths, Work
from munmaek.text.corpora import Corpus, read_text

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.fit.running import Run

__all__ = ["MaskedModels", "restored_encoder"]


class MaskedModels(Work[Corpus, Text, Encoder]):
    """Running text in, an encoder that fills masked words out."""

    def read(self, paths: Paths, recipe: Recipe) -> Corpus:
        """Read running text, a line a text."""
        return read_text(paths, column=recipe.text_column)

    def prepare(
        self,
        corpus: Corpus,
        valid: Corpus | None,
        recipe: Recipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
    ) -> Text:
        """Return the lines as ids, with lines or whole documents held out."""
        return prepare_text(corpus, valid, recipe, tokenizer=tokenizer_of(recipe, init))

    def fit(self, prepared: Text, recipe: Recipe, run: "Run") -> Encoder:
        """Train the recipe's stage to fill masked words."""
        return fit_encoder(prepared, recipe, run)

    def validate(self, model: Encoder, prepared: Text) -> Measured:
        """Measure the masked words of the lines held out."""
        assert prepared.valid_corpus is not None  # an encoder is trained, so some is held out
        return Measured(model.evaluate(prepared.valid_corpus))

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Encoder:
        """Open a network, and what the record says of vectors of texts."""
        return restored_encoder(folder, manifest, info)

    def adopt(self, opened: "OpenedCheckpoint") -> Encoder | None:
        """Return a checkpoint that fills masked words or has no head; with its way to vectors."""
        if opened.head not in ("mlm", "base"):
            return None
        encoder = Encoder(opened.tokenizer, opened.network, opened.info, opened.limit)
        if opened.sentence is None:
            return encoder
        return replace(
            encoder,
            pooling=opened.sentence.pooling,
            normalised=opened.sentence.normalised,
            sentence=opened.sentence.settings,
        )


def restored_encoder(folder: Path, manifest: Mapping[str, Any], info: Info) -> Encoder:
    """Return the encoder of a folder; one without a head for words is a network for vectors."""
    task = "embed" if "pooled" in info.sizes else info.task
    encoder = Encoder(
        named_tokenizer(folder, manifest, "tokenizer"),
        open_network(folder, info, task=task),
        info,
        manifest["limit"],
        pooling=manifest.get("pooling", "mean"),
        normalised=manifest.get("normalised", False),
    )
    if "sentence" not in manifest:
        return encoder
    return replace(encoder, sentence=load_settings(manifest["sentence"], folder))
