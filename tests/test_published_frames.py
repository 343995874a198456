"""Published folders are read with the frame and the tokens that transformers 5.23 gives them."""

import importlib
import json
import random
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munmaek.errors import ArtefactError, InputError, UnsupportedError
from munmaek.look.capture import Looking, capture
from munmaek.pipeline import train_recipe
from munmaek.tasks.inside import Question
from munmaek.tasks.loading import load
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.tag.words import first_pieces
from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer
from munmaek.text.published_form import published_form
from published_folders import (
    BPE,
    FORMS,
    PIECES,
    TEXTS,
    chances_shown,
    put,
    write_files,
    write_tokenizer,
)

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

CASES = Path(__file__).parents[2] / "shared/cases"
SHORT = ("the [E1] cat", "나는 학교에 간다")


@pytest.fixture
def cases() -> tuple[Path, dict[str, Any]]:
    if not (CASES / "expected.json").is_file():
        pytest.skip(f"no cases at {CASES}")
    return CASES / "huggingface", json.loads((CASES / "expected.json").read_text("utf-8"))[
        "huggingface"
    ]


def test_a_pair_is_framed_by_the_tokenizer_and_not_by_the_architecture(
    cases: tuple[Path, dict[str, Any]],
) -> None:
    folder, expected = cases
    model, want = load(folder / "roberta-with-wordpiece"), expected["roberta-with-wordpiece"]
    assert list(model.framed(*want["pair"]).tokens) == want["tokens"]
    said = model.predict(*([text] for text in want["pair"]))[0].probabilities
    np.testing.assert_allclose(list(said.values()), want["probabilities"], atol=1e-5)


def test_a_pair_of_one_segment_is_looked_into_and_filled(
    cases: tuple[Path, dict[str, Any]],
) -> None:
    folder, expected = cases
    model, want = load(folder / "roberta-pair"), expected["roberta-pair"]
    first, second = want["pair"]
    record = capture(model, first, pair=second, how=Looking(measures=False))
    assert list(record.source.pieces) == want["tokens"]
    assert record.segments == (0,) * 5 + (1,) * 5
    (filled,) = model.fill(first.replace("dog", "<mask>"), pair=second)
    assert filled.text.endswith(f" {second}")


def test_a_marker_of_an_entity_is_one_token(cases: tuple[Path, dict[str, Any]]) -> None:
    folder, expected = cases
    model, want = load(folder / "entity-markers"), expected["entity-markers"]
    assert list(model.predictions(Question(want["text"])).source.pieces) == want["tokens"]


# Tokenizers: every field of the files against AutoTokenizer


def compare(ours: CheckpointTokenizer, theirs: Any, rng: random.Random) -> None:
    pairs = [(rng.choice(TEXTS), rng.choice([text for text in TEXTS if text])) for _ in range(4)]
    # Where no special tokens stand around a text, an empty one is refused.
    texts = [text for text in TEXTS if ours.frame.special or ours.encode(text)]
    encoded = ours.encode_many(texts)
    for limit in (512, 9):
        for text, row in zip(texts, ours.frame.rows(encoded, limit), strict=True):
            assert row == theirs(text, truncation=True, max_length=limit)["input_ids"]
        for first, second in pairs:
            if not (ours.frame.special_of_pair or ours.encode(first + second)):
                continue
            want = theirs(first, second, truncation=True, max_length=limit)
            row, split = ours.frame.together(ours.encode(first), ours.encode(second), limit)
            assert row == want["input_ids"]
            types = [int(place >= split and ours.frame.segmented) for place in range(len(row))]
            assert types == want.get("token_type_ids", [0] * len(row))
    longest = theirs.model_max_length
    assert ours.longest == (None if longest >= 10**12 else longest)
    for role in ("unk", "mask", "pad"):
        there = getattr(theirs, f"{role}_token_id")
        assert there is None or getattr(ours, role) == there


