"""The interface of sentence-transformers over our encoders, for code written for theirs.

``encode`` takes their arguments and gives their types, so that their ``util`` and evaluators and
``mteb`` run on a model of ours as on one of theirs; what it cannot do it refuses by name. The
interface is that of https://github.com/huggingface/sentence-transformers, version 6.2, and of
https://github.com/embeddings-benchmark/mteb, version 2.26.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from munmaek.arrays import Float32s
from munmaek.errors import ConfigError, InputError
from munmaek.exchange.sentence import ANSWERS
from munmaek.metrics.retrieval import pair_similarities, similarities, unit
from munmaek.nn.building import device_of
from munmaek.progress import followed
from munmaek.tasks.mlm.vectors import Embeds
from munmaek.terminal import following
from munmaek.text.given import given_texts

__all__ = ["SentenceEncoder"]

BLOCK: Final = 1024
"""Texts between two looks at how far it is."""
OUTPUTS: Final = ("sentence_embedding", "token_embeddings")
PRECISIONS: Final = ("float32", "int8", "uint8", "binary", "ubinary")
OF_TASKS: Final = ("task_metadata", "hf_split", "hf_subset", "prompt_type")
"""Arguments of mteb beside theirs."""


class _Card:
    """Takes the scores that an evaluator wants on a model's card, of which ours have none."""

    def set_evaluation_metrics(self, *told: Any) -> None:
        """Keep nothing."""


