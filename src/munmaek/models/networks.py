"""The protocols of networks by task; they know no loss, no text, no files and no devices.

Letters: B sentences in the batch, T tokens, S source tokens, D model width, V vocabulary size,
C classes, N chosen positions. Ids are int64; a row's tokens come first and its padding after, so
``lengths`` [B] is the whole mask. A state is a tree for ``munmaek.nn.state.select_rows``.

Each is a ``torch.nn.Module`` besides, made as written in its docstring. The global torch generator
initialises the weights; ``munmaek.tasks.build`` seeds it aside.
"""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from munmaek.nn.tape import Tape

__all__ = [
    "AligningNetwork",
    "ClassifierNetwork",
    "LanguageNetwork",
    "LikelihoodNetwork",
    "MaskedNetwork",
    "TranslatorNetwork",
]


@runtime_checkable
class LanguageNetwork(Protocol):
    """Left to right: made by ``Network(config, *, vocab_size)``."""

    def begin(self, batch: int) -> Any:
        """Return the state before any token, with ``batch`` rows."""
        ...

    def forward(
        self, ids: Int[Tensor, "B T"], state: Any | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], Any]:
        """Return the hidden states after each token, and the state after the last column.

        ``state`` None means ``begin``. Going on from a returned state equals one longer call.
        The state is meaningful for rows without padding. Hidden t depends on ids up to t only.
        """
        ...

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the next token, before softmax."""
        ...

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"]
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats; while it trains, a network may estimate it."""
        ...


@runtime_checkable
class ClassifierNetwork(Protocol):
    """Text in, label out: made by ``Network(config, *, vocab_size, label_count)``."""

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; padding changes nothing."""
        ...


@runtime_checkable
class TranslatorNetwork(Protocol):
    """Sequence in, sequence out: made by ``Network(config, *, source_vocab, target_vocab)``."""

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Any:
        """Encode a source once for the decoder: a tree of tensors with B rows first."""
        ...

    def decode(
        self,
        memory: Any,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return what predicts the token after each of ``target`` (teacher forcing).

        ``target`` begins with bos.
        """
        ...

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the next target token, before softmax."""
        ...

    def decode_with_alignment(
        self, memory: Any, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B T S"] | None]:
        """Return ``decode`` and what ``alignment`` gives, on the graph: for a loss on both."""
        ...

    def begin(self, memory: Any) -> Any:
        """Return the decoder's state before bos, a tree with B rows."""
        ...

    def step(
        self,
        memory: Any,
        state: Any,
        tokens: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B D"], Any]:
        """Read one token: the hidden state that predicts the next, and the new state.

        Equal to a column of ``decode``.
        """
        ...

    def alignment(self, tape: Tape) -> Float[Tensor, "B T S"] | None:
        """Return weights over source positions behind each prediction of a taped decode or step.

        T is 1 after a step. Rows sum to 1 over S. None for a network without attention.
        """
        ...


@runtime_checkable
class AligningNetwork(Protocol):
    """A translator that can give its alignment without recording all that a tape takes."""

    def step_with_alignment(
        self, memory: Any, state: Any, tokens: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B D"], Any, Float[Tensor, "B S"]]:
        """Do ``step``, and return what ``alignment`` gives of it."""
        ...


@runtime_checkable
class LikelihoodNetwork(Protocol):
    """A translator that takes the likelihood itself, faster than from all ``logits``."""

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"], *, smoothing: float
    ) -> Float[Tensor, ""]:
        """Return Σ (1 − ε) log p(gold) + ε/V Σ_v log p(v) in nats, for ε = ``smoothing``."""
        ...


@runtime_checkable
class MaskedNetwork(Protocol):
    """Both sides in, the masked word out: made by ``Network(config, *, vocab_size)``."""

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        causal: bool = False,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden state of every token, from both sides; padding changes nothing.

        ``causal``: no token sees one after it.
        """
        ...

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the token at each chosen position, before softmax."""
        ...

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"]
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats."""
        ...

    def sampled_log_likelihood(
        self,
        hidden: Float[Tensor, "N D"],
        gold: Int[Tensor, " N"],
        *,
        tokens: int,
        order: Int[Tensor, " V"],
    ) -> Float[Tensor, ""]:
        """Return an estimate from ``tokens`` / 2 first of ``order`` and as many random others.

        ``order`` has all ids, from the most frequent to the rarest.
        """
        ...
