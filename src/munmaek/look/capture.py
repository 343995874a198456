"""One sentence through a trained model, its inside kept as a record."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError, UnsupportedError
from munmaek.look.attentions import attentions_of, gates_of, rollout, summarised
from munmaek.look.beams import beam_part
from munmaek.look.erasing import eraser_of
from munmaek.look.faithfulness import faithfulness, word_influence
from munmaek.look.gradients import head_importance, influence_by_distance
from munmaek.look.links import link_measures
from munmaek.look.ngrams import ngram_part
from munmaek.look.records import Record, Side
from munmaek.models.networks import MaskedNetwork
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.inside import HeadsOff, Inside
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.translate.model import Translator
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.spaces import ascii_words

__all__ = [
    "TOKENS_MOST",
    "AnyModel",
    "Question",
    "capture",
    "cut",
    "masked_word",
    "reads_pairs",
]

AnyModel = TrainedLanguageModel | Classifier | Regressor | Translator | Encoder

Tensors = dict[str, NDArray[Any]]

TOKENS_MOST = 512
"""Tokens of a text that are looked at; the figures of a longer one could not be read anyway."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked at."""

    text: str
    target: str | None = None
    """For a translator, the translation to look at instead of its own."""
    pair: str | None = None
    """A second text after the first, for a masked-word model or one that reads pairs."""
    mask: int | None = None
    """For a masked-word model, the word of ``text`` that is replaced by ``<mask>``, from 0."""
    off: Sequence[tuple[str, int]] = ()
    """Heads to switch off: the attention's name, and the head from 0."""
    beam: int = 5
    """For a translator, hypotheses kept at every step of its search."""
    gold: Mapping[str, Any] | None = None
    """Links between words to lay over: lists of pairs under sure, possible and forbidden."""
    notices: tuple[str, ...] = field(default=(), compare=False)


def capture(
    model: AnyModel,
    text: str,
    target: str | None = None,
    *,
    name: str | Path = "model",
    label: str = "",
    pair: str | None = None,
    mask: int | None = None,
    off: Sequence[tuple[str, int]] = (),
    beam: int = 5,
    gold: Mapping[str, Any] | None = None,
    measures: bool = True,
) -> Record:
    """What ``model`` computed on ``text``.

    Args:
        model: any trained model.
        text: one sentence; what is beyond ``TOKENS_MOST`` tokens is cut, which the record says.
        target: for a translator, the translation to look at instead of its own.
        name: what the page calls the model, such as its folder.
        label: what tells its kind from others beside it; empty is what the model calls itself.
        pair: a second text after the first, for a masked-word model or one that reads pairs.
        mask: for a masked-word model, the word of ``text`` to hide, from 0.
        off: heads to switch off, as names of attentions with the head from 0.
        beam: for a translator, hypotheses kept at every step of its search.
        gold: links between words to lay over: pairs under sure, possible and forbidden.
        measures: also what takes further passes: erasure, gradients and the beam's tree.

    Raises:
        InputError: an empty text, a word or head that there is not, or something that this model's
            task has no use for.
    """
    asked = Question(text, target, pair, mask, tuple(off), beam, gold)
    asked = _bounded(model, _checked(model, asked, name))
    inside = _inside(model, asked)
    tensors: Tensors = {}
    record = Record(
        model=str(name),
        label=label or model.info.label,
        task=inside.task,
        stage=inside.stage,
        text=asked.text,
        source=_source(inside, asked),
        attentions=tuple(attentions_of(inside, tensors)),
        gates=tuple(gates_of(inside, tensors, backward=_reads_backward(model))),
        tensors=tensors,
        logprobs=inside.logprobs,
        probabilities=_ranked(inside),
        segments=inside.segments or None,
        notices=asked.notices,
        off=tuple(asked.off),
        gold=asked.gold,
    )
    record = _with_output(record, inside)
    record = _with_similarity(record, inside, tensors)
    record = replace(record, ngram=_ngram(model, asked), filled=_filled(model, asked))
    if measures:
        record = _with_beam(record, model, asked, tensors)
        record = _with_measures(record, model, asked, tensors)
    else:
        record = summarised(record, {})
    record = _with_rollout(record, tensors)
    record = replace(record, outcome=_outcome(record, inside))
    return replace(record, id=_identity(record))


