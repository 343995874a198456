"""Code written for sentence-transformers and mteb runs on our encoders, with equal numbers."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import semantic_search

import munmaek
from munmaek.cli import main
from munmaek.errors import ConfigError

BOOK = munmaek.phrasebook(pairs=240, valid=10, test=10).train
TEXTS = [each.korean for each in BOOK[:120]]
LONG = " ".join(TEXTS[:20])
SMALL: dict[str, Any] = {"layers": 1, "hidden_size": 16, "heads": 2, "vocab_size": 300}
PROMPTS = {"query": "질문: ", "document": "글: ", "STS": "비교: "}
TOLERANCE: dict[str, Any] = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return what was trained here, in the form of sentence-transformers, one with prompts."""
    place = tmp_path_factory.mktemp("encoders")
    munmaek.train("mlm", TEXTS, model="bert", steps=4, save=place / "bert", **SMALL)
    options: dict[str, Any] = {
        "model": "bert",
        "init": place / "bert",
        "max_length": 32,
        "steps": 30,
        "learning_rate": 1e-2,
    }
    for pooling in ("mean", "first"):
        munmaek.train("embed", TEXTS, pooling=pooling, save=place / pooling, **options)
    for name in ("bert", "mean", "first"):
        command = ["export", str(place / name), "--to", "sentence-transformers"]
        assert main([*command, "-o", str(place / f"{name}-theirs")]) == 0
    path = place / "mean-theirs" / "config_sentence_transformers.json"
    told = {**json.loads(path.read_text()), "prompts": PROMPTS, "similarity_fn_name": "dot"}
    path.write_text(json.dumps(told))
    return {name: place / f"{name}-theirs" for name in ("bert", "mean", "first")}


def both(folder: Path) -> tuple[Any, Any]:
    return munmaek.load(folder), SentenceTransformer(str(folder), device="cpu")


@pytest.mark.parametrize("name", ["bert", "mean", "first"])
def test_every_encoder_trained_here_gives_their_vectors_when_exported(
    name: str, exported: dict[str, Path]
) -> None:
    ours, theirs = both(exported[name])
    texts = [*TEXTS, LONG, ""]
    np.testing.assert_allclose(ours.encode(texts), theirs.encode(texts), **TOLERANCE)
    original: Any = munmaek.load(exported[name].parent / name)
    np.testing.assert_allclose(original.encode(texts), theirs.encode(texts), **TOLERANCE)
    assert ours.get_sentence_embedding_dimension() == theirs.get_embedding_dimension() == 16
    assert ours.max_seq_length == theirs.max_seq_length
    assert ours.similarity_fn_name == theirs.similarity_fn_name
    assert ours.device == theirs.device


CALLS: tuple[dict[str, Any], ...] = (
    {},
    {"prompt_name": "query"},
    {"prompt": "query"},
    {"normalize_embeddings": True, "batch_size": 3, "show_progress_bar": False},
    {"convert_to_tensor": True, "device": "cpu"},
    {"convert_to_numpy": False},
    {"truncate_dim": 5, "normalize_embeddings": True},
    {"output_value": "token_embeddings"},
    {"output_value": "token_embeddings", "prompt_name": "document"},
    {"precision": "binary"},
    {"precision": "ubinary"},
)


@pytest.mark.parametrize("options", CALLS, ids=str)
@pytest.mark.parametrize("given", ["one", "list", "array", "none"])
def test_arguments_and_types_are_theirs(
    options: dict[str, Any], given: str, exported: dict[str, Path]
) -> None:
    ours, theirs = both(exported["mean"])
    texts = {"one": TEXTS[0], "list": [*TEXTS[:5], LONG], "array": np.array(TEXTS[:4]), "none": []}
    found, wanted = (each.encode(texts[given], **options) for each in (ours, theirs))
    assert type(found) is type(wanted)
    if isinstance(wanted, list):
        assert [type(each) for each in found] == [type(each) for each in wanted]
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, **TOLERANCE)
    else:
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype) or given == "none"
        np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), **TOLERANCE)


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_vectors_in_a_byte_are_theirs_to_the_last_step(
    precision: str, exported: dict[str, Path]
) -> None:
    ours, theirs = both(exported["mean"])
    found, wanted = (each.encode(TEXTS, precision=precision) for each in (ours, theirs))
    assert found.dtype == wanted.dtype
    apart = np.abs(found.astype(int) - wanted.astype(int))
    assert apart.max() <= 1  # a sum in another order may cross an edge
    assert (apart > 0).mean() < 0.01


