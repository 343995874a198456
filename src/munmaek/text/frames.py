"""Special tokens around a text or a pair of texts, as the tokenizer puts them.

    single   <s> A </s>
    pair     <s> A </s> B </s>,   segment 0 up to the first </s>, then 1

Ours are always so. A published tokenizer's are read from its post-processor, whatever kind that is
(templates, BERT's, RoBERTa's, a sequence of these), by letting it frame two texts of known tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast, final

from tokenizers import Tokenizer as Pipeline
from tokenizers import models, pre_tokenizers

from munmaek.errors import ArtefactError, ConfigError, InputError

__all__ = ["FIRST", "SECOND", "SPECIAL", "Frame", "Slot"]

FIRST, SECOND, SPECIAL = 0, 1, -1
"""The content of a slot: the first text, the second text, a special token."""
Ids = Sequence[int]
Item = TypeVar("Item")

_any = cast("Any", pre_tokenizers)
_NOTHING = (
    "a text without tokens, around which this tokenizer puts no special ones: the network has "
    "nothing to read; leave the text out"
)


class Slot(NamedTuple):
    """A text, or one special token, of a frame."""

    content: int
    """``FIRST``, ``SECOND`` or ``SPECIAL``."""
    token: int = 0
    """Id of the special token."""
    segment: int = 0
    """0 with the first text, 1 with the second."""


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around texts, and where texts are cut; unchanging."""

    single: tuple[Slot, ...]
    pair: tuple[Slot, ...]
    segmented: bool = True
    """The network reads the segments of a pair; else they only say which text is which."""
    cut_left: bool = False
    """A text that is too long loses its beginning rather than its end."""

    @classmethod
    def around(
        cls, bos: int, eos: int, *, doubled: bool = False, segmented: bool = True
    ) -> "Frame":
        """Return the frame of these two tokens; ``doubled`` puts two ``eos`` between the texts."""
        single = (Slot(SPECIAL, bos), Slot(FIRST), Slot(SPECIAL, eos))
        more = (Slot(SPECIAL, eos, 1),) if doubled else ()
        return cls(single, (*single, *more, Slot(SECOND, 0, 1), Slot(SPECIAL, eos, 1)), segmented)

    @classmethod
    def of(cls, processor: Any, *, where: str, segmented: bool, cut_left: bool) -> "Frame":
        """Return the frame that a post-processor of the tokenizers library puts around texts.

        Args:
            processor: the post-processor; None puts nothing around them.
            where: the file, for errors.
            segmented: the network is given the segments.
            cut_left: texts that are too long are cut at their beginning.

        Raises:
            ArtefactError: a text is missing, repeated or out of order, or segments that are not
                0 … 0 for one text and 0 … 0 1 … 1 for two.
        """
        probe: Any = Pipeline(models.WordLevel({"a": 0}, unk_token="a"))
        probe.pre_tokenizer = _any.WhitespaceSplit()
        if processor is not None:
            probe.post_processor = processor
        single = tuple(_slots(probe.encode("a a")))
        pair = tuple(_slots(probe.encode("a a", "a a a")))
        if processor is None:
            pair = (Slot(FIRST), Slot(SECOND, 0, 1))
        _check(single, pair, where)
        if not any(slot.segment for slot in pair):
            # All of one segment: the network tells no texts apart, people still do.
            pair, segmented = tuple(_parted(pair)), False
        return cls(single, pair, segmented, cut_left)

    @property
    def special(self) -> int:
        """Special tokens around a single text."""
        return len(self.single) - 1

    @property
    def special_of_pair(self) -> int:
        """Special tokens around and between the texts of a pair."""
        return len(self.pair) - 2

    @property
    def tokens(self) -> frozenset[int]:
        """Ids of the special tokens."""
        slots = (*self.single, *self.pair)
        return frozenset(slot.token for slot in slots if slot.content == SPECIAL)

    @property
    def before(self) -> tuple[int, ...]:
        """Ids before a single text."""
        return tuple(slot.token for slot in self.single[: self._place])

    @property
    def after(self) -> tuple[int, ...]:
        """Ids after a single text."""
        return tuple(slot.token for slot in self.single[self._place + 1 :])

    @property
    def _place(self) -> int:
        return [slot.content for slot in self.single].index(FIRST)

    def cut(self, text: Sequence[Item], max_length: int) -> Sequence[Item]:
        """Return what a single text's row of at most ``max_length`` tokens has room for."""
        kept = self._kept([len(text)], max_length)[0]
        return text[kept.start : kept.stop]

    def rows(self, lines: Sequence[Ids], max_length: int) -> list[list[int]]:
        """Frame single texts, each cut so that at most ``max_length`` tokens remain in all.

        Raises:
            InputError: a text without tokens in a frame without any.
        """
        before, after = self.before, self.after
        room = _room(max_length, self.special)
        if not (before or after) and not all(len(ids) for ids in lines):
            raise InputError(_NOTHING)
        if self.cut_left:
            return [[*before, *ids[max(len(ids) - room, 0) :], *after] for ids in lines]
        return [[*before, *ids[:room], *after] for ids in lines]

    def row(self, ids: Ids, max_length: int) -> list[int]:
        """Frame one text, as ``rows`` frames it."""
        return self.rows([ids], max_length)[0]

    def together(self, first: Ids, second: Ids, max_length: int) -> tuple[list[int], int]:
        """Return a pair's row, and how many of its tokens are of segment 0.

        Raises:
            InputError: texts without tokens in a frame without any.
        """
        spans = self._kept((len(first), len(second)), max_length)
        texts = [
            ids[span.start : span.stop] for ids, span in zip((first, second), spans, strict=True)
        ]
        row: list[int] = []
        split = -1
        for slot in self.pair:
            if slot.segment and split < 0:
                split = len(row)
            row.extend((slot.token,) if slot.content == SPECIAL else texts[slot.content])
        if not row:
            raise InputError(_NOTHING)
        return row, len(row) if split < 0 else split

    def places(self, sizes: Sequence[int], max_length: int) -> list[tuple[int, int]]:
        """Return for each token of a row its text and its place there, or ``SPECIAL`` and its id.

        Args:
            sizes: tokens of the one text, or of both.
            max_length: tokens of the row at most.
        """
        spans = self._kept(sizes, max_length)
        out: list[tuple[int, int]] = []
        for slot in self.single if len(sizes) == 1 else self.pair:
            if slot.content == SPECIAL:
                out.append((SPECIAL, slot.token))
            else:
                out.extend((slot.content, place) for place in spans[slot.content])
        return out

    def _kept(self, sizes: Sequence[int], max_length: int) -> list[range]:
        """Return the tokens of each text that a row of ``max_length`` tokens has room for.

        Of a pair the longer text is cut first, then both alike, as the tokenizers library does
        (``longest_first``).
        """
        special = self.special if len(sizes) == 1 else self.special_of_pair
        room = _room(max_length, special)
        most = [room]
        if len(sizes) == 2:
            short = min(sizes)
            longer = max(short, room - short)
            if short + longer > room:
                short, longer = room // 2, room - room // 2
            most = [longer, short] if sizes[0] > sizes[1] else [short, longer]
        counts = [min(size, each) for size, each in zip(sizes, most, strict=True)]
        if self.cut_left:
            return [range(size - kept, size) for size, kept in zip(sizes, counts, strict=True)]
        return [range(kept) for kept in counts]

    def to_json(self) -> dict[str, Any]:
        """Return the plain values, which ``from_json`` reads."""
        return {
            "single": [list(slot) for slot in self.single],
            "pair": [list(slot) for slot in self.pair],
            "segmented": self.segmented,
            "cut_left": self.cut_left,
        }

    @classmethod
    def from_json(cls, values: Any, *, where: str) -> "Frame":
        """Read what ``to_json`` wrote.

        Raises:
            ArtefactError: it is something else.
        """
        try:
            single, pair = (
                tuple(Slot(*slot) for slot in values[name]) for name in ("single", "pair")
            )
            made = cls(single, pair, bool(values["segmented"]), bool(values["cut_left"]))
            _check(single, pair, where)
        except (KeyError, TypeError, ValueError) as error:
            message = (
                f"{where}: 'frame' of the tokenizer is damaged ({error}); copy the model again"
            )
            raise ArtefactError(message) from error
        return made


