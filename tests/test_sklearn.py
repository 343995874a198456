"""Estimators of scikit-learn: its own checks, its own tools, and the model that ``train`` makes."""

import collections
import pickle
import pickletools
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

import munmaek
from munmaek.cli import main
from munmaek.errors import ConfigError, InputError
from munmaek.sklearn import (
    Classifier,
    Embedder,
    LanguageModelScorer,
    MultilabelClassifier,
    Regressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

BOOK = munmaek.phrasebook(pairs=240, valid=10, test=10)
TEXTS = [pair.korean for pair in BOOK.train]
LABELS = [pair.label for pair in BOOK.train]
SMALL: dict[str, Any] = {
    "model": "attention",
    "hidden_size": 16,
    "embedding_size": 16,
    "options": {"encoder_hidden": 8},
}


def words(rows: Any) -> list[str]:
    """Return each row of numbers as a text of a word for each, to the nearest half."""
    return [" ".join(f"c{i}={round(2 * each)}" for i, each in enumerate(row)) for row in rows]


class OnNumbers:
    """Turns the numbers that scikit-learn's checks are made of into texts, and nothing else."""

    def fit(self, X: Any, y: Any = None) -> Any:
        wanted = self._task in ("classify", "regress")
        found = validate_data(self, X, *([y] if wanted or y is not None else []), reset=True)
        X, y = found if isinstance(found, tuple) else (found, None)
        return super().fit(words(X.tolist()), y)

    def _texts(self, X: Any) -> Any:
        told = isinstance(X, list) and X and isinstance(X[0], str)
        return super()._texts(X if told else words(validate_data(self, X, reset=False).tolist()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        # Two updates of the weights fit nothing; the checks of scores are for what is fitted.
        if getattr(self, "steps", None):
            tags.classifier_tags and setattr(tags.classifier_tags, "poor_score", True)
            tags.regressor_tags and setattr(tags.regressor_tags, "poor_score", True)
        return tags


class NumberClassifier(OnNumbers, Classifier):
    pass


class NumberRegressor(OnNumbers, Regressor):
    pass


class NumberEmbedder(OnNumbers, Embedder):
    pass


class NumberScorer(OnNumbers, LanguageModelScorer):
    pass


class NumberMultilabel(OnNumbers, MultilabelClassifier):
    """Takes the labels of checks for one label a text too, as a list of one."""

    def fit(self, X: Any, y: Any) -> Any:
        X, y = validate_data(self, X, y, reset=True, multi_output=True)
        check_classification_targets(y)
        self.single_ = y.ndim == 1 or y.shape[1] == 1
        rows = [[each] for each in y.ravel()] if self.single_ else y
        return MultilabelClassifier.fit(self, words(X.tolist()), rows)

    def predict(self, X: Any) -> Any:
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(1)] if self.single_ else super().predict(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        if self.single_:
            return ClassifierMixin.score(self, X, np.ravel(y), sample_weight)
        return super().score(X, y, sample_weight)


FEW = {"check_fit2d_1sample": "the message counts lines or texts, where theirs has samples"}
TINY: dict[str, Any] = {"tokenizer": "words", "steps": 2, "hidden_size": 8}
ESTIMATORS = [
    (NumberClassifier(model="ngram", tokenizer="words", order=2), {}),
    (NumberScorer(tokenizer="words", order=2), {}),
    (NumberRegressor(**TINY, embedding_size=8), FEW),
    (NumberEmbedder(**TINY, layers=1, heads=1), FEW),
    (NumberMultilabel(**TINY, model="rnn", embedding_size=8), FEW),
]


@pytest.mark.parametrize(("estimator", "reasons"), ESTIMATORS, ids=lambda each: type(each).__name__)
@pytest.mark.filterwarnings("ignore")
def test_estimators_pass_the_checks_of_scikit_learn(estimator: Any, reasons: Any) -> None:
    found = check_estimator(estimator, expected_failed_checks=reasons, on_fail=None)
    failed = [
        (each["check_name"], each["exception"]) for each in found if each["status"] == "failed"
    ]
    assert not failed
    counts = collections.Counter(each["status"] for each in found)
    assert counts["passed"] >= 44
    assert counts["xfail"] == len(reasons)
    assert (
        counts["skipped"] <= 2
    )  # other packages' arrays; decision functions, of which there are none


@pytest.mark.parametrize("kind", [Classifier, MultilabelClassifier, Regressor, Embedder])
def test_the_input_is_said_to_be_text_so_that_checks_on_numbers_are_left_out(kind: Any) -> None:
    with pytest.warns(Warning, match="Can't test estimator"):
        check_estimator(kind())


def test_parameters_are_the_options_of_train_and_options_takes_the_others() -> None:
    given = Classifier().get_params()
    assert {"epochs", "budget", "hidden_size", "learning_rate", "class_weights", "order"} <= {
        *given
    }
    assert {"seed", "stage", "dry_run"}.isdisjoint(given)
    assert repr(Classifier(model="ngram", order=2)) == "Classifier(model='ngram', order=2)"
    with pytest.raises(TypeError, match="no parameter hiden_size"):
        Classifier(hiden_size=3)
    with pytest.raises(ConfigError, match="no option moentum; did you mean momentum"):
        Classifier(**{**SMALL, "options": {"moentum": 1}}).fit(TEXTS, LABELS)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"model": "ngram", "order": 2}, "--model ngram --order 2"),
        (
            {"model": "rnn", "hidden_size": 16, "embedding_size": 16, "epochs": 1},
            "--model rnn --hidden-size 16 --embedding-size 16 --epochs 1 --seed 3",
        ),
    ],
)
def test_the_model_is_that_of_the_command_line(
    options: dict[str, Any], arguments: str, tmp_path: Path
) -> None:
    rows = zip(TEXTS, LABELS, strict=True)
    (tmp_path / "data.tsv").write_text("".join(f"{text}\t{label}\n" for text, label in rows))
    command = f"train classify {tmp_path / 'data.tsv'} {arguments} -o {tmp_path / 'ours'}"
    assert main(command.split()) == 0
    seed = 3 if "seed" in arguments else None
    fitted = Classifier(**options, random_state=seed).fit(TEXTS, LABELS)
    fitted.model_.save(tmp_path / "theirs")
    assert weights(tmp_path / "ours") == weights(tmp_path / "theirs")
    ours: Any = munmaek.load(tmp_path / "ours")
    assert [each.label for each in ours.predict(TEXTS[:9])] == fitted.predict(TEXTS[:9]).tolist()


