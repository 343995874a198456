"""Estimators of scikit-learn: ``munmaek.train`` where a Pipeline or a search over a grid wants one.

Each estimator has the options of ``munmaek train TASK`` as parameters, by their names there, and
trains the same model; ``options`` takes all others, as ``--set`` does. None is an option that is
not given. ``model`` is the stage, ``random_state`` the seed. A text stands in each row; where two
do, in two columns, they are read as a pair. The trained model itself is ``model_``.

Pickled, by joblib or by the processes of a search, an estimator holds the files of its model's
folder, which are read and checked as a folder's are: no object of torch is ever pickled.
"""

import inspect
from collections.abc import Sequence
from dataclasses import fields as fields_of_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.declared import class_value, fields_of
from munmaek.errors import InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.trained import Trained
from munmaek.models import stages_for
from munmaek.pipeline import train
from munmaek.tasks import task_named
from munmaek.tasks.content import Content
from munmaek.tasks.loading import load_for
from munmaek.text.given import given_texts

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )
except ImportError as error:
    message = "this needs scikit-learn 1.6 or newer: pip install 'munmaek[sklearn]'"
    raise UnsupportedError(message) from error

# Their functions have no complete types.
_multiclass: Any = import_module("sklearn.utils.multiclass")
_preprocessing: Any = import_module("sklearn.preprocessing")
_validation: Any = import_module("sklearn.utils.validation")

__all__ = [
    "Classifier",
    "Embedder",
    "LanguageModelScorer",
    "MultilabelClassifier",
    "Regressor",
]

Floats = NDArray[np.float64]
Columns = tuple[Sequence[str], ...]

_APART: Final = ("task", "stage", "model", "train", "seed")
"""Fields of a recipe that are no parameters, or have another name."""
_LARGEST_SEED: Final = 2**31 - 1


def _option_names(task: str) -> list[str]:
    """Return the options of ``munmaek train TASK``, those of all its stages, read without torch."""
    row, stages = task_named(task), stages_for(task)
    names = [name for name in fields_of(row.recipe) if name not in _APART]
    for owner in (*(each.config for each in stages), "munmaek.fit.config:TrainConfig"):
        names += [each.replace("-", "_") for each in class_value(owner, "options") or ()]
    names += [each.name for each in fields_of_dataclass(Extra) if each.name in row.besides]
    return list(dict.fromkeys(names))


class _Estimator(BaseEstimator):
    """A model of a task, trained by ``fit``."""

    _task: ClassVar[str]
    model: str
    model_: Any

    def __init_subclass__(cls, *, task: str = "", stage: str = "", **others: Any) -> None:
        """Give the class of a task its parameters, by which scikit-learn clones and searches."""
        cast("Any", super()).__init_subclass__(**others)
        if not task:
            return
        cls._task = task
        defaults = dict.fromkeys(("valid", "init", "random_state", *_option_names(task), "options"))
        defaults = {"model": stage, **defaults, "device": "auto"}

        def initialise(self: Any, **given: Any) -> None:
            for name in given.keys() - defaults.keys():
                message = (
                    f"{cls.__name__} has no parameter {name}; see get_params(), and options={{…}}"
                )
                raise TypeError(message)
            for name, default in defaults.items():
                setattr(self, name, given.get(name, default))

        kind = inspect.Parameter.KEYWORD_ONLY
        first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        each = [inspect.Parameter(name, kind, default=value) for name, value in defaults.items()]
        vars(initialise)["__signature__"] = inspect.Signature([first, *each])
        cls.__init__ = initialise

    def _given(self) -> dict[str, Any]:
        """Return the options of ``munmaek.train`` that are given."""
        values = cast("dict[str, Any]", self.get_params(deep=False))
        more: dict[str, Any] = values.pop("options") or {}
        state = values.pop("random_state")
        if isinstance(state, np.random.RandomState):
            state = int(state.randint(_LARGEST_SEED))
        given = {**values, "seed": state, **more}
        plain = {name: _plain(value) for name, value in given.items() if value is not None}
        return plain | {"model": self.model}

    def _train(self, *columns: Sequence[Any]) -> Any:
        return train(self._task, *columns, **self._given())

    def _trained(self) -> Any:
        """Return the trained model.

        Raises:
            NotFittedError: there is none yet.
        """
        _validation.check_is_fitted(self, "model_")
        return self.model_

    def _texts(self, X: Any) -> Columns:
        """Return the texts, or both sides of pairs."""
        return _columns(X)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: of models the files of their folders."""
        state = cast("dict[str, Any]", super().__getstate__())
        return {
            name: Content.of(value) if isinstance(value, Trained) else value
            for name, value in state.items()
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, and open the models in it."""
        opened = {
            name: value.opened() if isinstance(value, Content) else value
            for name, value in state.items()
        }
        cast("Any", super()).__setstate__(opened)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn is told: the input is text, not numbers in two dimensions."""
        tags = cast("Any", super().__sklearn_tags__())
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _plain(value: Any) -> Any:
    """Return a number of NumPy, as a search draws them, as Python's own."""
    return cast("Any", value).item() if isinstance(value, np.generic) else value


