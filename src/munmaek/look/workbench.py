"""Answers to the viewer: models, records, pairs, marks. No text of any protocol is read here.

Everything that uses a model waits for the one lock; tensors and marks do not.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from munmaek.align import MarkedPair
from munmaek.errors import InputError, UnsupportedError
from munmaek.look.capture import Looking, capture, inspectable
from munmaek.look.corrections import Corrections
from munmaek.look.marking import Marks, links_json, marked_pair
from munmaek.look.packing import Packed, pack_float16, pack_uint8
from munmaek.look.pairs import ORDERS, Order, Pairs, Suspicions
from munmaek.look.records import Record
from munmaek.tasks.inside import Accepts
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

if TYPE_CHECKING:
    from munmaek.look.feedback import Feedback

__all__ = ["MissingError", "NamedModel", "Workbench", "example_sentences"]

INLINE_EACH = 48_000
"""Bytes of a tensor up to which it goes with its record."""
INLINE_ALL = 400_000
"""Bytes of a record's tensors together that go with it; the rest is fetched when it is drawn."""
KEPT = 12
"""Records whose tensors can still be fetched, at most."""
KEPT_BYTES = 64 << 20
"""Bytes of all of them, at most."""

NEXT = 12
"""Continuations of what is typed."""

DIGITS_MOST = 9
"""Digits of the number of a model that there might be."""


class MissingError(InputError):
    """Something was asked for by a name that nothing has."""


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model under the name of its folder."""

    name: str
    model: Any
    """A trained model."""
    folder: Path | None = None
    label: str = ""
    """Its name beside the others; empty is what the model calls itself."""

    def describe(self, number: int) -> dict[str, Any]:
        """Return what the page's list of models says."""
        info, accepts = self.model.info, self.accepts
        return {
            "id": str(number),
            "name": self.name,
            "label": self.label or info.label,
            "task": info.task,
            "stage": info.stage,
            "pairs": accepts.pairs,
            "target": accepts.writer is not None,
            "next": accepts.continues,
        }

    @property
    def accepts(self) -> Accepts:
        """Return what can be asked of it.

        Raises:
            UnsupportedError: it cannot be looked into.
        """
        return inspectable(self.model, self.name).accepts


