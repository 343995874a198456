"""One sentence through a trained model, its inside kept as a record."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from munmaek.arrays import Float32s
from munmaek.errors import InputError, UnsupportedError
from munmaek.fit.trained import Trained
from munmaek.look.attentions import attentions_of, gates_of, rollout, weights_of
from munmaek.look.faithfulness import evidence
from munmaek.look.gradients import head_importance, influence_by_distance
from munmaek.look.links import link_measures
from munmaek.look.records import Attention, Gates, Record
from munmaek.look.steps import NOTICE, is_long, steps_of
from munmaek.tasks.inside import Accepts, HeadsOff, Inspectable, Predictions, Question
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.spaces import ascii_words

__all__ = ["TOKENS_MOST", "Looking", "capture", "cut", "inspectable", "masked_word"]

TOKENS_MOST = 512
"""Tokens of a text that are looked at; the figures of a longer one could not be read anyway."""


@final
@dataclass(frozen=True, slots=True)
class Looking:
    """Choices of what is computed of a text and laid over it."""

    label: str = ""
    """Name that tells the model's kind from others beside it; empty is what it calls itself."""
    off: Sequence[tuple[str, int]] = ()
    """Heads to switch off, as names of attentions with the head from 0."""
    beam: int = 5
    """Hypotheses that a translator keeps at every step of its search."""
    gold: Mapping[str, Any] | None = None
    """Links between words to lay over: pairs under sure, possible and forbidden."""
    measures: bool = True
    """Compute what takes further passes too: erasure, gradients and the beam's tree."""


USUAL = Looking()


def capture(
    model: Trained,
    text: str,
    target: str | None = None,
    *,
    name: str | Path = "model",
    pair: str | None = None,
    mask: int | None = None,
    how: Looking = USUAL,
) -> Record:
    """Return what ``model`` computed on ``text``.

    Args:
        model: any trained model.
        text: one sentence; what is beyond ``TOKENS_MOST`` tokens is cut, which the record says.
        target: for a translator, the translation to look at instead of its own.
        name: what the page calls the model, such as its folder.
        pair: a second text after the first, for a model that reads two.
        mask: for a masked-word model, the word of ``text`` to hide, from 0.
        how: what is computed besides.

    Raises:
        InputError: an empty text, a word or head that there is not, or something that this model's
            task has no use for.
        UnsupportedError: a model that cannot be looked into.
    """
    asked = _checked(model, target, pair, mask, name)
    given = _cut_to_fit(asked.accepts, text, pair, target, mask=mask)
    off = how.off
    heads = _heads_off(off)
    question = Question(given.text, given.pair, given.target, heads, how.beam, how.measures)
    seen = asked.predictions(question)
    _check_heads(seen, off)
    attentions = attentions_of(seen, {} if seen.graph is None else head_importance(seen.graph))
    gates = gates_of(seen)
    found = _Measured()
    if how.measures:
        found = _measured(asked, seen, attentions, how.gold, off=bool(off))
    rolled = rollout(
        [
            weights_of(seen, each.tensor).mean(0)
            for each in attentions
            if each.part == "self" and each.rows == "source"
        ]
    )
    alike = _similarity(seen)
    tables = {**({} if alike is None else {"similarity": alike}), **found.tables}
    steps, stepped = steps_of(seen)
    long = (NOTICE,) if is_long(seen) else ()
    label = how.label or model.info.label
    asked_of = [str(name), label, given.text, seen.answer.get("target"), list(map(list, off)),
            list(seen.source.pieces), how.gold]  # fmt: skip
    return Record(
        model=str(name),
        label=label,
        task=model.info.task,
        stage=model.info.stage,
        text=given.text,
        source=seen.source,
        output=seen.output,
        written=seen.written,
        logprobs=seen.logprobs,
        unit=seen.unit,
        tensors={
            **stepped,
            **_drawn(seen, attentions, gates),
            **tables,
            **({} if rolled is None else {"rollout": rolled}),
        },
        attentions=attentions,
        rollout=None if rolled is None else "rollout",
        gold=how.gold,
        measures={**{table: table for table in tables}, **found.plain},
        gates=gates,
        steps=steps,
        segments=seen.segments,
        notices=(*given.notices, *found.notices, *long),
        off=tuple(off),
        id=hashlib.sha256(json.dumps(asked_of, ensure_ascii=False).encode()).hexdigest()[:16],
        **seen.answer,
    )


