"""Folders of sentence-transformers: the vectors of sentence-transformers 6.2.0, or a refusal."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from munmaek import load
from munmaek.cli import main
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.models.bert.sentence import ACTIVATIONS
from munmaek.tasks.publishing import export_huggingface
from sentence_folders import (
    FAMILIES,
    MODES,
    OLD,
    SIZE,
    TEXTS,
    TOKENIZER,
    assert_same,
    make,
    make_encoders,
    their_model,
    theirs,
    transformers,
    write,
)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder of each family with its tokenizer."""
    return make_encoders(tmp_path_factory.mktemp("encoders"))


# The matrix: every field drawn from its values, each folder with some of each.

ACTIVATED = ("torch.nn.modules.activation.Tanh", "torch.nn.modules.linear.Identity",
             "torch.nn.modules.activation.GELU", "torch.nn.ReLU",
             "torch.nn.modules.activation.Sigmoid")  # fmt: skip
PROMPTS = {"query": "query : ", "document": "", "said": "The Dog "}


def drawn(number: int) -> dict[str, Any]:
    pick = random.Random(number)
    modes = pick.sample(MODES, pick.choice((1, 1, 1, 2, 3)))
    if number % 2:
        pooling: dict[str, Any] = {OLD[mode]: mode in modes for mode in MODES}
        if number % 4 == 1:  # older still: only those that there were
            pooling = {OLD[mode]: True for mode in modes}
    else:
        pooling = {"pooling_mode": modes[0] if len(modes) == 1 else modes}
    pooling["include_prompt"] = pick.random() < 0.6
    size, after = SIZE * len(modes), []
    for kind in pick.sample(
        ("Dense", "LayerNorm", "Normalize", "Dropout", "Dense"), pick.randrange(4)
    ):
        out = pick.choice((size, 6))
        after.append(
            {
                "Dense": ("Dense", {"in_features": size, "out_features": out,
                                    "bias": pick.random() < 0.7,
                                    "activation_function": pick.choice(ACTIVATED),
                                    "use_residual": pick.random() < 0.4}),
                "LayerNorm": ("LayerNorm", {"dimension": size}),
                "Normalize": ("Normalize", {}),
                "Dropout": ("Dropout", {"dropout": 0.5}),
            }[kind]
        )  # fmt: skip
        size = out if kind == "Dense" else size
    longest = pick.choice((
        None, {"max_seq_length": 9, "do_lower_case": True}, {"max_seq_length": None},
        {"max_seq_length": 20, "do_lower_case": False, "tokenizer_args": {"model_max_length": 11}},
        {"transformer_task": "feature-extraction", "module_output_name": "token_embeddings",
         "modality_config": {"text": {"method": "forward",
                                      "method_output_name": "last_hidden_state"}}},
        {"max_seq_length": 22, "processing_kwargs": {"text": {"max_length": 10}}},
    ))  # fmt: skip
    overall = pick.choice((
        None, {"prompts": PROMPTS, "default_prompt_name": pick.choice((None, "said", "document"))},
        {"prompts": {}, "default_prompt_name": "query", "similarity_fn_name": "dot"},
        {"__version__": {"sentence_transformers": "2.2.2"}, "truncate_dim": 5},
    ))  # fmt: skip
    return {
        "after": after, "pooling": pooling, "inner": pick.choice(("", "0_Transformer")),
        "spelling": pick.randrange(3), "longest": longest, "overall": overall,
    }  # fmt: skip


