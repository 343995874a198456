"""Mixtures that a comparison makes of its language models: the best network with n-grams."""

from collections.abc import Sequence
from dataclasses import replace

from munmaek.folder.info import MIXTURE
from munmaek.tasks.lm.mixing import mix
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import judged_text
from munmaek.tasks.work import Combined, Combiner, Measured, timed
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["MixtureWithCounts", "in_tokens"]


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
        judged, seconds = timed(lambda: judged_text(made.model, made.tokenizer, test, stage=stage))
        found = in_tokens(
            Measured(judged.scores, per_second=test.size / seconds, measures=judged.measures),
            made.tokenizer,
            test,
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


def in_tokens(measured: Measured, tokenizer: Tokenizer, corpus: Corpus) -> Measured:
    """Return what was measured with tokens a second, ends of lines counted, not lines."""
    assert measured.per_second is not None
    tokens = sum(len(ids) + 1 for ids in tokenizer.encode_many(corpus.lines))
    speed = measured.per_second * tokens / max(corpus.size, 1)
    return replace(measured, per_second=speed, unit="tokens")
