"""Tiny published folders for tests: vocabularies, tokenizers and random weights."""

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from munmaek.text.spelling import shown_alone

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s",
    "##at", "나는", "학교", "##에", "간다", ".", "dog", "[", "]", "e", "1", "##1", "é", "ca", "##t",
    "The", "中", "café",
]  # fmt: skip
LETTERS: Any = pre_tokenizers.ByteLevel.alphabet()
BPE = ["<s>", "<pad>", "</s>", "<unk>", *sorted(LETTERS), "Ġt", "he", "Ġthe", "at", "Ġc", "Ġcat",
       "<mask>"]  # fmt: skip
MERGES = ["Ġ t", "h e", "Ġt he", "a t", "Ġ c", "Ġc at"]
PIECES = [
    ("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁the", -2.0),
    ("▁cat", -2.5), ("s", -3.0), ("▁sat", -3.0), ("a", -4.0), ("t", -4.1), ("c", -4.2), ("e", -4.5),
    ("h", -4.6), ("나", -5.0), ("는", -5.0), ("▁학교", -4.0), ("<mask>", 0.0),
]  # fmt: skip
TEXTS = [
    "the cats sat on the mat.", "나는 학교에 간다", "", "zebra [MASK] sat",
    "the [E1] cat [/E1] sat", "The Café 中中 a", "  two  spaces ", "<s> a </s>",
    "a<mask>b <mask> c", "[SEP] [CLS] the", "ㅋㅋ a", " <pad> the", "the catfoo foo  bar",
]  # fmt: skip
BERT_NAMES = {"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]",
              "pad_token": "[PAD]", "mask_token": "[MASK]"}  # fmt: skip
ROBERTA_NAMES = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>",
                 "pad_token": "<pad>", "mask_token": "<mask>"}  # fmt: skip
MASK = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False,
        "single_word": False, "normalized": False, "special": True}  # fmt: skip
CLASS_OF = {
    "bert": "BertTokenizer", "electra": "BertTokenizer", "distilbert": "BertTokenizer",
    "roberta": "RobertaTokenizer", "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}  # fmt: skip
FORMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vocab.txt": (
        ("bert", "roberta", "electra", "distilbert"),
        ("BertTokenizer", "BertTokenizerFast", "ElectraTokenizer", "DistilBertTokenizer"),
    ),
    "merges.txt": (("roberta", "bert"), ("RobertaTokenizer", "RobertaTokenizerFast")),
    "wordpiece": (
        ("bert", "roberta", "electra", "distilbert", "bert"),
        ("BertTokenizer", "ElectraTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend",
         "PreTrainedTokenizerFast"),
    ),
    "bpe": (("roberta", "bert"), ("RobertaTokenizer", "PreTrainedTokenizerFast")),
    "unigram": (
        ("xlm-roberta", "camembert", "bert"),
        ("XLMRobertaTokenizer", "CamembertTokenizer", "PreTrainedTokenizerFast"),
    ),
}  # fmt: skip
"""Each form of a tokenizer's files, with architectures and classes that it stands under."""


def template(single: str, pair: str, **ids: int) -> Any:
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=[*ids.items()])


def bert_frames() -> list[Any]:
    sep, cls = ("[SEP]", 3), ("[CLS]", 2)
    ids = dict((sep, cls))
    return [
        processors.BertProcessing(sep, cls),
        processors.RobertaProcessing(sep, cls),
        template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", **ids),
        template("$A [SEP]", "$A [SEP] [SEP] $B:1", **{"[SEP]": 3}),
        processors.Sequence([
            processors.ByteLevel(), template("[CLS] $A", "[CLS] $A [SEP]:1 $B:1", **ids),
        ]),
        None,
    ]  # fmt: skip


def roberta_frames() -> list[Any]:
    ids = {"<s>": 0, "</s>": 2}
    return [
        processors.RobertaProcessing(("</s>", 2), ("<s>", 0)),
        template("<s> $A </s>", "<s> $A </s> $B:1 </s>:1", **ids),
        template("<s> $A </s>", "<s> $A </s> </s> $B </s>", **ids),
        processors.ByteLevel(),
    ]


def pipeline(form: str, rng: random.Random) -> Tokenizer:
    """A ``tokenizer.json`` whose parts need not be those of its class."""
    made: Any
    if form == "wordpiece":
        vocabulary = {word: number for number, word in enumerate(WORDS)}
        most = rng.choice([100, 5])
        made = Tokenizer(
            models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=most)
        )
        lower = normalizers.BertNormalizer(lowercase=rng.random() < 0.5)
        made.normalizer = rng.choice([lower, normalizers.Lowercase()])
        made.pre_tokenizer = rng.choice(
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Whitespace()]
        )
        frame, special = rng.choice(bert_frames()), WORDS[:5]
    elif form == "bpe":
        vocabulary = {token: number for number, token in enumerate(BPE)}
        made = Tokenizer(models.BPE(vocabulary, [tuple(m.split()) for m in MERGES]))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=rng.random() < 0.5)
        made.decoder = decoders.ByteLevel()
        frame, special = rng.choice(roberta_frames()), BPE[:4]
    else:
        made = Tokenizer(models.Unigram(PIECES, 3, byte_fallback=False))
        made.normalizer = normalizers.Replace("ㅋ", "a")
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        frame, special = roberta_frames()[2], BPE[:4]
    if frame is not None:
        made.post_processor = frame
    if rng.random() < 0.7:
        mask = AddedToken("<mask>", lstrip=True, special=True)
        made.add_special_tokens(special if form == "wordpiece" else [*special, mask])
    if rng.random() < 0.2:
        made.enable_truncation(9, direction=rng.choice(["left", "right"]))
    if rng.random() < 0.2:
        made.enable_padding(length=16)
    if rng.random() < 0.3:
        alone = AddedToken("foo", lstrip=rng.random() < 0.5, single_word=rng.random() < 0.5)
        made.add_tokens([alone, AddedToken("[E1]", special=True)])
    return made


