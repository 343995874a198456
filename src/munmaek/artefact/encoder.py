"""A trained masked-word model: fill, embed, and a pseudo-log-likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.artefact.folder import write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.inside import HeadsOff, Inside, one_row, piece_words
from munmaek.artefact.weights import save_config, save_network
from munmaek.errors import InputError
from munmaek.metrics import Score, masked_scores, sign
from munmaek.models.bert import BertMaskedNetwork
from munmaek.models.networks import MaskedNetwork
from munmaek.nn.tape import Tape
from munmaek.tasks.base import tensor
from munmaek.tasks.classify import framed
from munmaek.tasks.mlm import MaskedFiller, MaskedModelling
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Encoder", "Filled"]


@dataclass(frozen=True, slots=True)
class Filled:
    """One mask of a text: what may stand there, likeliest first."""

    position: int
    """Which mask of the text, from 0."""
    candidates: tuple[tuple[str, float], ...]
    """Tokens with their probabilities."""
    text: str
    """The text with every mask filled by its likeliest token."""


@final
@dataclass(frozen=True, slots=True)
class Encoder:
    """A bidirectional network with its tokenizer."""

    tokenizer: Tokenizer
    network: MaskedNetwork
    info: Info
    limit: int = 128
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""

    def fill(self, text: str, *, top: int = 5) -> list[Filled]:
        """What may stand behind each ``<mask>`` (or ``[MASK]``) of ``text``.

        Raises:
            InputError: there is no mask in the text.
        """
        ids = self._frame(self.tokenizer.encode(text, allow=("<mask>",)))
        if self.tokenizer.mask not in ids:
            message = f"no <mask> in {text!r}; write <mask> where a word is to be filled in"
            raise InputError(message)
        logprobs = self._filler().logprobs(ids)
        logprobs[:, : self.tokenizer.mask + 1] = -np.inf
        best = logprobs.argsort(1)[:, ::-1][:, :top]
        filled = self._decode_with(ids, best[:, 0])
        return [
            Filled(position, self._candidates(row, scores), filled)
            for position, (row, scores) in enumerate(zip(best, logprobs, strict=True))
        ]

    def _candidates(
        self, row: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> tuple[tuple[str, float], ...]:
        return tuple(
            (self.tokenizer.token(int(token)), float(np.exp(scores[token]))) for token in row
        )

    def _decode_with(self, ids: Sequence[int], fills: NDArray[np.int64]) -> str:
        row = np.asarray(ids)
        row[row == self.tokenizer.mask] = fills
        return self.tokenizer.decode([int(token) for token in row[1:-1]])

    def _frame(self, ids: Sequence[int]) -> list[int]:
        return framed(ids, bos=self.tokenizer.bos, eos=self.tokenizer.eos, limit=self.limit)

    def _filler(self) -> MaskedFiller:
        return MaskedFiller(self.network, self.tokenizer.mask)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A vector for each text, the mean of its last hidden states: [N, D], in their order."""
        rows = [self._frame(ids) for ids in self.tokenizer.encode_many(texts)]
        return self._filler().embed(rows)

    def score(self, texts: Sequence[str]) -> list[float]:
        """Pseudo-log-likelihood of each text in nats (Salazar et al. 2020).

        Each token is predicted from all the others, so this is not the probability of the text and
        is never ranked beside one.
        """
        rows = [self._frame(ids) for ids in self.tokenizer.encode_many(texts)]
        return [float(self._filler().pseudo_logprobs(row).sum()) for row in rows]

    def evaluate(self, corpus: Corpus) -> dict[str, Score]:
        """Perplexity and accuracy over masked words, masks fixed by a seed."""
        rows = [self._frame(ids) for ids in self.tokenizer.encode_many(corpus.lines) if ids]
        task = MaskedModelling(
            train=(),
            valid=rows,
            mask=self.tokenizer.mask,
            first_word=self.tokenizer.mask + 1,
            vocab_size=self.tokenizer.vocab_size,
        )
        logprobs, hits = task.predictions(self.network)
        tokenizer = self.tokenizer
        signature = sign(
            task="mlm",
            stage=self.info.stage,
            tokenizer=tokenizer.signature,
            oov=tokenizer.oov,
            more=(("masked", "15%"),),
        )
        return masked_scores(logprobs, hits, signature=signature)

    @torch.inference_mode()
    def inside(
        self, text: str, pair: str | None = None, *, off: HeadsOff | None = None
    ) -> Inside:
        """What the network computed on ``text``, or on two texts: ``<s> text </s> pair </s>``.

        Args:
            text: one text; ``<mask>`` is a mask.
            pair: a second text, of segment 1 where the network has segments.
            off: heads to switch off.
        """
        tokenizer = self.tokenizer
        parts = [text] if pair is None else [text, pair]
        eos = tokenizer.token(tokenizer.eos)
        row, tokens, words = [tokenizer.bos], [tokenizer.token(tokenizer.bos)], [-1]
        segments, before = [0], 0
        for number, part in enumerate(parts):
            pieces, own = piece_words(tokenizer, part, allow=("<mask>",))
            row += [*tokenizer.encode(part, allow=("<mask>",)), tokenizer.eos]
            tokens += [*pieces, eos]
            words += [*(word + before for word in own), -1]
            segments += [number] * (len(pieces) + 1)
            before += len(part.split())
        if len(row) > self.limit:
            row = [*row[: self.limit - 1], tokenizer.eos]
            tokens = [*tokens[: self.limit - 1], eos]
            words = [*words[: self.limit - 1], -1]
        tape = Tape(off=off or {})
        self._forward(row, segments[: len(row)] if pair is not None else None, tape)
        return Inside(
            task="mlm",
            stage=self.info.stage,
            tokens=tuple(tokens),
            words=tuple(words),
            tensors=one_row(tape),
            segments=() if pair is None else tuple(segments[: len(row)]),
        )

    def _forward(self, row: Sequence[int], segments: Sequence[int] | None, tape: Tape) -> None:
        batch = tensor(np.array([row], dtype=np.int64), self.network)
        lengths = tensor(np.array([len(row)], dtype=np.int64), self.network)
        if segments is not None and isinstance(self.network, BertMaskedNetwork):
            types = tensor(np.array([segments], dtype=np.int64), self.network)
            self.network.forward(batch, lengths, types=types, tape=tape)
        else:
            self.network.forward(batch, lengths, tape=tape)

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        write_folder(
            Path(folder),
            files={
                "tokenizer.json": self.tokenizer.save,
                "model.safetensors": lambda path: save_network(
                    self.network, path, stage=self.info.stage
                ),
                "config.json": lambda path: save_config(path, self.info),
            },
            manifest={
                **self.info.to_json(),
                "tokenizer": self.tokenizer.describe(),
                "limit": self.limit,
            },
            force=force,
        )
