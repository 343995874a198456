"""Scores of evaluations, held equal to scikit-learn, seqeval, SciPy and sacreBLEU."""

import math
from typing import Any

import numpy as np
import pytest
import sacrebleu
from scipy import stats
from sklearn import metrics as peer

from munmaek.metrics import Measure, measures, sign
from munmaek.metrics.calibration import reliability
from munmaek.metrics.classification import classification_measures, several_scores
from munmaek.metrics.comparing import LEVEL, all_pairs, compared
from munmaek.metrics.labels import average_precision, curve, label_report, roc_area, top_k_hits
from munmaek.metrics.measures import LABEL_F1, RANK_CORRELATION, mean_measure
from munmaek.metrics.minimal_pairs import by_phenomenon, minimal_pairs_measure, points
from munmaek.metrics.regression import regression_measures, regression_scores
from munmaek.metrics.significance import bootstrap_counts, holm, mcnemar
from munmaek.metrics.tagging import entity_report, tagging_measures, tagging_scores
from munmaek.metrics.thresholds import NO_LABEL, Thresholds, choose_threshold, shares_at

SIGNATURE = sign(task="classify", stage="rnn")
LABELS = ("가", "나", "다", "라")
EXACT: dict[str, Any] = {"rel": 0, "abs": 1e-12}


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _labels(size: int, seed: int) -> tuple[list[str], list[str]]:
    """Predictions and gold labels; the last label is predicted and never gold."""
    rng = _rng(seed)
    gold = rng.choice(LABELS[:3], size, p=[0.6, 0.3, 0.1]).tolist()
    return [own if rng.random() < 0.6 else str(rng.choice(LABELS)) for own in gold], gold


# Labels


@pytest.mark.parametrize(("size", "seed"), [(1, 0), (7, 1), (200, 2)])
def test_a_report_of_labels_equals_scikit_learns(size: int, seed: int) -> None:
    predicted, gold = _labels(size, seed)
    found = label_report([(each,) for each in predicted], [(each,) for each in gold]).to_json()
    labels = sorted({*predicted, *gold})
    theirs: Any = peer.classification_report(
        gold, predicted, labels=labels, output_dict=True, zero_division=0
    )
    for label in labels:
        own = found["labels"][label]
        assert own["support"] == theirs[label]["support"]
        for name, key in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert own[name] == pytest.approx(theirs[label][key], **EXACT)
    for kind in ("macro", "weighted"):
        for name, key in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert found[kind][name] == pytest.approx(theirs[f"{kind} avg"][key], **EXACT)
    assert found["micro"]["f1"] == pytest.approx(theirs["accuracy"], **EXACT)


def test_several_labels_a_text_equal_scikit_learns() -> None:
    rng = _rng()
    own, given = rng.random((300, 4)) < 0.4, rng.random((300, 4)) < 0.4
    given = np.where(rng.random((300, 4)) < 0.7, own, given)
    named = [[tuple(np.array(LABELS)[row]) for row in side] for side in (given, own)]
    found = several_scores(*named, signature=SIGNATURE)
    theirs = {
        "exact_match": peer.accuracy_score(own, given),
        "micro_f1": peer.f1_score(own, given, average="micro"),
        "macro_f1": peer.f1_score(own, given, average="macro"),
        "samples_f1": peer.f1_score(own, given, average="samples", zero_division=0),
        "hamming_loss": peer.hamming_loss(own, given),
    }
    for name, value in theirs.items():
        assert found[name].value == pytest.approx(value, **EXACT), name
    report = label_report(*named).to_json()
    for kind in ("micro", "macro", "weighted"):
        assert report[kind]["f1"] == pytest.approx(peer.f1_score(own, given, average=kind), **EXACT)


@pytest.mark.parametrize("ties", [False, True])
def test_areas_under_curves_equal_scikit_learns(ties: bool) -> None:
    rng = _rng(3)
    own = rng.random(400) < 0.3
    scores = rng.normal(size=400) + own
    scores = scores.round(1) if ties else scores
    found = curve(scores, own)
    assert found is not None
    assert roc_area(found) == pytest.approx(peer.roc_auc_score(own, scores), **EXACT)
    wanted = peer.average_precision_score(own, scores)
    assert average_precision(found) == pytest.approx(wanted, **EXACT)


def test_one_class_alone_has_no_curve_rather_than_one_of_a_half() -> None:
    for own in (np.zeros(5, dtype=bool), np.ones(5, dtype=bool)):
        assert curve(np.linspace(0, 1, 5), own) is None


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_equals_scikit_learns(k: int) -> None:
    scores, gold = _rng(4).random((100, 4)), _rng(5).integers(0, 4, 100)
    found = top_k_hits(scores, gold, k).mean()
    theirs = peer.top_k_accuracy_score(gold, scores, k=k, labels=range(4))
    assert found == pytest.approx(theirs, **EXACT)
    assert not top_k_hits(scores, np.full(100, -1), k).any(), "an unknown label is never among them"


