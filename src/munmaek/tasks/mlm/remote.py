"""An encoder on a server: vectors of texts, and filled masks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, final

import numpy as np

from munmaek.arrays import Float32s
from munmaek.errors import ConfigError
from munmaek.tasks.mlm.filling import Filled
from munmaek.tasks.mlm.vectors import Encoded
from munmaek.tasks.remote import Remote
from munmaek.text.given import given_texts

__all__ = ["RemoteEncoder"]


@final
class RemoteEncoder(Remote):
    """Embeds texts and fills masks there."""

    def embed(
        self, texts: Sequence[str], *, overlap: int | None = None, prompt: str | None = None
    ) -> Float32s:
        """Return a vector for each text, [N, D]; see ``munmaek.tasks.mlm.vectors.Embeds.embed``."""
        blocks = list(self.embed_blocks(given_texts(texts), overlap=overlap, prompt=prompt))
        return np.concatenate(blocks) if blocks else np.empty((0, 0), dtype=np.float32)

    def embed_blocks(
        self,
        texts: Iterable[str],
        *,
        precision: str = "float32",
        block: int = 4096,
        overlap: int | None = None,
        prompt: str | None = None,
        report: Callable[[Encoded], None] | None = None,
    ) -> Iterator[Float32s]:
        """Embed any number of texts; see ``munmaek.tasks.mlm.vectors.Embeds.embed_blocks``.

        An ``overlap`` is a quarter.

        Raises:
            ConfigError: a precision other than the server's own.
        """
        if precision != "float32":
            message = f"--precision {precision}: it is as whoever runs the server chose; leave it"
            raise ConfigError(message)
        options: dict[str, Any] = {} if prompt is None else {"prompt": prompt}
        options |= {} if overlap is None else {"window": True}
        source, done, longer = iter(texts), 0, 0
        while chosen := list(islice(source, block)):
            found = self.ask("embed", [(text,) for text in chosen], options)
            done, longer = done + len(found), longer + sum("cut" in each for each in found)
            if report is not None:
                report(Encoded(done, longer))
            yield np.stack([each["embedding"] for each in found])

    def room(self, prompt: str | None = None) -> int:
        """Return the tokens that are read at once; the server takes those of a prompt off."""
        del prompt
        return int(self.limit)

    def search(
        self, query: str, *, top: int = 5, prompt: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the texts of the server's index that are nearest to a query, the best first.

        Each has its similarity by the name of it, its ``line`` and its ``text``.

        Raises:
            ConfigError: the server has no index for this model.
        """
        options = {"top": top, **({} if prompt is None else {"prompt": prompt})}
        return self.ask("search", [(query,)], options)[0]["results"]

    def fill(self, text: str, *, top: int = 5, pair: str | None = None) -> list[Filled]:
        """Fill the masks of a text; see ``munmaek.tasks.mlm.model.Encoder.fill``."""
        options = {"top": top, **({} if pair is None else {"pair": pair})}
        found = self.ask("fill", [(text,)], options)[0]
        return [
            Filled(at, tuple((each["token"], each["probability"]) for each in row), found["filled"])
            for at, row in enumerate(found["candidates"])
        ]

    def score(self, texts: Sequence[str]) -> list[float]:
        """Return pseudo-log-likelihoods; see ``munmaek.tasks.mlm.model.Encoder.score``."""
        found = self.ask("score", [(text,) for text in given_texts(texts)], {})
        return [each["logprob"] for each in found]