# What is asked


def masked_word(text: str, word: int) -> str:
    """Return ``text`` with its word ``word``, from 0, replaced by ``<mask>``; marks around it stay.

    Raises:
        InputError: there is no such word.
    """
    found = ascii_words(text)
    if not 0 <= word < len(found):
        message = f"no word {word} to mask: the text has {len(found)} words, counted from 0"
        raise InputError(message)
    chosen = found[word]
    core = chosen.rstrip("".join(c for c in set(chosen) if unicodedata.category(c)[0] == "P"))
    tail = chosen[len(core) :] if core else ""
    return " ".join([*found[:word], f"<mask>{tail}", *found[word + 1 :]])


def inspectable(model: Trained, name: str | Path) -> Inspectable:
    """Return ``model`` as one that can be looked into.

    Raises:
        UnsupportedError: it cannot.
    """
    if not isinstance(model, Inspectable):
        message = (
            f"{name}: a '{model.info.stage}' for '{model.info.task}' cannot be looked into: it has "
            "no predictions"
        )
        raise UnsupportedError(message)
    return model


def _checked(
    model: Trained, target: str | None, pair: str | None, mask: int | None, name: str | Path
) -> Inspectable:
    asked, task = inspectable(model, name), model.info.task
    accepts = asked.accepts
    if target is not None and accepts.writer is None:
        message = f"--target is for translators; {name} does the task '{task}'"
        raise InputError(message)
    if mask is not None and not accepts.masks:
        message = f"a word to mask is for models that fill masks; {name} does the task '{task}'"
        raise InputError(message)
    if accepts.pairs and not (pair or "").strip():
        message = f"{name} was trained on pairs of texts; give the second with --pair"
        raise InputError(message)
    if accepts.pairs is False and pair is not None:
        message = (
            f"--pair is for models that fill masks, embed or were trained on pairs; {name} does "
            f"the task '{task}' on single texts"
        )
        raise InputError(message)
    return asked


@dataclass(frozen=True, slots=True)
class _Given:
    """The texts, cut to what the model and the figures can hold."""

    text: str
    pair: str | None
    target: str | None
    notices: tuple[str, ...]
    """A line for each cut."""


