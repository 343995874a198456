"""Mixtures that a comparison makes of its language models: the best network with n-grams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from munmaek.metrics import Score
from munmaek.tasks.lm.mixing import MIXTURE, mix
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import corpus_scores
from munmaek.tasks.work import Combined, Combiner, Measured, timed
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["MixtureWithCounts", "measured"]


class MixtureWithCounts(Combiner[TrainedLanguageModel]):
    """Mixes the best network with the first n-gram model that reads the same tokens."""

    def chosen(
        self, compared: Sequence[tuple[TrainedLanguageModel, Measured]]
    ) -> Sequence[TrainedLanguageModel]:
        """Return the network that needs the fewest bits a character, and the n-gram model."""
        counted = next((model for model, _ in compared if model.is_counted), None)
        bits = [
            (found.scores["bits_per_character"].value, number)
            for number, (model, found) in enumerate(compared)
            if counted is not None
            and not model.is_counted
            and model.tokenizer.fingerprint == counted.tokenizer.fingerprint
        ]
        return () if counted is None or not bits else (compared[min(bits)[1]][0], counted)

    def combine(
        self, parts: Sequence[TrainedLanguageModel], held: Corpus, test: Corpus
    ) -> Combined[TrainedLanguageModel]:
        """Return two models mixed by the weight that is best on ``held``, measured on ``test``."""
        first, second = (part.info for part in parts)
        made = mix(parts, tune=held)
        weight = made.info.config["weights"][0]
        stage = f"{MIXTURE}({first.stage} {weight:.3f}, {second.stage} {1 - weight:.3f})"
        found = measured(
            made.tokenizer,
            test,
            lambda: corpus_scores(made.model, made.tokenizer, test, stage=stage),
        )
        info = replace(
            made.info,
            label=f"{first.label} + {second.label}",
            parameters=first.parameters + second.parameters,
            seconds=first.seconds + second.seconds,
        )
        context = f"both: {weight:.0%} {first.label}, {1 - weight:.0%} {second.label}"
        entries = {"weight": weight}
        return Combined(replace(made, info=info), context, replace(found, entries=entries))


def measured(
    tokenizer: Tokenizer, corpus: Corpus, score: Callable[[], Mapping[str, Score]]
) -> Measured:
    """Return what ``score`` finds, and the tokens that it reads a second, ends of lines counted."""
    scores, seconds = timed(score)
    tokens = sum(len(ids) + 1 for ids in tokenizer.encode_many(corpus.lines))
    return Measured(scores, per_second=tokens / seconds, unit="tokens")