class SentenceEncoder(Embeds):
    """The methods that code written for ``SentenceTransformer`` asks of a model."""

    __slots__ = ()

    def encode(
        self,
        sentences: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        **others: Any,
    ) -> Any:
        """Return the vector of each text, as ``SentenceTransformer.encode`` does.

        Args:
            sentences: a text, texts, or batches of them as mteb gives; also called ``inputs``.
            prompt_name: the name of one of the model's prompts; None is the default one.
            prompt: a text that is put before every text, rather than a named one.
            batch_size: has no effect: texts go together by their tokens.
            show_progress_bar: show how far it is, on a terminal.
            output_value: ``sentence_embedding``, or ``token_embeddings`` for each token's.
            precision: ``float32``, or what each number becomes: ``int8`` or ``uint8`` between the
                least and the greatest of its dimension, ``binary`` or ``ubinary`` eight signs in
                one.
            convert_to_numpy: return an array; else tensors.
            convert_to_tensor: return one tensor.
            device: the one that the model is on.
            normalize_embeddings: scale each vector to length one.
            truncate_dim: dimensions that are kept, from the first; None is as the model says.
            others: the task of mteb and the type of its texts, by which a prompt is chosen.

        Returns:
            An array [N, D], of a single text [D]; a list of tensors [T, D] for tokens.

        Raises:
            ConfigError: an argument that cannot be honoured, by its name.
            InputError: what is no text.
        """
        given = others.pop("inputs", sentences)
        if prompt is None and prompt_name is None:
            prompt = self._prompt_of_task(others)
        precision = precision or "float32"
        _check(others, batch_size, output_value, precision)
        self._check_device(device)
        before = self._before(prompt_name, prompt)
        texts = _texts(given)
        with following() if show_progress_bar else nullcontext():
            if output_value == "token_embeddings":
                found: Any = [self.token_vectors(each, before) for each in followed(texts, "texts")]
                return found[0] if isinstance(given, str) else found
            vectors = self._vectors(texts, before, truncate_dim)
        if normalize_embeddings and len(vectors):
            vectors = unit(vectors)
        made = _quantised(vectors, precision)
        if convert_to_tensor or not convert_to_numpy:
            tensors = torch.as_tensor(made)
            made = tensors if convert_to_tensor else list(tensors)
        return made[0] if isinstance(given, str) else made

    def encode_query(self, sentences: Any = None, **options: Any) -> Any:
        """Return vectors as ``encode`` does, of texts that are searched for: prompt ``query``."""
        return self._encode_as(("query",), sentences, options)

    def encode_document(self, sentences: Any = None, **options: Any) -> Any:
        """Return vectors as ``encode`` does, of texts that are searched in: prompt ``document``."""
        return self._encode_as(ANSWERS, sentences, options)

    def _encode_as(self, names: Sequence[str], sentences: Any, options: dict[str, Any]) -> Any:
        asked = options.get("prompt_name"), options.get("prompt")
        known = next((name for name in names if name in self.prompts), None)
        if asked == (None, None) and known is not None:
            options = {**options, "prompt_name": known}
        return self.encode(sentences, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Return how alike each vector [N, D] and each other vector [M, D] are: [N, M]."""
        name = self.similarity_fn_name
        return torch.as_tensor(similarities(_rows(embeddings1), _rows(embeddings2), name=name))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Return how alike the vectors [N, D] of each pair are: [N]."""
        name = self.similarity_fn_name
        found = pair_similarities(_rows(embeddings1), _rows(embeddings2), name=name)
        return torch.as_tensor(found.astype(np.float32))

    def get_sentence_embedding_dimension(self) -> int:
        """Return the dimensions of a vector."""
        return self._vectors(["a"], "", None).shape[1]

    def get_embedding_dimension(self) -> int:
        """Return the dimensions of a vector, by the newer name."""
        return self.get_sentence_embedding_dimension()

    def get_max_seq_length(self) -> int:
        """Return the tokens of a text that are read."""
        return self.limit

    def eval(self) -> Self:
        """Return the model, which is never trained in place."""
        return self

    @property
    def max_seq_length(self) -> int:
        """Return the tokens of a text that are read."""
        return self.limit

    @property
    def similarity_fn_name(self) -> str:
        """Return the name of the similarity by which its vectors are compared."""
        return self.sentence.similarity

    @property
    def truncate_dim(self) -> int | None:
        """Return the dimensions that are kept; None keeps all."""
        return self.sentence.width

    @property
    def prompts(self) -> Mapping[str, str]:
        """Return the texts that can be put before a text, by name."""
        return self.sentence.prompts

    @property
    def default_prompt_name(self) -> str | None:
        """Return the name of the prompt that is put there if none is asked for."""
        return self.sentence.default_prompt

    @property
    def device(self) -> torch.device:
        """Return where the network computes."""
        return device_of(self.network)

    @property
    def model_card_data(self) -> _Card:
        """Return what takes an evaluator's scores, and keeps none."""
        return _Card()

    @property
    def mteb_model_meta(self) -> Any:
        """Return what mteb wants to know of a model; None where it is not loaded."""
        theirs: Any = sys.modules.get("mteb.models.model_meta")
        if theirs is None:
            return None
        known = {
            "name": f"munmaek/{self.info.label}",
            "revision": self.info.version,
            "max_tokens": self.limit,
            "embed_dim": self.get_sentence_embedding_dimension(),
            "similarity_fn_name": theirs.ScoringFunction.from_str(self.similarity_fn_name),
            "n_parameters": self.info.parameters,
            "framework": ["PyTorch"],
        }
        return theirs.ModelMeta.create_empty(overwrites=known)

    def _vectors(self, texts: Sequence[str], before: str, width: int | None) -> Float32s:
        kept = self.sentence.width if width is None else width
        read = followed(texts, "texts")
        blocks = list(self.embedded(read, before, block=BLOCK, width=kept))
        return np.concatenate(blocks) if blocks else np.array([], dtype=np.float32)

    def _before(self, name: str | None, prompt: str | None) -> str:
        """Return the text before every text.

        Raises:
            ConfigError: no prompt of that name.
        """
        if prompt is not None:
            return prompt
        if name is not None and name not in self.prompts:
            known = ", ".join(self.prompts) or "none"
            message = f"prompt_name='{name}': no prompt of this name; there are: {known}"
            raise ConfigError(message)
        return self.sentence.prompt(name)

    def _prompt_of_task(self, asked: dict[str, Any]) -> str | None:
        """Take mteb's arguments out of ``asked``; return the most particular prompt there is."""
        task, _, _, kind = (asked.pop(name, None) for name in OF_TASKS)
        if task is None:
            return None
        kind = getattr(kind, "value", kind)
        names = [name for own in (task.name, task.type) for name in (f"{own}-{kind}", own)]
        names += [kind] if kind != "document" else ANSWERS
        return next((self.prompts[name] for name in names if name in self.prompts), None)

    def _check_device(self, asked: Any) -> None:
        """Refuse another device than the network's.

        Raises:
            ConfigError: names both.
        """
        if asked is None:
            return
        own = self.device
        several = isinstance(asked, list | tuple)
        if several or torch.device(asked).type != own.type:
            message = f"device={asked!r}: this model is on {own}, and is not moved by encode"
            raise ConfigError(message)


def _check(others: Mapping[str, Any], batch_size: int, output: str | None, precision: str) -> None:
    """Refuse what cannot be honoured.

    Raises:
        ConfigError: names the argument.
    """
    unused = {name for name, value in others.items() if value is not None}
    if unused:
        message = f"encode has no use for {', '.join(sorted(unused))}; leave it out"
        raise ConfigError(message)
    if batch_size < 1:
        message = f"batch_size={batch_size}: at least 1 is wanted"
        raise ConfigError(message)
    for name, value, able in (
        ("output_value", output, OUTPUTS),
        ("precision", precision, PRECISIONS),
    ):
        if value not in able:
            message = f"{name}={value!r}: there are {', '.join(able)}"
            raise ConfigError(message)


def _texts(given: Any) -> Sequence[str]:
    """Return a text, texts, or the texts of batches, each a dict with ``text``, as a list.

    Raises:
        InputError: what is neither; a batch without texts.
    """
    if isinstance(given, str):
        return [given]
    items = given.tolist() if isinstance(given, np.ndarray) else list(given or ())
    if not items or not isinstance(items[0], Mapping):
        return given_texts(items)
    if any("text" not in batch for batch in items):
        message = f"texts are wanted, got batches of {', '.join(map(str, items[0]))}"
        raise InputError(message)
    return given_texts([text for batch in items for text in batch["text"]])


def _rows(vectors: Any) -> Float32s:
    """Return vectors of any kind as an array [N, D]; a single one [D] is one row."""
    if isinstance(vectors, list | tuple):
        return np.stack([_rows(each)[0] for each in cast("Sequence[Any]", vectors)])
    found = vectors.detach().cpu().numpy() if isinstance(vectors, Tensor) else np.asarray(vectors)
    return np.atleast_2d(found.astype(np.float32))


def _quantised(vectors: Float32s, precision: str) -> NDArray[Any]:
    """Return vectors [N, D] in another precision, as ``quantize_embeddings`` of theirs."""
    if precision == "float32" or not len(vectors):
        return vectors
    if precision in ("binary", "ubinary"):
        packed = np.packbits(vectors > 0, axis=1)
        return packed if precision == "ubinary" else (packed.astype(np.int16) - 128).astype(np.int8)
    least = vectors.min(axis=0)
    steps = (vectors.max(axis=0) - least) / 255
    places = np.floor((vectors - least) / np.where(steps == 0, 1, steps)).clip(0, 255)
    return places.astype(np.uint8) if precision == "uint8" else (places - 128).astype(np.int8)
