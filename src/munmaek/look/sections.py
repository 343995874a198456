"""Which figures a record gives, for each task and whatever its stage recorded.

Bits are −log₂ of a probability. Letters: T tokens, S source tokens, H heads or hidden units.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.artefact.inside import Inside, fold_weights
from munmaek.look.figures import Labels, bands, bars, heads, matrix, numbers_table, strip
from munmaek.look.records import Record

__all__ = ["sections"]

GATES = ("input", "forget", "output", "reset", "update")
"""Last parts of the names under which recurrent layers record their gates."""

Floats = NDArray[Any]


def sections(record: Record) -> list[tuple[str, str]]:
    """Title and HTML of every part of the record's page, in reading order."""
    made = [*_TASKS[record.inside.task](record), *_attention(record), *_gates(record)]
    return [(title, html) for title, html in made if html]


def _language_model(record: Record) -> list[tuple[str, str]]:
    inside = record.inside
    words = _predicted(inside)
    bits = [-logprob / math.log(2) for logprob in inside.logprobs]
    worst = int(np.argmax(bits))
    caption = (
        "Surprisal of each token in bits: the taller the bar, the less what stands before led the "
        f"model to expect it. Least expected here: <b>{escape(words[worst])}</b> with "
        f"{bits[worst]:.1f} bits. All together {sum(bits):.1f} bits."
    )
    parts = [("Surprisal", strip(words, bits, unit="bits", caption=caption))]
    explained: Sequence[Mapping[str, Any]] = inside.extra.get("explain", ())
    if explained:
        parts.append(("Where each probability comes from", _explained(words, explained)))
    return parts


def _explained(words: Sequence[str], explained: Sequence[Mapping[str, Any]]) -> str:
    rows: list[str] = []
    padded = ["&lt;s&gt;", *(escape(word) for word in words)]
    for at, row in enumerate(explained):
        seen = padded[max(at + 2 - row["order"], 0) : at + 1] if row["order"] > 1 else []
        paid = " · ".join(f"{math.exp(weight):.3g}" for weight in row["backoffs"])
        rows.append(
            f"<tr><td>{escape(words[at])}</td><td>{' '.join(seen) or '–'}</td>"
            f'<td class="number">{row["order"]}</td>'
            f'<td class="number">{math.exp(row["logprob"]):.4g}</td>'
            f'<td class="number">{paid or "–"}</td></tr>'
        )
    return (
        '<figure><div class="scroll"><table><thead><tr><th>token</th><th>context that was counted'
        '</th><th class="number">order</th><th class="number">probability</th>'
        '<th class="number">backoff weights paid</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div><figcaption>The longest n-gram that training "
        "held decides: a short context means that nothing longer had been seen, and each step "
        "shorter multiplies the probability by a backoff weight.</figcaption></figure>"
    )


def _classifier(record: Record) -> list[tuple[str, str]]:
    chances: Mapping[str, float] = record.outcome["probabilities"]
    ranked = sorted(chances.items(), key=lambda pair: -pair[1])[:12]
    caption = f"Probability of each label; the model says <b>{escape(ranked[0][0])}</b>." + (
        " The twelve likeliest are shown." if len(chances) > len(ranked) else ""
    )
    names, values = [name for name, _ in ranked], [value for _, value in ranked]
    return [("Labels", bars(names, values, caption=caption)), *_pooling(record.inside)]


def _pooling(inside: Inside) -> list[tuple[str, str]]:
    """Attention that weighs the tokens of a text once, for its label."""
    for name, tensor in inside.tensors.items():
        weights = tensor[0] if tensor.ndim == 2 and len(tensor) == 1 else tensor
        if _last(name) == "weights" and weights.shape == (len(inside.tokens),):
            heaviest = inside.tokens[int(weights.argmax())]
            caption = (
                "How much of the text's vector comes from each token; the weights sum to 1. "
                f"Most from <b>{escape(heaviest)}</b> with {float(weights.max()):.2f}."
            )
            drawn = strip(inside.tokens, weights.tolist(), unit="of the weight", caption=caption)
            return [("Attention pooling", drawn)]
    return []


