"""The tokenizer of a Hugging Face folder, used as it is.

``munmaek.text.published_tokenizer`` makes it from the folder's files. Texts are framed as its own
post-processor says, and its added and special tokens are single tokens in them.

Our own tokenizers normalise to NFC and keep every space; a checkpoint's may lower-case, take
accents off or decompose Hangul, and has to, since its words were counted so.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast, final

from tokenizers import Tokenizer as Pipeline
from tokenizers import normalizers

from munmaek.errors import ArtefactError, ConfigError, UnsupportedError
from munmaek.text.frames import Frame
from munmaek.text.given import check_text, given_texts
from munmaek.text.pipelines import open_pipeline
from munmaek.text.places import Subword
from munmaek.text.published_tokenizer import read_published
from munmaek.text.spaces import ascii_words
from munmaek.text.tokenizers import Tokenizer

__all__ = ["ROLES", "AnyTokenizer", "CheckpointTokenizer", "tokenizer_settings"]

ROLES = {"pad": ("pad_token",), "unk": ("unk_token",), "bos": ("cls_token", "bos_token"),
         "eos": ("sep_token", "eos_token"), "mask": ("mask_token",)}  # fmt: skip
"""The names in ``tokenizer_config.json`` of what each special token is for, the first first."""
USUAL = {"pad": ("[PAD]", "<pad>"), "unk": ("[UNK]", "<unk>"), "bos": ("[CLS]", "<s>"),
         "eos": ("[SEP]", "</s>"), "mask": ("[MASK]", "<mask>")}  # fmt: skip
"""The usual special tokens, where the files do not name them."""
MASKS = ("<mask>", "[MASK]")
MARKS = ("▁", "Ġ")


@final
class CheckpointTokenizer:
    """A published vocabulary with the rules it came with; unchanging."""

    __slots__ = (
        "_pipeline", "_roles", "bytes_as", "fingerprint", "frame", "kind", "longest",
        "special_ids", "split", "vocab_size",
    )  # fmt: skip

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        specials: Mapping[str, str],
        frame: Frame,
        split: bool = False,
        longest: int | None = None,
        special_ids: frozenset[int] = frozenset(),
    ) -> None:
        """Take a pipeline and what stands beside it.

        Args:
            pipeline: of the tokenizers library.
            specials: special tokens by role; a role may be without one.
            frame: what stands around texts.
            split: a special token's literal in a text is text.
            longest: tokens of the longest text, frame included; None says nothing of it.
            special_ids: further special tokens, which have no role.

        Raises:
            ArtefactError: a special token that is not in the vocabulary.
        """
        pipeline.no_padding()
        pipeline.no_truncation()
        ids = {role: pipeline.token_to_id(token) for role, token in specials.items()}
        for role, number in ids.items():
            if number is None:
                message = f"tokenizer: no special token '{specials[role]}' ({role}) in it"
                raise ArtefactError(message)
        self._pipeline = pipeline
        self._roles = cast("dict[str, int]", ids)
        self.special_ids = frozenset(self._roles.values()) | special_ids
        self.frame = frame
        self.split = split
        self.longest = longest
        self.kind = _kind(pipeline)
        self.bytes_as = _bytes_as(pipeline)
        """The tokens of bytes: ``ByteLevel``, ``ByteFallback`` or none."""
        self.vocab_size: int = _size(pipeline)
        highest = max(frame.tokens | special_ids, default=0)
        if highest >= self.vocab_size:
            message = f"tokenizer: special token {highest}, but only {self.vocab_size} tokens"
            raise ArtefactError(message)
        self.fingerprint: str = hashlib.sha256(pipeline.to_str().encode()).hexdigest()

    @property
    def pad(self) -> int:
        """Id of the token that fills batches up; no number depends on it."""
        return self._roles.get("pad", 0)

    @property
    def unk(self) -> int:
        """Id of the unknown token."""
        return self._of_role("unk")

    @property
    def bos(self) -> int:
        """Id of the first special token, [CLS] or <s>."""
        return self._of_role("bos")

    @property
    def eos(self) -> int:
        """Id of the last special token, [SEP] or </s>."""
        return self._of_role("eos")

    @property
    def has_mask(self) -> bool:
        """True where there is a mask."""
        return "mask" in self._roles

    @property
    def mask(self) -> int:
        """Id of the mask."""
        return self._of_role("mask")

    def _of_role(self, role: str) -> int:
        if role not in self._roles:
            message = (
                f"this tokenizer has no {role} token: its tokenizer_config.json has no "
                f"'{ROLES[role][0]}'"
            )
            raise UnsupportedError(message)
        return self._roles[role]

    @property
    def signature(self) -> str:
        """Kind and size, for scores: ``wordpiece-30522``."""
        return f"{self.kind}-{self.vocab_size}"

    @property
    def oov(self) -> str:
        """The fate of an unseen character: ``bytes`` or ``unk``."""
        return "bytes" if self.kind == "bpe" else "unk"

    def __repr__(self) -> str:
        return f"CheckpointTokenizer({self.signature}, {self.fingerprint[:8]})"

    def begins_word(self, id: int) -> bool:
        """Return whether a token begins a white-space word, as far as the vocabulary says."""
        token = self.token(id)
        return not token.startswith("##") if self.kind == "wordpiece" else token.startswith(MARKS)

    def encode(self, text: str, *, allow: Sequence[str] = ()) -> list[int]:
        """Return ids without beginning or end; with ``<mask>`` allowed, a mask is one token."""
        return [number for number, _, _ in self._located(check_text(text), allow)]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Encode many texts, in their order, on all processors."""
        texts = given_texts(texts)
        self._pipeline.encode_special_tokens = self.split
        rows = self._pipeline.encode_batch_fast(list(texts), add_special_tokens=False)
        return [row.ids for row in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids; special tokens but the unknown one are left out."""
        return self.decode_many([ids])[0]

    def decode_many(self, sequences: Sequence[Sequence[int]]) -> list[str]:
        """Decode many sequences, in their order."""
        unseen = self.special_ids - {self._roles.get("unk", -1)}
        kept = [[number for number in ids if number not in unseen] for ids in sequences]
        return self._pipeline.decode_batch(kept, skip_special_tokens=False)

    def token(self, id: int) -> str:
        """Return the token of an id, as the vocabulary writes it.

        Raises:
            IndexError: no such id.
        """
        token = self._pipeline.id_to_token(id) if 0 <= id < self.vocab_size else None
        if token is None:
            message = f"no token {id}: {self.signature} has 0 to {self.vocab_size - 1}"
            raise IndexError(message)
        return token

    def id(self, token: str) -> int | None:
        """Return the id of a token, or None; not the way to encode text."""
        return self._pipeline.token_to_id(token)

    def composed(self, text: str) -> str:
        """Return the text that places are counted in: as it is, for its own rules compose it."""
        return text

    def subwords(self, text: str, *, allow: Sequence[str] = ()) -> list[Subword]:
        """Return the tokens of ``encode(text, allow=allow)`` with their places in the text."""
        subwords: list[Subword] = []
        for number, start, end in self._located(check_text(text), allow):
            word = max(0, _words(text[:end]) - 1)
            subwords.append(Subword(number, self.token(number), text[start:end], start, end, word))
        return subwords

    def _located(self, text: str, allow: Sequence[str]) -> list[tuple[int, int, int]]:
        unknown = [token for token in allow if token not in MASKS]
        if unknown:
            message = f"no special token {unknown[0]!r}; a checkpoint's texts may hold <mask>"
            raise ConfigError(message)
        allow = allow if self.has_mask else ()
        self._pipeline.encode_special_tokens = self.split and not allow
        own = self.token(self.mask) if allow else ""
        shown, places = text, list(range(len(text) + 1))
        for written in MASKS if allow else ():
            while own != written and written in shown:
                at = shown.index(written)
                end = at + len(written)
                inner = [places[at]] * (len(own) - 1)
                places = [*places[: at + 1], *inner, *places[end:]]
                shown = shown[:at] + own + shown[end:]
        encoding = self._pipeline.encode(shown, add_special_tokens=False)
        return [
            (number, places[first], places[last])
            for number, (first, last) in zip(encoding.ids, encoding.offsets, strict=True)
        ]

    @property
    def content(self) -> str:
        """The pipeline with its vocabulary and rules: JSON."""
        return self._pipeline.to_str()

    def save(self, path: str | Path) -> None:
        """Write ``tokenizer.json``."""
        Path(path).write_text(self._pipeline.to_str(pretty=True) + "\n", encoding="utf-8")

    def describe(self) -> dict[str, Any]:
        """Return what a model's record keeps of its tokenizer."""
        return {
            "kind": f"checkpoint/{self.kind}",
            "vocab_size": self.vocab_size,
            "signature": self.signature,
            "fingerprint": self.fingerprint,
            "specials": self.specials(),
            "special_ids": sorted(self.special_ids),
            "frame": self.frame.to_json(),
            "split": self.split,
            "longest": self.longest,
        }

    def specials(self) -> dict[str, str]:
        """Return the special tokens by role."""
        return {role: self._written(number) for role, number in self._roles.items()}

    def _written(self, number: int) -> str:
        """Return a special token as it is looked for: the vocabulary may hold it normalised."""
        added = self._pipeline.get_added_tokens_decoder().get(number)
        return self.token(number) if added is None else added.content

    def settings(self) -> dict[str, Any]:
        """Return the content of a ``tokenizer_config.json`` for the same ids from transformers."""
        named = {ROLES[role][0]: token for role, token in self.specials().items()}
        return tokenizer_settings(
            named,
            self.frame,
            split=self.split,
            more=[self._written(n) for n in sorted(self.special_ids - {*self._roles.values()})],
        )

    def lowered(self) -> "CheckpointTokenizer":
        """Return the same tokenizer that lower-cases texts before all else."""
        pipeline: Any = Pipeline.from_str(self._pipeline.to_str())
        kinds: Any = normalizers
        own = pipeline.normalizer
        steps = list(own) if isinstance(own, kinds.Sequence) else [] if own is None else [own]
        if any(isinstance(step, kinds.Lowercase) for step in steps):
            return self
        pipeline.normalizer = kinds.Sequence([kinds.Lowercase(), *steps])
        return CheckpointTokenizer(
            pipeline,
            specials=self.specials(),
            frame=self.frame,
            split=self.split,
            longest=self.longest,
            special_ids=self.special_ids,
        )

    @classmethod
    def load(cls, path: Path, record: Mapping[str, Any]) -> "CheckpointTokenizer":
        """Open what ``save`` wrote.

        Args:
            path: the file.
            record: what ``describe`` gave; one without a frame is of a version that knew two.

        Raises:
            ArtefactError: the file is damaged, or the record is of another one.
        """
        pipeline, specials = open_pipeline(path), record.get("specials", {})
        if "frame" in record:
            frame = Frame.from_json(record["frame"], where=str(path))
        else:
            ends = (pipeline.token_to_id(specials[role]) or 0 for role in ("bos", "eos"))
            frame = Frame.around(*ends, doubled=bool(record.get("doubled")))
        return cls(
            pipeline,
            specials=specials,
            frame=frame,
            split=bool(record.get("split", "frame" not in record)),
            longest=record.get("longest"),
            special_ids=frozenset(record.get("special_ids", ())),
        )

    @classmethod
    def of_folder(cls, folder: Path) -> "CheckpointTokenizer":
        """Make the tokenizer of a Hugging Face folder.

        Raises:
            ArtefactError: there is none, or its files are damaged or do not fit one another.
            UnsupportedError: it is of a class that cannot be reproduced.
        """
        found = read_published(folder)
        pipeline = found.pipeline
        there = {token.content for token in pipeline.get_added_tokens_decoder().values()}
        specials: dict[str, str] = {}
        for role, names in ROLES.items():
            known = [found.named[name] for name in names if name in found.named]
            known += [token for token in USUAL[role] if token in there]
            if known:
                specials[role] = known[0]
        return cls(
            pipeline,
            specials=specials,
            frame=found.frame,
            split=found.split,
            longest=found.longest,
            special_ids=found.special,
        )


AnyTokenizer: TypeAlias = Tokenizer | CheckpointTokenizer
"""One that we trained, or one that came with a checkpoint."""


def tokenizer_settings(
    named: Mapping[str, str], frame: Frame, *, split: bool, more: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the content of a ``tokenizer_config.json`` beside a ``tokenizer.json`` used as it is.

    Args:
        named: special tokens by their names there.
        frame: says whether segments are among the network's inputs, and where texts are cut.
        split: a special token's literal in a text is text.
        more: special tokens without a name.
    """
    types = ["token_type_ids"] if frame.segmented else []
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **named,
        **({"additional_special_tokens": list(more)} if more else {}),
        "model_input_names": ["input_ids", *types, "attention_mask"],
        "truncation_side": "left" if frame.cut_left else "right",
        "split_special_tokens": split,
        "clean_up_tokenization_spaces": False,
    }


def _size(pipeline: Pipeline) -> int:
    """Return the highest id and one.

    A vocabulary that leaves numbers out gives them to added tokens of which one is another's: its
    tokens could be told apart neither in a text nor after saving.
    """
    names: dict[int, str] = {}
    for token, number in pipeline.get_vocab(with_added_tokens=True).items():
        if names.setdefault(number, token) != token:
            message = f"tokenizer: '{token}' and '{names[number]}' both have the id {number}"
            raise ArtefactError(message)
    return max(names) + 1


def _bytes_as(pipeline: Pipeline) -> str:
    decoder: Any = pipeline.decoder
    state = "" if decoder is None else decoder.__getstate__().decode()
    return next((name for name in ("ByteLevel", "ByteFallback") if f'"{name}"' in state), "")


def _words(text: str) -> int:
    return len(ascii_words(text))


def _kind(pipeline: Pipeline) -> str:
    return {"WordPiece": "wordpiece", "BPE": "bpe", "Unigram": "unigram"}.get(
        type(pipeline.model).__name__, "words"
    )