class Workbench:
    """The models that are looked at, with the pairs and marks for a translator."""

    def __init__(
        self,
        models: Sequence[NamedModel],
        *,
        pairs: Pairs | None = None,
        marks: Path | None = None,
        example: str | None = None,
        example_pair: str | None = None,
    ) -> None:
        """Put it together.

        Args:
            models: one or more; marks and pairs belong to the first.
            pairs: for the list by suspicion.
            marks: the file of marks, which need not be there yet; none cannot be marked.
            example: the sentence to begin with; by default one that the first model can read.
            example_pair: the second text of a pair to begin with, by default for a model that must
                have one.

        Raises:
            InputError: marks that cannot be read or are of another tokenizer.
            UnsupportedError: pairs for a model that does not translate, or one that cannot be
                looked into.
        """
        self._models = list(models)
        self._lock = Lock()
        self._records: OrderedDict[str, dict[str, Packed]] = OrderedDict()
        self._records_lock = Lock()
        first, accepts = models[0].model, models[0].accepts
        if accepts.writer is None and (pairs is not None or marks is not None):
            message = (
                f"{models[0].name}: pairs and marks are for translators, not '{first.info.task}'"
            )
            raise UnsupportedError(message)
        self.pairs = pairs
        self.marks = None if marks is None else Marks(marks, first)
        beside = None if marks is None else marks.name.removesuffix(".jsonl")
        self.corrections = (
            None
            if marks is None
            else Corrections(marks.with_name(f"{str(beside).removesuffix('.marks')}.corrected.tsv"))
        )
        self._suspicions = None if pairs is None else Suspicions(first, pairs, lock=self._lock)
        self._feedback: Feedback | None = None
        self._guiding = Lock()
        self.example, self.example_pair = example, example_pair
        if example is None:
            self.example, second = example_sentences(accepts.reader)
            self.example_pair = second if accepts.pairs or accepts.apart else None

    def close(self) -> None:
        """End what runs in the background."""
        if self._suspicions is not None:
            self._suspicions.stop()
        if self._feedback is not None:
            self._feedback.stop()

    def describe(self) -> dict[str, Any]:
        """Return what ``GET /api/model`` answers."""
        return {
            "models": [each.describe(number) for number, each in enumerate(self._models)],
            "example": self.example,
            "example_pair": self.example_pair,
            "marks": None if self.marks is None else str(self.marks.path),
            "corrections": None if self.corrections is None else str(self.corrections.path),
            "pairs": 0 if self.pairs is None else len(self.pairs),
        }

    # Records

    def record(
        self,
        model: str,
        text: str,
        *,
        target: str | None = None,
        pair: str | None = None,
        mask: int | None = None,
        off: Sequence[tuple[str, int]] = (),
        beam: int = 5,
        gold: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Record a sentence through the model of that number; large tensors by their address.

        Raises:
            MissingError: no such model.
            InputError: what ``munmaek.look.capture.capture`` refuses.
        """
        named = self._model(model)
        with self._lock:
            made = capture(
                named.model,
                text,
                target,
                name=named.name,
                pair=pair,
                mask=mask,
                how=Looking(named.label, off, beam, gold),
            )
        return self._kept(made)

    def _model(self, number: str) -> NamedModel:
        if not number.isascii() or not number.isdecimal() or len(number) > DIGITS_MOST:
            message = f"a model is asked for by its number, not {number[:20]!r}"
            raise InputError(message)
        numbered = {str(place): named for place, named in enumerate(self._models)}
        if number not in numbered:
            message = f"no model {number[:20]!r}; there are 0 to {len(self._models) - 1}"
            raise MissingError(message)
        return numbered[number]

    def _kept(self, record: Record) -> dict[str, Any]:
        weights = {each.tensor for each in record.attentions}
        packed = {
            name: pack_uint8(tensor)
            if name in weights and tensor.size > INLINE_EACH
            else pack_float16(tensor)
            for name, tensor in record.tensors.items()
        }
        with self._records_lock:
            self._records[record.id] = packed
            self._records.move_to_end(record.id)
            while len(self._records) > KEPT or _size(self._records) > KEPT_BYTES:
                self._records.popitem(last=False)
        return record.describe() | {"tensors": _inlined(record, packed)}

    def tensor(self, record: str, name: str) -> Packed:
        """Return a tensor of one of the last records.

        Raises:
            MissingError: no such record or tensor.
        """
        with self._records_lock:
            tensors = self._records.get(record)
        if tensors is None or name not in tensors:
            message = f"no tensor {name!r} of record {record!r} is kept; look at the sentence again"
            raise MissingError(message)
        return tensors[name]

    def next(self, model: str, text: str) -> list[list[Any]]:
        """Return the likeliest tokens after ``text`` with their probabilities.

        Raises:
            MissingError: no such model.
            InputError: a model that does not predict the next token.
        """
        named = self._model(model)
        if not named.accepts.continues:
            message = f"{named.name}: next words are for language models"
            raise InputError(message)
        with self._lock:
            found = named.model.next_tokens(text, count=NEXT)
        return [[each.token, math.exp(each.logprob)] for each in found]

    # Pairs and marks

    def suspicious(self, by: str, start: int, count: int) -> dict[str, Any]:
        """Return pairs by suspicion, reckoned in the background: ``done`` of ``total`` so far.

        Raises:
            InputError: no pairs, an unknown order, or a model without attention.
        """
        if self._suspicions is None or self.pairs is None:
            raise InputError("no pairs to look through; give --pairs FILE")
        if by not in ORDERS:
            message = f"order by {', '.join(ORDERS)}, not by {by!r}"
            raise InputError(message)
        self._suspicions.start()
        if self._suspicions.error is not None:
            raise InputError(self._suspicions.error)
        order: Order = by
        ranked = self._suspicions.ranked(order)
        known = [] if self.marks is None else self.marks.pairs()
        marked = {each.key for each in known}
        rows = [
            {
                "index": each.index,
                "source": self.pairs.sources[each.index],
                "target": self.pairs.targets[each.index],
                "entropy": each.entropy,
                "coverage": each.coverage,
                "disagreement": each.disagreement,
                "marked": _key(self.pairs, each.index) in marked,
            }
            for each in ranked[start : start + count]
        ]
        return {"total": len(self.pairs), "done": self._suspicions.done, "rows": rows}

    def pair(self, index: int) -> dict[str, Any]:
        """Return the record of a pair, with its marks or else its gold links laid over.

        Raises:
            MissingError: no such pair.
        """
        source, target = self._pair(index)
        marked = None if self.marks is None else self.marks.of(source, target)
        if marked is None and self.pairs is not None and self.pairs.gold is not None:
            marked = self.pairs.gold[index]
        gold = None if marked is None else links_json(marked)
        return self.record("0", source, target=target, gold=gold)

    def _pair(self, index: int) -> tuple[str, str]:
        total = 0 if self.pairs is None else len(self.pairs)
        if self.pairs is None or not 0 <= index < total:
            message = f"no pair {index}; there are {total}"
            raise MissingError(message)
        return self.pairs.sources[index], self.pairs.targets[index]

    def mark(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Append the marks of one pair, given by ``index`` or by its texts.

        Raises:
            InputError: marks that do not fit, or no file for them.
            DiskError: it cannot be written.
        """
        marks = self.kept_marks()
        index = body.get("index")
        if type(index) is int:
            source, target = self._pair(index)
        else:
            source, target = body.get("source"), body.get("target")
            if not isinstance(source, str) or not isinstance(target, str):
                raise InputError("a mark needs 'index', or 'source' and 'target'")
        return {"count": marks.add(marked_pair(source, target, body))}

    def kept_marks(self) -> Marks:
        """Return the marks.

        Raises:
            InputError: there is no file for marks.
        """
        if self.marks is None:
            raise InputError("marks are for translators; this model does not translate")
        return self.marks

    def correct(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the right translation of ``source`` and return its record, to be marked.

        Raises:
            InputError: no texts, or a model that does not translate.
            DiskError: it cannot be written.
        """
        source, target = body.get("source"), body.get("target")
        if not isinstance(source, str) or not isinstance(target, str):
            raise InputError("a correction needs 'source' and 'target'")
        count = self.kept_corrections().add(source, target)
        return {"count": count, "record": self.record("0", source, target=target)}

    def kept_corrections(self) -> Corrections:
        """Return the corrected translations.

        Raises:
            InputError: the model does not translate.
        """
        if self.corrections is None:
            raise InputError("corrections are for translators; this model does not translate")
        return self.corrections

    # Answering back

    def guide(self, steps: int) -> dict[str, Any]:
        """Begin to fine-tune on the marks, and a control without them; one run at a time.

        Raises:
            InputError: too few marks, no training data, or a run at work.
        """
        folder = self._models[0].folder
        if folder is None or self.pairs is None:
            raise InputError("guided training needs pairs to train on; give --pairs FILE")
        from munmaek.look.feedback import Feedback  # training loads much that looking never uses

        with self._guiding:
            if self._feedback is None or not self._feedback.running:
                marks = self.kept_marks().pairs()
                corrected = self.kept_corrections().pairs()
                self._feedback = Feedback(
                    folder, self.pairs.with_training(corrected), marks, steps=steps
                )
            return {"run": self._feedback.start()}

    def guide_state(self) -> dict[str, Any]:
        """Return how far that is, and at its end the report."""
        if self._feedback is None:
            return {"state": "idle", "stage": None, "done": 0, "total": 0, "report": None}
        return self._feedback.state()

    def cancel_guide(self) -> dict[str, Any]:
        """Ask the run at work to end; what it trained is dropped."""
        if self._feedback is not None:
            self._feedback.cancel()
        return self.guide_state()


def _inlined(record: Record, packed: Mapping[str, Packed]) -> dict[str, Any]:
    """Return small tensors as they are, larger ones by address, what is drawn first first."""
    first = {each.tensor: 0 for each in record.attentions}
    made: dict[str, Any] = {}
    used = 0
    for name in sorted(packed, key=lambda name: (first.get(name, 1), len(packed[name].data))):
        each = packed[name]
        if len(each.data) <= INLINE_EACH and used + len(each.data) <= INLINE_ALL:
            made[name] = each.to_json()
            used += len(each.data)
        else:
            made[name] = {**each.describe(), "href": f"/api/records/{record.id}/tensors/{name}"}
    return made


def _size(records: Mapping[str, Mapping[str, Packed]]) -> int:
    return sum(len(each.data) for packed in records.values() for each in packed.values())


def _key(pairs: Pairs, index: int) -> tuple[str, str]:
    return MarkedPair(pairs.sources[index], pairs.targets[index]).key


def example_sentences(tokenizer: AnyTokenizer) -> tuple[str, str]:
    """Return two sentences whose words the tokenizer knows: fewer pieces a letter are better."""
    sentences = (
        ("나는 오늘 학교에서 친구를 만났다", "나는 오늘 친구와 학교에 갔다"),
        ("I met a friend at school today", "I went to school with a friend today"),
    )
    pieces = [len(tokenizer.encode(each)) / len(each.encode()) for each, _ in sentences]
    unknown = [tokenizer.encode(each).count(tokenizer.unk) for each, _ in sentences]
    return min(zip(unknown, pieces, sentences, strict=True))[2]