def _translator(record: Record) -> list[tuple[str, str]]:
    inside = record.inside
    made = str(record.outcome["translation"])
    told = "given translation" if record.target is not None else "translation"
    said = (
        f"<p>{told}: <b>{escape(made)}</b> · log-probability "
        f"{_signed(float(record.outcome['logprob']))} nats "
        "to the end of the sentence</p>"
    )
    parts = [("Translation", said)]
    if inside.logprobs:
        caption = "Surprisal of each token of the translation, in bits."
        bits = [-logprob / math.log(2) for logprob in inside.logprobs]
        parts.append(("Surprisal", strip(_predicted(inside), bits, unit="bits", caption=caption)))
    weights = inside.tensors.get("alignment")
    if weights is None:
        parts.append(
            (
                "No attention",
                "<p>This stage has none: the whole source sentence reaches the decoder as one "
                "fixed vector, so there is nothing to point at. The stage 'attention' gives every "
                "word its own context vector.</p>",
            )
        )
        return parts
    return [*parts, *_alignment(record, weights)]


def _alignment(record: Record, weights: Floats) -> list[tuple[str, str]]:
    inside = record.inside
    rows = _fit(inside.target_tokens, len(weights))
    columns = _fit(inside.tokens, weights.shape[1])
    pieces = Labels(rows, columns)
    sources, targets = record.text.split(), str(record.outcome["translation"]).split()
    folded = fold_weights(
        weights, rows=inside.target_words[: len(weights)], columns=inside.words[: weights.shape[1]]
    )
    if folded.shape != (len(targets), len(sources)):
        return [("Attention", matrix(weights, pieces, caption=_strongest(weights, pieces)))]
    words = Labels(targets, sources)
    drawn = [("Attention", matrix(folded, words, caption=_strongest(folded, words)))]
    if (len(rows), len(columns)) != (len(targets) + 1, len(sources) + 1):
        caption = "The same between the pieces that the model reads and writes."
        drawn.append(("Attention between pieces", matrix(weights, pieces, caption=caption)))
    return drawn


def _strongest(weights: Floats, labels: Labels) -> str:
    row, column = np.unravel_index(int(weights.argmax()), weights.shape)
    return (
        "Each row is a word of the translation and shows where the model looked in the source when "
        "it wrote that word; a row sums to 1. Strongest: "
        f"<b>{escape(labels.rows[int(row)])}</b> from <b>{escape(labels.columns[int(column)])}</b> "
        f"with {float(weights.max()):.2f}."
    )


def _masked(record: Record) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    for each in record.outcome["filled"]:
        names = [token for token, _ in each["candidates"]]
        values = [value for _, value in each["candidates"]]
        caption = f"What may stand there; filled in: <b>{escape(each['text'])}</b>"
        parts.append((f"Mask {each['position'] + 1}", bars(names, values, caption=caption)))
    return parts


def _attention(record: Record) -> list[tuple[str, str]]:
    """Every tensor of heads: one grid for each part of the network, and the mean of each."""
    groups: dict[str, list[tuple[str, Floats]]] = {}
    for name, tensor in record.inside.tensors.items():
        if _last(name) == "weights" and tensor.ndim == 3:
            layer = re.search(r"layer\.(\d+)", name)
            label = f"layer {int(layer.group(1)) + 1}" if layer else "attention"
            groups.setdefault(re.sub(r"layer\.\d+\.", "", name), []).append((label, tensor))
    parts: list[tuple[str, str]] = []
    for name, layers in groups.items():
        labels = _head_labels(record.inside, name, layers[0][1].shape)
        parts.append((_TITLES.get(name, "Self-attention"), _head_figures(layers, labels)))
    return parts


_TITLES = {
    "encoder.self.weights": "Encoder: self-attention over the source",
    "decoder.self.weights": "Decoder: self-attention over what is written so far",
    "decoder.cross.weights": "Decoder: attention to the source",
}