@pytest.mark.parametrize("form", FORMS)
def test_folders_of_each_form_are_tokenised_as_transformers_does(form: str, tmp_path: Path) -> None:
    rng = random.Random(f"frames of {form}")
    for number in range(12):
        folder = tmp_path / str(number)
        write_tokenizer(folder, rng, form)
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
        ours = CheckpointTokenizer.of_folder(folder)
        compare(ours, theirs, rng)
        if number % 4 == 0:
            there = exported(ours, folder / "again")
            compare(ours, transformers.AutoTokenizer.from_pretrained(there), rng)
        shutil.rmtree(folder)


def exported(tokenizer: CheckpointTokenizer, folder: Path) -> Path:
    """The tokenizer's files as an export has them, beside a configuration."""
    folder.mkdir()
    content, settings = published_form(tokenizer, segmented=True, masks=False)
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    put(folder / "tokenizer_config.json", {**settings, "model_max_length": tokenizer.longest})
    put(folder / "config.json", {"model_type": "bert"})
    return folder


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def sentencepiece(path: Path) -> None:
    """A unigram model with its own numbers: <unk> <s> </s>, one symbol of the user, pieces."""
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3, "ㅋㅋ": 4}
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("ㅋㅋ", 0.0),
              *(piece for piece in PIECES if piece[0][0] != "<")]  # fmt: skip
    proto = b""
    for piece, score in pieces:
        kind = b"\x18" + bytes([kinds.get(piece, 1)])
        proto += field(1, field(1, piece.encode()) + b"\x15" + np.float32(score).tobytes() + kind)
    path.write_bytes(proto + field(2, b"\x18\x01") + field(3, b"\x18\x01"))


@pytest.mark.parametrize("kind", ["xlm-roberta", "camembert"])
def test_a_bare_sentencepiece_file_is_numbered_as_fairseq_numbers_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("google.protobuf", reason="protobuf is not installed")
    # transformers reads the file by protobuf alone; it asks for the library nevertheless.
    module = importlib.import_module("transformers.convert_slow_tokenizer")
    monkeypatch.setattr(module, "requires_backends", lambda *_: None)
    sentencepiece(tmp_path / "sentencepiece.bpe.model")
    put(tmp_path / "config.json", {"model_type": kind, "vocab_size": 100})
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    compare(CheckpointTokenizer.of_folder(tmp_path), theirs, random.Random(0))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "'BertJapaneseTokenizer' is not one that"),
        ({"tokenizer_class": "CanineTokenizer"}, "'CanineTokenizer' is not one that"),
        ({"tokenizer_class": "ByT5Tokenizer"}, "'ByT5Tokenizer' is not one that"),
        ({"auto_map": {"AutoTokenizer": ["t.Mine", None]}}, r"'auto_map': \['t.Mine', None\] is"),
        ({"tokenizer_class": "RobertaTokenizer"}, "RobertaTokenizer reads tokenizer.json, or voc"),
        ({"do_lower_case": "yes"}, "'do_lower_case': true or false wanted, got 'yes'"),
        ({"model_max_length": "many"}, "'model_max_length': a number of tokens wanted"),
        ({"truncation_side": "up"}, "'truncation_side': 'left' or 'right' wanted, got 'up'"),
        ({"cls_token": None}, "'cls_token': a token, as BertTokenizer needs one, wanted"),
        ({"cls_token": 7}, "'cls_token': a token"),
        ({"added_tokens_decoder": {"x": {"content": "a"}}}, "an added token's id wanted, got 'x'"),
        ({"added_tokens_decoder": {"1": 3}}, "a token of the tokenizers library wanted, got 3"),
        ({"additional_special_tokens": [1]}, "a list of tokens wanted"),
        ({"unk_token": "nothing"}, "cannot read an unknown character"),
    ],
)
def test_a_tokenizer_that_cannot_be_reproduced_is_refused_by_name(
    files: dict[str, Any], said: str, tmp_path: Path
) -> None:
    write_files(tmp_path, "vocab.txt", random.Random(0))
    put(tmp_path / "config.json", {"model_type": "bert"})
    put(tmp_path / "tokenizer_config.json", files)
    with pytest.raises((ArtefactError, UnsupportedError), match=said) as error:
        CheckpointTokenizer.of_folder(tmp_path)
    assert "\n" not in str(error.value)


