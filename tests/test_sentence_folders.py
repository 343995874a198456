"""Folders of sentence-transformers: the vectors of sentence-transformers 6.2.0, or a refusal."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from munmaek import load
from munmaek.cli import main
from munmaek.errors import ArtefactError, ConfigError, InputError, MunmaekWarning
from munmaek.models.bert.sentence import ACTIVATIONS, POOLINGS
from munmaek.tasks.mlm.manifest import ACTIVATIONS as NAMED
from munmaek.tasks.mlm.manifest import POOLING
from munmaek.tasks.publishing import export_huggingface

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
theirs: Any = pytest.importorskip(
    "sentence_transformers", reason="sentence-transformers is not installed"
)

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s",
    "나는", "학교", "##에", "간다", ".", "dog", "The", "Dog", "query", ":", "##y",
]  # fmt: skip
TEXTS = ["The cats sat on the mat .", "", "나는 학교에 간다", "Dog", "the Dog sat on a mat . " * 4]
SIZE = 16
SIZES = {"vocab_size": len(WORDS), "max_position_embeddings": 24, "initializer_range": 0.3}
COMMON = {
    "hidden_size": SIZE, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
}  # fmt: skip
FAMILIES: dict[str, Callable[[], Any]] = {
    "Bert": lambda: transformers.BertConfig(**SIZES, **COMMON),
    "Roberta": lambda: transformers.RobertaConfig(
        **SIZES, **COMMON, pad_token_id=0, type_vocab_size=1
    ),
    "Electra": lambda: transformers.ElectraConfig(**SIZES, **COMMON, embedding_size=8),
    "DistilBert": lambda: transformers.DistilBertConfig(
        **SIZES, dim=SIZE, n_layers=2, n_heads=2, hidden_dim=24
    ),
}
MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
OLD = {
    "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens", "lasttoken": "pooling_mode_lasttoken",
}  # fmt: skip
KINDS = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
PLACES = {"Pooling": "sentence_transformer", "LayerNorm": "sentence_transformer",
          "Dropout": "sentence_transformer"}  # fmt: skip
FILES = {kind: "layer_norm" if kind == "LayerNorm" else kind.lower() for kind in KINDS}
SPELLINGS: tuple[dict[str, str], ...] = tuple(
    {kind: "sentence_transformers." + form(kind) for kind in KINDS}
    for form in (
        lambda kind: f"models.{kind}",
        lambda kind: f"{PLACES.get(kind, 'base')}.modules.{FILES[kind]}.{kind}",
        lambda kind: f"sentence_transformer.modules.{kind}",
    )
)
"""Of the versions up to 5.3, of 6.2 with the file, and of 6.2 without it."""


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder of each family with its tokenizer."""
    place = tmp_path_factory.mktemp("encoders")
    for family, config in FAMILIES.items():
        torch.manual_seed(5)
        model = getattr(transformers, f"{family}Model")(config()).eval()
        model.save_pretrained(place / family)
        (place / family / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
        write(place / family / "tokenizer_config.json", TOKENIZER)
    return place


TOKENIZER = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 20}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def make(
    folder: Path,
    encoder: Path,
    *,
    after: list[tuple[str, dict[str, Any]]] | None = None,
    pooling: dict[str, Any] | None = None,
    inner: str = "",
    spelling: int = 0,
    longest: dict[str, Any] | None = None,
    overall: dict[str, Any] | None = None,
) -> Path:
    """A folder with these modules; weights of Dense and LayerNorm are random."""
    shutil.copytree(encoder, folder / inner)
    steps = [("Transformer", {}), ("Pooling", pooling or {"pooling_mode": "mean"}), *(after or [])]
    modules = []
    for number, (kind, options) in enumerate(steps):
        path = inner if number == 0 else f"{number}_{kind}"
        named = SPELLINGS[spelling][kind]
        modules.append({"idx": number, "name": str(number), "path": path, "type": named})
        if number == 1:
            write(folder / path / "config.json", {"word_embedding_dimension": SIZE, **options})
        elif number > 1:
            write_module(folder / path, kind, options)
    write(folder / "modules.json", modules)
    if longest is not None:
        write(folder / inner / "sentence_bert_config.json", longest)
    if overall is not None:
        write(folder / "config_sentence_transformers.json", overall)
    return folder