def _head_figures(layers: Sequence[tuple[str, Floats]], labels: Labels) -> str:
    mean = np.mean([weights.mean(0) for _, weights in layers], axis=0)
    many = len(layers) * len(layers[0][1]) > 1
    caption = (
        "The mean over all heads and layers: " if many else "The weights: "
    ) + "each row is a token and shows from which tokens its new vector is made; a row sums to 1."
    drawn = matrix(mean, labels, caption=caption, cell=22)
    if many:
        told = (
            "Each head on its own, one scale for all: heads specialise, on the token before, on "
            "the same token, on ends of sentences. Point at a cell to read it."
        )
        drawn += heads(layers, labels, caption=told)
    return drawn


def _head_labels(inside: Inside, name: str, shape: tuple[int, ...]) -> Labels:
    if inside.task != "translate" or name.startswith("encoder"):
        return Labels(_fit(inside.tokens, shape[1]), _fit(inside.tokens, shape[2]), "←")
    written = ("<s>", *inside.target_tokens)
    if "cross" in name:
        return Labels(_fit(inside.target_tokens, shape[1]), _fit(inside.tokens, shape[2]), "←")
    return Labels(_fit(written, shape[1]), _fit(written, shape[2]), "←")


def _gates(record: Record) -> list[tuple[str, str]]:
    """The gates of each recurrent layer, tokens down and hidden units across."""
    layers: dict[str, list[tuple[str, Floats]]] = {}
    for name, tensor in record.inside.tensors.items():
        layer, _, gate = name.rpartition(".")
        if gate in GATES and tensor.ndim == 2 and _within_one(tensor):
            layers.setdefault(layer.removesuffix(".gates"), []).append((gate, tensor))
    return [
        (f"Gates: {_layer_name(layer)}", _gate_figure(record.inside, layer, gates))
        for layer, gates in layers.items()
    ]


def _gate_figure(inside: Inside, layer: str, gates: Sequence[tuple[str, Floats]]) -> str:
    decodes = layer.startswith("decoder")
    tokens = ("<s>", *inside.target_tokens) if decodes else inside.tokens
    rows = _fit(tokens, len(gates[0][1]))
    # By the first gate's openness, the same order in all, so that a unit is found again.
    order = np.argsort(gates[0][1].mean(0))[::-1]
    units = Labels(rows, [f"unit {unit}" for unit in order], "in")
    caption = (
        "Each row is a token, each thin column a hidden unit, sorted by how open its "
        f"{escape(gates[0][0])} gate is; full colour is open (1), faint is closed (0)."
    )
    drawn = bands(
        [(f"{gate} gate", values[:, order]) for gate, values in gates], units, caption=caption
    )
    means = np.stack([values.mean(1) for _, values in gates], axis=1)
    return drawn + numbers_table(means, Labels(rows, [f"{gate}, mean" for gate, _ in gates]))


def _layer_name(layer: str) -> str:
    """``encoder.layer.0.forward`` as ``encoder, layer 1, forward``."""
    counted = re.sub(r"layer\.(\d+)", lambda found: f"layer {int(found.group(1)) + 1}", layer)
    return counted.replace(".", ", ")


def _within_one(tensor: Floats) -> bool:
    return bool(tensor.min(initial=0.0) >= 0.0 and tensor.max(initial=0.0) <= 1.0)


def _predicted(inside: Inside) -> tuple[str, ...]:
    """The tokens that ``inside.logprobs`` are of."""
    return inside.target_tokens or inside.tokens


def _fit(tokens: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` names: those of ``tokens``, and numbers where there are too few."""
    return tuple(tokens[at] if at < len(tokens) else f"#{at + 1}" for at in range(count))


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


_TASKS: Mapping[str, Callable[[Record], list[tuple[str, str]]]] = {
    "lm": _language_model,
    "classify": _classifier,
    "translate": _translator,
    "mlm": _masked,
}
