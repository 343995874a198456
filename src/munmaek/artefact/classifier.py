"""A trained classifier: labels for texts."""

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
from munmaek.artefact.tables import save_tables
from munmaek.artefact.weights import save_config, save_network, tokenizer_files
from munmaek.errors import InputError
from munmaek.metrics import Score, classification_scores, sign
from munmaek.models.ngram import NgramClassifier
from munmaek.nn.tape import Tape
from munmaek.tasks.base import tensor
from munmaek.tasks.classify import NeuralClassifier, framed
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import LabelledCorpus

__all__ = ["Classifier", "Prediction", "label_indices"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A text, its likeliest label and the probability of each."""

    text: str
    label: str
    probabilities: dict[str, float]


def label_indices(corpus: LabelledCorpus, labels: Sequence[str]) -> NDArray[np.int64]:
    """The index of each row's label.

    Raises:
        InputError: a label that is not among ``labels``; names the corpus and the row.
    """
    index = {label: position for position, label in enumerate(labels)}
    for row, label in enumerate(corpus.labels):
        if label not in index:
            known = ", ".join(labels[:10])
            message = (
                f"{corpus.name}: row {row + 1}: label '{label}' was never seen in training; "
                f"known labels: {known}"
            )
            raise InputError(message)
    return np.array([index[label] for label in corpus.labels], dtype=np.int64)


@final
@dataclass(frozen=True, slots=True)
class Classifier:
    """Label probabilities over ids, with the tokenizer that gives it text."""

    tokenizer: AnyTokenizer
    model: NgramClassifier | NeuralClassifier
    labels: tuple[str, ...]
    info: Info
    limit: int = 256
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The label of each text, in their order; an empty text gets one too."""
        probabilities = np.exp(self._logprobs(texts))
        return [
            Prediction(
                text,
                self.labels[int(row.argmax())],
                dict(zip(self.labels, (float(p) for p in row), strict=True)),
            )
            for text, row in zip(texts, probabilities, strict=True)
        ]

    def _logprobs(self, texts: Sequence[str]) -> NDArray[np.float64]:
        encoded = self.tokenizer.encode_many(texts)
        if isinstance(self.model, NgramClassifier):
            return self.model.logprobs(encoded)
        return self.model.logprobs([self._frame(ids) for ids in encoded])

    def _frame(self, ids: Sequence[int]) -> list[int]:
        return framed(ids, bos=self.tokenizer.bos, eos=self.tokenizer.eos, limit=self.limit)

    def evaluate(self, corpus: LabelledCorpus) -> dict[str, Score]:
        """Accuracy and macro F1, with intervals.

        Raises:
            InputError: a label never seen in training.
        """
        label_indices(corpus, self.labels)
        tokenizer = self.tokenizer
        return classification_scores(
            [self.labels[int(index)] for index in self._logprobs(corpus.texts).argmax(1).tolist()],
            corpus.labels,
            signature=sign(
                task="classify",
                stage=self.info.stage,
                tokenizer=tokenizer.signature,
                oov=tokenizer.oov,
            ),
        )

    @torch.inference_mode()
    def inside(self, text: str, *, off: HeadsOff | None = None) -> Inside:
        """What the network computed on ``text``; an n-gram classifier records no tensors.

        Args:
            text: one text, cut where the model cuts it.
            off: heads of a network to switch off.
        """
        ids = self.tokenizer.encode(text)
        pieces, words = piece_words(self.tokenizer, text)
        row = self._frame(ids)
        inner = len(row) - 2
        tape = Tape(off=off or {})
        if isinstance(self.model, NeuralClassifier):
            network = self.model.network
            batch = np.array([row], dtype=np.int64)
            lengths = np.array([len(row)], dtype=np.int64)
            logits = network.forward(tensor(batch, network), tensor(lengths, network), tape=tape)
            logprobs = logits[0].double().log_softmax(-1).cpu().numpy()
        else:
            logprobs = self._logprobs([text])[0]
        chances = dict(zip(self.labels, np.exp(logprobs).tolist(), strict=True))
        bos, eos = self.tokenizer.token(row[0]), self.tokenizer.token(row[-1])
        return Inside(
            task="classify",
            stage=self.info.stage,
            tokens=(bos, *pieces[:inner], eos),
            words=(-1, *words[:inner], -1),
            tensors=one_row(tape),
            extra={"probabilities": chances},
        )

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        model = self.model

        def weights(path: Path) -> None:
            if isinstance(model, NgramClassifier):
                save_tables(model.tensors(), path)
            else:
                save_network(model.network, path, stage=self.info.stage)

        write_folder(
            Path(folder),
            files={
                "tokenizer.json": self.tokenizer.save,
                "model.safetensors": weights,
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