def write_module(folder: Path, kind: str, options: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(len(folder.name) + len(str(options)))
    if kind != "Normalize" or options:
        write(folder / "config.json", options)
    tensors: dict[str, torch.Tensor] = {}
    if kind == "LayerNorm":
        tensors = {f"norm.{n}": torch.randn(options["dimension"], generator=generator)
                   for n in ("weight", "bias")}  # fmt: skip
    if kind == "Dense":
        shape = options["out_features"], options["in_features"]
        tensors["linear.weight"] = torch.randn(shape, generator=generator)
        if options.get("bias", True):
            tensors["linear.bias"] = torch.randn(shape[:1], generator=generator)
        if options.get("use_residual") and shape[0] != shape[1]:
            tensors["residual.weight"] = torch.randn(shape, generator=generator)
    if tensors:
        save_file(tensors, folder / "model.safetensors")


def their_model(folder: Path) -> Any:
    return theirs.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def assert_same(folder: Path, texts: list[str] | None = None, **prompt: Any) -> Any:
    """The vectors are theirs, and so is which texts are cut."""
    texts = TEXTS if texts is None else texts
    model, ours = their_model(folder), load(folder)
    told: list[Any] = []
    asked = {"prompt": next(iter(prompt.values()))} if prompt else {}
    found = np.concatenate(list(ours.embed_blocks(texts, report=told.append, **asked)))
    np.testing.assert_allclose(found, model.encode(texts, **prompt), atol=1e-5, rtol=1e-5)
    before = model._resolve_prompt(prompt.get("prompt"), prompt.get("prompt_name")) or ""
    sizes = [len(model.tokenizer(before + text)["input_ids"]) for text in texts]
    assert told[-1].longer == sum(size > ours.limit for size in sizes)
    return ours


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


def test_the_record_of_a_model_knows_the_same_names() -> None:
    assert set(NAMED) == set(ACTIVATIONS)
    assert set(POOLING.strip("()").split("|")) == set(POOLINGS)


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


# What is refused, and by which name


def refused(folder: Path, *names: str) -> None:
    with pytest.raises(ArtefactError) as caught:
        load(folder)
    assert all(name in str(caught.value) for name in names), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "sentence_transformers.models.CNN", "sentence_transformers.models.LSTM",
        "sentence_transformers.models.WeightedLayerPooling", "sentence_transformers.models.BoW",
        "sentence_transformers.models.StaticEmbedding", "sentence_transformers.models.Router",
        "sentence_transformers.sparse_encoder.models.SpladePooling", "models.Pooling",
        "custom_st.Pooling", "sentence_transformers.other.Pooling", "Pooling", "",
    ],
)  # fmt: skip
def test_a_module_that_is_not_known_is_refused_by_its_name(
    kind: str, encoders: Path, tmp_path: Path
) -> None:
    folder = make(tmp_path / "a", encoders / "Bert")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[1]["type"] = kind
    write(folder / "modules.json", modules)
    refused(folder, "modules.json", f"'{kind}' is not one that munmaek reads")


def row(number: int, kind: str, path: str) -> dict[str, Any]:
    named = f"sentence_transformers.models.{kind}"
    return {"idx": number, "name": str(number), "path": path, "type": named}


FIRST, SECOND = row(0, "Transformer", ""), row(1, "Pooling", "1_Pooling")


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({}, "a list of modules"), ([], "got nothing"), ([FIRST], "got Transformer"),
        ([SECOND, FIRST], "got Pooling, Transformer"),
        ([FIRST, row(1, "Normalize", "1_Pooling"), SECOND], "two modules of one name"),
        ([FIRST, SECOND, row(2, "Pooling", "1_Pooling")], "a second Pooling"),
        ([FIRST, {"name": "1", "type": SECOND["type"]}], "name, path and type"),
        ([FIRST, "Pooling"], "name, path and type"),
        ([FIRST, {**SECOND, "path": "../1_Pooling"}], "leads out of the folder"),
        ([FIRST, {**SECOND, "path": "/etc"}], "leads out of the folder"),
        ([FIRST, {**SECOND, "path": "gone"}], "missing from the folder"),
        ([{**FIRST, "path": "gone"}, SECOND], "gone"),
    ],
)  # fmt: skip
def test_modules_that_are_no_such_list_are_refused(
    modules: Any, said: str, encoders: Path, tmp_path: Path
) -> None:
    folder = make(tmp_path / "a", encoders / "Bert")
    write(folder / "modules.json", modules)
    refused(folder, said)


