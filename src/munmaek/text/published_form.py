"""A tokenizer as transformers opens it: ``tokenizer.json`` and ``tokenizer_config.json``.

The frame is written as a post-processor. A special token's literal in a text is text, as it is for
our tokenizers (``split_special_tokens``). A model that fills masks has to find them in a text:
transformers then takes the literals of all special tokens for tokens.
"""

from dataclasses import replace
from typing import Any, cast

from tokenizers import Regex, normalizers, processors
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import UnsupportedError
from munmaek.text.building import SPECIALS
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
        segmented: the network is given which text of a pair a token belongs to.
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
    return _pipeline(tokenizer, frame), tokenizer_settings(named, frame, split=not masks)


def _pipeline(tokenizer: Tokenizer, frame: Frame) -> str:
    pipeline: Any = Pipeline.from_str(tokenizer.content)
    pipeline.post_processor = _processor(frame, tokenizer)
    if tokenizer.kind == "words":
        pipeline.normalizer = _n.Sequence([pipeline.normalizer, _unknown_literals(tokenizer.space)])
    return pipeline.to_str(pretty=True) + "\n"


def _unknown_literals(space: str) -> Any:
    """Make unknown what is written like a special token in a text."""
    inner = f"[^{space[1:]}"
    literals = "|".join(token for token in SPECIALS if token != "<unk>")
    return _n.Replace(Regex(rf"(?<!{inner})(?:{literals})(?!{inner})"), "<unk>")


def _processor(frame: Frame, tokenizer: AnyTokenizer) -> Any:
    """Write the frame as a template."""
    return _f.TemplateProcessing(
        single=[_written(slot, segmented=False) for slot in frame.single],
        pair=[_written(slot, segmented=tokenizer.frame.segmented) for slot in frame.pair],
        special_tokens=[
            {"id": f"special{number}", "ids": [number], "tokens": [tokenizer.token(number)]}
            for number in sorted(frame.tokens)
        ],
    )


def _written(slot: Slot, *, segmented: bool) -> str:
    segment = slot.segment if segmented else 0
    if slot.content == SPECIAL:
        return f"special{slot.token}:{segment}"
    return f"{'$A' if slot.content == FIRST else '$B'}:{segment}"
