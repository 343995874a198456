"""The work of task translate: sentence pairs to a trained translator, and back from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from munmaek.align import AlignmentSupervision, read_supervision, statistical_links, tokenizer_hash
from munmaek.errors import UnsupportedError
from munmaek.fit.extra import STATISTICAL, Extra, SupervisionSource
from munmaek.fit.vocabulary import begun_with
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.weights import open_network
from munmaek.models import stages
from munmaek.planning.facts import Facts, facts_of
from munmaek.tasks.judged import Judged
from munmaek.tasks.translate.bitexts import read_back_translated, read_pairs, tagged
from munmaek.tasks.translate.data import Parallel, prepare_parallel
from munmaek.tasks.translate.measuring import judged_translations, with_references
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.options import AskedBitext, TranslateRecipe
from munmaek.tasks.translate.quality import judge
from munmaek.tasks.work import NOTHING_MORE, Measured, Work
from munmaek.text.memory import Sources
from munmaek.text.parallel import ParallelCorpus, read_parallel, sides_of
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.fit.running import Run

__all__ = ["Translators"]


class Translators(Work[ParallelCorpus, Parallel, Translator]):
    """Sentence pairs in, a translator out."""

    layouts = (("source", "target"),)

    def read(self, paths: Sources, recipe: TranslateRecipe) -> ParallelCorpus:
        """Read sentence pairs, with the recipe's tags before their sources."""
        return read_pairs(paths, recipe)

    def facts(self, corpus: ParallelCorpus) -> Facts:
        """Return sizes of sources and targets."""
        return facts_of(corpus.sources, corpus.targets)

    def prepare(
        self,
        corpus: ParallelCorpus,
        valid: ParallelCorpus | None,
        recipe: TranslateRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Parallel:
        """Return the pairs as ids, with pairs held out, and the links that guide attention.

        Raises:
            UnsupportedError: ``init`` is no translator, or the guide does not go with the recipe.
        """
        if init is not None and not isinstance(init, Translator):
            message = (
                f"--init: a model for '{init.info.task}' cannot begin a translator; --tokenizer "
                "takes over its tokenizer alone"
            )
            raise UnsupportedError(message)
        guide, more = extra.alignment_supervision, extra.back_translated
        tokenizers = cast("tuple[Tokenizer, Tokenizer] | None", begun_with(recipe, init) or None)
        recipe.check_alignment(
            given=guide is not None, counts_words=guide not in (None, STATISTICAL)
        )
        pairs = prepare_parallel(
            corpus,
            valid,
            recipe,
            tokenizers=tokenizers,
            guides=None if guide == STATISTICAL else _known_guides(guide, corpus, tokenizers),
            more=read_back_translated(more, recipe) if more else None,
        )
        if guide != STATISTICAL:
            return pairs
        return replace(pairs, guides=_aligned(pairs.train_corpus))

    def fit(self, prepared: Parallel, recipe: TranslateRecipe, run: "Run") -> Translator:
        """Train the recipe's stage to turn sources into targets."""
        from munmaek.tasks.translate.fit import fit_translator

        return fit_translator(prepared, recipe, run)

    def validate(self, model: Translator, prepared: Parallel) -> Measured:
        """Measure translations of the pairs held out, and look for what is wrong with them."""
        quality = judge(model, prepared.valid_corpus)
        return Measured(quality.scores, quality.findings)

    def judge(self, model: Translator, corpus: ParallelCorpus, asked: AskedBitext) -> Judged:
        """Judge translations, in all and by length of the source."""
        return judged_translations(model, corpus, asked)

    def examples(
        self, test: ParallelCorpus, outputs: Mapping[str, Sequence[str]]
    ) -> dict[str, Any]:
        """Return a few sentences, from short to long, with what each model made of them."""
        order = sorted(range(test.size), key=lambda index: len(test.sources[index].split()))
        chosen = [order[len(order) * part // 6] for part in range(1, 6)]
        rows = [
            {
                "source": test.sources[index],
                "reference": test.targets[index],
                "outputs": {name: texts[index] for name, texts in outputs.items()},
            }
            for index in dict.fromkeys(chosen)
        ]
        return {"translations": rows}

    def read_test(self, model: Translator, paths: Sources, asked: AskedBitext) -> ParallelCorpus:
        """Read sentence pairs, with tags before their sources."""
        pairs = tagged(
            read_parallel(paths, tag_column=asked.tag_column, sides=sides_of(asked)),
            asked.source_tag or "",
        )
        return pairs if asked.reference is None else with_references(pairs, asked.reference)

    def forms(self, model: Translator) -> tuple[str, ...]:
        """Return the form that decoders of others have for the stage."""
        row = stages().get(model.info.stage)
        return ("ctranslate2",) if row is not None and row.specified_by else ()

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Translator:
        """Open a network and its two tokenizers."""
        source, target = (
            cast("Tokenizer", named_tokenizer(folder, manifest, name))
            for name in ("source_tokenizer", "tokenizer")
        )
        return Translator(source, target, open_network(folder, info), info, manifest["limit"])


def _known_guides(
    guide: SupervisionSource,
    corpus: ParallelCorpus,
    tokenizers: tuple[Tokenizer, Tokenizer] | None,
) -> Sequence[AlignmentSupervision | None] | None:
    """Return the guide of each pair. Marks must be of the tokenizers that training begins from."""
    if not isinstance(guide, Path | str):
        return guide
    marked_with = None if tokenizers is None else tokenizer_hash(*tokenizers)
    return read_supervision(guide, corpus.sources, corpus.targets, tokenizer=marked_with)


def _aligned(corpus: ParallelCorpus) -> list[AlignmentSupervision | None]:
    links = statistical_links(corpus.sources, corpus.targets)
    return [AlignmentSupervision(each) if each else None for each in links]