@pytest.mark.parametrize(
    ("file", "values", "said"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "median"}, "pooling_mode"),
        ("1_Pooling/config.json", {"pooling_mode": []}, "pooling_mode"),
        ("1_Pooling/config.json", {"pooling_mode": ["cls", 1]}, "pooling_mode"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": "yes"}, "pooling_mode_cls_token"),
        ("1_Pooling/config.json", {"include_prompt": 1}, "include_prompt"),
        ("1_Pooling/config.json", {"pooling_mode_attention": True}, "pooling_mode_attention"),
        ("1_Pooling/config.json", [], "an object wanted"),
        ("2_Dense/config.json", {"activation_function": "mine.Tanh"}, "activation_function"),
        ("2_Dense/config.json", {"activation_function": "torch.nn.PReLU"}, "activation_function"),
        ("2_Dense/config.json", {"module_input_name": "token_embeddings"}, "module_input_name"),
        ("2_Dense/config.json", {"in_features": "16"}, "in_features"),
        ("2_Dense/config.json", {"in_features": 8}, "(4, 16), (4, 8) wanted"),
        ("2_Dense/config.json", {"out_features": 5}, "(4,), (5,) wanted"),
        ("2_Dense/config.json", {"in_features": 10**12}, "far smaller than the dense"),
        ("2_Dense/config.json", {"bias": False}, "not part of this module"),
        ("2_Dense/config.json", {"use_residual": True}, "'residual.weight' (4, 16) is missing"),
        ("sentence_bert_config.json", {"max_seq_length": "9"}, "max_seq_length"),
        ("sentence_bert_config.json", {"max_seq_length": True}, "max_seq_length"),
        ("sentence_bert_config.json", {"max_seq_length": 2}, "max_seq_length"),
        ("sentence_bert_config.json", {"do_lower_case": "no"}, "do_lower_case"),
        ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "transformer_task"),
        ("sentence_bert_config.json", {"tokenizer_args": {"do_lower_case": True}}, "do_lower_case"),
        ("sentence_bert_config.json", {"config_args": {"hidden_act": "relu"}}, "hidden_act"),
        ("sentence_bert_config.json", {"query_length": 5}, "query_length"),
        ("sentence_bert_config.json", {"something": 5}, "something"),
        ("sentence_bert_config.json", {"module_output_name": "x"}, "module_output_name"),
        ("sentence_bert_config.json",
         {"modality_config": {"text": {"method": "forward", "method_output_name": "x"}}},
         "modality_config"),
        ("sentence_bert_config.json",
         {"processing_kwargs": {"text": {"add_special_tokens": False}}}, "add_special_tokens"),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "SparseEncoder"),
        ("config_sentence_transformers.json", {"prompts": ["a"]}, "prompts"),
        ("config_sentence_transformers.json", {"prompts": {"a": 1}}, "prompts"),
        ("config_sentence_transformers.json", {"default_prompt_name": "b"}, "default_prompt_name"),
        ("config_sentence_transformers.json", {"similarity_fn_name": "maxsim"},
         "similarity_fn_name"),
        ("config_sentence_transformers.json", {"truncate_dim": 0}, "truncate_dim"),
        ("config_sentence_transformers.json", {"truncate_dim": "8"}, "truncate_dim"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_known_is_refused_by_the_fields_name(
    file: str, values: Any, said: str, encoders: Path, tmp_path: Path
) -> None:
    options = {"in_features": SIZE, "out_features": 4}
    folder = make(tmp_path / "a", encoders / "Bert", after=[("Dense", options)])
    usual = options if file.startswith("2_") else {}
    write(folder / file, {**usual, **values} if isinstance(values, dict) else values)
    refused(folder, file.split("/")[0], said)


def test_modules_that_do_not_fit_one_another_are_refused(encoders: Path, tmp_path: Path) -> None:
    options = {"in_features": 8, "out_features": 4}
    folder = make(tmp_path / "a", encoders / "Bert", after=[("Dense", options)])
    refused(folder, "dense takes 8 numbers, and is given 16")
    after = [("Dense", {**options, "in_features": SIZE}), ("LayerNorm", {"dimension": SIZE})]
    folder = make(tmp_path / "b", encoders / "Bert", after=after)
    refused(folder, "layer_norm takes 16 numbers, and is given 4")


def test_a_missing_or_hostile_file_of_a_module_is_refused(encoders: Path, tmp_path: Path) -> None:
    options = {"in_features": SIZE, "out_features": 4}
    folder = make(tmp_path / "a", encoders / "Bert", after=[("Dense", options)])
    weights = folder / "2_Dense" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    refused(folder, "2_Dense", "damaged")
    weights.unlink()
    refused(folder, "2_Dense", "no weights")
    (folder / "2_Dense" / "config.json").write_text("{", encoding="utf-8")
    refused(folder, "2_Dense", "not JSON")
    (folder / "modules.json").write_text("[" * 100_000, encoding="utf-8")
    refused(folder, "modules.json")