def test_a_frame_that_cannot_be_read_or_does_not_fit_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, "wordpiece", random.Random(0))
    put(tmp_path / "config.json", {"model_type": "roberta"})
    with pytest.raises(ArtefactError, match="a WordPiece model, where RobertaTokenizer reads BPE"):
        CheckpointTokenizer.of_folder(tmp_path)
    put(tmp_path / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    values = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    text, other = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    for single, pair, said in (
        ([text, text], [text, other], "a text twice"),
        ([text], [other, text], "second one first"),
        ([{"Sequence": {"id": "A", "type_id": 1}}], [text, other], r"type_id \[1\] for one text"),
        ([text], [text, {"Sequence": {"id": "B", "type_id": 2}}], r"\[0, 2\] for two"),
    ):
        values["post_processor"] = {
            "type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {},
        }  # fmt: skip
        put(tmp_path / "tokenizer.json", values)
        with pytest.raises(ArtefactError, match=said):
            CheckpointTokenizer.of_folder(tmp_path)


def test_an_empty_text_without_special_tokens_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, "wordpiece", random.Random(0))
    put(tmp_path / "config.json", {"model_type": "bert"})
    put(tmp_path / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    values = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    put(tmp_path / "tokenizer.json", {**values, "post_processor": None})
    tokenizer = CheckpointTokenizer.of_folder(tmp_path)
    assert tokenizer.frame.rows([[5]], 4) == [[5]]
    assert tokenizer.frame.together([5], [], 4) == ([5], 1)
    for ask in (lambda: tokenizer.frame.row([], 4), lambda: tokenizer.frame.together([], [], 4)):
        with pytest.raises(InputError, match="a text without tokens"):
            ask()


def test_two_tokens_of_one_id_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, "merges.txt", random.Random(0))
    put(tmp_path / "config.json", {"model_type": "roberta"})
    vocabulary = json.loads((tmp_path / "vocab.json").read_text("utf-8"))
    put(tmp_path / "vocab.json", {**vocabulary, "Ġt": 300, "at": 300})
    with pytest.raises(ArtefactError, match="both have the id 300"):
        CheckpointTokenizer.of_folder(tmp_path)


# Networks: vectors, labels and fills against transformers

SIZES = {
    "vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "initializer_range": 0.4, "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0, "max_position_embeddings": 40,
}  # fmt: skip
DISTIL = {
    "vocab_size": 300, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "dropout": 0.0,
    "initializer_range": 0.4, "attention_dropout": 0.0, "max_position_embeddings": 40,
}  # fmt: skip
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", SIZES),
    "bert of three segments": ("Bert", {**SIZES, "type_vocab_size": 3}),
    "roberta": ("Roberta", {**SIZES, "type_vocab_size": 1}),
    "roberta of two segments": ("Roberta", {**SIZES, "type_vocab_size": 2, "pad_token_id": 3}),
    "electra": ("Electra", {**SIZES, "embedding_size": 8}),
    "distilbert": ("DistilBert", DISTIL),
    "xlm-roberta": ("XLMRoberta", {**SIZES, "type_vocab_size": 1}),
    "camembert": ("Camembert", {**SIZES, "type_vocab_size": 1}),
}