def test_reliability_parts_all_texts_by_their_confidence() -> None:
    probabilities = _rng(6).dirichlet(np.ones(3), 200)
    gold = _rng(7).integers(0, 3, 200)
    found = reliability(np.log(probabilities), gold)
    assert sum(count for _, _, count in found) == 200
    right = sum(share * count for _, share, count in found)
    assert right == pytest.approx((probabilities.argmax(1) == gold).sum())


# Thresholds


def test_a_threshold_for_precision_leaves_as_few_as_can_be() -> None:
    rng = _rng(8)
    own = rng.random(500) < 0.4
    scores = 1 / (1 + np.exp(-(rng.normal(size=500) + 2 * own - 1)))
    found = choose_threshold(scores, own, wanted="precision", least=0.9)
    assert found is not None
    precision, recall = shares_at(scores, own, found)
    assert precision >= 0.9
    lower = [shares_at(scores, own, each) for each in scores[scores < found]]
    assert all(p < 0.9 for p, _ in lower), "a lower one would do"
    found = choose_threshold(scores, own, wanted="recall", least=0.9)
    assert found is not None
    precision, recall = shares_at(scores, own, found)
    assert recall >= 0.9
    assert all(r < 0.9 for _, r in (shares_at(scores, own, s) for s in scores[scores > found]))


def test_what_cannot_be_had_has_no_threshold() -> None:
    scores, own = np.array([0.9, 0.8, 0.7]), np.array([False, True, False])
    assert choose_threshold(scores, own, wanted="precision", least=0.9) is None
    assert choose_threshold(scores, np.zeros(3, dtype=bool), wanted="recall", least=0.5) is None
    assert choose_threshold(scores, np.ones(3, dtype=bool), wanted="precision", least=0.9) == 0.7


def test_a_text_below_its_threshold_is_left_without_a_label() -> None:
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    for_precision = Thresholds({"가": 0.8}, "precision")
    assert for_precision.one(chances, ("가", "나")).tolist() == [0, NO_LABEL, 1]
    for_recall = Thresholds({"나": 0.4}, "recall")
    assert for_recall.one(chances, ("가", "나")).tolist() == [0, 1, 1]
    assert Thresholds().one(chances, ("가", "나")).tolist() == [0, 0, 1]
    several = Thresholds({"나": 0.35}).several(chances, ("가", "나")).tolist()
    assert several == [[True, False], [True, True], [False, True]]
    assert Thresholds.from_json(for_recall.to_json()) == for_recall


# Tags


def test_entities_by_type_equal_seqevals() -> None:
    from seqeval.metrics import classification_report

    rng = _rng(9)
    gold, given = [], []
    for size in rng.integers(3, 15, 80):
        row = ["O"] * size
        for at in range(0, size - 2, 4):
            kind = str(rng.choice(["PER", "LOC", "ORG"]))
            row[at : at + 2] = [f"B-{kind}", f"I-{kind}"]
        gold.append(row)
        given.append([each if rng.random() < 0.8 else "O" for each in row])
    theirs: Any = classification_report(gold, given, output_dict=True, zero_division=0)
    found = entity_report(given, gold).to_json()
    for kind, row in theirs.items():
        own = found[kind.removesuffix(" avg")] if " avg" in kind else found["labels"][kind]
        for name, key in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert own[name] == pytest.approx(row[key], **EXACT)
        assert own["support"] == row["support"]
    scores, made = tagging_scores(given, gold, signature=SIGNATURE), tagging_measures(given, gold)
    for name, score in scores.items():
        assert made[name].value() == pytest.approx(score.value, **EXACT)


# Numbers


def test_scores_of_numbers_equal_those_of_others() -> None:
    rng = _rng(10)
    gold = rng.normal(size=120).round(1)
    given = gold + rng.normal(size=120)
    found = regression_scores(given.tolist(), gold.tolist(), signature=SIGNATURE)
    theirs = {
        "mse": peer.mean_squared_error(gold, given),
        "mae": peer.mean_absolute_error(gold, given),
        "rmse": math.sqrt(peer.mean_squared_error(gold, given)),
        "r2": peer.r2_score(gold, given),
        "pearson": stats.pearsonr(given, gold)[0],
        "spearman": stats.spearmanr(given, gold)[0],
    }
    made = regression_measures(given, gold)
    for name, value in theirs.items():
        assert found[name].value == pytest.approx(value, abs=1e-10), name
        assert made[name].value() == pytest.approx(value, abs=1e-10), name
    same = regression_scores([1.0, 2.0, 3.0, 4.0], [2.0] * 4, signature=SIGNATURE)
    assert "r2" not in same, "of values that are all the same"


# Translations


