"""Folders of sentence-transformers that are refused, and by which name."""

import json
from pathlib import Path
from typing import Any

import pytest

from munmaek import load
from munmaek.errors import ArtefactError
from munmaek.models.bert.sentence import ACTIVATIONS, POOLINGS
from munmaek.tasks.mlm.manifest import ACTIVATIONS as NAMED
from munmaek.tasks.mlm.manifest import POOLING
from sentence_folders import SIZE, make, make_encoders, write


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random encoder of each family with its tokenizer."""
    return make_encoders(tmp_path_factory.mktemp("encoders"))


def test_the_record_of_a_model_knows_the_same_names() -> None:
    assert set(NAMED) == set(ACTIVATIONS)
    assert set(POOLING.strip("()").split("|")) == set(POOLINGS)


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
