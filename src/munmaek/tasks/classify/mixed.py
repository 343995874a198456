r"""Several classifiers as one: the weighted mean of their probabilities, or the product of powers.

    linear       p(c | x) = Σ_i λ_i p_i(c | x),          λ_i ≥ 0, Σ_i λ_i = 1
    log-linear   p(c | x) ∝ Π_i p_i(c | x)^{λ_i},        λ_i ≥ 0

Classifiers of different stages err on different texts, so that together they err less often than
either (Hansen & Salamon 1990). Each reads with its own tokenizer. In the mean a classifier that is
surer than it should be drowns the others; in the product its exponent corrects that, as a
temperature of 1/λ would (Hinton 2002), so n-grams, which count every word as news of its own, are
best mixed there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.trained import Files
from munmaek.folder.info import MIXTURE, Info
from munmaek.folder.settings import save_settings
from munmaek.metrics import Signature, sign
from munmaek.metrics.calibration import tempered
from munmaek.metrics.thresholds import NONE, Thresholds
from munmaek.mixing import interpolated, multiplied, tune_log_linear_labels, tune_mixture
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.framed import read_labels
from munmaek.tasks.inside import NOTHING, Accepts, Predictions, Question, Words
from munmaek.tasks.labelling import Labeller, check_known, check_pairs, sides
from munmaek.tasks.lm.mixing import LINEAR, LOG_LINEAR, mixture_label, part_names
from munmaek.text.corpora import LabelledCorpus

__all__ = ["MixedClassifier", "mix_classifiers"]

LEAST = float(np.log(np.finfo(np.float64).tiny))
"""Logarithm of an impossible label in a product, so that no one part can forbid it."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class MixedClassifier(Labeller):
    """Classifiers of the same labels, and the weight of each."""

    parts: tuple[Classifier, ...]
    weights: tuple[float, ...]
    """λ: shares that sum to 1, or exponents where it is log-linear."""
    labels: tuple[str, ...]
    info: Info
    pairs: bool | None = False
    temperature: float = 1.0
    thresholds: Thresholds = NONE

    @property
    def log_linear(self) -> bool:
        """Tell whether powers of the probabilities are multiplied."""
        return self.info.config.get("interpolation") == LOG_LINEAR

    @property
    def signature(self) -> Signature:
        """Return what its scores share: stages with their weights, and the tokenizer of each."""
        shares = zip(self.weights, self.parts, strict=True)
        stages = ", ".join(f"{part.info.stage} {weight:.3f}" for weight, part in shares)
        tokenizers = list(dict.fromkeys(part.tokenizer.signature for part in self.parts))
        unknown = list(dict.fromkeys(part.tokenizer.oov for part in self.parts))
        return sign(
            task="classify",
            stage=f"{'log-linear ' if self.log_linear else ''}{MIXTURE}({stages})",
            tokenizer=" and ".join(tokenizers),
            oov=" and ".join(unknown),
        )

    def logprobs(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> Floats:
        """Return what ``Labeller.logprobs`` does; the temperature is that of the mixture."""
        texts, seconds = sides(texts, seconds)
        check_pairs(self.pairs, given=seconds is not None, label=self.info.label)
        return self._together([part.logprobs(texts, seconds) for part in self.parts])

    def _together(self, found: Sequence[Floats]) -> Floats:
        """Return what the parts say, each [N, C] of its own labels, as the mixture: [N, C]."""
        together = multiplied if self.log_linear else interpolated
        rows = _in_order(self.parts, self.labels, found)
        return tempered(together(rows, self.weights), self.temperature)

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: what its first part can."""
        return replace(self.parts[0].accepts, pairs=self.pairs)

    def predictions(self, question: Question) -> Predictions:
        """Read a text or a pair; each part reads it with its own tokenizer, the first is shown."""
        check_pairs(self.pairs, given=question.second is not None, label=self.info.label)
        framed = [part.framed(question.text, question.second) for part in self.parts]

        def without(erased: Sequence[Words]) -> Floats:
            both = zip(self.parts, framed, strict=True)
            return self._together([part.framed_logprobs(own, erased) for part, own in both])

        found = np.exp(without([NOTHING])[0]).tolist()
        chances = dict(zip(self.labels, found, strict=True))
        return read_labels(framed[0], question, chances, without=without)

    def at(self, temperature: float) -> Self:
        """Return this mixture with another temperature."""
        return replace(self, temperature=temperature, thresholds=NONE)

    def deciding(self, thresholds: Thresholds) -> Self:
        """Return the same model with other thresholds."""
        return replace(self, thresholds=thresholds)

    def files(self) -> Files:
        """Return what writes each file of the folder, and the folder of each part."""
        parts = {f"part-{place}": part.save for place, part in enumerate(self.parts)}
        return {"config.json": lambda path: save_settings(path, self.info), **parts}

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "labels": list(self.labels),
            "pairs": self.pairs,
            "temperature": self.temperature,
            **({"thresholds": self.thresholds.to_json()} if self.thresholds else {}),
        }


def _in_order(
    parts: Sequence[Classifier], labels: Sequence[str], found: Sequence[Floats]
) -> Floats:
    """Return what each part says of each of ``labels``, in their order: [K, N, C]."""
    both = zip(parts, found, strict=True)
    rows = [each[:, [part.labels.index(label) for label in labels]] for part, each in both]
    return np.maximum(np.stack(rows), LEAST)


def mix_classifiers(
    parts: Sequence[Classifier],
    *,
    weights: Sequence[float] | None = None,
    tune: LabelledCorpus | None = None,
    log_linear: bool = False,
    names: Sequence[str] = (),
) -> MixedClassifier:
    """Mix classifiers that know the same labels, of any stages and tokenizers, into one.

    Args:
        parts: two or more.
        weights: one for each; shares that sum to 1, or exponents when ``log_linear``.
        tune: held-out texts whose labels' likelihood chooses the weights, where they are not
            given: by expectation–maximisation, or by Newton's method when ``log_linear``.
        log_linear: multiply the probabilities' powers instead of adding their shares.
        names: what the parts are called; none takes what they call themselves.

    Raises:
        ConfigError: neither weights nor texts to tune them on, or weights out of range.
        InputError: a label of ``tune`` that they do not know, or pairs where they read single
            texts.
        UnsupportedError: they know different labels, some read pairs of texts and others not, or
            one gives a text several labels.
    """
    _check(parts)
    for part in parts:
        part.check_one_label("a mixture")
    labels = parts[0].labels
    pairs = next((part.pairs for part in parts if part.pairs is not None), None)
    if weights is None:
        if tune is None:
            raise ConfigError("a mixture needs weights, or held-out texts to tune them on")
        gold = check_known(tune, labels)
        said = [part.logprobs(tune.texts, tune.seconds) for part in parts]
        rows = _in_order(parts, labels, said)
        right = rows[:, np.arange(len(gold)), gold]
        weights = tune_log_linear_labels(rows, gold) if log_linear else tune_mixture(list(right))
    chosen = tuple(float(weight) for weight in weights)
    _check_weights(chosen, len(parts), log_linear=log_linear)
    called = part_names(parts, names)
    info = Info(
        task="classify",
        stage=MIXTURE,
        label=mixture_label(chosen, called),
        config={
            "interpolation": LOG_LINEAR if log_linear else LINEAR,
            "weights": list(chosen),
            "parts": called,
        },
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


def _check_weights(weights: Sequence[float], models: int, *, log_linear: bool) -> None:
    wanted = "and finite" if log_linear else "that sum to 1"
    fitting = np.isfinite(weights).all() and (log_linear or abs(sum(weights) - 1) <= 1e-6)
    if len(weights) != models or min(weights) < 0 or not fitting:
        message = f"wanted {models} weights of at least 0 {wanted}, got {list(weights)}"
        raise ConfigError(message)
