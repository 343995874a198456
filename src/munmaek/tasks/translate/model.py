"""A trained translator: text to text, with the links between the words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, final

from munmaek.align import Symmetrisation
from munmaek.decode import BeamTree, Hypothesis, Search, beam_search
from munmaek.errors import UnsupportedError
from munmaek.fit.trained import Files, Model
from munmaek.folder.info import Info
from munmaek.folder.manifest import MARK
from munmaek.folder.saving import save_config
from munmaek.folder.weights import save_network
from munmaek.metrics import Score, Signature, sign_model
from munmaek.models.networks import TranslatorNetwork
from munmaek.nn.building import device_of
from munmaek.progress import followed
from munmaek.tasks.answering import Answers
from munmaek.tasks.inside import Accepts, HeadsOff, Predictions, Question
from munmaek.tasks.translate.filling import Filled, fill_xliff
from munmaek.tasks.translate.forcing import forced
from munmaek.tasks.translate.objective import DecoderRows
from munmaek.tasks.translate.predictions import translation_predictions
from munmaek.tasks.translate.quality import judge
from munmaek.tasks.translate.translating import Decoding, Ensemble
from munmaek.tasks.translate.translation import (
    Translation,
    longest_target,
    never_written,
    translation_of,
    word_weights,
)
from munmaek.text.given import paired_texts
from munmaek.text.parallel import ParallelCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Found", "Reading", "Translation", "Translator"]

Reading = Literal["output", "input"]
"""The step whose attention speaks for a target word: the one that emits it or that reads it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One output of a beam search."""

    text: str
    hypothesis: Hypothesis


@final
@dataclass(frozen=True, slots=True, repr=False)
class Translator(Model, Answers):
    """A network with both tokenizers."""

    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    network: TranslatorNetwork
    info: Info
    limit: int = 256
    """Source tokens that are read; the rest of a longer sentence is cut."""

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        max_length: int | None = None,
        links: bool = True,
    ) -> list[Translation]:
        """Translate each text, in their order: the best translation; an empty text stays empty.

        Args:
            texts: source sentences.
            beam: hypotheses kept at every step; 1 is greedy.
            max_length: target tokens at most; by default 1.5 times the source and 20 more.
            links: keep the attention; without it decoding is faster.
        """
        decoding = Decoding(beam=beam, max_length=max_length)
        return [found[0] for found in self.translate_with(decoding, texts, links=links)]

    def translate_with(
        self,
        decoding: Decoding,
        texts: Sequence[str],
        *,
        must: Sequence[Sequence[str]] = (),
        links: bool = True,
    ) -> list[list[Translation]]:
        """Translate each text by another search: ``Ensemble.translate`` of one."""
        return Ensemble((self,)).translate(texts, decoding, must=must, links=links)

    def fill_xliff(
        self, source: str | Path, output: str | Path, *, overwrite: bool = False, beam: int = 5
    ) -> Filled:
        """Write a translation file (XLIFF) with its targets filled; all else stays to the byte.

        Args:
            source: the file, XLIFF 1.2, 2.0 or 2.1, maybe compressed.
            output: where it goes; may be the same file.
            overwrite: translate anew what has a translation that no person has finished.
            beam: hypotheses kept at every step; 1 is greedy.

        Returns:
            Counts of what was translated, kept and left.

        Raises:
            InputError: the file cannot be read, or is no translation file.
        """
        return fill_xliff(
            source, Path(output), partial(self.translate, beam=beam), overwrite=overwrite
        )

    def align(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        *,
        reading: Reading = "output",
        by: Symmetrisation | None = None,
        layer: int | None = None,
        head: int | None = None,
    ) -> list[Translation]:
        """Force each given target as the translation, and return its score and links.

        Args:
            sources: source texts.
            targets: their translations.
            reading: which step speaks for a target word, the one that emits it ("output") or the
                one that reads it ("input", Chen et al. 2020, §3.1).
            by: how links of each target word to the source word it attends to most are joined with
                links of each source word to the target word that attends to it most; None has the
                former alone.
            layer: decoder layer whose attention is read; None is the model's alignment.
            head: the head of that layer; None is the mean of all.

        Raises:
            ConfigError: a layer or head that the model has not.
        """
        sources, targets = paired_texts(sources, targets)
        encoded = [self.source_ids(ids) for ids in self.source_tokenizer.encode_many(sources)]
        wanted = self.target_tokenizer.encode_many(targets)
        ends = {"bos": self.target_tokenizer.bos, "eos": self.target_tokenizer.eos}
        order = sorted(range(len(sources)), key=lambda row: len(wanted[row]) + len(encoded[row]))
        out: dict[int, Translation] = {}
        for at in followed(range(0, len(order), 64), "pairs"):
            rows = order[at : at + 64]
            found = forced(
                self.network,
                [encoded[row] for row in rows],
                [wanted[row] for row in rows],
                **ends,
                layer=layer,
                head=head,
            )
            for row, best in zip(rows, found, strict=True):
                shifted = best if reading == "output" else _one_later(best)
                weights = word_weights(
                    self.source_tokenizer, encoded[row], self.target_tokenizer, shifted
                )
                out[row] = translation_of(sources[row], targets[row], shifted, weights, by=by)
        return [out[row] for row in range(len(sources))]

    def quantised(self) -> "Translator":
        """Return the translator with its products in 8-bit integers: nearly the same, and faster.

        Raises:
            UnsupportedError: the network is not on the processor.
        """
        if device_of(self.network).type != "cpu":
            raise UnsupportedError("int8 is for the processor; leave it out or use --device cpu")
        from munmaek.models.translator_int8 import int8_translator

        return replace(
            self, network=cast("TranslatorNetwork", int8_translator(cast("Any", self.network)))
        )

    def source_ids(self, ids: Sequence[int]) -> list[int]:
        """Return as many of a text's tokens as the network reads (``limit``), and </s>."""
        return [*ids[: self.limit - 1], self.source_tokenizer.eos]

    def rows(self, sources: Sequence[Sequence[int]], *, look: bool) -> DecoderRows:
        """Return the network given these sources, which end with </s>.

        ``look`` is for those who want its attention.
        """
        tokenizer = self.target_tokenizer
        return DecoderRows(
            self.network, sources, tokenizer.bos, tokenizer.eos, tokenizer.vocab_size, look
        )

    def evaluate(self, corpus: ParallelCorpus, *, beam: int = 5) -> dict[str, Score]:
        """Return BLEU and chrF of beam search and the references' perplexity, with intervals."""
        return judge(self, corpus, beam=beam, with_findings=False).scores

    def signature(self, *, beam: int) -> Signature:
        """Return what every score of this translator shares."""
        tokenizer = self.target_tokenizer
        more = (("beam", str(beam)),)
        return sign_model(tokenizer, task="translate", stage=self.info.stage, more=more)

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: a sentence, maybe its translation."""
        return Accepts(self.source_tokenizer, writer=self.target_tokenizer, limit=self.limit)

    def predictions(self, question: Question) -> Predictions:
        """Read a sentence and a translation, its own or the given one; return what was computed."""
        return translation_predictions(self, question)

    def search(
        self,
        source: str,
        *,
        beam: int = 5,
        off: HeadsOff | None = None,
        tree: BeamTree | None = None,
    ) -> list[Found]:
        """Return all that beam search ends with for one sentence, best first.

        Args:
            source: one sentence.
            beam: hypotheses kept at every step.
            off: heads to switch off.
            tree: where to keep every step of the search.
        """
        ids = self.source_ids(self.source_tokenizer.encode(source))
        return self.search_ids(ids, beam=beam, off=off, tree=tree)

    def search_ids(
        self,
        ids: Sequence[int],
        *,
        beam: int,
        off: HeadsOff | None = None,
        tree: BeamTree | None = None,
        memory: Any = None,
    ) -> list[Found]:
        """Return what ``search`` gives for what the network reads of a sentence.

        Args:
            ids: source tokens that end with </s>.
            beam: as in ``search``.
            off: as in ``search``.
            tree: as in ``search``.
            memory: what the encoder gave of them; None encodes them.
        """
        rows = replace(self.rows([ids], look=True), off=off or {}, memory=memory)
        search = Search(
            [longest_target(len(ids))],
            beam=beam,
            n_best=beam,
            banned=never_written(self.target_tokenizer),
        )
        found = beam_search(rows, search, tree=tree)[0]
        return [Found(self.target_tokenizer.decode(each.tokens).strip(" "), each) for each in found]

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        return {
            "source_tokenizer.json": self.source_tokenizer.save,
            "tokenizer.json": self.target_tokenizer.save,
            "model.safetensors": partial(save_network, self.network, stage=self.info.stage),
            "config.json": lambda path: save_config(path, self.info, mark=MARK),
        }

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "source_tokenizer": self.source_tokenizer.describe(),
            "tokenizer": self.target_tokenizer.describe(),
            "limit": self.limit,
        }


def _one_later(best: Hypothesis) -> Hypothesis:
    """Return the hypothesis with each token's attention from the step that reads it."""
    attention = best.attention
    return best if attention is None else replace(best, attention=attention[1:])