def _room(max_length: int, special: int) -> int:
    if max_length < special:
        message = (
            f"a maximum of {max_length} tokens has no room for the {special} special ones of a text"
        )
        raise ConfigError(message)
    return max_length - special


def _slots(encoding: Any) -> Iterator[Slot]:
    """Yield the slots of framed texts of known tokens: two of the first, three of the second."""
    marks = zip(
        encoding.ids, encoding.type_ids, encoding.sequence_ids, encoding.special_tokens_mask,
        strict=True,
    )  # fmt: skip
    seen = [0, 0]
    for token, segment, text, special in marks:
        if special:
            yield Slot(SPECIAL, token, segment)
            continue
        # A text that is there twice is told twice, and refused; then the library may not say which.
        text = FIRST if text is None else text
        if seen[text] % (2, 3)[text] == 0:
            yield Slot(text, 0, segment)
        seen[text] += 1


def _check(single: Sequence[Slot], pair: Sequence[Slot], where: str) -> None:
    texts = [[slot.content for slot in each if slot.content != SPECIAL] for each in (single, pair)]
    if texts != [[FIRST], [FIRST, SECOND]]:
        message = (
            f"{where}: post_processor: a frame that has a text twice, not at all or the second one "
            "first, which munmaek does not read"
        )
        raise ArtefactError(message)
    ones = [slot.segment for slot in single]
    twos = [slot.segment for slot in pair]
    if any(ones) or twos != sorted(twos) or not {*twos} <= {0, 1}:
        message = (
            f"{where}: post_processor: type_id {ones} for one text and {twos} for two; munmaek "
            "reads 0 throughout for one text, and 0 and then 1 for two"
        )
        raise ArtefactError(message)


def _parted(pair: Sequence[Slot]) -> Iterator[Slot]:
    """Tell segments for people: the special token after the first text belongs to it."""
    border = [slot.content for slot in pair].index(FIRST) + 1
    border += pair[border].content == SPECIAL
    for place, slot in enumerate(pair):
        yield slot._replace(segment=int(place >= border))
