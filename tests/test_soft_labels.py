"""Texts with a probability for each label: read, weighed in the loss by hand, trained toward."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munmaek.errors import InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.models.bert import BertClassifierNetwork, BertConfig
from munmaek.pipeline import train_recipe
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import Classification
from munmaek.tasks.framing import Rows
from munmaek.tasks.recipe import Recipe
from munmaek.text.soft_labels import read_soft_labels

SMALL = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
}  # fmt: skip


def written(path: Path, rows: list[Any]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def row(text: str, **chances: float) -> dict[str, Any]:
    return {"text": text, "probabilities": chances}


# Reading


def test_what_classify_writes_is_read_and_lines_without_text_are_passed_over(
    tmp_path: Path,
) -> None:
    empty = {"text": "", "label": None, "probabilities": {}}
    rows = [{**row("좋다", 나쁨=0.25, 좋음=0.75), "label": "좋음"}, empty, row("싫다", 나쁨=1.0)]
    found = read_soft_labels([written(tmp_path / "a.jsonl", rows)], ("나쁨", "좋음"))
    assert found.texts == ("좋다", "싫다")
    assert found.seconds is None
    np.testing.assert_allclose(found.probabilities, [[0.25, 0.75], [1.0, 0.0]])
    # Written with two digits, three labels may miss 1.
    thirds = written(tmp_path / "b.jsonl", [row("가", a=0.33, b=0.33, c=0.33)])
    np.testing.assert_allclose(
        read_soft_labels([thirds], "abc").probabilities, np.full((1, 3), 1 / 3), rtol=1e-6
    )


def test_pairs_have_two_texts(tmp_path: Path) -> None:
    rows = [{"text": "비가 온다", "second": "맑다", "probabilities": {"a": 1}}]
    found = read_soft_labels([written(tmp_path / "a.jsonl", rows)], "ab", pairs=True)
    assert (found.texts, found.seconds) == (("비가 온다",), ("맑다",))
    with pytest.raises(InputError, match="line 1: no key 'sentence2'"):
        read_soft_labels([written(tmp_path / "b.jsonl", [row("하나", a=1)])], "ab", pairs=True)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([row("가", a=1), {"text": "나"}], r"a\.jsonl, line 2: no 'probabilities' there"),
        ([{"text": "가", "probabilities": [1, 0]}], "line 1: no 'probabilities' there"),
        ([row("가", c=1)], "line 1: label 'c' is not among those of the training data: a, b"),
        ([row("가", a=1.5)], "line 1: 'a' has 1.5, a probability from 0 to 1 is wanted"),
        ([row("가", a=math.nan)], "line 1: 'a' has nan, a probability"),
        (['{"text": "가", "probabilities": {"a": true}}'], "line 1: 'a' has True"),
        ([row("가", a=0.5, b=0.2)], "line 1: probabilities sum to 0.7, 1 is wanted"),
        ([row("가")], "line 1: probabilities sum to 0, 1 is wanted"),
        ([row("")], "no text with soft labels"),
        (["[]"], "line 1: a JSON list, an object is wanted"),
    ],
)
def test_what_are_no_soft_labels_is_told_with_file_and_line(
    tmp_path: Path, rows: list[Any], complaint: str
) -> None:
    path = written(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match=complaint):
        read_soft_labels([path], ("a", "b"))


def test_a_table_has_no_place_for_probabilities(tmp_path: Path) -> None:
    table = written(tmp_path / "a.tsv", ["text\tlabel"])
    with pytest.raises(InputError, match=r"a\.tsv: soft labels are JSONL with the keys"):
        read_soft_labels([table], ("a", "b"))


# The loss


def test_the_loss_is_the_cross_entropy_to_the_probabilities() -> None:
    torch.manual_seed(0)
    network = BertClassifierNetwork(BertConfig(**SMALL), vocab_size=9, label_count=2)
    rows = Rows([[1, 5, 2], [1, 6, 7, 2]])
    soft = np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32)
    hard = np.array([1, 0])

    def loss(labels: Any, weights: tuple[float, ...] | None = None) -> float:
        task = Classification(rows, labels, rows, hard, weights=weights)
        return sum(float(task.loss(network, batch).total) for batch in task.epoch(0))

    with torch.no_grad():
        network.eval()
        logprobs = {
            len(ids): network(torch.tensor([ids]), torch.tensor([len(ids)])).log_softmax(-1)[0]
            for ids in rows.ids
        }
        first, second = logprobs[3].tolist(), logprobs[4].tolist()
        wanted = -(0.25 * first[0] + 0.75 * first[1]) - second[0]
        assert loss(soft) == pytest.approx(wanted, rel=1e-5)
        weighted = -(3 * 0.25 * first[0] + 0.5 * 0.75 * first[1]) - 3 * second[0]
        assert loss(soft, (3.0, 0.5)) == pytest.approx(weighted, rel=1e-5)
        sure = np.eye(2, dtype=np.float32)[hard]
        assert loss(sure) == pytest.approx(loss(hard), rel=1e-6)


# The way of the data


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [f"{word} 영화\t{label}" for word, label in (("좋은", "pos"), ("나쁜", "neg"))] * 30
    return written(tmp_path / "train.tsv", rows)


def test_a_model_learns_from_soft_labels_what_its_own_data_does_not_say(
    labelled: Path, tmp_path: Path, run
) -> None:
    told = [row("재밌는 연극", pos=0.9, neg=0.1), row("따분한 연극", pos=0.1, neg=0.9)] * 30
    more = written(tmp_path / "more.jsonl", told)
    asked = (
        "train", "classify", labelled, "--model", "attention", "--tokenizer", "characters",
        "--epochs", 30, "--soft-labels", more, "-o", tmp_path / "m",
    )  # fmt: skip
    assert run(*asked).code == 0
    texts = tmp_path / "new.txt"
    texts.write_text("재밌는 연극\n따분한 연극\n좋은 영화\n", encoding="utf-8")
    found = run("classify", tmp_path / "m", texts, "--json").rows
    assert [each["label"] for each in found] == ["pos", "neg", "pos"]
    assert found[0]["probabilities"]["pos"] == pytest.approx(0.9, abs=0.08)
    record = json.loads((tmp_path / "m" / "munmaek.json").read_text(encoding="utf-8"))
    assert record["data"]["soft"]["rows"] == 60
    assert record["data"]["train"]["rows"] + record["data"]["valid"]["rows"] == 60


def test_the_answers_of_one_model_are_the_soft_labels_of_another(
    labelled: Path, tmp_path: Path, run
) -> None:
    teacher = tmp_path / "teacher"
    asked = ("train", "classify", labelled, "--tokenizer", "words", "--model")
    assert run(*asked, "attention", "--epochs", 4, "-o", teacher).code == 0
    texts = tmp_path / "new.txt"
    texts.write_text("좋은 영화\n\n나쁜 영화\n", encoding="utf-8")
    answers = run("classify", teacher, texts, "--json")
    more = written(tmp_path / "more.jsonl", answers.lines)
    model = train_recipe(
        Recipe.of({"task": "classify", "stage": "rnn", "tokenizer": "words"}),
        [labelled],
        folder=tmp_path / "student",
        extra=Extra(soft_labels=[more]),
    )
    assert isinstance(model, Classifier)
    assert model.info.data["soft"]["rows"] == 2
    # Chains are counted: they take the likeliest label.
    asked = (*asked, "ngram", "--order", 2)
    assert run(*asked, "--soft-labels", more, "-o", tmp_path / "counted").code == 0


def test_soft_labels_are_refused_where_there_is_nothing_to_label(
    labelled: Path, tmp_path: Path, run
) -> None:
    more = written(tmp_path / "more.jsonl", [row("가", pos=1)])
    refused = run(
        "train", "lm", labelled, "--model", "ngram", "--soft-labels", more, "-o", tmp_path / "m"
    )
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "--soft-labels is for 'classify'" in refused.err
    recipe = Recipe.of({"task": "mlm", "stage": "bert"})
    with pytest.raises(UnsupportedError, match="--soft-labels is for 'classify', not for"):
        train_recipe(recipe, [labelled], folder=tmp_path / "m", extra=Extra(soft_labels=[more]))
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "m.partial").exists()
