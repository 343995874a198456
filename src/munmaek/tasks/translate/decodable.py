"""A trained translator as CTranslate2 decodes with it."""

from typing import Any

from munmaek.exchange.ctranslate import Decodable
from munmaek.models import stage_named
from munmaek.tasks.graphs import cutting
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.translation import longest_target
from munmaek.text.tokenizers import Tokenizer

__all__ = ["decodable"]


def decodable(model: Translator) -> Decodable:
    """Return what is written of a translator whose stage has a specification."""
    make = stage_named(model.info.stage).specification()
    positions = max(model.limit, longest_target(model.limit)) + 1
    source, target = model.source_tokenizer, model.target_tokenizer
    names = ("source_tokenizer.json", "tokenizer.json")
    cut = [cutting(each, limit=None) for each in (source, target)]
    contents = {name: content for name, (content, _) in zip(names, cut, strict=True) if content}
    facts: dict[str, Any] = {"frame": "TEXT </s>"}
    if len(contents) < len(names):
        contents = {}
        facts["tokenizer"] = next(said["tokenizer"] for content, said in cut if content is None)
    return Decodable(
        make(model.network, positions=positions),
        _tokens(source),
        _tokens(target),
        contents,
        model.limit - 1,
        [target.token(each) for each in (target.pad, target.bos, target.mask)],
        facts,
    )


def _tokens(tokenizer: Tokenizer) -> list[str]:
    return [tokenizer.token(each) for each in range(tokenizer.vocab_size)]
