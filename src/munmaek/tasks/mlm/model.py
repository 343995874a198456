"""A trained masked-word model: fill, embed, and a pseudo-log-likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np
from torch import Tensor

from munmaek.arrays import Floats
from munmaek.errors import InputError, UnsupportedError
from munmaek.exchange.sentence import SentenceSettings
from munmaek.fit.trained import Files, Model
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.weights import save_network
from munmaek.metrics import Score
from munmaek.models.bert import BertBaseNetwork, BertMaskedNetwork
from munmaek.models.networks import MaskedNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.tasks.answering import Answers
from munmaek.tasks.framed import FramedText, frame_text
from munmaek.tasks.framing import Framing
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.mlm.encoding import SentenceEncoder
from munmaek.tasks.mlm.filling import Filled, filled
from munmaek.tasks.mlm.judging import judged_masks
from munmaek.tasks.mlm.objective import pseudo_logprobs
from munmaek.tasks.mlm.predictions import masked_predictions, similarity_predictions
from munmaek.tasks.mlm.vectors import Encoded
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import Corpus
from munmaek.text.given import given_texts

__all__ = ["Encoded", "Encoder"]


@final
@dataclass(frozen=True, slots=True, repr=False)
class Encoder(SentenceEncoder, Model, Answers):
    """A bidirectional network with its tokenizer."""

    tokenizer: AnyTokenizer
    network: Any
    """A ``MaskedNetwork``, or a ``BertBaseNetwork``, which fills no masks."""
    info: Info
    limit: int = 128
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""
    pooling: str = "mean"
    """Pooling of vectors in ``embed``: names of ``models.bert.sentence.POOLINGS``, such as
    their ``mean`` or the ``first``, with ``+`` between those that stand side by side."""
    normalised: bool = False
    """Vectors that ``embed`` gives have length one."""
    sentence: SentenceSettings = field(default_factory=SentenceSettings)
    """Prompts, modules after pooling and similarity, of a folder of sentence-transformers."""

    def fill(self, text: str, *, top: int = 5, pair: str | None = None) -> list[Filled]:
        """Return what may stand behind each ``<mask>`` (or ``[MASK]``) of ``text``.

        Args:
            text: with masks.
            top: candidates for each.
            pair: a second text behind the first.

        Raises:
            InputError: there is no mask in the text.
        """
        framed = self.framed(text, pair)
        if self.tokenizer.mask not in framed.ids:
            message = f"no <mask> in {text!r}; write <mask> where a word is to be filled in"
            raise InputError(message)
        return filled(self.tokenizer, framed, (text, pair), self._behind_masks(framed), top=top)

    @inference()
    def _behind_masks(self, framed: FramedText) -> Floats:
        """Return the log-probability of each token behind each mask: [M, V]."""
        self.check_head()
        masks = [at for at, token in enumerate(framed.ids) if token == self.tokenizer.mask]
        hidden = self.hidden([framed.ids], framed.types)[0]
        return self.network.logits(hidden[masks]).double().log_softmax(-1).cpu().numpy()

    @property
    def fills(self) -> bool:
        """Tell whether it has a head for masked words."""
        return isinstance(self.network, MaskedNetwork)

    def check_head(self) -> None:
        """Make sure that it can fill masks.

        Raises:
            UnsupportedError: a checkpoint without the head for it.
        """
        if not self.fills:
            message = (
                f"{self.info.label}: a checkpoint without a head for masked words embeds texts "
                "only; open one saved as ForMaskedLM to fill or to score"
            )
            raise UnsupportedError(message)

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return the pseudo-log-likelihood of each text in nats (Salazar et al. 2020).

        Each token is predicted from all the others, so this is not the probability of the text and
        is never ranked beside one.
        """
        self.check_head()
        frame, mask = self.tokenizer.frame, self.tokenizer.mask
        rows = frame.rows(self.tokenizer.encode_many(given_texts(texts)), self.limit)
        around = len(frame.before), len(frame.after)
        return [
            float(pseudo_logprobs(self.network, row, mask=mask, around=around).sum())
            for row in rows
        ]

    def evaluate(self, corpus: Corpus) -> dict[str, Score]:
        """Return perplexity and accuracy over masked words, masks fixed by a seed.

        With a next-sentence head, on documents that empty lines part, the share of pairs whose
        relation it tells as well.
        """
        return dict(judged_masks(self, corpus).scores)

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into.

        With a head for masked words a text with masks, or two texts read as one; without one the
        similarity of two texts.
        """
        filling = isinstance(self.network, MaskedNetwork)
        frame = self.tokenizer.frame
        return Accepts(
            self.tokenizer,
            limit=self.limit,
            special=(frame.special, frame.special_of_pair),
            pairs=None,
            apart=not filling,
            masks=filling,
        )

    def predictions(self, question: Question) -> Predictions:
        """Read a text or two and return what was computed; ``<mask>`` is a mask."""
        if isinstance(self.network, MaskedNetwork):
            return masked_predictions(self, question)
        return similarity_predictions(self, question)

    def framed(self, text: str, pair: str | None = None) -> FramedText:
        """Return ``text``, or a pair, as the network reads it; ``<mask>`` is a mask."""
        told = isinstance(self.network, BertMaskedNetwork | BertBaseNetwork)
        told = told and self.network.config.type_vocab_size > 1
        frame = self.tokenizer.frame
        framing = Framing(frame, self.limit, told and frame.segmented)
        return frame_text(self.tokenizer, framing, text, pair, allow=("<mask>",))

    def hidden(
        self,
        rows: Sequence[Sequence[int]],
        segments: Sequence[int] | None = None,
        *,
        tape: Tape | None = None,
    ) -> Tensor:
        """Return the network's vectors for rows of one length: [N, T, D].

        ``segments`` are those of each row.
        """
        batch = tensor(np.array(rows, dtype=np.int64), self.network)
        lengths = tensor(np.full(len(rows), batch.shape[1], dtype=np.int64), self.network)
        if segments is not None:
            types = tensor(np.array([segments] * len(rows), dtype=np.int64), self.network)
            return self.network.forward(batch, lengths, types=types, tape=tape)
        return self.network.forward(batch, lengths, tape=tape)

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        weights = partial(save_network, self.network, stage=self.info.stage)
        return {**model_files(self.info, self.tokenizer, weights), **self.sentence.files()}

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "tokenizer": self.tokenizer.describe(),
            "limit": self.limit,
            "pooling": self.pooling,
            "normalised": self.normalised,
            **({} if self.sentence.plain else {"sentence": self.sentence.to_json()}),
        }
