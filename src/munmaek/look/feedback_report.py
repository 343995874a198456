"""The changes of a guided run: its measures, and whether the control without marks explains them.

Letters: N sentences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.align import MarkedPair
from munmaek.errors import InputError
from munmaek.look.feedback_material import Material
from munmaek.metrics import Comparison, Link, Score, measures, paired_bootstrap, resting_on
from munmaek.metrics.alignment import alignment_scores
from munmaek.metrics.translation import FEWEST, bleu_from_sums
from munmaek.tasks.translate.model import Translator

__all__ = ["Measured", "measure", "report"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A translator on held-out sentences, with what each sentence adds to the sums."""

    aer: Score
    bleu: Score
    links: NDArray[np.int64]
    """[N 4]: |A ∩ S|, |A ∩ P|, |A|, |S| of each sentence."""
    matches: NDArray[np.generic]
    """[N 10]: BLEU's counts."""

    def to_json(self) -> dict[str, Any]:
        """Return both scores with their intervals."""
        return {"aer": self.aer.to_json(), "bleu": self.bleu.to_json()}


def measure(model: Translator, held: Sequence[MarkedPair], *, beam: int = 5) -> Measured:
    """Measure AER of attention's links under forced decoding, and BLEU of beam search."""
    sources, targets = [each.source for each in held], [each.target for each in held]
    aligned = model.align(sources, targets)
    if any(each.alignment is None for each in aligned):
        message = f"a '{model.info.stage}' model has no attention that could be guided"
        raise InputError(message)
    found = [frozenset(each.alignment or ()) for each in aligned]
    signature = model.signature(beam=beam)
    scores = alignment_scores(
        found,
        [each.sure for each in held],
        possible=[each.sure | each.possible for each in held],
        signature=signature,
        rng=np.random.default_rng(0),
    )
    outputs = [each.translation for each in model.translate(sources, beam=beam, links=False)]
    quality = measures(outputs, targets, with_ter=False)["bleu"]
    found_bleu = quality.score(signature, rng=np.random.default_rng(0))
    both = {"aer": scores["aer"], "bleu": found_bleu}
    return Measured(
        **resting_on(both, "pairs held out of the marks", len(held), "pairs"),
        links=np.array([_counts(*each) for each in zip(found, held, strict=True)]),
        matches=quality.statistics,
    )


def _counts(found: frozenset[Link], gold: MarkedPair) -> tuple[int, int, int, int]:
    allowed = gold.sure | gold.possible
    return len(found & gold.sure), len(found & allowed), len(found), len(gold.sure)


def _rate(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - (sums[:, 0] + sums[:, 1]) / np.maximum(sums[:, 2] + sums[:, 3], 1)


def report(results: Mapping[str, Measured], chosen: Material, *, steps: int) -> dict[str, Any]:
    """Report the changes, with intervals, and one line that says so or that nothing did."""
    rng = np.random.default_rng(0)
    guided, control, before = results["guided"], results["control"], results["before"]
    links = paired_bootstrap(guided.links, control.links, _rate, rng=rng)
    quality = paired_bootstrap(guided.matches, before.matches, bleu_from_sums, rng=rng)
    cost = paired_bootstrap(guided.matches, control.matches, bleu_from_sums, rng=rng)
    improved = links.high < 0 and guided.aer.value < before.aer.value
    # Further training alone may make both better, the control by more: that is a cost too.
    worse = [name for name, one in (("before", quality), ("control", cost)) if one.high < 0]
    return {
        **{name: each.to_json() for name, each in results.items()},
        "difference": {
            "aer": _difference(links, "guided - control"),
            "bleu": _difference(quality, "guided - before"),
            "bleu_control": _difference(cost, "guided - control"),
        },
        "steps": steps,
        "taught": len(chosen.taught),
        "held": len(chosen.held),
        "split": chosen.split,
        "improved": improved and not worse,
        "outcome": _outcome(improved=improved, worse=worse),
        "verdict": _verdict(results, improved=improved, worse=worse),
    }


def _difference(each: Comparison, what: str) -> dict[str, Any]:
    return {
        "of": what,
        "value": each.difference,
        "low": each.low,
        "high": each.high,
        "p_value": each.p_value,
    }


def _outcome(*, improved: bool, worse: Sequence[str]) -> str:
    if improved:
        return "improved, but translation is worse" if worse else "improved"
    return "not improved"


def _verdict(results: Mapping[str, Measured], *, improved: bool, worse: Sequence[str]) -> str:
    aer = {name: f"{each.aer.value:.3f}" for name, each in results.items()}
    bleu = {name: f"{each.bleu.value:.1f}" for name, each in results.items()}
    held = len(results["before"].links)
    scores = f"BLEU {bleu['before']}, {bleu['guided']}, {bleu['control']}"
    figures = (
        f"alignment error rate on {held} held-out sentence{'' if held == 1 else 's'} "
        f"{aer['before']} before, {aer['guided']} with the marks, {aer['control']} after as many "
        f"steps without; {scores if held >= FEWEST else 'too few sentences for BLEU'}"
    )
    if not improved:
        return f"Nothing improved that the control does not explain: {figures}."
    if worse:
        than = {"before": "than before", "control": "than the control's"}
        worsened = " and ".join(than[each] for each in worse)
        return f"The links improved, but the translations are worse {worsened}: {figures}."
    return f"The marks improved the links: {figures}."
