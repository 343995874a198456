"""One sentence through a trained model, its inside kept as a record."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

from munmaek.artefact import Classifier, Encoder, TrainedLanguageModel, Translator
from munmaek.artefact.inside import Inside
from munmaek.errors import InputError
from munmaek.look.records import Record

__all__ = ["AnyModel", "capture"]

AnyModel = TrainedLanguageModel | Classifier | Translator | Encoder


def capture(
    model: AnyModel, text: str, target: str | None = None, *, name: str | Path = "model"
) -> Record:
    """What ``model`` computed on ``text``.

    Args:
        model: any trained model.
        text: one sentence.
        target: for a translator, the translation to look at instead of its own.
        name: what the page calls the model, such as its folder.

    Raises:
        InputError: an empty text, or a ``target`` for a model that does not translate.
    """
    if not text.strip():
        message = "no text to look at; give a sentence"
        raise InputError(message)
    if target is not None and not isinstance(model, Translator):
        message = f"--target is for translators; {name} does the task '{model.info.task}'"
        raise InputError(message)
    inside = model.inside(text, target) if isinstance(model, Translator) else model.inside(text)
    return Record(
        model=str(name),
        label=model.info.label,
        text=text,
        target=target,
        inside=replace(inside, extra=_plain(inside.extra)),
        outcome=_outcome(model, text, inside),
    )


def _outcome(model: AnyModel, text: str, inside: Inside) -> dict[str, Any]:
    if isinstance(model, Translator):
        return dict(inside.extra)
    if isinstance(model, Classifier):
        return {"probabilities": dict(inside.extra["probabilities"])}
    if isinstance(model, Encoder):
        masked = model.tokenizer.token(model.tokenizer.mask) in inside.tokens
        return {"filled": [asdict(each) for each in model.fill(text)] if masked else []}
    return {"logprob": sum(inside.logprobs)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value