def _columns(X: Any) -> Columns:
    """Return one or two columns of texts.

    Raises:
        InputError: a single string, what is no string, or another number of columns.
    """
    if isinstance(X, str | bytes):
        raise InputError("texts are wanted, a list or a column of them, got a single string")
    rows = np.asarray(X if hasattr(X, "__len__") else list(X), dtype=object)
    if rows.ndim == 1:
        return (given_texts(rows.tolist()),)
    if rows.ndim != 2 or not 1 <= rows.shape[1] <= 2:
        message = f"a column of texts, or two of pairs, is wanted, got an array of {rows.shape}"
        raise InputError(message)
    return tuple(given_texts(column.tolist()) for column in rows.T)


def _target(estimator: Any, y: Any) -> NDArray[Any]:
    """Return the labels or numbers of a column.

    Raises:
        ValueError: there are none, one is missing, or they stand in several columns.
    """
    if y is None:
        name = type(estimator).__name__
        message = f"{name} requires y to be passed, but the target y is None"
        raise ValueError(message)
    found: NDArray[Any] = _validation.column_or_1d(y, warn=True)
    _validation.assert_all_finite(found, input_name="y")
    return found


def _check_lengths(columns: Columns, y: Any) -> None:
    if len(columns[0]) != len(y):
        message = f"a label is wanted for each of {len(columns[0])} texts, got {len(y)}"
        raise InputError(message)


class _Labels(_Estimator):
    """Parts that estimators share which give probabilities of labels."""

    classes_: NDArray[Any]

    def _fit_labels(self, columns: Columns, labels: Sequence[Any], classes: NDArray[Any]) -> Self:
        _check_lengths(columns, labels)
        self.model_ = self._train(*columns, labels)
        self.classes_ = classes
        names = [str(each) for each in classes.tolist()]
        if lost := sorted(set(names) - set(self.model_.labels)):
            message = f"labels that are read as others are: {', '.join(map(repr, lost[:5]))}"
            raise InputError(message)
        self._order = [self.model_.labels.index(name) for name in names]
        return self

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the natural-log probability of each label for each text: [N, C].

        The columns are those of ``classes_``.
        """
        model = self._trained()
        return model.logprobs(*self._texts(X))[:, self._order]

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each label for each text: [N, C], columns as ``classes_``."""
        return np.exp(self.predict_log_proba(X))