# What is asked


def masked_word(text: str, word: int) -> str:
    """``text`` with its word number ``word``, from 0, replaced by ``<mask>``; marks around it stay.

    Raises:
        InputError: there is no such word.
    """
    found = ascii_words(unicodedata.normalize("NFC", text))
    if not 0 <= word < len(found):
        message = f"no word {word} to mask: the text has {len(found)} words, counted from 0"
        raise InputError(message)
    chosen = found[word]
    core = chosen.rstrip("".join(c for c in set(chosen) if unicodedata.category(c)[0] == "P"))
    tail = chosen[len(core) :] if core else ""
    return " ".join([*found[:word], f"<mask>{tail}", *found[word + 1 :]])


def _checked(model: Any, asked: Question, name: str | Path) -> Question:
    task = model.info.task
    if not isinstance(model, AnyModel):
        message = f"{name}: a '{model.info.stage}' for '{task}' cannot be looked into"
        raise UnsupportedError(message)
    if not asked.text.strip():
        raise InputError("no text to look at; give a sentence")
    if asked.target is not None and not isinstance(model, Translator):
        message = f"--target is for translators; {name} does the task '{task}'"
        raise InputError(message)
    if asked.mask is not None and not isinstance(model, Encoder):
        message = f"a word to mask is for models that fill masks; {name} does the task '{task}'"
        raise InputError(message)
    _check_pair(model, asked.pair, name)
    text = unicodedata.normalize("NFC", asked.text)
    if asked.mask is not None:
        text = masked_word(text, asked.mask)
    pair = None if asked.pair is None else unicodedata.normalize("NFC", asked.pair)
    target = None if asked.target is None else unicodedata.normalize("NFC", asked.target)
    return replace(asked, text=text, pair=pair, target=target)


def reads_pairs(model: Any) -> bool | None:
    """Whether a model must be given two texts; None where it may be given one or two."""
    if isinstance(model, Encoder):
        return None
    return model.pairs if isinstance(model, Classifier | Regressor) else False


def _check_pair(model: AnyModel, pair: str | None, name: str | Path) -> None:
    """Whether there is a second text just where the model reads one."""
    wanted = reads_pairs(model)
    if wanted and not (pair or "").strip():
        message = f"{name} was trained on pairs of texts; give the second with --pair"
        raise InputError(message)
    if wanted is False and pair is not None:
        message = (
            f"--pair is for models that fill masks or were trained on pairs; {name} does the task "
            f"'{model.info.task}' on single texts"
        )
        raise InputError(message)