def settings_of(rng: random.Random, *, bert: bool) -> dict[str, Any]:
    """A ``tokenizer_config.json`` that says some of what it can."""
    values: dict[str, Any] = {}

    def maybe(name: str, value: Any, share: float = 0.3) -> None:
        if rng.random() < share:
            values[name] = value

    maybe("do_lower_case", rng.random() < 0.5, 0.6)
    maybe("strip_accents", rng.choice([None, True, False]))
    maybe("tokenize_chinese_chars", rng.random() < 0.5)
    maybe("model_max_length", rng.choice([8, 12, 512, 10**30]))
    maybe("truncation_side", rng.choice(["left", "right"]))
    maybe("add_prefix_space", rng.random() < 0.5)
    inputs = ["input_ids", *rng.choice([[], ["token_type_ids"]]), "attention_mask"]
    maybe("model_input_names", inputs, 0.2)
    maybe("split_special_tokens", rng.random() < 0.7, 0.2)
    maybe("bos_token", "[BOS]" if bert else "<s>", 0.1)
    maybe("image_token", "[IMG]", 0.1)
    maybe(rng.choice(["additional_special_tokens", "extra_special_tokens"]), ["[E1]", "[/E1]"])
    if rng.random() < 0.3:
        mask = rng.choice(["<mask>", MASK])
        values.update(BERT_NAMES if bert else {**ROBERTA_NAMES, "mask_token": mask})
    if rng.random() < 0.1 and bert:
        values.update({"cls_token": "[SEP]", "sep_token": "[CLS]"})
    if rng.random() < 0.3:
        values["added_tokens_decoder"] = added_tokens(rng, bert=bert)
    return values


def added_tokens(rng: random.Random, *, bert: bool) -> dict[str, Any]:
    plain = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
    names = dict(enumerate(WORDS[:5] if bert else BPE[:4]))
    found = {str(n): {"content": t, "special": True, **plain} for n, t in names.items()}
    first = len(WORDS) if bert else 400
    for number, token in enumerate(rng.sample(["[E1]", "[/E1]", "ㅋㅋ", "foo", "The"], 3)):
        flags = {name: rng.random() < 0.4 for name in [*plain, "special"]}
        found[str(first + number)] = {"content": token, **flags}
    return found


def write_tokenizer(folder: Path, rng: random.Random, form: str | None = None) -> str:
    """A folder that is a tokenizer and a ``config.json``, of any form; its form."""
    folder.mkdir(parents=True, exist_ok=True)
    form = form or rng.choice([*FORMS])
    kinds, classes = FORMS[form]
    kind, name = rng.choice(kinds), rng.choice(classes)
    bert = form in ("vocab.txt", "wordpiece")
    config: dict[str, Any] = {"model_type": kind, "vocab_size": 500, "hidden_size": 8}
    values = settings_of(rng, bert=bert)
    where = rng.random()
    if where < 0.7 or (where >= 0.85 and name.removesuffix("Fast") != CLASS_OF[kind]):
        values["tokenizer_class"] = name
    elif where < 0.85:
        config["tokenizer_class"] = name
    write_files(folder, form, rng)
    if rng.random() < 0.15:
        put(folder / "added_tokens.json", {"foo": len(WORDS) + 1, "[E1]": len(WORDS)})
    if rng.random() < 0.2:
        mask = {"content": "[MASK]" if bert else "<mask>", "lstrip": rng.random() < 0.5,
                "rstrip": False, "single_word": False, "normalized": False}  # fmt: skip
        more = {"additional_special_tokens": ["[E1]"]} if rng.random() < 0.5 else {}
        put(folder / "special_tokens_map.json", {"mask_token": mask, **more})
    put(folder / "config.json", config)
    put(folder / "tokenizer_config.json", values)
    return form


def write_files(folder: Path, form: str, rng: random.Random) -> None:
    """The vocabulary of a form."""
    if form == "vocab.txt":
        (folder / form).write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    elif form == "merges.txt":
        put(folder / "vocab.json", {token: number for number, token in enumerate(BPE)})
        merges = "\n".join(["#version: 0.2", *MERGES]) + "\n"
        (folder / form).write_text(merges, encoding="utf-8")
    else:
        pipeline(form, rng).save(str(folder / "tokenizer.json"))


def put(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def chances_shown(tokenizer: Any, chances: Any) -> dict[str, list[float]]:
    """Every probability by what its token is shown as; bytes that are no character are not."""
    shown: dict[str, list[float]] = {}
    for token in range(len(chances)):
        with suppress(IndexError, UnicodeDecodeError):
            shown.setdefault(shown_alone(tokenizer, token), []).append(float(chances[token]))
    return shown
