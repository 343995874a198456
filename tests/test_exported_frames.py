"""What is trained here and exported reads the same text in transformers: ids, segments, numbers."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munmaek.errors import UnsupportedError
from munmaek.folder.info import Info
from munmaek.models.bert import (
    BertBaseNetwork,
    BertClassifierNetwork,
    BertConfig,
    BertMaskedNetwork,
    BertTaggerNetwork,
)
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.tag.model import Tagger
from munmaek.text.tokenizers import SURFACE, Tokenizer, train_tokenizer
from published_folders import chances_shown

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

LINES = [
    "나는 학교에 간다.",
    "너는 집에 있다!",
    "the cats sat on the mat",
    "가 나 다 라 <s> </s>",
] * 4
TEXTS = [
    "나는 학교에 간다.", "the cat  sat, on\tthe mat", "", " 앞 칸", "a</s>b <s> </s> <pad> c",
    unicodedata.normalize("NFD", "나는 학교"), "▁ 밑줄 ▁a", "🙂 모르는 글자 ﷽", "x" * 130,
    "나는 너를 본다 " * 30, "<unk> [MASK] <0x41>", "한\n줄\u3000또",
]  # fmt: skip
PAIRS = [(TEXTS[0], TEXTS[1]), (TEXTS[9], TEXTS[9]), (TEXTS[9], "너는"), ("너는", TEXTS[9]),
         (TEXTS[4], TEXTS[6])]  # fmt: skip
LIMIT = 31
LABELS = ("가", "나", "none of the two")


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Tokenizer]:
    return {
        kind: train_tokenizer(LINES, kind=kind, vocab_size=300 if kind in LONG else 60)
        for kind in SURFACE
    }


LONG = ("bpe", "unigram")


def network(kind: Any, tokenizer: Tokenizer, **sizes: Any) -> tuple[Any, BertConfig]:
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, initializer_range=0.4, hidden_dropout_prob=0.0,
    )  # fmt: skip
    made = kind(config, vocab_size=tokenizer.vocab_size, **sizes).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim == 1:
                weight.add_(0.1 * torch.randn_like(weight))
    return made, config


def info(task: str, config: BertConfig, tokenizer: Tokenizer, **sizes: Any) -> Info:
    return Info(task, "bert", "BERT", config.model_dump(),
                {"vocab_size": tokenizer.vocab_size, **sizes}, 0)  # fmt: skip


def classifier(tokenizer: Tokenizer, *, pairs: bool, temperature: float = 1.0) -> Classifier:
    made, config = network(BertClassifierNetwork, tokenizer, label_count=3)
    return Classifier(
        tokenizer, NeuralClassifier(made), LABELS,
        info("classify", config, tokenizer, label_count=3), LIMIT, pairs, temperature,
    )  # fmt: skip


def theirs(folder: Path, kind: str) -> tuple[Any, Any]:
    model = getattr(transformers, f"AutoModel{kind}").from_pretrained(folder).eval()
    return transformers.AutoTokenizer.from_pretrained(folder), model


def outputs(tokenizer: Any, model: Any, *texts: str) -> Any:
    with torch.no_grad():
        return model(**tokenizer(*texts, truncation=True, return_tensors="pt"))


@pytest.mark.parametrize("kind", SURFACE)
def test_every_kind_of_tokenizer_gives_its_ids_segments_and_chances_there(
    kind: str, tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    ours = classifier(tokenizers[kind], pairs=True, temperature=1.7)
    export_huggingface(ours, tmp_path)
    tokenizer, model = theirs(tmp_path, "ForSequenceClassification")
    assert [model.config.id2label[number] for number in range(3)] == list(LABELS)
    assert tokenizer.model_max_length == LIMIT
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == tokenizers[kind].frame.row(
            tokenizers[kind].encode(text), 999
        )
    for first, second in PAIRS:
        framed = ours.framed(first, second)
        given = tokenizer(first, second, truncation=True)
        assert given["input_ids"] == list(framed.ids)
        assert given["token_type_ids"] == framed.types
        logits = outputs(tokenizer, model, first, second).logits[0]
        chances = ours.predict([first], [second])[0].probabilities.values()
        np.testing.assert_allclose(logits.softmax(-1), list(chances), atol=1e-5)


def test_what_is_exported_comes_back_as_it_went(
    tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    for kind in SURFACE:
        ours = classifier(tokenizers[kind], pairs=True)
        export_huggingface(ours, tmp_path / kind)
        back: Any = load(tmp_path / kind)
        assert back.labels == ours.labels
        assert back.limit == LIMIT
        one = ours.logprobs(*zip(*PAIRS, strict=True))
        np.testing.assert_allclose(back.logprobs(*zip(*PAIRS, strict=True)), one, atol=1e-5)
        back.save(tmp_path / f"{kind}-again")
        again: Any = load(tmp_path / f"{kind}-again")
        assert again.tokenizer.describe() == back.tokenizer.describe()
        assert [again.tokenizer.encode(text) for text in TEXTS] == [
            tokenizers[kind].encode(text) for text in TEXTS
        ]


def test_a_regressor_gives_its_own_numbers_there(
    tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    tokenizer = tokenizers["wordpiece"]
    made, config = network(BertClassifierNetwork, tokenizer, label_count=1)
    ours = Regressor(
        tokenizer, NeuralRegressor(made), info("regress", config, tokenizer, label_count=1),
        LIMIT, low=1.0, high=5.0,
    )  # fmt: skip
    export_huggingface(ours, tmp_path)
    there, model = theirs(tmp_path, "ForSequenceClassification")
    got = [float(outputs(there, model, text).logits) for text in TEXTS]
    want = [rating.value for rating in ours.rate(TEXTS)]
    np.testing.assert_allclose(got, want, atol=1e-5)
    back: Any = load(tmp_path)
    np.testing.assert_allclose([each.value for each in back.rate(TEXTS)], want, atol=1e-5)


def test_a_tagger_gives_its_labels_token_by_token_there(
    tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    tokenizer = tokenizers["bpe"]
    made, config = network(BertTaggerNetwork, tokenizer, label_count=3)
    labels = ("O", "B-사람", "I-사람")
    ours = Tagger(tokenizer, made, labels, info("tag", config, tokenizer, label_count=3), LIMIT)
    export_huggingface(ours, tmp_path)
    there, model = theirs(tmp_path, "ForTokenClassification")
    assert tuple(model.config.id2label[number] for number in range(3)) == labels
    pipe = transformers.pipeline("token-classification", model=model, tokenizer=there)
    for text in TEXTS:
        if text:
            said = pipe(text)
            places = [(each["entity"].removeprefix("B-").removeprefix("I-"), each["start"])
                      for each in said if each["entity"] != "O"]  # fmt: skip
            mine = ours.tag([text])[0]
            assert {(each.label, each.start) for each in mine} <= set(places)
            assert bool(mine) == bool(places)


@pytest.mark.parametrize("kind", SURFACE)
def test_a_masked_model_fills_its_masks_there(
    kind: str, tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    tokenizer = tokenizers[kind]
    made, config = network(BertMaskedNetwork, tokenizer)
    ours = Encoder(tokenizer, made, info("mlm", config, tokenizer), LIMIT)
    export_huggingface(ours, tmp_path)
    there, model = theirs(tmp_path, "ForMaskedLM")
    for texts in (("나는 <mask> 간다", None), ("<mask> the <mask>", None), ("나는", "a <mask>"),
                  ("나는  <mask>", "너는")):  # fmt: skip
        given = [text for text in texts if text is not None]
        ids = there(*given)["input_ids"]
        assert ids == list(ours.framed(*texts).ids)
        scores = outputs(there, model, *given).logits[0]
        best = scores[[at for at, token in enumerate(ids) if token == tokenizer.mask]]
        chances = best.softmax(-1)
        for each, row in zip(
            ours.fill(texts[0], pair=texts[1])
            if "<mask>" in texts[0]
            else ours.fill(*texts[:1], pair=texts[1]),
            chances,
            strict=True,
        ):
            shown = chances_shown(tokenizer, row)
            for name, chance in each.candidates:
                assert any(abs(one - chance) < 1e-5 for one in shown[name]), (name, chance)


@pytest.mark.parametrize("kind", SURFACE)
def test_an_embedder_gives_its_vectors_in_sentence_transformers(
    kind: str, tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    library: Any = pytest.importorskip("sentence_transformers")
    made, config = network(BertBaseNetwork, tokenizers[kind], pooled=False)
    about = info("embed", config, tokenizers[kind], pooled=False)
    ours = Encoder(tokenizers[kind], made, about, LIMIT)
    export_huggingface(ours, tmp_path)
    there = library.SentenceTransformer(str(tmp_path), device="cpu")
    assert there.max_seq_length == LIMIT
    np.testing.assert_allclose(ours.embed(TEXTS), there.encode(TEXTS), atol=1e-5)


def test_morphemes_are_refused_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("kiwipiepy", reason="Kiwi is not installed")
    tokenizer = train_tokenizer(LINES, kind="morphemes", vocab_size=60)
    with pytest.raises(UnsupportedError, match="tokenizer of morphemes cuts texts by Kiwi"):
        export_huggingface(classifier(tokenizer, pairs=False), tmp_path)
