"""From texts to vectors: frames, prompts, pooling and the modules after it, for many texts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from munmaek.arrays import Float32s
from munmaek.errors import InputError
from munmaek.exchange.sentence import SentenceSettings
from munmaek.folder.info import Info
from munmaek.metrics import Score
from munmaek.metrics.retrieval import unit
from munmaek.models.bert import BertEncoder
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.tasks.mlm.encode import Precision, Texts, encode_rows, prepare
from munmaek.tasks.mlm.judging import judged_similarities
from munmaek.tasks.mlm.objective import embed_rows
from munmaek.tasks.mlm.windows import check_overlap, weighted_means, windows
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.given import given_texts
from munmaek.text.pairs import PairCorpus

__all__ = ["Embeds", "Encoded"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Progress of encoding many texts."""

    texts: int
    """Texts that are done."""
    longer: int
    """Texts among these with more tokens than the model reads at once."""


class Embedded(NamedTuple):
    """Vectors of texts."""

    vectors: Float32s
    """[N, D]."""
    tokens: Sequence[int]
    """Tokens that were read of each."""
    longer: Sequence[bool]
    """Tells of each whether it has more."""


class Embeds(ABC):
    """Gives a vector for each text."""

    __slots__ = ()

    tokenizer: AnyTokenizer
    network: Any
    info: Info
    limit: int
    pooling: str
    normalised: bool
    sentence: SentenceSettings

    @abstractmethod
    def hidden(
        self,
        rows: Sequence[Sequence[int]],
        segments: Sequence[int] | None = None,
        *,
        tape: Tape | None = None,
    ) -> Tensor:
        """Return the network's vectors for rows of one length, [N T D]."""

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
            overlap: as in ``embed_blocks``.
            prompt: as in ``embed_blocks``.
        """
        texts = given_texts(texts)
        blocks = list(self.embed_blocks(texts, precision=precision, overlap=overlap, prompt=prompt))
        return np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=np.float32)

    def embed_blocks(
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
        before = self.sentence.prompt(prompt)
        how: dict[str, Any] = {"precision": precision, "overlap": overlap, "report": report}
        return self.embedded(texts, before, block=block, width=self.sentence.width, **how)

    def embedded(
        self,
        texts: Iterable[str],
        before: str,
        *,
        block: int,
        width: int | None,
        precision: Precision = "float32",
        overlap: int | None = None,
        report: Callable[[Encoded], None] | None = None,
    ) -> Iterator[Float32s]:
        """Yield vectors as ``embed_blocks`` does, with the text ``before`` put before every text.

        Args:
            texts: read only as far as the block at hand.
            before: the prompt itself.
            block: as in ``embed_blocks``.
            width: dimensions of a vector that are kept, from the first; None keeps all.
            precision: as in ``embed``.
            overlap: as in ``embed_blocks``.
            report: as in ``embed_blocks``.
        """
        check_overlap(overlap, room=self._room(before), limit=self.limit)
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
            yield self._shaped(vectors, width)

    def _shaped(self, vectors: Float32s, width: int | None) -> Float32s:
        """Apply the modules after pooling: [N, D]."""
        vectors = self.sentence.apply(vectors)
        if self.normalised:
            vectors = unit(vectors)
        return vectors[:, :width]

    def ready(self, precision: Precision = "float32") -> Texts | None:
        """Return the encoder with its weights laid out for many texts; None has no such form."""
        encoder = getattr(self.network, "encoder", None)
        return prepare(encoder, precision=precision) if isinstance(encoder, BertEncoder) else None

    def vectors(
        self, texts: Sequence[str], ready: Texts | None, *, prompt: str | None = None
    ) -> "Embedded":
        """Return what ``embed`` gives, and the tokens of each text.

        Args:
            texts: all of them are computed together.
            ready: what ``ready`` gave.
            prompt: as in ``embed_blocks``.
        """
        self.room(prompt)
        before = self.sentence.prompt(prompt)
        lines = self.tokenizer.encode_many([before + text for text in texts])
        rows = self.tokenizer.frame.rows(lines, self.limit)
        pooled = self._pooled(ready, rows, self._prompt_size(before))
        vectors = self._shaped(pooled, self.sentence.width)
        room = self.limit - self.tokenizer.frame.special
        return Embedded(vectors, [len(row) for row in rows], [len(ids) > room for ids in lines])

    def room(self, prompt: str | None = None) -> int:
        """Return the tokens of a text that are read at once beside the frame and a prompt.

        Args:
            prompt: as in ``embed_blocks``.

        Raises:
            ConfigError: a prompt of an unknown name.
            InputError: a prompt that leaves no room for a text.
        """
        return self._room(self.sentence.prompt(prompt))

    def _room(self, before: str) -> int:
        size = self._prompt_size(before)
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

    @inference()
    def token_vectors(self, text: str, before: str = "") -> Tensor:
        """Return the vectors of a text's tokens, those around it among them: [T, D].

        Args:
            text: cut at ``limit`` tokens.
            before: a text that is put before it.
        """
        ids = self.tokenizer.encode_many([before + text])
        return self.hidden(self.tokenizer.frame.rows(ids, self.limit))[0].cpu()

    def left_out(self) -> int:
        """Return the first tokens of a text with the default prompt that are not pooled."""
        size = self._prompt_size(self.sentence.prompt(None))
        if not size or self.sentence.include_prompt:
            return 0
        return len(self.tokenizer.frame.before) + size

    def _longer(self, lines: Sequence[Sequence[int]]) -> int:
        room = self.limit - self.tokenizer.frame.special
        return sum(len(ids) > room for ids in lines)

    def evaluate_pairs(self, pairs: PairCorpus) -> dict[str, Score]:
        """Measure how well cosines, or the model's own similarity, tell texts of the same meaning.

        Spearman's ρ with the pairs' numbers where they have them; else how often the second text
        of a pair is the nearest, of all second texts, to the first.
        """
        return dict(judged_similarities(self, pairs).scores)