class Classifier(ClassifierMixin, _Labels, task="classify", stage="attention"):
    """Labels for texts or pairs of texts: ``Classifier(model="attention", budget="2m")``."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train on texts and their labels; the model is ``model_``, the labels ``classes_``.

        Raises:
            InputError: texts or labels that cannot be used; says which.
            ConfigError: an option that there is not, or a value out of range.
        """
        labels = _target(self, y)
        _multiclass.check_classification_targets(labels)
        classes = np.unique(labels)
        if len(classes) < 2:
            message = f"a classifier needs at least 2 classes, got one class: {classes.tolist()}"
            raise InputError(message)
        return self._fit_labels(self._texts(X), [str(each) for each in labels.tolist()], classes)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likeliest label of each text: [N]."""
        found = self.predict_log_proba(X).argmax(1)
        return self.classes_[found]


class MultilabelClassifier(ClassifierMixin, _Labels, task="classify", stage="attention"):
    """Several labels for a text, or none, each with a probability of its own.

    ``y`` is a matrix of 0 and 1, a column for each label, or a list of labels for each text;
    ``predict`` gives the matrix, whose columns are ``classes_``.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on texts and their labels; see ``Classifier.fit``."""
        if y is None:
            _target(self, y)
        matrix, classes = _indicators(y)
        names = [str(each) for each in classes.tolist()]
        rows = [[name for name, has in zip(names, row, strict=True) if has] for row in matrix]
        return self._fit_labels(self._texts(X), rows, classes)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return 1 for each label of probability ½ or more: [N, C]."""
        return (self.predict_proba(X) >= 0.5).astype(np.int64)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of texts with all labels right and no other."""
        known = None if hasattr(y, "shape") else self.classes_
        return cast("Any", super()).score(X, _indicators(y, known)[0], sample_weight)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn is told: a text may have several labels."""
        tags: Any = cast("Any", super()).__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def _indicators(y: Any, known: NDArray[Any] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return 1 for each label of each text [N, C], and the labels [C].

    Args:
        y: such a matrix, or lists of labels.
        known: labels of the lists; None takes those that occur.

    Raises:
        InputError: a list of labels that are no lists, or an array of another kind.
    """
    if hasattr(y, "shape"):
        if (kind := _multiclass.type_of_target(y)) != "multilabel-indicator":
            message = f"y: a matrix of 0 and 1, a column a label, is wanted, got {kind}"
            raise InputError(message)
        table: Any = y.toarray() if hasattr(y, "toarray") else y
        names: Any = getattr(y, "columns", None)
        found = np.asarray(table)
        return found, np.asarray(range(found.shape[1]) if names is None else names)
    if any(isinstance(each, str) or not hasattr(each, "__len__") for each in y):
        raise InputError("y: a list of labels is wanted for each text, got a label")
    binariser = _preprocessing.MultiLabelBinarizer(classes=known)
    return np.asarray(binariser.fit_transform(y)), np.array(list(binariser.classes_))


class Regressor(RegressorMixin, _Estimator, task="regress", stage="rnn"):
    """Numbers for texts or pairs of texts."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train on texts and their numbers; the model is ``model_``.

        Raises:
            InputError: texts or numbers that cannot be used; says which.
            ConfigError: an option that there is not, or a value out of range.
        """
        values = np.asarray(_target(self, y), dtype=np.float64)
        columns = self._texts(X)
        _check_lengths(columns, values)
        self.model_ = self._train(*columns, values.tolist())
        return self

    def predict(self, X: Any) -> Floats:
        """Return the number of each text: [N]."""
        return np.array([each.value for each in self._trained().rate(*self._texts(X))])


class _Reader(_Estimator):
    """An estimator trained on texts alone; ``model`` may be the folder of a model to open."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on texts, or open the model in the folder that ``model`` names.

        Args:
            X: texts.
            y: not used.

        Raises:
            InputError: texts that cannot be used; says which.
            ConfigError: an option that there is not, or a value out of range.
            UnsupportedError: the model in the folder is another task's.
        """
        del y
        columns = self._texts(X)
        opened = Path(self.model).is_dir()
        self.model_ = load_for(self.model, self._task) if opened else self._train(*columns)
        return self


class Embedder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Reader, task="embed", stage="bert"
):
    """A vector for each text.

    ``Embedder(model="bert", init="models/bert")`` trains one on the texts,
    ``Embedder(model="models/sentences")`` takes one that is trained.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on texts, or open the model in the folder that ``model`` names."""
        super().fit(X, y)
        self._n_features_out = self.model_.embed(["a"]).shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return a vector for each text: [N, D]."""
        return self._trained().embed(*self._texts(X))

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn is told: vectors are float32, whatever the texts stand in."""
        tags: Any = cast("Any", super()).__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


class LanguageModelScorer(TransformerMixin, _Reader, task="lm", stage="ngram"):
    """A language model's scores of each text: its probability, and measures made of it."""

    COLUMNS: ClassVar[tuple[str, ...]] = ("logprob", "tokens", "unknown", "perplexity")
    """Columns of ``transform``: nats; predictions, the end among them; unknown ones; per token."""

    def score_samples(self, X: Any) -> Floats:
        """Return the natural-log probability of each text as a sentence, in nats: [N]."""
        return np.array([each.logprob for each in self._trained().score(*self._texts(X))])

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the bits per character of all texts: the higher, the better.

        It does not depend on the tokenizer, so that a search may vary that too.
        """
        del y
        return -float(self._trained().total(*self._texts(X)).to_json()["bits_per_character"])

    def transform(self, X: Any) -> Floats:
        """Return ``COLUMNS`` of each text: [N, 4]."""
        found = self._trained().score(*self._texts(X))
        rows = [(each.logprob, len(each.tokens), each.unknown, each.perplexity) for each in found]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.COLUMNS))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns of ``transform``."""
        del input_features
        return np.array(self.COLUMNS, dtype=object)