@pytest.mark.parametrize("number", range(48))
def test_every_folder_has_their_vectors_when_opened_saved_and_exported(
    number: int, encoders: Path, tmp_path: Path
) -> None:
    fields = drawn(number)
    family = list(FAMILIES)[number % 4]
    folder = make(tmp_path / "theirs", encoders / family, **fields)
    ours = assert_same(folder)
    if "said" in ours.sentence.prompts:
        assert_same(folder, prompt_name="said")
    ours.save(tmp_path / "ours")
    np.testing.assert_array_equal(load(tmp_path / "ours").embed(TEXTS), ours.embed(TEXTS))
    export_huggingface(ours, tmp_path / "again")
    vectors = their_model(tmp_path / "again").encode(TEXTS)
    np.testing.assert_allclose(vectors, ours.embed(TEXTS), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_each_pooling_is_theirs_in_both_spellings_without_the_prompt(
    mode: str, encoders: Path, tmp_path: Path
) -> None:
    overall = {"prompts": {"query": "query : "}, "default_prompt_name": "query"}
    for number, pooling in enumerate(({"pooling_mode": mode}, {OLD[mode]: True})):
        made = make(
            tmp_path / str(number), encoders / "Bert", overall=overall,
            pooling={**pooling, "include_prompt": False},
        )  # fmt: skip
        assert_same(made)
        assert_same(made, prompt="")
        assert_same(made, prompt="The Dog ")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_of_a_dense_layer_is_theirs(
    activation: str, encoders: Path, tmp_path: Path
) -> None:
    module = "linear" if activation == "Identity" else "activation"
    options = {"in_features": SIZE, "out_features": 4,
               "activation_function": f"torch.nn.modules.{module}.{activation}"}  # fmt: skip
    assert_same(make(tmp_path / "a", encoders / "Bert", after=[("Dense", options)]), TEXTS[:2])


def test_the_tokenizers_longest_text_holds_where_no_other_is_said(
    encoders: Path, tmp_path: Path
) -> None:
    for number, (value, limit) in enumerate(((7, 7), (10**30, 24), (1e30, 24), (None, 24))):
        folder = make(tmp_path / str(number), encoders / "Bert")
        write(folder / "tokenizer_config.json", {**TOKENIZER, "model_max_length": value})
        assert assert_same(folder, TEXTS[:4]).limit == limit
    folder = make(tmp_path / "said", encoders / "Bert", longest={"max_seq_length": 12})
    write(folder / "tokenizer_config.json", {**TOKENIZER, "model_max_length": 7})
    assert assert_same(folder).limit == 12
    shutil.copytree(encoders / "Bert", tmp_path / "plain")
    write(tmp_path / "plain" / "tokenizer_config.json", {**TOKENIZER, "model_max_length": 7})
    assert assert_same(tmp_path / "plain").limit == 7


def test_an_encoder_saved_with_another_head_embeds_the_same(encoders: Path, tmp_path: Path) -> None:
    for head in ("ForMaskedLM", "ForSequenceClassification", "ForQuestionAnswering"):
        torch.manual_seed(2)
        model = getattr(transformers, f"Bert{head}")(FAMILIES["Bert"]()).eval()
        folder = make(tmp_path / head, encoders / "Bert", pooling={"pooling_mode": "max"})
        model.save_pretrained(folder)
        if head == "ForMaskedLM":
            assert len(assert_same(folder).fill("the [MASK] sat")) == 1
            continue
        with pytest.warns(UserWarning, match="are passed over: (classifier|qa_outputs)"):
            assert_same(folder)


def test_weights_of_a_dense_layer_are_read_from_an_old_file_too(
    encoders: Path, tmp_path: Path
) -> None:
    options = {"in_features": SIZE, "out_features": 4}
    folder = make(tmp_path / "a", encoders / "Bert", after=[("Dense", options)])
    weights = folder / "2_Dense" / "model.safetensors"
    torch.save(load_file(weights), folder / "2_Dense" / "pytorch_model.bin")
    weights.unlink()
    assert_same(folder)


def test_search_uses_the_prompts_and_the_similarity_of_the_model(
    encoders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["the cat sat", "나는 학교에 간다", "Dog", "a mat ."]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    prompts = {"query": "query : ", "document": "The "}
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        overall = {"prompts": prompts, "similarity_fn_name": name}
        folder = make(tmp_path / name, encoders / "Bert", overall=overall)
        model = their_model(folder)
        wanted = model.similarity(model.encode_query(["a dog"]), model.encode_document(lines))[0]
        command = ["search", str(folder), str(tmp_path / "lines.txt"), "a dog", "--json"]
        assert main(command) == 0
        rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
        assert [row["line"] - 1 for row in rows] == wanted.argsort(descending=True).tolist()
        found = [row[name] for row in rows]
        np.testing.assert_allclose(found, sorted(wanted.tolist(), reverse=True), atol=1e-4)
        assert main([*command, "--prompt", "a cat "]) == 0
        asked = model.similarity(model.encode("a dog", prompt="a cat "),
                                 model.encode_document(lines))[0]  # fmt: skip
        rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
        np.testing.assert_allclose(rows[0][name], asked.max().item(), atol=1e-4)


def test_embed_puts_the_prompt_asked_for_before_every_text(
    encoders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overall = {"prompts": PROMPTS, "default_prompt_name": "said"}
    folder = make(tmp_path / "a", encoders / "Bert", overall=overall)
    (tmp_path / "lines.txt").write_text("the cat sat\nDog\n", encoding="utf-8")
    model = their_model(folder)
    command = ["embed", str(folder), str(tmp_path / "lines.txt"), "--json"]
    for asked, wanted in (
        ([], {}),
        (["--prompt", "query"], {"prompt_name": "query"}),
        (["--prompt", "on a "], {"prompt": "on a "}),
        (["--prompt", ""], {"prompt": ""}),
    ):
        assert main([*command, *asked]) == 0
        rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
        vectors = model.encode(["the cat sat", "Dog"], **wanted)
        np.testing.assert_allclose([row["embedding"] for row in rows], vectors, atol=1e-5)
    assert main([*command, "--prompt", "qurey"]) == 2
    assert "no prompt of this name; there are: query, document, said" in capsys.readouterr().err


def test_windows_each_begin_with_the_prompt(encoders: Path, tmp_path: Path) -> None:
    overall = {"prompts": {"query": "query : "}, "default_prompt_name": "query"}
    longest = {"max_seq_length": 9}
    folder = make(tmp_path / "a", encoders / "Bert", overall=overall, longest=longest)
    ours: Any = load(folder)
    text = "the cat sat on a mat . the dog"
    parts = ["the cat sat on a", "a mat . the dog"]  # one token of five is shared
    each = ours.embed(parts)
    np.testing.assert_allclose(ours.embed([text], overlap=1)[0], each.mean(0), atol=1e-5)
    with pytest.raises(ConfigError, match="share 0 to 4, not 5"):
        ours.embed([text], overlap=5)
    with pytest.raises(InputError, match="a prompt of 8 tokens leaves no room"):
        ours.embed([text], prompt="the cat sat on the mat . a ")


@pytest.mark.parametrize("family", ["Bert", "DistilBert"])
def test_what_their_library_itself_saves_is_read(
    family: str, encoders: Path, tmp_path: Path
) -> None:
    parts: Any = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    torch.manual_seed(1)
    made = theirs.SentenceTransformer(
        modules=[
            parts.Transformer(str(encoders / family)), parts.Pooling(SIZE, ("mean", "cls")),
            parts.Dense(2 * SIZE, 7, use_residual=True), parts.LayerNorm(7), parts.Normalize(),
        ],
        device="cpu", prompts={"query": "the cat "}, default_prompt_name="query", truncate_dim=5,
    )  # fmt: skip
    made.save_pretrained(str(tmp_path / "saved"))
    assert_same(tmp_path / "saved")
    assert_same(tmp_path / "saved", prompt="")


def test_a_cross_encoder_rates_and_labels_pairs(encoders: Path, tmp_path: Path) -> None:
    pairs = [("the cat", "a dog"), ("나는", "학교")]
    firsts, seconds = [list(side) for side in zip(*pairs, strict=True)]
    for labels in (1, 3):
        torch.manual_seed(1)
        config = FAMILIES["Bert"]()
        config.num_labels = labels
        transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / "plain")
        for name in ("vocab.txt", "tokenizer_config.json"):
            shutil.copy(encoders / "Bert" / name, tmp_path / "plain" / name)
        made = theirs.CrossEncoder(str(tmp_path / "plain"), device="cpu")
        made.save_pretrained(str(tmp_path / str(labels)))
        wanted = made.predict(pairs, activation_fn=torch.nn.Identity())
        if labels == 1:
            with pytest.warns(MunmaekWarning, match="passes through Sigmoid; rate gives"):
                rated = load(tmp_path / "1").rate(firsts, seconds)
            np.testing.assert_allclose([each.value for each in rated], wanted, atol=1e-5)
            continue
        found = load(tmp_path / "3").predict(firsts, seconds)
        chances = torch.tensor(wanted).softmax(-1).numpy()
        np.testing.assert_allclose(
            [list(each.probabilities.values()) for each in found], chances, atol=1e-5
        )
