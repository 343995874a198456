"""Every field and every way of storing weights that transformers 5.23.0 reads: its numbers."""

import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from munmaek import load
from munmaek.cli import main
from munmaek.errors import (
    ArtefactError,
    ConfigError,
    MunmaekWarning,
)
from munmaek.exchange.checkpoint import open_checkpoint
from munmaek.models.bert.encoder import ACTIVATIONS
from munmaek.nn.tape import Tape
from munmaek.tasks.inside import Question
from munmaek.tasks.publishing import export_huggingface, export_onnx

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s",
    "나는", "학교", "##에", "간다", ".", "dog",
]  # fmt: skip
SMALL = {
    "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 24, "initializer_range": 0.3,
}  # fmt: skip
TEXTS = ["the cats sat", "나는 학교에 간다 .", "dog"]
CLASSES = {"bert": "Bert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta",
           "camembert": "Camembert", "electra": "Electra", "distilbert": "DistilBert"}  # fmt: skip
HEADS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")


def config_of(kind: str, **fields: Any) -> Any:
    if kind == "distilbert":
        names = {"hidden_size": "dim", "num_hidden_layers": "n_layers", "hidden_act": "activation",
                 "num_attention_heads": "n_heads", "intermediate_size": "hidden_dim"}  # fmt: skip
        fields = {names.get(name, name): value for name, value in {**SMALL, **fields}.items()}
    elif kind == "electra":
        fields = {**SMALL, "embedding_size": 16, **fields}
    elif kind != "bert":
        fields = {**SMALL, "pad_token_id": 0, **fields}
    else:
        fields = {**SMALL, **fields}
    return getattr(transformers, f"{CLASSES[kind]}Config")(**fields)


