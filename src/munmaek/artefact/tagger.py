"""A trained tagger: a label for every token, and the entities that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from munmaek.artefact.folder import write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.weights import save_config, save_network, tokenizer_files
from munmaek.tasks.base import tensor
from munmaek.tasks.classify import framed
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

__all__ = ["Entity", "Tagger"]


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a text with one label."""

    label: str
    text: str
    start: int
    end: int
    """Offsets of the first character and after the last."""
    probability: float
    """Mean over its tokens."""


@final
@dataclass(frozen=True, slots=True)
class Tagger:
    """A network that labels tokens, with its tokenizer."""

    tokenizer: AnyTokenizer
    network: Any
    labels: tuple[str, ...]
    """``O`` or an entity's name, maybe with ``B-`` (begins) or ``I-`` (goes on) before it."""
    info: Info
    limit: int = 256

    @torch.inference_mode()
    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in their order."""
        return [self._tag(text) for text in texts]

    def _tag(self, text: str) -> list[Entity]:
        tokenizer = self.tokenizer
        pieces = tokenizer.pieces(text)[: self.limit - 2]
        ids = framed(tokenizer.encode(text), bos=tokenizer.bos, eos=tokenizer.eos, limit=self.limit)
        row = tensor(np.array([ids], dtype=np.int64), self.network)
        lengths = tensor(np.array([len(ids)], dtype=np.int64), self.network)
        chances = self.network(row, lengths)[0, 1:-1].double().softmax(-1).cpu().numpy()
        out: list[Entity] = []
        for piece, row_chances in zip(pieces, chances, strict=True):
            label = self.labels[int(row_chances.argmax())]
            self._grow(out, text, label, piece.start, piece.end, float(row_chances.max()))
        return out

    @staticmethod
    def _grow(
        out: list[Entity], text: str, label: str, start: int, end: int, chance: float
    ) -> None:
        if label == "O":
            return
        begins, name = label.startswith("B-"), label.removeprefix("B-").removeprefix("I-")
        last = out[-1] if out else None
        near = last is not None and not text[last.end : start].strip()
        if last is not None and near and last.label == name and not begins:
            joined = (last.probability + chance) / 2
            out[-1] = Entity(name, text[last.start : end], last.start, end, joined)
        else:
            out.append(Entity(name, text[start:end], start, end, chance))

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
                "config.json": lambda path: save_config(path, self.info, labels=self.labels),
                **tokenizer_files(self.tokenizer),
            },
            manifest={
                **self.info.to_json(),
                "tokenizer": self.tokenizer.describe(),
                "labels": list(self.labels),
                "limit": self.limit,
            },
            force=force,
        )