def test_queries_documents_and_similarities_are_theirs(exported: dict[str, Path]) -> None:
    ours, theirs = both(exported["mean"])
    for name in ("encode_query", "encode_document"):
        found = getattr(ours, name)(TEXTS[:6])
        np.testing.assert_allclose(found, getattr(theirs, name)(TEXTS[:6]), **TOLERANCE)
        assert not np.allclose(found, ours.encode(TEXTS[:6]))
    vectors = theirs.encode(TEXTS[:6])
    for name in ("similarity", "similarity_pairwise"):
        for one, other in ((vectors, vectors[::-1].copy()), (torch.tensor(vectors), [*vectors])):
            wanted = getattr(theirs, name)(one, other)
            torch.testing.assert_close(getattr(ours, name)(one, other), wanted, **TOLERANCE)
    torch.testing.assert_close(
        ours.similarity(vectors[0], vectors), theirs.similarity(vectors[0], vectors), **TOLERANCE
    )


@pytest.mark.filterwarnings("ignore")
def test_their_search_and_evaluators_run_on_ours(exported: dict[str, Path]) -> None:
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    ours, theirs = both(exported["mean"])
    values = [(number % 7) / 7 for number in range(len(TEXTS))]
    shifted = [*TEXTS[1:], TEXTS[0]]
    queries = {str(number): text for number, text in enumerate(TEXTS[:9])}
    corpus = {f"d{number}": text for number, text in enumerate(TEXTS)}
    relevant = {number: {f"d{number}"} for number in queries}
    for evaluator in (
        evaluation.EmbeddingSimilarityEvaluator(TEXTS, shifted, values, write_csv=False),
        evaluation.InformationRetrievalEvaluator(queries, corpus, relevant, write_csv=False),
        evaluation.TripletEvaluator(TEXTS[:9], TEXTS[1:10], TEXTS[2:11], write_csv=False),
    ):
        found, wanted = evaluator(ours), evaluator(theirs)
        assert found.keys() == wanted.keys()
        np.testing.assert_allclose([*found.values()], [*wanted.values()], atol=1e-3)
    hits = [
        semantic_search(each.encode_query(TEXTS[:2]), each.encode(TEXTS), top_k=3)
        for each in (ours, theirs)
    ]
    assert [[one["corpus_id"] for one in row] for row in hits[0]] == [
        [one["corpus_id"] for one in row] for row in hits[1]
    ]


def test_a_task_of_mteb_chooses_the_prompt_and_gives_batches(exported: dict[str, Path]) -> None:
    ours: Any = munmaek.load(exported["mean"])
    batches = [{"text": TEXTS[:3], "id": [1, 2, 3]}, {"text": TEXTS[3:5], "id": [4, 5]}]

    def asked(name: str, kind: Any, prompt_type: Any = None) -> Any:
        task = SimpleNamespace(name=name, type=kind)
        told = {"task_metadata": task, "hf_split": "test", "hf_subset": "default"}
        return ours.encode(batches, **told, prompt_type=prompt_type, batch_size=2)

    def prompted(prompt: str | None) -> Any:
        return ours.encode(TEXTS[:5], prompt=prompt)

    assert (asked("KoSTS", "STS") == prompted("비교: ")).all()
    assert (
        asked("Search", "Retrieval", SimpleNamespace(value="query")) == prompted("질문: ")
    ).all()
    assert (
        asked("Search", "Retrieval", SimpleNamespace(value="document")) == prompted("글: ")
    ).all()
    assert (asked("Pairs", "PairClassification") == prompted(None)).all()
    assert ours.mteb_model_meta is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "cuda"}, "device='cuda': this model is on cpu"),
        ({"device": ["cpu", "cpu"]}, r"device=\['cpu', 'cpu'\]"),
        ({"pool": {"processes": []}}, "no use for pool"),
        ({"chunk_size": 3}, "no use for chunk_size"),
        ({"output_value": None}, "output_value=None: there are sentence_embedding"),
        ({"precision": "float16"}, "precision='float16': there are float32"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"prompt_name": "question"}, "prompt_name='question': no prompt of this name"),
        ({"overlap": 3}, "no use for overlap"),
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused_by_name(
    options: dict[str, Any], message: str, exported: dict[str, Path]
) -> None:
    ours: Any = munmaek.load(exported["mean"])
    with pytest.raises(ConfigError, match=message):
        ours.encode(TEXTS[:2], **options)
