"""Options of a translator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.recipe import TokenizerName
from munmaek.metrics.source_length import EDGES
from munmaek.tasks.asked import Asked
from munmaek.tasks.recipe import Bounded, Column
from munmaek.text.parallel import Sides, sides_of

__all__ = ["AskedBitext", "TranslateRecipe"]


class TranslateRecipe(Bounded):
    """Options of translators."""

    training: ClassVar[tuple[str, ...]] = (
        "bpe_dropout",
        "label_smoothing",
        "alignment_weight",
        "alignment_repeat",
    )

    source_tokenizer: TokenizerName | None = None
    """Tokenizer of the source alone, or a model's folder; without it ``tokenizer``."""
    joint_vocabulary: bool = False
    """Learn one tokenizer from both sides, with one embedding for both."""
    source_tag: str = ""
    """Tag before every source, such as <2ko> (Johnson et al. 2017); to be written so before what is
    translated later."""
    source_column: Column = None
    """Column of a table's sources: its name, or its number from 0; without it, found by its name:
    source, or that of a language."""
    target_column: Column = None
    """Column of a table's targets, found alike."""
    source_language: str | None = None
    """Language of the sources where a table or file has several: ko, Korean, ko-KR."""
    target_language: str | None = None
    """Language of the targets where a table or file has several."""
    tag_column: Column = None
    """Column of a table with the tag of each source instead: its name, or its number from 0."""
    back_translated_tag: str = "<BT>"
    """Tag before sources that a model made (Caswell et al. 2019); '' is none."""
    bpe_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability that a merge of bpe or morphemes+bpe is left out, anew in each epoch; 0.1 is
    usual (Provilkov et al. 2020)."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Share of the target distribution that is spread over all tokens (Szegedy et al. 2016, §7)."""
    alignment_weight: float = Field(default=1.0, ge=0)
    """Weight of the alignment supervision in the loss (Garg et al. 2019, §4.2)."""
    alignment_repeat: int = Field(default=1, ge=1)
    """Times that a pair with links of its own is seen in each epoch."""

    @property
    def sides(self) -> Sides:
        """Return where sources and targets stand in a table."""
        return sides_of(self)

    @property
    def tokenizers(self) -> tuple[str, str]:
        """Return the kinds, or folders, of the source's tokenizer and of the target's."""
        return self.source_tokenizer or self.tokenizer, self.tokenizer

    def check_options(self, where: str) -> None:
        """Check that one vocabulary is learned by one tokenizer.

        Raises:
            ConfigError: two tokenizers.
        """
        source, target = self.tokenizers
        if self.joint_vocabulary and source != target:
            message = (
                f"{where}: joint_vocabulary is one tokenizer for both sides, got '{source}' for "
                f"the source and '{target}' for the target; leave one of the options out"
            )
            raise ConfigError(message)

    def check_alignment(self, *, given: bool, counts_words: bool) -> None:
        """Check that alignment supervision goes with the other options.

        Args:
            given: there is one.
            counts_words: it names words by their number, of texts without tags.

        Raises:
            UnsupportedError: subwords that change from epoch to epoch, or words that tags shift.
        """
        if given and self.bpe_dropout > 0:
            message = (
                "alignment supervision links the subwords of each pair, which bpe_dropout cuts "
                "anew; drop one"
            )
            raise UnsupportedError(message)
        if counts_words and (self.source_tag or self.tag_column is not None):
            message = (
                "alignment supervision counts the words of the source, which a tag shifts by one; "
                "write the tags into the text itself, or let the built-in aligner find the links: "
                "--alignment-supervision statistical"
            )
            raise UnsupportedError(message)


class AskedBitext(Asked):
    """Options of an evaluation of translators."""

    beam: int = Field(default=5, ge=1)
    """Hypotheses kept at every step; 1 is greedy."""
    ter: bool = True
    """Count the edits too (TER); slow on long sentences."""
    bleu_tokenizer: str | None = None
    """sacreBLEU's tokenizer, such as ko-mecab; without it char where most letters of the references
    are Hangul, Han or kana, else 13a."""
    by_length: bool = False
    """Give the scores by source length too."""
    diagnose: bool = False
    """Say whether it ignores its source, copies or repeats itself."""
    reference: Sequence[str | Path] | Any = None
    """Further references of each source, a file of lines each; BLEU, chrF and TER take the nearest
    of all, the perplexity that of the first."""
    lengths: tuple[int, ...] = EDGES
    """Upper bounds, in source words, of the lengths that scores are given by."""
    source_tag: str | None = None
    """Text put before every source, such as <2ko>."""
    source_column: Column = None
    """Column of a table's sources: its name, or its number from 0; without it, found by its name:
    source, or that of a language."""
    target_column: Column = None
    """Column of a table's targets, found alike."""
    source_language: str | None = None
    """Language of the sources where a table or file has several: ko, Korean, ko-KR."""
    target_language: str | None = None
    """Language of the targets where a table or file has several."""
    tag_column: Column = None
    """Column of a table with what stands before each source."""
