"""A tokenizer as transformers opens it: ``tokenizer.json`` and ``tokenizer_config.json``.

The frame is written as a post-processor. A special token's literal is text for our tokenizers
(``split_special_tokens``); of a model that fills masks, the mask alone is a token in a text.
"""

import json
from dataclasses import replace
from typing import Any, cast

from tokenizers import Regex, normalizers, processors
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import UnsupportedError
from munmaek.text.building import SPACE, SPECIALS
from munmaek.text.checkpoint_tokenizer import (
    ROLES,
    AnyTokenizer,
    CheckpointTokenizer,
    tokenizer_settings,
)
from munmaek.text.frames import FIRST, SPECIAL, Frame, Slot
from munmaek.text.tokenizers import MORPHEMIC, Tokenizer

__all__ = ["published_form"]

_n, _f = cast("Any", normalizers), cast("Any", processors)


def published_form(
    tokenizer: AnyTokenizer, *, segmented: bool, masks: bool
) -> tuple[str, dict[str, Any]]:
    """Return the content of ``tokenizer.json``, and that of ``tokenizer_config.json``.

    Args:
        tokenizer: a trained one, or one that came with a checkpoint.
        segmented: the network is told which text of a pair a token belongs to.
        masks: ``<mask>`` in a text is to be a mask.

    Raises:
        UnsupportedError: texts are cut before the pipeline, which no ``tokenizer.json`` can say.
    """
    frame = replace(tokenizer.frame, segmented=segmented and tokenizer.frame.segmented)
    if isinstance(tokenizer, CheckpointTokenizer):
        settings = tokenizer.settings()
        pipeline: Any = Pipeline.from_str(tokenizer.content)
        if pipeline.post_processor is None:
            pipeline.post_processor = _processor(frame, tokenizer)
        inputs = tokenizer_settings({}, frame, split=tokenizer.split)["model_input_names"]
        return pipeline.to_str(pretty=True) + "\n", {**settings, "model_input_names": inputs}
    if tokenizer.kind in MORPHEMIC:
        message = (
            f"a tokenizer of {tokenizer.kind} cuts texts by Kiwi before its pipeline, which no "
            "tokenizer.json can say; train with another --tokenizer to export to huggingface"
        )
        raise UnsupportedError(message)
    named = {ROLES[role][0]: tokenizer.token(getattr(tokenizer, role)) for role in ROLES}
    content = _pipeline(tokenizer, frame, masks=masks)
    return content, tokenizer_settings(named, frame, split=True)


def _pipeline(tokenizer: Tokenizer, frame: Frame, *, masks: bool) -> str:
    pipeline: Any = Pipeline.from_str(tokenizer.content)
    pipeline.post_processor = _processor(frame, tokenizer)
    if tokenizer.kind == "words":
        pipeline.normalizer = _n.Sequence([pipeline.normalizer, _unknown_literals()])
    values = json.loads(pipeline.to_str())
    for token in values["added_tokens"]:
        if masks and token["content"] == tokenizer.token(tokenizer.mask):
            # Special tokens are text here; what is not special is found in a text nevertheless.
            token.update(special=False, normalized=False)
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n"


def _unknown_literals() -> Any:
    """A word of the text that is written like a special token is unknown."""
    inner = f"[^{SPACE[1:]}"
    literals = "|".join(token for token in SPECIALS if token != "<unk>")
    return _n.Replace(Regex(rf"(?<!{inner})(?:{literals})(?!{inner})"), "<unk>")


def _processor(frame: Frame, tokenizer: AnyTokenizer) -> Any:
    """The frame as a template."""
    return _f.TemplateProcessing(
        single=[_written(slot, told=False) for slot in frame.single],
        pair=[_written(slot, told=tokenizer.frame.segmented) for slot in frame.pair],
        special_tokens=[
            {"id": f"special{number}", "ids": [number], "tokens": [tokenizer.token(number)]}
            for number in sorted(frame.tokens)
        ],
    )


def _written(slot: Slot, *, told: bool) -> str:
    segment = slot.segment if told else 0
    if slot.content == SPECIAL:
        return f"special{slot.token}:{segment}"
    return f"{'$A' if slot.content == FIRST else '$B'}:{segment}"