def published(folder: Path, family: str, head: str, form: str, seed: int) -> tuple[Any, Any]:
    """A folder of random weights and a tokenizer of that form; opened by transformers."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    name, sizes = FAMILIES[family]
    labels = {"num_labels": 3} if "Classification" in head else {}
    config = getattr(transformers, f"{name}Config")(**sizes, **labels)
    model = getattr(transformers, name + head)(config).eval()
    model.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text("utf-8"))
    write_tokenizer(folder, rng, form)
    put(folder / "config.json", written)
    values = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    if "tokenizer_class" not in values:
        values["tokenizer_class"] = FORMS[form][1][0]
    values["model_max_length"] = 30
    put(folder / "tokenizer_config.json", values)
    return transformers.AutoTokenizer.from_pretrained(folder), model


def given(theirs: Any, model: Any, *texts: str) -> Any:
    """What transformers computes; types are left out where the network has but one."""
    batch = theirs(*texts, truncation=True, return_tensors="pt")
    if getattr(model.config, "type_vocab_size", 0) < 2:
        batch.pop("token_type_ids", None)
    with torch.no_grad():
        return model(**batch)


MATRIX = [
    (family, form)
    for family in FAMILIES
    for form in FORMS
    if form in {
        "bert": ("vocab.txt", "wordpiece", "bpe", "unigram"),
        "bert of three segments": ("wordpiece",),
        "roberta": ("vocab.txt", "merges.txt", "wordpiece", "bpe"),
        "roberta of two segments": ("wordpiece", "bpe"),
        "electra": ("vocab.txt", "wordpiece"),
        "distilbert": ("vocab.txt", "wordpiece"),
        "xlm-roberta": ("unigram",),
        "camembert": ("unigram",),
    }[family]
]  # fmt: skip


@pytest.mark.parametrize(("family", "form"), MATRIX)
def test_vectors_and_chances_of_texts_and_pairs_equal_those_of_transformers(
    family: str, form: str, tmp_path: Path
) -> None:
    texts = [text for text in TEXTS if text][::2]
    long = "나는 the cat sat on the mat. The café " * 4
    pairs = [(TEXTS[0], TEXTS[1]), (long, TEXTS[5]), ("the foo", long), (long, long)]
    theirs, model = published(tmp_path / "a", family, "Model", form, seed=1)
    ours: Any = load(tmp_path / "a")
    want = [given(theirs, model, text).last_hidden_state[0].mean(0) for text in texts]
    np.testing.assert_allclose(ours.embed(texts), torch.stack(want), atol=1e-5)
    for pair in pairs:
        framed = ours.framed(*pair)
        hidden = ours.hidden([framed.ids], framed.types)[0].detach()
        np.testing.assert_allclose(hidden, given(theirs, model, *pair).last_hidden_state[0],
                                   atol=1e-5)  # fmt: skip
    head = "ForSequenceClassification"
    theirs, model = published(tmp_path / "b", family, head, form, seed=2)
    ours = load(tmp_path / "b")
    for firsts, seconds in ((texts, None), (*map(list, zip(*pairs, strict=True)),)):
        rows = [firsts] if seconds is None else [firsts, seconds]
        logits = [given(theirs, model, *row).logits[0] for row in zip(*rows, strict=True)]
        found = np.exp(ours.logprobs(firsts, seconds))
        np.testing.assert_allclose(found, torch.stack(logits).softmax(-1), atol=1e-5)


@pytest.mark.parametrize(("family", "form"), MATRIX[::3])
def test_fills_and_labels_of_tokens_equal_those_of_transformers(
    family: str, form: str, tmp_path: Path
) -> None:
    theirs, model = published(tmp_path / "a", family, "ForTokenClassification", form, seed=3)
    ours: Any = load(tmp_path / "a")
    for text in TEXTS[:2]:
        logits = given(theirs, model, text).logits[0]
        ids = theirs(text, truncation=True)["input_ids"]
        got = ours.network(torch.tensor([ids]), torch.tensor([len(ids)]))[0].detach()
        np.testing.assert_allclose(got, logits, atol=1e-5)
        entities = ours.tag([text])[0]
        assert all(entity.label.startswith("LABEL_") for entity in entities)
    theirs, model = published(tmp_path / "b", family, "ForMaskedLM", form, seed=4)
    ours = load(tmp_path / "b")
    for pair in ((f"the {ours.tokenizer.token(ours.tokenizer.mask)}",), ("a <mask>", "the cat")):
        ids = list(ours.framed(*pair).ids)
        own = [text.replace("<mask>", ours.tokenizer.token(ours.tokenizer.mask)) for text in pair]
        if theirs.split_special_tokens:
            continue  # there a mask cannot be written in a text
        assert ids == theirs(*own)["input_ids"]
        at = ids.index(ours.tokenizer.mask)
        chances = given(theirs, model, *own).logits[0, at].softmax(-1)
        (filled,) = ours.fill(pair[0], pair=pair[1] if pair[1:] else None)
        shown = chances_shown(ours.tokenizer, chances)
        for name, chance in filled.candidates:
            assert any(abs(one - chance) < 1e-5 for one in shown[name]), (name, chance)


@pytest.mark.parametrize("form", ["bpe", "unigram", "wordpiece"])
def test_decomposed_text_is_looked_into_and_tagged_as_transformers_reads_it(
    form: str, tmp_path: Path
) -> None:
    text = unicodedata.normalize("NFD", "나 é the")
    theirs, _ = published(tmp_path / "m", "bert", "ForTokenClassification", form, seed=5)
    ours: Any = load(tmp_path / "m")
    wanted = theirs(text, add_special_tokens=False)["input_ids"]
    assert ours.tokenizer.encode(text) == wanted
    pieces, firsts = first_pieces(ours.tokenizer, text.split(" "))
    assert [piece.id for piece in pieces] == wanted
    assert [first for first in firsts if first >= 0] == [0, 1, 2]
    seen = capture(ours, text, how=Looking(measures=False)).source
    assert sum(word >= 0 for word in seen.words) == len(wanted)


def test_training_from_a_folder_keeps_its_frame_to_the_exported_model(tmp_path: Path) -> None:
    family, head = "roberta", "Model"
    published(tmp_path / "begin", family, head, "wordpiece", seed=6)
    rows = ["the cat sat\tthe dog sat on\tx", "나는 간다\t학교에 간다 the cat\ty"] * 8
    (tmp_path / "p.tsv").write_text("text\tsecond\tlabel\n" + "\n".join(rows) + "\n", "utf-8")
    recipe = Recipe(
        task="classify", stage="bert", pairs=True, second_column="second", train={"steps": 2}
    )
    ours: Any = train_recipe(
        recipe, [tmp_path / "p.tsv"], folder=tmp_path / "own", init=tmp_path / "begin"
    )
    assert ours.tokenizer.frame == load(tmp_path / "begin").tokenizer.frame
    export_huggingface(ours, tmp_path / "theirs")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "theirs")
    long = "the cat sat on the mat . " * 9
    for pair in (("the cat", "나는 학교에"), (long, "a dog"), ("a", long), (long, long)):
        want = given(theirs, model.eval(), *pair).logits[0].softmax(-1)
        found = load(tmp_path / "own").predict([pair[0]], [pair[1]])[0].probabilities
        np.testing.assert_allclose([found[name] for name in ours.labels], want, atol=1e-5)


def test_a_padding_token_in_a_text_of_roberta_is_not_counted(tmp_path: Path) -> None:
    theirs, model = published(tmp_path, "roberta", "Model", "merges.txt", seed=5)
    ours: Any = load(tmp_path)
    assert ours.tokenizer.id("<pad>") == BPE.index("<pad>") == 1
    texts = ["the <pad> cat", "<pad><pad> a", "cat", "a <pad>"]
    want = [given(theirs, model, text).last_hidden_state[0].mean(0) for text in texts]
    np.testing.assert_allclose(ours.embed(texts), torch.stack(want), atol=1e-5)
    hidden = ours.predictions(Question(texts[0])).tensors["layer.1.hidden"]
    want_hidden = given(theirs, model, texts[0]).last_hidden_state[0]
    np.testing.assert_allclose(hidden, want_hidden, atol=1e-5)
