"""A trained masked-word model: fill, embed, and a pseudo-log-likelihood."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, final

import numpy as np
from torch import Tensor

from munmaek.arrays import Float32s, Floats
from munmaek.errors import InputError, UnsupportedError
from munmaek.exchange.sentence import SentenceSettings
from munmaek.fit.trained import Files, Model
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.weights import save_network
from munmaek.metrics import (
    Score,
    Signature,
    masked_scores,
    next_sentence_scores,
    resting_on,
    sign_model,
)
from munmaek.metrics.regression import spearman
from munmaek.metrics.retrieval import (
    pair_similarities,
    retrieval_ranks,
    retrieval_scores,
    unit,
)
from munmaek.models.bert import BertBaseNetwork, BertEncoder, BertMaskedNetwork
from munmaek.models.networks import MaskedNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.tasks.framed import FramedText, frame_text
from munmaek.tasks.framing import Framing
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.mlm.encode import Precision, Texts, encode_rows, prepare
from munmaek.tasks.mlm.filling import Filled, filled
from munmaek.tasks.mlm.next_sentence import NextSentenceModelling, documents_of
from munmaek.tasks.mlm.objective import MaskedModelling, embed_rows, pseudo_logprobs
from munmaek.tasks.mlm.predictions import masked_predictions, similarity_predictions
from munmaek.tasks.mlm.windows import check_overlap, weighted_means, windows
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import Corpus
from munmaek.text.given import given_texts
from munmaek.text.pairs import PairCorpus

__all__ = ["Encoded", "Encoder"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Progress of encoding many texts."""

    texts: int
    """That are done."""
    longer: int
    """Texts among these with more tokens than the model reads at once."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Encoder(Model):
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

    def embed(
        self,
        texts: Sequence[str],
        *,
        precision: Precision = "float32",
        overlap: int | None = None,
        prompt: str | None = None,
    ) -> Float32s:
        """Return a vector for each text, of ``pooling``, in their order: [N, D].

        Args:
            texts: of any length; a single one gives [1, D].
            precision: ``bfloat16`` and ``int8`` are nearly the same and, where the processor has
                the instructions, faster.
            overlap: as in ``encode``.
            prompt: as in ``encode``.
        """
        texts = given_texts(texts)
        blocks = list(self.encode(texts, precision=precision, overlap=overlap, prompt=prompt))
        return np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=np.float32)

    def encode(
        self,
        texts: Iterable[str],
        *,
        precision: Precision = "float32",
        block: int = 4096,
        overlap: int | None = None,
        prompt: str | None = None,
        report: Callable[[Encoded], None] | None = None,
    ) -> Iterator[Float32s]:
        """Embed any number of texts, and yield their vectors block by block, in their order.

        Args:
            texts: read only as far as the block at hand.
            precision: as in ``embed``.
            block: texts that are sorted by length and held together.
            overlap: tokens that neighbouring windows of a text longer than ``limit`` share; its
                vector is the mean of theirs, each weighing as many as it has tokens. Each begins
                with the prompt. None reads the first ``limit`` tokens alone.
            prompt: the name of one of the model's, or a text, that is put before every text; None
                is the model's default one, where it has one, and "" is none.
            report: told how far it is after each block.

        Raises:
            ConfigError: an overlap that leaves no window of ``limit`` tokens room to move on, or a
                prompt of an unknown name.
            InputError: a prompt that leaves no room for a text.
        """
        check_overlap(overlap, room=self.room(prompt), limit=self.limit)
        before = self.sentence.prompt(prompt)
        size = self._prompt_size(before)
        ready = self.ready(precision)
        done = long = 0
        source = iter(texts)
        while chosen := list(islice(source, block)):
            lines = self.tokenizer.encode_many([before + text for text in chosen])
            frame = self.tokenizer.frame
            rows, owners = windows(lines, frame, self.limit, overlap=overlap, prompt=size)
            vectors = self._pooled(ready, rows, size)
            if len(rows) > len(lines):
                vectors = weighted_means(vectors, owners, [len(row) for row in rows])
            done, long = done + len(chosen), long + self._longer(lines)
            if report is not None:
                report(Encoded(done, long))
            yield self._shaped(vectors)

    def _shaped(self, vectors: Float32s) -> Float32s:
        """Apply the modules after pooling: [N, D]."""
        vectors = self.sentence.apply(vectors)
        if self.normalised:
            vectors = unit(vectors)
        return vectors[:, : self.sentence.width]

    def ready(self, precision: Precision = "float32") -> Texts | None:
        """Return the encoder with its weights laid out for many texts; None has no such form."""
        encoder = getattr(self.network, "encoder", None)
        return prepare(encoder, precision=precision) if isinstance(encoder, BertEncoder) else None

    def vectors(
        self, texts: Sequence[str], ready: Texts | None, *, prompt: str | None = None
    ) -> tuple[Float32s, list[int]]:
        """Return what ``embed`` gives, [N, D], and the tokens that were read of each text.

        Args:
            texts: all of them are computed together.
            ready: what ``ready`` gave.
            prompt: as in ``encode``.
        """
        self.room(prompt)
        before = self.sentence.prompt(prompt)
        lines = self.tokenizer.encode_many([before + text for text in texts])
        rows = self.tokenizer.frame.rows(lines, self.limit)
        vectors = self._shaped(self._pooled(ready, rows, self._prompt_size(before)))
        return vectors, [len(row) for row in rows]

    def room(self, prompt: str | None = None) -> int:
        """Return the tokens of a text that are read at once beside the frame and a prompt.

        Args:
            prompt: as in ``encode``.

        Raises:
            ConfigError: a prompt of an unknown name.
            InputError: a prompt that leaves no room for a text.
        """
        size = self._prompt_size(self.sentence.prompt(prompt))
        room = self.limit - self.tokenizer.frame.special - size
        if room < 1:
            message = (
                f"a prompt of {size} tokens leaves no room for a text: the model reads "
                f"{self.limit} tokens at once; take a shorter prompt"
            )
            raise InputError(message)
        return room

    def _prompt_size(self, prompt: str) -> int:
        return len(self.tokenizer.encode(prompt)) if prompt else 0

    def _pooled(self, ready: Texts | None, rows: Sequence[list[int]], prompt: int) -> Float32s:
        """Pool the vectors of framed rows: [N, P]."""
        if ready is None:
            return embed_rows(self.network, rows, pooling=self.pooling)
        if not prompt or self.sentence.include_prompt:
            return encode_rows(ready, rows, pooling=self.pooling)
        before = len(self.tokenizer.frame.before) + prompt
        if any(len(row) <= before for row in rows):
            message = (
                "a text is one with its prompt in the tokenizer: nothing of it is left to pool"
            )
            raise InputError(message)
        return encode_rows(ready, rows, pooling=self.pooling, before=before)

    def left_out(self) -> int:
        """Return the first tokens of a text with the default prompt that are not pooled."""
        size = self._prompt_size(self.sentence.prompt(None))
        if not size or self.sentence.include_prompt:
            return 0
        return len(self.tokenizer.frame.before) + size

    def _longer(self, lines: Sequence[Sequence[int]]) -> int:
        room = self.limit - self.tokenizer.frame.special
        return sum(len(ids) > room for ids in lines)

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

    def evaluate_pairs(self, pairs: PairCorpus) -> dict[str, Score]:
        """Measure how well cosines, or the model's own similarity, tell texts of the same meaning.

        Spearman's ρ with the pairs' numbers where they have them; else how often the second text
        of a pair is the nearest, of all second texts, to the first.
        """
        firsts, seconds = np.split(self.embed([*pairs.firsts, *pairs.seconds]), 2)
        name = self.sentence.similarity
        more = (("pooling", self.pooling), ("limit", str(self.limit)))
        if name != "cosine":
            more = (*more, ("similarity", name))
        signature = sign_model(self.tokenizer, task="embed", stage=self.info.stage, more=more)
        if pairs.values is not None:
            found = pair_similarities(firsts, seconds, name=name).tolist()
            score = spearman(found, pairs.values, signature=signature)
            return resting_on({score.name: score}, pairs.name, len(firsts), "pairs")
        kinds = np.unique(np.array(pairs.seconds), return_inverse=True)[1]
        ranks = retrieval_ranks(firsts, seconds, kinds, name=name)
        scores = retrieval_scores(ranks, signature=signature)
        return resting_on(scores, pairs.name, len(firsts), "pairs")

    def evaluate(self, corpus: Corpus) -> dict[str, Score]:
        """Return perplexity and accuracy over masked words, masks fixed by a seed.

        With a next-sentence head, on documents that empty lines part, the share of pairs whose
        relation it tells as well.
        """
        lines = self.tokenizer.encode_many(corpus.lines)
        rows = self.tokenizer.frame.rows([ids for ids in lines if ids], self.limit)
        task = MaskedModelling(
            train=(),
            valid=rows,
            mask=self.tokenizer.mask,
            first_word=0,
            special=self.tokenizer.special_ids,
            vocab_size=self.tokenizer.vocab_size,
        )
        self.check_head()
        logprobs, hits = task.predictions(self.network)
        tokenizer = self.tokenizer
        signature = sign_model(
            tokenizer, task="mlm", stage=self.info.stage, more=(("masked", "15%"),)
        )
        scores = {
            **masked_scores(logprobs, hits, signature=signature),
            **self._relation_scores(documents_of(lines), task, signature),
        }
        return resting_on(scores, corpus.name, len(rows), "texts")

    def _relation_scores(
        self,
        documents: Sequence[Sequence[Sequence[int]]],
        masking: MaskedModelling,
        signed: Signature,
    ) -> dict[str, Score]:
        network, tokenizer = self.network, self.tokenizer
        paired = isinstance(network, BertMaskedNetwork) and network.relation is not None
        if not paired or len(documents) < 2:
            return {}
        task = NextSentenceModelling(documents, documents, masking, tokenizer.frame, self.limit)
        hits = task.predictions(network)[3]
        return next_sentence_scores(hits, signature=signed)

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