def test_several_references_are_counted_as_sacrebleu_counts_them() -> None:
    words = ["나는", "너는", "학교에", "집에", "간다", "온다", "매일", "오늘"]
    rng = _rng(11)
    texts = [[" ".join(rng.choice(words, rng.integers(2, 8))) for _ in range(40)] for _ in range(3)]
    given, *references = texts
    made = measures(given, references, tokenizer="13a")
    theirs = {
        "bleu": sacrebleu.corpus_bleu(given, references),
        "chrf": sacrebleu.corpus_chrf(given, references),
        "ter": sacrebleu.corpus_ter(given, references),
    }
    for name, value in theirs.items():
        assert made[name].value() == pytest.approx(value.score, abs=1e-9), name
        assert "nrefs.2" in made[name].score(SIGNATURE).signature.get("sacrebleu")
    single = measures(given, references[0], tokenizer="13a")["bleu"].score(SIGNATURE)
    assert "nrefs.1" in single.signature.get("sacrebleu")


# Minimal pairs


def test_a_tie_is_half_right() -> None:
    won = points(np.array([-1.0, -2.0, -3.0, -np.inf]), np.array([-2.0, -2.0, -1.0, -np.inf]))
    assert won.tolist() == [1, 0.5, 0, 0.5]
    assert minimal_pairs_measure(won).value() == 0.5
    kinds = by_phenomenon(won, ["a", "a", "b", "b"])
    assert kinds == {"a": (0.75, 2), "b": (0.25, 2)}
    with pytest.raises(ValueError, match="no number"):
        points(np.array([np.nan]), np.array([0.0]))


# Tests of differences


def test_mcnemar_is_the_exact_binomial_test() -> None:
    rng = _rng(12)
    first, second = rng.random(200) < 0.7, rng.random(200) < 0.6
    only = int((first & ~second).sum()), int((second & ~first).sum())
    wanted = stats.binomtest(min(only), sum(only)).pvalue
    assert mcnemar(first, second) == pytest.approx(wanted, rel=1e-10)
    assert mcnemar(first, first) == 1.0


def test_holm_corrects_in_the_order_of_the_tests() -> None:
    # 0.01·3, then 0.02·2 = 0.04, then 0.04·1, which may not be below what stands before it.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_what_is_no_function_of_sums_is_resampled_as_it_is_defined() -> None:
    rng = _rng(13)
    x = rng.normal(size=60).round(1)
    y = (x + rng.normal(size=60)).round(1)
    table = np.stack([x, y], axis=1)
    predicted, gold = _labels(60, 14)
    labels = classification_measures(predicted, gold)["macro_f1"].statistics
    (counts,) = bootstrap_counts(60, rng=_rng(15), resamples=5)
    ranks, f1s = RANK_CORRELATION.weighted(table, counts), LABEL_F1.weighted(labels, counts)
    for row, rank, f1 in zip(counts, ranks, f1s, strict=True):
        drawn = np.repeat(np.arange(60), row.astype(int))
        assert rank == pytest.approx(stats.spearmanr(x[drawn], y[drawn])[0], abs=1e-12)
        wanted = peer.f1_score(
            [gold[at] for at in drawn], [predicted[at] for at in drawn], average="macro",
            zero_division=0,
        )  # fmt: skip
        assert f1 == pytest.approx(wanted, abs=1e-12)


def _system(right: Any) -> dict[str, Measure]:
    return {"accuracy": mean_measure("accuracy", right, "share", of="text")}


def test_of_several_systems_only_real_differences_are_called_so() -> None:
    rng = _rng(16)
    base = rng.random(400) < 0.7
    near = np.concatenate([base[:30][::-1], base[30:]])  # as many right, others
    better = base | (rng.random(400) < 0.5)
    found = all_pairs({"a": _system(base), "b": _system(near), "c": _system(better)}, "accuracy")
    by_pair = {(each["first"], each["second"]): each for each in found}
    assert by_pair["a", "c"]["better"] == by_pair["b", "c"]["better"] == "c"
    assert by_pair["a", "b"]["better"] is None
    for each in found:
        assert each["p"] == each["p_mcnemar"] <= each["p_holm"]
        assert (each["better"] is None) == (each["p_holm"] >= LEVEL)


def test_what_counts_in_other_tokens_or_rows_is_not_compared() -> None:
    one = Measure("x", "", np.ones((9, 2)), mean_measure("x", np.ones(9), "", of="t").way, ())
    other = Measure("x", "", np.ones((9, 2)), one.way, (), basis="other tokens")
    assert compared({"x": one}, {"x": other}, ["a", "b"]) == {}
    shorter = Measure("x", "", np.ones((8, 2)), one.way, ())
    assert compared({"x": one}, {"x": shorter}, ["a", "b"]) == {}
    endless = Measure("x", "", np.full((9, 2), -np.inf), one.way, ())
    assert compared({"x": one}, {"x": endless}, ["a", "b"]) == {}