def test_a_search_in_two_processes_finds_what_each_process_trained() -> None:
    frame = pd.DataFrame({"text": TEXTS[:80], "label": LABELS[:80]})
    grid = {"learning_rate": np.array([1e-4, 2e-2])}
    # The processes import anew, outside of what pytest catches.
    with warnings.catch_warnings():
        search = GridSearchCV(Classifier(**SMALL, epochs=2), grid, cv=2, n_jobs=2)
        search.fit(frame["text"], frame["label"])
    assert search.best_params_ == {"learning_rate": 2e-2}
    alone = GridSearchCV(Classifier(**SMALL, epochs=2), grid, cv=2).fit(
        frame["text"], frame["label"]
    )
    assert np.allclose(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert search.predict(frame["text"]).shape == (80,)


def test_pipelines_folds_clones_and_calibration() -> None:
    ngram = Classifier(model="ngram", order=2)
    folds = cross_val_score(ngram, TEXTS, LABELS, cv=3)
    assert folds.min() > 1 / 4
    assert clone(ngram).get_params() == ngram.get_params()
    calibrated = CalibratedClassifierCV(ngram, cv=2).fit(TEXTS, LABELS)
    assert np.allclose(calibrated.predict_proba(TEXTS[:5]).sum(1), 1)
    frame = pd.DataFrame({"text": TEXTS, "length": [len(each) for each in TEXTS]})
    scores = LanguageModelScorer(order=2)
    both = ColumnTransformer([("lm", scores, "text")], remainder="passthrough")
    both.set_output(transform="pandas")
    columns = [f"lm__{each}" for each in LanguageModelScorer.COLUMNS]
    assert [*both.fit_transform(frame).columns] == [*columns, "remainder__length"]
    assert (
        0
        <= make_pipeline(both, StandardScaler(), LogisticRegression())
        .fit(frame, LABELS)
        .score(frame, LABELS)
        <= 1
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / "bert"
    options: dict[str, Any] = {"hidden_size": 16, "layers": 1, "heads": 2, "steps": 3}
    munmaek.train("mlm", TEXTS, model="bert", save=folder, **options)
    return folder


def test_an_embedder_is_trained_or_opened(encoder: Path) -> None:
    opened = Embedder(model=str(encoder)).fit(TEXTS)
    expected: Any = munmaek.load(encoder)
    assert (opened.transform(TEXTS[:4]) == expected.embed(TEXTS[:4])).all()
    assert opened.get_feature_names_out()[-1] == "embedder15"
    trained = Embedder(init=str(encoder), steps=2, random_state=1)
    assert not np.allclose(trained.fit_transform(TEXTS)[:4], expected.embed(TEXTS[:4]))
    search = make_pipeline(Embedder(model=str(encoder)), LogisticRegression())
    assert search.fit(TEXTS, LABELS).score(TEXTS, LABELS) > 1 / 4


def test_a_pickle_holds_the_files_of_a_folder_and_nothing_of_torch(
    encoder: Path, tmp_path: Path
) -> None:
    model = munmaek.load(encoder)
    fitted = Embedder(init=model, steps=2).fit(TEXTS)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    again = joblib.load(tmp_path / "fitted.joblib")
    assert (again.transform(TEXTS[:5]) == fitted.transform(TEXTS[:5])).all()
    told = {
        str(value).split()[0] for _, value, _ in pickletools.genops(pickle.dumps(fitted)) if value
    }
    assert any(each.startswith("munmaek.sklearn") for each in told)
    assert not any(each.startswith(("torch", "tokenizers")) for each in told)


def test_labels_of_every_type_come_back_as_they_were() -> None:
    numbers = np.array([len(each) % 3 for each in TEXTS])
    fitted = Classifier(model="ngram", order=2).fit(TEXTS, numbers)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.predict(TEXTS).dtype == numbers.dtype
    tens = np.where(numbers == 2, 10, numbers)  # which stand in another order as texts
    again = Classifier(model="ngram", order=2).fit(TEXTS, tens)
    assert np.allclose(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    with pytest.raises(ValueError, match=r"read as others are: '1\.0'"):
        Classifier(model="ngram").fit(TEXTS, ["1", "1.0", *["2"] * (len(TEXTS) - 2)])


def test_pairs_stand_in_two_columns_and_text_is_asked_for() -> None:
    pairs = pd.DataFrame({"a": TEXTS, "b": TEXTS[::-1]})
    options: dict[str, Any] = {"model": "rnn", "hidden_size": 8, "embedding_size": 8, "steps": 2}
    assert Classifier(**options).fit(pairs, LABELS).predict(pairs).shape == (len(TEXTS),)
    values = [float(len(each)) for each in TEXTS]
    assert Regressor(**options).fit(pairs, values).predict(pairs.to_numpy()).dtype == np.float64
    for wrong, message in {
        "a text": "a single string",
        3.5: r"text 0 .*3\.5",
        None: "text 0 .*None",
    }.items():
        with pytest.raises(ValueError, match=message):
            Classifier(model="ngram").fit(
                wrong if isinstance(wrong, str) else [wrong] * 4, [*"abab"]
            )
    with pytest.raises(InputError, match=r"array of \(2, 3\)"):
        Classifier(model="ngram").fit([["a", "b", "c"]] * 2, ["x", "y"])
    with pytest.raises(ValueError, match=f"each of {len(TEXTS)} texts, got 2"):
        Classifier(model="ngram").fit(TEXTS, ["x", "y"])


def test_several_labels_are_a_matrix_or_lists() -> None:
    lists = [
        [label, *(["short"] if len(text) < 12 else [])]
        for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    options: dict[str, Any] = {
        "model": "rnn",
        "hidden_size": 32,
        "embedding_size": 32,
        "epochs": 12,
    }
    options["learning_rate"] = 1e-2
    fitted = MultilabelClassifier(**options).fit(TEXTS, lists)
    matrix = MultiLabelBinarizer().fit_transform(lists)
    assert fitted.classes_.tolist() == sorted({*LABELS, "short"})
    assert (fitted.predict(TEXTS).sum(1) > 1).any()
    assert fitted.score(TEXTS, lists) == fitted.score(TEXTS, matrix) > 0.5
    with_numbers = MultilabelClassifier(**options).fit(TEXTS, matrix)
    assert with_numbers.classes_.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="a list of labels is wanted"):
        MultilabelClassifier(**options).fit(TEXTS, LABELS)


def test_a_random_state_is_the_seed() -> None:
    options: dict[str, Any] = {"hidden_size": 8, "embedding_size": 8, "steps": 1}

    def chances(state: Any) -> Any:
        fitted = Classifier(model="rnn", random_state=state, **options).fit(TEXTS, LABELS)
        return fitted.predict_proba(TEXTS[:3])

    trained = munmaek.train("classify", TEXTS, LABELS, model="rnn", seed=5, **options)
    wanted = np.exp(trained.logprobs(TEXTS[:3]))
    assert (chances(np.int64(5)) == wanted).all()
    assert not np.allclose(chances(None), wanted)
    assert (chances(np.random.RandomState(7)) == chances(np.random.RandomState(7))).all()


def test_scikit_learn_is_loaded_by_this_door_alone_and_missed_in_one_line() -> None:
    code = (
        "import sys, munmaek; munmaek.train; assert 'sklearn' not in sys.modules\n"
        "sys.modules['sklearn'] = None\n"
        "try:\n    import munmaek.sklearn\n"
        "except munmaek.MunmaekError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "this needs scikit-learn 1.6 or newer: pip install 'munmaek[sklearn]'\n"


def test_n_grams_do_without_torch() -> None:
    code = (
        "import importlib.machinery, sys\n"
        "class Hiding(importlib.machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        return None if name == 'torch' else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Hiding\n"
        "from munmaek.sklearn import Classifier\n"
        "texts, labels = ['a b', 'b c', 'c d', 'd a'] * 5, list('xyxy') * 5\n"
        "print(Classifier(model='ngram', order=2).fit(texts, labels).predict(texts).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "(20,)\n", done.stderr