def _bounded(model: AnyModel, asked: Question) -> Question:
    """The texts cut to what the model and the figures can hold, with a notice for each cut."""
    notices: list[str] = list(asked.notices)
    reading, writing = _tokenizers(model)
    special = 3
    if isinstance(model, Classifier | Regressor | Encoder):
        frame = model.tokenizer.frame
        special = frame.special if asked.pair is None else frame.special_of_pair
    limit = min(TOKENS_MOST, getattr(model, "limit", TOKENS_MOST)) - special
    room, pair = limit, asked.pair
    if pair is not None:
        # The longer text of a pair is cut first, as it is where such models are trained.
        first, second = (len(reading.encode(each)) for each in (asked.text, pair))
        kept = min(second, max(limit - first, limit // 2))
        room, pair = limit - kept, _noted(pair, reading, kept, "pair", notices)
    text = _noted(asked.text, reading, room, "text", notices)
    if not text.strip():
        raise InputError("the first word of the text alone is longer than what can be looked at")
    target = asked.target
    target = None if target is None else _noted(target, writing, limit, "translation", notices)
    return replace(asked, text=text, pair=pair, target=target, notices=tuple(notices))


def _noted(text: str, tokenizer: AnyTokenizer, limit: int, what: str, notices: list[str]) -> str:
    kept, total = cut(text, tokenizer, limit)
    if len(kept) < len(text):
        notices.append(
            f"The {what} has {total} tokens; what is shown is its beginning of at most {limit}."
        )
    return kept


def cut(text: str, tokenizer: AnyTokenizer, limit: int) -> tuple[str, int]:
    """The beginning of ``text`` in whole words of at most ``limit`` tokens, and its token count."""
    pieces = tokenizer.pieces(text, allow=("<mask>",))
    if len(pieces) <= limit:
        return text, len(pieces)
    last = pieces[limit].word
    end = next(piece.start for piece in pieces if piece.word == last)
    return text[:end].rstrip() or text[: pieces[limit].start], len(pieces)


def _tokenizers(model: AnyModel) -> tuple[AnyTokenizer, AnyTokenizer]:
    if isinstance(model, Translator):
        return model.source_tokenizer, model.target_tokenizer
    return model.tokenizer, model.tokenizer


def _heads_off(asked: Question) -> HeadsOff:
    made: dict[str, list[int]] = {}
    for name, head in asked.off:
        made.setdefault(name, []).append(head)
    return made


def _inside(model: AnyModel, asked: Question) -> Inside:
    off = _heads_off(asked)
    if isinstance(model, Translator):
        inside = model.inside(asked.text, asked.target, off=off)
    elif isinstance(model, TrainedLanguageModel):
        inside = model.inside(asked.text, off=off)
    else:
        inside = model.inside(asked.text, asked.pair, off=off)
    for name, head in asked.off:
        context = inside.tensors.get(f"{name}.context")
        if context is None or not 0 <= head < len(context):
            known = [each.removesuffix(".context") for each in inside.tensors if ".context" in each]
            message = f"no head {head} in '{name}'; attentions with heads: {', '.join(known)}"
            raise InputError(message)
    return inside


# What is put into the record


def _source(inside: Inside, asked: Question) -> Side:
    surface = [*ascii_words(asked.text), *ascii_words(asked.pair or "")]
    return Side(inside.tokens, inside.words, tuple(surface))


def _reads_backward(model: AnyModel) -> bool:
    return bool(model.info.config.get("reverse_source", False))


def _with_output(record: Record, inside: Inside) -> Record:
    if not inside.target_tokens:
        return record
    text = str(inside.extra["translation"]) if inside.task == "translate" else record.text
    output = Side(inside.target_tokens, inside.target_words, tuple(ascii_words(text)))
    if inside.task != "translate":
        return replace(record, output=output)
    written = Side(("<s>", *output.pieces[:-1]), (-1, *output.words[:-1]), output.surface)
    return replace(record, output=output, written=written, target=text)


def _with_similarity(record: Record, inside: Inside, tensors: Tensors) -> Record:
    """Cosine of every two hidden states of the last layer that reads the source."""
    states = _last_states(inside)
    if states is None or len(states) != len(record.source.pieces):
        return record
    length = np.linalg.norm(states, axis=1, keepdims=True)
    unit = states / np.maximum(length, 1e-12)
    tensors["similarity"] = np.clip(unit @ unit.T, -1, 1).astype(np.float32)
    return replace(record, measures={**record.measures, "similarity": "similarity"})


def _last_states(inside: Inside) -> NDArray[Any] | None:
    names = [
        name
        for name in inside.tensors
        if name.endswith("hidden") and not name.startswith("decoder")
    ]
    if not names:
        return None
    layer = names[-1].removesuffix(".hidden").removesuffix(".backward").removesuffix(".forward")
    parts = [inside.tensors[name] for name in names if name.startswith(layer + ".")]
    return np.concatenate(parts, axis=1)


def _with_rollout(record: Record, tensors: Tensors) -> Record:
    made = rollout(record)
    if made is None:
        return record
    tensors["rollout"] = made
    return replace(record, rollout="rollout")


def _ranked(inside: Inside) -> list[list[Any]]:
    chances: Mapping[str, float] = inside.extra.get("probabilities", {})
    return [[label, chance] for label, chance in sorted(chances.items(), key=lambda each: -each[1])]


def _ngram(model: AnyModel, asked: Question) -> Mapping[str, Any] | None:
    return ngram_part(model, asked.text) if isinstance(model, TrainedLanguageModel) else None


def _filled(model: AnyModel, asked: Question) -> list[dict[str, Any]]:
    if not isinstance(model, Encoder):
        return []
    tokenizer = model.tokenizer
    framed = model.framed(asked.text, asked.pair)
    if not tokenizer.has_mask or tokenizer.mask not in framed.ids:
        return []
    found = model.fill(asked.text, pair=asked.pair, off=_heads_off(asked), top=8)
    return [_plain(asdict(each)) for each in found]


def _with_beam(record: Record, model: AnyModel, asked: Question, tensors: Tensors) -> Record:
    if not isinstance(model, Translator) or asked.beam < 1:
        return record
    part, _ = beam_part(model, asked.text, beam=asked.beam, off=_heads_off(asked), tensors=tensors)
    return replace(record, beam=part)


def _with_measures(record: Record, model: AnyModel, asked: Question, tensors: Tensors) -> Record:
    made = dict(record.measures)
    made.update(link_measures(record))
    importance: Mapping[str, Sequence[float]] = {}
    if not asked.off and _predicts(model):
        # Both look at the network as it is; with heads off they would speak of another one.
        importance = head_importance(model, asked.text, record.target, asked.pair)
        eraser = eraser_of(model, asked.text, record.target, asked.pair)
        influence = word_influence(record, eraser, parameters=model.info.parameters)
        if influence is None:
            record = replace(record, notices=(*record.notices, _NO_INFLUENCE))
        else:
            tensors["source_influence"] = influence
            made["source_influence"] = "source_influence"
        made["faithfulness"] = faithfulness(
            record, eraser, parameters=model.info.parameters, rng=np.random.default_rng(0)
        )
    if isinstance(model, TrainedLanguageModel):
        made["influence"] = influence_by_distance(model, asked.text)
    return summarised(replace(record, measures=made), importance)


_NO_INFLUENCE = (
    "The text is too long for this model to be read again without each of its words in turn; "
    "the influence of each word is left out."
)


def _predicts(model: AnyModel) -> bool:
    """Whether there is anything whose probability could change: an encoder alone has no head."""
    return not isinstance(model, Encoder) or isinstance(model.network, MaskedNetwork)


def _outcome(record: Record, inside: Inside) -> dict[str, Any]:
    if record.task == "translate":
        return {
            "source": record.text,
            "translation": inside.extra["translation"],
            "logprob": inside.extra["logprob"],
        }
    second = inside.extra.get("second")
    texts = {"text": record.text} if second is None else {"text": record.text, "second": second}
    if record.task == "classify":
        label = record.probabilities[0][0]
        return {**texts, "label": label, "probabilities": dict(inside.extra["probabilities"])}
    if record.task == "regress":
        return {**texts, "value": inside.extra["value"]}
    if record.task == "mlm":
        return {"text": record.text, "filled": list(record.filled)}
    return {"text": record.text, "logprob": float(sum(record.logprobs))}


def _identity(record: Record) -> str:
    """The same question to the same model has the same name."""
    told = [record.model, record.label, record.text, record.target, list(map(list, record.off)),
            list(record.source.pieces), record.gold]  # fmt: skip
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("Sequence[Any]", value)]
    return value
