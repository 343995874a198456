"""The tokenizer of a Hugging Face folder, used as it is.

Three forms: WordPiece (``vocab.txt``), bytes with BPE (``vocab.json`` and ``merges.txt``) and
SentencePiece (``.model``, with ``vocab.txt`` where ids are numbered otherwise, as KoBERT's are); or
any of them already as ``tokenizer.json``, which comes first. Texts are framed as the checkpoint
learned them: ``[CLS] a [SEP] b [SEP]``, or RoBERTa's
``<s> a </s></s> b </s>``.

Our own tokenizers normalise to NFC and keep every space; a checkpoint's may lower-case, take
accents off or decompose Hangul, and has to, since its words were counted so.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast, final

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ArtefactError, ConfigError
from munmaek.text.places import Piece
from munmaek.text.sentencepiece import read_sentencepiece
from munmaek.text.tokenizers import Tokenizer

__all__ = ["AnyTokenizer", "CheckpointTokenizer"]

BERT_SPECIALS = {"pad": "[PAD]", "unk": "[UNK]", "bos": "[CLS]", "eos": "[SEP]", "mask": "[MASK]"}
ROBERTA_SPECIALS = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>", "mask": "<mask>"}
ROLES = {"pad": "pad_token", "unk": "unk_token", "bos": "cls_token", "eos": "sep_token",
         "mask": "mask_token"}  # fmt: skip
MASKS = ("<mask>", "[MASK]")
MARKS = ("▁", "Ġ")

_m, _n, _p, _d = (
    cast("Any", models),
    cast("Any", normalizers),
    cast("Any", pre_tokenizers),
    cast("Any", decoders),
)


@final
class CheckpointTokenizer:
    """A published vocabulary with the rules it came with; unchanging."""

    __slots__ = (
        "_pipeline", "bos", "doubled", "eos", "fingerprint", "kind", "mask", "pad", "special_ids",
        "unk", "vocab_size",
    )  # fmt: skip

    def __init__(
        self, pipeline: Pipeline, *, specials: Mapping[str, str], doubled: bool = False
    ) -> None:
        """Args: a pipeline, its special tokens by role, and whether a pair has </s></s> inside."""
        pipeline.no_padding()
        pipeline.no_truncation()
        ids = {role: pipeline.token_to_id(token) for role, token in specials.items()}
        for role, number in ids.items():
            if number is None:
                message = f"tokenizer: no special token '{specials[role]}' ({role}) in it"
                raise ArtefactError(message)
        self._pipeline = pipeline
        found = cast("dict[str, int]", ids)
        self.pad, self.unk, self.mask = found["pad"], found["unk"], found["mask"]
        self.bos, self.eos = found["bos"], found["eos"]
        self.special_ids = frozenset(found.values())
        self.doubled = doubled
        self.kind = _kind(pipeline)
        self.vocab_size: int = max(pipeline.get_vocab(with_added_tokens=True).values()) + 1
        self.fingerprint: str = hashlib.sha256(pipeline.to_str().encode()).hexdigest()

    @property
    def signature(self) -> str:
        """Kind and size, for scores: ``wordpiece-30522``."""
        return f"{self.kind}-{self.vocab_size}"

    @property
    def oov(self) -> str:
        """What becomes of an unseen character: ``bytes`` or ``unk``."""
        return "bytes" if self.kind == "bpe" else "unk"

    def __repr__(self) -> str:
        return f"CheckpointTokenizer({self.signature}, {self.fingerprint[:8]})"

    def begins_word(self, id: int) -> bool:
        """Whether a token begins a white-space word, as far as the vocabulary says."""
        token = self.token(id)
        return not token.startswith("##") if self.kind == "wordpiece" else token.startswith(MARKS)

    def encode(self, text: str, *, allow: Sequence[str] = ()) -> list[int]:
        """Token ids without beginning or end; with ``<mask>`` allowed, a mask is one token."""
        return [number for number, _, _ in self._located(text, allow)]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """``encode`` of many texts, in their order, on all processors."""
        self._pipeline.encode_special_tokens = True
        rows = self._pipeline.encode_batch_fast(list(texts), add_special_tokens=False)
        return [row.ids for row in rows]

    def frame(self, ids: Sequence[int], pair: Sequence[int] | None = None) -> list[int]:
        """The ids as the network reads them, with beginning and end."""
        row = [self.bos, *ids, self.eos]
        if pair is None:
            return row
        return [*row, *([self.eos] if self.doubled else []), *pair, self.eos]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids; special tokens but the unknown one are left out."""
        return self.decode_many([ids])[0]

    def decode_many(self, sequences: Sequence[Sequence[int]]) -> list[str]:
        """``decode`` of many sequences, in their order."""
        unseen = self.special_ids - {self.unk}
        kept = [[number for number in ids if number not in unseen] for ids in sequences]
        return self._pipeline.decode_batch(kept, skip_special_tokens=False)

    def token(self, id: int) -> str:
        """The token of an id, as the vocabulary writes it.

        Raises:
            IndexError: no such id.
        """
        token = self._pipeline.id_to_token(id) if 0 <= id < self.vocab_size else None
        if token is None:
            message = f"no token {id}: {self.signature} has 0 to {self.vocab_size - 1}"
            raise IndexError(message)
        return token

    def id(self, token: str) -> int | None:
        """The id of a token, or None; not the way to encode text."""
        return self._pipeline.token_to_id(token)

    def pieces(self, text: str, *, allow: Sequence[str] = ()) -> list[Piece]:
        """The tokens of ``encode(text, allow=allow)`` with their places in the text."""
        pieces: list[Piece] = []
        for number, start, end in self._located(text, allow):
            word = max(0, _words(text[:end]) - 1)
            pieces.append(Piece(number, self.token(number), text[start:end], start, end, word))
        return pieces

    def _located(self, text: str, allow: Sequence[str]) -> list[tuple[int, int, int]]:
        unknown = [token for token in allow if token not in MASKS]
        if unknown:
            message = f"no special token {unknown[0]!r}; a checkpoint's texts may hold <mask>"
            raise ConfigError(message)
        self._pipeline.encode_special_tokens = not allow
        own = self.token(self.mask)
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

    def save(self, path: str | Path) -> None:
        """Write ``tokenizer.json``."""
        Path(path).write_text(self._pipeline.to_str(pretty=True) + "\n", encoding="utf-8")

    def describe(self) -> dict[str, Any]:
        """What a model's record keeps of its tokenizer."""
        return {
            "kind": f"checkpoint/{self.kind}",
            "vocab_size": self.vocab_size,
            "signature": self.signature,
            "fingerprint": self.fingerprint,
            "specials": self.specials(),
            "doubled": self.doubled,
        }

    def specials(self) -> dict[str, str]:
        """Special tokens by role."""
        return {role: self.token(getattr(self, role)) for role in ROLES}

    def settings(self) -> dict[str, Any]:
        """The content of a ``tokenizer_config.json`` for the same rules."""
        named = {ROLES[role]: token for role, token in self.specials().items()}
        return {"tokenizer_class": "PreTrainedTokenizerFast", **named}

    @classmethod
    def load(cls, path: Path, *, specials: Mapping[str, str], doubled: bool) -> Any:
        """Open what ``save`` wrote."""
        return cls(_pipeline(path), specials=specials, doubled=doubled)

    @classmethod
    def of_folder(cls, folder: Path, *, doubled: bool) -> Any:
        """The tokenizer of a Hugging Face folder.

        Raises:
            ArtefactError: there is none, or it lacks a special token.
        """
        settings = _json(folder / "tokenizer_config.json")
        settings = {**_json(folder / "special_tokens_map.json"), **settings}
        models_there = sorted(folder.glob("*.model"))
        if (folder / "tokenizer.json").is_file():
            pipeline = _pipeline(folder / "tokenizer.json")
        elif models_there:
            pipeline = _sentencepiece(models_there[0], folder / "vocab.txt")
        elif (folder / "vocab.txt").is_file():
            pipeline = _wordpiece(folder / "vocab.txt", settings)
        elif (folder / "merges.txt").is_file() and (folder / "vocab.json").is_file():
            pipeline = _byte_bpe(folder)
        else:
            message = (
                f"{folder}: no tokenizer: tokenizer.json, vocab.txt, vocab.json with merges.txt "
                "or a SentencePiece .model wanted"
            )
            raise ArtefactError(message)
        # [CLS] says whose names the special tokens have.
        usual = BERT_SPECIALS if pipeline.token_to_id("[CLS]") is not None else ROBERTA_SPECIALS
        specials = {role: _content(settings.get(key)) or usual[role] for role, key in ROLES.items()}
        specials = {
            role: token if pipeline.token_to_id(token) is not None else usual[role]
            for role, token in specials.items()
        }
        cast("Any", pipeline).add_special_tokens(
            [t for t in specials.values() if pipeline.token_to_id(t) is not None]
        )
        return cls(pipeline, specials=specials, doubled=doubled)


