"""The quality of a translator on given pairs, and what is wrong with it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from munmaek.data.batches import PairBatch
from munmaek.data.bucketing import bucket
from munmaek.metrics import (
    LengthBucket,
    Likelihoods,
    Measure,
    Score,
    Signature,
    by_length,
    check_bleu_tokenizer,
    count_text,
    measures,
    resting_on,
)
from munmaek.metrics.diagnosis import FEWEST, Finding, diagnose
from munmaek.metrics.source_length import EDGES
from munmaek.models.networks import TranslatorNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.progress import followed
from munmaek.tasks.translate.forcing import target_logprobs
from munmaek.tasks.translate.objective import Pairs
from munmaek.text.parallel import ParallelCorpus

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["TranslationQuality", "judge", "reference_likelihoods"]

BATCH = 2048
"""Source and target tokens that are scored at once."""


@dataclass(frozen=True, slots=True)
class TranslationQuality:
    """A translator on the pairs of a corpus."""

    corpus: ParallelCorpus
    outputs: tuple[str, ...]
    measures: Mapping[str, Measure]
    findings: tuple[Finding, ...]
    """Failures that were looked for, found or not; empty on a handful of pairs, or where
    unasked."""
    signature: Signature
    seconds: float
    """Seconds that translating took, by the wall clock."""

    @property
    def scores(self) -> dict[str, Score]:
        """BLEU, chrF, TER where it was counted, perplexity and bits, with 95 % intervals.

        A handful of pairs has no BLEU.
        """
        scores = {
            name: measure.score(self.signature, rng=np.random.default_rng(0))
            for name, measure in self.measures.items()
            if measure.given(len(self.outputs))
        }
        return resting_on(scores, self.corpus.name, len(self.outputs), "pairs")

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each failure that was found."""
        return tuple(each.message for each in self.findings if each.found)

    def by_length(self, *, edges: Sequence[int] = EDGES) -> list[LengthBucket]:
        """Return all scores by length of the source in words; ``edges`` are inclusive."""
        return by_length(
            self.corpus.sources,
            self.outputs,
            self.corpus.targets,
            signature=self.signature,
            edges=edges,
            rng=np.random.default_rng(0),
            measured=self.measures,
            data=self.corpus.name,
        )


def judge(
    translator: "Translator",
    corpus: ParallelCorpus,
    *,
    beam: int = 5,
    with_ter: bool = False,
    with_findings: bool = True,
    bleu_tokenizer: str | None = None,
) -> TranslationQuality:
    """Translate, score and look for failures.

    Args:
        translator: a trained model.
        corpus: sources with their references.
        beam: hypotheses kept at every step; 1 is greedy.
        with_ter: count TER's edits too; slow on long sentences.
        with_findings: look for failures too, for which the references are read once more.
        bleu_tokenizer: sacreBLEU's, by default what suits the references.

    Raises:
        ConfigError: no such tokenizer.
        UnsupportedError: the analyser that it needs is not installed.
    """
    if bleu_tokenizer is not None:
        check_bleu_tokenizer(bleu_tokenizer)
    began = time.perf_counter()
    found = translator.translate(corpus.sources, beam=beam, links=False)
    seconds = time.perf_counter() - began
    outputs = tuple(each.translation for each in found)
    likelihoods = reference_likelihoods(translator, corpus.sources, corpus.targets)
    findings: tuple[Finding, ...] = ()
    if with_findings and len(outputs) >= FEWEST:
        others = _shuffled(corpus.sources, np.random.default_rng(0))
        shuffled = reference_likelihoods(translator, others, corpus.targets)
        findings = diagnose(
            corpus.sources, outputs, corpus.targets, true=likelihoods, shuffled=shuffled
        )
    made = measures(
        outputs,
        corpus.references,
        likelihoods=likelihoods,
        with_ter=with_ter,
        tokenizer=bleu_tokenizer,
    )
    tokens = translator.target_tokenizer.fingerprint
    if "perplexity" in made:
        made["perplexity"] = replace(made["perplexity"], basis=tokens)
    signature = translator.signature(beam=beam)
    return TranslationQuality(corpus, outputs, made, findings, signature, seconds)


@inference()
def reference_likelihoods(
    translator: "Translator", sources: Sequence[str], targets: Sequence[str]
) -> Likelihoods:
    """Score each target after its source, read at once (teacher forcing)."""
    network, writing = translator.network, translator.target_tokenizer
    pairs = Pairs(
        [translator.source_ids(ids) for ids in translator.source_tokenizer.encode_many(sources)],
        [[writing.bos, *ids, writing.eos] for ids in writing.encode_many(targets)],
    )
    lengths = pairs.lengths()
    logprobs = np.zeros(len(sources))
    for chosen in followed(list(bucket(lengths, max_tokens=BATCH, rng=None)), "pairs"):
        batch = PairBatch.gather(pairs.sources, pairs.targets, chosen, writing.pad)
        logprobs[chosen] = _logprobs(network, batch)
    return Likelihoods(logprobs, lengths[1] - 1, count_text(targets).characters)


def _logprobs(network: TranslatorNetwork, batch: PairBatch) -> NDArray[np.float64]:
    """Return the natural-log probability of each row's target: [B]."""
    target = tensor(batch.target, network)
    memory = network.encode(tensor(batch.source, network), tensor(batch.source_lengths, network))
    hidden = network.decode(memory, target[:, :-1])
    return target_logprobs(network, hidden, target[:, 1:], batch.target_lengths - 1).sum(1)


def _shuffled(sources: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Put every source at the place of another."""
    order = rng.permutation(len(sources)).tolist()
    out = list(sources)
    for here, there in zip(order, [*order[1:], order[0]], strict=True):
        out[here] = sources[there]
    return out