def saved(folder: Path, kind: str = "bert", head: str = "ForMaskedLM", **fields: Any) -> Path:
    """A random model of transformers; biases and norms random too."""
    torch.manual_seed(3)
    model = getattr(transformers, CLASSES[kind] + head)(config_of(kind, **fields)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def edit(folder: Path, **fields: Any) -> Path:
    path = folder / "config.json"
    values = {**json.loads(path.read_text(encoding="utf-8")), **fields}
    path.write_text(json.dumps(values), encoding="utf-8")
    return folder


def change(folder: Path, function: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Path:
    """The same folder with other tensors."""
    tensors = load_file(folder / "model.safetensors")
    tensors = function(tensors) or tensors
    copied = {name: tensor.clone() for name, tensor in tensors.items()}
    save_file(copied, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda tensors: {each: t for each, t in tensors.items() if each != name}


AUTO = {
    "Model": "AutoModel", "ForMaskedLM": "AutoModelForMaskedLM",
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForTokenClassification": "AutoModelForTokenClassification",
}  # fmt: skip


def assert_same(folder: Path, head: str = "ForMaskedLM", *, texts: Sequence[str] = TEXTS) -> Any:
    """What the head gives for each text is what that of transformers gives."""
    model = getattr(transformers, AUTO[head]).from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    opened = open_checkpoint(folder)
    for text in texts:
        batch = tokenizer(text, return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.no_grad():
            out = model(**batch)
            ids = batch["input_ids"]
            found = opened.network(ids, torch.tensor([ids.shape[1]]))
            found = opened.network.logits(found) if head == "ForMaskedLM" else found
        wanted = out.last_hidden_state if head == "Model" else out.logits
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
        assert opened.tokenizer.frame.row(opened.tokenizer.encode(text), 24) == ids[0].tolist()
    return opened


def drawn(number: int) -> tuple[str, str, dict[str, Any], str]:
    pick = random.Random(number)
    kind = list(CLASSES)[number % 6]
    head = HEADS[number // 6 % 4]
    fields: dict[str, Any] = {
        "hidden_act": pick.choice(list(ACTIVATIONS)),
        "max_position_embeddings": pick.choice((24, 40)),
        "tie_word_embeddings": pick.random() < 0.7,
        "num_hidden_layers": pick.choice((1, 2)),
    }
    if kind != "distilbert":
        fields |= {"layer_norm_eps": pick.choice((1e-12, 1e-5, 0.05)),
                   "type_vocab_size": pick.choice((1, 2, 3))}  # fmt: skip
    else:
        fields["sinusoidal_pos_embds"] = pick.random() < 0.5
    if kind == "electra":
        fields["embedding_size"] = pick.choice((16, 8))
    if "roberta" in kind or kind == "camembert":
        fields["pad_token_id"] = pick.choice((0, 1))
    if "Classification" in head:
        fields["num_labels"] = pick.choice((2, 3, 5))
    return kind, head, fields, pick.choice(STORED)


def half(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.half() for name, tensor in tensors.items()}


def brain(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.bfloat16() for name, tensor in tensors.items()}


def old_norms(tensors: dict[str, Any]) -> dict[str, Any]:
    said = {"weight": "gamma", "bias": "beta"}
    return {
        re.sub(r"LayerNorm\.(weight|bias)$", lambda m: f"LayerNorm.{said[m[1]]}", name): tensor
        for name, tensor in tensors.items()
    }


def bare(tensors: dict[str, Any]) -> dict[str, Any]:
    prefixes = r"^(bert|roberta|electra|distilbert)\.(?=embeddings|encoder|pooler|transformer)"
    return {re.sub(prefixes, "", name): tensor for name, tensor in tensors.items()}


def prefixed(tensors: dict[str, Any]) -> dict[str, Any]:
    """The names of a model with a head, for one without."""
    if any(name.startswith(("bert.", "roberta.", "electra.", "distilbert.")) for name in tensors):
        return tensors
    kind = "distilbert" if any("lin1" in name for name in tensors) else "bert"
    kind = "electra" if any("embeddings_project" in name for name in tensors) else kind
    return {f"{kind}.{name}": tensor for name, tensor in tensors.items()}


STORED = ("as it is", "half", "bfloat16", "old norms", "bare", "sharded", "prefixed")
CHANGES = {"half": half, "bfloat16": brain, "old norms": old_norms, "bare": bare}


@pytest.mark.parametrize("number", range(48))
def test_every_head_of_every_family_has_their_numbers_however_it_is_stored(
    number: int, tmp_path: Path
) -> None:
    kind, head, fields, stored = drawn(number)
    folder = saved(tmp_path / "theirs", kind, head, **fields)
    if stored in CHANGES:
        change(folder, CHANGES[stored])
    if stored == "sharded":
        shard(folder)
    if stored == "prefixed" and kind == "bert":
        change(folder, prefixed)
    assert_same(folder, head)
    if head == "ForMaskedLM":  # and in the other direction
        export_huggingface(load(folder), tmp_path / "again")
        again = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "again").eval()
        model = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
        ids = torch.tensor([[2, 9, 6, 11, 7, 3]])
        with torch.no_grad():
            wanted, found = model.eval()(ids).logits, again(ids).logits
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def shard(folder: Path, count: int = 3) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    places: dict[str, str] = {}
    for number in range(count):
        names = sorted(tensors)[number::count]
        file = f"model-{number + 1:05d}-of-{count:05d}.safetensors"
        part = {name: tensors[name].clone() for name in names}
        save_file(part, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_is_theirs(activation: str) -> None:
    x = torch.linspace(-12, 12, 2001)
    wanted = transformers.activations.ACT2FN[activation](x)
    torch.testing.assert_close(ACTIVATIONS[activation](x), wanted, atol=2e-6, rtol=1e-5)


# Tied tensors


def renamed(tensors: dict[str, Any], old: str, new: str) -> None:
    tensors[new] = tensors.pop(old)


PAIRS = {
    "bert": ("cls.predictions.decoder", "bert.embeddings.word_embeddings.weight",
             "cls.predictions.bias"),
    "roberta": ("lm_head.decoder", "roberta.embeddings.word_embeddings.weight", "lm_head.bias"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAIRS)
def test_tied_tensors_are_read_under_either_name_and_under_both(kind: str, tmp_path: Path) -> None:
    decoder, words, bias = PAIRS[kind]
    moves: list[Callable[[dict[str, Any]], None]] = [
        lambda t: renamed(t, words, f"{decoder}.weight"),
        lambda t: renamed(t, bias, f"{decoder}.bias"),
        lambda t: t.update({f"{decoder}.weight": t[words], f"{decoder}.bias": t[bias]}),
        lambda t: t.update({f"{decoder}.weight": t[words] + 1}),  # which differ: not tied there
        lambda t: t.update({f"{decoder}.bias": t[bias] - 1}),
    ]
    for number, move in enumerate(moves):
        opened = assert_same(change(saved(tmp_path / str(number), kind), move))
        assert opened.network.config.tie_word_embeddings == (number != 3)


def test_an_untied_output_whose_bias_has_one_name_is_read_as_it_was_saved(tmp_path: Path) -> None:
    """As before version 5, where the two names were one tensor, of which one was saved."""
    folder = saved(tmp_path / "a", tie_word_embeddings=False)
    first, second = "cls.predictions.bias", "cls.predictions.decoder.bias"
    change(folder, lambda t: {**t, first: t[second]})
    wanted = load(folder).fill("the [MASK] sat")
    assert load(change(folder, without(second))).fill("the [MASK] sat") == wanted


# Tokens and rows


def test_rows_without_a_token_are_never_filled_in(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", vocab_size=40)
    filled = load(folder).fill("the [MASK] sat", top=100)[0]
    assert {word for word, _ in filled.candidates} == {w for w in WORDS if not w.startswith("[")}
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(torch.tensor([[2, 9, 4, 7, 3]])).logits[0, 2].double()
    chances = logits.softmax(-1).numpy()
    for word, chance in filled.candidates:
        assert chance == pytest.approx(chances[WORDS.index(word)], abs=1e-6)


# Fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position_embedding_type", "relative_key"), ("position_embedding_type", "alibi"),
        ("is_decoder", True), ("add_cross_attention", True), ("is_encoder_decoder", True),
        ("pruned_heads", {"0": [1]}), ("quantization_config", {"bits": 4}),
        ("hidden_act", "prelu"), ("hidden_act", 3), ("hidden_act", "xielu"),
        ("vocab_size", "20"), ("vocab_size", -1), ("vocab_size", None), ("hidden_size", -3),
        ("layer_norm_eps", 0), ("type_vocab_size", 0), ("architectures", "BertForMaskedLM"),
        ("architectures", ["JinaBertForMaskedLM"]), ("model_type", "albert"),
        ("model_type", None), ("model_type", "modernbert"),
    ],
)  # fmt: skip
def test_what_no_network_here_computes_is_refused_by_the_fields_name(
    field: str, value: Any, tmp_path: Path
) -> None:
    folder = edit(saved(tmp_path / "a"), **{field: value})
    with pytest.raises((ArtefactError, ConfigError)) as caught:
        load(folder)
    message = str(caught.value)
    assert "config.json" in message
    assert field.rstrip("s") in message
    assert "\n" not in message


def test_fields_that_the_family_does_not_have_change_nothing(tmp_path: Path) -> None:
    foreign = {"embedding_size": 4, "classifier_pooling": "mean", "norm_first": True,
               "gated": True, "bias": False, "positions": "rotary", "position_offset": 3,
               "embedding_norm": True, "family": "roberta", "dim": 3, "n_layers": 9}  # fmt: skip
    assert_same(edit(saved(tmp_path / "bert"), **foreign))
    folder = saved(tmp_path / "distil", "distilbert")
    foreign = {"layer_norm_eps": 0.5, "hidden_act": "relu", "intermediate_size": 7,
               "type_vocab_size": 2, "embedding_size": 4, "norm_first": True}  # fmt: skip
    assert_same(edit(folder, **foreign))


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra"])
def test_the_spread_of_layer_norm_holds_in_the_head_too(kind: str, tmp_path: Path) -> None:
    assert_same(saved(tmp_path / "a", kind, layer_norm_eps=0.3))


def test_sinusoids_that_the_weights_leave_out_are_computed(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", "distilbert", sinusoidal_pos_embds=True)
    name = "distilbert.embeddings.position_embeddings.weight"
    change(folder, without(name))
    assert_same(folder)
    edit(folder, sinusoidal_pos_embds=False)
    with pytest.raises(ArtefactError, match=r"position_embeddings\.table\.weight.* is missing"):
        load(folder)


@pytest.mark.parametrize("pad", [-1, None, "1", True, 1.5])
def test_a_padding_id_that_counts_no_positions_is_refused(pad: Any, tmp_path: Path) -> None:
    folder = edit(saved(tmp_path / "a", "roberta"), pad_token_id=pad)
    with pytest.raises(ArtefactError, match="pad_token_id"):
        load(folder)


@pytest.mark.parametrize("pad", [0, 1])
def test_padding_within_a_text_counts_no_position(pad: int, tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", "roberta", "Model", pad_token_id=pad)
    texts = ["the [PAD] cat sat", "[PAD] dog [PAD] [PAD]", "the zebra sat [UNK]", "a cat"]
    network = assert_same(folder, "Model", texts=texts).network
    encoder: Any = load(folder)
    together = encoder.embed(texts)
    np.testing.assert_allclose(together, [encoder.embed([t])[0] for t in texts], atol=1e-5)
    ids = torch.tensor([[2, 9, pad, 6, 7, 3], [2, pad, 17, 3, 5, 5]])
    lengths = torch.tensor([6, 4])
    torch.testing.assert_close(
        network(ids, lengths, tape=Tape()), network(ids, lengths), atol=1e-5, rtol=1e-5
    )


def test_a_roberta_is_the_same_as_a_graph_of_any_size(tmp_path: Path) -> None:
    runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = saved(tmp_path / "a", "roberta", "Model", pad_token_id=1)
    export_onnx(load(folder), tmp_path / "a.onnx")
    graph = runtime.InferenceSession(str(tmp_path / "a.onnx"))
    model = transformers.AutoModel.from_pretrained(folder).eval()
    for rows in ([[2, 6, 7, 8, 9, 10, 3]], [[2, 9, 3, 1], [2, 6, 7, 3]], [[2, 1, 7, 3]]):
        ids = np.array(rows)
        mask = np.ones_like(ids)
        mask[:, -1] = ids[:, -1] != 1
        found = graph.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        with torch.no_grad():
            given = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
            wanted = model(**given).last_hidden_state.numpy()
        np.testing.assert_allclose(found[mask > 0], wanted[mask > 0], atol=1e-5)


# Weights


def test_a_damaged_index_is_refused_in_a_line(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a")
    shard(folder)
    index = folder / "model.safetensors.index.json"
    whole = json.loads(index.read_text(encoding="utf-8"))
    word = "bert.embeddings.word_embeddings.weight"
    outside = tmp_path / "outside.safetensors"
    save_file({word: torch.zeros(2)}, outside)
    for places, said in (
        ({**whole["weight_map"], word: "../outside.safetensors"}, "leads out of the folder"),
        ({**whole["weight_map"], word: str(outside)}, "leads out of the folder"),
        ({**whole["weight_map"], word: "model-00009-of-00003.safetensors"}, "missing"),
        ({**whole["weight_map"], "more": "model-00001-of-00003.safetensors"}, "'more' is not in"),
        ({**whole["weight_map"], word: 3}, "the name of a file wanted"),
        ([], "weight_map wanted"), ({}, "weight_map wanted"), (None, "weight_map wanted"),
    ):  # fmt: skip
        index.write_text(json.dumps({"weight_map": places}), encoding="utf-8")
        with pytest.raises(ArtefactError, match=said) as caught:
            load(folder)
        assert "\n" not in str(caught.value)
    index.write_text("{", encoding="utf-8")
    with pytest.raises(ArtefactError, match="not JSON"):
        load(folder)


def test_a_whole_file_comes_before_shards_and_others_files_are_called_by_name(
    tmp_path: Path,
) -> None:
    folder = saved(tmp_path / "a")
    (folder / "model.safetensors.index.json").write_text("{", encoding="utf-8")
    assert_same(folder)
    (folder / "model.safetensors.index.json").unlink()
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    with pytest.raises(ArtefactError, match=r"model\.safetensors wanted, not tf_model\.h5"):
        load(folder)
    (folder / "tf_model.h5").rename(folder / "model.safetensors")
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtefactError, match=r"adapter_config\.json: weights of an adapter"):
        load(folder)


def test_spare_tensors_are_told_of_and_a_layer_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", num_hidden_layers=3)
    edit(folder, num_hidden_layers=2)
    with pytest.warns(MunmaekWarning, match=r"passed over: encoder\.layers\.2\..* and \d+ more"):
        assert_same(folder)
    query = "bert.encoder.layer.1.attention.self.query.weight"
    change(folder, without(query))
    with pytest.raises(ArtefactError, match=re.escape(f"'{query}' is missing")):
        load(folder)


# Labels


def test_several_labels_have_a_probability_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"0": "loud", "1": "kind", "2": "new"}
    folder = saved(tmp_path / "a", head="ForSequenceClassification",
                   problem_type="multi_label_classification", id2label=names)  # fmt: skip
    pipeline = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    ours = load(folder)
    for text, rows in zip(TEXTS, pipeline(TEXTS), strict=True):
        wanted = {row["label"]: row["score"] for row in rows}
        found = ours.predict([text])[0]
        assert found.probabilities == pytest.approx(wanted, abs=1e-5)
        assert found.label == max(wanted, key=lambda label: wanted[label])
        assert set(found.labels) == {label for label, chance in wanted.items() if chance >= 0.5}
        chances = dict(ours.predictions(Question(text)).answer["probabilities"])
        assert chances == pytest.approx(wanted, abs=1e-5)
    ours.save(tmp_path / "ours")
    assert load(tmp_path / "ours").predict(TEXTS) == ours.predict(TEXTS)
    export_huggingface(ours, tmp_path / "again")
    again = transformers.pipeline("text-classification", model=str(tmp_path / "again"), top_k=None)
    for rows, found in zip(again(TEXTS), ours.predict(TEXTS), strict=True):
        wanted = {row["label"]: row["score"] for row in rows}
        assert found.probabilities == pytest.approx(wanted, abs=1e-5)
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    assert main(["classify", str(folder), str(tmp_path / "lines.txt"), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [tuple(row["labels"]) for row in rows] == [p.labels for p in ours.predict(TEXTS)]
    assert main(["classify", str(folder), str(tmp_path / "lines.txt")]) == 0
    first = capsys.readouterr().out.splitlines()[0].split("\t")
    assert first[0] == (",".join(ours.predict(TEXTS)[0].labels) or "-")
    (tmp_path / "gold.tsv").write_text("label\ttext\nloud\tthe cat\n", encoding="utf-8")
    assert main(["evaluate", str(folder), str(tmp_path / "gold.tsv"), "--json"]) == 0
    assert "micro_f1" in capsys.readouterr().out
    mix = ["mix", str(folder), str(folder), "--weights", "0.5 0.5", "-o", str(tmp_path / "mixed")]
    assert main(mix) == 2
    assert "gives a text several labels" in capsys.readouterr().err


def test_one_output_is_a_number_and_one_of_several_labels_a_sigmoid(tmp_path: Path) -> None:
    folder = saved(tmp_path / "a", head="ForSequenceClassification", num_labels=1)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        wanted = [float(model(**tokenizer(text, return_tensors="pt")).logits) for text in TEXTS]
    for problem in (None, "regression"):
        rated = load(edit(folder, problem_type=problem)).rate(TEXTS)
        assert [each.value for each in rated] == pytest.approx(wanted, abs=1e-5)
    export_huggingface(load(folder), tmp_path / "again")
    pipeline = transformers.pipeline("text-classification", model=str(tmp_path / "again"))
    assert [row["score"] for row in pipeline(TEXTS)] == pytest.approx(wanted, abs=1e-5)
    several = load(edit(folder, problem_type="multi_label_classification"))
    chances = [each.probabilities["LABEL_0"] for each in several.predict(TEXTS)]
    assert chances == pytest.approx(list(1 / (1 + np.exp(-np.array(wanted)))), abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"problem_type": "regression"}, "'regression' with 3 numbers"),
        ({"problem_type": "ranking"}, "problem_type"),
        ({"id2label": {"0": "a", "1": "b", "2": "a"}}, "two labels are called 'a'"),
        ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "the numbers 0 to 2"),
        ({"id2label": ["a", "b", "c"]}, "id2label"), ({"id2label": {"0": None}}, "id2label"),
        ({"id2label": {"0": "a", "1": "b"}}, "(3,), (2,) wanted"),
        ({"id2label": None, "num_labels": "3"}, "num_labels"),
        ({"id2label": {"0": "a"}, "problem_type": "single_label_classification"}, "one label"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_refused(
    fields: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = saved(tmp_path / "a", head="ForSequenceClassification", num_labels=3)
    with pytest.raises(ArtefactError) as caught:
        load(edit(folder, **fields))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