AnyTokenizer: TypeAlias = Tokenizer | CheckpointTokenizer
"""One that we trained, or one that came with a checkpoint."""


def _words(text: str) -> int:
    return len(text.split())


def _kind(pipeline: Pipeline) -> str:
    return {"WordPiece": "wordpiece", "BPE": "bpe", "Unigram": "unigram"}.get(
        type(pipeline.model).__name__, "words"
    )


def _content(value: Any) -> str | None:
    """A special token is written as a string or as an object with its content."""
    if isinstance(value, dict):
        return cast("dict[str, str]", value).get("content")
    return value if isinstance(value, str) else None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        message = f"{path}: not JSON: {error}"
        raise ArtefactError(message) from error


def _pipeline(path: Path) -> Pipeline:
    try:
        return Pipeline.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ArtefactError(message) from error
    except Exception as error:  # noqa: BLE001  the library raises bare Exception
        message = f"{path}: not a tokenizer of the tokenizers library: {error}"
        raise ArtefactError(message) from None


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def _wordpiece(path: Path, settings: Mapping[str, Any]) -> Pipeline:
    vocabulary = {token: number for number, token in enumerate(_lines(path))}
    pipeline: Any = Pipeline(_m.WordPiece(vocabulary, unk_token="[UNK]"))
    pipeline.normalizer = _n.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    pipeline.pre_tokenizer = _p.BertPreTokenizer()
    pipeline.decoder = _d.WordPiece()
    return pipeline


