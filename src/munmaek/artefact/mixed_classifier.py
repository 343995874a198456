r"""Several classifiers as one: the weighted mean of their probabilities.

    p(c | x) = Σ_i λ_i p_i(c | x),    λ_i ≥ 0, Σ_i λ_i = 1

Classifiers of different stages err on different texts, so that their mean errs less often than
either (Hansen & Salamon 1990). Each reads with its own tokenizer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from munmaek.artefact.classifier import Classifier
from munmaek.artefact.folder import write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.labelling import Labeller, check_pairs, label_indices
from munmaek.artefact.mixing import MIXTURE, mixture_label
from munmaek.artefact.settings import save_settings
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.metrics import Signature, sign
from munmaek.metrics.calibration import tempered
from munmaek.mixing import interpolated, tune_mixture
from munmaek.text.corpora import LabelledCorpus

__all__ = ["MixedClassifier", "mix_classifiers"]


@final
@dataclass(frozen=True, slots=True)
class MixedClassifier(Labeller):
    """Classifiers of the same labels, and the weight of each."""

    parts: tuple[Classifier, ...]
    weights: tuple[float, ...]
    """λ: shares that sum to 1."""
    labels: tuple[str, ...]
    info: Info
    pairs: bool | None = False
    temperature: float = 1.0

    @property
    def signature(self) -> Signature:
        """What its scores share: stages with their weights, and the tokenizer of each."""
        shares = zip(self.weights, self.parts, strict=True)
        stages = ", ".join(f"{part.info.stage} {weight:.3f}" for weight, part in shares)
        tokenizers = list(dict.fromkeys(part.tokenizer.signature for part in self.parts))
        unknown = list(dict.fromkeys(part.tokenizer.oov for part in self.parts))
        return sign(
            task="classify",
            stage=f"{MIXTURE}({stages})",
            tokenizer=" and ".join(tokenizers),
            oov=" and ".join(unknown),
        )

    def logprobs(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None
    ) -> NDArray[np.float64]:
        """As ``Labeller.logprobs``; the temperature is that of the mixture."""
        check_pairs(self.pairs, given=seconds is not None, label=self.info.label)
        rows = [_ordered(part, self.labels, texts, seconds) for part in self.parts]
        return tempered(interpolated(np.stack(rows), self.weights), self.temperature)

    def at(self, temperature: float) -> Self:
        """This mixture with another temperature."""
        return replace(self, temperature=temperature)

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, with a copy of every part, aside and renamed.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        parts = {f"part-{place}": part.save for place, part in enumerate(self.parts)}
        write_folder(
            Path(folder),
            files={"config.json": lambda path: save_settings(path, self.info), **parts},
            manifest={
                **self.info.to_json(),
                "labels": list(self.labels),
                "pairs": self.pairs,
                "temperature": self.temperature,
            },
            force=force,
        )


def _ordered(
    part: Classifier,
    labels: Sequence[str],
    texts: Sequence[str],
    seconds: Sequence[str] | None,
) -> NDArray[np.float64]:
    """What the part gives each label, in the order of ``labels``."""
    places = [part.labels.index(label) for label in labels]
    return part.logprobs(texts, seconds)[:, places]


def mix_classifiers(
    parts: Sequence[Classifier],
    *,
    weights: Sequence[float] | None = None,
    tune: LabelledCorpus | None = None,
) -> MixedClassifier:
    """One classifier of several that know the same labels, of any stages and tokenizers.

    Args:
        parts: two or more.
        weights: one for each, which sum to 1.
        tune: held-out texts whose labels' likelihood chooses the weights, where they are not
            given, by expectation–maximisation.

    Raises:
        ConfigError: neither weights nor texts to tune them on, or weights out of range.
        InputError: a label of ``tune`` that they do not know, or pairs where they read single
            texts.
        UnsupportedError: they know different labels, or some read pairs of texts and others not.
    """
    _check(parts)
    labels = parts[0].labels
    pairs = next((part.pairs for part in parts if part.pairs is not None), None)
    if weights is None:
        if tune is None:
            raise ConfigError("a mixture needs weights, or held-out texts to tune them on")
        gold = label_indices(tune, labels)
        rows = [_ordered(part, labels, tune.texts, tune.seconds) for part in parts]
        weights = tune_mixture([row[np.arange(len(gold)), gold] for row in rows])
    chosen = tuple(float(weight) for weight in weights)
    if len(chosen) != len(parts) or min(chosen) < 0 or abs(sum(chosen) - 1) > 1e-6:
        message = f"wanted {len(parts)} weights of at least 0 that sum to 1, got {list(chosen)}"
        raise ConfigError(message)
    info = Info(
        task="classify",
        stage=MIXTURE,
        label=mixture_label(chosen, parts),
        config={"weights": list(chosen), "parts": [part.info.label for part in parts]},
        sizes={"label_count": len(labels)},
        parameters=sum(part.info.parameters for part in parts) + len(parts),
        seconds=sum(part.info.seconds for part in parts),
        data={} if tune is None else {"tune": {"name": tune.name, "sha256": tune.fingerprint}},
    )
    return MixedClassifier(tuple(parts), chosen, labels, info, pairs)


def _check(parts: Sequence[Classifier]) -> None:
    if len(parts) < 2:
        message = f"a mixture needs at least 2 models, got {len(parts)}"
        raise ConfigError(message)
    known = next((part.pairs for part in parts if part.pairs is not None), None)
    for place, part in enumerate(parts, start=1):
        if set(part.labels) != set(parts[0].labels):
            message = (
                f"model {place} knows the labels {', '.join(part.labels[:10])}, and model 1 "
                f"{', '.join(parts[0].labels[:10])}; a mixture needs the same"
            )
            raise UnsupportedError(message)
        if part.pairs not in (None, known):
            kind = "pairs of" if part.pairs else "single"
            message = f"model {place} reads {kind} texts, and others not"
            raise UnsupportedError(message)
