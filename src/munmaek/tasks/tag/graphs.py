"""A trained tagger as a graph: scores and probabilities of labels at each token."""

from torch import Tensor

from munmaek.exchange.graphs import Graph, Port
from munmaek.tasks.graphs import TOKENS, Lines, scores_graph
from munmaek.tasks.tag.model import Tagger

__all__ = ["tagger_graph"]

_WORDS = """\
labels = {labels}
for text, row, own in zip(texts, rows, session.run(["logits"], inputs)[0]):
    best = {{}}  # by word: the label at its first piece
    for (start, end), scores in zip(row.offsets, own):
        if text[start:end].strip():
            best.setdefault(len(text[:end].split()) - 1, labels[scores.argmax()])
    print(*(f"{{word}}/{{best[at]}}" for at, word in enumerate(text.split()) if at in best))
"""
_SPLIT = """\
texts = [" ".join(re.findall(r"{words}", text)) for text in texts]
"""
_PIECES = """\
labels = {labels}
for row, own in zip(rows, session.run(["logits"], inputs)[0]):
    real = [at for at, special in enumerate(row.special_tokens_mask) if not special]
    print(*(f"{{row.tokens[at]}}/{{labels[own[at].argmax()]}}" for at in real))
"""


def tagger_graph(model: Tagger) -> Graph:
    """Return the graph of a tagger."""
    labels = list(model.labels)

    def finish(scores: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        del lengths
        return scores, scores.softmax(-1)

    unit = "its first piece" if model.whole_words else "every piece"
    words = r"\w(?:\S*\w)?|[^\w\s]+" if model.apart else r"\S+"
    lines = [_PIECES.format(labels=labels)]
    if model.whole_words:
        lines = [_WORDS.format(labels=labels), _SPLIT.format(words=words)]
    return scores_graph(
        model.network,
        finish,
        model.tokenizer,
        outputs=[
            Port("logits", TOKENS, "the score of each label at each token, before softmax"),
            Port("probabilities", TOKENS, "the probability of each label at each token"),
        ],
        lines=Lines(*lines),
        facts={
            "labels": labels,
            "label_of_a_word_at": unit,
            "punctuation_apart": model.apart,
            "max_tokens": model.limit,
        },
    )