def _byte_bpe(folder: Path) -> Pipeline:
    model = _m.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    pipeline: Any = Pipeline(model)
    pipeline.pre_tokenizer = _p.ByteLevel(add_prefix_space=False)
    pipeline.decoder = _d.ByteLevel()
    return pipeline


def _sentencepiece(path: Path, vocabulary: Path) -> Pipeline:
    """A unigram model; ``vocab.txt``, where it is, says the ids."""
    found = read_sentencepiece(path)
    pieces = list(found.pieces)
    names = [piece for piece, _ in pieces]
    if vocabulary.is_file():
        scores = dict(pieces)
        lowest = min(scores.values()) - 10.0
        names = _lines(vocabulary)
        pieces = [(name, scores.get(name, lowest)) for name in names]
    unk = names.index("[UNK]") if "[UNK]" in names else found.unk
    pipeline: Any = Pipeline(_m.Unigram(pieces, unk, found.byte_fallback))
    steps: list[Any] = [_n.Precompiled(found.charsmap)] if found.charsmap else []
    steps.append(_n.Replace(Regex(" {2,}"), " "))
    pipeline.normalizer = _n.Sequence(steps)
    scheme = "always" if found.dummy_prefix else "never"
    pipeline.pre_tokenizer = _p.Metaspace(replacement="▁", prepend_scheme=scheme)
    pipeline.decoder = _d.Metaspace(replacement="▁", prepend_scheme=scheme)
    return pipeline