def _cut_to_fit(
    accepts: Accepts, text: str, pair: str | None, target: str | None, *, mask: int | None
) -> _Given:
    if not text.strip():
        raise InputError("no text to look at; give a sentence")
    reading, notices = accepts.reader, list[str]()
    text, pair = reading.composed(text), pair and reading.composed(pair)
    target = target and (accepts.writer or reading).composed(target)
    text = text if mask is None else masked_word(text, mask)
    special = accepts.special[pair is not None and not accepts.apart]
    limit = min(TOKENS_MOST, accepts.limit or TOKENS_MOST) - special
    room = limit
    if pair is not None and accepts.apart:
        room = min(limit, TOKENS_MOST // 2)
        pair = _noted(pair, reading, room, "pair", notices)
    elif pair is not None:
        # The longer text of a pair is cut first, as it is where such models are trained.
        first, second = (len(reading.encode(each)) for each in (text, pair))
        kept = min(second, max(limit - first, limit // 2))
        room, pair = limit - kept, _noted(pair, reading, kept, "pair", notices)
    text = _noted(text, reading, room, "text", notices)
    if not text.strip():
        raise InputError("the first word of the text alone is longer than what can be looked at")
    if target is not None:
        target = _noted(target, accepts.writer or reading, limit, "translation", notices)
    return _Given(text, pair, target, tuple(notices))


def _noted(text: str, tokenizer: AnyTokenizer, limit: int, what: str, notices: list[str]) -> str:
    kept, total = cut(text, tokenizer, limit)
    if len(kept) < len(text):
        notices.append(
            f"The {what} has {total} tokens; what is shown is its beginning of at most {limit}."
        )
    return kept


def cut(text: str, tokenizer: AnyTokenizer, limit: int) -> tuple[str, int]:
    """Return the beginning of ``text``, in whole words of at most ``limit`` tokens, and its tokens.

    Args:
        text: any.
        tokenizer: counts.
        limit: tokens at most.
    """
    pieces = tokenizer.subwords(text, allow=("<mask>",))
    if len(pieces) <= limit:
        return text, len(pieces)
    last = pieces[limit].word
    end = next(piece.start for piece in pieces if piece.word == last)
    return text[:end].rstrip() or text[: pieces[limit].start], len(pieces)


def _heads_off(off: Sequence[tuple[str, int]]) -> HeadsOff:
    made: dict[str, list[int]] = {}
    for name, head in off:
        made.setdefault(name, []).append(head)
    return made


def _check_heads(seen: Predictions, off: Sequence[tuple[str, int]]) -> None:
    for name, head in off:
        context = seen.tensors.get(f"{name}.context")
        if context is None or not 0 <= head < len(context):
            known = [each.removesuffix(".context") for each in seen.tensors if ".context" in each]
            message = f"no head {head} in '{name}'; attentions with heads: {', '.join(known)}"
            raise InputError(message)


# What is put into the record


def _drawn(
    seen: Predictions, attentions: Sequence[Attention], gates: Sequence[Gates]
) -> dict[str, Float32s]:
    """Return the tensors that the record's attentions, gates and search name."""
    made = {each.tensor: weights_of(seen, each.tensor) for each in attentions}
    steppers = [each.stepper for each in attentions if each.stepper is not None]
    names = [
        *(getattr(each, step) for each in steppers for step in each.__slots__),
        *(name for each in gates for name in each.names.values()),
        *(name for name in seen.tensors if name.startswith("beam.")),
    ]
    return made | {name: seen.tensors[name] for name in names}


def _similarity(seen: Predictions) -> Float32s | None:
    """Return the cosine of every two hidden states of the last layer that reads the source."""
    names = [
        name for name in seen.tensors if name.endswith("hidden") and not name.startswith("decoder")
    ]
    if not names:
        return None
    layer = names[-1].removesuffix(".hidden").removesuffix(".backward").removesuffix(".forward")
    parts = [seen.tensors[name] for name in names if name.startswith(layer + ".")]
    states = np.concatenate(parts, axis=1)
    if len(states) != len(seen.source.pieces):
        return None
    unit = states / np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)
    return np.clip(unit @ unit.T, -1, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Measures that take further passes."""

    plain: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tables: Mapping[str, Float32s] = field(default_factory=dict[str, Float32s])
    notices: tuple[str, ...] = ()


_NO_INFLUENCE = (
    "The text is too long for this model to be read again without each of its words in turn; "
    "the influence of each word is left out."
)


def _measured(
    model: Inspectable,
    seen: Predictions,
    attentions: Sequence[Attention],
    gold: Mapping[str, Any] | None,
    *,
    off: bool,
) -> _Measured:
    """Return measures of the whole; with heads off erasure would speak of another network."""
    made = link_measures(seen, attentions, gold)
    if seen.causal:
        made["influence"] = [] if seen.graph is None else influence_by_distance(seen.graph)
    if off:
        return _Measured(made)
    rng = np.random.default_rng(0)
    found = evidence(seen, attentions, parameters=model.info.parameters, rng=rng)
    made["faithfulness"] = found.faithfulness
    if found.influence is None:
        return _Measured(made, notices=(_NO_INFLUENCE,))
    return _Measured(made, {"source_influence": found.influence})
